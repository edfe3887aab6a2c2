"""The second part of `benchmarks/ldm.py`: throughput on a GPU by precision and batch, and what precision costs."""

from __future__ import annotations

from typing import Any

import torch
from ldm_common import SPAN, Meter, made_up, networks, part_flops, seconds

from groundcxr.core import Box, Grounding, Heatmap, Target
from groundcxr.methods.diffusion.ldm import CrossAttentionGrounder
from groundcxr.methods.diffusion.ldm.batching import BatchSize
from groundcxr.methods.diffusion.ldm.inversion import invert
from groundcxr.metrics import get_protocol

VARIANTS = (
    ("float32", False, (1, 32)),
    ("float16", False, (32,)),
    ("bfloat16", False, (1, 8, 32, 64)),
    ("bfloat16", True, (32, 64)),
)
ROWS = 32
"""Phrases times steps at once, at the least."""

MATRIX = 8192
TIMED_STEPS = 20
IMAGES, PHRASES = 1047, 1160  # of MS-CXR
COMPARED = 16
METRICS = ("miou", "cnr", "auroc", "pointing")


def throughput(size: str, steps: int, device: str) -> None:
    """Print images per second, the share of the peak, the agreement of precisions and the time for MS-CXR."""
    peaks = {name: matmul_peak(getattr(torch, name), device) for name in ("float32", "bfloat16", "float16")}
    shown = ", ".join(f"{name} {peak / 1e12:.0f}" for name, peak in peaks.items())
    print(f"\nmatrix products of {MATRIX}x{MATRIX}, TFLOP/s: {shown}\n")
    print("| precision | compiled | images at once | images/s | TFLOP/s | TFLOP/s in the trajectory | of the peak |")
    print("|---|---|---:|---:|---:|---:|---:|")
    best: tuple[float, str, bool, int] = (0.0, "", False, 0)
    for dtype, compiled, batches in VARIANTS:
        for batch in batches:
            rate, achieved, trajectory = measured(size, steps, device, dtype, compiled, batch)
            print(
                f"| {dtype} | {'yes' if compiled else 'no'} | {batch} | {rate:.2f} | {achieved / 1e12:.0f} | "
                f"{trajectory / 1e12:.0f} | {trajectory / peaks[dtype]:.0%} |",
                flush=True,
            )
            best = max(best, (rate, dtype, compiled, batch))
    project(size, steps, device, *best[1:])
    agreement(size, steps, device)


def measured(size: str, steps: int, device: str, dtype: str, compiled: bool, batch: int) -> tuple[float, float, float]:
    """Images per second with a phrase each, FLOP/s over all, and FLOP/s in the trajectory alone."""
    grounder, unet = build(size, steps, device, dtype, compiled, batch)
    flops = part_flops(unet, grounder, device)
    image, empty, states = made_up(unet, batch, 1)
    given = (image, empty, states, [SPAN] * batch, list(range(batch)))
    latents = grounder.encode(image)
    context = empty.to(device).expand(batch, -1, -1)
    autocast = torch.autocast(torch.device(device).type, getattr(torch, dtype), enabled=dtype != "float32")

    def trajectory() -> None:
        last = range(TIMED_STEPS, TIMED_STEPS)
        with autocast, torch.no_grad():
            for _ in invert(grounder.forward, grounder.schedule, latents, context, steps, last, BatchSize(batch)):
                pass

    spent = seconds(trajectory, device, repeats=2)
    done = batch * (TIMED_STEPS * flops["begin"] + (TIMED_STEPS - 1) * flops["predict"])
    meter = Meter(device)
    with meter.running():
        grounder.heatmaps(*given)
    read = grounder.steps_read
    total = batch * (read.stop * flops["begin"] + (read.stop - 1) * flops["predict"] + len(read) * flops["attend"])
    return batch / meter.seconds, total / meter.seconds, done / spent


def build(
    size: str, steps: int, device: str, dtype: str, compiled: bool, batch: int
) -> tuple[CrossAttentionGrounder, Any]:
    """A grounder, and its UNet, warmed up on a full batch."""
    unet, vae = networks(size, device)
    options: dict[str, Any] = {"dtype": dtype, "compile": compiled, "max_batch": max(batch, ROWS)}
    grounder = CrossAttentionGrounder(unet, vae, num_inversion_steps=steps, **options)
    image, empty, states = made_up(unet, batch, 1)
    read = grounder.steps_read
    # As many steps as will be read, so that every shape that is timed has been compiled.
    grounder.steps_read = range(len(read))
    grounder.heatmaps(image, empty, states, [SPAN] * batch, list(range(batch)))
    grounder.steps_read = read
    return grounder, unet


def project(size: str, steps: int, device: str, dtype: str, compiled: bool, batch: int) -> None:
    """Print the time that MS-CXR would take, from full batches with one phrase an image and with two."""
    grounder, unet = build(size, steps, device, dtype, compiled, batch)
    per_image: list[float] = []
    for phrases in (1, 2):
        image, empty, states = made_up(unet, batch, phrases)
        index = [number for number in range(batch) for _ in range(phrases)]
        work = (image, empty, states, [SPAN] * len(index), index)
        meter = Meter(device)
        with meter.running():
            grounder.heatmaps(*work)
        per_image.append(meter.seconds / batch)
    total = IMAGES * per_image[0] + (PHRASES - IMAGES) * (per_image[1] - per_image[0])
    how = f"{dtype}{', compiled' if compiled else ''}, {batch} images at once, {steps} steps"
    print(f"\nMS-CXR, {PHRASES} phrases on {IMAGES} images ({how}), without reading files: {total / 60:.1f} minutes")


def agreement(size: str, steps: int, device: str) -> None:
    """Print how maps and metrics of lower precision differ from float32's, against made-up boxes."""
    protocol = get_protocol("v1")
    found: dict[str, Any] = {}
    scores: dict[str, list[dict[str, float]]] = {}
    for dtype in ("float32", "bfloat16", "float16"):
        grounder, unet = build(size, steps, device, dtype, False, COMPARED)
        image, empty, states = made_up(unet, COMPARED, 1)
        maps = grounder.heatmaps(image, empty, states, [SPAN] * COMPARED, list(range(COMPARED)), postprocess=False)
        found[dtype] = maps
        side = maps.shape[-1]
        scores[dtype] = []
        for number, one in enumerate(maps.numpy()):
            x0, y0 = side * (number % 4) // 8, side * (number // 4) // 8
            target = Target([Box(x0, y0, x0 + side // 3, y0 + side // 2)], (side, side))
            values = protocol.score(Grounding(Heatmap.whole(one, (side, side))), target)
            scores[dtype].append({name: values[name].value for name in METRICS})
    print("\n| against float32 | mean difference of the map | largest | correlation | " + " | ".join(METRICS) + " |")
    print("|---|---:|---:|---:|" + "---:|" * len(METRICS))
    exact = found["float32"]
    for dtype in ("bfloat16", "float16"):
        difference = (found[dtype] - exact).abs()
        pairs = zip(found[dtype], exact, strict=True)
        correlation = min(float(torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]) for a, b in pairs)
        changes = [
            max(abs(a[name] - b[name]) for a, b in zip(scores[dtype], scores["float32"], strict=True))
            for name in METRICS
        ]
        print(
            f"| {dtype} | {difference.mean():.1e} | {difference.max():.1e} | {correlation:.4f} (least) | "
            + " | ".join(f"{change:.4f}" for change in changes)
            + " |"
        )
    print(f"\nRaw maps and largest change of each metric over {COMPARED} maps of the random network.")


def matmul_peak(dtype: torch.dtype, device: str) -> float:
    """FLOP/s of a large matrix product."""
    a, b = (torch.randn(MATRIX, MATRIX, device=device, dtype=dtype) for _ in range(2))
    return 2 * MATRIX**3 / seconds(lambda: a @ b, device, repeats=10)
