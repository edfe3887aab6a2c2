"""The models that come with the package, all trained on phantoms."""

from __future__ import annotations

from pathlib import Path

from ..core import WeightsError
from .random_weights import random_weights

TRAINED_ON = ("phantom (12,000 images drawn as the train split, whose 4,000 are among them; no box, no mask)",)
LICENCE = "Apache-2.0"

BUNDLED = " (bundled)"
"""What stands behind a bundled model's name where results say what the weights are."""

_FOLDER = Path(__file__).parent / "weights"


def bundled(name: str) -> Path:
    """The folder of a bundled model.

    Raises:
        WeightsError: If the installation lacks it.
    """
    folder = _FOLDER / name
    if not folder.is_dir():
        raise WeightsError(f"the bundled model {name} is not in {_FOLDER}; install groundcxr again")
    return folder


def bundled_seed(method: str, weights: str) -> int | None:
    """The seed of weights that are drawn in place of the bundled ones; None where none are.

    Args:
        method: The method's name, for messages.
        weights: Its option.

    Raises:
        WeightsError: If the option names other weights.
    """
    drawn = random_weights(weights)
    if weights and (drawn is None or drawn.place):
        raise WeightsError(
            f"method {method} has weights that come with the package: weights={weights} must be random:SEED, or left "
            f"out; other weights are for the method {method.removesuffix('-phantom')}"
        )
    return None if drawn is None else drawn.seed


DRAWN_HELP = "empty: the bundled ones; random:SEED draws others of the same architecture"
