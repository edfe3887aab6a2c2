"""A GPU that is not there: its tensors have numbers, those of the CPU, and refuse to meet tensors of the CPU.

A tensor "on" it wraps one of the CPU. Whatever is computed passes `_run`, which looks at the devices as PyTorch's
kernels do, computes on what is wrapped, and wraps what comes of it. So every method can be run as on a GPU, to its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from types import SimpleNamespace
from typing import Any
from unittest import mock

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map, tree_unflatten

GPU = torch.device("cuda", 0)
MEMORY = 2**33
aten: Any = torch.ops.aten
ACROSS = (aten.copy_, aten._to_copy)
INDEXING = (aten.index, aten.index_put, aten.index_put_, aten._unsafe_index, aten._index_put_impl_)
STAND_INS: dict[str, Callable[..., Any]] = {
    "_lazy_init": lambda: None,
    "is_available": lambda: True,
    "device_count": lambda: 1,
    "current_device": lambda: 0,
    "mem_get_info": lambda *_: (MEMORY, MEMORY),
    "memory_reserved": lambda *_: 0,
    "memory_allocated": lambda *_: 0,
    "empty_cache": lambda: None,
    "is_bf16_supported": lambda *_, **__: True,
    "get_device_capability": lambda *_: (9, 0),
    "get_device_properties": lambda *_: SimpleNamespace(total_memory=MEMORY, major=9, minor=0),
}
"""What `torch.cuda` says of the GPU."""
_differentiable = False


@contextmanager
def pretended(*, gradients: bool = False) -> Iterator[None]:
    """Within it there is a GPU, for this thread.

    Args:
        gradients: Whether gradients are asked for. PyTorch looks for a GPU to find them on, so that beneath Python the
            tensors say then that they are the CPU's; what autocast does on a GPU is not seen then.
    """
    global _differentiable
    torch._C._ensureCUDADeviceGuardSet()
    to, tensor = torch.Tensor.to, torch.tensor

    def moved(self: torch.Tensor, *args: Any, **named: Any) -> torch.Tensor:
        return to(self, *_without_others(args), **named)

    def made(data: Any, *, device: Any = None, **named: Any) -> torch.Tensor:
        found = tensor(_plain(data), **named)
        return found if device is None else found.to(device)

    def entered(self: Any) -> None:  # an inference tensor cannot be wrapped
        self._inference_mode_context = torch.no_grad() if self.mode else nullcontext()
        self._inference_mode_context.__enter__()

    before, _differentiable = _differentiable, gradients
    swaps = torch.__future__.get_swap_module_params_on_conversion()
    # A module that moves keeps its parameters, as on a GPU, and not new ones in their place.
    torch.__future__.set_swap_module_params_on_conversion(True)
    torch._C._set_only_lift_cpu_tensors(True)
    try:
        with ExitStack() as stack:
            for name, value in STAND_INS.items():
                stack.enter_context(mock.patch.object(torch.cuda, name, value))
            stack.enter_context(torch.backends.cudnn.flags(enabled=False))
            stack.enter_context(mock.patch.object(torch.inference_mode, "__enter__", entered))
            stack.enter_context(mock.patch.object(torch, "tensor", made))
            stack.enter_context(mock.patch.object(torch.Tensor, "to", moved))
            stack.enter_context(_Watched())
            yield
    finally:
        _differentiable = before
        torch._C._set_only_lift_cpu_tensors(False)
        torch.__future__.set_swap_module_params_on_conversion(swaps)


class OnGpu(torch.Tensor):
    """A tensor on the GPU."""

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> OnGpu:
        return torch.Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            layout=inner.layout,
            device=torch.device("cpu") if _differentiable else GPU,
        )

    def __init__(self, inner: torch.Tensor) -> None:
        self.inner = inner

    __torch_function__ = torch._C._disabled_torch_function_impl
    device = property(lambda _: GPU)
    is_cuda = property(lambda _: True)
    is_cpu = property(lambda _: False)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})

    def __repr__(self, **_: Any) -> str:
        return f"OnGpu({self.inner})"

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.inner.detach().__reduce_ex__(protocol)

    def to(self, *args: Any, copy: bool = False, **named: Any) -> torch.Tensor:
        device, dtype, _, layout = torch._C._nn._parse_to(*_without_others(args), **named)
        stays = (device is None or _is_gpu(device)) and dtype in (None, self.dtype)
        if stays and not copy and (layout is None or self.is_contiguous(memory_format=layout)):
            return self
        return aten._to_copy(self, dtype=dtype, device=device, **({"memory_format": layout} if layout else {}))

    def cpu(self) -> torch.Tensor:
        return self.to("cpu")

    def cuda(self, *_: Any) -> torch.Tensor:
        return self

    def numpy(self, **_: Any) -> Any:
        raise TypeError("can't convert cuda:0 device type tensor to numpy; use Tensor.cpu() first")

    def tolist(self) -> Any:
        return self.cpu().tolist()


class _Watched(TorchDispatchMode):
    """What makes tensors without being given any passes `_run` as well."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    packet = func.overloadpacket
    if torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), "CompositeImplicitAutograd"):
        with _Watched():  # each of the steps that it is put together of
            found = func.decompose(*args, **kwargs)
        if found is not NotImplemented:
            return found
    if packet is aten._fused_sdp_choice:
        return 0  # plain products, in place of kernels that a CPU has not
    flat, form = tree_flatten((args, kwargs))
    mine = [one for one in flat if isinstance(one, OnGpu)]
    others = [one for one in flat if isinstance(one, torch.Tensor) and not isinstance(one, OnGpu)]
    if mine and others and packet not in ACROSS:
        _check(packet, args, others)
    named = kwargs.get("device")
    goes = isinstance(args[0], OnGpu) if packet is aten.copy_ else _is_gpu(named) if named is not None else bool(mine)
    goes = goes and packet is not aten._local_scalar_dense
    generator = kwargs.get("generator")
    if generator is not None and _is_gpu(generator.device) != goes:
        raise RuntimeError(f"Expected a '{'cuda' if goes else 'cpu'}' device type for generator: {packet}")
    inner = tree_unflatten([one.inner if isinstance(one, OnGpu) else one for one in flat], form)
    given, options = tree_map(lambda one: torch.device("cpu") if _is_gpu(one) else one, inner)
    options.pop("pin_memory", None)
    found = func(*given, **options)
    if packet is aten._to_copy and found is given[0]:
        found = found.clone()
    known = {id(one.inner): one for one in mine}  # what is changed in place stays the tensor that it was

    def wrapped(one: Any) -> Any:
        if not isinstance(one, torch.Tensor):
            return one
        return known[id(one)] if id(one) in known else OnGpu(one) if goes else one

    return tree_map(wrapped, found)


def _check(packet: Any, args: Any, others: list[torch.Tensor]) -> None:
    if packet in INDEXING:
        if isinstance(args[0], OnGpu):  # the CPU's indices will do
            others = [one for one in args[2:3] if isinstance(one, torch.Tensor) and not isinstance(one, OnGpu)]
        elif _differentiable and packet is aten.index_put:
            return  # into zeros that PyTorch made itself, for a gradient
    wrong = [tuple(one.shape) for one in others if one.dim() > 0 or packet is aten.cat]
    if wrong:
        raise RuntimeError(f"Expected all tensors to be on the same device: {packet}, and {wrong} on cpu")


def _is_gpu(device: Any) -> bool:
    return isinstance(device, torch.device) and device.type == "cuda"


def _without_others(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Arguments of `Tensor.to`, with device and type of a tensor in its place."""
    return (args[0].device, args[0].dtype, *args[1:]) if args and isinstance(args[0], torch.Tensor) else args


def _plain(data: Any) -> Any:
    if isinstance(data, OnGpu):
        return data.tolist()
    return [_plain(one) for one in data] if isinstance(data, (list, tuple)) else data
