"""What `clip-phantom` learns by: whether phrases fit images, and then its own maps, made smooth."""

from __future__ import annotations

from typing import Any

import torch
from clip_network import MODEL, Phrases, as_input, embed_patches, embed_phrases, exposed
from data import Images
from loop import LOG
from open_clip.model import CLIP
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn.functional import avg_pool2d, logsigmoid, pad

from groundcxr.datasets.phantom.parameters import DEFAULT

POOLED = (4, 16, 48)
"""Of 256 patches, the best so many count at first: from a small pneumothorax to a large heart."""
FLATNESS, SPARSENESS, DEPTH = 1.0, 0.25, 0.1
"""Weights of the loss that keeps patches at 0: where a phrase does not fit; where it may; the lowest patch of all."""

SIZES = {name: round(256 * (1 + one.twice) * one.widths[2] * one.heights[2]) for name, one in DEFAULT.findings.items()}
"""How many patches a finding usually covers, by the box sizes that the phantom is drawn with.

They are published ones, but for Edema, of which there are none: it is taken to be spread out."""

SMOOTH, FAINT = 0.8, 0.3
"""Blur of the maps that are taught, in patches, and the part of the highest value that becomes 0."""


def fitting_loss(
    model: CLIP, tokenizer: Any, images: Images, rows: list[int], draws: torch.Generator, *, refine: bool = False
) -> Tensor:
    """Whether each phrase of the batch fits each image of the batch, as a balanced sigmoid loss (SigLIP's).

    A phrase fits the image that it was said of. It does not fit an image without its finding, nor, with the side
    changed, its own.

    Where a phrase does not fit the image that a patch is from, the patch's cosine is drawn to 0: otherwise only the
    best patches are held back, and what lies far below them fills the map's range.

    To refine, half of the images are mosaics of two, so that a patch must answer for what it shows: else, attention
    lets patches that lie at the same place in every image tell of findings elsewhere. What
    counts then is as large as findings of this kind usually are, and all else is drawn to 0 as well.
    """
    phrases = Phrases([images.statements[row] for row in rows])
    pixels = exposed(as_input(images.pixels[rows]), draws)
    source = mosaic(len(rows), draws) if refine else torch.arange(len(rows))[:, None].expand(-1, 256)
    patches = embed_patches(model, assemble(pixels, source))
    cosines = embed_phrases(model, tokenizer, phrases.texts) @ patches.transpose(1, 2)
    # Whether a phrase is false for the image that a patch is from.
    wrong = phrases.false[source].transpose(1, 2)
    mine = source == torch.arange(len(rows))[:, None]
    negative = wrong.all(-1)
    counted = mine[:, None] | negative[..., None]
    best = torch.where(counted, cosines, -1.0).topk(max(POOLED), dim=-1).values
    if refine:
        score = region_score(cosines, counted, best, phrases.pathologies)
    else:
        score = torch.stack([best[..., :k].mean(-1) for k in POOLED]).mean(0)
    logits = model.logit_scale.exp() * score + model.logit_bias
    fits = -0.5 * (logsigmoid(logits)[phrases.said].mean() + logsigmoid(-logits)[negative].mean())
    flat = cosines[wrong].square().mean()
    if refine:
        flat = flat + SPARSENESS * cosines[~wrong].square().mean() + DEPTH * cosines.amin(-1).square().mean()
    return fits + FLATNESS * flat


def region_score(cosines: Tensor, counted: Tensor, best: Tensor, finding: list[str]) -> Tensor:
    """How well each phrase fits each image `[B, M]`: by single patches, and by the squares that its finding may fill.

    Args:
        cosines: `[B, M, patches]`.
        counted: The patches that may count, as `cosines`.
        best: The highest counted cosines of each image and phrase, descending.
        finding: The finding of each phrase.
    """
    sizes = torch.tensor([SIZES[name] for name in finding])
    running = best.cumsum(-1) / torch.arange(1, best.shape[-1] + 1)
    single = running[:, torch.arange(len(sizes)), sizes // 4]
    square = torch.zeros_like(single)
    for window in (3, 5, 7):
        chosen = (sizes.sqrt() / 2).floor() * 2 + 1 == window
        held = counted[:, chosen].float().expand(-1, int(chosen.sum()), -1).unflatten(-1, (16, 16))
        share = avg_pool2d(held, window, 1, window // 2)
        sums = avg_pool2d(cosines[:, chosen].unflatten(-1, (16, 16)) * held, window, 1, window // 2)
        # A square that lies mostly in the other image of a mosaic does not count.
        means = torch.where(share > 0.4, sums / share.clamp(min=0.4), -1.0)
        square[:, chosen] = means.flatten(2).topk(4, dim=-1).values.mean(-1)
    return (single + square) / 2


def mosaic(count: int, draws: torch.Generator) -> Tensor:
    """The image that each patch is from, `[count, patches]`: half of the images have blocks of the next one."""
    side, block = 16, 4
    blocks = torch.rand(count, side // block + 1, side // block + 1, generator=draws) < 0.5
    taken = blocks.repeat_interleave(block, 1).repeat_interleave(block, 2)
    taken &= torch.rand(count, 1, 1, generator=draws) < 0.5
    # The blocks' edges move from image to image.
    down, right = torch.randint(0, block + 1, (2,), generator=draws).tolist()
    taken = taken[:, down : down + side, right : right + side].flatten(1)
    index = torch.arange(count)[:, None]
    return torch.where(taken, (index + 1) % count, index)


def assemble(pixels: Tensor, source: Tensor) -> Tensor:
    """Images `[B, H, W]` put together from patches of those that `source` names."""
    count, size = len(pixels), MODEL["vision_cfg"]["patch_size"]
    side = pixels.shape[-1] // size
    patches = pixels.view(count, side, size, side, size).transpose(2, 3).reshape(count, side * side, -1)
    chosen = patches[source, torch.arange(side * side)]
    return chosen.view(count, side, side, size, size).transpose(2, 3).reshape(pixels.shape)


@torch.no_grad()
def smooth_maps(model: CLIP, tokenizer: Any, images: Images, shift: int = 8) -> Tensor:
    """The model's own maps of what was said of the images, averaged over views of each, blurred, and 0 where faint.

    Returns:
        `[P, patches]` in half precision: one map for each statement, in the images' order.
    """
    model.eval()
    side = images.pixels.shape[-1] // MODEL["vision_cfg"]["patch_size"]
    known = dict(zip(images.phrases, embed_phrases(model, tokenizer, images.phrases), strict=True))
    maps = []
    for start in range(0, len(images.pixels), 32):
        pixels = as_input(images.pixels[start : start + 32])
        counts = [len(mine) for mine in images.statements[start : start + 32]]
        said = torch.stack([known[one.phrase] for mine in images.statements[start : start + 32] for one in mine])
        owner = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
        # Each view lies half a patch off the last, so that averages are taken on a grid of half patches.
        views = []
        for down, right in ((0, 0), (1, 1), (-1, -1), (1, -1), (-1, 1)):
            view = _moved(pixels, down * shift, right * shift)
            cosines = (embed_patches(model, view)[owner] @ said[..., None]).view(-1, side, side)
            halves = cosines.repeat_interleave(2, 1).repeat_interleave(2, 2)
            views.append(_moved(halves, -down, -right))
        means = avg_pool2d(torch.stack(views).mean(0), 2)
        smooth = torch.from_numpy(gaussian_filter(means.numpy(), SMOOTH, axes=(1, 2))).flatten(1)
        maps.append((smooth - FAINT * smooth.amax(1, keepdim=True)).clamp(min=0).half())
        if start % 1600 == 0:
            LOG.info("smooth maps: %d of %d images", start, len(images.pixels))
    return torch.cat(maps)


def _moved(images: Tensor, down: int, right: int) -> Tensor:
    """Images `[B, H, W]` as seen from so many pixels lower and further right; what comes into view is their edge."""
    margin = max(abs(down), abs(right))
    height, width = images.shape[-2:]
    wide = pad(images[:, None], (margin,) * 4, mode="replicate")[:, 0]
    return wide[:, margin + down : margin + down + height, margin + right : margin + right + width]


def teaching_loss(
    model: CLIP, tokenizer: Any, images: Images, maps: Tensor, rows: list[int], draws: torch.Generator
) -> Tensor:
    """The squared difference from `maps` where a phrase was said of an image, and from 0 where it does not fit.

    `maps` are those that `smooth_maps` made for the statements of the batch.
    """
    phrases = Phrases([images.statements[row] for row in rows])
    patches = embed_patches(model, exposed(as_input(images.pixels[rows]), draws))
    cosines = embed_phrases(model, tokenizer, phrases.texts) @ patches.transpose(1, 2)
    # Row after row, a phrase said of an image comes in the order of the image's statements.
    said = (cosines[phrases.said] - maps).square().mean()
    return said + cosines[phrases.false].square().mean()
