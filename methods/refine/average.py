"""The mean of several methods' heatmaps."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ...core import HEATMAP, Box, Grounding, Heatmap, MethodError, Query
from ...core.map_cells import stretched
from ..base import GroundingMethod
from ..loading import build_method
from ..registry import register_method
from ..wrapping import WrappingMethod, described, name_of, pairs, require_emitted
from .grids import regridded

_CONSTANT = 0.5
"""What a map of one value counts in every cell: it changes no order."""


@dataclass(frozen=True)
class AverageOptions:
    """Whose maps are averaged, and how."""

    methods: tuple[str, ...] = field(
        default=(),
        metadata={"help": "the methods, with commas between them: NAME, FILE.py[:CLASS] or ALIAS=NAME"},
    )
    settings: str = field(
        default="",
        metadata={"help": "their options, with spaces between them: 'NAME.KEY=VALUE', or 'ALIAS.KEY=VALUE'"},
    )
    normalise: Literal["minmax", "rank"] = field(
        default="minmax",
        metadata={"help": "before the mean: a cell's value between the map's extremes, or its rank among all cells"},
    )


@register_method("average")
class Average(WrappingMethod):
    """The mean of several methods' normalised heatmaps, on the finest of their grids, where all have looked.

    Each map is brought to the common grid by the mean of its pixels in each cell, so that nothing is interpolated; then
    it is normalised over that grid: between its extremes, or by rank (ties share theirs, evenly from 0 to 1).
    """

    Options: ClassVar[type[Any]] = AverageOptions
    setting: ClassVar[str] = "NAME.KEY=VALUE"
    emits = frozenset({HEATMAP})

    def __init__(self, options: Any = None) -> None:
        """Build the methods that are asked.

        Raises:
            MethodError: If fewer than two are named, or one that answers without a heatmap.
        """
        super().__init__(options)
        for one in self.asked.values():
            require_emitted(self.name, one, HEATMAP)
        kinds = {one.kind for one in self.asked.values()}
        # A protocol may treat maps of one kind in its own way.
        self.__dict__["kind"] = kinds.pop() if len(kinds) == 1 else "other"

    def build_asked(self) -> Mapping[str, GroundingMethod]:
        """The methods that the options name, nothing loaded yet."""
        named: dict[str, tuple[str, str]] = {}
        for text in self.options.methods:
            alias, _, spec = text.partition("=") if re.match(r"[\w.-]+=", text) else ("", "", text)
            if (alias or spec) in named:
                raise MethodError(f"{self.name} is given {alias or spec!r} twice; write ALIAS=NAME for one of them")
            named[alias or spec] = alias, spec
        if len(named) < 2:
            raise MethodError(f"{self.name} needs the methods whose maps it averages, its option methods=NAME,NAME")
        settings: dict[str, dict[str, str]] = {name: {} for name in named}
        for key, value in pairs(self.options.settings, self.name).items():
            # Names of files have dots too.
            name = max((name for name in named if key.startswith(f"{name}.")), key=len, default=None)
            if name is None:
                raise MethodError(
                    f"the setting {key!r} of {self.name} is of none of its methods; write NAME.KEY=VALUE with NAME one "
                    f"of {', '.join(named)}"
                )
            settings[name][key[len(name) + 1 :]] = value
        asked: dict[str, GroundingMethod] = {}
        for name, (alias, spec) in named.items():
            built = build_method(spec, settings[name])
            # Not the file's path, which may be another on the next machine.
            label = alias or name_of(built)
            if label in asked:
                raise MethodError(f"{self.name} is given {label!r} twice; write ALIAS=NAME for one of them")
            asked[label] = built
        return asked

    def options_dict(self) -> dict[str, Any]:
        """The normalisation, and the methods with all of their options."""
        asked = {label: described(one) for label, one in self.asked.items()}
        return {"normalise": self.options.normalise, "methods": asked}

    def ground_batch(self, queries: Sequence[Query]) -> list[Grounding]:
        """The mean map of each query.

        Raises:
            MethodError: If a method answers one without a map, or two have looked at no common place.
        """
        answers = {spec: self.answers(spec, queries) for spec in self.asked}
        return [self._mean({spec: found[place] for spec, found in answers.items()}) for place in range(len(queries))]

    def _mean(self, answers: Mapping[str, Grounding]) -> Grounding:
        maps: list[Heatmap] = []
        for spec, answer in answers.items():
            if answer.heatmap is None:
                raise MethodError(f"{spec} answered without a map, so there is nothing of it to average")
            maps.append(answer.heatmap)
        extent = _common(maps)
        shape = _finest(maps, extent)
        normalise = _ranked if self.options.normalise == "rank" else _between_extremes
        total = np.sum([normalise(regridded(heatmap, extent, shape)) for heatmap in maps], axis=0)
        truncated = any(answer.truncated for answer in answers.values())
        return Grounding(
            Heatmap((total / len(maps)).astype(np.float32), extent, maps[0].image_size), truncated=truncated
        )


def _common(maps: Sequence[Heatmap]) -> Box:
    """The rectangle that all maps cover.

    Raises:
        MethodError: If there is none.
    """
    edges = np.array([heatmap.extent.as_tuple() for heatmap in maps])
    low, high = edges[:, :2].max(axis=0), edges[:, 2:].min(axis=0)
    if not (low < high).all():
        raise MethodError("the methods have looked at different parts of the image, which share no pixel")
    return Box(low[0], low[1], high[0], high[1])


def _finest(maps: Sequence[Heatmap], extent: Box) -> tuple[int, int]:
    """(rows, columns) on a rectangle such that no cell is larger than those of any map, nor smaller than a pixel."""
    rows = max(heatmap.values.shape[0] / heatmap.extent.height for heatmap in maps) * extent.height
    columns = max(heatmap.values.shape[1] / heatmap.extent.width for heatmap in maps) * extent.width
    # Of the finest map's own extent it is that map's grid, which rounding must not make one finer.
    return min(math.ceil(rows - 1e-6), int(extent.height)), min(math.ceil(columns - 1e-6), int(extent.width))


def _ranked(values: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.stats import rankdata

    if values.min() == values.max():
        return np.full(values.shape, _CONSTANT)
    # Where a cell lies within one of a coarser map, sums of its parts may differ in the last bit: float32 has no such.
    ranks = rankdata(np.float32(values), method="average").reshape(values.shape)
    return (ranks - 1) / (values.size - 1)


def _between_extremes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    unit = stretched(values)
    return np.full(values.shape, _CONSTANT) if unit is None else unit
