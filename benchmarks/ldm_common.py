"""What `ldm.py` and `ldm_gpu.py` need: networks with random weights, made-up input, and measuring."""

from __future__ import annotations

import ctypes
import gc
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
from processor import cpu
from torch.utils.flop_counter import FlopCounterMode

from groundcxr.methods.diffusion.ldm import CrossAttentionGrounder
from groundcxr.methods.diffusion.ldm.split import SplitForward

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
            give_back_freed_memory()
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


def give_back_freed_memory() -> None:
    """Return to the system what earlier work left with the allocator (Linux), so that a block's own peak shows."""
    gc.collect()
    if platform.system() == "Linux":
        ctypes.CDLL(None).malloc_trim(0)


def resident() -> int:
    """Bytes of the process in memory (Linux; elsewhere 0)."""
    pages = Path("/proc/self/statm")
    return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if pages.exists() else 0


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
    forward = SplitForward(unet, grounder.layers, compile_it=False)
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
            start = time.perf_counter()
            work()
            if device != "cpu":
                torch.cuda.synchronize()
            times.append(time.perf_counter() - start)
    return min(times[1:])


def machine(device: str) -> str:
    """The processor's name."""
    if device != "cpu":
        return torch.cuda.get_device_name()
    return f"{cpu()}, {torch.get_num_threads()} of {os.cpu_count()} cores; PyTorch {torch.__version__}"
