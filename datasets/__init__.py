"""Data sets: files on disk become samples."""

from .base import DATASETS, Finding, GroundingDataset, load_dataset, opaque_id
from .loading import check_dataset

__all__ = ["DATASETS", "Finding", "GroundingDataset", "check_dataset", "load_dataset", "opaque_id"]
