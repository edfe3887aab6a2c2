"""Data sets: files on disk become samples."""

from .base import Absence, Finding, GroundingDataset
from .ids import find_secret, opaque_id, owners_secret, release_key
from .loading import check_dataset, load_dataset
from .registry import DATASETS

__all__ = [
    "DATASETS",
    "Absence",
    "Finding",
    "GroundingDataset",
    "check_dataset",
    "find_secret",
    "load_dataset",
    "opaque_id",
    "owners_secret",
    "release_key",
]
