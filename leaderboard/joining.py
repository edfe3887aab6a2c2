"""Runs meet the user's own copy of the data: phrases, images and boxes are on no result file."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..core import DatasetError, GroundCXRError, Sample
from ..datasets import DATASETS, GroundingDataset, load_dataset
from ..datasets.phantom.cache import cache_root
from ..datasets.phantom.parameters import DEFAULT
from ..datasets.phantom.request import Request
from ..evaluation.schema import DatasetInfo


@dataclass(frozen=True)
class Joined:
    """What the user's copy of the data adds to a run.

    Attributes:
        samples: The run's samples by `sample_id`; empty where the data is not here.
        reason: Why there are none, in one sentence that says what to do; "" where there are.
    """

    samples: Mapping[str, Sample] = field(default_factory=dict)
    reason: str = ""


def join(data: DatasetInfo, roots: Mapping[str, Path], pathologies: Iterable[str] = ()) -> Joined:
    """Find a run's samples in the user's own copy of its data set.

    A copy whose fingerprint differs from the run's is refused: its phrases and boxes would stand beside numbers that
    were not measured on them.

    Args:
        data: What a run says of its data.
        roots: Where the user has which data set, by the data set's name; the phantom needs none.
        pathologies: The classes of the run's rows, which tell what a run over a part of the data was over.
    """
    try:
        if data.name not in DATASETS.names():
            return Joined(reason=f"no data set {data.name!r} is known here, so its images and phrases cannot be shown")
        root = roots.get(data.name)
        if root is None and data.name != "phantom":
            return Joined(reason=_not_here(data))
        # Where files may lie is the user's to say, not a result's.
        options = {key: value for key, value in data.options.items() if key != "outside"}
        dataset = _load(data.name, root, data.split, json.dumps(options, sort_keys=True))
    except GroundCXRError as error:
        return Joined(reason=f"the images and phrases of {data.name} cannot be shown: {error}")
    except (TypeError, ValueError) as error:
        # A foreign result may name options that this data set cannot read.
        return Joined(reason=f"{data.name} cannot be loaded with the run's options {data.options}: {error}")
    samples = _matching(dataset, data, tuple(dict.fromkeys(pathologies)))
    if samples is None:
        place = f"the copy of {data.name} at {root}" if root else f"{data.name} as drawn here"
        return Joined(
            reason=f"{place} (version {dataset.version}) is not the data of this run (version {data.version},"
            f" fingerprint {data.fingerprint[:12]}), so its images and phrases are not shown"
        )
    return Joined({sample.sample_id: sample for sample in samples})


@lru_cache(maxsize=8)
def _load(name: str, root: Path | None, split: str, options: str) -> GroundingDataset:
    chosen = json.loads(options)
    if name == "phantom":
        _refuse_to_draw_much(root, split, chosen)
    return load_dataset(name, root, split, **chosen)


def _refuse_to_draw_much(root: Path | None, split: str, options: Mapping[str, Any]) -> None:
    """Loading a phantom draws it, and a foreign result may name a million images: no page is to draw those."""
    # Another option than these is refused by the data set itself.
    request = Request.of(split, **{name: options[name] for name in ("seed", "size", "images") if name in options})
    if request.is_small or request.is_drawn(cache_root(root), DEFAULT):
        return
    words = ["evaluate", "--method", "random", "--dataset", "phantom", "--split", split]
    words += ["--root", str(root)] if root else []
    for name, value in (("seed", request.seed), ("size", request.size), ("images", request.images)):
        words += ["--set", f"dataset.{name}={value}"] if value is not None else []
    raise DatasetError(
        "they are not all drawn on this machine, and a page draws no more than the default test split; "
        f"`{shlex.join(words)}` draws them"
    )


@lru_cache(maxsize=64)
def _fingerprint(dataset: GroundingDataset, pathology: str | None, count: int) -> str:
    return dataset.fingerprint(_part(dataset, pathology, count))


def _matching(dataset: GroundingDataset, data: DatasetInfo, pathologies: tuple[str, ...]) -> tuple[Sample, ...] | None:
    """The samples that have the run's fingerprint; None where no part that `evaluate` can select has it."""
    parts: list[str | None] = [None]
    if len(pathologies) == 1:
        parts.append(pathologies[0])
    for pathology in parts:
        if _fingerprint(dataset, pathology, data.n_samples) == data.fingerprint:
            return _part(dataset, pathology, data.n_samples)
    return None


def _part(dataset: GroundingDataset, pathology: str | None, count: int) -> tuple[Sample, ...]:
    return tuple(sample for sample in dataset if pathology in (None, sample.pathology))[:count]


def _not_here(data: DatasetInfo) -> str:
    why = ", as credentialed data stays with its users" if data.credentialed else ""
    return (
        f"the images and phrases of {data.name} are in no result, and no copy of them was named{why}: maps are shown on"
        f" an empty frame, without the true boxes; start with --data {data.name}=ROOT where you have a copy"
    )
