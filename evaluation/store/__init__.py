"""The prediction store: what methods have answered, one folder per method state, kept for every later scoring."""

from .digest_cache import Digests, digests
from .predictions import METHOD_FILE, DamagedPredictionsError, PredictionStore, method_folder, sample_keys

__all__ = [
    "METHOD_FILE",
    "DamagedPredictionsError",
    "Digests",
    "PredictionStore",
    "digests",
    "method_folder",
    "sample_keys",
]
