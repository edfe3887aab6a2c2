"""Data sets: files on disk become samples."""

from .base import DATASETS, Finding, GroundingDataset
from .ids import find_secret, opaque_id, owners_secret, release_key
from .loading import check_dataset, load_dataset

__all__ = [
    "DATASETS",
    "Finding",
    "GroundingDataset",
    "check_dataset",
    "find_secret",
    "load_dataset",
    "opaque_id",
    "owners_secret",
    "release_key",
]
