"""The shared evaluator: plan, ground, store, score, result."""

from .entry import Entry, fitting_protocols, make_entry
from .evaluate import evaluate
from .plan import Selection, Shard, select
from .result import Result, load_result
from .result_folders import load_results
from .run import ground_shard, run_entry, score_entry
from .run_settings import Run

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
    "load_results",
    "make_entry",
    "run_entry",
    "score_entry",
    "select",
]
