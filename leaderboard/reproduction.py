"""The command that makes a run again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from ..core import GroundCXRError
from ..evaluation.schema import ResultFile
from ..methods import METHODS

_LOCAL = "local copy "


def command(info: ResultFile) -> str:
    """The command line that makes a result again.

    What a result does not tell, since it may be published, stands in capital letters: METHOD.py for the file of a
    method that is none of this package, ROOT for the data's folder, DIR for a local copy of weights.

    Args:
        info: The result.
    """
    method, data = info.method, info.dataset
    named = method.name in METHODS.names()
    spec = method.name if named else f"METHOD.py:{method.name}"
    words = ["evaluate", "--method", spec if method.label == method.name else f"{method.label}={spec}"]
    settings = {f"{method.label}.{key}": value for key, value in method.options.items()}
    if (weights := _weights(info, named)) is not None:
        settings[f"{method.label}.weights"] = weights
    settings |= {f"dataset.{key}": value for key, value in data.options.items()}
    words += [word for key, value in _given(settings).items() for word in ("--set", f"{key}={value}")]
    words += ["--dataset", data.name]
    if data.name != "phantom":
        words += ["--root", "ROOT"]
    words += ["--split", data.split]
    if not info.complete:
        pathologies = list(info.pathologies)
        words += ["--pathology", pathologies[0]] if len(pathologies) == 1 else []
        words += ["--limit", str(data.n_samples)]
    words += ["--protocol", info.protocol.name, "--batch-size", str(info.run.batch_size)]
    return shlex.join(words)


def _given(settings: Mapping[str, Any]) -> dict[str, str]:
    """Options as the command line takes them; what is not set is left out."""
    return {
        key: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in settings.items()
        if value is not None and value != ""
    }


def _weights(info: ResultFile, named: bool) -> str | None:
    """The weights, where the method would not take them by itself."""
    weights = info.method.weights
    if weights is None:
        return None
    if weights.startswith(_LOCAL):
        return "DIR"
    try:
        return weights if named and METHODS.get(info.method.name)().weights_id() != weights else None
    except GroundCXRError:
        return weights
