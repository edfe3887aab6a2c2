"""CLIP and SigLIP checkpoints of transformers, with what `clip` asks of a model of open_clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ....core import ImageSize, MethodError, WeightsError
from ....core.input_frame import InputFrame, fit_frame
from ...pretrained import PretrainedMethod, require_end
from .source import Loaded

if TYPE_CHECKING:
    import torch
    from PIL import Image

# Buffers that older versions saved with the weights.
_UNUSED = (r"position_ids$",)
_CLASSES = {"clip": "CLIPModel", "siglip": "SiglipModel"}


@dataclass(frozen=True)
class _Weights:
    weights: str = field(default="")


class _Checkpoint(PretrainedMethod):
    """Reads the files."""

    Options: ClassVar[type[Any]] = _Weights


class TransformersSource:
    """A folder or hub repository as transformers writes it, or networks of its configuration with drawn weights."""

    trained_on: tuple[str, ...] = ()
    licence = "not stated"
    citation = ""

    def __init__(self, spec: str, method: str) -> None:
        """Take the option `weights`: a folder, a hub id, or drawn weights of either."""
        self.spec = spec
        self.weights = spec
        self._files = _Checkpoint(_Weights(spec))
        # For messages; an attribute of its own, since the class serves several methods.
        self._files.__dict__["name"] = method

    def fingerprint(self, _method: str) -> str:
        """A hub repository's commit, or the SHA-256 of a folder's files; with the seed of drawn weights."""
        return self._files.weights_fingerprint()

    def weights_id(self) -> str | None:
        """The weights' name for publication."""
        return self._files.weights_id()

    def places(self) -> list[Path]:
        """The folder of the weights."""
        return self._files.declared_places()

    def load(self, method: str, changes: Mapping[str, Any]) -> Loaded:
        """The model on the CPU, in float32 and evaluation mode, its tokenizer and frame.

        Raises:
            WeightsError: If files are missing, unreachable or unusable.
            MethodError: If the architecture is another than CLIP's and SigLIP's.
        """
        import torch
        import transformers

        kind = str(self._files.config().get("model_type"))
        if kind not in _CLASSES:
            raise MethodError(
                f"the model in {self._files.place()} is of the type {kind!r}; method {method} reads those of the types "
                f"{' and '.join(_CLASSES)} through transformers"
            )
        model = self._files.load(getattr(transformers, _CLASSES[kind]), unused=_UNUSED, dtype=torch.float32)
        tokenizer = self._files.processor(transformers.AutoTokenizer)
        if kind == "clip":
            require_end(tokenizer, model.config.text_config, self._files.place())
        processor = self._files.processor(transformers.AutoImageProcessor)
        wrapped = TransformersModel(model, kind)
        frame = ProcessorFrame(processor, str(self._files.place()))
        if set(frame.size) != {wrapped.visual.image_size}:
            raise WeightsError(
                f"the image processor in {self._files.place()} gives {frame.size[0]}x{frame.size[1]} pixels, and the "
                f"model reads {wrapped.visual.image_size}x{wrapped.visual.image_size}; give the processor and the "
                "model that belong together"
            )
        frame = frame.changed(changes)
        if "size" in changes:
            wrapped.visual.image_size = changes["size"]
        length = model.config.text_config.max_position_embeddings
        return Loaded(wrapped, Tokens(tokenizer, length, lower=kind == "siglip"), frame)


class TransformersModel:
    """A `CLIPModel` or `SiglipModel` of transformers, called as models of open_clip are."""

    def __init__(self, model: Any, kind: str) -> None:
        """Take the model and its type, "clip" or "siglip"."""
        self.network = model
        self.kind = kind
        self.visual = TransformersVision(model.vision_model, 1 if kind == "clip" else 0)

    def to(self, device: str) -> TransformersModel:
        """Move it to a device."""
        self.network.to(device)
        return self

    def parameters(self) -> Any:
        """Its weights."""
        return self.network.parameters()

    def encode_image(self, pixels: torch.Tensor) -> torch.Tensor:
        """Embeddings of images, `[n, d]`; not normalised."""
        return self.project(self.visual.output(pixels).pooler_output)

    def encode_text(self, ids: torch.Tensor) -> torch.Tensor:
        """Embeddings of texts, `[m, d]`; not normalised."""
        pooled = self.network.text_model(input_ids=ids).pooler_output
        return self.network.text_projection(pooled) if self.kind == "clip" else pooled

    def project(self, tokens: torch.Tensor) -> torch.Tensor:
        """From the width of the image tower to the joint space."""
        return self.network.visual_projection(tokens) if self.kind == "clip" else tokens


class TransformersVision:
    """The image tower of such a model."""

    def __init__(self, module: Any, prefix: int) -> None:
        """Take the tower and the number of tokens before its patches."""
        self.module = module
        self.prefix = prefix
        self.image_size: int = module.config.image_size
        self.patch_size: int = module.config.patch_size
        self.blocks = module.encoder.layers
        self.norm = module.post_layernorm

    def parameters(self) -> Any:
        """Its weights."""
        return self.module.parameters()

    def output(self, pixels: torch.Tensor) -> Any:
        """What transformers answers; position embeddings are resampled where the input is of another size."""
        resampled = self.image_size != self.module.config.image_size
        return self.module(pixels, interpolate_pos_encoding=resampled)

    def tokens(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Patches `[n, h, w, c]` and prefix tokens `[n, prefix, c]` behind the last norm."""
        found = self.output(pixels).last_hidden_state
        # transformers norms the tokens of SigLIP itself, and of CLIP the class token alone.
        normed = self.norm(found) if self.prefix else found
        grid = (pixels.shape[2] // self.patch_size, pixels.shape[3] // self.patch_size)
        return normed[:, self.prefix :].unflatten(1, grid), normed[:, : self.prefix]


class Tokens:
    """A tokenizer of transformers, called as those of open_clip are."""

    def __init__(self, tokenizer: Any, context_length: int, *, lower: bool = False) -> None:
        """Take the tokenizer and how many tokens the text tower reads.

        Args:
            tokenizer: The tokenizer.
            context_length: How many tokens are read.
            lower: Whether texts are put into lower case first. All of SigLIP's were in training, and the tokenizers in
                SigLIP 2's repositories leave that to whoever calls them (arXiv:2502.14786, section 2.1).
        """
        self._tokenizer = tokenizer
        self._length = context_length
        self._lower = lower

    def __call__(self, texts: Sequence[str], context_length: int | None = None) -> torch.Tensor:
        """Token ids `[m, context_length]`, padded and cut off."""
        found = self._tokenizer(
            [text.lower() for text in texts] if self._lower else list(texts),
            padding="max_length",
            truncation=True,
            max_length=context_length or self._length,
            return_tensors="pt",
        )
        return found["input_ids"]


class ProcessorFrame:
    """The preprocessing of an image processor of transformers."""

    def __init__(self, processor: Any, place_of_files: str) -> None:
        """Take the processor, and where it was read, for messages.

        Raises:
            WeightsError: If its input is no square, or it does not resize.
        """
        self._processor = processor
        self._place = place_of_files
        self._input, self._cropped = self._read()

    @property
    def size(self) -> ImageSize:
        """(width, height) of the network's input."""
        return self._input

    def pixels(self, image: Image.Image) -> torch.Tensor:
        """The network's input `[3, H, W]` of an image."""
        return self._processor(images=image.convert("RGB"), return_tensors="pt")["pixel_values"][0]

    def placement(self, image_size: ImageSize) -> InputFrame:
        """Where the input lies on an image of that size."""
        if not self._cropped:
            return fit_frame(image_size, self._input, "squash")
        covering = fit_frame(image_size, self._input, "crop")
        # Unlike torchvision, transformers rounds the corner of its crop down.
        x, y = (-((size - frame) // 2) for size, frame in zip(covering.resized, self._input, strict=True))
        return InputFrame(image_size, self._input, covering.resized, (x, y))

    def changed(self, changes: Mapping[str, Any]) -> ProcessorFrame:
        """The same with another `size`, `resize_mode`, `mean` or `std`.

        Raises:
            MethodError: If the resize mode is one that transformers has not.
        """
        settings = self._processor.to_dict()
        if "size" in changes:
            if changes.get("resize_mode") != "squash":
                raise MethodError(
                    "the input of a checkpoint of transformers can be resized to another size by squashing only"
                )
            side = {"height": changes["size"], "width": changes["size"]}
            settings |= {"size": side, "do_center_crop": False}
        for key in ("mean", "std"):
            if key in changes:
                settings[f"image_{key}"] = [changes[key]] * 3
        if not changes:
            return self
        return ProcessorFrame(type(self._processor).from_dict(settings), self._place)

    def identity(self) -> Any:
        """The processor's configuration."""
        return self._processor.to_dict()

    def _read(self) -> tuple[ImageSize, bool]:
        settings = self._processor.to_dict()
        size, crop = dict(settings.get("size") or {}), settings.get("crop_size")
        cropped = bool(settings.get("do_center_crop"))
        if not settings.get("do_resize"):
            raise WeightsError(f"the image processor in {self._place} does not resize; give one that does")
        if not cropped and size.get("height") and size.get("width"):
            return (size["width"], size["height"]), False
        side = size.get("shortest_edge")
        if cropped and side and crop and _sides(crop) == (side, side):
            return (side, side), True
        raise WeightsError(
            f"the image processor in {self._place} resizes to {size or 'nothing'} and crops to {crop}; this package "
            "reads those that resize to one size, or the shorter side and crop a square of that size"
        )


def _sides(crop: Any) -> tuple[int, int]:
    """(width, height) of a crop in any of the forms that processors have had."""
    if isinstance(crop, Mapping):
        return crop["width"], crop["height"]
    return (crop, crop) if isinstance(crop, int) else (crop[1], crop[0])
