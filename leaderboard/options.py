"""What the leaderboard is started with: folders, and where the user has which data."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from ..core import GroundCXRError
from ..core.config import RESULTS, STORE, configured_path, results_folder
from ..core.paths import user_path
from ..datasets.roots import configured_roots


@dataclass(frozen=True)
class Options:
    """The command line of the leaderboard.

    Attributes:
        results: Folders of results.
        store: Folder of the predictions; None for each results folder's own `store`.
        data: The user's copy of a data set, by the data set's name.
        secret: The file that keys the ids of the user's own data, where it is not beside them.
    """

    results: tuple[Path, ...] = (Path(RESULTS),)
    store: Path | None = None
    data: Mapping[str, Path] = field(default_factory=dict)
    secret: Path | None = None

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> Options:
        """Read the arguments that `streamlit run app.py -- ...` hands on.

        Raises:
            GroundCXRError: If one of them does not fit.
        """
        parser = _Parser(add_help=False, allow_abbrev=False)
        parser.add_argument("--results", action="append", type=Path)
        parser.add_argument("--store", type=Path)
        parser.add_argument("--data", action="append", default=[])
        parser.add_argument("--secret", type=Path)
        given = parser.parse_args(list(arguments))
        return cls.of(given.results or [], given.store, given.data, given.secret)

    @classmethod
    def of(
        cls, results: Sequence[Path], store: Path | None, data: Sequence[str], secret: Path | None = None
    ) -> Options:
        """Options from the arguments of the command line.

        Args:
            results: Folders of results; where none is given, the one that the user has said once (`core.config`).
            store: Folder of the predictions; None for what the user has said.
            data: NAME=ROOT each; other data sets are where the user has said.
            secret: The file that keys the ids of the user's own data.

        Raises:
            GroundCXRError: If an item of `data` is not NAME=ROOT, a name occurs twice, or the user's configuration
                cannot be used.
        """
        roots: dict[str, Path] = {}
        for item in data:
            name, equals, root = item.partition("=")
            if not (name and equals and root):
                raise GroundCXRError(f"--data {item!r} does not fit: write NAME=ROOT, such as ms-cxr=/data/physionet")
            if name in roots:
                raise GroundCXRError(f"--data names {name} twice; give each data set one root")
            roots[name] = user_path(root)
        store, secret = (None if path is None else user_path(path) for path in (store, secret))
        return cls(
            tuple(map(user_path, results or [results_folder()])),
            store or configured_path(STORE),
            configured_roots() | roots,
            secret,
        )

    def arguments(self) -> list[str]:
        """The inverse of `parse`, for a server that runs in another folder: paths are absolute."""
        given = [f"--results={path.absolute()}" for path in self.results]
        given += [f"--store={self.store.absolute()}"] if self.store else []
        given += [f"--secret={self.secret.absolute()}"] if self.secret else []
        return [*given, *(f"--data={name}={root.absolute()}" for name, root in self.data.items())]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        # argparse would end the process, and with it the page.
        raise GroundCXRError(
            f"{message}; the leaderboard takes --results DIR, --store DIR, --data NAME=ROOT and --secret FILE"
        )
