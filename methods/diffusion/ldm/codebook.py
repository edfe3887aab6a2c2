"""A book of tuned embeddings on the disk; `embedding` does to phrases what it says.

A book is a folder with `codebook.safetensors` (`vectors` [K, D], and of a book of words `ids` [K]) and `codebook.json`,
which says what was trained on what, and holds the digest of the other: it is written last.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....core import WeightsError
from ....core.files import write_whole
from ....core.json_text import parse_json
from ....core.paths import user_path
from ....core.regular import read_regular

if TYPE_CHECKING:
    from torch import Tensor

VECTORS, ABOUT = "codebook.safetensors", "codebook.json"
STATE = "training.pt"
"""Where a training that is not done is, beside the book that it makes."""
FORMAT = "groundcxr-codebook-1"

_MOST_BYTES = 2**30
_TEXTS = ("encoder", "unet", "table", "data", "vectors_sha256")
_AGAIN = "train it again with `groundcxr tune`, or get it again"


@dataclass(frozen=True)
class Codebook:
    """Tuned input embeddings.

    Attributes:
        vectors: float32 `[K, D]`.
        ids: Of a book of words, the row of the embedding table that each vector takes the place of; empty otherwise.
        locations: Of a book of locations, whose words each vector is added to; empty otherwise.
        about: What `codebook.json` says.
    """

    vectors: Tensor
    ids: tuple[int, ...]
    locations: tuple[str, ...]
    about: Mapping[str, Any]

    @property
    def trained_on(self) -> tuple[str, ...]:
        """The data sets that it was trained on."""
        return tuple(self.about["trained_on"])


def write_book(folder: Path, book: Codebook) -> None:
    """Write a book; until it is whole, reading the folder is refused.

    Args:
        folder: The folder; it is made.
        book: The book, whose `about` lacks nothing but the digest of the vectors.

    Raises:
        OSError: If the disk is full or the folder cannot be written.
    """
    import torch
    from safetensors.torch import save

    tensors = {"vectors": book.vectors.detach().cpu().float().contiguous()}
    if book.ids:
        tensors["ids"] = torch.tensor(book.ids)
    content = save(tensors)
    about = {"format": FORMAT, **book.about, "vectors_sha256": hashlib.sha256(content).hexdigest()}
    (folder / ABOUT).unlink(missing_ok=True)
    write_whole(folder / VECTORS, content)
    write_whole(folder / ABOUT, (json.dumps(about, indent=1) + "\n").encode())


def read_about(place: str) -> dict[str, Any]:
    """What a book's `codebook.json` says.

    Args:
        place: The book's folder, as an option gives it.

    Raises:
        WeightsError: If there is no book, or only half of one.
    """
    folder = user_path(place)
    path = folder / ABOUT
    if not folder.is_dir():
        raise WeightsError(f"there is no folder {folder}, given as embeddings; `groundcxr tune` makes such a book")
    try:
        about = parse_json(read_regular(path, _MOST_BYTES))
    except FileNotFoundError:
        half = (folder / VECTORS).exists() or (folder / STATE).exists()
        what = "is not whole: its training has not ended" if half else "holds no book of embeddings"
        step = "run the same `groundcxr tune` again, which goes on" if half else "`groundcxr tune` makes one"
        raise WeightsError(f"{folder} {what} (there is no {ABOUT}); {step}") from None
    except (OSError, ValueError) as error:
        raise WeightsError(f"{path} cannot be read ({error}); {_AGAIN}") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise WeightsError(f"{path} is not of the format {FORMAT}; {_AGAIN}")
    wrong = [key for key in _TEXTS if not isinstance(about.get(key), str)]
    wrong += [key for key in ("tokens", "locations", "trained_on") if not _is_texts(about.get(key))]
    if wrong or not isinstance(about.get("recipe"), dict):
        raise WeightsError(f"{path} lacks {(wrong or ['recipe'])[0]!r}, or has it in another form; {_AGAIN}")
    return about


def read_book(place: str) -> Codebook:
    """A book from its folder.

    Raises:
        WeightsError: If there is none, or it is damaged or half written.
    """
    import torch
    from safetensors.torch import load

    about = read_about(place)
    path = user_path(place) / VECTORS
    try:
        content = read_regular(path, _MOST_BYTES)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read ({error.strerror or error}); {_AGAIN}") from error
    if hashlib.sha256(content).hexdigest() != about["vectors_sha256"]:
        raise WeightsError(f"{path} is not what {ABOUT} beside it says: it is damaged or of another book; {_AGAIN}")
    try:
        tensors = load(content)
        vectors, ids = tensors["vectors"].float(), tuple(tensors["ids"].tolist()) if "ids" in tensors else ()
    except Exception as error:  # safetensors raises several types for damaged content
        raise WeightsError(f"{path} cannot be read ({error}); {_AGAIN}") from error
    locations = tuple(about["locations"])
    named = locations if locations else ids
    fits = vectors.ndim == 2 and len(vectors) == len(named) > 0 and bool(ids) != bool(locations)
    if not fits or len(set(named)) != len(named) or not torch.isfinite(vectors).all():
        raise WeightsError(f"{path} does not fit {ABOUT} beside it; {_AGAIN}")
    return Codebook(vectors, ids, locations, about)


def _is_texts(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(one, str) for one in value)
