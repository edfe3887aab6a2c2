"""The shared evaluator: plan, ground, store, score, result."""

from .entry import Entry, fitting_protocols, make_entry
from .evaluate import Run, evaluate, ground_shard, run_entry, score_entry
from .plan import Selection, Shard, select
from .result import Result, load_result

__all__ = [
    "Entry",
    "Result",
    "Run",
    "Selection",
    "Shard",
    "evaluate",
    "fitting_protocols",
    "ground_shard",
    "load_result",
    "make_entry",
    "run_entry",
    "score_entry",
    "select",
]
