"""What a user says once: where data, results and predictions are, and the device. A file, environment variables above.

The file is `config.toml` in the user's configuration folder (``~/.config/groundcxr`` under Linux, or the folder that
XDG_CONFIG_HOME names)::

    results = "/scratch/results"
    store = "/scratch/store"
    device = "cuda"

    [data]
    ms-cxr = "/data/physionet"

GROUNDCXR_RESULTS, GROUNDCXR_STORE, GROUNDCXR_DEVICE and GROUNDCXR_DATA_MS_CXR (the data set's name in upper case, with
"_" for "-") stand above it, options of a command above both.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import GroundCXRError
from .names import printable
from .paths import shown, user_path
from .registry import unknown_name
from .regular import read_regular

DATA = "data"
"""The table of the file that says where each data set is."""

RESULTS, STORE, DEVICE = PLAIN = ("results", "store", "device")
"""The keys above all tables."""

STORE_FOLDER = "store"
"""Of a results folder: where predictions are kept unless a store is named."""

_MOST_BYTES = 2**20


@dataclass(frozen=True)
class Setting:
    """Something that the user has said.

    Attributes:
        key: "results", "store", "device", or "data." and a data set's name.
        value: As written.
        variable: The environment variable that says it; "" for the file.
    """

    key: str
    value: str
    variable: str = ""

    @property
    def place(self) -> str:
        """Where it is said, for messages."""
        return f"the environment variable {self.variable}" if self.variable else f"{self.key} in {shown(config_file())}"

    @property
    def path(self) -> Path:
        """The value as an absolute path, ``~`` being the home folder.

        Raises:
            GroundCXRError: If it is no possible path, or one of the file that depends on the folder one is in.
        """
        try:
            path = user_path(self.value)
        except GroundCXRError as error:
            raise GroundCXRError(f"{error} (it is {self.place})") from error
        if not (self.variable or path.is_absolute()):
            raise GroundCXRError(
                f"{self.place} is {shown(self.value)}, which is another folder wherever a command is called; write the "
                "whole path"
            )
        return path.absolute()


def config_file() -> Path:
    """The user's file; it need not exist."""
    import platformdirs

    return Path(platformdirs.user_config_dir("groundcxr")) / "config.toml"


def variable_of(key: str) -> str:
    """The environment variable that stands above a key of the file.

    Args:
        key: Such as "data.ms-cxr".
    """
    return "GROUNDCXR_" + key.replace(".", "_").replace("-", "_").upper()


def configured(key: str) -> Setting | None:
    """What the environment says, or else the file; None where neither does.

    Args:
        key: Such as "store" or "data.ms-cxr".

    Raises:
        GroundCXRError: If the file cannot be used.
    """
    variable = variable_of(key)
    if value := os.environ.get(variable):  # an empty one says nothing
        return Setting(key, value, variable)
    value = in_file().get(key)
    return None if value is None else Setting(key, value)


def configured_path(key: str) -> Path | None:
    """A path that the environment or the file says, absolute; None where neither does."""
    found = configured(key)
    return None if found is None else found.path


def results_folder() -> Path:
    """Where results go and are looked for, where no option says it."""
    return configured_path(RESULTS) or Path(RESULTS)


def in_file() -> dict[str, str]:
    """What the file says, by key; the names of data sets are not checked.

    Raises:
        GroundCXRError: If it cannot be read, is no TOML, or says something that is not known.
    """
    file = config_file()
    try:
        content = read_regular(file, _MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise GroundCXRError(f"the configuration {shown(file)} cannot be read: {error.strerror or error}") from error
    try:
        return settings_of(tomllib.loads(content.decode()))
    except GroundCXRError as error:
        raise GroundCXRError(f"{shown(file)}: {error}") from error
    except UnicodeDecodeError as error:
        raise GroundCXRError(f"{shown(file)} is not UTF-8; write it as UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise GroundCXRError(
            f'{shown(file)} is no TOML: {printable(str(error))}; write KEY = "VALUE" on each line, or remove the file'
        ) from error


def settings_of(content: Mapping[str, Any]) -> dict[str, str]:
    """The settings of a file's content, by key.

    Raises:
        GroundCXRError: If a key is not known, or a value is no text.
    """
    found: dict[str, str] = {}
    for name, value in content.items():
        if name == DATA:
            if not isinstance(value, dict):
                raise GroundCXRError(f'{DATA} is a table; write [{DATA}], and below it NAME = "DIR" for each data set')
            found |= {f"{DATA}.{one}": _text(f"{DATA}.{one}", where) for one, where in value.items()}
        elif name in PLAIN:
            found[name] = _text(name, value)
        else:
            raise unknown_name("setting", printable(name), [*PLAIN, DATA])
    return found


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise GroundCXRError(f'{printable(key)} is no text; write it in quotes, as in {printable(key)} = "VALUE"')
    return value
