"""Data sets: files on disk become samples."""

from .base import DATASETS, Finding, GroundingDataset
from .ids import opaque_id, owners_secret, release_key
from .loading import check_dataset, load_dataset

__all__ = [
    "DATASETS",
    "Finding",
    "GroundingDataset",
    "check_dataset",
    "load_dataset",
    "opaque_id",
    "owners_secret",
    "release_key",
]
