"""Command-line options that several commands share, and what they mean."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core import GroundCXRError, unknown_name
from .places import Places
from .streams import tell

if TYPE_CHECKING:
    from ..datasets import GroundingDataset
    from ..evaluation import Entry
    from ..metrics import Protocol

DATASET_ALIAS = "dataset"

Methods = Annotated[
    list[str],
    typer.Option("--method", help="[ALIAS=]NAME or [ALIAS=]FILE.py[:CLASS]; may be given several times."),
]
Dataset = Annotated[str, typer.Option("--dataset", help="phantom, ms-cxr, manifest, or a plug-in's.")]
Root = Annotated[Path | None, typer.Option("--root", help="Folder or file of the data; not needed for phantom.")]
Split = Annotated[str | None, typer.Option("--split", help="A split's name; the data set's own default otherwise.")]
Secret = Annotated[
    Path | None,
    typer.Option("--secret", help="File that keys the ids of your own data; groundcxr-secret beside them otherwise."),
]
Protocols = Annotated[list[str], typer.Option("--protocol", help="May be given several times.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
BatchSize = Annotated[int | None, typer.Option("--batch-size", help="Images in a batch; the method's own otherwise.")]
Limit = Annotated[int | None, typer.Option("--limit", help="Only so many samples; the result is marked incomplete.")]
Pathology = Annotated[str | None, typer.Option("--pathology", help="Only this class; the result is marked incomplete.")]
Settings = Annotated[
    list[str],
    typer.Option(
        "--set",
        help="[ALIAS.]KEY=VALUE: an option of the methods (of one of them with its alias or name), "
        f"or of the data set with {DATASET_ALIAS}.KEY=VALUE.",
    ),
]
MinScore = Annotated[
    float | None,
    typer.Option("--min-score", help="Of a method's boxes only those of at least this score count; the store has all."),
]
Top = Annotated[
    int | None,
    typer.Option("--top", help="Only so many boxes of a sample count, the best-scored; after --min-score."),
]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", help="Processes that score; otherwise one for each processor where that is faster."),
]
Out = Annotated[Path, typer.Option("--out", help="Folder of the results.")]
Store = Annotated[Path | None, typer.Option("--store", help="Folder of the predictions; OUT/store otherwise.")]


def open_dataset(
    name: str, root: Path | None, split: str | None, settings: list[str], secret: Path | None
) -> GroundingDataset:
    """The data set with the options that ``--set dataset.KEY=VALUE`` gives; its warnings go to stderr.

    Raises:
        GroundCXRError: If it cannot be loaded, or takes no secret and one is given.
    """
    from ..datasets import DATASETS, load_dataset

    options: dict[str, Any] = dataset_options(settings)
    if secret is not None:
        if not DATASETS.get(name).private_ids:
            raise GroundCXRError(f"the ids of {name} are keyed with no secret; leave --secret out")
        options["secret"] = secret
    dataset = load_dataset(name, root, split, **options)
    for warning in dataset.warnings:
        tell(f"warning: {warning}")
    return dataset


def dataset_options(settings: list[str]) -> dict[str, str]:
    """What ``--set dataset.KEY=VALUE`` gives.

    Raises:
        GroundCXRError: If a key has an option of its own.
    """
    options = {key: value for alias, key, value in _parsed(settings) if alias == DATASET_ALIAS}
    for key, option in (("name", "dataset"), ("root", "root"), ("split", "split"), ("secret", "secret")):
        if key in options:
            raise GroundCXRError(f"--set {DATASET_ALIAS}.{key} is no option of a data set; write --{option} instead")
    return options


def open_methods(
    specs: list[str],
    settings: list[str],
    pythons: list[str] | None = None,
    timeout: float | None = None,
    *,
    to_run: bool = True,
) -> list[Entry]:
    """The methods with their options, by alias, each in its Python.

    Args:
        specs: What --method gives.
        settings: What --set gives.
        pythons: What --python gives.
        timeout: What --timeout gives.
        to_run: Whether they will be asked, so that what they require must be here.

    Raises:
        GroundCXRError: If two methods have one name, an option or a Python names no method, or one cannot be loaded.
    """
    from ..evaluation import make_entry
    from ..methods.loading import load_method_class

    places = Places(pythons or [], timeout)
    split = [split_alias(spec) for spec in specs]
    places.check_aliases((rest, alias) for alias, rest in split)
    classes: dict[str, tuple[str, Any]] = {}
    placed: dict[str, AbstractContextManager[None]] = {}
    for alias, rest in split:
        with places.of(rest, alias):
            method = load_method_class(rest, to_run=to_run)
        label = alias or method.name
        if label in classes or label == DATASET_ALIAS:
            raise GroundCXRError(f"the name {label!r} is taken; give the method another with --method ALIAS={rest}")
        classes[label] = rest, method
        placed[label] = places.of(rest, alias)
    chosen: dict[str, dict[str, str]] = {label: {} for label in classes}
    for alias, key, value in _parsed(settings):
        if alias == DATASET_ALIAS:
            continue
        if alias and alias not in classes:
            raise unknown_name("method in this run", alias, classes)
        for label in [alias] if alias else classes:
            chosen[label][key] = value
    entries: list[Entry] = []
    for label, (spec, method) in classes.items():
        with placed[label]:
            entries.append(make_entry(method, label=label, settings=chosen[label], spec=spec))
    places.check_timeout(entry.method for entry in entries)
    return entries


def split_alias(spec: str) -> tuple[str, str]:
    """The alias of a method as typed, "" without one, and what follows it."""
    alias, _, rest = spec.partition("=") if re.match(r"[\w.-]+=", spec) else ("", "", spec)
    return alias, rest


def open_protocols(names: list[str]) -> list[Protocol]:
    """The protocols, each once."""
    from ..metrics import get_protocol

    return [get_protocol(name) for name in dict.fromkeys(names)]


def _parsed(settings: list[str]) -> list[tuple[str, str, str]]:
    """(alias, key, value) of each setting; the alias is "" where there is none.

    Raises:
        GroundCXRError: If a setting has no ``=``.
    """
    parsed: list[tuple[str, str, str]] = []
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise GroundCXRError(f"--set {setting!r} does not fit: write [ALIAS.]KEY=VALUE")
        alias, _, key = name.rpartition(".")
        parsed.append((alias, key, value))
    return parsed
