"""What GLoRIA and AFLoc share: places of a ResNet-50's third stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ....core import Heatmap, ImageSize
from ....core.heatmap import nearest_index
from .frame import INPUT
from .padded import CLINICAL_BERT, PaddedMethod

if TYPE_CHECKING:
    from .checkpoint import States


class ConvolutionalMethod(PaddedMethod):
    """A 19x19 grid over the padded frame.

    Attributes:
        others: Projections in the file that the map does not use: name -> channels.
    """

    usual_text: ClassVar[str] = CLINICAL_BERT
    others: ClassVar[Mapping[str, int]] = {}

    def parts(self, state: States, width: int) -> Mapping[str, Any]:
        """The image encoder, whose shapes are always the same."""
        from .resnet import LocalEncoder

        return {"img_encoder": LocalEncoder(width, self.others)}

    def heatmap(self, cosines: NDArray[np.float32], image_size: ImageSize) -> Heatmap:
        """The grid, nearest to the 224 pixels of the input, without the padding."""
        index = nearest_index(len(cosines), INPUT)
        return self.placement(image_size).heatmap(cosines[np.ix_(index, index)], (1, 1))
