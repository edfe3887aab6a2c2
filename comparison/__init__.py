"""Results side by side: which are better, by how much, and whether that is more than chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .table import compare

__all__ = ["compare"]


def __getattr__(name: str) -> Any:
    # scipy is loaded where a comparison is asked for.
    if name == "compare":
        from .table import compare

        return compare
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
