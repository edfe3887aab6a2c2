"""`groundcxr reproduce`: a result made again, and what differs."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..core import GroundCXRError, StoreError, unknown_name
from ..core.names import one_line, printable
from ..core.sizes import counted
from .arguments import of_dataset, parsed_settings
from .data_sets import Root, Secret, dataset_options
from .places import Timeout
from .streams import tell

if TYPE_CHECKING:
    from ..evaluation import Result
    from ..evaluation.reproduction import ReproductionFile
    from ..evaluation.reproduction.record import DifferingValues

STOPPED = "stopped; nothing was written, and the result is as it was"
_MOST_SHOWN = 6

_SAID = {
    "identical": "identical: every value and status of {samples}, and every average",
    "within 1e-5": "within 1e-5: not every digit of {samples} is the same, and none that counts differs",
    "different": "different: the numbers of {samples} did not come out as they were",
}


def reproduce(
    result: Annotated[Path, typer.Argument(help="A result.json, or its folder.")],
    root: Root = None,
    secret: Secret = None,
    method: Annotated[
        str | None,
        typer.Option("--method", help="FILE.py[:CLASS], where the method is none of this package: no result has it."),
    ] = None,
    settings: Annotated[
        list[str],
        typer.Option(
            "--set",
            help="KEY=VALUE: an option that the result does not tell, such as weights=DIR, or another value of one; "
            "of the data set with dataset.KEY=VALUE.",
        ),
    ] = [],  # noqa: B006  (typer reads it as the default, nobody changes it)
    python: Annotated[
        str | None, typer.Option("--python", help="The Python of another environment, where the method ran in one.")
    ] = None,
    timeout: Timeout = None,
    device: Annotated[
        str | None,
        typer.Option("--device", help="auto, cpu, cuda, cuda:N or mps; that of the result otherwise."),
    ] = None,
    by: Annotated[
        str | None, typer.Option("--by", help="Who makes it again, to be named in reproduction.json; nobody otherwise.")
    ] = None,
) -> None:
    """Make a result again and compare each sample: identical, within 1e-5, or what differs.

    Method, weights, options, samples, protocol and which boxes count are the result's; predictions go into a store that
    is thrown away. What came of it is written beside the result, as reproduction.json, and the leaderboard shows it.
    Exit code 0: the same method gave the same numbers, to 1e-5; 1: it did not; 2: nothing could be run.
    """
    from ..datasets.roots import configured_roots
    from ..evaluation.provenance import check_device
    from ..evaluation.reproduction import data_again, write_reproduction
    from ..evaluation.reproduction import reproduce as make_again
    from ..evaluation.reproduction.again import protocol_again
    from ..evaluation.reproduction.changes import method_changes
    from ..leaderboard.method_again import method_again

    if device is not None:
        check_device(device)
    before = _load(result)
    info, folder = before.info, (before.path or result).parent
    if not os.access(folder, os.W_OK):
        raise StoreError(
            f"reproduction.json is written beside the result, and {folder} cannot be written; copy result.json and "
            "samples.parquet to a folder of yours"
        )
    protocol_again(info)
    options = dataset_options(settings, [info.dataset.name])[info.dataset.name]
    place = root or configured_roots().get(info.dataset.name)
    # The method first: that a file of it is lacking is known before any data is read.
    entry = method_again(info.method, method, _of_method(settings, before), python, timeout)
    dataset, selection = data_again(info, place, options, secret)
    for warning in dataset.warnings:
        tell(f"warning: {warning}")
    for change in method_changes(info.method, entry.info):
        tell(f"warning: not as it was, {_line(change.said())}")
    found = make_again(before, entry, selection, device=device, by=by)
    typer.echo("\n".join(_lines(before, found)))
    typer.echo(write_reproduction(folder, found))
    raise typer.Exit(0 if found.reproduces else 1)


def _load(path: Path) -> Result:
    from ..evaluation import load_result
    from ..evaluation.imported import read_import
    from ..evaluation.pair import RESULT_FILE

    if path.is_dir() and not (path / RESULT_FILE).exists():
        raise StoreError(f"{path} holds no {RESULT_FILE}; give one result.json, or its folder")
    found = load_result(path)
    imported = read_import((found.path or path).parent)
    label = printable(found.info.method.label)
    if imported is not None and imported.what == "predictions":
        raise GroundCXRError(
            f"the predictions of {label} were made elsewhere and imported, so there is no method here to run again; "
            "`groundcxr import` scores them again"
        )
    return found


def _of_method(settings: list[str], result: Result) -> dict[str, str]:
    """What --set gives to the method.

    Raises:
        UnknownNameError: If it names another.
    """
    mine = (result.info.method.label, result.info.method.name)
    chosen: dict[str, str] = {}
    for alias, key, value in parsed_settings(settings):
        if of_dataset(alias):
            continue
        if alias and alias not in mine:
            raise unknown_name("method in this run", alias, list(dict.fromkeys(mine)))
        chosen[key] = value
    return chosen


def _lines(result: Result, found: ReproductionFile) -> Iterator[str]:
    """What came of it, in lines."""
    info = result.info
    data = f"{info.dataset.name} {info.dataset.version} ({info.dataset.split})"
    yield _line(f"{info.method.label} on {data} under {info.protocol.name}, made again in {found.run.seconds:,.1f} s")
    yield _SAID[found.verdict].format(samples=counted(found.n_samples, "sample"))
    if found.n_only_in_result or found.n_only_again:
        yield f"  {found.n_only_in_result:,} rows of the result did not come again, {found.n_only_again:,} are new"
    largest_first = sorted(found.values, key=lambda one: -math.inf if one.largest is None else -one.largest)
    for one in largest_first[:_MOST_SHOWN]:
        yield _line(f"  {one.metric}: {_values(one, found.n_samples)}")
    if len(found.values) > _MOST_SHOWN:
        yield f"  and {counted(len(found.values) - _MOST_SHOWN, 'metric')} more"
    # The ends of intervals move with the values, and say more only where these have not moved.
    averages = [one for one in found.averages if one.of == "value"] or found.averages
    for one in averages[:_MOST_SHOWN]:
        name = "" if one.of == "value" else f" ({one.of})"
        yield _line(f"  {one.column} {one.metric}{name}: {_number(one.result)} in the result, {_number(one.again)} now")
    if found.changes:
        yield "not as it was:"
    for change in found.changes:
        yield f"  {_line(change.said() if change.result or change.again else _untold(change.what))}"
    if found.verdict == "different" and not found.changes:
        yield (
            "nothing that a result notes has changed: does the method answer alike twice? `groundcxr check-method` "
            "tells; or samples.parquet was changed together with result.json"
        )
    if found.verdict != "different" and not found.same_method:
        yield "the numbers agree, but of another method: the result does not count as reproduced"


def _values(one: DifferingValues, n: int) -> str:
    what = "another status or failure" if one.largest is None else f"at most by {one.largest:.2g}"
    differ = f"{one.n:,} of {n:,} samples differ, {what}"
    if one.result == one.again and one.largest is not None:
        # Of a cell that is no mean: a sample's own number may be the same, or none.
        return f"{differ}, in what they add to the average, most in {one.sample_id}"
    pair = (f"{_number(value)} ({status})" for value, status in (one.result, one.again))
    return f"{differ}: {' became '.join(pair)} in {one.sample_id}"


def _untold(what: str) -> str:
    return (
        f"{what}: the method's fingerprint differs, and nothing else of it: a file that an option names, the data that "
        "a control learns from, or a result.json that was edited"
    )


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.9g}"


def _line(text: str) -> str:
    return one_line(text) if not text.startswith("  ") else f"  {one_line(text)}"
