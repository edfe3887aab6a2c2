"""`evaluate`: methods on data sets under protocols."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from ..core import GroundCXRError
from ..core.config import STORE_FOLDER
from ..core.progress import without_progress
from .aliases import split_alias
from .arguments import (
    BatchSize,
    Conditions,
    DatasetLabel,
    Device,
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
    Version,
    open_methods,
    open_protocols,
    titled,
)
from .data_sets import Datasets, Roots, Secret, Splits, Suite, check_label, plan_sets
from .places import Places, Pythons, Timeout
from .streams import traced

if TYPE_CHECKING:
    from ..evaluation import Entry, Shard
    from ..evaluation.executors import Executor

LOCAL = "local"
"""What an address of a Ray cluster is where none is given: that of one of this machine, which is started."""


class EvaluateCommand(typer.core.TyperCommand):
    """A command whose ``--help`` also shows the options of the methods named on the command line."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line, on which ``--ray`` may stand without an address; Typer knows no such options."""
        return super().parse_args(ctx, with_ray_address(args))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the command's help, then a table of options for each method."""
        super().format_help(ctx, formatter)
        from .listing import method_help

        places = Places(_given("--python"), None)
        for alias, spec in map(split_alias, _given("--method")):
            with places.of(spec, alias):
                method_help(spec)


def _given(option: str) -> list[str]:
    """The values that an option has on the command line."""
    words = sys.argv[1:]
    given = [value for flag, value in pairwise(words) if flag == option]
    return given + [word.removeprefix(f"{option}=") for word in words if word.startswith(f"{option}=")]


def with_ray_address(words: list[str]) -> list[str]:
    """The words of a command line, with the address of a cluster of this machine where ``--ray`` has none."""
    spelt: list[str] = []
    for word, after in zip(words, [*words, "-"][1:], strict=True):
        spelt.append(f"--ray={LOCAL}" if word == "--ray" and after.startswith("-") else word)
    return spelt


def evaluate(
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
    timeout: Timeout = None,
    min_score: MinScore = None,
    top: Top = None,
    condition: Conditions = [],  # noqa: B006
    dataset_label: DatasetLabel = "",
    jobs: Jobs = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Make predictions again that are in the store.")
    ] = False,
    shard: Annotated[
        str | None,
        typer.Option("--shard", help="i/n: only fill the store with part i of n; `groundcxr score` ends it."),
    ] = None,
    stop_after_failures: Annotated[
        int | None,
        typer.Option(
            "--stop-after-failures",
            help="End a method on a data set after so many failed samples; the store keeps all.",
        ),
    ] = None,
    plan_only: Annotated[
        bool, typer.Option("--dry-run", help="Only say what is left to do, and the time and space it would take.")
    ] = False,
    ray: Annotated[
        str | None,
        typer.Option(
            "--ray",
            metavar="[ADDRESS]",
            help="Ground on the workers of a Ray cluster: HOST:PORT or auto; without an address one of this machine.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="With --ray: how many; as many as the cluster holds otherwise.")
    ] = None,
    gpus_per_worker: Annotated[
        float | None,
        typer.Option("--gpus-per-worker", help="With --ray: 1 where there are GPUs; 0.5 lets two workers share one."),
    ] = None,
    cpus_per_worker: Annotated[int | None, typer.Option("--cpus-per-worker", help="With --ray: 1 otherwise.")] = None,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="No progress and no table for each method: only the overview of all."),
    ] = False,
    version: Version = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="The whole traceback of what a method raises, on standard error."),
    ] = False,
    *,
    device: Device,
    out: Out,
    store: Store,
) -> None:
    """Evaluate methods on data sets and print a table per pathology for each.

    Predictions that are in the store are not computed again, except those that failed: an interrupted run goes on
    where it was. A method is loaded once, whatever the number of data sets.

    Exit code 0: every sample was scored; 1: some failed, or a method or data set could not be run; 2: nothing could be
    run.

    Examples:
    evaluate --method my_method.py --method center-prior --dataset phantom --limit 40

    evaluate --method biovil --dataset ms-cxr --root /data/physionet --protocol v1

    evaluate --method a=clip --method b=clip --set b.mode=csa --dataset phantom --quiet
    """
    from ..evaluation import Run, Shard, ground_shard, run_entry
    from ..evaluation.box_choice import make_choice
    from ..evaluation.dry_run import dry_run
    from .forecast import tell_forecasts
    from .loading_sets import select_sets, under_each
    from .report import Report, tell_shard
    from .running import run_all, run_each

    answers = make_choice(min_score, top)
    part = Shard.parse(shard) if shard else None
    plan = plan_sets(dataset, root, split, settings, protocol, suite)
    check_label(dataset_label, plan)
    with _executor(ray, part, workers, gpus_per_worker, cpus_per_worker) as executor:
        with traced(debug):
            entries = titled(open_methods(method, settings, python, timeout), label)
        protocols = open_protocols(plan.protocols)
        selections, missing = select_sets(plan.sets, secret, pathology, limit)
        place = store or out / STORE_FOLDER
        runs = {
            label: Run(
                selection,
                place,
                out,
                device,
                batch_size,
                answers,
                overwrite=overwrite,
                stop_after_failures=stop_after_failures,
                jobs=jobs,
                executor=executor,
                suite=plan.suite,
                dataset_label=dataset_label,
                debug=debug,
            )
            for label, selection in under_each(selections, condition).items()
        }
        if plan_only:
            found, errors = run_all(
                entries, runs, protocols, lambda entry, run, _: [dry_run(entry, run, part)], before=missing
            )
            raise typer.Exit(tell_forecasts(found, errors, place))

        def holding(entry: Entry) -> AbstractContextManager[None]:
            return executor.holding(entry.method)

        if part is not None:
            failed, errors = run_each(
                entries, runs, lambda entry, run: [ground_shard(entry, run, part)], holding, missing, debug=debug
            )
            raise typer.Exit(tell_shard(part, place, [one.outcome for one in failed], errors))
        report = Report(quiet=quiet)
        with without_progress() if quiet else nullcontext():
            _, errors = run_all(
                entries,
                runs,
                protocols,
                lambda entry, run, fitting: run_entry(entry, fitting, run),
                holding,
                missing,
                show=report.add,
                debug=debug,
            )
    raise typer.Exit(report.end(errors))


def _executor(
    address: str | None, part: Shard | None, workers: int | None, gpus: float | None, cpus: int | None
) -> AbstractContextManager[Executor]:
    """Who grounds, for the time of a run."""
    from ..evaluation.executors import LocalExecutor

    if address is None:
        given = {"--workers": workers, "--gpus-per-worker": gpus, "--cpus-per-worker": cpus}
        for option, value in given.items():
            if value is not None:
                raise GroundCXRError(f"{option} is an option of --ray; add --ray, or leave it out")
        return nullcontext(LocalExecutor())
    if part is not None:
        raise GroundCXRError("--shard and --ray both divide the work; leave one of them out")
    from ..evaluation.executors.ray import RayExecutor

    return RayExecutor(address, workers=workers, gpus=gpus, cpus=1 if cpus is None else cpus)
