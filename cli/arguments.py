"""Command-line options that several commands share, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import __version__
from ..core import DEFAULT_PROTOCOL, GroundCXRError, unknown_name
from ..core.config import STORE, configured_path, results_folder
from ..core.names import printable
from .aliases import split_alias
from .places import Places

if TYPE_CHECKING:
    from ..evaluation import Entry
    from ..metrics import Protocol

DATASET_ALIAS = "dataset"

Methods = Annotated[
    list[str],
    typer.Option("--method", help="[ALIAS=]NAME or [ALIAS=]FILE.py[:CLASS]; may be given several times."),
]
Labels = Annotated[
    list[str],
    typer.Option(
        "--label",
        metavar="ALIAS=TEXT",
        help="What tables and figures call a method, such as medrpg='MedRPG (ours)'; may be given several times.",
    ),
]
Protocols = Annotated[
    list[str], typer.Option("--protocol", help=f"{DEFAULT_PROTOCOL} otherwise; may be given several times.")
]
BatchSize = Annotated[int | None, typer.Option("--batch-size", help="Images in a batch; the method's own otherwise.")]
Limit = Annotated[
    int | None, typer.Option("--limit", help="Only the first so many samples; the result is marked incomplete.")
]
Pathology = Annotated[str | None, typer.Option("--pathology", help="Only this class; the result is marked incomplete.")]
Settings = Annotated[
    list[str],
    typer.Option(
        "--set",
        help="[ALIAS.]KEY=VALUE: an option of the methods (of one of them with its alias or name, which counts more), "
        f"of the data sets with {DATASET_ALIAS}.KEY=VALUE, or of one of them with {DATASET_ALIAS}.ALIAS.KEY=VALUE.",
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
DatasetLabel = Annotated[
    str,
    typer.Option("--dataset-label", metavar="TEXT", help="What tables call the data set, in the place of its name."),
]
Conditions = Annotated[
    list[str],
    typer.Option(
        "--condition",
        metavar="NAME[:LEVEL]",
        help="Altered images or phrases, such as noise, noise:0.1 or synonyms; a run for each; see docs/conditions.md.",
    ),
]


def _configured_device() -> str:
    from ..evaluation.provenance import configured_device

    return configured_device()


def _configured_store() -> Path | None:
    return configured_path(STORE)


Device = Annotated[
    str,
    typer.Option(
        "--device",
        default_factory=_configured_device,
        show_default="auto",
        help="auto, cpu, cuda, cuda:N or mps.",
    ),
]
Out = Annotated[
    Path,
    typer.Option("--out", default_factory=results_folder, show_default="results", help="Folder of the results."),
]
Store = Annotated[
    Path | None,
    typer.Option(
        "--store",
        default_factory=_configured_store,
        show_default=False,
        help="Folder of the predictions; OUT/store otherwise.",
    ),
]
"""What `groundcxr config` shows comes before these defaults."""


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"groundcxr {__version__}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", help="The version of groundcxr.", callback=_show_version, is_eager=True)
]


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
        _refuse_alias_of_words(alias, rest)
        with places.of(rest, alias):
            method = load_method_class(rest, to_run=to_run)
        label = alias or method.name
        if label in classes or of_dataset(label):
            raise GroundCXRError(f"the name {label!r} is taken; give the method another with --method ALIAS={rest}")
        classes[label] = rest, method
        placed[label] = places.of(rest, alias)
    chosen: dict[str, dict[str, str]] = {label: {} for label in classes}
    # What is said of one method counts more than what is said of all, whichever comes first, as of data sets.
    for alias, key, value in sorted(parsed_settings(settings), key=lambda one: bool(one[0])):
        if of_dataset(alias):
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


def _refuse_alias_of_words(alias: str, rest: str) -> None:
    """Tell who writes a name for tables in front of a method where such names go."""
    name, equals, spec = rest.partition("=")
    if not alias and equals and "/" not in name and not Path(rest).exists():
        raise GroundCXRError(
            f"the alias '{printable(name)}' does not fit: letters, digits, '.', '_' and '-'; what tables call the "
            f"method is said beside it: --method ALIAS={printable(spec)} --label 'ALIAS={printable(name)}'"
        )


def titled(entries: Sequence[Entry], labels: Sequence[str]) -> list[Entry]:
    """The methods with the names that tables and figures show.

    Args:
        entries: The methods.
        labels: What --label gives.

    Raises:
        GroundCXRError: If a label names no method of the run, has no text, or a method is given two.
    """
    from ..evaluation.entry import title_of

    titles: dict[str, str] = {}
    for item in labels:
        alias, equals, text = item.partition("=")
        title = title_of(text)
        if not (equals and title):
            raise GroundCXRError(f"--label '{printable(item)}' does not fit: write ALIAS=TEXT, the text in UTF-8")
        known = [entry.label for entry in entries]
        if alias not in known:
            raise unknown_name("method in this run", alias, known)
        if alias in titles:
            raise GroundCXRError(f"--label names {alias} twice; give each method one label")
        titles[alias] = title
    return [replace(entry, title=titles.get(entry.label)) for entry in entries]


def of_dataset(alias: str) -> bool:
    """Whether a setting is one of a data set's, by what stands before its key."""
    return alias == DATASET_ALIAS or alias.startswith(f"{DATASET_ALIAS}.")


def open_protocols(names: Sequence[str]) -> list[Protocol]:
    """The protocols, each once; the default one where none is named."""
    from ..metrics import get_protocol

    return [get_protocol(name) for name in dict.fromkeys(names or [DEFAULT_PROTOCOL])]


def parsed_settings(settings: Sequence[str]) -> list[tuple[str, str, str]]:
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
