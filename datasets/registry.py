"""The data sets that are known by name."""

from __future__ import annotations

import inspect
from typing import Any

from ..core import DatasetError, Registry
from .base import GroundingDataset


def _adopt(name: str, thing: Any) -> type[GroundingDataset]:
    if isinstance(thing, type) and issubclass(thing, GroundingDataset) and not inspect.isabstract(thing):
        return thing
    raise DatasetError(f"the entry point {name!r} is no data set: it must name a GroundingDataset with load and check")


DATASETS: Registry[type[GroundingDataset]] = Registry(
    "dataset",
    __package__ or "",
    {
        "phantom": ".phantom",
        "ms-cxr": ".ms_cxr",
        "vindr-cxr": ".vindr_cxr",
        "padchest-gr": ".padchest_gr",
        "nih-boxes": ".nih_boxes",
        "rsna-pneumonia": ".rsna_pneumonia",
        "siim-pneumothorax": ".siim_pneumothorax",
        "chestx-det": ".chestx_det",
        "chexlocalize": ".chexlocalize",
        "chest-imagenome": ".chest_imagenome",
        "manifest": ".manifest",
    },
    entry_point_group="groundcxr.datasets",
    adopt=_adopt,
)
