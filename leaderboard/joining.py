"""Runs meet the user's own copy of the data: phrases, images and boxes are on no result file."""

from __future__ import annotations

import json
import os
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
from ..evaluation.plan import USERS_OWN, Selection, select_as
from ..evaluation.schema import ConditionInfo, DatasetInfo, ResultFile
from .options import Options

_HOW_TO_SHARE = "start with --secret FILE, the groundcxr-secret that the run was made with"


@dataclass(frozen=True)
class Joined:
    """What the user's copy of the data adds to a run.

    Attributes:
        samples: The run's samples by `sample_id`; empty where the data is not here.
        reason: Why there are none, in one sentence that says what to do; "" where there are.
        selection: The samples with the data set that they are of; None where there are none.
    """

    samples: Mapping[str, Sample] = field(default_factory=dict)
    reason: str = ""
    selection: Selection | None = None


def join(
    data: DatasetInfo,
    roots: Mapping[str, Path],
    pathologies: Iterable[str] = (),
    *,
    secret: Path | None = None,
    condition: ConditionInfo | None = None,
) -> Joined:
    """Find a run's samples in the user's own copy of its data set.

    A copy whose fingerprint differs from the run's is refused: its phrases and boxes would stand beside numbers that
    were not measured on them. So is one whose files name images outside the folder that was given, since no other is
    read; links in it are its owner's and are followed.

    Args:
        data: What a run says of its data.
        roots: Where the user has which data set, by the data set's name; the phantom needs none.
        pathologies: The classes of the run's rows, which tell what a run over a part of the data was over.
        secret: The file that keys the ids of the user's own data, where it is not beside them.
        condition: Under which the run was made: the samples are as they are then.
    """
    try:
        if data.name not in DATASETS.names():
            return Joined(reason=f"no data set {data.name!r} is known here, so its images and phrases cannot be shown")
        root = roots.get(data.name)
        if root is None and data.name != "phantom":
            return Joined(reason=_not_here(data))
        options = {name: value for name, value in data.options.items() if name not in USERS_OWN}
        if data.private_ids:
            # Loading the data would make a secret where there is none, and a page writes nothing.
            found = secret or DATASETS.get(data.name).secret_file(root)
            if found is None:
                return Joined(reason=f"the secret that keys the ids of {data.name} is not there; {_HOW_TO_SHARE}")
            options["secret"] = str(found)
        dataset = _load(data.name, root, data.split, json.dumps(options, sort_keys=True))
    except GroundCXRError as error:
        return Joined(reason=f"the images and phrases of {data.name} cannot be shown: {error}")
    except (TypeError, ValueError) as error:
        # A foreign result may name options that this data set cannot read.
        return Joined(reason=f"{data.name} cannot be loaded with the run's options {data.options}: {error}")
    selection = select_as(dataset, data, pathologies, condition)
    if selection is None:
        place = f"the copy of {data.name} at {root}" if root else f"{data.name} as drawn here"
        other = f"; or its ids are keyed with another secret: {_HOW_TO_SHARE}" if data.private_ids else ""
        return Joined(
            reason=f"{place} (version {dataset.version}) is not the data of this run (version {data.version},"
            f" fingerprint {data.fingerprint[:12]}), so its images and phrases are not shown{other}"
        )
    if root is not None and (outside := _outside(root, selection.samples)):
        return Joined(
            reason=f"the images and phrases of {data.name} are not shown: the leaderboard reads the folders given, and"
            f" {outside[0]}{f' (and {len(outside) - 1:,} more)' if len(outside) > 1 else ''} lies outside {root}; put"
            " it, or a link to it, there"
        )
    return Joined({sample.sample_id: sample for sample in selection.samples}, selection=selection)


def join_run(info: ResultFile, options: Options) -> Joined:
    """The samples of a result, from the copies that the leaderboard was started with.

    Args:
        info: The result.
        options: What it was started with.
    """
    return join(info.dataset, options.data, info.pathologies, secret=options.secret, condition=info.condition)


def _outside(root: Path, samples: Iterable[Sample]) -> list[Path]:
    """Images that are not named below the root, whatever links lie on the way."""
    folder = root.parent if root.is_file() else root
    inside = [Path(os.path.abspath(folder)), folder.resolve()]  # noqa: PTH100  (resolve would follow the image's links)
    paths = dict.fromkeys(Path(os.path.abspath(sample.image_path)) for sample in samples)  # noqa: PTH100
    return [path for path in paths if not any(map(path.is_relative_to, inside))]


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


def _not_here(data: DatasetInfo) -> str:
    why = ", as credentialed data stays with its users" if data.credentialed else ""
    return (
        f"the images and phrases of {data.name} are in no result, and no copy of them was named{why}: maps are shown on"
        f" an empty frame, without the true boxes; start with --data {data.name}=ROOT where you have a copy, or say it"
        f" once: groundcxr config set data.{data.name} ROOT"
    )
