"""BioViL and BioViL-T through hi-ml-multimodal: cosine of patch and phrase embeddings, smoothed on the patch grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...core import Box, Heatmap, ImageSize, MethodError, Radiograph
from ...core.fingerprint import digest
from ..hub import HubFiles, unloadable
from ..inference import prepared
from ..pretrained import check_loaded, quietly
from ..random_weights import drawing, drawn_id, random_weights
from ..registry import register_method
from ..repository import LANGUAGE_MODEL
from ..requirements import require_packages
from .base import ContrastiveMethod, Explained, state_digest
from .smoothing import smooth

if TYPE_CHECKING:
    import torch

_RESIZE = 512
_JOINT_FEATURES = 128
_UNREAD = (r"^cls\.",)
_TEXT_FILES = (("config.json",), ("vocab.txt",), LANGUAGE_MODEL)
_TOKENIZER_EXTRAS = ("tokenizer_config.json", "special_tokens_map.json", "tokenizer.json")


@dataclass(frozen=True)
class BioViLOptions:
    """Where the weights come from."""

    weights: str = field(
        default="",
        metadata={
            "help": "folder with a copy of the Hugging Face hub repository, or random:SEED[:FOLDER]; empty: "
            "download it, pinned"
        },
    )


@register_method("biovil")
class BioViL(ContrastiveMethod):
    """BioViL: ResNet-50 patches against CXR-BERT phrases, 15x15 grid (Boecking et al., ECCV 2022).

    The map is that of hi-ml-multimodal's `ImageTextInferenceEngine`, on its native grid: shorter side to 512 pixels,
    centre crop, cosine of the L2-normalised projected embeddings, Gaussian filter of 1.5 patches. Nothing outside the
    crop is looked at. Grey values are stretched from their minimum and maximum to 0..255, as there, but start from
    `Radiograph.pixels`: of a DICOM file, values after its look-up tables rather than the stored ones. A phrase loses
    the punctuation at its end, and what is beyond the text encoder's length.
    """

    Options: ClassVar[type[Any]] = BioViLOptions
    requirements: ClassVar[tuple[str, ...]] = ("torch", "torchvision", "transformers", "hi-ml-multimodal")
    licence = "MIT"
    trained_on: tuple[str, ...] = ("MIMIC-CXR train", "MIMIC-III", "PubMed abstracts")
    citation = """@inproceedings{boecking2022biovil,
  title = {Making the Most of Text Semantics to Improve Biomedical Vision--Language Processing},
  author = {Boecking, Benedikt and Usuyama, Naoto and Bannur, Shruthi and Castro, Daniel C. and Schwaighofer, Anton and
            Hyland, Stephanie and Wetscherek, Maria and Naumann, Tristan and Nori, Aditya and Alvarez-Valle, Javier and
            Poon, Hoifung and Oktay, Ozan},
  booktitle = {European Conference on Computer Vision},
  year = {2022},
  doi = {10.1007/978-3-031-20059-5_1}
}"""

    crop_size: int = 480
    encoder: ClassVar[str] = "resnet50"
    image_file: ClassVar[str] = "biovil_image_resnet50_proj_size_128.pt"
    # No checksum of the text weights is published; the tag pins them.
    hub: ClassVar[HubFiles] = HubFiles(
        "microsoft/BiomedVLP-CXR-BERT-specialized",
        "v1.1",
        ((image_file,), *_TEXT_FILES),
        _TOKENIZER_EXTRAS,
        {image_file: "md5:02ce6ee460f72efd599295f440dbb453"},
    )

    def __init__(
        self,
        options: Any = None,
        *,
        image_model: Any = None,
        text_model: Any = None,
        tokenizer: Any = None,
        crop_size: int | None = None,
    ) -> None:
        """Take options, or the loaded parts themselves.

        Args:
            options: A `BioViLOptions`.
            image_model: A `health_multimodal.image.model.model.BaseImageModel`.
            text_model: A `health_multimodal.text.CXRBertModel`.
            tokenizer: Its tokenizer.
            crop_size: Side of the centre crop, after the shorter side was resized to 512 pixels; at most that.

        Raises:
            MethodError: If only some of the parts are given, or do not fit.
        """
        super().__init__(options)
        given = [part is not None for part in (image_model, text_model, tokenizer)]
        if any(given) != all(given) or (crop_size is not None and not all(given)):
            raise MethodError(
                f"{type(self).__name__} takes image_model, text_model and tokenizer together, and crop_size with them"
            )
        if crop_size is not None:
            self.crop_size = crop_size
        if not 0 < self.crop_size <= _RESIZE:
            raise MethodError(f"crop_size is {self.crop_size}; it must be from 1 to {_RESIZE} pixels")
        drawn = random_weights(self.options.weights)
        self._seed = None if drawn is None else drawn.seed
        self._folder: str = self.options.weights if drawn is None else drawn.place
        if drawn is not None:
            self.trained_on = ()
        self.weights: str | None = self._folder or str(self.hub)
        self._fingerprint: str | None = None
        self._loaded = False
        self._image_model: Any = None
        self._text_model: Any = None
        self._tokenizer: Any = None
        self._from_parts = all(given)
        if self._from_parts:
            self.weights = "given as parts"
            self.trained_on = ()
            self._keep(image_model, text_model, tokenizer)

    def setup(self, device: str) -> None:
        """Load the weights, unless the parts were given, and move them to the device.

        Raises:
            WeightsError: If a file is missing, cannot be loaded, or is not the published one.
            MethodError: If a package is missing.
        """
        require_packages(self.name, *self.requirements)
        if not self._loaded:
            files = self._files
            folder = files.local(self._folder, self.name) if self._folder else files.fetch(self.name)
            self._keep(self._load_image_model(folder), *self._load_text_model(folder))
        self._device = device
        for model in (self._image_model, self._text_model):
            model.to(device)

    def weights_fingerprint(self) -> str:
        """Pinned revision and checksum, or the content's SHA-256 of a local copy or of given parts."""
        if self._fingerprint is None:
            if self._from_parts:
                tokens = sorted(self._tokenizer.get_vocab().items())
                self._fingerprint = digest(state_digest(self._image_model, self._text_model), tokens, self.crop_size)
            elif self._folder:
                self._fingerprint = self._files.folder_digest(self._files.local(self._folder, self.name))
            else:
                self._fingerprint = self._files.fingerprint()
            if self._seed is not None:
                self._fingerprint = f"random {self._seed} {self._fingerprint}"
        return self._fingerprint

    def weights_id(self) -> str | None:
        """The hub id, or a folder's last part; with the seed of drawn weights."""
        name = super().weights_id()
        return name if self._seed is None else drawn_id(self._seed, name or "")

    def embed_images(self, images: Sequence[Radiograph]) -> torch.Tensor:
        """Projected patch embeddings of unit length, `[n, h, w, 128]`."""
        return self._image_model.get_patchwise_projected_embeddings(self._pixels(images), normalize=True)

    def embed_phrases(self, phrases: Sequence[str]) -> torch.Tensor:
        """Projected embeddings of the phrases' class tokens, of unit length, `[m, 128]`.

        Raises:
            MethodError: If a phrase holds one of the tokenizer's special tokens but the mask.
        """
        special = [token for token in self._tokenizer.all_special_tokens if token != self._tokenizer.mask_token]
        if any(token in phrase for phrase in phrases for token in special):
            raise MethodError(f"a phrase holds one of {', '.join(special)}, which {self.name} reserves; leave them out")
        tokens = self._tokens(phrases, self._most_tokens, padding="longest", return_tensors="pt")
        return self._text_model.get_projected_text_embeddings(
            tokens.input_ids.to(self._device), tokens.attention_mask.to(self._device), normalize_embeddings=True
        )

    def truncated(self, phrases: Sequence[str]) -> Sequence[bool]:
        """Whether each phrase has more tokens than the text encoder has positions."""
        found = self._tokens(phrases, self._most_tokens + 1)
        return [len(ids) > self._most_tokens for ids in found["input_ids"]]

    def heatmap(self, cosines: NDArray[np.float32], image_size: ImageSize) -> Heatmap:
        """The smoothed cosines, over the centre crop."""
        return self._over_the_crop(smooth(cosines), image_size)

    def explained(self) -> Explained:
        """The last convolution of the ResNet, and the model's own embedding of the whole crop."""

        def embed(pixels: torch.Tensor) -> torch.Tensor:
            return self._image_model(pixels).projected_global_embedding

        def grid(features: torch.Tensor, _pixels: torch.Tensor) -> torch.Tensor:
            return features.permute(0, 2, 3, 1)

        layer = self._image_model.encoder.encoder.layer4
        return Explained(self._pixels, embed, self._image_model.parameters, layer, grid, self._over_the_crop)

    def _over_the_crop(self, values: NDArray[np.float32], image_size: ImageSize) -> Heatmap:
        return Heatmap(values, crop_extent(image_size, self.crop_size), image_size)

    def _pixels(self, images: Sequence[Radiograph]) -> torch.Tensor:
        import torch
        from health_multimodal.image.data.transforms import create_chest_xray_transform_for_inference
        from PIL import Image

        transform: Any = create_chest_xray_transform_for_inference(_RESIZE, self.crop_size)
        pixels = prepared(images, lambda image: transform(Image.fromarray(remap_to_uint8(image.pixels))))
        return torch.stack(pixels).to(self._device)

    @property
    def _most_tokens(self) -> int:
        return self._text_model.config.max_position_embeddings

    def _tokens(self, phrases: Sequence[str], most: int, **arguments: Any) -> Any:
        prompts = [phrase.rstrip("!?.") for phrase in phrases]
        return self._tokenizer(prompts, add_special_tokens=True, truncation=True, max_length=most, **arguments)

    def _keep(self, image_model: Any, text_model: Any, tokenizer: Any) -> None:
        # CXRBertTokenizer(vocab_file=...) ignores the file under transformers 5 and knows its special tokens only.
        if len(tokenizer) <= len(tokenizer.all_special_tokens):
            raise MethodError("the tokenizer knows no words; load it with CXRBertTokenizer.from_pretrained(FOLDER)")
        self._image_model = image_model.eval()
        self._text_model = text_model.eval()
        self._tokenizer = tokenizer
        self._loaded = True

    @property
    def _files(self) -> HubFiles:
        """What is read; of drawn weights, configuration and vocabulary alone."""
        return self.hub if self._seed is None else replace(self.hub, required=_TEXT_FILES[:2], checksums={})

    def _load_image_model(self, folder: Path) -> Any:
        from health_multimodal.image.model.model import ImageModel

        from ..state import load_exactly, read_weights

        if self._seed is not None:
            with drawing(self._seed):
                return ImageModel(self.encoder, _JOINT_FEATURES)
        model = ImageModel(self.encoder, _JOINT_FEATURES)
        load_exactly(model, read_weights(folder / self.image_file), f"the image model in {folder / self.image_file}")
        return model

    def _load_text_model(self, folder: Path) -> tuple[Any, Any]:
        # hi-ml's own classes, so no code is taken from the hub.
        from health_multimodal.text.model import CXRBertConfig, CXRBertModel, CXRBertTokenizer

        from ..weight_files import check_files, check_values

        what = f"the text model in {folder}"
        if self._seed is None:
            check_files([path for path in (folder / name for name in LANGUAGE_MODEL) if path.is_file()][:1], what)
        try:
            tokenizer = CXRBertTokenizer.from_pretrained(folder, trust_remote_code=False)
            if self._seed is not None:
                with drawing(self._seed):
                    config: Any = CXRBertConfig.from_pretrained(folder)
                    return CXRBertModel(config).eval(), tokenizer
            with quietly():
                # Shapes that differ are said by `check_loaded`, by name.
                loaded: Any = CXRBertModel.from_pretrained(
                    folder, output_loading_info=True, ignore_mismatched_sizes=True, trust_remote_code=False
                )
        except Exception as error:  # as above
            raise unloadable(self.name, what, error, folder) from error
        model, report = loaded
        # No answer depends on the head that predicts masked tokens.
        check_loaded(report, what, unused=(*_UNREAD, r"^bert\.pooler\."), absent=_UNREAD)
        check_values(model, what)
        return model.float(), tokenizer


@register_method("biovil-t")
class BioViLT(BioViL):
    """BioViL-T, with no earlier image: ResNet-50 and CXR-BERT trained over time, 14x14 grid (Bannur et al., CVPR 2023).

    Everything but the weights, the image encoder and the crop of 448 pixels is as in BioViL.
    """

    citation = """@inproceedings{bannur2023biovilt,
  title = {Learning to Exploit Temporal Structure for Biomedical Vision--Language Processing},
  author = {Bannur, Shruthi and Hyland, Stephanie and Liu, Qianchu and P{\\'e}rez-Garc{\\'i}a, Fernando and
            Ilse, Maximilian and Castro, Daniel C. and Boecking, Benedikt and Sharma, Harshita and Bouzid, Kenza and
            Thieme, Anja and Schwaighofer, Anton and Wetscherek, Maria and Lungren, Matthew P. and Nori, Aditya and
            Alvarez-Valle, Javier and Oktay, Ozan},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition},
  year = {2023},
  doi = {10.1109/CVPR52729.2023.01442}
}"""

    crop_size: int = 448
    encoder: ClassVar[str] = "resnet50_multi_image"
    image_file: ClassVar[str] = "biovil_t_image_model_proj_size_128.pt"
    hub: ClassVar[HubFiles] = HubFiles(
        "microsoft/BiomedVLP-BioViL-T",
        "v1.0",
        ((image_file,), *_TEXT_FILES),
        _TOKENIZER_EXTRAS,
        {image_file: "md5:a83080e2f23aa584a4f2b24c39b1bb64"},
    )


def remap_to_uint8(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Grey values stretched from their minimum and maximum to 0..255, rounded down; zeros for an image of one value.

    The arithmetic of hi-ml-multimodal's `remap_to_uint8`, in float64, through a table of the values there can be.
    """
    low, high = int(pixels.min()), int(pixels.max())
    if low == high:
        return np.zeros(pixels.shape, dtype=np.uint8)
    table = np.zeros(high + 1, dtype=np.uint8)
    table[low:] = (np.arange(high - low + 1, dtype=np.float64) / (high - low) * 255).astype(np.uint8)
    return table[pixels]


def crop_extent(image_size: ImageSize, crop_size: int) -> Box:
    """The centre crop in original pixels, as hi-ml-multimodal's `convert_similarity_to_image_size` places it.

    Args:
        image_size: (width, height) of the original image.
        crop_size: Side of the crop after the shorter side was resized to 512 pixels.

    Raises:
        MethodError: If the crop is smaller than one pixel.
    """
    width, height = image_size
    side = int(crop_size * min(image_size) / _RESIZE)
    if side == 0:
        raise MethodError(f"an image of {width}x{height} pixels is too small for a crop of {crop_size}/{_RESIZE} of it")
    x0, y0 = (width - side) // 2, (height - side) // 2
    return Box(x0, y0, x0 + side, y0 + side)
