"""The results in some folders: which runs are there, what they share, and what is there but cannot be used."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

from ..comparison.agreeing import what_differs
from ..comparison.labels import marks
from ..comparison.setting import Setting
from ..core import GroundCXRError, StoreError
from ..core.config import STORE_FOLDER
from ..core.names import one_line
from ..core.paths import user_path
from ..core.regular import check_regular, read_regular
from ..evaluation.imported import IMPORT_FILE, ImportFile, read_import
from ..evaluation.pair import RESULT_FILE, SAMPLES_FILE
from ..evaluation.reproduction import REPRODUCTION_FILE, ReproductionFile, read_reproduction
from ..evaluation.result import Result, load_result
from ..evaluation.result_folders import walk_results
from ..evaluation.schema import ResultFile
from .data_names import data_names, in_order
from .runs import IMPORTED, MEASURED, REPRODUCED, Run


@dataclass(frozen=True)
class Library:
    """Everything usable in some result folders.

    Attributes:
        runs: The runs, sorted by setting and label.
        problems: One sentence for each file that is there and was skipped, and why.
    """

    runs: tuple[Run, ...]
    problems: tuple[str, ...]

    @classmethod
    def scan(cls, results: Sequence[Path], store: Path | None = None) -> Library:
        """Find and check every result below some folders.

        A file that was checked before and has not changed since is not read again.

        Args:
            results: Result folders (OUT of `evaluate`), folders of single runs, or `result.json` files.
            store: The folder of the predictions; FOLDER/store of each result folder by default.
        """
        found: dict[tuple[str, Setting], Run] = {}
        problems: list[str] = []
        for root in map(user_path, results):
            for entry in walk_results(root):
                if isinstance(entry, str):
                    problems.append(entry)
                    continue
                run = _open(entry, store or _own_store(root), problems)
                if isinstance(run, str):
                    problems.append(run)
                else:
                    # Copies of one run in two folders are one run: the first, or the first that has pictures. A control
                    # may have the very same rows under other phrases, which is another run.
                    known = found.setdefault((run.id, run.setting), run)
                    if known.predictions is None and run.predictions is not None:
                        found[run.id, run.setting] = run
        return cls(tuple(_labelled(_agreeing(found.values(), problems))), tuple(dict.fromkeys(problems)))

    @cached_property
    def data_names(self) -> dict[Setting, str]:
        """What each setting's data are called, see `data_names`."""
        return data_names(self.runs)

    def settings(self) -> tuple[Setting, ...]:
        """What there are tables for: complete ones first, then those with the most methods and samples."""
        return in_order(self.runs)

    def of(self, setting: Setting) -> tuple[Run, ...]:
        """The runs that may stand in one table."""
        return tuple(run for run in self.runs if run.setting == setting)

    def run(self, run_id: str) -> Run | None:
        """The run of an id."""
        return next((run for run in self.runs if run.id == run_id), None)


def _agreeing(runs: Iterable[Run], problems: list[str]) -> list[Run]:
    """The runs that say the same of samples and metrics as the first of their setting; the others go to the problems.

    Tables take these from whichever run comes first, and draw and flip by patient. Measured runs come before imported
    ones, which may have been edited.
    """
    first: dict[Setting, Run] = {}
    kept: list[Run] = []
    for run in sorted(runs, key=lambda run: run.imported is not None):
        known = first.setdefault(run.setting, run)
        try:
            apart = "" if known is run else what_differs(known, run)
        except StoreError as error:
            problems.append(str(error))
            continue
        if apart:
            problems.append(
                f"{run.path / RESULT_FILE} is left out: it and {known.path / RESULT_FILE} are of the same data, and "
                f"{apart}; ask for the file as evaluate wrote it"
            )
        else:
            kept.append(run)
    return kept


def _own_store(root: Path) -> Path | None:
    store = root / STORE_FOLDER
    # Unlike Path's own question, this one bears a folder that may not be looked into.
    return store if os.path.isdir(store) else None  # noqa: PTH112


def _open(folder: Path, store: Path | None, problems: list[str]) -> Run | str:
    """A run, or why it cannot be used; what is wrong beside it goes to the problems."""
    try:
        stamps = tuple(_stamp(folder / name) for name in (RESULT_FILE, SAMPLES_FILE, IMPORT_FILE))
        checked = _checked(folder, stamps)
    except OSError as error:
        return f"{error.filename or folder} cannot be read: {error.strerror or error}"
    if isinstance(checked, str):
        return checked
    info, imported = checked
    again = None
    try:
        again = _reproduction(folder, (stamps[0], _stamp(folder / REPRODUCTION_FILE)))
    except (StoreError, OSError) as error:
        # The result is none the worse for it, and stays.
        problems.append(f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else str(error))
    tier = REPRODUCED if again and again.reproduces else IMPORTED if imported else MEASURED
    return Run(folder, info, tier, one_line(info.method.shown), store, imported, again)


def _stamp(file: Path) -> tuple[int, int] | None:
    if file.is_symlink():
        raise OSError(errno.ELOOP, "it is a link, which is not followed", str(file))
    try:
        check_regular(file)
        state = file.stat()
    except FileNotFoundError:
        return None
    return state.st_mtime_ns, state.st_size


@lru_cache(maxsize=4096)
def _checked(folder: Path, stamps: tuple[object, ...]) -> tuple[ResultFile, ImportFile | None] | str:
    """The result of a folder whose files have these times and sizes; the stamps are what makes a change seen."""
    try:
        result: Result = load_result(folder)
        return result.info, read_import(folder)
    except GroundCXRError as error:
        return str(error)


@lru_cache(maxsize=4096)
def _reproduction(folder: Path, stamps: tuple[object, ...]) -> ReproductionFile | None:
    """What came of making a folder's result again; None where nobody has, or what was made again was another result."""
    again = read_reproduction(folder)
    if again is None or hashlib.sha256(read_regular(folder / RESULT_FILE)).hexdigest() != again.result_sha256:
        return None
    return again


def _labelled(runs: Iterable[Run]) -> list[Run]:
    """Runs whose labels are unique in their setting: where some share a name, what differs stands behind it."""
    named: dict[tuple[Setting, str], list[Run]] = {}
    for run in runs:
        named.setdefault((run.setting, run.label), []).append(run)
    labelled = [
        replace(run, label=one_line(run.label + mark))
        for alike in named.values()
        for run, mark in zip(alike, marks([run.info for run in alike], [run.id for run in alike]), strict=True)
    ]
    return sorted(labelled, key=lambda run: (run.setting, run.label, run.id))
