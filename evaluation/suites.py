"""Suites: data sets with their splits and options, and protocols, in a versioned file that a paper can cite."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..core import GroundCXRError, unknown_name
from ..core.fingerprint import digest
from ..core.names import printable
from ..core.paths import shown, user_path
from ..core.regular import read_regular
from .schema import SuiteInfo

_HERE = Path(__file__).resolve().parent.parent / "datasets" / "suites"
_SUFFIX = ".toml"
_MOST_BYTES = 2**20

Name = Annotated[str, Field(pattern=r"^[\w.-]+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SuiteSet(_Strict):
    """One data set of a suite.

    Attributes:
        dataset: Its name.
        split: The split that is run on.
        options: Its options, as `--set dataset.KEY=VALUE` gives them.
        alias: What it is called in the suite, where it stands there several times; its name by default.
    """

    dataset: Name
    split: Name
    options: dict[str, str | bool | int | float] = {}
    alias: Name | None = None

    @property
    def label(self) -> str:
        """What it is called in the suite."""
        return self.alias or self.dataset

    def words(self) -> dict[str, str]:
        """The options as a command line has them."""
        return {key: str(one).lower() if isinstance(one, bool) else str(one) for key, one in self.options.items()}


class Suite(_Strict):
    """What a suite's file says.

    Attributes:
        name: Its name.
        version: Raised whenever anything else changes.
        title: What it is, in a line.
        protocols: The protocols that all is scored under.
        sets: The data sets.
    """

    name: Name
    version: str
    title: str = ""
    protocols: Annotated[list[Name], Field(min_length=1)]
    sets: Annotated[list[SuiteSet], Field(min_length=1)]

    @property
    def info(self) -> SuiteInfo:
        """What results say of it; the hash covers all but the title, and neither comments nor spelling of the file."""
        sets = [(one.dataset, one.split, one.words(), one.label) for one in self.sets]
        return SuiteInfo(
            name=self.name, version=self.version, hash=digest(self.name, self.version, self.protocols, sets)
        )


def suite_names() -> list[str]:
    """The suites that come with the package."""
    return sorted(file.stem for file in _HERE.glob(f"*{_SUFFIX}"))


def load_suite(spec: str) -> Suite:
    """A suite by name or file.

    Args:
        spec: A name of `suite_names`, or the path of a file that ends in ".toml".

    Raises:
        UnknownNameError: If there is no suite of that name.
        GroundCXRError: If the file cannot be read, or is no suite.
    """
    if spec in suite_names():
        return _read(_HERE / f"{spec}{_SUFFIX}")
    if not spec.endswith(_SUFFIX):
        raise unknown_name("suite", printable(spec), suite_names(), see="One of your own is a file that ends in .toml.")
    return _read(user_path(spec))


def _read(file: Path) -> Suite:
    try:
        suite = Suite.model_validate(tomllib.loads(read_regular(file, _MOST_BYTES).decode()))
    except OSError as error:
        raise GroundCXRError(f"the suite {shown(file)} cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise GroundCXRError(
            f"{shown(file)} is no suite: {printable(place)}: {printable(first['msg'])}; docs/datasets.md shows one"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise GroundCXRError(f"{shown(file)} is no TOML in UTF-8: {printable(str(error))}") from error
    labels = [one.label for one in suite.sets]
    if twice := next((label for label in labels if labels.count(label) > 1), None):
        raise GroundCXRError(f'{shown(file)} names {twice} twice; give each an alias of its own: alias = "NAME"')
    return suite
