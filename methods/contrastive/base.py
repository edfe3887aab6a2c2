"""What contrastive methods share: batches, the cosine map of every image and phrase, identity of the weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...core import Grounding, Heatmap, ImageSize, Query, Radiograph
from ..base import GroundingMethod

if TYPE_CHECKING:
    import torch


class ContrastiveMethod(GroundingMethod):
    """Answers with the cosine similarity of patch embeddings and a phrase's embedding.

    A subclass embeds images and phrases into one space, both of unit length, and lays a grid of cosines on the image;
    one whose map is made of its embeddings in another way defines `maps` too. Within a batch each image and each phrase
    is encoded once.
    """

    kind: ClassVar[str] = "contrastive"

    def embed_images(self, images: Sequence[Radiograph]) -> torch.Tensor:
        """Patch embeddings of unit length, `[n, h, w, d]`; whatever `maps` reads, image by image."""
        raise NotImplementedError

    def embed_phrases(self, phrases: Sequence[str]) -> Any:
        """Phrase embeddings of unit length, `[m, d]`; whatever `maps` reads, phrase by phrase."""
        raise NotImplementedError

    def maps(self, patches: torch.Tensor, texts: Sequence[Any]) -> torch.Tensor:
        """The grids `[m, h, w]` of one image's phrases, by default cosines.

        Args:
            patches: What `embed_images` gave for the image.
            texts: What `embed_phrases` gave for each of the phrases, of which no other may change its grid.
        """
        import torch

        return (patches @ torch.stack(list(texts)).T).permute(2, 0, 1)

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
            for embedded, (key, phrases) in zip(patches, asked.items(), strict=True):
                grids = self.maps(embedded, [texts[row[phrase]] for phrase in phrases]).float().cpu().numpy()
                for phrase, values in zip(phrases, grids, strict=True):
                    found[key, phrase] = self.heatmap(values, images[key].size)
        cut = dict(zip(row, self.truncated(list(row)), strict=True))
        return [Grounding(found[query.image.sha256, query.phrase], truncated=cut[query.phrase]) for query in queries]


@contextmanager
def exact_inference() -> Iterator[None]:
    """No gradients, and the same numbers on every device as far as its kernels allow.

    cuDNN's default for convolutions is TF32, whose 10-bit mantissa moves a cosine by 1e-3.
    """
    import torch

    cudnn = torch.backends.cudnn
    with (
        torch.inference_mode(),
        cudnn.flags(enabled=cudnn.enabled, benchmark=False, deterministic=True, allow_tf32=False),
    ):
        yield


def state_digest(*modules: torch.nn.Module) -> str:
    """SHA-256 (hex) over the names, types, shapes and values of the modules' parameters and buffers."""
    import torch

    found = hashlib.sha256()
    for module in modules:
        for name, tensor in sorted(module.state_dict().items()):
            found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)};".encode())
            found.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
