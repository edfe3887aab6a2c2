"""The vocabulary: images, phrases, boxes, heatmaps, names and fingerprints. Imports no deep-learning library."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .box import Box, ImageSize, bounding_box, union_area
    from .errors import (
        DatasetError,
        GoneError,
        GroundCXRError,
        ImageError,
        MethodError,
        ProtocolError,
        StoppedError,
        StoreError,
        UnknownNameError,
        WeightsError,
    )
    from .grounding import ABSOLUTE, BOX, HEATMAP, Grounding, Written
    from .heatmap import Heatmap, cell_edges, nearest_index
    from .image_files import DICOM_SUFFIXES, IMAGE_SUFFIXES, ImageHeader, image_digest, read_header
    from .mask import Mask
    from .protocol_name import DEFAULT_PROTOCOL
    from .query import Query
    from .radiograph import Radiograph
    from .registry import Registry, unknown_name
    from .regular import check_regular, read_regular
    from .sample import Sample
    from .target import MetricValue, PartsValue, Status, Target

# Each name's module is imported when it is first used: a method in another environment, whose Python may be older and
# has NumPy alone, needs few of them (see `groundcxr.methods.isolated`).
_HOME = {
    "ABSOLUTE": ".grounding",
    "BOX": ".grounding",
    "DEFAULT_PROTOCOL": ".protocol_name",
    "DICOM_SUFFIXES": ".image_files",
    "HEATMAP": ".grounding",
    "IMAGE_SUFFIXES": ".image_files",
    "Box": ".box",
    "DatasetError": ".errors",
    "GoneError": ".errors",
    "GroundCXRError": ".errors",
    "Grounding": ".grounding",
    "Heatmap": ".heatmap",
    "ImageError": ".errors",
    "ImageHeader": ".image_files",
    "ImageSize": ".box",
    "Mask": ".mask",
    "MethodError": ".errors",
    "MetricValue": ".target",
    "PartsValue": ".target",
    "ProtocolError": ".errors",
    "Query": ".query",
    "Radiograph": ".radiograph",
    "Registry": ".registry",
    "Sample": ".sample",
    "Status": ".target",
    "StoppedError": ".errors",
    "StoreError": ".errors",
    "Target": ".target",
    "UnknownNameError": ".errors",
    "WeightsError": ".errors",
    "Written": ".grounding",
    "bounding_box": ".box",
    "cell_edges": ".heatmap",
    "check_regular": ".regular",
    "image_digest": ".image_files",
    "nearest_index": ".heatmap",
    "read_header": ".image_files",
    "read_regular": ".regular",
    "union_area": ".box",
    "unknown_name": ".registry",
}

__all__ = [
    "ABSOLUTE",
    "BOX",
    "DEFAULT_PROTOCOL",
    "DICOM_SUFFIXES",
    "HEATMAP",
    "IMAGE_SUFFIXES",
    "Box",
    "DatasetError",
    "GoneError",
    "GroundCXRError",
    "Grounding",
    "Heatmap",
    "ImageError",
    "ImageHeader",
    "ImageSize",
    "Mask",
    "MethodError",
    "MetricValue",
    "PartsValue",
    "ProtocolError",
    "Query",
    "Radiograph",
    "Registry",
    "Sample",
    "Status",
    "StoppedError",
    "StoreError",
    "Target",
    "UnknownNameError",
    "WeightsError",
    "Written",
    "bounding_box",
    "cell_edges",
    "check_regular",
    "image_digest",
    "nearest_index",
    "read_header",
    "read_regular",
    "union_area",
    "unknown_name",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOME[name], __name__), name)
    return value
