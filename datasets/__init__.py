"""Data sets: files on disk become samples."""

from .base import DATASETS, Finding, GroundingDataset, load_dataset
from .ids import opaque_id, owners_secret, release_key

__all__ = ["DATASETS", "Finding", "GroundingDataset", "load_dataset", "opaque_id", "owners_secret", "release_key"]
