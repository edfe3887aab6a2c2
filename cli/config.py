"""`groundcxr config`: what the user has said once, and where it is from."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from ..core import GroundCXRError, unknown_name
from ..core.config import DATA, DEVICE, PLAIN, RESULTS, STORE, config_file, configured, in_file, variable_of
from ..core.config_edit import write_setting
from ..core.paths import shown, user_path
from .calling import called
from .streams import tell

_DEFAULTS = {RESULTS: "results", STORE: "RESULTS/store", DEVICE: "auto"}

config = typer.Typer(help="Show where data, results and predictions are, and say it once for all commands.")


def group(context: typer.Context) -> None:
    """Show where data, results and predictions are, and whether an environment variable, the file or nobody says so."""
    if context.invoked_subcommand is None:
        called(show)()


def show() -> None:
    """Print each setting with its value and where it is from."""
    from ..datasets.roots import check_names

    check_names()
    rows: list[tuple[str, str, str]] = []
    for key in _keys():
        found = configured(key)
        if found is None:
            rows.append((key, _DEFAULTS.get(key, "-"), "default"))
            continue
        value = found.value if key == DEVICE else str(found.path)
        source = f"environment: {found.variable}" if found.variable else "file"
        rows.append((key, shown(value), source))
        if key.startswith(f"{DATA}.") and not os.path.lexists(value):
            tell(f"warning: there is no {shown(value)}, which is {found.place}")
    _tell_unknown()
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for key, value, source in rows:
        typer.echo(f"{key:<{widths[0]}}  {value:<{widths[1]}}  {source}")
    file = config_file()
    typer.echo(f"The file is {shown(file)}" + ("." if file.exists() else ", which is not there."))


def change(
    key: Annotated[str, typer.Argument(help="data.NAME of a data set, results, store or device.")],
    value: Annotated[str, typer.Argument(help="A folder or file; of device: auto, cpu, cuda, cuda:N or mps.")],
) -> None:
    """Write a setting into the file; options and environment variables stay above it."""
    from ..evaluation.provenance import check_device

    _check_key(key)
    if key == DEVICE:
        check_device(value)
    else:
        path = user_path(value).absolute()
        if key.startswith(f"{DATA}.") and not path.exists():
            raise GroundCXRError(f"there is no {shown(path)}; give the folder or file of the data")
        value = str(path)
    write_setting(key, value)
    typer.echo(f"{key} is {shown(value)} in {shown(config_file())}")
    _tell_above(key)


def unset(key: Annotated[str, typer.Argument(help="data.NAME of a data set, results, store or device.")]) -> None:
    """Take a setting out of the file."""
    if key not in in_file():
        _check_key(key)  # what is no setting may be taken out where it stands
        typer.echo(f"{key} is not in {shown(config_file())}")
        return
    write_setting(key, None)
    typer.echo(f"{key} is no longer in {shown(config_file())}")
    _tell_above(key)


config.callback(invoke_without_command=True)(group)
config.command("set")(called(change))
config.command("unset")(called(unset))


def _keys() -> list[str]:
    from ..datasets import DATASETS

    return [*PLAIN, *(f"{DATA}.{name}" for name in DATASETS.names())]


def _check_key(key: str) -> None:
    known = _keys()
    if key not in known:
        raise unknown_name("setting", key, known, see="`groundcxr config` shows all.")


def _tell_above(key: str) -> None:
    variable = variable_of(key)
    if os.environ.get(variable):
        tell(f"warning: the environment variable {variable} is set and stands above the file")


def _tell_unknown() -> None:
    """Say which environment variables look like settings and are none."""
    from ..datasets import DATASETS

    start = variable_of(f"{DATA}.")
    known = {variable_of(f"{DATA}.{name}") for name in DATASETS.names()}
    for variable in sorted(os.environ):
        if variable.startswith(start) and variable not in known:
            tell(f"warning: {unknown_name('data set for the environment variable', variable, known)}")
