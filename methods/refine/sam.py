"""Masks around what another method points at: SAM, MedSAM and others of their architecture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...core import BOX, HEATMAP, Box, Grounding, Heatmap, Query, Radiograph
from ...core.fingerprint import digest
from ...core.input_frame import InputFrame
from ...core.map_cells import cells_of, rectangle
from ..base import GroundingMethod, by_image
from ..boxes.reading import PARSER_VERSION
from ..inference import exact_inference
from ..marker import NetworkInput, require_frame
from ..pretrained import PretrainedMethod
from ..registry import register_method
from ..requirements import require_packages
from ..wrapping import AskedOptions, WrappingMethod, unreadable

if TYPE_CHECKING:
    import torch

_INSIDE = 0.5
"""A mask's probability from which on, excluded, a pixel is inside: a logit of 0, SAM's own threshold."""


@dataclass(frozen=True)
class SamOptions(AskedOptions):
    """Which method is asked, and which network draws the masks."""

    weights: str = field(
        default="",
        metadata={
            "help": "SAM or MedSAM: folder, hub id OWNER/NAME[@REVISION] or random:SEED[:PLACE]; empty: SAM base"
        },
    )


@register_method("sam")
class Sam(WrappingMethod, PretrainedMethod):
    """Masks that SAM draws for another method's boxes, or, where it has none, for the highest place of its map.

    The map is the highest probability of all masks, on SAM's own grid (256 cells along the longer side). Each mask
    gives one box around its pixels, with the score of the box that asked for it; an empty mask gives none. For a box
    SAM is asked for one mask; for a point, which is ambiguous, for three, of which that with the best predicted IoU
    counts (Kirillov et al. 2023, section 3).
    """

    Options: ClassVar[type[Any]] = SamOptions
    requirements: ClassVar[tuple[str, ...]] = ("torch", "torchvision", "transformers>=5.0")
    usual: ClassVar[str] = "facebook/sam-vit-base"
    content: ClassVar[str] = "a SamModel as save_pretrained writes it: config.json, model.safetensors and its processor"
    emits = frozenset({HEATMAP, BOX})
    licence = "masks: that of the weights (SAM: Apache-2.0)"
    trained_on: tuple[str, ...] = ("SA-1B (SAM); MedSAM: 1.6 million medical images of other sets, see its list",)
    citation = (
        "@inproceedings{kirillov2023segment, title = {Segment Anything}, author = {Kirillov, Alexander and Mintun, "
        "Eric and Ravi, Nikhila and Mao, Hanzi and Rolland, Chloe and Gustafson, Laura and others}, "
        "booktitle = {ICCV}, year = {2023}}"
    )

    def __init__(self, options: Any = None) -> None:
        """Build the method that is asked.

        Raises:
            MethodError: If none is named, or a control that reads the ground truth.
        """
        super().__init__(options)
        # A mask is SAM's, whatever pointed at its place; a control stays one.
        self.__dict__["kind"] = "control" if self.only().kind == "control" else "other"
        self._model: Any = None
        self._processor: Any = None

    def setup(self, device: str) -> None:
        """Load the network, and the method that is asked.

        Raises:
            WeightsError: If weights are missing, unusable or incomplete.
            MethodError: If a package is missing.
        """
        self._set_up_network(device)
        super().setup(device)

    def fetch(self) -> None:
        """Bring the network, and what the method that is asked needs."""
        self._set_up_network("cpu")
        super().fetch()

    def weights_fingerprint(self) -> str:
        """That of the network; the method that is asked has its own."""
        return PretrainedMethod.weights_fingerprint(self)

    def weights_id(self) -> str | None:
        """That of the network."""
        return PretrainedMethod.weights_id(self)

    def fingerprint(self) -> str:
        """As of any method that asks another, with the version that reads the boxes of one that answers in words.

        Masks are stored as what they are, and are not drawn again when texts are read again.
        """
        own = super().fingerprint()
        return digest(own, PARSER_VERSION) if BOX in self.only().emits else own

    def answering(self) -> tuple[GroundingMethod, ...]:
        """This method and the one that is asked."""
        return (self, *super().answering())

    def answers_by_image(self) -> bool:
        """Masks are drawn image by image."""
        return True

    def network_input(self, image: Radiograph) -> NetworkInput:
        """What the network gets of an image; see `methods.marker`."""
        pixels, placement = self._input(image)
        return NetworkInput(pixels[0].numpy(), placement.box)

    def ground_batch(self, queries: Sequence[Query]) -> list[Grounding]:
        """The masks for the answers of the method that is asked; each image is encoded once.

        Raises:
            MethodError: If what it wrote cannot be read.
        """
        (spec,) = self.asked
        answers = iter(self.answers(spec, queries))
        found: list[Grounding] = []
        with exact_inference():
            for mine in by_image(queries):
                found += self._refined(mine[0].image, [next(answers) for _ in mine])
        return found

    def _refined(self, image: Radiograph, answers: Sequence[Grounding]) -> list[Grounding]:
        for answer in answers:
            # A failed sample, not one in which there is nothing: it is the method's that was asked.
            if (error := unreadable(answer, image.size, self.only())) is not None:
                raise error
        prompts = [_prompts(answer, image) for answer in answers]
        if not any(prompts):
            return [Grounding(truncated=answer.truncated) for answer in answers]
        pixels, placement = self._input(image)
        encoded = self._model.get_image_embeddings(pixels.to(self._model.device))
        size = (pixels.shape[-1], pixels.shape[-2])
        found: list[Grounding] = []
        for answer, some in zip(answers, prompts, strict=True):
            masks = [_placed(mask, placement, size) for mask in self._masks(encoded, some, placement)] if some else []
            found.append(replace(_grounding(masks, some), truncated=answer.truncated))
        return found

    def _set_up_network(self, device: str) -> None:
        require_packages(self.name, *self.requirements)
        import torch
        from transformers import SamModel, SamProcessor

        if self._model is None:
            self.require_type("sam")
            self._processor = self.processor(SamProcessor)
            require_frame(self, self.name)
            self._model = self.load(SamModel, dtype=torch.float32)
        self._model.to(device)

    def _input(self, image: Radiograph) -> tuple[torch.Tensor, InputFrame]:
        """The network's input `[1, 3, h, w]`, and where it lies: the image in its top-left corner, the rest padding."""
        made = self._processor.image_processor(images=image.as_pil().convert("RGB"), return_tensors="pt")
        height, width = (int(side) for side in made["reshaped_input_sizes"][0])
        whole = made["pixel_values"].shape
        return made["pixel_values"], InputFrame(image.size, (whole[3], whole[2]), (width, height), (0, 0))

    def _masks(self, encoded: torch.Tensor, prompts: Sequence[Box], placement: InputFrame) -> NDArray[np.float32]:
        """The mask of each prompt as probabilities `[n, h, w]` on the network's own grid."""
        import torch

        corners = torch.tensor([placement.to_input(box).as_tuple() for box in prompts], device=encoded.device)
        if prompts[0].area > 0:
            asked = {"input_boxes": corners[None], "multimask_output": False}
        else:
            labels = torch.ones((1, len(prompts), 1), dtype=torch.int64, device=encoded.device)
            points = corners[None, :, None, :2]
            asked = {"input_points": points, "input_labels": labels, "multimask_output": True}
        made = self._model(image_embeddings=encoded, **asked)
        best = made.iou_scores[0].argmax(dim=-1)
        chosen = made.pred_masks[0][torch.arange(len(prompts), device=best.device), best]
        return chosen.float().sigmoid().cpu().numpy()


def _prompts(answer: Grounding, image: Radiograph) -> list[Box]:
    """What SAM is asked about: boxes with an area, or one point as a box without, the centre of the map's highest cell.

    A map of one value has no highest place; of several highest cells the first counts, row by row.
    """
    boxes = [box.clipped(image.size) for box in answer.boxes]
    boxes = [box for box in boxes if box.area > 0]
    if boxes or answer.heatmap is None:
        return boxes
    values, rows, columns = cells_of(answer.heatmap)
    if values.min() == values.max():
        return []
    row, column = np.unravel_index(values.argmax(), values.shape)
    x, y = (columns[column] + columns[column + 1]) / 2, (rows[row] + rows[row + 1]) / 2
    return [Box(x, y, x, y)]


def _placed(mask: NDArray[np.float32], placement: InputFrame, input_size: tuple[int, int]) -> Heatmap:
    rows, columns = mask.shape
    return placement.heatmap(mask, (input_size[0] // columns, input_size[1] // rows))


def _grounding(masks: Sequence[Heatmap], prompts: Sequence[Box]) -> Grounding:
    if not masks:
        return Grounding()
    boxes: list[Box] = []
    for mask, prompt in zip(masks, prompts, strict=True):
        values, rows, columns = cells_of(mask)
        inside = values > _INSIDE
        if inside.any():
            boxes.append(rectangle(inside, rows, columns, prompt.score))
    together = np.max([mask.values for mask in masks], axis=0)
    return Grounding(Heatmap(together, masks[0].extent, masks[0].image_size), boxes)
