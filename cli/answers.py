"""`groundcxr answers`: what a method wrote, for its user's eyes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core import GroundCXRError
from ..core.config import STORE_FOLDER
from ..core.names import escaped
from .arguments import Store
from .data_sets import Root, Secret
from .streams import tell

if TYPE_CHECKING:
    from ..core import Sample
    from ..evaluation.prediction import Prediction
    from ..evaluation.written import Reading
    from ..leaderboard.runs import Run

_DEEPEST = 5
"""Folders from a run to its results folder: METHOD, PROTOCOL, DATASET, imported, and one to spare."""


def answers(
    result: Annotated[Path, typer.Argument(help="A result.json, or its folder.")],
    unparseable: Annotated[bool, typer.Option("--unparseable", help="Only what could not be read.")] = False,
    root: Root = None,
    secret: Secret = None,
    *,
    store: Store,
) -> None:
    """Show what a method that answers in words wrote, beside the phrase and the boxes that were read.

    Texts are in the store and phrases in your copy of the data: neither is in the result, and nothing is written. Keep
    what is printed where the data is.
    """
    from ..datasets.roots import configured_roots
    from ..evaluation.written import describe, read, texts_info
    from ..leaderboard.joining import join
    from ..leaderboard.library import Library

    place = store or _store_of(result)
    library = Library.scan([result], place)
    if len(library.runs) != 1:
        problem = library.problems[0] if library.problems else f"{result} holds {len(library.runs)} results"
        raise GroundCXRError(f"{problem}; give one result.json, or its folder")
    run = library.runs[0]
    if run.info.texts is None:
        raise GroundCXRError(f"{run.label} does not answer in words (by {result}), so there are no texts to show")
    if run.predictions is None:
        raise GroundCXRError(
            f"the texts of {run.label} are in the store that it was run with, which is not beside {result}; give it "
            "with --store DIR"
        )
    data = run.info.dataset
    roots = configured_roots() | ({data.name: root} if root else {})
    if data.name != "phantom" and data.name not in roots:
        raise GroundCXRError(f"the phrases of {data.name} are in no result; say where your copy is with --root DIR")
    joined = join(data, roots, run.info.pathologies, secret=secret, condition=run.info.condition)
    if joined.reason:
        raise GroundCXRError(joined.reason)
    readings: list[Reading | None] = []
    for sample, prediction in _stored(run, joined.samples):
        answer, how = read(prediction, sample.image_size)
        readings.append(how)
        if how is not None and (how.kind == "unparseable" or not unparseable):
            typer.echo("\n".join(_lines(run, sample, prediction, answer, how)))
    found = texts_info(readings)
    if found is None:
        raise GroundCXRError(f"no text of {run.label} is in {run.predictions}; give the run's store with --store DIR")
    if missing := found.answers != run.info.texts.answers:
        tell(f"warning: the result counts {run.info.texts.answers} answers in words, and the store has {found.answers}")
    typer.echo(describe(found))
    raise typer.Exit(1 if missing else 0)


def _store_of(result: Path) -> Path | None:
    """The store beside a result, in the results folder that it is in."""
    above = (folder / STORE_FOLDER for folder in [*result.parents][:_DEEPEST])
    return next((folder for folder in above if folder.is_dir()), None)


def _stored(run: Run, samples: Mapping[str, Sample]) -> Iterator[tuple[Sample, Prediction]]:
    """Each row's sample with what is stored of it."""
    for sample_id in run.samples(["sample_id"])["sample_id"].astype(str):
        prediction = run.prediction(sample_id)
        if prediction is not None:
            yield samples[sample_id], prediction


def _lines(run: Run, sample: Sample, prediction: Prediction, answer: Prediction, how: Reading) -> Iterator[str]:
    """The lines about one sample, with escapes for what cannot be printed."""
    from ..core import Grounding

    said = f"{how.kind}{', repaired' if how.repaired else ''}"
    yield f"{sample.sample_id}  {escaped(sample.pathology)}  {said}"
    control = " (a control may have been asked another)" if run.info.method.control else ""
    yield f"  phrase  {escaped(sample.phrase)}{control}"
    text = (prediction.text if isinstance(prediction, Grounding) else None) or ""
    for number, line in enumerate(text.splitlines() or [""]):
        yield f"  {'wrote ' if number == 0 else '      '}  {escaped(line)}".rstrip()
    for box in answer.boxes if isinstance(answer, Grounding) else ():
        score = "" if box.score is None else f", score {box.score:.3g}"
        yield f"  box     {', '.join(f'{edge:.1f}' for edge in box.as_tuple())}{score}"
