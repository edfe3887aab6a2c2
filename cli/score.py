"""`groundcxr score`: stored predictions under another protocol, no model loaded."""

from __future__ import annotations

from pathlib import Path

import typer

from .arguments import (
    BatchSize,
    Dataset,
    Jobs,
    Limit,
    Methods,
    MinScore,
    Out,
    Pathology,
    Protocols,
    Root,
    Secret,
    Settings,
    Split,
    Store,
    Top,
    open_dataset,
    open_methods,
    open_protocols,
)
from .places import Pythons


def score(
    method: Methods,
    dataset: Dataset = "phantom",
    root: Root = None,
    secret: Secret = None,
    split: Split = None,
    protocol: Protocols = ["v1"],  # noqa: B006  (typer reads it as the default, nobody changes it)
    batch_size: BatchSize = None,
    limit: Limit = None,
    pathology: Pathology = None,
    settings: Settings = [],  # noqa: B006
    python: Pythons = [],  # noqa: B006
    min_score: MinScore = None,
    top: Top = None,
    out: Out = Path("results"),
    store: Store = None,
    jobs: Jobs = None,
) -> None:
    """Score predictions that are in the store; no model is loaded.

    Takes what `evaluate` took, since method, weights and options name the predictions. Exit codes as there.
    """
    from ..evaluation import Run, score_entry, select
    from ..evaluation.box_choice import make_choice
    from .running import run_all
    from .tables import report

    answers = make_choice(min_score, top)
    entries = open_methods(method, settings, python, to_run=False)
    protocols = open_protocols(protocol)
    selection = select(open_dataset(dataset, root, split, settings, secret), pathology=pathology, limit=limit)
    run = Run(selection, store or out / "store", out, batch_size=batch_size, answers=answers, jobs=jobs)
    raise typer.Exit(report(*run_all(entries, protocols, lambda entry, fitting: score_entry(entry, fitting, run))))
