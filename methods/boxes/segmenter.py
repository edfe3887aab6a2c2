"""Segmenters of transformers that take text: a heatmap for a phrase, and boxes where the network gives some."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from ...core import BOX, HEATMAP, Box, Grounding, Heatmap, ImageSize, Radiograph
from ..inference import together
from ..pretrained import require_end
from ..registry import register_method
from .prompted import Family, PromptedMethod, in_parts

_SAM3 = """@article{carion2025sam3,
  title = {{SAM} 3: Segment Anything with Concepts},
  author = {Carion, Nicolas and Gustafson, Laura and Hu, Yuan-Ting and Debnath, Shoubhik and Hu, Ronghang and others},
  journal = {arXiv:2511.16719},
  year = {2025}
}"""
_CLIPSEG = """@inproceedings{luddecke2022clipseg,
  title = {Image Segmentation Using Text and Image Prompts},
  author = {L{\\"u}ddecke, Timo and Ecker, Alexander S.},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  year = {2022}
}"""


@dataclass(frozen=True)
class Found:
    """What a network says of some phrases.

    Attributes:
        maps: Logits `[n, h, w]`.
        corners: x0, y0, x1, y1 in fractions of the image `[n, q, 4]`; None of a network without boxes.
        scores: Of these, `[n, q]`, from 0 to 1.
    """

    maps: Any
    corners: Any = None
    scores: Any = None


@dataclass(frozen=True)
class Segmenters(Family):
    """An architecture of segmenters.

    Attributes:
        look: Makes of a model and an image's pixels what serves all phrases of the image.
        segment: Makes of a model, that and the tokens of phrases what is found.
        emits: What it answers with.
    """

    look: Callable[[Any, Any], Any]
    segment: Callable[[Any, Any, dict[str, Any]], Found]
    emits: frozenset[str]


def _look_sam3(model: Any, pixels: Any) -> Any:
    return model.get_vision_features(pixel_values=pixels)


def _segment_sam3(model: Any, vision: Any, tokens: dict[str, Any]) -> Found:
    import torch

    # A phrase at a time: the network takes the number of its answers from the image.
    found = [
        model(vision_embeds=vision, input_ids=ids, attention_mask=mask)
        for ids, mask in zip(tokens["input_ids"].split(1), tokens["attention_mask"].split(1), strict=True)
    ]
    maps, corners, logits, presence = (
        torch.cat([one[name] for one in found])
        for name in ("semantic_seg", "pred_boxes", "pred_logits", "presence_logits")
    )
    return Found(maps.squeeze(1), corners, logits.sigmoid() * presence.sigmoid())


def _look_clipseg(model: Any, pixels: Any) -> Any:
    vision = model.clip.get_image_features(pixels, interpolate_pos_encoding=True, output_hidden_states=True)
    return tuple(vision.hidden_states[layer + 1] for layer in model.extract_layers)


def _segment_clipseg(model: Any, vision: Any, tokens: dict[str, Any]) -> Found:
    count = len(tokens["input_ids"])
    phrases = model.get_conditional_embeddings(batch_size=count, **tokens)
    return Found(model.decoder(tuple(layer.expand(count, -1, -1) for layer in vision), phrases).logits)


_SAM3_MODEL = Segmenters(
    "Sam3Model",
    "Sam3Processor",
    _SAM3,
    look=_look_sam3,
    segment=_segment_sam3,
    emits=frozenset({HEATMAP, BOX}),
)
_CLIPSEG_MODEL = Segmenters(
    "CLIPSegForImageSegmentation",
    "CLIPSegProcessor",
    _CLIPSEG,
    look=_look_clipseg,
    segment=_segment_clipseg,
    emits=frozenset({HEATMAP}),
)
FAMILIES = {
    "Sam3Model": _SAM3_MODEL,
    # The published weights are those of the video model, which holds this one.
    "Sam3VideoModel": _SAM3_MODEL,
    "CLIPSegForImageSegmentation": _CLIPSEG_MODEL,
}
"""Segmenters by the name in their configuration's `architectures`."""


@register_method("segmenter")
class Segmenter(PromptedMethod):
    """Segmenters that take text: SAM 3 (heatmap and boxes) and CLIPSeg (heatmap).

    The weights say which. The heatmap is the network's logits on their own grid, of SAM 3 those for all that the phrase
    means together. A box of SAM 3 scores the product of its own probability and that of the phrase being in the image.
    An image is encoded once for all its phrases.
    """

    emits = frozenset({HEATMAP, BOX})
    citation = "\n".join((_SAM3, _CLIPSEG))
    what: ClassVar[str] = "segmenter that takes text"

    def __init__(self, options: Any = None) -> None:
        """Keep the options, and read the weights' configuration: it says what the method answers with.

        Raises:
            WeightsError: If it cannot be found, or names no architecture that is known.
        """
        super().__init__(options)
        # Instances differ in what the class declares.
        self.__dict__["emits"] = self.family.emits

    def setup(self, device: str) -> None:
        """As of any, and try where CLIPSeg takes a phrase's embedding from."""
        super().setup(device)
        if self.family is _CLIPSEG_MODEL:
            require_end(self._processor.tokenizer, self._model.config.text_config, self.place())

    @cached_property
    def family(self) -> Segmenters:
        """The architecture of the weights."""
        return self.named(FAMILIES)

    def answer(self, image: Radiograph, phrases: Sequence[str]) -> list[Grounding]:
        """The map and the best boxes of each phrase, and whether it was cut."""
        most = self._model.config.text_config.max_position_embeddings
        vision = self.family.look(self._model, self.pixel_inputs(image)["pixel_values"].to(self._device))
        answers: list[Grounding] = []
        for part in in_parts(together(phrases, self._device)):
            tokens = self._processor.tokenizer(
                list(part), padding="max_length", truncation=True, max_length=most, return_tensors="pt"
            )
            found = self.family.segment(self._model, vision, dict(tokens.to(self._device)))
            for number, truncated in enumerate(self.cut(part, most)):
                heatmap = Heatmap.whole(found.maps[number].cpu().numpy(), image.size)
                boxes: list[Box] = []
                if found.corners is not None:
                    scored = zip(found.corners[number].tolist(), found.scores[number].tolist(), strict=True)
                    whole = (self.to_image(Box(*edges, score=score), image.size) for edges, score in scored)
                    boxes = self.best(whole, image.size)
                answers.append(Grounding(heatmap, boxes, truncated))
        return answers

    def to_image(self, box: Box, image_size: ImageSize) -> Box:
        """A box of the network's answer on the original image: both networks squash the whole image."""
        return box.scaled(*image_size)
