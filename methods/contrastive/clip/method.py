"""CLIP models: cosine of every patch's place in the joint space and a phrase's embedding."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ....core import Heatmap, ImageSize, MethodError, Radiograph
from ....core.fingerprint import digest
from ...inference import prepared
from ...marker import NetworkInput
from ...registry import register_method
from ...requirements import require_packages
from ..base import ContrastiveMethod, Explained, state_digest
from .dense import MODES, PROJECTION, DenseTower, dense_tower
from .finding import find_source
from .frame import OpenClipFrame
from .options import ClipOptions, settings_of
from .presets import ENSEMBLE, ensemble
from .source import Loaded, Source
from .towers import PatchTower, image_embedding, patch_tower

if TYPE_CHECKING:
    import torch


@register_method("clip")
class Clip(ContrastiveMethod):
    """CLIP: each patch token through the last norm and projection, against the phrase's embedding.

    The towers allowed are those for which this projection, applied to the class token (or, averaged over the patches,
    where the tower averages), is the model's image embedding; that is checked on loading, and others are refused. The
    model's own preprocessing and tokenizer apply: where it crops, the crop is the map's extent; where it pads, padding
    is cut off the map; a phrase beyond the context length is cut off, and its answer says so. No smoothing. With
    `dense`, patches come from the last blocks in another way than the tower's own (see `dense.py`); with `preset`,
    input and prompt are those that such a way was published with.
    """

    Options: ClassVar[type[Any]] = ClipOptions
    requirements: ClassVar[tuple[str, ...]] = ("torch", "torchvision", "open-clip-torch", "transformers")

    def __init__(self, options: Any = None, *, model: Any = None, tokenizer: Any = None) -> None:
        """Take options, or the loaded parts themselves.

        Args:
            options: A `ClipOptions`.
            model: An open_clip model, with its `visual.preprocess_cfg`.
            tokenizer: Its tokenizer: texts to token ids `[m, length]`.

        Raises:
            MethodError: If the options do not fit together, only one part is given, or the model cannot ground phrases.
        """
        super().__init__(options)
        if (model is None) != (tokenizer is None):
            raise MethodError(f"{type(self).__name__} takes model and tokenizer together, or neither")
        self._dense, self._prompts, self._changes = settings_of(self.options)
        self._fingerprint: str | None = None
        self._source: Source | None = None
        self._model: Any = None
        self._tokenizer: Any = None
        self._tower: Any = None
        self._empty: torch.Tensor | None = None
        if model is not None:
            self.weights: str | None = "given as parts"
            preprocess = getattr(model.visual, "preprocess_cfg", None)
            if preprocess is None:
                raise MethodError("the model lacks visual.preprocess_cfg; make it with open_clip.create_model")
            if "size" in self._changes:
                raise MethodError("a preset changes the input, so it takes no parts; set dense instead")
            self._keep(Loaded(model.eval(), tokenizer, OpenClipFrame(dict(preprocess)).changed(self._changes)))
            return
        self._source = self.source()
        self.weights = self._source.weights
        cls = type(self)
        self.trained_on = self._source.trained_on or cls.trained_on
        self.licence = self._source.licence if cls.licence == ContrastiveMethod.licence else cls.licence
        self.citation = self._source.citation or cls.citation

    def source(self) -> Source:
        """Where the model comes from; a method with weights of its own overrides this."""
        return find_source(self.options.model, self.options.weights, self.name)

    def tower(self, model: Any, name: str) -> PatchTower:
        """The path of a model's patches into the joint space.

        Args:
            model: The model.
            name: What the user calls it, for messages.

        Raises:
            MethodError: If there is none.
        """
        return patch_tower(model, name)

    def setup(self, device: str) -> None:
        """Load the model, unless it was given, check its tower and move it to the device.

        Raises:
            WeightsError: If the weights are missing or unusable.
            MethodError: If a package is missing, or the model has no exact per-patch projection.
        """
        require_packages(self.name, *self.requirements)
        if self._tower is None and self._source is not None:
            self._keep(self._source.load(self.name, self._changes))
        self._device = device
        self._model.to(device)
        if self._dense in MODES and MODES[self._dense].differs_from_empty:
            import torch

            with torch.inference_mode():
                self._empty = self._embed_under([""], ensemble())

    def weights_fingerprint(self) -> str:
        """Pinned revision and checksum, open_clip's name, or the SHA-256 of a file, a folder or of given parts."""
        if self._fingerprint is None:
            if self._source is not None:
                self._fingerprint = self._source.fingerprint(self.name)
            else:
                self._fingerprint = digest(state_digest(self._model), self._frame.identity())
        return self._fingerprint

    def weights_id(self) -> str | None:
        """The weights' name for publication: of a path the last part only."""
        return self._source.weights_id() if self._source is not None else super().weights_id()

    def declared_places(self) -> list[Path]:
        """The user's files and folders."""
        return self._source.places() if self._source is not None else super().declared_places()

    def options_dict(self) -> dict[str, Any]:
        """The options without the place of a folder, whose content is in `weights_fingerprint`."""
        options = super().options_dict()
        if "model" in options and self._source is not None and self._source.places():
            options["model"] = "local-dir"
        return options

    def embed_images(self, images: Sequence[Radiograph]) -> torch.Tensor:
        """Patch embeddings of unit length, `[n, h, w, d]`.

        Raises:
            MethodError: If an image is too narrow to be resized.
        """
        import torch

        return torch.nn.functional.normalize(self._tower(self._pixels(images)), dim=-1)

    def embed_phrases(self, phrases: Sequence[str]) -> torch.Tensor:
        """Embeddings of the phrases, of unit length, `[m, d]`; with `dense=surgery`, less that of the empty phrase."""
        found = self._embed_under(phrases, self._templates)
        return found if self._empty is None else found - self._empty

    def truncated(self, phrases: Sequence[str]) -> Sequence[bool]:
        """Whether each phrase has more tokens where the tokenizer may give twice as many; unknown ones cut nothing."""
        if "context_length" not in inspect.signature(self._tokenizer).parameters:
            return [False] * len(phrases)
        longest = max(self._templates, key=len)
        texts = [longest.replace("{}", phrase) for phrase in phrases]
        read = self._tokenizer(texts)
        longer = self._tokenizer([*texts, ""], context_length=2 * read.shape[1])
        padding = longer[-1].mode().values  # of an empty text, on whichever side it pads
        return ((longer[:-1] != padding).sum(1) > (read != padding).sum(1)).tolist()

    def heatmap(self, cosines: NDArray[np.float32], image_size: ImageSize) -> Heatmap:
        """The cosines, over the part of the image that the preprocessing keeps."""
        return self._frame.placement(image_size).heatmap(cosines, self._own.patch_size)

    def network_input(self, image: Radiograph) -> NetworkInput:
        """What the network gets of an image; for the marker test."""
        return NetworkInput(self._frame.pixels(image.as_pil()).numpy(), self._frame.placement(image.size).box)

    def explained(self) -> Explained:
        """The tokens that the last block reads, and the model's own image embedding.

        Raises:
            MethodError: With a dense mode, which the image embedding does not know.
        """
        if self._dense != PROJECTION:
            raise MethodError(f"gradcam explains a model's own image embedding, so dense={self._dense} changes nothing")
        from .blocks import blocks_of

        last = blocks_of(self._own.blocks[-1:])
        if isinstance(last, str):
            raise MethodError(f"gradcam does not know the image tower: {last}")

        def grid(features: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
            width, height = self._own.patch_size
            sides = (pixels.shape[2] // height, pixels.shape[3] // width)
            return features[:, self._own.prefix :].unflatten(1, sides)

        return Explained(
            self._pixels,
            lambda pixels: image_embedding(self._model, pixels),
            self._model.parameters,
            last[0].norm,
            grid,
            self.heatmap,
        )

    @property
    def _templates(self) -> tuple[str, ...]:
        return ensemble() if self._prompts == (ENSEMBLE,) else self._prompts

    def _pixels(self, images: Sequence[Radiograph]) -> torch.Tensor:
        import torch

        for image in images:
            self._frame.placement(image.size)
        return torch.stack(prepared(images, lambda image: self._frame.pixels(image.as_pil()))).to(self._device)

    def _embed_under(self, phrases: Sequence[str], templates: Sequence[str]) -> torch.Tensor:
        """Unit embeddings `[m, d]`: each the mean of a phrase's under all templates."""
        import torch
        from torch.nn.functional import normalize

        if len(templates) == 1:
            return self._embed_texts([templates[0].replace("{}", phrase) for phrase in phrases])
        # One phrase at a time, since templates are many.
        means = [self._embed_texts([one.replace("{}", phrase) for one in templates]).mean(0) for phrase in phrases]
        return normalize(torch.stack(means), dim=-1)

    def _embed_texts(self, texts: Sequence[str]) -> torch.Tensor:
        import torch

        found = self._model.encode_text(self._tokenizer(list(texts)).to(self._device))
        return torch.nn.functional.normalize(found, dim=-1)

    def _keep(self, loaded: Loaded) -> None:
        name = self._source.spec if self._source is not None else "given as parts"
        self._model, self._tokenizer, self._frame = loaded.model, loaded.tokenizer, loaded.frame
        self._own: PatchTower = self.tower(loaded.model, name)
        tower: PatchTower | DenseTower = self._own
        self._tower = tower if self._dense == PROJECTION else dense_tower(self._own, self._dense, name)
