"""Data sets: files on disk become samples."""

from .base import DATASETS, Finding, GroundingDataset, load_dataset

__all__ = ["DATASETS", "Finding", "GroundingDataset", "load_dataset"]
