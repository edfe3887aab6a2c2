"""PadChest-GR: sentences of radiology reports and the boxes of two readers."""

from .dataset import PadChestGR

__all__ = ["PadChestGR"]
