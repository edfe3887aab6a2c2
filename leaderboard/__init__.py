"""The leaderboard: results found, compared, shown in a browser and written out. Imports no deep-learning library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .overview import across_datasets

__all__ = ["across_datasets"]


def __getattr__(name: str) -> Any:
    # pandas and scipy are loaded where a table is asked for.
    if name == "across_datasets":
        from .overview import across_datasets

        return across_datasets
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
