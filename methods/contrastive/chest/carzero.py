"""CARZero: a phrase's attention over the patches of a vision transformer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ....core import Heatmap, ImageSize
from ...registry import register_method
from .frame import PadFrame
from .padded import PaddedMethod

if TYPE_CHECKING:
    import torch

    from .checkpoint import States

_PATCH, _GRID = 16, 14


@register_method("carzero")
class CARZero(PaddedMethod):
    """CARZero: cross-attention of a phrase over a 14x14 grid (Lai et al., CVPR 2024).

    The longer side is resized to 256 pixels and padded to a square, of which the central 224 are looked at. The map is
    the mean attention of the fusion decoder's layers and heads, as in the authors' `get_grounding_map`: the class token
    takes part in the softmax and is left out of the map. Phrases are asked as they are; the authors' own prompts are
    "There is X".
    """

    checkpoint: ClassVar[str] = "CARZero_best_model.ckpt or another checkpoint of CARZero's authors"
    frame: ClassVar[PadFrame] = PadFrame(256)
    normalisation: ClassVar[tuple[float, float]] = (0.4978, 0.2449)
    prefix: ClassVar[str] = "CARZero"
    unused: ClassVar[tuple[str, ...]] = (r"^CARZero\.fusion_module\.(logit_scale|mlp_head\.[0369]\.(weight|bias))$",)
    absent: ClassVar[tuple[str, ...]] = (r"^CARZero\.fusion_module\.decoder\.norm\.",)
    usual_text: ClassVar[str] = "Laihaoran/BioClinicalMPBERT"
    requirements: ClassVar[tuple[str, ...]] = ("torch", "torchvision", "transformers", "timm")
    licence = "Apache-2.0"
    trained_on: tuple[str, ...] = ("MIMIC-CXR", "PadChest reports (text encoder)")
    citation = """@inproceedings{lai2024carzero,
  title = {{CARZero}: Cross-Attention Alignment for Radiology Zero-Shot Classification},
  author = {Lai, Haoran and Yao, Qingsong and Jiang, Zihang and Wang, Rongsheng and He, Zhiyang and Tao, Xiaodong and
            Zhou, S. Kevin},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  year = {2024}
}"""

    def parts(self, state: States, width: int) -> Mapping[str, Any]:
        """Image encoder and fusion decoder."""
        from .decoder import FusionDecoder
        from .transformer import WIDTH, PatchEncoder, vision_transformer

        image = vision_transformer(state, f"{self.prefix}.img_encoder.model.")
        fusion = FusionDecoder(WIDTH, state, f"{self.prefix}.fusion_module.", self_attention=False)
        return {"img_encoder": PatchEncoder(image), "fusion_module": fusion}

    def embed_phrases(self, phrases: Sequence[str]) -> torch.Tensor:
        """The phrases' embeddings, `[m, 768]`."""
        return self.words.sentences(phrases)

    def maps(self, places: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """The mean attention of all layers, `[m, 14, 14]`."""
        attention = self.part("fusion_module")(places, texts).mean(0)
        return attention[:, 1:].unflatten(1, (_GRID, _GRID))

    def heatmap(self, cosines: NDArray[np.float32], image_size: ImageSize) -> Heatmap:
        """The grid without the padding."""
        return self.placement(image_size).heatmap(cosines, (_PATCH, _PATCH))
