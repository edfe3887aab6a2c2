"""CLIP models of open_clip: cosine of every patch's projection and a phrase's embedding."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ....core import Heatmap, ImageSize, MethodError, Radiograph
from ....core.fingerprint import digest
from ...crop import Placement, place
from ...registry import register_method
from ...requirements import require_packages
from ..base import ContrastiveMethod, state_digest
from .source import ClipSource
from .towers import patch_tower

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ClipOptions:
    """Which model."""

    model: str = field(
        default="openai-vit-b-16",
        metadata={
            "help": "openai-vit-b-16, biomedclip, NAME/PRETRAINED (of open_clip), hf-hub:ID (its present state) or "
            "local-dir:DIR"
        },
    )
    weights: str = field(
        default="",
        metadata={"help": "folder with open_clip_config.json and the weights; the same as model=local-dir:DIR"},
    )


@register_method("clip")
class Clip(ContrastiveMethod):
    """CLIP through open_clip: each patch token through the last norm and projection, against the phrase's embedding.

    The towers allowed are those for which this projection, applied to the class token (or, averaged over the patches,
    where the tower averages), is the model's image embedding; that is checked on loading, and others are refused. The
    model's own preprocessing and tokenizer apply: where it crops, the crop is the map's extent; where it pads, padding
    is cut off the map; a phrase beyond the context length is cut off as open_clip does, and its answer says so. No
    smoothing.
    """

    Options: ClassVar[type[Any]] = ClipOptions
    requirements: ClassVar[tuple[str, ...]] = ("torch", "torchvision", "open-clip-torch")

    def __init__(self, options: Any = None, *, model: Any = None, tokenizer: Any = None) -> None:
        """Take options, or the loaded parts themselves.

        Args:
            options: A `ClipOptions`.
            model: An open_clip model, with its `visual.preprocess_cfg`.
            tokenizer: Its tokenizer: texts to token ids `[m, length]`.

        Raises:
            MethodError: If the options name no model, only one part is given, or the model cannot ground phrases.
        """
        super().__init__(options)
        if (model is None) != (tokenizer is None):
            raise MethodError(f"{type(self).__name__} takes model and tokenizer together, or neither")
        self._fingerprint: str | None = None
        self._device = "cpu"
        self._loaded = False
        self._source: ClipSource | None = None
        self._model: Any = None
        self._tokenizer: Any = None
        if model is not None:
            self.weights: str | None = "given as parts"
            self._keep(model, tokenizer)
            return
        self._source = self.source()
        self.weights = self._source.weights
        if self._source.preset is not None:
            preset = self._source.preset
            self.trained_on, self.licence, self.citation = preset.trained_on, preset.licence, preset.citation

    def source(self) -> ClipSource:
        """Where the model comes from; a method with weights of its own overrides this."""
        return ClipSource.parse(self.options.model, self.options.weights)

    def setup(self, device: str) -> None:
        """Load the model, unless it was given, check its tower and move it to the device.

        Raises:
            WeightsError: If the weights are missing or unusable.
            MethodError: If a package is missing, or the model has no exact per-patch projection.
        """
        require_packages(self.name, *self.requirements)
        if not self._loaded and self._source is not None:
            self._keep(*self._source.load(self.name))
        self._device = device
        self._model.to(device)

    def weights_fingerprint(self) -> str:
        """Pinned revision and checksum, open_clip's name, or the SHA-256 of a folder's content or of given parts."""
        if self._fingerprint is None:
            if self._source is not None:
                self._fingerprint = self._source.fingerprint(self.name)
            else:
                self._fingerprint = digest(state_digest(self._model), self._preprocess)
        return self._fingerprint

    def options_dict(self) -> dict[str, Any]:
        """The options without the place of a folder, whose content is in `weights_fingerprint`."""
        options = super().options_dict()
        if "model" in options and self._source is not None and self._source.folder is not None:
            options["model"] = "local-dir"
        return options

    def embed_images(self, images: Sequence[Radiograph]) -> torch.Tensor:
        """Projected patch embeddings of unit length, `[n, h, w, d]`.

        Raises:
            MethodError: If an image is too narrow to be resized.
        """
        import torch
        from open_clip.transform import PreprocessCfg, image_transform_v2

        for image in images:
            self._placement(image.size)
        transform: Any = image_transform_v2(PreprocessCfg(**self._preprocess), is_train=False)
        pixels = torch.stack([transform(image.as_pil()) for image in images]).to(self._device)
        return torch.nn.functional.normalize(self._tower(pixels), dim=-1)

    def embed_phrases(self, phrases: Sequence[str]) -> torch.Tensor:
        """Embeddings of the phrases, of unit length, `[m, d]`."""
        import torch

        found = self._model.encode_text(self._tokenizer(list(phrases)).to(self._device))
        return torch.nn.functional.normalize(found, dim=-1)

    def truncated(self, phrases: Sequence[str]) -> Sequence[bool]:
        """Whether each phrase has more tokens where the tokenizer may give twice as many; unknown ones cut nothing."""
        if "context_length" not in inspect.signature(self._tokenizer).parameters:
            return [False] * len(phrases)
        read = self._tokenizer(list(phrases))
        longer = self._tokenizer([*phrases, ""], context_length=2 * read.shape[1])
        padding = longer[-1].mode().values  # of an empty text, on whichever side it pads
        return ((longer[:-1] != padding).sum(1) > (read != padding).sum(1)).tolist()

    def heatmap(self, cosines: NDArray[np.float32], image_size: ImageSize) -> Heatmap:
        """The cosines, over the part of the image that the preprocessing keeps."""
        return self._placement(image_size).heatmap(cosines, self._tower.patch_size)

    def _placement(self, image_size: ImageSize) -> Placement:
        size = self._preprocess["size"]
        height, width = (size, size) if isinstance(size, int) else size
        return place(image_size, (width, height), self._preprocess["resize_mode"])

    def _keep(self, model: Any, tokenizer: Any) -> None:
        preprocess = getattr(model.visual, "preprocess_cfg", None)
        if preprocess is None:
            raise MethodError("the open_clip model lacks visual.preprocess_cfg; make it with open_clip.create_model")
        self._preprocess = dict(preprocess)
        self._tower = patch_tower(model.eval(), self._source.spec if self._source is not None else "given as parts")
        self._model = model
        self._tokenizer = tokenizer
        self._loaded = True
