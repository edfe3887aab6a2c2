"""RadZero: cosine of every DINOv2 patch and a phrase, 37x37 over the whole image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...core import Heatmap, ImageSize, Radiograph, WeightsError
from ...core.input_frame import fit_frame
from ..hub import unloadable
from ..inference import prepared
from ..pretrained import PretrainedMethod
from ..random_weights import drawing
from ..registry import register_method
from ..repository import read_config
from ..requirements import require_packages
from .base import ContrastiveMethod

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class RadZeroOptions:
    """Where the weights come from."""

    weights: str = field(
        default="",
        metadata={"help": "folder or hub id of a RadZero model, or random:SEED[:PLACE]; empty: Deepnoid/RadZero"},
    )


@register_method("radzero")
class RadZero(PretrainedMethod, ContrastiveMethod):
    """RadZero: DINOv2 patches against MPNet phrases, 37x37 over the whole image (Park et al., NeurIPS 2025).

    The image is squashed to 518x518; its patches go through two more layers and the layer norm that the mean of the
    phrase's tokens goes through as well. The map holds the authors' raw scores, cosine over temperature; their sigmoid
    and their resizing to the image are left to whoever reads it. No code of the repository is run.
    """

    Options: ClassVar[type[Any]] = RadZeroOptions
    usual: ClassVar[str] = "Deepnoid/RadZero"
    content: ClassVar[str] = "model.safetensors, config.json, preprocessor_config.json and the tokenizer"
    requirements: ClassVar[tuple[str, ...]] = ("torch", "transformers", "safetensors")
    licence = "CC BY-NC 4.0"
    trained_on: tuple[str, ...] = ("MIMIC-CXR train (without the images of MS-CXR)",)
    citation = """@inproceedings{park2025radzero,
  title = {RadZero: Similarity-Based Cross-Attention for Explainable Vision-Language Alignment in Chest X-ray with
           Zero-Shot Multi-Task Capability},
  author = {Park, Jonggwon and Yoon, Byungmu and Choi, Soobum and Choi, Kyoyun},
  booktitle = {Advances in Neural Information Processing Systems},
  year = {2025},
  note = {arXiv:2504.07416}
}"""

    def setup(self, device: str) -> None:
        """Load networks, tokenizer and the settings of the image's preparation.

        Raises:
            WeightsError: If a file is missing, or holds another model.
            MethodError: If a package is missing.
        """
        require_packages(self.name, *self.requirements)
        from transformers import MPNetTokenizer

        self._device = device
        self._preparation = _Preparation(read_config(self.repository().file("preprocessor_config.json")), self.place())
        # Its own class, since the repository's configuration names a class of the repository's code.
        self._tokenizer = self.processor(MPNetTokenizer)
        self._network = self._load().to(device)

    def embed_images(self, images: Sequence[Radiograph]) -> torch.Tensor:
        """Patch embeddings of unit length, `[n, h, w, d]`."""
        import torch

        # One at a time: 1,370 tokens fill a device, and an answer must not depend on what else was in the batch.
        pixels = prepared(images, self._preparation)
        return torch.cat([self._network.patches(torch.from_numpy(one).to(self._device)[None]) for one in pixels])

    def embed_phrases(self, phrases: Sequence[str]) -> torch.Tensor:
        """Phrase embeddings of unit length, `[m, d]`."""
        import torch

        # One at a time: beside a longer phrase a shorter one is padded, which rounds differently.
        tokens = [self._tokens(phrase, self._most_tokens) for phrase in phrases]
        return torch.cat(
            [self._network.phrases(*(torch.tensor([part]).to(self._device) for part in pair)) for pair in tokens]
        )

    def truncated(self, phrases: Sequence[str]) -> Sequence[bool]:
        """Whether each phrase has more tokens than the text encoder has positions."""
        most = self._most_tokens
        return [len(self._tokens(phrase, most + 1)[0]) > most for phrase in phrases]

    def heatmap(self, cosines: NDArray[np.float32], image_size: ImageSize) -> Heatmap:
        """The scores, over the whole image."""
        scores = cosines / np.float32(self._network.temperature)
        placement = fit_frame(image_size, self._preparation.size, "squash")
        return placement.heatmap(scores, (self._network.patch_size, self._network.patch_size))

    @property
    def _most_tokens(self) -> int:
        return min(self._network.most_tokens, self._tokenizer.model_max_length)

    def _tokens(self, phrase: str, most: int) -> tuple[list[int], list[int]]:
        found = self._tokenizer(phrase, truncation=True, max_length=most)
        return found["input_ids"], found["attention_mask"]

    def _load(self) -> Any:
        """The network with the file's weights, or drawn ones, on the CPU."""
        from ..state import StateReader, read_shards
        from .radzero_network import RadZeroNetwork

        try:
            with drawing(self._seed or 0):
                network = RadZeroNetwork(self.config()).eval()
        except WeightsError as error:
            raise WeightsError(f"method {self.name} cannot use {self.place()}: {error}") from error
        except Exception as error:  # transformers raises many types for a configuration that it cannot build
            raise unloadable(self.name, f"the configuration in {self.place()}", error) from error
        if self._seed is not None:
            return network
        files = [file for file in self.repository().weights() if file.suffix != ".json"]
        what = f"the model in {files[0]}"
        reader = StateReader(read_shards(files, what), what, network.renaming)
        shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
        network.load_state_dict({name: reader.take(name, shape) for name, shape in shapes.items()})
        reader.finish()
        return network


class _Preparation:
    """The image as the network takes it: squashed, scaled and normalised as the BLIP processor of the repository does.

    Pillow resizes, as for the authors; the processor of transformers 5 resizes otherwise, by a grey value at times.
    """

    def __init__(self, config: dict[str, Any], where: str) -> None:
        size = config.get("size")
        self.size: ImageSize = (0, 0)
        if isinstance(size, dict) and isinstance(size.get("width"), int) and isinstance(size.get("height"), int):
            self.size = (size["width"], size["height"])
        mean, std = config.get("image_mean"), config.get("image_std")
        if min(self.size) < 1 or not (isinstance(mean, list) and isinstance(std, list) and len(mean) == len(std) == 3):
            raise WeightsError(
                f"preprocessor_config.json in {where} gives no width and height, or no image_mean and image_std of "
                "three numbers; get the file again"
            )
        self._resample = int(config.get("resample", 3))
        self._scale = float(config.get("rescale_factor", 1 / 255))
        self._mean, self._std = (np.array(values, dtype=np.float32)[:, None, None] for values in (mean, std))

    def __call__(self, image: Radiograph) -> NDArray[np.float32]:
        """Pixels `[3, height, width]`."""
        grey = np.asarray(image.as_pil().resize(self.size, self._resample))
        return (grey.astype(np.float32) * np.float32(self._scale) - self._mean) / self._std
