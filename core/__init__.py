"""The vocabulary: images, phrases, boxes, heatmaps, names and fingerprints. Imports no deep-learning library."""

from .box import Box, ImageSize, bounding_box, union_area
from .errors import (
    DatasetError,
    GroundCXRError,
    ImageError,
    MethodError,
    ProtocolError,
    StoppedError,
    StoreError,
    UnknownNameError,
    WeightsError,
)
from .grounding import BOX, HEATMAP, Grounding, MetricValue, Status, Target
from .heatmap import Heatmap, cell_edges, nearest_index
from .image_files import DICOM_SUFFIXES, IMAGE_SUFFIXES, ImageHeader, image_digest, read_header
from .mask import Mask
from .radiograph import Radiograph
from .registry import Registry, unknown_name
from .regular import check_regular, read_regular
from .sample import Query, Sample

__all__ = [
    "BOX",
    "DICOM_SUFFIXES",
    "HEATMAP",
    "IMAGE_SUFFIXES",
    "Box",
    "DatasetError",
    "GroundCXRError",
    "Grounding",
    "Heatmap",
    "ImageError",
    "ImageHeader",
    "ImageSize",
    "Mask",
    "MethodError",
    "MetricValue",
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
