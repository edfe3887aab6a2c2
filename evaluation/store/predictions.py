"""What one method, in one state of code, weights and options, has answered so far: read, and added to."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...core import StoreError
from ...core.files import make_private, remove_leftovers, write_atomically
from ..grounding_notes import Made
from ..prediction import Prediction, image_key
from ..provenance import host_kind
from . import words
from .batch_file import DamagedPredictionsError, Member, Origin, hash_of, pack
from .compaction import groups, put_together, without_damage
from .former import convert, forget_former, former_files, is_former, read_former
from .index import BATCHES, ENDING, size_of
from .stored import METHOD_FILE, StoredPredictions, method_folder


class PredictionStore(StoredPredictions):
    """What one method, in one state of code, weights and options, has answered so far; any number of runs may write it.

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
        super().__init__(method_folder(root, method, fingerprint))
        self._arguments = root, method, fingerprint, dict(about)
        self._root = root
        self._about = dict(about)
        self._prepared = False
        self._converted = False
        self._mine: dict[str, int] = {}

    def __reduce__(self) -> tuple[type[PredictionStore], tuple[Any, ...]]:
        """Another process makes its own: what is in the files is read there."""
        return PredictionStore, self._arguments

    def read(self, image_sha256: str) -> dict[str, Prediction]:
        """All answers about an image, by query key; empty where there are none.

        Raises:
            DamagedPredictionsError: If one is damaged, or nothing is known of the image and some file is damaged.
            StoreError: If a file cannot be read.
        """
        self._convert()
        return self.answers(image_key(image_sha256))

    def known(self, image_sha256: str) -> dict[str, bool]:
        """As of any store; one of before is converted first."""
        self._convert()
        return super().known(image_sha256)

    def add(
        self, predictions: Mapping[str, Mapping[str, Prediction]], made: Made | None = None, *, replace: bool = False
    ) -> None:
        """Keep answers by image hash and query key, as one file; an answer that is there stays as it is.

        Args:
            predictions: The answers.
            made: How; None where they were not made here, as those of an import.
            replace: Whether they take the place of those that are there.

        Raises:
            StoreError: If the store cannot be written.
        """
        self._prepare()
        self._index.refresh()
        origin = _origin(made)
        members = [
            member
            for sha256, answers in predictions.items()
            for query, one in answers.items()
            if (member := self._new(Member.of(image_key(sha256), query, one, origin), replace=replace)) is not None
        ]
        if members:
            self._write(members)
        if self._has_former():
            for sha256 in predictions:
                forget_former(self.folder, image_key(sha256))

    def note_samples(self, dataset_fingerprint: str, keys: Mapping[str, str | None]) -> None:
        """Note where the predictions of a data set's samples are; results do not say so, since they are published.

        What is noted of samples that are not named stays: another protocol scored them, and this one skips them.

        Args:
            dataset_fingerprint: Of the samples that were selected.
            keys: Where its prediction is, for each sample that was scored; None where it has none.

        Raises:
            StoreError: If the store cannot be written.
        """
        if not self._prepared:  # a run in which nothing was missing
            remove_leftovers(self.folder)
        words.note_samples(self.folder, self._root, dataset_fingerprint, keys)

    def note_undeclared(self, files: Sequence[str]) -> None:
        """Note the files that the method read without declaring them.

        Raises:
            StoreError: If the store cannot be written.
        """
        self._prepare()
        words.note_undeclared(self.folder, self._root, files)

    def compact(self) -> None:
        """Put small files together where there are many, whoever wrote them; a store that may only be read stays.

        Called when a run has ended, so that what is damaged still was not needed, or has been made again: it is left
        out. While a run goes on, it puts its own files together.
        """
        with suppress(StoreError):
            self._index.refresh()
            for name in list(self._index.damaged):
                without_damage(self.folder / BATCHES, name)
            for group in groups(self._index.files()):
                put_together(self.folder / BATCHES, group)
            self._index.refresh()

    def mend(self) -> bool:
        """Leave out of the files all that is damaged, so that it is made again as what has never been there.

        Returns:
            Whether anything was.

        Raises:
            StoreError: If the store cannot be read or written.
        """
        self._index.refresh(forced=True)
        names = {*self._index.files(), *self._index.damaged}
        found = [without_damage(self.folder / BATCHES, name) for name in sorted(names)]
        for file in former_files(self.folder):
            try:
                read_former(self.folder, file.stem)
            except DamagedPredictionsError:
                forget_former(self.folder, file.stem)
                found.append(True)
        self._index.refresh(forced=True)
        return any(found)

    def _new(self, member: Member, *, replace: bool) -> Member | None:
        """An answer, ranked after what is there; None where nothing new is said."""
        old = self._index.of(member.image).get(member.query)
        if old is None:
            return member
        if replace:
            return member._replace(overwritten=old.overwritten + 1)
        if old.answered or (not member.answered and old.hash == hash_of(member.content)):
            return None
        return member._replace(overwritten=old.overwritten, turn=old.turn + 1)

    def _write(self, members: Sequence[Member]) -> None:
        name = f"{time.time_ns():020d}-{secrets.token_hex(6)}-0{ENDING}"
        path = self.folder / BATCHES / name
        make_private(path.parent, self._root)
        # A machine that stops may lose its last batches, which are made again; a run does not wait for its disk.
        content, items = pack(members)
        write_atomically(path, content, private=True, lasting=False)
        self._index.added(name, items)
        self._mine[name] = size_of(items)
        # Its own files only: other runs put theirs together themselves.
        while waiting := groups(self._mine):
            for group in waiting:
                done = put_together(path.parent, group)
                for old in group.names:
                    del self._mine[old]
                if done is not None:
                    self._index.added(*done)
                    self._mine[done[0]] = size_of(done[1])

    def _convert(self) -> None:
        """Make files of now of an older store; where it may only be read, it is read as it is."""
        if self._converted:
            return
        self._converted = True
        if is_former(self.folder):
            with suppress(StoreError):
                convert(self.folder, self.folder / BATCHES, self._root)
            self._former = None

    def _prepare(self) -> None:
        """Make the folder, say what it is of, and remove what killed runs left half-written there."""
        if not self._prepared:
            self._convert()
            remove_leftovers(self.folder)
            self._index.refresh()
            for name in list(self._index.damaged):
                without_damage(self.folder / BATCHES, name)
            self._prepared = True
        about = self.folder / METHOD_FILE
        if not about.is_file():
            make_private(self.folder, self._root)
            write_atomically(about, (json.dumps(self._about, indent=2, sort_keys=True) + "\n").encode(), private=True)


def _origin(made: Made | None) -> Origin:
    written = round(time.time(), 3)
    if made is None:
        return Origin(written)
    seconds, peak = round(made.seconds, 6), dict(made.peak_memory_mb)
    return Origin(written, seconds, peak, host_kind(made.way.device), made.way)
