"""Parts of a network compiled once, whatever the number of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from .forward import Begun

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """A function of rows, compiled for as many rows as it is given at the most.

    Compiling takes a minute or so, and a shape that differs is compiled anew: the last batch of a run would cost more
    than all the others save. So fewer rows are filled up with copies of the last, whose results are dropped.

    Args:
        function: Of tensors, or tuples of them, that have their rows first, as its result has. Where it runs out of
            memory, the next, fewer rows are not filled up.
    """
    return cast("_Function", _Compiled(function))


class _Compiled:
    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = torch.compile(function)
        self._rows = 0

    def __call__(self, *given: Any) -> Any:
        rows = len(given[0][0] if isinstance(given[0], tuple) else given[0])
        self._rows = max(self._rows, rows)
        if rows == self._rows:
            return self._run(given)
        return _each(self._run(_each(given, self._filled)), lambda tensor: tensor[:rows])

    def _run(self, given: tuple[Any, ...]) -> Any:
        try:
            return self._function(*given)
        except torch.cuda.OutOfMemoryError:
            self._rows = 0
            raise

    def _filled(self, tensor: Tensor) -> Tensor:
        last = tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if last else torch.contiguous_format
        shape = (self._rows, *tensor.shape[1:])
        found = torch.empty(shape, dtype=tensor.dtype, device=tensor.device, memory_format=layout)
        found[: len(tensor)] = tensor
        found[len(tensor) :] = tensor[-1:]
        return found


def _each(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    changed = [_each(one, change) for one in value]
    return Begun(*changed) if isinstance(value, Begun) else tuple(changed)
