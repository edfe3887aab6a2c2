"""What data sets and protocols are called where one chooses among them, and in addresses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..comparison.setting import Setting
from ..core import DEFAULT_PROTOCOL
from ..core.names import one_line
from ..core.sizes import counted
from ..evaluation.schema import DatasetInfo
from .runs import Run

Data = tuple[str, str, str, str, bool, int, str]
"""What is equal for settings of the same samples, under whatever protocol."""


def in_order(runs: Iterable[Run]) -> tuple[Setting, ...]:
    """The settings of some runs, those first that most is to be seen of.

    Complete ones before parts, samples as they are before those under a condition; then by how many methods and samples
    a data set has, then by name. Of one data set the default protocol is the first.
    """
    of: dict[Data, set[str]] = {}
    settings: set[Setting] = set()
    for run in runs:
        settings.add(run.setting)
        of.setdefault(data_of(run.setting), set()).add(run.info.method.fingerprint)

    def key(setting: Setting) -> tuple[object, ...]:
        data = data_of(setting)
        most = -len(of[data]), -setting.n_samples
        return not setting.complete, bool(setting.condition), *most, data, setting.protocol != DEFAULT_PROTOCOL, setting

    return tuple(sorted(settings, key=key))


def data_names(runs: Sequence[Run]) -> dict[Setting, str]:
    """What each setting's data are called: by the user's own label, where there is one.

    Data sets that are otherwise of one name are told apart by the options in which they differ, by how many samples
    they have, and at last by their fingerprint.
    """
    infos: dict[Data, DatasetInfo] = {}
    # The label that was given last is the one meant.
    for run in sorted(runs, key=lambda run: (bool(run.info.dataset.label), run.info.run.created)):
        infos[data_of(run.setting)] = run.info.dataset
    names: dict[Data, str] = {}
    alike: dict[str, list[Data]] = {}
    for data, info in infos.items():
        alike.setdefault(_name(data, info), []).append(data)
    for name, several in alike.items():
        differing = [_differing(infos[data], [infos[other] for other in several]) for data in several]
        for data, parts in zip(several, differing, strict=True):
            alone = differing.count(parts) == 1
            names[data] = ", ".join([name, *parts]) + ("" if alone or len(several) == 1 else f" {data[3][:8]}")
    return {run.setting: names[data_of(run.setting)] for run in runs}


def protocol_titles(settings: Sequence[Setting]) -> dict[Setting, str]:
    """What the protocols of settings of one data set are called."""
    titles = {setting: setting.protocol for setting in settings}
    if len(set(titles.values())) == len(titles):
        return titles
    return {one: f"{one.protocol} version {one.protocol_version} ({one.protocol_hash[:8]})" for one in settings}


def data_of(setting: Setting) -> Data:
    """The part of a setting that is about the samples."""
    s = setting
    return s.dataset, s.version, s.split, s.fingerprint, s.complete, s.n_samples, s.condition


def titled(info: DatasetInfo) -> str:
    """A data set as a headline has it: the user's own label, or its name and version."""
    return one_line(info.shown)


def _name(one: Data, info: DatasetInfo) -> str:
    _, _, split, _, complete, count, condition = one
    under = f", {condition}" if condition else ""
    part = "" if complete else f", {counted(count, 'sample')} only"
    return f"{titled(info)} ({split}){under}{part}"


def _differing(info: DatasetInfo, others: Sequence[DatasetInfo]) -> tuple[str, ...]:
    """In what a data set differs from others of its name."""
    keys = dict.fromkeys(key for other in others for key in other.options)
    options = [
        f"{key} {_written(info.options.get(key))}"
        for key in keys
        if len({_written(other.options.get(key)) for other in others}) > 1
    ]
    sizes = {other.n_samples for other in others}
    return (*options, *([f"{info.n_samples:,} samples"] if len(sizes) > 1 else []))


def _written(value: object) -> str:
    return "not set" if value is None else one_line(str(value))
