"""The diffusion method against the published procedure, on one network with random weights, in one run.

    python benchmarks/ldm.py [--size tiny|mid|paper] [--steps 100] [--images 2] [--device cpu|cuda]

Sizes: `paper` is the published UNet (263.6 million parameters, 64x64 latents of 512x512 images), `mid` a quarter of its
width on 32x32 latents, `tiny` an eighth on 16x16. On a GPU a second part follows: throughput by precision and batch.
"""

from __future__ import annotations

import argparse
import os
import platform
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from ldm_published import Published
from torch.utils.flop_counter import FlopCounterMode

import groundcxr.methods.ldm.split as split
from groundcxr.methods.ldm import CrossAttentionGrounder

SIZES = {"tiny": (32, 64, 96), "mid": (64, 128, 192), "paper": (256, 512, 768)}
LATENTS = {"tiny": 16, "mid": 32, "paper": 64}
SPAN = (1, 7)
TOKENS = 77


def networks(size: str, device: str) -> tuple[Any, Any]:
    """The UNet and an autoencoder as wide in proportion."""
    torch.manual_seed(0)
    channels = SIZES[size]
    unet = UNet2DConditionModel(
        sample_size=LATENTS[size],
        in_channels=3,
        out_channels=3,
        block_out_channels=channels,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=2,
        cross_attention_dim=channels[0] * 4,
        attention_head_dim=1,
        norm_eps=1e-6,
    )
    width = channels[0] // 4
    vae = AutoencoderKL(
        in_channels=1,
        out_channels=1,
        block_out_channels=(width, 2 * width, 2 * width, 2 * width),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=3,
        norm_num_groups=8,
        mid_block_add_attention=False,
        scaling_factor=3.0,
    )
    with torch.no_grad():
        # Untrained queries and keys are so small that all places attend alike, and min-max would show rounding.
        for name, parameter in unet.named_parameters():
            if "attn2.to_q" in name or "attn2.to_k" in name:
                parameter.mul_(4)
    return unet.to(device).eval(), vae.to(device).eval()


def made_up(unet: Any, images: int, phrases: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Images of coarse squares in [0, 1], the empty phrase's states and those of the phrases."""
    generator = torch.Generator().manual_seed(1)
    side = 8 * unet.config.sample_size
    squares = torch.rand(images, 1, 16, 16, generator=generator)
    states = torch.randn(1 + images * phrases, TOKENS, unet.config.cross_attention_dim, generator=generator)
    return torch.nn.functional.interpolate(squares, side), states[:1], states[1:]


class Meter:
    """What a block took: seconds, the processors' seconds, and peak memory of the process, sampled, or of the GPU."""

    def __init__(self, device: str) -> None:
        self.device, self.seconds, self.cpu_seconds, self.mebibytes = device, 0.0, 0.0, 0.0

    @contextmanager
    def running(self) -> Any:
        """Measure what runs inside."""
        on_gpu = self.device != "cpu"
        if on_gpu:
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
            before = torch.cuda.memory_allocated()
        else:
            before, peak, done = resident(), [0], threading.Event()
            watcher = threading.Thread(target=_watch, args=(peak, done))
            watcher.start()
        start, cpu_start = time.perf_counter(), time.process_time()
        yield
        if on_gpu:
            torch.cuda.synchronize()
        self.seconds, self.cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
        if on_gpu:
            self.mebibytes = (torch.cuda.max_memory_allocated() - before) / 2**20
        else:
            done.set()
            watcher.join()
            self.mebibytes = max(0, peak[0] - before) / 2**20


def _watch(peak: list[int], done: threading.Event) -> None:
    while not done.wait(0.005):
        peak[0] = max(peak[0], resident())


def resident() -> int:
    """Bytes of the process in memory (Linux; elsewhere 0)."""
    pages = Path("/proc/self/statm")
    return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if pages.exists() else 0


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


def flops_of(work: Callable[[], Any]) -> float:
    """Floating-point operations of matrix products, convolutions and attention."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def part_flops(unet: Any, grounder: CrossAttentionGrounder, device: str) -> dict[str, float]:
    """FLOPs of one row through each part."""
    side = unet.config.sample_size
    latents, t = torch.randn(1, 3, side, side, device=device), torch.zeros(1, device=device)
    context = torch.randn(1, TOKENS, unet.config.cross_attention_dim, device=device)
    weights = torch.ones(1, TOKENS, device=device) / TOKENS
    forward = split.SplitForward(unet, grounder.layers, compile_it=False)
    with torch.no_grad():
        begun = forward.begin(latents, t)
    return {
        "begin": flops_of(lambda: forward.begin(latents, t)),
        "predict": flops_of(lambda: forward.predict(begun, context)),
        "attend": flops_of(lambda: forward.attend(begun, context, weights)),
    }


def seconds(work: Callable[[], Any], device: str, repeats: int = 5) -> float:
    """The least time of some calls, after one that is not counted: other work on the machine only adds."""
    times: list[float] = []
    with torch.no_grad():
        for _ in range(repeats + 1):
            meter = Meter(device)
            with meter.running():
                work()
            times.append(meter.seconds)
    return min(times[1:])


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


def machine(device: str) -> str:
    """The processor's name."""
    if device != "cpu":
        return torch.cuda.get_device_name()
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    name = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
    return f"{name}, {torch.get_num_threads()} of {os.cpu_count()} cores; PyTorch {torch.__version__}"


def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="mid")
    parser.add_argument("--steps", type=int, default=100, help="inversion steps; the paper's code takes 300")
    parser.add_argument("--images", type=int, default=2)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    compare(given.size, given.steps, given.images, given.device)
    if given.device != "cpu":
        from ldm_gpu import throughput

        throughput(given.size, given.steps, given.device)


if __name__ == "__main__":
    main()
