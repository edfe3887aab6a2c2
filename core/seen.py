"""Whether a method has seen a data set: what it says it was trained on, and whose images the data set's are."""

from __future__ import annotations

import re
from collections.abc import Iterable

_COLLECTIONS: dict[str, tuple[str, ...]] = {
    "MIMIC-CXR": ("mimic", "ms cxr", "chest imagenome", "egd cxr", "reflacx"),
    "VinDr-CXR": ("vindr cxr", "vindr", "vinbigdata", "vin big data"),
    "PadChest": ("padchest", "padchest gr", "pad chest"),
    "NIH ChestX-ray14": (
        "nih",
        "nih boxes",
        "chestx ray 14",
        "chest x ray 14",
        "chestx ray 8",
        "chest x ray 8",
        "cxr 14",
        "cxr 8",
        "chestx det",
        "chestx det 10",
        "rsna",
        "rsna pneumonia",
        "siim",
        "siim pneumothorax",
    ),
    "CheXpert": ("chexpert", "chexpert plus", "chexlocalize", "chexphoto"),
}
"""Collections of images, and what goes by which name and is made of them: data sets of this package and others."""

_EXCLUDED = re.compile(
    r"\b(?:no(?! finding)|not|without|excluding|except)\b[^,;()]*"
    # Records of intensive care, without images.
    r"|\bmimic[\W_]*(?:ii|iii|iv|[234])\b(?![\W_]*cxr)",
    re.IGNORECASE,
)


def collection_of(dataset: str) -> str:
    """Whose images a data set's are: the name of a collection, or its own where it shares them with no known set.

    Args:
        dataset: Its name, such as "ms-cxr".
    """
    return next((name for name in _COLLECTIONS if _is_named(dataset, name)), dataset)


def seen(trained_on: Iterable[str], dataset: str) -> str | None:
    """Whether a method has seen a data set's images, phrases or boxes.

    It has where it was trained on any data whose images are of the same collection: RSNA's are NIH's, and MS-CXR's are
    MIMIC-CXR's. Splits are not told apart, since those of one set cut across those of another. What stands behind "no",
    "not", "without" and the like is not counted.

    Args:
        trained_on: What the method says, such as "MIMIC-CXR train".
        dataset: Name of the data set.

    Returns:
        The first entry that says so; None where none does, which of a method that says nothing is no proof.
    """
    collection = collection_of(dataset)
    return next((entry for entry in trained_on if _is_named(_EXCLUDED.sub(" ", entry), collection)), None)


def _is_named(text: str, collection: str) -> bool:
    """Whether a text names a collection, or a data set of its images."""
    return any(_pattern(name).search(text) for name in (collection, *_COLLECTIONS.get(collection, ())))


def _pattern(name: str) -> re.Pattern[str]:
    # "MIMIC-CXR-JPG" and "NIH14" name the sets, "PNIH" does not.
    words = re.findall(r"[a-z]+|\d+", name.lower()) or [re.escape(name)]
    return re.compile(r"(?<![^\W_])" + r"[\W_]*".join(words) + r"(?![^\W\d_])", re.IGNORECASE)
