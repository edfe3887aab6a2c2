"""Metrics: a grounding and its ground truth become values with a status, under a named protocol."""

from .bootstrap import DRAWS, SEED, Cell
from .chosen import Chosen
from .pooled_pixels import PooledPixels
from .protocol import Metric, Protocol
from .ranking import Ranking
from .reduced_cells import Reduced
from .reducers import Reducer, Sums, reducer_of
from .registry import PROTOCOLS, get_protocol, known_protocol
from .statistics import Summary, summarise

__all__ = [
    "DRAWS",
    "PROTOCOLS",
    "SEED",
    "Cell",
    "Chosen",
    "Metric",
    "PooledPixels",
    "Protocol",
    "Ranking",
    "Reduced",
    "Reducer",
    "Summary",
    "Sums",
    "get_protocol",
    "known_protocol",
    "reducer_of",
    "summarise",
]
