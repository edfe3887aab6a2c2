"""What is said below the choices: what the numbers are of, what could not be used, and why there is nothing."""

from __future__ import annotations

from collections.abc import Sequence

from ...comparison.setting import Setting
from ...core.sizes import counted
from ...evaluation.schema import MetricInfo
from ..caption import PHANTOMS_SAID
from ..data_columns import PHANTOM
from ..library import Library
from ..overview_rows import identity
from ..runs import Run
from ..words import protocol_card
from .markup import element, put, text


def say_about(
    setting: Setting, everyone: Sequence[Run], runs: Sequence[Run], metric: MetricInfo, *, all_data: bool
) -> None:
    """What the numbers of a page are of, with what warns of them."""
    # One method has a run on each data set.
    everybody, left = ({identity(run.info) if all_data else run.id for run in some} for some in (everyone, runs))
    methods = counted(len(everybody), "method")
    shown = methods if len(left) == len(everybody) else f"{len(left)} of {methods}"
    without = list(dict.fromkeys(run.label for run in runs if run.metric(metric.key) is None))
    settings = {run.setting for run in everyone}
    data = f"{len(settings)} data sets" if len(settings) > 1 else f"{setting.n_samples:,} samples"
    parts = [
        data,
        f"{shown}, without {metric.label}: {', '.join(without)}" if without else shown,
        f"protocol hash {setting.protocol_hash[:12]}",
        f"{metric.label}: {'higher' if metric.higher_is_better else 'lower'} is better",
    ]
    parts += [] if all_data else [f"licence: {everyone[0].info.dataset.licence}"]
    warning = ""
    if not setting.complete and not all_data:
        warning = "Not the whole split: nothing is ranked."
    elif PHANTOM in {one.dataset for one in settings}:
        warning = PHANTOMS_SAID
    marked = element("strong", text(warning)) + " " if warning else ""
    card = protocol_card(setting.protocol)
    link = f' · <a href="{text(card)}">what protocol {text(setting.protocol)} measures</a>' if card else ""
    put(element("p", marked + text(" · ".join(parts)) + link, "gx-about"))


def say_problems(library: Library) -> None:
    """What in the result folders could not be used, folded away."""
    if not library.problems:
        return
    count = len(library.problems)
    things = "1 thing in the result folders is" if count == 1 else f"{count} things in the result folders are"
    summary = (
        f"{things} left out, since it cannot be used" if count == 1 else f"{things} left out, since they cannot be used"
    )
    listed = "".join(element("li", text(problem)) for problem in library.problems)
    put(f'<details class="gx-problems"><summary>{text(summary)}</summary><ul>{listed}</ul></details>')


def say_nothing(title: str, html: str) -> None:
    """Why there is nothing to show, and what to do."""
    put(element("div", element("h2", text(title), "gx-h2") + element("p", html), "gx-nothing"))
