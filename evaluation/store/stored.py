"""The answers in a method's folder of predictions, as all who read them do."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ...core.names import folder_name
from ..prediction import Failure, Prediction, decode, encode, image_key
from . import words
from .batch_file import DamagedPredictionsError
from .former import former_files, is_former, members_of, read_former
from .grounding import GroundingNotes
from .index import BATCHES, Index

METHOD_FILE = "method.json"
"""What a method's folder of predictions is known by."""


def method_folder(root: Path, method: str, fingerprint: str) -> Path:
    """STORE/NAME-FINGERPRINT: where a method's predictions are.

    Args:
        root: The store's folder, shared by all methods.
        method: The method's name.
        fingerprint: The method's fingerprint.
    """
    return root / folder_name(method, f"-{fingerprint[:16]}")


class StoredPredictions:
    """The answers in a method's folder, as they are read. Others may write it meanwhile; nothing is written here.

    Args:
        folder: STORE/NAME-FINGERPRINT; it need not be there.

    Attributes:
        folder: The same.
        notes: How long grounding took, and where and with what it was done.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._index = Index(folder / BATCHES)
        self.notes = GroundingNotes(self._index)
        self._former: bool | None = None

    def answers(self, image: str) -> dict[str, Prediction]:
        """All answers about an image, by query key; empty where there are none.

        Args:
            image: The image's key.

        Raises:
            DamagedPredictionsError: If one is damaged, or nothing is known of the image and some file is damaged.
            StoreError: If a file cannot be read.
        """
        self._index.refresh()
        found = {query: self._decoded(image, content) for query, content in self._index.contents(image).items()}
        if self._has_former():
            found = {**read_former(self.folder, image), **found}
        if not found and self._index.damaged:
            raise next(iter(self._index.damaged.values()))
        return found

    def answer(self, image: str, query: str) -> Prediction | None:
        """One answer; None where there is none.

        Raises:
            DamagedPredictionsError: If it is damaged, or in a file of which that cannot be said.
            StoreError: If a file cannot be read.
        """
        self._index.refresh()
        content = self._index.content(image, query)
        if content is not None:
            return self._decoded(image, content)
        found = read_former(self.folder, image).get(query) if self._has_former() else None
        if found is None and self._index.damaged:
            raise next(iter(self._index.damaged.values()))
        return found

    def known(self, image_sha256: str) -> dict[str, bool]:
        """What has been asked about an image, by query key: whether there is an answer, and not a failure.

        What a directory shows to be damaged is not known. Whether an answer itself is damaged shows when it is read.

        Args:
            image_sha256: Of the image's file.

        Raises:
            StoreError: If a file cannot be read.
        """
        image = image_key(image_sha256)
        self._index.refresh()
        known = {query: item.answered for query, item in self._index.of(image).items()}
        if self._has_former():
            with suppress(DamagedPredictionsError):
                former = read_former(self.folder, image)
                known = {**{key: not isinstance(one, Failure) for key, one in former.items()}, **known}
        return known

    def members(self) -> Iterator[tuple[str, str, bytes]]:
        """Every answer that counts: image key, query key, bytes; in the order of the keys.

        Two stores hold the same predictions if and only if these are equal, in whatever batches they were made.

        Raises:
            StoreError: If an answer is damaged or cannot be read.
        """
        self._index.refresh()
        for error in self._index.damaged.values():
            raise error
        keys = {(item.image, item.query) for item in self._index.items()}
        former = {}
        if self._has_former():
            former = {(image, query): encode(one) for image, query, one in members_of(self.folder)}
        for image, query in sorted(keys | former.keys()):
            content = self._index.content(image, query)
            yield image, query, former[image, query] if content is None else zlib.decompress(content)

    def counts(self) -> Counter[bool]:
        """How many answers count: those that are answers, and those that are failures.

        Raises:
            StoreError: If a file cannot be read.
        """
        self._index.refresh()
        kinds = {(item.image, item.query): item.answered for item in self._index.items()}
        if self._has_former():
            for file in former_files(self.folder):
                with suppress(DamagedPredictionsError):
                    former = read_former(self.folder, file.stem)
                    kinds = {**{(file.stem, key): not isinstance(one, Failure) for key, one in former.items()}, **kinds}
        return Counter(kinds.values())

    def undeclared(self) -> list[str]:
        """The files that the method read without declaring them; with any, its predictions are not used again."""
        return words.undeclared(self.folder)

    def _decoded(self, image: str, content: bytes) -> Prediction:
        try:
            return decode(zlib.decompress(content))
        except (ValueError, zlib.error) as error:
            raise DamagedPredictionsError.of(self.folder, f"image {image}: {error}") from error

    def _has_former(self) -> bool:
        """Whether there are archives of an older store, which could not be converted or have not been yet."""
        if self._former is None:
            self._former = is_former(self.folder)
        return self._former
