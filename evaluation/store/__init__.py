"""The prediction store: what methods have answered, one folder per method state, kept for every later scoring."""

from .batch_file import DamagedPredictionsError
from .digest_cache import Digests, digests
from .elsewhere import StoredElsewhere
from .grounding import Pace
from .predictions import PredictionStore
from .stored import METHOD_FILE, StoredPredictions, method_folder
from .words import sample_keys

__all__ = [
    "METHOD_FILE",
    "DamagedPredictionsError",
    "Digests",
    "Pace",
    "PredictionStore",
    "StoredElsewhere",
    "StoredPredictions",
    "digests",
    "method_folder",
    "sample_keys",
]
