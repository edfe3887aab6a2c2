"""Methods: an image and phrases become heatmaps or boxes."""

from .base import KINDS, ControlMethod, GroundingMethod, PhraseControl, SomeFailed
from .registry import METHODS, register_method

__all__ = ["KINDS", "METHODS", "ControlMethod", "GroundingMethod", "PhraseControl", "SomeFailed", "register_method"]
