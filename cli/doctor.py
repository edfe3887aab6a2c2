"""`groundcxr doctor`: what is missing or wrong in a data set's files."""

from __future__ import annotations

import typer

from ..core.sizes import counted
from .arguments import Settings
from .data_sets import PHANTOM, Dataset, Root, dataset_options


def doctor(dataset: Dataset = PHANTOM, root: Root = None, settings: Settings = []) -> None:  # noqa: B006
    """List what is missing or wrong in a data set's files.

    Exit code 0: nothing blocks a run; 1: something does.
    """
    from ..datasets import check_dataset
    from ..datasets.roots import configured_root

    findings = check_dataset(dataset, root, **dataset_options(settings, [dataset])[dataset])
    for finding in findings:
        typer.echo(f"{finding.level}: {finding.problem}" + (f"; {finding.step}" if finding.step else ""))
    errors = sum(finding.level == "error" for finding in findings)
    counts = f"{counted(errors, 'error')}, {counted(len(findings) - errors, 'warning')}"
    place = configured_root(dataset) if errors and root is None else None
    source = f" (the root is {place.place})" if place else ""
    typer.echo(f"{dataset}: {counts if findings else 'all is well'}{source}")
    raise typer.Exit(1 if errors else 0)
