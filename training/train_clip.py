"""Train `clip-phantom`: an open_clip model that learns from findings and phrases which patches a phrase is about.

    python training/train_clip.py --work DIR

writes the model to DIR/clip-phantom, in the layout that open_clip's ``local-dir:`` loads. Run again after a kill, it
goes on from its last checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import torch
from data import Images, load_images, other_side
from initial import sine_positions, whitened_patches
from loop import LOG, begin, epoch_order, generator, train
from open_clip.model import CLIP
from safetensors.torch import save_file
from tokenizer import MAX_TOKENS, build_tokenizer
from torch import Tensor
from torch.nn.functional import avg_pool2d, logsigmoid, normalize

from groundcxr.datasets.phantom.parameters import DEFAULT

SEED = 1
IMAGES, STEPS, BATCH, RATE, DECAY = 12_000, 2_000, 32, 1e-3, 0.05
REFINING_STEPS, REFINING_RATE = 3_000, 7e-4
"""Mosaics come second: from random weights, they taught next to nothing in 900 steps."""
POOLED = (4, 16, 48)
"""Of 256 patches, the best so many count at first: from a small pneumothorax to a large heart."""
FLATNESS, SPARSENESS, DEPTH = 1.0, 0.25, 0.1
"""Weights of the loss that keeps patches at 0: where a phrase does not fit; where it may; the lowest patch of all."""

SIZES = {name: round(256 * (1 + one.twice) * one.widths[2] * one.heights[2]) for name, one in DEFAULT.findings.items()}
"""How many patches a finding usually covers, by the published box sizes that the phantom is drawn with."""

MEAN, STD = 0.4, 0.25
MODEL: dict[str, Any] = {
    "embed_dim": 128,
    "vision_cfg": {
        "image_size": 256, "patch_size": 16, "width": 128, "layers": 4, "head_width": 32, "pool_type": "avg",
    },
    "text_cfg": {"context_length": MAX_TOKENS, "width": 128, "heads": 4, "layers": 2, "hf_tokenizer_name": "local"},
    "init_logit_scale": 2.3,
    "init_logit_bias": -5.0,
}  # fmt: skip


def main() -> None:
    """Train, and write the model."""
    work = begin(str(__doc__), "clip.log")
    out = work / "clip-phantom"
    images, unseen = load_images("train", IMAGES), load_images("val", 400)
    tokenizer = build_tokenizer(images.phrases, out)
    MODEL["text_cfg"]["vocab_size"] = len(tokenizer)
    torch.manual_seed(SEED)
    model = CLIP(**MODEL)
    begin_well(model, images)
    LOG.info("clip: %d images, %d parameters", len(images.pixels), sum(p.numel() for p in model.parameters()))

    def loss(seed: int, refine: bool) -> Callable[[int], Tensor]:
        def of_step(step: int) -> Tensor:
            rows = epoch_order(seed, step, BATCH, len(images.pixels))
            return batch_loss(model, tokenizer, images, rows.tolist(), generator(seed, step), refine=refine)

        return of_step

    @torch.no_grad()
    def check() -> str:
        model.eval()
        parts = [
            batch_loss(model, tokenizer, unseen, list(range(start, start + BATCH)), generator(SEED, start))
            for start in range(0, 384, BATCH)
        ]
        return f"loss on {len(parts) * BATCH} whole images of other patients {torch.stack(parts).mean():.4f}"

    train("clip", model, loss(SEED, False), work, steps=STEPS, rate=RATE, decay=DECAY, check=check)
    fine = loss(SEED + 1, True)
    trained = train("clip-fine", model, fine, work, steps=REFINING_STEPS, rate=REFINING_RATE, decay=DECAY, check=check)
    state = {name: value.half().contiguous() for name, value in trained.state_dict().items()}
    save_file(state, out / "open_clip_model.safetensors", metadata={"format": "pt"})
    preprocess = {
        "mean": [MEAN] * 3, "std": [STD] * 3, "size": [256, 256],
        "interpolation": "bilinear", "resize_mode": "shortest",
    }  # fmt: skip
    config = {"model_cfg": MODEL, "preprocess_cfg": preprocess}
    (out / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")


@torch.no_grad()
def begin_well(model: CLIP, images: Images) -> None:
    """Start from whitened patches and sine positions: from random ones, the first 400 steps learn nothing."""
    vision = MODEL["vision_cfg"]
    size, width = vision["patch_size"], vision["width"]
    filters = whitened_patches(images.pixels[:500], size, width) * (255 * STD)
    model.visual.conv1.weight.copy_(filters[:, None].expand(-1, 3, -1, -1) / 3)
    model.visual.positional_embedding[1:] = sine_positions(vision["image_size"] // size, width)


def batch_loss(
    model: CLIP, tokenizer: Any, images: Images, rows: list[int], draws: torch.Generator, *, refine: bool = False
) -> Tensor:
    """Whether each phrase of the batch fits each image of the batch, as a balanced sigmoid loss (SigLIP's).

    A phrase fits the image that it was said of. It does not fit an image without its finding, nor, with the side
    changed, its own. Of other images with the finding nothing is known: they may or may not have it on that side.

    Where a phrase does not fit the image that a patch is from, the patch's cosine is drawn to 0: otherwise only the
    best patches are held back, and what lies far below them fills the map's range.

    To refine, half of the images are mosaics of two, so that a patch must answer for what it shows: else, attention
    lets patches that lie at the same place in every image tell of findings elsewhere. What
    counts then is as large as findings of this kind usually are, and all else is drawn to 0 as well.
    """
    statements = [images.statements[row] for row in rows]
    texts, own, finding, true = [], [], [], []
    for index, mine in enumerate(statements):
        for one in mine:
            texts.append(one.phrase)
            own.append(index)
            finding.append(one.pathology)
            true.append(True)
            if (changed := other_side(one, mine)) is not None:
                texts.append(changed)
                own.append(index)
                finding.append(one.pathology)
                true.append(False)
    has = [{one.pathology for one in mine} for mine in statements]
    false = torch.tensor([[pathology not in findings for pathology in finding] for findings in has])
    said = torch.zeros_like(false)
    said[own, torch.arange(len(texts))] = True
    right = torch.tensor(true)
    false |= said & ~right

    pixels = torch.from_numpy(images.pixels[rows]).float().div_(255).sub_(MEAN).div_(STD)
    # Exposure varies more than the film's own does.
    pixels = pixels * (1 + 0.2 * (torch.rand(len(rows), 1, 1, generator=draws) - 0.5))
    source = mosaic(len(rows), draws) if refine else torch.arange(len(rows))[:, None].expand(-1, 256)
    pixels = assemble(pixels, source)
    ids = tokenizer(texts, padding="max_length", max_length=MAX_TOKENS, truncation=True, return_tensors="pt").input_ids
    with torch.autocast("cpu", torch.bfloat16):
        found = model.visual.forward_intermediates(
            pixels[:, None].expand(-1, 3, -1, -1), indices=1, normalize_intermediates=True, output_fmt="NLC",
            intermediates_only=True,
        )["image_intermediates"][-1]  # fmt: skip
        patches = found @ model.visual.proj
        phrases = model.encode_text(ids)
    cosines = normalize(phrases.float(), dim=-1) @ normalize(patches.float(), dim=-1).transpose(1, 2)
    # Whether a phrase is false for the image that a patch is from, and whether it was said of it.
    wrong = false[source].transpose(1, 2)
    mine = source == torch.arange(len(rows))[:, None]
    negative = wrong.all(-1)
    positive = said & right
    counted = mine[:, None] | negative[..., None]
    best = torch.where(counted, cosines, -1.0).topk(max(POOLED), dim=-1).values
    if refine:
        score = region_score(cosines, counted, best, finding)
    else:
        score = torch.stack([best[..., :k].mean(-1) for k in POOLED]).mean(0)
    logits = model.logit_scale.exp() * score + model.logit_bias
    fits = -0.5 * (logsigmoid(logits)[positive].mean() + logsigmoid(-logits)[negative].mean())
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


if __name__ == "__main__":
    main()
