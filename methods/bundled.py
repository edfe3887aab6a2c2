"""The models that come with the package, all trained on phantoms."""

from __future__ import annotations

from pathlib import Path

from ..core import WeightsError

TRAINED_ON = ("phantom (12,000 images drawn as the train split, whose 4,000 are among them; no box, no mask)",)
LICENCE = "Apache-2.0"

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
