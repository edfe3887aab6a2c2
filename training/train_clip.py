"""Train `clip-phantom`: an open_clip model that learns from findings and phrases which patches a phrase is about.

    python training/train_clip.py --work DIR

writes the model to DIR/clip-phantom, in the layout that open_clip's ``local-dir:`` loads. Run again after a kill, it
goes on from its last checkpoint.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from clip_losses import fitting_loss, smooth_maps, teaching_loss
from clip_network import MEAN, MODEL, STD, begin_well
from data import Images, load_images
from loop import LOG, begin, epoch_order, generator, save_whole, train
from open_clip.model import CLIP
from safetensors.torch import save_file
from tokenizer import build_tokenizer
from torch import Tensor

SEED = 1
IMAGES, STEPS, BATCH, RATE, DECAY = 12_000, 2_000, 32, 1e-3, 0.05
REFINING_STEPS, REFINING_RATE = 3_000, 7e-4
"""Mosaics come second: from random weights, they taught next to nothing in 900 steps."""
SMOOTHING_STEPS, SMOOTHING_RATE = 2_000, 5e-4


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

    def rows_of(seed: int, step: int) -> list[int]:
        return epoch_order(seed, step, BATCH, len(images.pixels)).tolist()

    def fit(step: int) -> Tensor:
        return fitting_loss(model, tokenizer, images, rows_of(SEED, step), generator(SEED, step))

    def refine(step: int) -> Tensor:
        rows, draws = rows_of(SEED + 1, step), generator(SEED + 1, step)
        return fitting_loss(model, tokenizer, images, rows, draws, refine=True)

    @torch.no_grad()
    def check() -> str:
        model.eval()
        parts = [
            fitting_loss(model, tokenizer, unseen, list(range(start, start + BATCH)), generator(SEED, start))
            for start in range(0, 384, BATCH)
        ]
        return f"loss on {len(parts) * BATCH} whole images of other patients {torch.stack(parts).mean():.4f}"

    train("clip", model, fit, work, steps=STEPS, rate=RATE, decay=DECAY, check=check)
    train("clip-fine", model, refine, work, steps=REFINING_STEPS, rate=REFINING_RATE, decay=DECAY, check=check)

    maps = maps_to_teach(model, tokenizer, images, work / "maps.pt")

    def smooth(step: int) -> Tensor:
        rows = rows_of(SEED + 2, step)
        taught = torch.cat([maps[row] for row in rows]).float()
        return teaching_loss(model, tokenizer, images, taught, rows, generator(SEED + 2, step))

    train("clip-smooth", model, smooth, work, steps=SMOOTHING_STEPS, rate=SMOOTHING_RATE, decay=DECAY, check=check)
    save(model, out)


def maps_to_teach(model: CLIP, tokenizer: object, images: Images, file: Path) -> list[Tensor]:
    """The maps of each image's statements; kept in a file, as the model that made them is about to change."""
    if file.is_file():
        maps: Tensor = torch.load(file, weights_only=True)
    else:
        maps = smooth_maps(model, tokenizer, images)
        save_whole(maps, file)
    return list(maps.split([len(mine) for mine in images.statements]))


def save(model: CLIP, out: Path) -> None:
    """Write the weights, in half precision, and the configuration, beside the tokenizer."""
    state = {name: value.half().contiguous() for name, value in model.state_dict().items()}
    save_file(state, out / "open_clip_model.safetensors", metadata={"format": "pt"})
    preprocess = {
        "mean": [MEAN] * 3, "std": [STD] * 3, "size": [256, 256],
        "interpolation": "bilinear", "resize_mode": "shortest",
    }  # fmt: skip
    config = {"model_cfg": MODEL, "preprocess_cfg": preprocess}
    (out / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n")


if __name__ == "__main__":
    main()
