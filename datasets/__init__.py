"""Data sets: files on disk become samples."""

from .base import DATASETS, Finding, GroundingDataset, load_dataset, opaque_id

__all__ = ["DATASETS", "Finding", "GroundingDataset", "load_dataset", "opaque_id"]
