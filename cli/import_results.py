"""`groundcxr import`: results and predictions that were made elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..core import GroundCXRError
from ..core.config import STORE_FOLDER
from .arguments import (
    DatasetLabel,
    Jobs,
    Labels,
    Limit,
    MinScore,
    Out,
    Pathology,
    Protocols,
    Settings,
    Store,
    Top,
    open_protocols,
    titled,
)
from .data_sets import PHANTOM, Dataset, Root, Secret, Split


def import_results(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="result.json files (or their folders, or a whole folder of results) with samples.parquet beside them; "
            "or a folder of maps SAMPLE_ID.npy, .npz or .png and/or a COCO results JSON of boxes; or, with --preset, a "
            "file of JSON lines with sample_id and text."
        ),
    ],
    name: Annotated[str | None, typer.Option("--name", help="Of predictions: the method's name in tables.")] = None,
    label: Labels = [],  # noqa: B006  (typer reads it as the default, nobody changes it)
    kind: Annotated[
        str, typer.Option("--kind", help="Of predictions: diffusion, contrastive, box, control or other.")
    ] = "other",
    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            metavar="NAME|FILE.toml",
            help="Of texts: whose coordinates they hold, such as maira2; the method's name where --name gives none.",
        ),
    ] = None,
    trained_on: Annotated[
        list[str],
        typer.Option(
            "--trained-on",
            metavar="DATA",
            help="Of predictions: a data set that the method has seen, such as 'MIMIC-CXR train'; may be given several "
            "times. Tables say 'seen' by it.",
        ),
    ] = [],  # noqa: B006
    dataset: Dataset = PHANTOM,
    root: Root = None,
    secret: Secret = None,
    split: Split = None,
    protocol: Protocols = [],  # noqa: B006  (typer reads it as the default, nobody changes it)
    limit: Limit = None,
    pathology: Pathology = None,
    settings: Settings = [],  # noqa: B006
    min_score: MinScore = None,
    top: Top = None,
    dataset_label: DatasetLabel = "",
    jobs: Jobs = None,
    *,
    out: Out,
    store: Store,
) -> None:
    """Bring in somebody else's results, or score predictions that were made elsewhere.

    A result is checked (schema, hashes, counts, averages, intervals) and copied. Predictions are scored on the data set
    named by the options, which results do not need; `groundcxr samples` writes the sample ids. Both go to OUT/imported,
    and every table says so.

    Exit code 0: all is well; 1: some results could not be imported, or some samples failed; 2: nothing was imported.

    Examples:
    groundcxr import theirs/result.json

    groundcxr import maps/ --name theirs --dataset ms-cxr --root /data/physionet
    """
    from ..evaluation.foreign import results_below, what_is

    below = [results_below(path) for path in files]
    files = [one for path, (folders, _) in zip(files, below, strict=True) for one in folders or [path]]
    skipped = [sentence for _, sentences in below for sentence in sentences]
    for sentence in skipped:
        sys.stderr.write(f"warning: {sentence}\n")
    kinds = ["texts" if preset else what_is(path) for path in files]
    results = [path for path, what in zip(files, kinds, strict=True) if what == "result"]
    predictions = [path for path, what in zip(files, kinds, strict=True) if what != "result"]
    if results and predictions:
        raise GroundCXRError(
            f"{results[0]} is a result and {predictions[0]} holds predictions; import them one after the other"
        )
    if results and (min_score is not None or top is not None):
        raise GroundCXRError(f"{results[0]} is a result, scored already; --min-score and --top are for predictions")
    if results and label:
        raise GroundCXRError(
            f"{results[0]} is a result, which is copied as it is; leave out --label, and rename it where it is shown: "
            "groundcxr export --rename OLD=NEW"
        )
    if results and trained_on:
        raise GroundCXRError(
            f"{results[0]} is a result, which is copied as it is and says itself what its method was trained on; leave "
            "out --trained-on, which is for predictions"
        )
    if results and dataset_label:
        raise GroundCXRError(
            f"{results[0]} is a result, which is copied as it is; leave out --dataset-label, which is for predictions"
        )
    if results:
        raise typer.Exit(_import_results(results, out) or bool(skipped))
    from ..evaluation import select
    from ..evaluation.box_choice import make_choice
    from ..evaluation.import_predictions import ForeignPredictions
    from ..methods.boxes.presets import preset as preset_of
    from .loading_sets import open_dataset
    from .report import Report
    from .running import run_all

    way = preset_of(preset) if preset else None
    name = name or (way.name if way else None)
    if not name:
        raise GroundCXRError(f"{predictions[0]} holds predictions; say whose they are with --name NAME")
    answers = make_choice(min_score, top)
    selection = select(open_dataset(dataset, root, split, settings, secret), pathology=pathology, limit=limit)
    foreign = ForeignPredictions(predictions, selection, name=name, kind=kind, preset=way, trained_on=trained_on)
    (foreign.entry,) = titled([foreign.entry], label)
    protocols = open_protocols(protocol)
    place = store or out / STORE_FOLDER
    report = Report()
    _, errors = run_all(
        [foreign.entry],
        {dataset: foreign},
        protocols,
        lambda _, one, fitting: one.score(fitting, out, place, answers, jobs, dataset_label),
        show=report.add,
    )
    raise typer.Exit(report.end(errors))


def _import_results(paths: list[Path], out: Path) -> int:
    """Import each result, whatever becomes of the others; the exit code."""
    from ..evaluation.import_result import import_result

    failed = 0
    for path in paths:
        try:
            imported = import_result(path, out)
        except GroundCXRError as error:
            sys.stderr.write(f"error: {error}\n")
            failed += 1
            continue
        for note in imported.notes:
            sys.stderr.write(f"warning: {note}\n")
        typer.echo(imported.result.path)
    if failed == len(paths):
        return 2
    return 1 if failed else 0
