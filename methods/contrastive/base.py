"""What contrastive methods share: batches, the cosine map of every image and phrase, identity of the weights."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...core import Grounding, Heatmap, ImageSize, Query, Radiograph
from ..base import GroundingMethod
from ..inference import exact_inference

if TYPE_CHECKING:
    import torch


class ContrastiveMethod(GroundingMethod):
    """Answers with the cosine similarity of patch embeddings and a phrase's embedding.

    A subclass embeds images and phrases into one space, both of unit length, and lays a grid of cosines on the image.
    Within a batch each image and each phrase is encoded once.
    """

    kind: ClassVar[str] = "contrastive"

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

    def ground(self, image: Radiograph, phrases: Sequence[str]) -> list[Grounding]:
        """Answer every phrase of one image, in order."""
        return self.ground_batch([Query(image, phrase, "") for phrase in phrases])

    def ground_batch(self, queries: Sequence[Query]) -> list[Grounding]:
        """Answer a batch of queries, in order; all its images are encoded together.

        Raises:
            MethodError: If an image is too small for the method's grid, or a phrase cannot be encoded.
        """
        images: dict[str, Radiograph] = {}
        asked: dict[str, dict[str, None]] = {}
        for query in queries:
            images.setdefault(query.image.sha256, query.image)
            asked.setdefault(query.image.sha256, {})[query.phrase] = None
        row = {phrase: index for index, phrase in enumerate({query.phrase: None for query in queries})}
        found: dict[tuple[str, str], Heatmap] = {}
        with exact_inference():
            texts = self.embed_phrases(list(row))
            patches = self.embed_images(list(images.values()))
            for grid, (key, phrases) in zip(patches, asked.items(), strict=True):
                wanted = texts[[row[phrase] for phrase in phrases]]
                cosines = (grid @ wanted.T).permute(2, 0, 1).float().cpu().numpy()
                for phrase, values in zip(phrases, cosines, strict=True):
                    found[key, phrase] = self.heatmap(values, images[key].size)
        cut = dict(zip(row, self.truncated(list(row)), strict=True))
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
