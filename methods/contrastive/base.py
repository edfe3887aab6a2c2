"""What contrastive methods share: batches, the cosine map of every image and phrase, identity of the weights."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...core import Grounding, Heatmap, ImageSize, MethodError, Query, Radiograph
from ..base import GroundingMethod
from ..inference import exact_inference, together

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Explained:
    """What Grad-CAM needs of a method: its image embedding, and the features that this is explained by.

    Attributes:
        pixels: From images to the network's input `[n, 3, H, W]`, on its device.
        embed: From that input to the model's embeddings of whole images, `[n, d]`.
        parameters: The model's weights.
        layer: The module whose output are the features.
        grid: From features and input to `[n, h, w, c]`.
        heatmap: From values on the grid and an image's size to the heatmap, without smoothing.
    """

    pixels: Callable[[Sequence[Radiograph]], torch.Tensor]
    embed: Callable[[torch.Tensor], torch.Tensor]
    parameters: Callable[[], Iterable[torch.Tensor]]
    layer: torch.nn.Module
    grid: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    heatmap: Callable[[NDArray[np.float32], ImageSize], Heatmap]


class ContrastiveMethod(GroundingMethod):
    """Answers with the cosine similarity of patch embeddings and a phrase's embedding.

    A subclass embeds images and phrases into one space, both of unit length, and lays a grid of cosines on the image.
    Within a batch each image and each phrase is encoded once; on a CPU one at a time, so that there no answer depends
    on what else is in its batch, to the last bit.
    """

    kind: ClassVar[str] = "contrastive"
    _device: str = "cpu"

    def embed_images(self, images: Sequence[Radiograph]) -> torch.Tensor:
        """Patch embeddings of unit length, `[n, h, w, d]`."""
        raise NotImplementedError

    def embed_phrases(self, phrases: Sequence[str]) -> torch.Tensor:
        """Phrase embeddings of unit length, `[m, d]`."""
        raise NotImplementedError

    def truncated(self, phrases: Sequence[str]) -> Sequence[bool]:
        """Whether each phrase is longer than what the text encoder reads."""
        raise NotImplementedError

    def heatmap(self, cosines: NDArray[np.float32], image_size: ImageSize) -> Heatmap:
        """The heatmap of a grid of cosines `[h, w]` on an image of `image_size`."""
        raise NotImplementedError

    def maps(self, places: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """The grids `[m, h, w]` of one image's phrases: by default dot products, cosines of unit vectors.

        Args:
            places: What `embed_images` gave for the image, `[h, w, d]`.
            texts: What `embed_phrases` gave for the phrases, `[m, d]`; none changes another's grid.
        """
        return (places @ texts.T).permute(2, 0, 1)

    def grids(
        self, images: Sequence[Radiograph], texts: Sequence[Sequence[torch.Tensor]]
    ) -> Iterator[NDArray[np.float32]]:
        """Each image's grids of scores, `[m, h, w]`.

        Args:
            images: Images, which are encoded together.
            texts: The embeddings of each image's phrases, `[1, d]` each.
        """
        import torch

        for places, wanted in zip(self.embed_images(images), texts, strict=True):
            # Phrase by phrase, since a product with several rounds otherwise than with one.
            yield torch.cat([self.maps(places, text) for text in wanted]).float().cpu().numpy()

    def explained(self) -> Explained:
        """The parts that Grad-CAM needs; called after `setup`.

        Raises:
            MethodError: If the method has none.
        """
        raise MethodError(f"gradcam cannot explain the method {self.name}, which has no embedding of whole images")

    def ground(self, image: Radiograph, phrases: Sequence[str]) -> list[Grounding]:
        """Answer every phrase of one image, in order."""
        return self.ground_batch([Query(image, phrase, "") for phrase in phrases])

    def ground_batch(self, queries: Sequence[Query]) -> list[Grounding]:
        """Answer a batch of queries, in order; on a GPU all its images, and all its phrases, are encoded together.

        Raises:
            MethodError: If an image is too small for the method's grid, or a phrase cannot be encoded.
        """
        images = {query.image.sha256: query.image for query in queries}
        asked: dict[str, dict[str, None]] = {key: {} for key in images}
        for query in queries:
            asked[query.image.sha256][query.phrase] = None
        phrases = list({query.phrase: None for query in queries})
        texts: dict[str, torch.Tensor] = {}
        found: dict[tuple[str, str], Heatmap] = {}
        with exact_inference():
            for part in together(phrases, self._device):
                texts.update(zip(part, self.embed_phrases(part).split(1), strict=True))
            for part in together(list(images), self._device):
                grids = self.grids([images[key] for key in part], [[texts[one] for one in asked[key]] for key in part])
                for key, scores in zip(part, grids, strict=True):
                    for phrase, values in zip(asked[key], scores, strict=True):
                        found[key, phrase] = self.heatmap(values, images[key].size)
        cut = dict(zip(phrases, self.truncated(phrases), strict=True))
        return [Grounding(found[query.image.sha256, query.phrase], truncated=cut[query.phrase]) for query in queries]


def state_digest(*modules: torch.nn.Module) -> str:
    """SHA-256 (hex) over the names, types, shapes and values of the modules' parameters and buffers."""
    import torch

    found = hashlib.sha256()
    for module in modules:
        for name, tensor in sorted(module.state_dict().items()):
            found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
            found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
