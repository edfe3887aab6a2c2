"""MaCo: patches of a vision transformer, weighted by a learned place prior, against the phrase's embedding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ....core import Heatmap, ImageSize, MethodError, Radiograph, WeightsError
from ....core.fingerprint import file_digest
from ....core.paths import user_path
from ...hub import unloadable
from ...inference import prepared
from ...registry import register_method
from ..smoothing import smooth
from .checkpoint import WEIGHTS_HELP, depth, rows
from .squashed import SquashedMethod

if TYPE_CHECKING:
    import torch

    from .checkpoint import States

_GRID = 14
_MEAN, _STD = 0.4978, 0.2449
_PRIOR_TEMPERATURE = 0.02
_MOST_TOKENS = 100
_SHORTEST = 6
_BERT = "bert_encoder.model.bert."
_HEAD_WIDTH = 64


@dataclass(frozen=True)
class MaCoOptions:
    """Where the weights and the tokenizer come from."""

    weights: str = field(default="", metadata={"help": WEIGHTS_HELP})
    text: str = field(default="", metadata={"help": "the tokenizer: mimic_wordpiece.json of the authors' repository"})


@register_method("maco")
class MaCo(SquashedMethod):
    """MaCo: weighted dot products of patches and phrase on a 14x14 grid (Huang et al., Nature Communications 2024).

    The image is squashed to 224 pixels. Each patch is multiplied by a learned weight of its place, the same for every
    image, and the dot products with the phrase pass a Gaussian filter of 1.5 cells, as in the authors' script for
    MS-CXR. Where a phrase is several sentences, they are read in the order in which they stand; there the order is
    drawn anew each time.
    """

    checkpoint: ClassVar[str] = "maco.pth of MaCo's authors"
    side: ClassVar[int] = 224
    sections: ClassVar[tuple[str, ...]] = ("model",)
    unused: ClassVar[tuple[str, ...]] = (
        r"^(mask_token|logit_scale|decoder_pos_embed|Tpar|WCE\.weight|pos_weight_img\.bias)$",
        r"^(decoder_embed|decoder_norm|decoder_pred|pos_weight_text|pos_cat)\.(weight|bias)$",
        r"^decoder_blocks\.\d+\.(norm[12]|attn\.qkv|attn\.proj|mlp\.fc[12])\.(weight|bias)$",
        r"^bert_encoder\.model\.cls\.predictions\.(bias|decoder\.(weight|bias))$",
        r"^bert_encoder\.model\.cls\.predictions\.transform\.(dense|LayerNorm)\.(weight|bias)$",
    )
    Options: ClassVar[type[Any]] = MaCoOptions
    requirements: ClassVar[tuple[str, ...]] = ("torch", "transformers", "tokenizers", "timm", "scipy")
    licence = "MIT"
    trained_on: tuple[str, ...] = ("MIMIC-CXR",)
    citation = """@article{huang2024maco,
  title = {Enhancing Representation in Radiography-Reports Foundation Model: A Granular Alignment Algorithm Using
           Masked Contrastive Learning},
  author = {Huang, Weijian and Li, Cheng and Zhou, Hong-Yu and Yang, Hao and Liu, Jiarun and Liang, Yong and
            Zheng, Hairong and Zhang, Shaoting and Wang, Shanshan},
  journal = {Nature Communications},
  year = {2024},
  doi = {10.1038/s41467-024-51749-0}
}"""

    def build(self, states: Mapping[str, States]) -> dict[str, Any]:
        """The vision transformer with all else beside its blocks, as in the file."""
        from torch import nn
        from transformers import BertModel

        from .transformer import WIDTH, vision_transformer

        network: Any = vision_transformer(states["model"])
        bert = BertModel(self._bert_config(states["model"]))
        self.check_tokens(self._tokenizer.get_vocab_size(), bert.config.vocab_size)
        network.bert_encoder = nn.ModuleDict({"model": nn.ModuleDict({"bert": bert})})
        network.img_mlp = nn.Linear(WIDTH, WIDTH)
        network.pos_weight_img = nn.Linear(_GRID * _GRID, 1, bias=False)
        return {"model": network}

    def tokenizer(self) -> Any:
        """The tokenizer of the authors' repository."""
        from tokenizers import Tokenizer

        try:
            found = Tokenizer.from_file(str(self._text_file()))
        except Exception as error:  # the library raises plain exceptions for what it cannot read
            raise unloadable(self.name, str(self._text_file()), error) from error
        # The authors pad to this length, which masks and changes nothing.
        found.no_truncation()
        found.no_padding()
        return found

    def text_identity(self) -> Any:
        """The SHA-256 of the tokenizer's file."""
        return file_digest(self._text_file())

    def embed_images(self, images: Sequence[Radiograph]) -> torch.Tensor:
        """Weighted embeddings of the patches, `[n, 14, 14, 768]`."""
        import torch

        network = self._networks["model"]
        pixels = torch.from_numpy(np.stack(prepared(images, self.input_pixels))).to(self._device)
        tokens = network.forward_features(((pixels - _MEAN) / _STD)[:, None].expand(-1, 3, -1, -1))
        prior = (network.pos_weight_img.weight[0] / _PRIOR_TEMPERATURE).softmax(-1)
        return (network.img_mlp(tokens[:, 1:]) * prior[:, None]).unflatten(1, (_GRID, _GRID))

    def embed_phrases(self, phrases: Sequence[str]) -> torch.Tensor:
        """The phrases' embeddings, `[m, 768]`.

        Raises:
            MethodError: If one is empty.
        """
        import torch

        bert = self._networks["model"].bert_encoder["model"]["bert"]
        tokens = [torch.tensor([ids[:_MOST_TOKENS]], device=self._device) for ids in map(self._tokens, phrases)]
        return torch.cat([bert(ids).pooler_output for ids in tokens])

    def truncated(self, phrases: Sequence[str]) -> Sequence[bool]:
        """Whether each phrase has more tokens than are read."""
        return [len(self._tokens(phrase)) > _MOST_TOKENS for phrase in phrases]

    def heatmap(self, cosines: NDArray[np.float32], image_size: ImageSize) -> Heatmap:
        """The smoothed grid, over the whole image."""
        return super().heatmap(smooth(cosines), image_size)

    def _tokens(self, phrase: str) -> list[int]:
        return self._tokenizer.encode(f"[CLS] {report(phrase)}").ids

    def _text_file(self) -> Path:
        if not self.options.text:
            raise WeightsError(
                f"method {self.name} needs its tokenizer: --set text=FILE, mimic_wordpiece.json of its authors' code"
            )
        path = user_path(self.options.text)
        if not path.is_file():
            raise WeightsError(f"method {self.name} finds no tokenizer {path}, given with --set text=FILE")
        return path

    def _bert_config(self, state: States) -> Any:
        """Read from the file's shapes, since the released configurations contradict one another."""
        from transformers import BertConfig

        from .transformer import WIDTH

        return BertConfig(
            vocab_size=rows(state, f"{_BERT}embeddings.word_embeddings.weight", self._tokenizer.get_vocab_size()),
            hidden_size=WIDTH,
            num_hidden_layers=depth(state, f"{_BERT}encoder.layer", 6),
            num_attention_heads=WIDTH // _HEAD_WIDTH,
            intermediate_size=rows(state, f"{_BERT}encoder.layer.0.intermediate.dense.weight", 4 * WIDTH),
            max_position_embeddings=_MOST_TOKENS,
        )


def report(phrase: str) -> str:
    """A phrase as the authors' script writes it: sentences in lower case, each with ". " behind it.

    It drops a sentence of fewer than four letters, with an underscore, or with a comma at its start; where nothing
    would be left, such sentences stay.

    Raises:
        MethodError: If there is none.
    """
    sentences = [f"{part.strip().lower()}. " for part in phrase.split(".") if part.strip()]
    kept = [one for one in sentences if len(one) >= _SHORTEST and "_" not in one and not one.startswith(",")]
    if not sentences:
        raise MethodError("the phrase is empty; give it words")
    return "".join(kept or sentences)
