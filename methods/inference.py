"""How networks are run: without gradients, and so that devices agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from ..core import Radiograph
from ..core.machine import cpu_count
from ..core.threads import mapped

if TYPE_CHECKING:
    import torch

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


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


def prepared(images: Sequence[Radiograph], prepare: Callable[[Radiograph], _Result]) -> list[_Result]:
    """What images become before a network sees them, in order; worked on by all processors, so that no GPU waits.

    Args:
        images: Of a batch.
        prepare: What becomes of one; called from several threads, with all its work in NumPy or Pillow.
    """
    return mapped(prepare, images, cpu_count())


def together(items: Sequence[_Item], device: str | torch.device) -> list[Sequence[_Item]]:
    """Which of a batch's items go through a network at once: on a CPU each alone, elsewhere all of them.

    Kernels add up in another order for other shapes, so that beside others an item gets other last digits, which a
    threshold may turn. A CPU takes about as long for one after the other, a GPU much longer.

    Args:
        items: Images or phrases.
        device: Where the network is ("cpu", "cuda:1").
    """
    import torch

    return [[one] for one in items] if torch.device(device).type == "cpu" else [items]
