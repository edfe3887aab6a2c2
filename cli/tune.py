"""`groundcxr tune`: embeddings of place words for a diffusion model, trained without a box of a finding."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..core import GroundCXRError
from ..methods.diffusion.ldm.recipes import RecipeName
from .arguments import Device, Settings, open_methods
from .data_sets import PHANTOM, Dataset, Root, Secret

LeaveOut = Annotated[
    list[str],
    typer.Option(
        "--leave-out",
        metavar="NAME:ROOT",
        help="Not the patients and images of this data set, which is to be tested on; may be given several times.",
    ),
]


def tune(
    method: Annotated[str, typer.Argument(help="ldm, with --set weights=, or ldm-phantom.")],
    out: Annotated[Path, typer.Option("--out", help="The book's folder; a run that was stopped goes on there.")],
    dataset: Dataset = PHANTOM,
    root: Root = None,
    secret: Secret = None,
    split: Annotated[
        str | None, typer.Option("--split", help="A split's name; train otherwise, of a manifest all.")
    ] = None,
    leave_out: LeaveOut = [],  # noqa: B006  (typer reads it as the default, nobody changes it)
    anatomy: Annotated[
        str | None,
        typer.Option("--anatomy", help="Table of places, of `groundcxr anatomy`; of phantom the phantom's own."),
    ] = None,
    recipe: Annotated[RecipeName, typer.Option("--recipe", help="What is trained, see docs/tuning.md.")] = (
        RecipeName.WORDS
    ),
    steps: Annotated[int | None, typer.Option("--steps", help="How many; the recipe's own number otherwise.")] = None,
    images_of: Annotated[
        str | None,
        typer.Option("--images-of", metavar="NAME", help="Whose images a manifest names, such as MIMIC-CXR."),
    ] = None,
    settings: Settings = [],  # noqa: B006
    *,
    device: Device,
) -> None:
    """Train embeddings of place words, so that a diffusion model's attention goes where a phrase says.

    The network stays as it is. What is trained on are images, their phrases, and a table of where the places of the
    chest usually are. `evaluate --set ldm.embeddings=OUT` reads the book. Exit code 0: it is whole.
    """
    from ..core.place_table import PlaceTable
    from ..datasets.leave_out import left_out
    from ..evaluation.tune import tune as train
    from .loading_sets import open_dataset
    from .streams import tell

    (entry,) = open_methods([method], settings)
    if anatomy is None and dataset != PHANTOM:
        raise GroundCXRError(
            "where the places of the chest are must be said: --anatomy FILE, which `groundcxr anatomy` makes"
        )
    table = PlaceTable.load(anatomy or PHANTOM)
    apart = left_out(leave_out)
    loaded = open_dataset(dataset, root, split or ("all" if dataset == "manifest" else "train"), settings, secret)
    samples = apart.without(loaded)
    if len(samples) < len(loaded):
        tell(f"note: {len(loaded) - len(samples):,} of {len(loaded):,} samples are left out")
    found = train(entry.method, loaded, samples, recipe, table, out, device=device, steps=steps, images_of=images_of)
    if found.frozen:
        tell(f"note: other words are made of the same tokens, so these stay as they are: {', '.join(found.frozen)}")
    done = "was whole already" if found.done_before else f"is whole after {found.steps:,} steps"
    typer.echo(
        f"{out} {done}: {len(found.words)} embeddings, of {found.phrases:,} phrases on {found.images:,} images "
        f"({found.unused:,} phrases name no place)"
    )
    typer.echo(f"Read it with --set {entry.label}.embeddings={out}")
