"""What a figure shows: the results that fit together, the user's images, and what the methods answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core import GroundCXRError, Sample, unknown_name
from ..core.alterations import Alteration
from ..core.names import listed, printable
from ..evaluation.derived import DERIVED, DERIVED_SAID, is_derived
from ..evaluation.numbers import digits_of, write_number
from ..evaluation.schema import MetricInfo
from .answered import answered
from .caption import direction_said
from .figure import FigureRow
from .film import Film
from .joining import Joined, join_run
from .library import Library
from .options import Options
from .runs import Run, metrics_of
from .sheet import chosen_runs

_PIXELS = 1200
"""Of an image in a figure, across: a picture of 10 cm has 300 a inch."""


def runs_of_figure(
    library: Library, methods: Sequence[str], samples: Sequence[str], protocol: str | None = None
) -> list[Run]:
    """The runs of methods that have the samples, of one data set and protocol, in the order of the methods.

    Where several settings fit, the first one counts, as in the leaderboard.

    Args:
        library: All results.
        methods: What tables call them, or their aliases; none for all.
        samples: Ids of samples; none to leave that open.
        protocol: A protocol's name; None for the first that fits.

    Raises:
        GroundCXRError: If no setting has all of them, or a method's name is that of several runs.
    """
    names = sorted({run.setting.protocol for run in library.runs})
    if protocol is not None and protocol not in names:
        raise unknown_name("protocol of these results", protocol, names)
    missing: list[str] = []
    for setting in library.settings():
        if protocol not in (None, setting.protocol):
            continue
        mine = library.of(setting)
        try:
            found = [_only(name, chosen_runs(mine, [name])) for name in dict.fromkeys(methods)] or list(mine)
        except GroundCXRError as error:
            missing.append(str(error))
            continue
        ids = set(found[0].samples(["sample_id"])["sample_id"])
        if absent := [one for one in samples if one not in ids]:
            where = f"{setting.dataset} {setting.version} ({setting.split})"
            missing.append(
                f"there is no sample {printable(absent[0])} in {where}; an id is 16 digits, which Compare and "
                "samples.parquet tell"
            )
            continue
        return found
    # The setting that came farthest says best what is wrong.
    raise GroundCXRError(next((one for one in missing if "no sample" in one), missing[0]))


def _only(name: str, found: Sequence[Run]) -> Run:
    exact = [run for run in found if run.label == name]
    if len(exact or found) > 1:
        raise GroundCXRError(
            f"'{printable(name)}' is the name of several results: {listed([run.label for run in found])}; give "
            "one of these"
        )
    return (exact or found)[0]


def joined_for(run: Run, options: Options) -> Joined:
    """The user's images and phrases of a run.

    Raises:
        GroundCXRError: If they are not here.
    """
    joined = join_run(run.info, options)
    if joined.reason:
        raise GroundCXRError(f"a figure shows images: {joined.reason}")
    return joined


def figure_rows(
    runs: Sequence[Run], samples: Sequence[str], joined: Joined, metric: str | None = None
) -> list[FigureRow]:
    """The rows of a figure.

    Args:
        runs: The methods, of one setting.
        samples: Ids of samples that the runs have.
        joined: The user's copy of the data.
        metric: The key or label of a metric whose values stand below the pictures.

    Raises:
        GroundCXRError: If an image cannot be read, or no method has the metric.
    """
    key = None if metric is None else metric_key(runs, metric)
    shown = next((found for run in runs if key and (found := run.metric(key))), None)
    chosen = [joined.samples[sample_id] for sample_id in samples]
    answers = {run: {one: answered(run, one, joined) for one in samples} for run in runs}
    values = {run: _values(run, shown) for run in runs}
    return [
        FigureRow(
            sample,
            _film(runs[0], sample),
            {run.label: answers[run][sample.sample_id] for run in runs},
            {} if shown is None else {run.label: values[run].get(sample.sample_id, "") for run in runs},
        )
        for sample in chosen
    ]


def values_said(runs: Sequence[Run], metric: str) -> str:
    """What the values below the pictures are.

    Args:
        runs: The methods.
        metric: The key or label of the metric.

    Raises:
        GroundCXRError: If no method has the metric.
    """
    key = metric_key(runs, metric)
    shown = next(found for run in runs if (found := run.metric(key)) is not None)
    said = f"Below a picture: {shown.label} of the sample alone. {direction_said(shown)}"
    return f"{said} {DERIVED_SAID}" if any(is_derived(run.info, key) for run in runs) else said


def refuse_empty_columns(rows: Sequence[FigureRow]) -> None:
    """Refuse a figure in which a method has no picture at all.

    Raises:
        GroundCXRError: If there is such a method; it says why.
    """
    for name in rows[0].answers:
        answers = [row.answers[name] for row in rows]
        reasons = [answer for answer in answers if isinstance(answer, str)]
        if len(reasons) == len(answers):
            raise GroundCXRError(f"{printable(name)} cannot be drawn: {reasons[0]}")


def _film(run: Run, sample: Sample) -> Film:
    condition = run.info.condition
    altered = None if condition is None else Alteration.condition(condition.label)
    return Film.open(sample.image_path, min(_PIXELS, sample.image_size[0]), altered)


def metric_key(runs: Sequence[Run], asked: str | None) -> str:
    """The key of a metric that runs have.

    Args:
        runs: The runs.
        asked: Its key or its label, in any case; None for the first headline metric.

    Raises:
        UnknownNameError: If no run has it.
    """
    known = metrics_of(runs)
    if asked is None:
        return next((metric for metric in known if metric.headline), known[0]).key
    for metric in known:
        if asked.casefold() in (metric.key.casefold(), metric.label.casefold()):
            return metric.key
    raise unknown_name("metric of these results", asked, sorted(metric.key for metric in known))


def _values(run: Run, metric: MetricInfo | None) -> Mapping[str, str]:
    if metric is None or run.metric(metric.key) is None:
        return {}
    rows = run.samples(["sample_id", metric.key])
    mark = DERIVED if is_derived(run.info, metric.key) else ""
    return {
        str(sample_id): f"{metric.label} {write_number(float(value), digits_of(metric))}{mark}"
        for sample_id, value in zip(rows["sample_id"], rows[metric.key], strict=True)
        if value == value
    }
