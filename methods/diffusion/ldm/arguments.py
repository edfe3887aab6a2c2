"""The arguments of `heatmaps`, checked and brought into the shape that is worked with."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ....core import MethodError


def check_image(image: Tensor, channels: int) -> None:
    """Refuse images that are not `[B, channels, H, W]`, or of one channel, in [0, 1].

    Raises:
        MethodError: Saying what is wrong.
    """
    if not isinstance(image, Tensor):
        raise MethodError(f"the image is a {type(image).__name__}; it must be a tensor [B, {channels}, H, W]")
    if image.ndim != 4 or image.shape[1] not in (1, channels):
        raise MethodError(f"the image is {list(image.shape)}; it must be [B, {channels}, H, W], or have one channel")
    if not ((image >= 0) & (image <= 1)).all():
        raise MethodError("the image has values outside 0 to 1")


def check_width(embeds: Tensor, what: str, width: object) -> None:
    """Refuse token states that the cross-attention does not take.

    Raises:
        MethodError: If they are of another width.
    """
    if isinstance(width, int) and embeds.shape[-1] != width:
        raise MethodError(
            f"the token states of {what} are {embeds.shape[-1]} wide; the network takes {width}: use the text encoder "
            "that it was trained with"
        )


def images_of(image_index: Sequence[int] | None, phrases: int, images: int) -> list[int]:
    """The image of each phrase.

    Raises:
        MethodError: If there is not one for each phrase, or it is not among the images.
    """
    if image_index is None:
        if images != 1:
            raise MethodError(f"there are {images} images; image_index must give the image of each phrase")
        return [0] * phrases
    if len(image_index) != phrases:
        raise MethodError(f"image_index has {len(image_index)} entries for {phrases} phrases; give one for each")
    for index in image_index:
        if not 0 <= index < images:
            raise MethodError(f"image_index names image {index}; there are {images}, numbered from 0")
    return [int(index) for index in image_index]


def per_image(embeds: Tensor, images: int) -> Tensor:
    """Token states `[1, L, D]` or `[B, L, D]` as `[B, L, D]`.

    Raises:
        MethodError: If there are neither one nor B.
    """
    if embeds.ndim != 3 or len(embeds) not in (1, images):
        raise MethodError(f"uncond_embeds is {list(embeds.shape)}; it must be [1, L, D] or [{images}, L, D]")
    return embeds.expand(images, -1, -1)


def token_weights(embeds: Tensor, spans: Sequence[tuple[int, int]] | None, mask: Tensor | None) -> Tensor:
    """What each token of each phrase counts, `[P, L]`; rows sum to 1.

    Raises:
        MethodError: If a phrase has no token, or one beyond its end.
    """
    if embeds.ndim != 3:
        raise MethodError(f"phrase_embeds is {list(embeds.shape)}; it must be [P, L, D]")
    count, length = embeds.shape[:2]
    if mask is None:
        if spans is None or len(spans) != count:
            raise MethodError(f"token_spans must give (start, stop) for each of {count} phrases")
        mask = torch.zeros(count, length, dtype=torch.bool)
        for row, (start, stop) in enumerate(spans):
            if not 0 <= start < stop <= length:
                raise MethodError(f"phrase {row} has tokens {start} to {stop}; there are {length}, numbered from 0")
            mask[row, start:stop] = True
    if mask.shape != (count, length):
        raise MethodError(f"token_mask is {list(mask.shape)}; it must be {[count, length]}")
    if not mask.any(1).all():
        raise MethodError(f"phrase {int((~mask.any(1)).nonzero()[0])} has no token to read; its mask is empty")
    return mask.float() / mask.sum(1, keepdim=True)
