"""`groundcxr ground`: one picture, for looking."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core import GroundCXRError
from .arguments import Device, Settings, open_methods
from .output import check_output, write_output
from .places import Pythons, Timeout
from .streams import tell


def ground(
    method: Annotated[str, typer.Option("--method", help="NAME or FILE.py[:CLASS].")],
    image: Annotated[Path, typer.Option("--image", help="PNG, JPEG or DICOM.")],
    phrase: Annotated[list[str], typer.Option("--phrase", help="May be given several times.")],
    out: Annotated[Path, typer.Option("--out", help="The PNG file to write.")],
    settings: Settings = [],  # noqa: B006  (typer reads it as the default, nobody changes it)
    python: Pythons = [],  # noqa: B006
    timeout: Timeout = None,
    *,
    device: Device,
) -> None:
    """Ground phrases in one image and draw what the method answers."""
    from ..core import Query, Radiograph, read_header
    from ..core.doubts import ORIENTED
    from ..evaluation.answer_doubts import AnswerDoubts
    from ..evaluation.asking import ground_safely, letting_go, require_image_method, set_up
    from ..evaluation.early_warning import marks_nothing
    from ..evaluation.picture import draw
    from ..evaluation.prediction import Failure
    from ..evaluation.provenance import resolve_device
    from ..evaluation.written import read

    if out.suffix.lower() != ".png":
        raise GroundCXRError(f"the picture is a PNG; give --out a name that ends in .png, not {out.name}")
    check_output(out)
    (entry,) = open_methods([method], settings, python, timeout)
    require_image_method(entry.method)
    radiograph = Radiograph.open(image)
    for note in [*radiograph.notes, *([ORIENTED] if read_header(image).orientation != 1 else [])]:
        tell(f"warning: {note}")
    with letting_go(entry.method):
        set_up(entry.method, resolve_device(device, entry.method))
        made = ground_safely(entry.method, [Query(radiograph, text, "") for text in phrase])
    answers = [read(answer, radiograph.size)[0] for answer in made]
    write_output(out, draw(radiograph, list(zip(phrase, answers, strict=True)), entry.label))
    doubts = AnswerDoubts()
    for number, (text, answer) in enumerate(zip(phrase, answers, strict=True), start=1):
        if isinstance(answer, Failure):
            tell(f"{text!r} failed: {answer}")
        else:
            if marks_nothing(answer):
                tell(f"warning: {text!r}: nothing is marked (no box, and no map or one of equal values)")
            doubts.add(answer, radiograph.size, f"phrase {number}", text)
    for doubt in doubts.doubts():
        tell(f"warning: {doubt}")
    typer.echo(out)
    raise typer.Exit(1 if any(isinstance(answer, Failure) for answer in answers) else 0)
