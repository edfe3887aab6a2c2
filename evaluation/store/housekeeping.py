"""What lies in a store: which states of methods, how much, which results use them, and whether it is sound."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core import StoreError
from ...core.files import told
from ...core.json_text import parse_json
from ...core.regular import read_regular
from .batch_file import DamagedPredictionsError, VanishedError, read_directory, unreadable
from .former import convert, former_files, is_former, read_former
from .index import BATCHES, ENDING, read_all
from .stored import METHOD_FILE, StoredPredictions

_DAY = 24 * 3600.0
_ENDING = re.compile("-([0-9a-f]{16})$")


@dataclass(frozen=True)
class State:
    """One method in one state of code, weights and options, as its folder in the store has it.

    Attributes:
        folder: STORE/NAME-FINGERPRINT.
        name: The method's name.
        fingerprint: The method's fingerprint; where only the folder's name says it, its first digits, and "" where
            nothing does.
        predictions: How many answers there are, failures among them.
        failures: How many of them are failures.
        size: Bytes on the disk.
        files: How many files.
        written: When it was last written, in seconds since 1970.
    """

    folder: Path
    name: str
    fingerprint: str
    predictions: int
    failures: int
    size: int
    files: int
    written: float

    def serves(self, fingerprints: Collection[str]) -> bool:
        """Whether it is of one of these fingerprints."""
        return bool(self.fingerprint) and any(one.startswith(self.fingerprint) for one in fingerprints)

    def is_older(self, days: float) -> bool:
        """Whether it was last written more than so many days ago."""
        return time.time() - self.written > days * _DAY


def state_folders(store: Path) -> list[Path]:
    """The folders of a store, in the order of their names.

    Raises:
        StoreError: If the store is not there or cannot be read.
    """
    try:
        return sorted(folder for folder in store.iterdir() if (folder / METHOD_FILE).is_file())
    except FileNotFoundError:
        raise StoreError(f"there is no store {store}; name one with --store, or its results with --out") from None
    except OSError as error:
        raise unreadable(store, error) from error


def convert_states(store: Path) -> None:
    """Convert what is there of older stores, where it may be written."""
    for folder in state_folders(store):
        if is_former(folder):
            with suppress(StoreError):
                convert(folder, folder / BATCHES, store)


def state_of(folder: Path) -> State:
    """What a folder of a store is of, and how much is in it.

    Raises:
        StoreError: If it cannot be read.
    """
    about = _about(folder)
    answered = StoredPredictions(folder).counts()
    size, files, written = 0, 0, 0.0
    try:
        for path in folder.rglob("*"):
            stat = path.lstat()
            if not path.is_dir():
                size, files, written = size + stat.st_size, files + 1, max(written, stat.st_mtime)
    except FileNotFoundError:
        pass  # another run puts files together, or has ended; the next listing has the sum
    except OSError as error:
        raise unreadable(folder, error) from error
    return State(
        folder,
        str(about.get("name", folder.name)),
        str(about.get("fingerprint", "")) or _fingerprint_of(folder),
        sum(answered.values()),
        answered[False],
        size,
        files,
        written,
    )


def remove_state(state: State) -> None:
    """Delete a state's folder; what says what it is of goes last, so that a kill leaves a folder that is listed.

    Raises:
        StoreError: If it cannot be deleted.
    """
    with told(state.folder):
        for path in state.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name != METHOD_FILE:
                path.unlink(missing_ok=True)
        (state.folder / METHOD_FILE).unlink(missing_ok=True)
        state.folder.rmdir()


def verified(folder: Path) -> list[str]:
    """Read every byte of a method's folder of predictions.

    Returns:
        A sentence for each file that is damaged.

    Raises:
        StoreError: If the folder cannot be read.
    """
    found: list[str] = []
    for name in _names(folder / BATCHES):
        path = folder / BATCHES / name
        try:
            items, whole = read_directory(path)
            lost = sum(content is None for _, content in read_all(folder / BATCHES, name, items))
        except VanishedError:  # its answers are in a later file
            continue
        except DamagedPredictionsError as error:
            found.append(str(error))
            continue
        if lost:
            found.append(str(DamagedPredictionsError.of(path, f"{lost} of {len(items)} answers")))
        elif not whole:
            found.append(str(DamagedPredictionsError.of(path, "it is not as long as it was")))
    for file in former_files(folder):
        try:
            read_former(folder, file.stem)
        except DamagedPredictionsError as error:
            found.append(str(error))
    return found


def unused(states: Collection[State], fingerprints: Collection[str], older: float | None) -> list[State]:
    """The states that no result uses; one that does not say what it is of is not among them.

    Args:
        states: Of a store.
        fingerprints: Of the methods in all results.
        older: Days since they were last written; None for any.
    """
    return [
        state
        for state in states
        if state.fingerprint and not state.serves(fingerprints) and (older is None or state.is_older(older))
    ]


def _names(folder: Path) -> list[str]:
    """Twice, since a file that is made while others are listed may be passed over."""
    try:
        return sorted({path.name for _ in range(2) for path in folder.iterdir() if path.name.endswith(ENDING)})
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unreadable(folder, error) from error


def _fingerprint_of(folder: Path) -> str:
    """What a folder's name says of it: the first digits; "" for a name that the store gives to none."""
    digits = _ENDING.search(folder.name)
    return digits[1] if digits else ""


def _about(folder: Path) -> dict[str, Any]:
    try:
        about = parse_json(read_regular(folder / METHOD_FILE))
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}
