"""What a CLIP model gets of an image, and where that lies on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from ....core import ImageSize
from ....core.input_frame import InputFrame, fit_frame

if TYPE_CHECKING:
    import torch
    from PIL import Image

RESIZE_MODES = {"shortest": "crop", "longest": "letterbox", "squash": "squash"}
"""open_clip's words for how an image becomes a square, as `fit_frame` has them."""


class Frame(Protocol):
    """A model's preprocessing."""

    def pixels(self, image: Image.Image) -> torch.Tensor:
        """The network's input `[3, H, W]` of an image."""
        ...

    def placement(self, image_size: ImageSize) -> InputFrame:
        """Where the input lies on an image of that size.

        Raises:
            MethodError: If the image is too narrow to be resized.
        """
        ...

    def changed(self, changes: Mapping[str, Any]) -> Frame:
        """The same with another `size` (of a square), `resize_mode`, `mean` or `std` (of grey values in 0..1)."""
        ...

    def identity(self) -> Any:
        """What tells it from others, as plain values."""
        ...


@dataclass(frozen=True)
class OpenClipFrame:
    """open_clip's evaluation transform.

    Attributes:
        preprocess: open_clip's `PreprocessCfg` as a dict.
    """

    preprocess: Mapping[str, Any]

    def pixels(self, image: Image.Image) -> torch.Tensor:
        """The network's input `[3, H, W]` of an image."""
        from open_clip.transform import PreprocessCfg, image_transform_v2

        transform: Any = image_transform_v2(PreprocessCfg(**self.preprocess), is_train=False)
        return transform(image)

    def placement(self, image_size: ImageSize) -> InputFrame:
        """Where the input lies on an image of that size."""
        size = self.preprocess["size"]
        height, width = (size, size) if isinstance(size, int) else size
        return fit_frame(image_size, (width, height), RESIZE_MODES[self.preprocess["resize_mode"]])

    def changed(self, changes: Mapping[str, Any]) -> OpenClipFrame:
        """The same with another `size`, `resize_mode`, `mean` or `std`."""
        found = {key: (value,) * 3 if key in ("mean", "std") else value for key, value in changes.items()}
        return replace(self, preprocess={**self.preprocess, **found})

    def identity(self) -> Any:
        """open_clip's configuration."""
        return dict(self.preprocess)
