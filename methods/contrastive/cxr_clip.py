"""CXR-CLIP with a ResNet-50: the linear projection at each place of the last convolution, against a phrase."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...core import Heatmap, ImageSize, Radiograph, WeightsError
from ...core.fingerprint import digest, file_digest
from ...core.input_frame import InputFrame, fit_frame
from ...core.paths import user_path
from ..hub import unloadable
from ..inference import prepared
from ..marker import NetworkInput
from ..random_weights import drawing, drawn_id, random_weights
from ..registry import register_method
from ..repository import Repository, published
from ..requirements import require_packages
from .base import ContrastiveMethod, Explained

if TYPE_CHECKING:
    import torch

_SIZE = 224
_CELL = 32
_FEATURES = 2048
_LONGEST = 256
_JOINT = 512
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# No map depends on the temperature.
_UNUSED = (r"^logit_scale$",)
# Nor of the pooler, which the model does not ask.
_ABSENT = (r"^text\.pooler\.",)
_RENAMING = (
    (r"^image_encoder\.resnet\.", "image."),
    (r"^text_encoder\.text_encoder\.", "text."),
    (r"^(image|text)_projection\.projection\.", r"\1_projection."),
)
_VOCABULARY = (".json", ".txt")


@dataclass(frozen=True)
class CxrClipOptions:
    """Where weights and vocabulary come from."""

    weights: str = field(
        default="",
        metadata={"help": "the authors' checkpoint of the ResNet-50 model, a FILE; or random:SEED"},
    )
    text: str = field(
        default="emilyalsentzer/Bio_ClinicalBERT",
        metadata={"help": "folder or hub id (OWNER/NAME[@REVISION]) of the text encoder's config.json and vocabulary"},
    )


@register_method("cxr-clip")
class CxrClip(ContrastiveMethod):
    """CXR-CLIP (ResNet-50): each place of the last convolution through the projection, against the phrase's embedding.

    The model (You et al., MICCAI 2023) averages the places and projects the mean; the projection is linear, so the mean
    of the projected places is the image's embedding. This map is no author's, but follows from the model.
    The shorter side is resized to 224 pixels and the centre cropped. Of the text encoder, the token at the last place
    that is attended to counts; what is beyond 256 tokens is cut off.
    """

    Options: ClassVar[type[Any]] = CxrClipOptions
    requirements: ClassVar[tuple[str, ...]] = ("torch", "torchvision", "transformers")
    licence = "CC BY-NC-SA 4.0 (its README says CC BY-NC)"
    trained_on: tuple[str, ...] = ("MIMIC-CXR train", "CheXpert train", "NIH ChestX-ray14 (of some checkpoints)")
    note = "projection at each place; not an authors' map"
    citation = """@inproceedings{you2023cxrclip,
  title = {CXR-CLIP: Toward Large Scale Chest X-ray Language-Image Pre-training},
  author = {You, Kihyun and Gu, Jawook and Ham, Jiyeon and Park, Beomhee and Kim, Jiho and Hong, Eun K. and
            Baek, Woonhyuk and Roh, Byungseok},
  booktitle = {Medical Image Computing and Computer Assisted Intervention},
  year = {2023},
  doi = {10.1007/978-3-031-43895-0_10}
}"""

    def __init__(self, options: Any = None) -> None:
        """Take the options.

        Raises:
            WeightsError: If they name no weights.
        """
        super().__init__(options)
        if not self.options.weights:
            raise WeightsError(
                f"method {self.name} needs the authors' checkpoint of the ResNet-50 model: --set weights=FILE"
            )
        drawn = random_weights(self.options.weights)
        self._seed = None if drawn is None else drawn.seed
        if drawn is not None:
            self.trained_on = ()
        self._parts: Any = None
        self._tokenizer: Any = None
        self._text: Repository | None = None

    def setup(self, device: str) -> None:
        """Load the weights, and the vocabulary of the text encoder.

        Raises:
            WeightsError: If a file is missing, cannot be read, or is of another model.
            MethodError: If a package is missing.
        """
        require_packages(self.name, *self.requirements)
        if self._parts is None:
            self._tokenizer, self._parts = self._load()
        self._device = device
        self._parts.to(device)

    def weights_fingerprint(self) -> str:
        """The file's SHA-256, or the seed; with the commit or content of the text encoder's configuration."""
        if self._weights_digest is None:
            weights = file_digest(self._file()) if self._seed is None else f"random {self._seed}"
            self._weights_digest = digest(weights, self._text_files().identity_of_all(_VOCABULARY, weights=False))
        return self._weights_digest

    def weights_id(self) -> str | None:
        """The file's name, or the seed of drawn weights; and the text encoder's place, where it was given."""
        weights = super().weights_id() if self._seed is None else drawn_id(self._seed)
        given = self.options.text != type(self.options).text
        return f"{weights}; text={published(self.options.text)}" if given else weights

    def options_dict(self) -> dict[str, Any]:
        """Nothing: the place of the text encoder's files is in `weights_fingerprint`."""
        return {}

    def declared_places(self) -> list[Path]:
        """The file of weights, and the folder of the text encoder."""
        text = self._text_files().local_folder()
        weights = [self._file()] if self._seed is None else []
        return [*weights, *([text] if text is not None else [])]

    def embed_images(self, images: Sequence[Radiograph]) -> torch.Tensor:
        """Projected places of unit length, `[n, 7, 7, 512]`."""
        from torch.nn.functional import normalize

        places = self._parts["image"](self._pixels(images)).permute(0, 2, 3, 1)
        return normalize(self._parts["image_projection"](places), dim=-1)

    def embed_phrases(self, phrases: Sequence[str]) -> torch.Tensor:
        """Embeddings of the phrases, of unit length, `[m, 512]`."""
        import torch

        tokens = self._tokens(phrases, self._longest, padding="longest", return_tensors="pt").to(self._device)
        hidden = self._parts["text"](
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"]
        ).last_hidden_state
        last = tokens["attention_mask"].sum(dim=-1) - 1
        found = hidden[torch.arange(len(hidden), device=hidden.device), last]
        return torch.nn.functional.normalize(self._parts["text_projection"](found), dim=-1)

    def truncated(self, phrases: Sequence[str]) -> Sequence[bool]:
        """Whether each phrase has more than 256 tokens, or than its text encoder has positions for."""
        return [len(ids) > self._longest for ids in self._tokens(phrases, self._longest + 1)["input_ids"]]

    def heatmap(self, cosines: NDArray[np.float32], image_size: ImageSize) -> Heatmap:
        """The cosines, over the centre crop."""
        return self._placement(image_size).heatmap(cosines, (_CELL, _CELL))

    def network_input(self, image: Radiograph) -> NetworkInput:
        """What the network gets of an image; for the marker test."""
        return NetworkInput(_transform()(image.as_pil().convert("RGB")).numpy(), self._placement(image.size).box)

    def explained(self) -> Explained:
        """The last convolution, and the projection of its mean."""
        parts = self._parts

        def embed(pixels: torch.Tensor) -> torch.Tensor:
            return parts["image_projection"](parts["image"](pixels).mean(dim=(2, 3)))

        def grid(features: torch.Tensor, _pixels: torch.Tensor) -> torch.Tensor:
            return features.permute(0, 2, 3, 1)

        return Explained(self._pixels, embed, parts.parameters, parts["image"].layer4, grid, self.heatmap)

    @property
    def _longest(self) -> int:
        return min(_LONGEST, self._parts["text"].config.max_position_embeddings)

    def _placement(self, image_size: ImageSize) -> InputFrame:
        return fit_frame(image_size, (_SIZE, _SIZE), "crop")

    def _pixels(self, images: Sequence[Radiograph]) -> torch.Tensor:
        import torch

        transform = _transform()
        for image in images:
            self._placement(image.size)
        return torch.stack(prepared(images, lambda image: transform(image.as_pil().convert("RGB")))).to(self._device)

    def _tokens(self, phrases: Sequence[str], longest: int, **arguments: Any) -> Any:
        return self._tokenizer(list(phrases), truncation=True, max_length=longest, **arguments)

    def _file(self) -> Path:
        path = user_path(self.options.weights)
        if not path.is_file():
            raise WeightsError(
                f"method {self.name} finds no file {path}, given with --set weights=FILE; it must be the authors' "
                "checkpoint of the ResNet-50 model"
            )
        return path

    def _text_files(self) -> Repository:
        if self._text is None:
            self._text = Repository(self.name, self.options.text, "text", ("config.json",))
        return self._text

    def _load(self) -> tuple[Any, Any]:
        from transformers import AutoConfig, AutoTokenizer

        folder = self._text_files().folder
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        except Exception as error:  # transformers raises many types for files that are damaged or of another model
            raise unloadable(self.name, f"the text encoder's files in {self.options.text}", error, folder) from error
        if config.model_type != "bert":
            raise WeightsError(
                f"the text encoder in {self.options.text} is of the type {config.model_type!r}; {self.name} reads the "
                "configuration and the vocabulary of Bio_ClinicalBERT"
            )
        if self._seed is not None:
            with drawing(self._seed):
                return tokenizer, _networks(config, _JOINT).eval()
        from ..state import load_exactly

        path = self._file()
        state = _read(path, self.name)
        parts = _networks(config, len(state["image_projection.bias"]))
        load_exactly(parts, state, f"the model in {path}", unused=_UNUSED, absent=_ABSENT)
        return tokenizer, parts.eval()


def _transform() -> Any:
    from torchvision import transforms

    return transforms.Compose(
        [
            transforms.Resize(_SIZE),
            transforms.CenterCrop(_SIZE),
            transforms.ToTensor(),
            transforms.Normalize(_MEAN, _STD),
        ]
    )


def _networks(config: Any, joint: int) -> Any:
    """The model's parts, with weights as they are drawn."""
    from torch import nn
    from torchvision.models import resnet50
    from transformers import BertModel

    layers = [(name, child) for name, child in resnet50().named_children() if name not in ("avgpool", "fc")]
    return nn.ModuleDict(
        {
            "image": nn.Sequential(OrderedDict(layers)),
            "text": BertModel(config),
            "image_projection": nn.Linear(_FEATURES, joint),
            "text_projection": nn.Linear(config.hidden_size, joint),
        }
    )


def _read(path: Path, method: str) -> dict[str, torch.Tensor]:
    """The checkpoint's tensors under the names of `_networks`.

    Raises:
        WeightsError: If it is not of CXR-CLIP with a ResNet-50.
    """
    from ..state import new_names, read_weights

    found = read_weights(path)
    state = {new: found[name] for new, name in new_names(found, f"the model in {path}", _RENAMING).items()}
    for name in ("image.conv1.weight", "text.embeddings.word_embeddings.weight", "image_projection.bias"):
        if name not in state:
            raise WeightsError(
                f"{path} is no checkpoint of CXR-CLIP with a ResNet-50: it holds nothing for {name}; method {method} "
                "reads no other architecture"
            )
    return state
