"""AFLoc: ResNet-50 places against the whole phrase's embedding, smoothed on the grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ....core import Heatmap, ImageSize
from ...registry import register_method
from ..smoothing import smooth
from .convolutional import ConvolutionalMethod
from .frame import PadFrame

if TYPE_CHECKING:
    import torch


@register_method("afloc")
class AFLoc(ConvolutionalMethod):
    """AFLoc: dot products of places and phrase on a 19x19 grid (Yang et al., Nature Biomedical Engineering 2026).

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
    citation = """@article{yang2026afloc,
  title = {A Multimodal Vision-Language Model for Generalizable Annotation-free Pathology Localization},
  author = {Yang, Hao and Zhou, Hong-Yu and Liu, Jiarun and Huang, Weijian and Li, Cheng and Li, Zhihuan and
            Gao, Yuanxu and Liu, Qiegen and Liang, Yong and Yang, Qi and Wu, Song and Tan, Tao and Zheng, Hairong and
            Zhang, Kang and Wang, Shanshan},
  journal = {Nature Biomedical Engineering},
  year = {2026},
  doi = {10.1038/s41551-025-01574-7}
}"""

    def embed_phrases(self, phrases: Sequence[str]) -> torch.Tensor:
        """The phrases' embeddings, `[m, d]`."""
        return self.words.sentences(phrases)

    def heatmap(self, cosines: NDArray[np.float32], image_size: ImageSize) -> Heatmap:
        """The smoothed grid."""
        return super().heatmap(smooth(cosines), image_size)
