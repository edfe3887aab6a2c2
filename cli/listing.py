"""`groundcxr list`: what there is by name, and the options of a method."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from enum import Enum, StrEnum
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..core import MethodError


class What(StrEnum):
    """The kinds of things that have names."""

    METHODS = "methods"
    DATASETS = "datasets"
    PROTOCOLS = "protocols"
    SUITES = "suites"


def list_names(what: Annotated[What, typer.Argument(help="methods, datasets, protocols or suites")]) -> None:
    """List methods, data sets, protocols or suites; `evaluate --method NAME --help` shows a method's options."""
    kinds = {
        What.METHODS: _methods,
        What.DATASETS: _datasets,
        What.PROTOCOLS: _protocols,
        What.SUITES: _suites,
    }
    rows = kinds[what]()
    table = Table(box=None, pad_edge=False)
    for column in rows[0]:
        table.add_column(column, overflow="fold", no_wrap=column == "name")
    for row in rows[1:]:
        table.add_row(*map(escape, row))
    Console().print(table)


def method_help(spec: str) -> None:
    """Print what a method is and its options with types, defaults and help texts."""
    from ..methods.loading import load_method_class

    method = load_method_class(spec, to_run=False)
    console = Console()
    console.print(f"[bold]{escape(method.name)}[/bold] ({method.kind}): {escape(_summary(method))}")
    fields = dataclasses.fields(method.Options)
    if not fields:
        console.print("It has no options.")
        return
    hints = typing.get_type_hints(method.Options)
    table = Table("--set", "type", "default", "meaning", box=None, pad_edge=False)
    for field in fields:
        default = "" if field.default is None else str(field.default)
        row = (field.name, _kind(hints[field.name]), default, str(field.metadata.get("help", "")))
        table.add_row(*map(escape, row))
    console.print(table)


def _kind(hint: Any) -> str:
    """A type as a user would say it: "int", "float,...", "fast|slow"."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "|".join(str(member.value) for member in hint)
    arguments = [argument for argument in typing.get_args(hint) if argument is not type(None)]
    if typing.get_origin(hint) in (tuple, list):
        return f"{_kind(arguments[0])},..."
    if arguments:
        return "|".join(_kind(argument) for argument in arguments)
    return getattr(hint, "__name__", str(hint))


def _methods() -> list[tuple[str, ...]]:
    from ..methods import METHODS

    rows = [("name", "kind", "answers with", "what it is")]
    for name in METHODS.names():
        try:
            method = METHODS.get(name)
        except MethodError as error:  # a broken plug-in is shown, the others stay usable
            rows.append((name, "-", "-", str(error)))
            continue
        rows.append((name, method.kind, ", ".join(sorted(method.emits)), _summary(method)))
    return rows


def _datasets() -> list[tuple[str, ...]]:
    from ..datasets import DATASETS

    rows = [("name", "default split", "licence", "what it is")]
    for name in DATASETS.names():
        dataset = DATASETS.get(name)
        rows.append((name, dataset.default_split, dataset.licence, _summary(dataset)))
    return rows


def _protocols() -> list[tuple[str, ...]]:
    from ..metrics import PROTOCOLS, get_protocol

    rows = [("name", "version", "scores", "metrics", "what it is", "printed on", "hash")]
    for name in PROTOCOLS.names():
        protocol = get_protocol(name)
        keys = " ".join(metric.key for metric in protocol.metrics)
        needs = ", ".join(sorted({metric.needs for metric in protocol.metrics}))
        printed = ", ".join(protocol.printed_on) or "-"
        rows.append((name, protocol.version, needs, keys, protocol.title, printed, protocol.hash[:12]))
    return rows


def _suites() -> list[tuple[str, ...]]:
    from ..evaluation.suites import load_suite, suite_names

    rows = [("name", "version", "data sets", "protocols", "what it is", "hash")]
    for name in suite_names():
        suite = load_suite(name)
        sets = ", ".join(f"{one.label} ({one.split})" for one in suite.sets)
        rows.append((name, suite.version, sets, ", ".join(suite.protocols), suite.title, suite.info.hash[:12]))
    return rows


def _summary(thing: type[Any]) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]
