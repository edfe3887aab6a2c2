"""Grad-CAM: which places of the last features raise the similarity of image and phrase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...core import Heatmap, ImageSize, MethodError, Radiograph, WeightsError
from ...core.fingerprint import digest
from ..loading import build_method
from ..marker import ShowsInput
from ..registry import register_method
from ..wrapping import pairs
from .base import ContrastiveMethod, Explained

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class GradCamOptions:
    """Which model is explained."""

    method: str = field(
        default="", metadata={"help": "the method whose model is explained: biovil, biovil-t, clip, siglip, cxr-clip"}
    )
    settings: str = field(default="", metadata={"help": "its options, with spaces between them: 'KEY=VALUE KEY=VALUE'"})


@register_method("gradcam")
class GradCam(ContrastiveMethod):
    """Grad-CAM of the cosine of a whole image's embedding and a phrase's, by another method's model.

    The mean over places of the cosine's gradient weights the channels of the last features, and what is negative is cut
    off (Selvaraju et al., ICCV 2017). The features are those of the last convolution (biovil, biovil-t, cxr-clip), or
    the tokens that the last block of a vision transformer reads, behind its norm (clip, siglip): behind the last block
    the similarity may depend on the class token alone. A baseline; no author of these models gives out such maps.
    """

    Options: ClassVar[type[Any]] = GradCamOptions
    requirements: ClassVar[tuple[str, ...]] = ("torch",)
    note = "Grad-CAM on the image-text similarity; not an authors' map"
    citation = """@inproceedings{selvaraju2017gradcam,
  title = {Grad-CAM: Visual Explanations from Deep Networks via Gradient-Based Localization},
  author = {Selvaraju, Ramprasaath R. and Cogswell, Michael and Das, Abhishek and Vedantam, Ramakrishna and
            Parikh, Devi and Batra, Dhruv},
  booktitle = {IEEE International Conference on Computer Vision},
  year = {2017},
  doi = {10.1109/ICCV.2017.74}
}"""

    def __init__(self, options: Any = None) -> None:
        """Build the method whose model is explained; it loads its weights in `setup`.

        Raises:
            MethodError: If no method is named, or one without a similarity of images and phrases.
        """
        super().__init__(options)
        if not self.options.method:
            raise MethodError("gradcam needs the method whose model it explains: method=NAME, such as biovil")
        asked = build_method(self.options.method, pairs(self.options.settings, self.name))
        if not isinstance(asked, ContrastiveMethod) or isinstance(asked, GradCam):
            raise MethodError(
                f"gradcam cannot explain the method {self.options.method!r}, which compares no images with phrases; it "
                "explains biovil, biovil-t, clip, siglip and cxr-clip"
            )
        if type(asked).explained is ContrastiveMethod.explained:
            # Says what it lacks, before anything is loaded.
            asked.explained()
        self._asked: ContrastiveMethod = asked
        self._explained: Any = None
        if isinstance(asked, ShowsInput):
            # For the marker test: the frame of what is explained is this one's.
            self.network_input = asked.network_input
        self.weights: str | None = asked.weights
        self.trained_on, self.licence = asked.trained_on, asked.licence
        self.citation = "\n".join(filter(None, [type(self).citation, asked.citation]))

    def fetch(self) -> None:
        """Bring what the method needs."""
        self._asked.fetch()

    def setup(self, device: str) -> None:
        """Load the weights.

        Raises:
            WeightsError: If they are missing.
            MethodError: If the model has no features to explain it by.
        """
        with _saying_where_options_stand():
            self._asked.setup(device)
        self._device = device
        self._explained = self._asked.explained()
        for parameter in self._explained.parameters():
            # Nothing below the features is differentiated, and so nothing is kept for it.
            parameter.requires_grad_(False)

    def weights_fingerprint(self) -> str:
        """That of the method."""
        with _saying_where_options_stand():
            return self._asked.weights_fingerprint()

    def weights_id(self) -> str | None:
        """That of the method."""
        return self._asked.weights_id()

    def options_dict(self) -> dict[str, Any]:
        """The method, with all its options."""
        return {"method": self._asked.name or type(self._asked).__name__, **self._asked.options_dict()}

    def declared_places(self) -> list[Path]:
        """Those of the method."""
        return self._asked.declared_places()

    def fingerprint(self) -> str:
        """SHA-256 over this method and the one it explains."""
        return digest(super().fingerprint(), self._asked.fingerprint())

    def embed_phrases(self, phrases: Sequence[str]) -> torch.Tensor:
        """The method's embeddings of the phrases."""
        return self._asked.embed_phrases(phrases)

    def truncated(self, phrases: Sequence[str]) -> Sequence[bool]:
        """As the method says."""
        return self._asked.truncated(phrases)

    def heatmap(self, cosines: NDArray[np.float32], image_size: ImageSize) -> Heatmap:
        """The map on the image, as the method's model sees it."""
        return self._explained.heatmap(cosines, image_size)

    def grids(
        self, images: Sequence[Radiograph], texts: Sequence[Sequence[torch.Tensor]]
    ) -> Iterator[NDArray[np.float32]]:
        """Each image's maps `[m, h, w]`, at least 0."""
        import torch

        explained: Explained = self._explained
        # Inference mode, which all methods run in, keeps nothing to differentiate.
        with torch.inference_mode(mode=False), torch.enable_grad():
            pixels = explained.pixels(images).clone()
            features, embedded = _with_features(explained, pixels)
            found: list[list[torch.Tensor]] = [[] for _ in images]
            for number in range(max(len(wanted) for wanted in texts)):
                rows = [index for index, wanted in enumerate(texts) if number < len(wanted)]
                wanted = torch.cat([texts[index][number].clone() for index in rows])
                # Images do not meet in the network, so the sum's gradient is each image's own.
                similarity = torch.nn.functional.cosine_similarity(embedded[rows], wanted, dim=-1).sum()
                (gradient,) = torch.autograd.grad(similarity, features, retain_graph=True)
                weights = explained.grid(gradient, pixels).mean(dim=(1, 2), keepdim=True)
                cams = (weights * explained.grid(features.detach(), pixels)).sum(dim=-1).relu()
                for index in rows:
                    found[index].append(cams[index])
        for maps in found:
            yield torch.stack(maps).float().cpu().numpy()


def _with_features(explained: Explained, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The features, as a leaf of the graph that leads to the images' embeddings, and these."""
    kept: list[torch.Tensor] = []

    def cut(_module: torch.nn.Module, _inputs: Any, output: torch.Tensor) -> torch.Tensor:
        kept.append(output.detach().clone().requires_grad_(True))
        return kept[-1]

    hook = explained.layer.register_forward_hook(cut)
    try:
        embedded = explained.embed(pixels)
    finally:
        hook.remove()
    if len(kept) != 1:
        raise MethodError(f"the last features of the model were computed {len(kept)} times, not once")
    return kept[0], embedded


@contextmanager
def _saying_where_options_stand() -> Iterator[None]:
    try:
        yield
    except WeightsError as error:
        raise WeightsError(
            f"{error} (an option of the method that gradcam explains stands in its own option settings='KEY=VALUE')"
        ) from error
