"""What intervals and tests of results are over: patients, or images where the data name no patients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .schema import ResultFile


def resampled(infos: Iterable[ResultFile]) -> str:
    """The unit that bootstraps draw and tests flip, in the plural, for captions.

    Args:
        infos: The results that a table shows.
    """
    units = {f"{info.dataset.unit}s" for info in infos}
    return " or ".join(sorted(units, reverse=True))
