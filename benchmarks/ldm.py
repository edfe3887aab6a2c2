"""The diffusion method against the published procedure, on one network with random weights, in one run.

    python benchmarks/ldm.py [--size tiny|mid|paper] [--steps 100] [--images 2] [--device cpu|cuda]

Sizes: `paper` is the published UNet (263.6 million parameters, 64x64 latents of 512x512 images), `mid` a quarter of its
width on 32x32 latents, `tiny` an eighth on 16x16. Throughput on a GPU by precision and batch: `benchmarks/ldm_gpu.py`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import torch
from ldm_common import SIZES, SPAN, TOKENS, Meter, machine, made_up, networks, part_flops, seconds
from ldm_published import Published

import groundcxr.methods.diffusion.ldm.split as split
from groundcxr.methods.diffusion.ldm import CrossAttentionGrounder


class Counts:
    """Rows through each part of our forward pass, and the attention memory that reading takes."""

    def __init__(self, grounder: CrossAttentionGrounder) -> None:
        self.rows = dict.fromkeys(("begin", "predict", "attend"), 0)
        self.attention_bytes = 0
        for name in self.rows:
            part = getattr(grounder.forward, name)

            def counted(first: Any, *rest: Any, name: str = name, part: Callable[..., Any] = part) -> Any:
                self.rows[name] += len(first[0] if isinstance(first, tuple) else first)
                return part(first, *rest)

            setattr(grounder.forward, name, counted)
        usual = split.attention_map

        def measured(attn: Any, hidden: torch.Tensor, context: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
            formed = len(hidden) * attn.heads * hidden.shape[1] * context.shape[1]
            # Scores and their softmax at once, and for each layer the maps of these rows and of all.
            mine = 4 * (2 * formed + 2 * len(hidden) * hidden.shape[1] * len(grounder.layers))
            self.attention_bytes = max(self.attention_bytes, mine)
            return usual(attn, hidden, context, weights)

        split.attention_map = measured


def batch_ratio(unet: Any, device: str) -> float:
    """What a forward of batch 2 costs against one of batch 1."""
    side = unet.config.sample_size
    latents = torch.randn(2, 3, side, side, device=device)
    context = torch.randn(2, TOKENS, unet.config.cross_attention_dim, device=device)
    one, two = (seconds(lambda n=n: unet(latents[:n], 5, context[:n]), device) for n in (1, 2))
    return two / one


def warm_up(unet: Any, vae: Any, device: str) -> None:
    """A short run of each, whose time is not counted."""
    image, empty, states = made_up(unet, 1, 1)
    ours = CrossAttentionGrounder(unet, vae, num_inversion_steps=10)
    ours.heatmaps(image, empty, states, [SPAN])
    published = Published(unet, vae, ours.layers, 10, ours.steps_read)
    published.raw_map(image.to(device), empty.to(device), states.to(device), SPAN)


def compare(size: str, steps: int, images: int, device: str) -> None:
    """Print the table of both procedures."""
    unet, vae = networks(size, device)
    options: dict[str, Any] = {"num_inversion_steps": steps}
    grounder = CrossAttentionGrounder(unet, vae, **options)
    total, read = len(grounder.timesteps), grounder.steps_read
    flops = part_flops(unet, grounder, device)
    whole = flops["begin"] + flops["predict"]
    millions = sum(parameter.numel() for parameter in unet.parameters()) / 1e6
    print(
        f"\nsize {size}: UNet {millions:.1f} M parameters, {whole / 1e9:.2f} GFLOP a forward; {steps} steps asked for"
    )
    print(f"({total} taken, {read.start} to {read.stop - 1} read); {images} images; float32 on {machine(device)}\n")
    print(
        "| phrases/image | procedure | s/image | UNet rows/image | TFLOP/image | attention | peak memory | difference |"
    )
    print("|---:|---|---:|---:|---:|---:|---:|---:|")
    warm_up(unet, vae, device)
    lines: list[str] = []
    for phrases in (1, 3):
        image, empty, states = made_up(unet, images, phrases)
        published = Published(unet, vae, grounder.layers, steps, read)
        ours = CrossAttentionGrounder(unet, vae, **options)
        counts = Counts(ours)
        index = [number for number in range(images) for _ in range(phrases)]
        theirs_meter, meter = Meter(device), Meter(device)
        with theirs_meter.running():
            expected = [
                published.raw_map(image[i : i + 1].to(device), empty.to(device), states[n : n + 1].to(device), SPAN)
                for n, i in enumerate(index)
            ]
        with meter.running():
            found = ours.heatmaps(image, empty, states, [SPAN] * len(index), index, postprocess=False)
        differs = float((found - torch.stack(expected)).abs().max())
        theirs_flops = 2 * published.forwards * whole
        our_flops = sum(rows * flops[name] for name, rows in counts.rows.items())
        kept, mine = published.kept_bytes / 2**20, counts.attention_bytes / 2**20
        print(
            f"| {phrases} | published | {theirs_meter.seconds / images:.2f} | {2 * published.forwards / images:.0f} | "
            f"{theirs_flops / images / 1e12:.3f} | {kept:.1f} MiB | {theirs_meter.mebibytes:.0f} MiB | |"
        )
        print(
            f"| {phrases} | groundcxr | {meter.seconds / images:.2f} | {counts.rows['predict'] / images:.0f} + "
            f"{counts.rows['attend'] / images:.0f} partial | {our_flops / images / 1e12:.3f} | {mine:.2f} MiB | "
            f"{meter.mebibytes:.0f} MiB | {differs:.1e} |",
            flush=True,
        )
        lines.append(
            f"- {phrases} per image: {theirs_meter.seconds / meter.seconds:.2f} times as fast "
            f"({theirs_meter.cpu_seconds / meter.cpu_seconds:.2f} in processor time), with "
            f"{theirs_flops / our_flops:.2f} times fewer FLOPs and {kept / mine:.0f} times less memory for attention"
        )
    print(
        f"\na batch of 2 costs {batch_ratio(unet, device):.2f} of a batch of 1; a conditional forward from the shared"
    )
    print(f"features to the last layer read is {flops['attend'] / whole:.2f} of a forward\n")
    print("\n".join(lines))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="mid")
    parser.add_argument("--steps", type=int, default=100, help="inversion steps; the paper's code takes 300")
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    compare(given.size, given.steps, given.images, given.device)


if __name__ == "__main__":
    main()
