"""Metrics: a grounding and its ground truth become values with a status, under a named protocol."""

from .protocol import PROTOCOLS, Metric, Protocol, get_protocol
from .statistics import DRAWS, SEED, Cell, Summary, summarise

__all__ = ["DRAWS", "PROTOCOLS", "SEED", "Cell", "Metric", "Protocol", "Summary", "get_protocol", "summarise"]
