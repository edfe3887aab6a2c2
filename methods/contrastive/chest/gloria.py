"""GLoRIA: ResNet-50 places against the words of a Bio_ClinicalBERT, by the attention of its local loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from ...registry import register_method
from .convolutional import ConvolutionalMethod
from .frame import PadFrame

if TYPE_CHECKING:
    import torch

_TEMPERATURE = 4.0


@register_method("gloria")
class Gloria(ConvolutionalMethod):
    """GLoRIA: attention of words over a 19x19 grid (Huang et al., ICCV 2021).

    The longer side is resized to 256 pixels and padded to a square, of which the central 224 are looked at. The
    attention is that of the authors' local loss: a softmax over the phrase's words (the class token is one) of dot
    products without normalisation, and one over places at temperature 4. Theirs is one map a word; the map of a phrase
    is their mean without the class token's, which is this package's choice.
    """

    checkpoint: ClassVar[str] = "chexpert_resnet50.ckpt or another ResNet-50 checkpoint of GLoRIA's authors"
    frame: ClassVar[PadFrame] = PadFrame(256)
    prefix: ClassVar[str] = "gloria"
    licence = "Apache-2.0"
    trained_on: tuple[str, ...] = ("CheXpert", "MIMIC-III (text encoder)")
    citation = """@inproceedings{huang2021gloria,
  title = {{GLoRIA}: A Multimodal Global-Local Representation Learning Framework for Label-efficient Medical Image
           Recognition},
  author = {Huang, Shih-Cheng and Shen, Liyue and Lungren, Matthew P. and Yeung, Serena},
  booktitle = {IEEE/CVF International Conference on Computer Vision},
  year = {2021}
}"""

    def embed_phrases(self, phrases: Sequence[str]) -> torch.Tensor:
        """Of each phrase the class token and the words, `[m, n, d]`; zero behind a phrase that has fewer words."""
        from torch.nn.utils.rnn import pad_sequence

        return pad_sequence([found.words for found in self.words.encode(phrases)], batch_first=True)

    def maps(self, places: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """The mean of the words' attention, `[m, 19, 19]`."""
        import torch

        return torch.stack([word_attention(places, words[words.any(-1)])[1:].mean(0) for words in texts])


def word_attention(places: torch.Tensor, words: torch.Tensor) -> torch.Tensor:
    """GLoRIA's attention `[1 + n, h, w]` of words `[1 + n, d]` over places `[h, w, d]`; it sums to one over these."""
    by_word = (places @ words.T).softmax(-1).flatten(0, 1)
    return (by_word * _TEMPERATURE).softmax(0).T.unflatten(1, places.shape[:2])
