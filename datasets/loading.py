"""Data sets by name: what the user asks for is checked, and what fails is told in a sentence."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core import DatasetError, GroundCXRError, unknown_name
from ..core.collecting import collecting_seldom
from ..core.config import Setting
from ..core.errors import said
from ..core.paths import user_path
from .base import Finding, GroundingDataset
from .negatives import NEGATIVES, RELEASED, add_negatives, read_negatives
from .registry import DATASETS
from .roots import configured_root


def load_dataset(
    name: str, root: str | Path | None = None, split: str | None = None, **options: Any
) -> GroundingDataset:
    """Load a split of a data set by name.

    Args:
        name: One of `groundcxr list datasets`: "phantom", "ms-cxr", "manifest", ..., or what a plug-in adds.
        root: Folder or file of the data, ``~`` being the home folder; None for what the user has said once
            (`groundcxr.core.config`). Not needed for the phantom.
        split: None for the data set's own default.
        **options: The data set's own options, such as `group_by` of ms-cxr; and `negatives` of any: how many phrases to
            add for each image about what its labels say that it does not show, or "released" for those of the release.

    Raises:
        UnknownNameError: If there is no such data set, or it has no such option.
        DatasetError: If the files are missing or wrong, negatives cannot be had, or a plug-in's own code fails.
        GroundCXRError: If the root is no possible path.
    """
    dataset = DATASETS.get(name)
    negatives = read_negatives(dataset, options.pop(NEGATIVES, 0))
    if negatives == RELEASED:
        options[NEGATIVES] = RELEASED
    place = configured_root(name) if root is None else None
    with _told(name, dataset, place), collecting_seldom():
        _check_options(name, dataset.load, 2, options)
        folder = _data_root(name, root if place is None else place.path)
        loaded = dataset.load(folder, split or dataset.default_split, **options)
    if not isinstance(loaded, GroundingDataset):
        raise DatasetError(f"the data set {name!r} gave {type(loaded).__name__}; its load must give a GroundingDataset")
    return loaded if negatives in (0, RELEASED) else add_negatives(loaded, negatives)


def check_dataset(name: str, root: str | Path | None = None, **options: Any) -> list[Finding]:
    """Everything that is missing or wrong in a data set's files.

    Args:
        name: As for `load_dataset`.
        root: As for `load_dataset`.
        **options: The options with which it would be loaded.

    Raises:
        UnknownNameError: If there is no such data set, or its check has no such option.
        DatasetError: If the root is neither file nor folder, or a plug-in's own code fails.
        GroundCXRError: If the root is no possible path.
    """
    dataset = DATASETS.get(name)
    read_negatives(dataset, options.pop(NEGATIVES, 0))  # no other file is looked at
    place = configured_root(name) if root is None else None
    with _told(name, dataset, place):
        _check_options(name, dataset.check, 1, options)
        return list(dataset.check(_data_root(name, root if place is None else place.path), **options))


def _data_root(name: str, root: str | Path | None) -> Path | None:
    if root is None:
        return None
    path = user_path(root)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise DatasetError(f"{name}: {path} is neither a file nor a folder; give the place of the data as --root")
    return path


def _check_options(name: str, call: Callable[..., object], before: int, options: Mapping[str, Any]) -> None:
    """Refuse options that are none of a call's parameters but the first ones, which are no options."""
    parameters = list(inspect.signature(call).parameters.values())[before:]
    if any(one.kind is one.VAR_KEYWORD for one in parameters):
        return
    known = list(dict.fromkeys([*(one.name for one in parameters), NEGATIVES]))
    if unknown := [option for option in options if option not in known]:
        raise unknown_name(f"option of the data set {name!r}", unknown[0], known)


@contextmanager
def _told(name: str, dataset: type[GroundingDataset], root: Setting | None) -> Iterator[None]:
    """Failures become a sentence; what the package's own data sets do not foresee stays a traceback, to be mended.

    Args:
        name: The data set's.
        dataset: Its class.
        root: Where the root is from, which no option gave; None otherwise.
    """
    try:
        yield
    except DatasetError as error:
        if root is None:
            raise
        raise DatasetError(f"{error} (the root is {root.place})") from error
    except GroundCXRError:
        raise
    except OSError as error:
        raise DatasetError(f"the files of the data set {name!r} cannot be read: {said(error)}") from error
    except (Exception, SystemExit) as error:
        if dataset.__module__.startswith(f"{__package__}."):
            raise
        raise DatasetError(f"the data set {name!r} failed: {said(error)}") from error
