"""KAD: a phrase's attention over the places of a ResNet-50."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ....core import MethodError, Radiograph
from ...inference import prepared
from ...registry import register_method
from .squashed import SquashedMethod

if TYPE_CHECKING:
    import torch

    from .checkpoint import States

_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_MOST_TOKENS = 256
_WIDTH = 768


@register_method("kad")
class KAD(SquashedMethod):
    """KAD at 512 pixels: cross-attention of a phrase over a 16x16 grid (Zhang et al., Nature Communications 2023).

    The image is squashed to a square. The map is the last decoder layer's attention, mean of its heads, as in the
    authors' script that draws it. There the classes that are asked together attend to one another, so that a map
    depends on the others; here each phrase is asked alone.
    """

    checkpoint: ClassVar[str] = "the checkpoint for 512 pixels of KAD's authors"
    side: ClassVar[int] = 512
    sections: ClassVar[tuple[str, ...]] = ("image_encoder", "text_encoder", "model")
    unused: ClassVar[tuple[str, ...]] = (r"^logit_scale$", r"^mlp_head\.0\.(weight|bias)$")
    absent: ClassVar[tuple[str, ...]] = (r"^resnet\.", r"^decoder\.norm\.")
    usual_text: ClassVar[str] = "xmcmic/Med-KEBERT"
    licence = "MIT"
    trained_on: tuple[str, ...] = ("MIMIC-CXR", "UMLS", "PubMed (text encoder)")
    citation = """@article{zhang2023kad,
  title = {Knowledge-enhanced Visual-Language Pre-training on Chest Radiology Images},
  author = {Zhang, Xiaoman and Wu, Chaoyi and Zhang, Ya and Xie, Weidi and Wang, Yanfeng},
  journal = {Nature Communications},
  year = {2023},
  doi = {10.1038/s41467-023-40260-7}
}"""

    def build(self, states: Mapping[str, States]) -> dict[str, Any]:
        """Image encoder, text encoder and decoder."""
        from torch import nn

        from .decoder import FusionDecoder
        from .resnet import PooledEncoder

        bert = self.bert()
        head = nn.Sequential(nn.Linear(bert.config.hidden_size, _WIDTH), nn.GELU(), nn.Linear(_WIDTH, _WIDTH))
        return {
            "image_encoder": PooledEncoder(_WIDTH),
            "text_encoder": nn.ModuleDict({"bert_model": bert, "mlp_embed": head}),
            "model": FusionDecoder(_WIDTH, states["model"], self_attention=True),
        }

    def embed_images(self, images: Sequence[Radiograph]) -> torch.Tensor:
        """Embeddings of the places, `[n, 16, 16, 768]`."""
        import torch

        pixels = torch.from_numpy(np.stack(prepared(images, self.input_pixels))).to(self._device)
        mean, std = (pixels.new_tensor(values)[:, None, None] for values in (_MEAN, _STD))
        return self._networks["image_encoder"]((pixels[:, None] - mean) / std)

    def embed_phrases(self, phrases: Sequence[str]) -> torch.Tensor:
        """The phrases' embeddings, `[m, 768]`.

        Raises:
            MethodError: If one is empty.
        """
        import torch

        return torch.stack([self._embed(phrase) for phrase in phrases])

    def maps(self, places: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """The attention of the last layer, `[m, 16, 16]`."""
        attention = self._networks["model"](places.flatten(0, 1), texts)[-1]
        return attention.unflatten(1, places.shape[:2])

    def truncated(self, phrases: Sequence[str]) -> Sequence[bool]:
        """Whether each phrase has more tokens than are read."""
        return [len(self._tokenizer(phrase)["input_ids"]) > self._most_tokens for phrase in phrases]

    @property
    def _most_tokens(self) -> int:
        return min(_MOST_TOKENS, self._networks["text_encoder"]["bert_model"].config.max_position_embeddings)

    def _embed(self, phrase: str) -> torch.Tensor:
        if not phrase.strip():
            raise MethodError("the phrase is empty; give it words")
        text = self._networks["text_encoder"]
        found = self._tokenizer(phrase, truncation=True, max_length=self._most_tokens, return_tensors="pt")
        return text["mlp_embed"](text["bert_model"](found["input_ids"].to(self._device)).pooler_output)[0]
