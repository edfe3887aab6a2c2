"""The prediction store: content-addressed, one folder per method state, one file per image."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ...core import StoreError
from ...core.files import make_private, remove_leftovers, write_atomically
from ...core.json_text import parse_json
from ...core.locks import locked
from ...core.names import folder_name
from ...core.regular import read_regular
from ...core.threads import mapped
from ..grounding_notes import GroundingNotes, Made
from ..prediction import Failure, Prediction, decode, encode, image_key

METHOD_FILE = "method.json"
"""What a method's folder of predictions is known by."""

_SAMPLES = "samples"
_UNDECLARED = "undeclared-files.json"
_WRITERS = 8


def method_folder(root: Path, method: str, fingerprint: str) -> Path:
    """STORE/NAME-FINGERPRINT: where a method's predictions are.

    Args:
        root: The store's folder, shared by all methods.
        method: The method's name.
        fingerprint: The method's fingerprint.
    """
    return root / folder_name(method, f"-{fingerprint[:16]}")


def sample_keys(folder: Path, dataset_fingerprint: str) -> dict[str, str]:
    """Where the predictions of a data set's samples are, by sample id; empty where nothing is noted.

    Args:
        folder: A method's folder of predictions.
        dataset_fingerprint: Of the samples that were scored.
    """
    try:
        noted = parse_json(read_regular(_noted_samples(folder, dataset_fingerprint)))
    except (OSError, ValueError):
        return {}
    return {str(sample): str(key) for sample, key in noted.items()} if isinstance(noted, dict) else {}


def _updated(noted: Mapping[str, str], keys: Mapping[str, str | None]) -> dict[str, str] | None:
    """What is noted with what is new; None where that is the same."""
    new = {sample: key for sample, key in {**noted, **keys}.items() if key is not None}
    return None if new == noted else new


def _noted_samples(folder: Path, dataset_fingerprint: str) -> Path:
    return folder / _SAMPLES / f"{dataset_fingerprint[:16]}.json"


class DamagedPredictionsError(StoreError):
    """A file of the store that holds something else than predictions."""


class PredictionStore:
    """What one method, in one state of code, weights and options, has answered so far.

    Attributes:
        folder: STORE/NAME-FINGERPRINT.
        notes: How long grounding took, and where and with what it was done.
    """

    def __init__(self, root: Path, method: str, fingerprint: str, about: Mapping[str, Any]) -> None:
        """Name the folder; nothing is written before the first prediction.

        Args:
            root: The store's folder, shared by all methods.
            method: The method's name.
            fingerprint: The method's fingerprint.
            about: What the fingerprint stands for, written beside the predictions for people to read.
        """
        self.folder = method_folder(root, method, fingerprint)
        self.notes = GroundingNotes(self.folder, root)
        self._root = root
        self._about = dict(about)
        self._prepared = False

    def read(self, image_sha256: str) -> dict[str, Prediction]:
        """All answers about an image, by query key; empty where there are none.

        Raises:
            DamagedPredictionsError: If the file holds no predictions.
            StoreError: If it cannot be read.
        """
        path = self._path(image_sha256)
        try:
            return decode(read_regular(path))
        except FileNotFoundError:
            return {}
        except OSError as error:
            step = "; choose another folder with --out or --store" if isinstance(error, NotADirectoryError) else ""
            raise StoreError(f"cannot read {path}: {error.strerror or error}{step}") from error
        except ValueError as error:
            raise DamagedPredictionsError(
                f"the predictions in {path} are damaged ({error}); run evaluate with the same method and options, "
                "which makes them again"
            ) from error

    def known(self, image_sha256: str) -> dict[str, bool]:
        """What has been asked about an image, by query key: whether there is an answer, and not a failure.

        What is damaged is not known.

        Raises:
            StoreError: If the store cannot be read.
        """
        try:
            return {key: not isinstance(one, Failure) for key, one in self.read(image_sha256).items()}
        except DamagedPredictionsError:
            return {}

    def bytes_each(self) -> float | None:
        """What one answer takes on the disk, in the mean, with all that is noted of it; None where there are none."""
        answers = sum(pace.samples for pace in self.notes.paces().values())
        files = (Path(place, name) for place, _, names in os.walk(self.folder) for name in names)
        return sum(file.stat().st_size for file in files) / answers if answers else None

    def add(
        self, predictions: Mapping[str, Mapping[str, Prediction]], made: Made | None = None, *, replace: bool = False
    ) -> None:
        """Keep answers by image hash and query key, beside those that are there; one that is there stays as it is.

        A file that is damaged, and so has nothing to keep, gives way.

        Args:
            predictions: The answers.
            made: How; None where they were not made here, as those of an import.
            replace: Whether they take the place of those that are there.

        Raises:
            StoreError: If the store cannot be written.
        """
        self._prepare()
        if made is not None:
            with locked(self.folder):
                self.notes.add(made, {image_key(sha256): list(its) for sha256, its in predictions.items()})
        # Threads, because each file waits for the disk.
        mapped(lambda item: self._add_image(*item, replace=replace), predictions.items(), _WRITERS)

    def note_samples(self, dataset_fingerprint: str, keys: Mapping[str, str | None]) -> None:
        """Note where the predictions of a data set's samples are; results do not say so, since they are published.

        What is noted of samples that are not named stays: another protocol scored them, and this one skips them.

        Args:
            dataset_fingerprint: Of the samples that were selected.
            keys: Where its prediction is, for each sample that was scored; None where it has none.

        Raises:
            StoreError: If the store cannot be written.
        """
        self._prepare()
        # A store that may only be read, as a colleague's, is complete when it says this already.
        if _updated(sample_keys(self.folder, dataset_fingerprint), keys) is None:
            return
        path = _noted_samples(self.folder, dataset_fingerprint)
        make_private(path.parent, self._root)
        # The lock is for two runs that score under different protocols; each must see the other's samples.
        with locked(self.folder):
            noted = _updated(sample_keys(self.folder, dataset_fingerprint), keys)
            if noted is not None:
                write_atomically(path, (json.dumps(noted, indent=0, sort_keys=True) + "\n").encode(), private=True)

    def _prepare(self) -> None:
        """Make the folder, say what it is of, and remove what killed runs left half-written there."""
        if not self._prepared:
            remove_leftovers(self.folder)
            self._prepared = True
        about = self.folder / METHOD_FILE
        if not about.is_file():
            make_private(self.folder, self._root)
            write_atomically(about, (json.dumps(self._about, indent=2, sort_keys=True) + "\n").encode(), private=True)

    def undeclared(self) -> list[str]:
        """The files that the method read without declaring them; with any, its predictions are not used again."""
        try:
            noted = parse_json(read_regular(self.folder / _UNDECLARED))
        except (OSError, ValueError):
            return []
        return [str(file) for file in noted] if isinstance(noted, list) else []

    def note_undeclared(self, files: Sequence[str]) -> None:
        """Note the files that the method read without declaring them.

        Raises:
            StoreError: If the store cannot be written.
        """
        self._prepare()
        content = (json.dumps(list(files), indent=0) + "\n").encode()
        write_atomically(self.folder / _UNDECLARED, content, private=True)

    def _add_image(self, image_sha256: str, predictions: Mapping[str, Prediction], *, replace: bool) -> None:
        path = self._path(image_sha256)
        make_private(path.parent, self._root)
        # The lock is for two runs that add different phrases of one image; each must see the other's.
        with locked(path.parent, self.folder):
            try:
                stored = self.read(image_sha256)
            except DamagedPredictionsError:
                stored = {}
            kept = {} if replace else {key: one for key, one in stored.items() if not isinstance(one, Failure)}
            write_atomically(path, encode({**stored, **predictions, **kept}), private=True)

    def _path(self, image_sha256: str) -> Path:
        key = image_key(image_sha256)
        return self.folder / key[:2] / f"{key}.npz"
