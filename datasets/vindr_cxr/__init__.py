"""VinDr-CXR: radiologists' boxes of 22 findings on 18,000 images."""

from .dataset import VinDrCXR

__all__ = ["VinDrCXR"]
