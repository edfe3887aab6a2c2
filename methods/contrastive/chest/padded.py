"""What GLoRIA, CARZero and AFLoc share: the padded frame, and a BERT's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ....core import ImageSize, Radiograph
from ....core.input_frame import InputFrame
from ...inference import prepared
from .checkpoint import CheckpointMethod
from .frame import PadFrame
from .words import WordEncoder

if TYPE_CHECKING:
    import torch

    from .checkpoint import States

CLINICAL_BERT = "emilyalsentzer/Bio_ClinicalBERT@d5892b39a4adaed74b92212a44081509db72f87b"


class PaddedMethod(CheckpointMethod):
    """An image encoder on the padded frame and a BERT's words, trained with Lightning.

    Attributes:
        frame: How an image becomes the input.
        normalisation: Mean and standard deviation of the grey values in 0..1.
        prefix: Of the names in the file.
    """

    frame: ClassVar[PadFrame]
    normalisation: ClassVar[tuple[float, float]] = (0.5, 0.5)
    prefix: ClassVar[str]

    def parts(self, state: States, width: int) -> Mapping[str, Any]:
        """The networks but the text encoder, by their names below the prefix, "img_encoder" among them.

        Args:
            state: What the file holds, for what its shapes say; empty for the published architecture.
            width: Of the text encoder.
        """
        raise NotImplementedError

    def build(self, states: Mapping[str, States]) -> dict[str, Any]:
        """All parts, in one network whose parameters are named as in the file."""
        from torch import nn

        bert = self.bert()
        text = nn.ModuleDict({"model": bert})
        parts = {**self.parts(states["state_dict"], bert.config.hidden_size), "text_encoder": text}
        return {"state_dict": nn.ModuleDict({self.prefix: nn.ModuleDict(parts)})}

    def part(self, name: str) -> Any:
        """One of the loaded networks."""
        return self._networks["state_dict"][self.prefix][name]

    @property
    def words(self) -> WordEncoder:
        """The text encoder."""
        return WordEncoder(self._tokenizer, self.part("text_encoder")["model"])

    def input_pixels(self, image: Radiograph) -> NDArray[np.uint8]:
        """The input, in grey values."""
        return self.frame.input(image.as_uint8())

    def placement(self, image_size: ImageSize) -> InputFrame:
        """Where the input lies on an image."""
        return self.frame.placement(image_size)

    def embed_images(self, images: Sequence[Radiograph]) -> torch.Tensor:
        """What the image encoder gives for each of the images."""
        import torch

        frames = np.stack(prepared(images, self.input_pixels))
        mean, std = self.normalisation
        pixels = (torch.from_numpy(frames).to(self._device, torch.float32) / 255 - mean) / std
        return self.part("img_encoder")(pixels[:, None].expand(-1, 3, -1, -1))

    def truncated(self, phrases: Sequence[str]) -> Sequence[bool]:
        """Whether each phrase has more tokens than are read."""
        return self.words.truncated(phrases)
