"""Parts of a network compiled once for batches of all sizes up to the largest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

from ....core.memory import memory_ran_out
from ...batch_size import give_back_memory
from .forward import Begun

_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """A function of rows, compiled for as many rows as it is given at the most.

    Compiling takes a minute or so, and a shape that differs is compiled anew: the last batch of a run would cost more
    than all the others save. So fewer rows are filled up with copies of the last, whose results are dropped; only more
    rows than ever before are compiled for again.

    Args:
        function: Of tensors, or tuples of them, that have their rows first, as its result has. Where memory runs out,
            what follows is not filled up to more rows than it is given then.
    """
    return cast("_Function", _Compiled(function))


class _Compiled:
    def __init__(self, function: Callable[..., Any]) -> None:
        # Not for any number of rows, which would be a slower program, compiled after the first two.
        self._function = torch.compile(function, dynamic=False)
        self._rows = 0

    def __call__(self, *given: Any) -> Any:
        rows = len(given[0][0] if isinstance(given[0], tuple) else given[0])
        if rows < self._rows:
            try:
                found = self._function(*_each(given, self._filled))
                return _each(found, lambda tensor: tensor[:rows])
            except RuntimeError as error:
                if not memory_ran_out(error):
                    raise
            # Only here, past the handler, is the traceback gone that holds the copies.
            give_back_memory()
        self._rows = 0
        found = self._function(*given)
        self._rows = rows
        return found

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
