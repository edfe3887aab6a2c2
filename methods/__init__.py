"""Methods: an image and phrases become heatmaps or boxes."""

from .base import KINDS, ControlMethod, GroundingMethod, PhraseControl
from .registry import METHODS, register_method

__all__ = ["KINDS", "METHODS", "ControlMethod", "GroundingMethod", "PhraseControl", "register_method"]
