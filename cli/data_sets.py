"""The data sets of a run: `--dataset`, `--root`, `--split`, `--set dataset.KEY=` and `--suite`."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from ..core import GroundCXRError, unknown_name
from ..core.paths import user_path
from .aliases import split_alias
from .arguments import DATASET_ALIAS, of_dataset, parsed_settings

if TYPE_CHECKING:
    from ..evaluation.schema import SuiteInfo

T = TypeVar("T")

PHANTOM = "phantom"
"""The data set of a command that names none."""

Dataset = Annotated[
    str, typer.Option("--dataset", help="A name of `groundcxr list datasets`: phantom, ms-cxr, manifest, ...")
]
Root = Annotated[
    Path | None,
    typer.Option(
        "--root",
        help="Folder or file of the data; not needed for phantom, nor where `groundcxr config` shows it.",
    ),
]
Split = Annotated[str | None, typer.Option("--split", help="A split's name; the data set's own default otherwise.")]
Secret = Annotated[
    Path | None,
    typer.Option("--secret", help="File that keys the ids of your own data; groundcxr-secret beside them otherwise."),
]

Datasets = Annotated[
    list[str],
    typer.Option(
        "--dataset",
        help=f"[ALIAS=]NAME, a name of `groundcxr list datasets`; {PHANTOM} otherwise; may be given several times.",
    ),
]
Roots = Annotated[
    list[str],
    typer.Option(
        "--root",
        help="[ALIAS=]DIR: folder or file of the data, of one of several data sets with its alias or name; not needed "
        "for phantom, nor where `groundcxr config` shows it.",
    ),
]
Splits = Annotated[
    list[str],
    typer.Option(
        "--split",
        help="[ALIAS=]SPLIT: of all data sets, or of one with its alias or name; each one's own default otherwise.",
    ),
]
Suite = Annotated[
    str | None,
    typer.Option(
        "--suite",
        metavar="NAME|FILE.toml",
        help="Data sets and protocols of a suite, instead of --dataset, --split and --protocol.",
    ),
]


@dataclass(frozen=True)
class Wanted:
    """A data set as the command line names it.

    Attributes:
        label: Its alias, or its name.
        name: Of `groundcxr list datasets`.
        root: Where it is; None for what the configuration says.
        split: None for its own default.
        options: Its own options.
    """

    label: str
    name: str
    root: Path | None = None
    split: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """What is run on, not yet loaded.

    Attributes:
        sets: The data sets, each with a label of its own.
        protocols: The names of the protocols.
        suite: The suite that says both; None where options do.
    """

    sets: tuple[Wanted, ...]
    protocols: tuple[str, ...]
    suite: SuiteInfo | None = None


def check_label(label: str, plan: Plan) -> None:
    """Refuse one label for several data sets.

    Args:
        label: What --dataset-label gives; "" for nothing.
        plan: What is run on.

    Raises:
        GroundCXRError: If there are several.
    """
    if label and len(plan.sets) > 1:
        raise GroundCXRError(
            f"--dataset-label names one data set, and {len(plan.sets)} are evaluated; evaluate each by itself"
        )


def plan_sets(
    datasets: Sequence[str],
    roots: Sequence[str],
    splits: Sequence[str],
    settings: Sequence[str],
    protocols: Sequence[str],
    suite: str | None,
) -> Plan:
    """What the options name, with absolute paths, since a method may change the current folder as it is loaded.

    Raises:
        GroundCXRError: If two data sets have one name, an option names none of the run, or a suite cannot be used.
    """
    if suite is not None:
        return _of_suite(suite, datasets, roots, splits, settings, protocols)
    named: dict[str, str] = {}
    for spec in datasets or [PHANTOM]:
        alias, name = split_alias(spec)
        label = alias or name
        if label in named:
            raise GroundCXRError(f"the name {label!r} is taken; give the data set another with --dataset ALIAS={name}")
        named[label] = name
    options, places, chosen = dataset_options(settings, named), _roots(roots, named), _splits(splits, named)
    sets = [Wanted(one, name, places.get(one), chosen.get(one), options[one]) for one, name in named.items()]
    return Plan(tuple(sets), tuple(protocols))


def _of_suite(
    spec: str,
    datasets: Sequence[str],
    roots: Sequence[str],
    splits: Sequence[str],
    settings: Sequence[str],
    protocols: Sequence[str],
) -> Plan:
    from ..evaluation.suites import load_suite

    own = [alias for alias, _, _ in parsed_settings(settings) if of_dataset(alias)]
    said = {"--dataset": datasets, "--split": splits, "--protocol": protocols, f"--set {DATASET_ALIAS}.KEY": own}
    for option, given in said.items():
        if given:
            raise GroundCXRError(f"a suite says itself what {option} says; leave one of {option} and --suite out")
    suite = load_suite(spec)
    places = _roots(roots, {one.label: one.dataset for one in suite.sets})
    sets = [Wanted(one.label, one.dataset, places.get(one.label), one.split, one.words()) for one in suite.sets]
    return Plan(tuple(sets), tuple(suite.protocols), suite.info)


def dataset_options(settings: Sequence[str], labels: Collection[str]) -> dict[str, dict[str, str]]:
    """What ``--set dataset.KEY=VALUE`` gives to all data sets, and ``dataset.LABEL.KEY`` to one, which counts more.

    Args:
        settings: What --set gives.
        labels: The data sets of the run.

    Raises:
        GroundCXRError: If a key has an option of its own, or a label is none of these.
    """
    of_all: dict[str, str] = {}
    of_one: dict[str, dict[str, str]] = {label: {} for label in labels}
    for alias, key, value in parsed_settings(settings):
        if not of_dataset(alias):
            continue
        for own, option in (("name", "dataset"), ("root", "root"), ("split", "split"), ("secret", "secret")):
            if key == own:
                raise GroundCXRError(f"--set {alias}.{key} is no option of a data set; write --{option} instead")
        label = alias.removeprefix(DATASET_ALIAS).removeprefix(".")
        if label and label not in of_one:
            raise unknown_name("data set in this run", label, of_one)
        (of_one[label] if label else of_all)[key] = value
    return {label: {**of_all, **options} for label, options in of_one.items()}


def _roots(roots: Sequence[str], named: Mapping[str, str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for text in roots:
        alias, rest = split_alias(text)
        if alias and _is_there(text) and not _is_there(rest):
            alias, rest = "", text  # a path that holds a "="
        if alias and not _is_of_run(alias, named):
            if len(named) > 1 or _is_there(rest):
                raise unknown_name("data set in this run", alias, named)
            alias, rest = "", text
        if not alias and len(named) > 1:
            raise GroundCXRError(
                f"--root {text} does not say which data set is there; write ALIAS=DIR, such as {next(iter(named))}=DIR"
            )
        label = alias or next(iter(named))
        if label in found:
            raise GroundCXRError(f"--root is given twice for {label}; give each data set one root")
        found[label] = user_path(rest).absolute()
    return _by_label(found, named)


def _is_there(path: str) -> bool:
    return os.path.lexists(os.path.expanduser(path))  # noqa: PTH111  # unlike Path's it never fails


def _splits(splits: Sequence[str], named: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in splits:
        alias, split = split_alias(text)
        if alias and not _is_of_run(alias, named):
            raise unknown_name("data set in this run", alias, named)
        if alias in found:
            raise GroundCXRError(f"--split is given twice for {alias or 'all data sets'}; give each one split")
        found[alias] = split
    of_all = dict.fromkeys(named, found[""]) if "" in found else {}
    return of_all | _by_label(found, named)


def _is_of_run(given: str, named: Mapping[str, str]) -> bool:
    """Whether it is a label of the run, or the name of a data set that stands there under another."""
    return given in named or given in named.values()


def _by_label(found: Mapping[str, T], named: Mapping[str, str]) -> dict[str, T]:
    """What is given by label or, where that is no other's label, by name; the label counts more.

    Args:
        found: What is given, by what it is given for.
        named: The name of each label's data set.
    """
    by_name = {label: found[name] for label, name in named.items() if name in found and name not in named}
    return by_name | {label: found[label] for label in named if label in found}
