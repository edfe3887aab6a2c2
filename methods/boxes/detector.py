"""Open-vocabulary detectors of transformers: boxes for a phrase, each with a score."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any, ClassVar

from ...core import BOX, Box, Grounding, ImageSize, Radiograph
from ..inference import together
from ..registry import register_method
from .pictures import as_rgb
from .prompted import Family, PromptedMethod, in_parts

_OF_IMAGE = {"pixel_values", "pixel_mask"}

_GROUNDING_DINO = """@inproceedings{liu2024groundingdino,
  title = {Grounding {DINO}: Marrying {DINO} with Grounded Pre-Training for Open-Set Object Detection},
  author = {Liu, Shilong and Zeng, Zhaoyang and Ren, Tianhe and Li, Feng and Zhang, Hao and Yang, Jie and others},
  booktitle = {European Conference on Computer Vision},
  year = {2024}
}"""
_MM_GROUNDING_DINO = """@article{zhao2024mmgroundingdino,
  title = {An Open and Comprehensive Pipeline for Unified Object Grounding and Detection},
  author = {Zhao, Xiangyu and Chen, Yicheng and Xu, Shilin and Li, Xiangtai and Wang, Xinjiang and Li, Yining and
            Huang, Haian},
  journal = {arXiv:2401.02361},
  year = {2024}
}"""
_OWL_VIT = """@inproceedings{minderer2022owlvit,
  title = {Simple Open-Vocabulary Object Detection with Vision Transformers},
  author = {Minderer, Matthias and Gritsenko, Alexey and Stone, Austin and Neumann, Maxim and Weissenborn, Dirk and
            others},
  booktitle = {European Conference on Computer Vision},
  year = {2022}
}"""
_OWLV2 = """@inproceedings{minderer2023owlv2,
  title = {Scaling Open-Vocabulary Object Detection},
  author = {Minderer, Matthias and Gritsenko, Alexey and Houlsby, Neil},
  booktitle = {Advances in Neural Information Processing Systems},
  year = {2023}
}"""
_OMDET_TURBO = """@article{zhao2024omdetturbo,
  title = {Real-time Transformer-based Open-Vocabulary Detection with Efficient Fusion Head},
  author = {Zhao, Tiancheng and Liu, Peng and He, Xuan and Zhang, Lu and Lee, Kyusong},
  journal = {arXiv:2403.06892},
  year = {2024}
}"""


@dataclass(frozen=True)
class Detectors(Family):
    """An architecture of detectors.

    Attributes:
        prompt: Makes of a phrase what the processor is given.
        read: Makes of that the longest text which the text encoder reads.
        most_tokens: Of the configuration: how many tokens that reads.
        padding: Of texts of one batch, as the tokenizer takes it.
        shares_image: Whether phrases are so many queries about one image, each answered for itself; otherwise each is
            answered with a copy of the image.
        output: What the network answers where it has found one box, given as centre and size in fractions of its
            input, `[1, 1, 4]`, and its logit, `[1, 1, 1]`.
    """

    prompt: Callable[[str], str]
    read: Callable[[str], str]
    most_tokens: Callable[[Any], int]
    padding: str
    shares_image: bool
    output: Callable[[Any, Any], Any]


def _as_given(phrase: str) -> str:
    return phrase


def _one_block(phrase: str) -> str:
    # "." and "?" part a text into blocks that do not see each other; the processor ends the text with a dot of its own,
    # and lower-cases it, only where it holds none.
    return " ".join(re.sub(r"[.?]", " ", phrase).split()).lower()


def _text_positions(config: Any) -> int:
    return config.text_config.max_position_embeddings


def _dino(model: str, citation: str) -> Detectors:
    return Detectors(
        model,
        "GroundingDinoProcessor",
        citation,
        prompt=_one_block,
        read=lambda text: f"{text}.",
        most_tokens=lambda config: config.max_text_len,
        padding="longest",
        shares_image=False,
        output=lambda boxes, logits: SimpleNamespace(pred_boxes=boxes, logits=logits, input_ids=[[0]]),
    )


def _owl(model: str, processor: str, citation: str) -> Detectors:
    return Detectors(
        model,
        processor,
        citation,
        prompt=_as_given,
        read=_as_given,
        most_tokens=_text_positions,
        padding="max_length",
        shares_image=True,
        output=lambda boxes, logits: SimpleNamespace(pred_boxes=boxes, logits=logits),
    )


_OMDET = Detectors(
    "OmDetTurboForObjectDetection",
    "OmDetTurboProcessor",
    _OMDET_TURBO,
    prompt=_as_given,
    read=lambda phrase: f"Detect {phrase}.",
    most_tokens=_text_positions,
    padding="max_length",
    shares_image=False,
    output=lambda boxes, logits: SimpleNamespace(
        decoder_coord_logits=boxes, decoder_class_logits=logits, classes_structure=[1]
    ),
)
FAMILIES = {
    one.model: one
    for one in (
        _dino("GroundingDinoForObjectDetection", _GROUNDING_DINO),
        _dino("MMGroundingDinoForObjectDetection", _MM_GROUNDING_DINO),
        _owl("OwlViTForObjectDetection", "OwlViTProcessor", _OWL_VIT),
        _owl("Owlv2ForObjectDetection", "Owlv2Processor", _OWLV2),
        _OMDET,
    )
}
"""Detectors by the name in their configuration's `architectures`."""


@register_method("detector")
class Detector(PromptedMethod):
    """Open-vocabulary detectors: GroundingDINO, MM-GroundingDINO, LLMDet, OWL-ViT, OWLv2, OmDet-Turbo.

    The weights say which. The best box of a phrase counts, whatever its score, unless the options say otherwise; a box
    is clipped to the image. Scores are those of the model's own post-processing. What a phrase says between "." and "?"
    the DINOs would read as separate things, so these are left out there.
    """

    kind: ClassVar[str] = "box"
    emits = frozenset({BOX})
    # OmDet-Turbo's image tower is timm's.
    requirements: ClassVar[tuple[str, ...]] = ("torch", "torchvision", "transformers>=5.0", "timm")
    citation = "\n".join((_GROUNDING_DINO, _MM_GROUNDING_DINO, _OWL_VIT, _OWLV2, _OMDET_TURBO))
    what: ClassVar[str] = "detector"

    @cached_property
    def family(self) -> Detectors:
        """The architecture of the weights."""
        return self.named(FAMILIES)

    def answer(self, image: Radiograph, phrases: Sequence[str]) -> list[Grounding]:
        """The best boxes of each phrase, and whether it was cut."""
        answers: list[Grounding] = []
        # Where phrases share the encoding of an image, one after the other it would be encoded anew for each.
        groups = [phrases] if self.family.shares_image else together(phrases, self._device)
        for part in in_parts(groups):
            prompts = [self.family.prompt(phrase) for phrase in part]
            most = self.family.most_tokens(self._model.config)
            found = self._found(image, prompts, most)
            cut = self.cut([self.family.read(prompt) for prompt in prompts], most)
            for one, truncated in zip(found, cut, strict=True):
                scored = zip(one["boxes"].tolist(), one["scores"].tolist(), strict=True)
                boxes = self.best((Box(*edges, score=score) for edges, score in scored), image.size)
                answers.append(Grounding(boxes=boxes, truncated=truncated))
        return answers

    def _found(self, image: Radiograph, prompts: Sequence[str], most: int) -> list[dict[str, Any]]:
        """Boxes and scores of each prompt."""
        alone = not self.family.shares_image
        inputs = self._processor(
            images=as_rgb(image),
            text=[[prompt] for prompt in prompts] if alone else [list(prompts)],
            padding=self.family.padding,
            truncation=True,
            max_length=most,
            return_tensors="pt",
        )
        if alone:
            for name in _OF_IMAGE & inputs.keys():
                inputs[name] = inputs[name].expand(len(prompts), *inputs[name].shape[1:])
        outputs = self._model(**inputs.to(self._device))
        if alone:
            return self._read(outputs, image.size, len(prompts))
        each = (self.family.output(outputs.pred_boxes, logits) for logits in outputs.logits.split(1, dim=-1))
        return [found for one in each for found in self._read(one, image.size, 1)]

    def to_image(self, box: Box, image_size: ImageSize) -> Box:
        """A box of the network's answer on the original image; not clipped where the post-processing does not."""
        import torch

        x0, y0, x1, y1 = box.as_tuple()
        centred = torch.tensor([[[(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0]]])
        (found,) = self._read(self.family.output(centred, torch.ones(1, 1, 1)), image_size, 1)
        return Box(*found["boxes"][0].tolist())

    def _read(self, outputs: Any, image_size: ImageSize, count: int) -> list[dict[str, Any]]:
        """Boxes and scores of `count` phrases, in pixels of the original image."""
        # By keyword, since their order differs; scores are never negative, so that all boxes stay.
        return self._processor.post_process_grounded_object_detection(
            outputs=outputs, threshold=-1.0, target_sizes=[(image_size[1], image_size[0])] * count
        )
