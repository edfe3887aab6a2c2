"""Which controls open files while they are fitted.

It stands apart from the methods' own modules, since it changes no answer.
"""

from __future__ import annotations

from .base import ControlMethod
from .registry import METHODS

_OPEN_NONE = frozenset(("class-mean-box", "text-prior", "shuffled-phrase", "oracle", "second-reader", "format-ceiling"))
"""By name; they read phrases and boxes alone, or nothing."""


def opens_files(method: ControlMethod) -> bool:
    """Whether a control's `fit` may open images, or masks of samples that have boxes; one of the user's may.

    Args:
        method: The control.
    """
    name = type(method).name
    return name not in _OPEN_NONE or METHODS.get(name) is not type(method)
