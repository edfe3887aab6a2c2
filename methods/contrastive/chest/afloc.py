"""AFLoc: ResNet-50 places against the whole phrase's embedding, smoothed on the grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ....core import Heatmap, ImageSize
from ...registry import register_method
from .convolutional import ConvolutionalMethod
from .frame import PadFrame
from .smoothing import smooth

if TYPE_CHECKING:
    import torch


@register_method("afloc")
class AFLoc(ConvolutionalMethod):
    """AFLoc: dot products of places and phrase on a 19x19 grid (Yang et al., arXiv 2401.02044).

    The longer side is resized to 224 pixels and padded to a square, all of which is looked at. The dot products,
    without normalisation, pass a Gaussian filter of 1.5 cells, as in the authors' script for MS-CXR.
    """

    checkpoint: ClassVar[str] = "the .ckpt file of AFLoc's authors"
    frame: ClassVar[PadFrame] = PadFrame(224)
    prefix: ClassVar[str] = "afloc"
    others: ClassVar[Mapping[str, int]] = {"local2_embedder": 512}
    requirements: ClassVar[tuple[str, ...]] = ("torch", "torchvision", "transformers", "scipy")
    licence = "Apache-2.0"
    trained_on: tuple[str, ...] = ("MIMIC-CXR", "MIMIC-III (text encoder)")
    citation = """@article{yang2024afloc,
  title = {Multi-modal Vision-Language Model for Generalizable Annotation-free Pathology Localization and Clinical
           Diagnosis},
  author = {Yang, Hao and Zhou, Hong-Yu and Li, Zhihuan and Gao, Yuanxu and Li, Cheng and Huang, Weijian and
            Liu, Jiarun and Zheng, Hairong and Zhang, Kang and Wang, Shanshan},
  journal = {arXiv preprint arXiv:2401.02044},
  year = {2024}
}"""

    def embed_phrases(self, phrases: Sequence[str]) -> torch.Tensor:
        """The phrases' embeddings, `[m, d]`."""
        return self.words.sentences(phrases)

    def heatmap(self, cosines: NDArray[np.float32], image_size: ImageSize) -> Heatmap:
        """The smoothed grid."""
        return super().heatmap(smooth(cosines), image_size)
