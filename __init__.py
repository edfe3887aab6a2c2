"""groundcxr: phrase grounding on chest X-rays, measured so that the number can be repeated, compared and cited."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .comparison import compare
    from .core import Box, GroundCXRError, Grounding, Heatmap, Query, Radiograph, Sample
    from .datasets import load_dataset
    from .evaluation import Result, evaluate, load_results
    from .methods import ControlMethod, GroundingMethod, register_method
    from .metrics import get_protocol

__version__ = "0.1.0"

_HOME = {
    "Box": ".core",
    "ControlMethod": ".methods",
    "Grounding": ".core",
    "GroundCXRError": ".core",
    "GroundingMethod": ".methods",
    "Heatmap": ".core",
    "Query": ".core",
    "Radiograph": ".core",
    "Result": ".evaluation",
    "Sample": ".core",
    "compare": ".comparison",
    "evaluate": ".evaluation",
    "get_protocol": ".metrics",
    "load_dataset": ".datasets",
    "load_results": ".evaluation",
    "register_method": ".methods",
}

__all__ = [
    "Box",
    "ControlMethod",
    "GroundCXRError",
    "Grounding",
    "GroundingMethod",
    "Heatmap",
    "Query",
    "Radiograph",
    "Result",
    "Sample",
    "compare",
    "evaluate",
    "get_protocol",
    "load_dataset",
    "load_results",
    "register_method",
]


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]


def __getattr__(name: str) -> Any:
    # Each name's module is imported when it is first used: the command line starts without pandas and friends.
    if name not in _HOME:
        raise AttributeError(f"module 'groundcxr' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name], __name__), name)
