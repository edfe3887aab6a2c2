"""What other methods of a store have answered, lent to a method that asks them."""

from __future__ import annotations

from pathlib import Path

from ...core import Grounding, Query
from ...methods import GroundingMethod
from ...methods.boxes.reading import reread
from ...methods.watching import unwatched
from ...methods.wrapping import name_of
from ..prediction import image_key, query_key
from .batch_file import DamagedPredictionsError
from .stored import StoredPredictions, method_folder


class StoredElsewhere:
    """Reads the answers of any method in its present state; nothing is written.

    Args:
        root: The store's folder, shared by all methods.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stores: dict[int, tuple[GroundingMethod, StoredPredictions | None]] = {}

    def __call__(self, method: GroundingMethod, query: Query) -> Grounding | None:
        """A method's answer to a query; None where there is none, a damaged one, or a failure, which is asked again.

        Raises:
            StoreError: If a file cannot be read.
        """
        sha256 = query.image.sha256
        # It is the evaluator that reads here, and no file of the method's.
        with unwatched():
            store = self._store(method)
            if store is None:
                return None
            try:
                found = store.answer(image_key(sha256), query_key(sha256, query.phrase, query.pathology))
            except DamagedPredictionsError:
                return None
        return reread(found, query.image.size) if isinstance(found, Grounding) else None

    def _store(self, method: GroundingMethod) -> StoredPredictions | None:
        if id(method) not in self._stores:  # the method is kept, and with it its id
            store = StoredPredictions(method_folder(self._root, name_of(method), method.fingerprint()))
            # What a method reads undeclared may have changed since: its answers are not used again.
            usable = store.folder.is_dir() and not store.undeclared()
            self._stores[id(method)] = method, store if usable else None
        return self._stores[id(method)][1]
