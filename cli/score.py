"""`groundcxr score`: stored predictions under another protocol, no model loaded."""

from __future__ import annotations

import typer

from ..core.config import STORE_FOLDER
from .arguments import (
    BatchSize,
    Conditions,
    DatasetLabel,
    Jobs,
    Labels,
    Limit,
    Methods,
    MinScore,
    Out,
    Pathology,
    Protocols,
    Settings,
    Store,
    Top,
    open_methods,
    open_protocols,
    titled,
)
from .data_sets import Datasets, Roots, Secret, Splits, Suite, check_label, plan_sets
from .places import Pythons


def score(
    method: Methods,
    dataset: Datasets = [],  # noqa: B006  (typer reads it as the default, nobody changes it)
    root: Roots = [],  # noqa: B006
    secret: Secret = None,
    split: Splits = [],  # noqa: B006
    protocol: Protocols = [],  # noqa: B006
    suite: Suite = None,
    batch_size: BatchSize = None,
    limit: Limit = None,
    pathology: Pathology = None,
    settings: Settings = [],  # noqa: B006
    label: Labels = [],  # noqa: B006
    python: Pythons = [],  # noqa: B006
    min_score: MinScore = None,
    top: Top = None,
    condition: Conditions = [],  # noqa: B006
    dataset_label: DatasetLabel = "",
    jobs: Jobs = None,
    *,
    out: Out,
    store: Store,
) -> None:
    """Score predictions that are in the store; no model is loaded.

    Takes what `evaluate` took, since method, weights and options name the predictions. Exit codes as there.
    """
    from ..evaluation import Run, score_entry
    from ..evaluation.box_choice import make_choice
    from .loading_sets import select_sets, under_each
    from .report import Report
    from .running import run_all

    answers = make_choice(min_score, top)
    plan = plan_sets(dataset, root, split, settings, protocol, suite)
    check_label(dataset_label, plan)
    entries = titled(open_methods(method, settings, python, to_run=False), label)
    protocols = open_protocols(plan.protocols)
    selections, missing = select_sets(plan.sets, secret, pathology, limit)
    place = store or out / STORE_FOLDER
    runs = {
        label: Run(
            selection,
            place,
            out,
            batch_size=batch_size,
            answers=answers,
            jobs=jobs,
            suite=plan.suite,
            dataset_label=dataset_label,
        )
        for label, selection in under_each(selections, condition).items()
    }
    report = Report()
    _, errors = run_all(
        entries,
        runs,
        protocols,
        lambda entry, run, fitting: score_entry(entry, fitting, run),
        before=missing,
        show=report.add,
    )
    raise typer.Exit(report.end(errors))
