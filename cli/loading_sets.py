"""Loading the data sets of a command: one that cannot be had does not take the others along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core import GroundCXRError
from .data_sets import Wanted, dataset_options
from .streams import tell

if TYPE_CHECKING:
    from ..datasets import GroundingDataset
    from ..evaluation import Selection


def select_sets(
    sets: Sequence[Wanted], secret: Path | None, pathology: str | None, limit: int | None
) -> tuple[dict[str, Selection], list[GroundCXRError]]:
    """Load data sets and choose samples.

    Args:
        sets: The data sets of a run.
        secret: The file that keys the ids of the user's own data, for those that take one.
        pathology: Only this class.
        limit: Only so many samples of each.

    Returns:
        The samples by label, and one error for each data set that cannot be run on.

    Raises:
        GroundCXRError: If it is the only one; or if none takes a secret and one is given.
    """
    from ..datasets import DATASETS
    from ..evaluation import select

    known = DATASETS.names()
    keyed = {one.label for one in sets if one.name in known and DATASETS.get(one.name).private_ids}
    if secret is not None and not keyed and all(one.name in known for one in sets):
        raise GroundCXRError(_no_secret(" and ".join(one.name for one in sets)))
    found: dict[str, Selection] = {}
    errors: list[GroundCXRError] = []
    for one in sets:
        try:
            dataset = _load(one, secret if one.label in keyed else None, several=len(sets) > 1)
            found[one.label] = select(dataset, pathology=pathology, limit=limit)
        except GroundCXRError as error:
            if len(sets) == 1:
                raise
            errors.append(GroundCXRError(f"the data set {one.label} could not be run on: {error}"))
    return found, errors


def under_each(selections: Mapping[str, Selection], conditions: Sequence[str]) -> dict[str, Selection]:
    """The samples of each data set under each condition; as they are where there is none.

    Args:
        selections: The samples by label.
        conditions: What --condition gives.

    Raises:
        GroundCXRError: If one is unknown, or given twice.
    """
    from ..core.alterations import Alteration

    chosen = [Alteration.condition(text) for text in conditions]
    for place, one in enumerate(chosen):
        if one in chosen[:place]:
            raise GroundCXRError(f"the condition {one} is given twice; leave one of them out")
    if not chosen:
        return dict(selections)
    return {
        f"{label} ({one})" if len(chosen) > 1 else label: selection.under(one)
        for label, selection in selections.items()
        for one in chosen
    }


def open_dataset(
    name: str, root: Path | None, split: str | None, settings: Sequence[str], secret: Path | None
) -> GroundingDataset:
    """The one data set of a command.

    Raises:
        GroundCXRError: If it cannot be loaded, or takes no secret and one is given.
    """
    from ..datasets import DATASETS

    options = dataset_options(settings, [name])[name]
    if secret is not None and not DATASETS.get(name).private_ids:
        raise GroundCXRError(_no_secret(name))
    return _load(Wanted(name, name, root, split, options), secret, several=False)


def _load(one: Wanted, secret: Path | None, *, several: bool) -> GroundingDataset:
    """Load a data set; its warnings go to stderr."""
    from ..datasets import load_dataset

    options: Mapping[str, Any] = one.options if secret is None else {**one.options, "secret": secret}
    dataset = load_dataset(one.name, one.root, one.split, **options)
    for warning in dataset.warnings:
        tell(f"warning: {one.label}: {warning}" if several else f"warning: {warning}")
    return dataset


def _no_secret(names: str) -> str:
    return f"the ids of {names} are keyed with no secret; leave --secret out"
