"""A run's result: numbers, per-sample rows, and everything that it takes to repeat them; saved and read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from ..core import HEATMAP, GroundCXRError, Grounding, Heatmap, StoreError
from ..core.doubts import Doubt
from ..core.fingerprint import SHORT, digest
from ..core.names import folder_name
from ..core.paths import user_path
from .averages import unit_of
from .columns import parts_columns
from .derived import is_derived
from .invariants import refuse_contradictions, refuse_other_metrics
from .pair import RESULT_FILE, RowsFile, parquet, read_pair, write_pair
from .prediction import Prediction
from .schema import ResultFile

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .plan import Selection


@dataclass(frozen=True, repr=False)
class Result:
    """One method on one data set under one protocol.

    Attributes:
        info: The content of `result.json`.
        samples: One row per sample (`samples.parquet`).
        problems: What went wrong with single samples, by sample id; not saved, since messages may quote paths.
        doubts: What looks wrong in the answers; saved as `notes`, without the examples, which may quote phrases.
        path: The `result.json`, once saved or where it was read.
        store: The folder of the predictions that it was scored from; None for a result that was read.
        selection: The samples that it was scored on; None for a result that was read.
    """

    info: ResultFile
    samples: pd.DataFrame
    problems: Mapping[str, str] = field(default_factory=dict)
    path: Path | None = None
    doubts: tuple[Doubt, ...] = ()
    store: Path | None = field(default=None, compare=False)
    selection: Selection | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        info = self.info
        data = f"{info.dataset.shown} ({info.dataset.split})"
        under = "" if info.condition is None else f", {info.condition.label},"
        failed = f", {info.n_failed} failed" if info.n_failed else ""
        return (
            f"<Result of {info.method.shown} on {data}{under} under {info.protocol.name}: {len(self.samples)} samples"
            f"{failed}>"
        )

    def _repr_html_(self) -> str:
        """The table of the headline metrics, as a notebook shows a result."""
        from .result_html import result_html

        return result_html(self.info)

    def table(self) -> pd.DataFrame:
        """The per-pathology table.

        Returns:
            Columns `pathology` ("macro" and "micro" among them), `metric`, `value`, `low`, `high`, `std`, `n`,
            `derived`: one row for each pathology and metric; `low` and `high` bound the 95 % interval, and `derived`
            says whether the value is of the view (map or boxes) that the method does not give itself.
        """
        groups = {**self.info.pathologies, "macro": self.info.overall.macro, "micro": self.info.overall.micro}
        return pd.DataFrame(
            [
                {
                    "pathology": name,
                    "metric": key,
                    **cells[key].model_dump(),
                    "derived": is_derived(self.info, key),
                }
                for name, cells in groups.items()
                for key in (metric.key for metric in self.info.metrics)
            ]
        )

    def plot(self, metrics: Sequence[str] = ()) -> Figure:
        """The per-pathology table as dots on their 95 % intervals, a panel for each metric.

        Args:
            metrics: Keys of metrics, such as "miou"; the protocol's headline ones by default.

        Returns:
            A matplotlib figure: a notebook shows it, ``figure.savefig("mine.pdf")`` writes it.

        Raises:
            UnknownNameError: If the result does not have one of the metrics.
        """
        from .chart import plot_result

        return plot_result(self.info, metrics)

    def heatmap(self, sample_id: str, store: str | Path | None = None) -> Heatmap:
        """The map that the method answered with for a sample, as it is stored: the protocol has not treated it yet.

        Args:
            sample_id: Of a row of `samples`.
            store: Folder of the predictions; None for the one that `groundcxr config` shows and for the one that
                `evaluate` makes beside its results.

        Raises:
            GroundCXRError: If there is no such sample, or no map of it.
            StoreError: If no predictions of the method are there, or the stored file is damaged.
        """
        from .stored_answers import answered

        label, emits = self.info.method.shown, self.info.method.emits
        answer = answered(label, sample_id, self._answer(sample_id, store), "map")
        if answer.heatmap is None:
            why = "answered without a map for" if HEATMAP in emits else "answers with boxes, so there is no map of"
            raise GroundCXRError(f"{label} {why} sample {sample_id}")
        return answer.heatmap

    def prediction(self, sample_id: str, store: str | Path | None = None) -> Grounding:
        """What the method answered about a sample, map and boxes, as it is stored.

        Args:
            sample_id: Of a row of `samples`.
            store: As of `heatmap`.

        Raises:
            GroundCXRError: If there is no such sample, or the method failed on it.
            StoreError: If no predictions of the method are there, or the stored file is damaged.
        """
        from .stored_answers import answered

        return answered(self.info.method.shown, sample_id, self._answer(sample_id, store), "answer")

    def show(self, sample_id: str, *, root: str | Path | None = None, store: str | Path | None = None) -> Figure:
        """A sample's image with what is true, and beside it with what the method answered.

        Args:
            sample_id: Of a row of `samples`.
            root: Where the data are, of a result that was read; None for what `groundcxr config` shows, and for a data
                set that is drawn.
            store: As of `heatmap`.

        Returns:
            A matplotlib figure: a notebook shows it, ``figure.savefig("one.pdf")`` writes it.

        Raises:
            GroundCXRError: If there is no such sample, or its image or the answer is not here.
        """
        from .sample_picture import draw_sample, sample_of, selection_of

        answer = self._answer(sample_id, store)
        selection = self.selection or selection_of(self.info, None if root is None else user_path(root))
        return draw_sample(selection, sample_of(selection, sample_id), answer, self.info.method.shown)

    def _answer(self, sample_id: str, store: str | Path | None) -> Prediction:
        from .stored_answers import stored_answer

        place = self.store if store is None else user_path(store)
        return stored_answer(self.info, self.samples, sample_id, self.path, place)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over protocol, samples and method: equal for runs that must give the same numbers."""
        info = self.info
        parts = (info.protocol.hash, info.dataset.fingerprint, info.method.fingerprint, info.complete)
        # Which boxes counted is a part only where somebody chose, so that other results keep their folders.
        return digest(*parts) if info.answers is None else digest(*parts, info.answers.model_dump())

    def folder(self, out: Path) -> Path:
        """OUT/DATASET/PROTOCOL/METHOD-FINGERPRINT8, where this result belongs."""
        info = self.info
        method = folder_name(info.method.label, f"-{self.fingerprint[:SHORT]}")
        return out / folder_name(info.dataset.name) / folder_name(info.protocol.name) / method

    def save(self, out: Path) -> Result:
        """Write both files, each whole; an identical run's are replaced.

        Raises:
            StoreError: If the result contradicts itself, or cannot be written.
        """
        refuse_contradictions(self.info, self.samples, "the result")
        folder = self.folder(out)
        path = folder / RESULT_FILE
        write_pair(folder, (self.info.model_dump_json(indent=2) + "\n").encode(), parquet(self.samples))
        return replace(self, info=(saved := load_result(path)).info, samples=saved.samples, path=saved.path)


def load_result(path: Path) -> Result:
    """Read a result and check it against its schema and its own rows.

    Args:
        path: A `result.json`, or the folder that holds it.

    Raises:
        StoreError: If a file is missing, damaged, changed since it was written, or contradicts itself.
    """
    file = path / RESULT_FILE if path.is_dir() else path
    if path.is_dir() and not file.exists():
        raise StoreError(
            f"{path} holds no {RESULT_FILE}; give the folder of one result "
            "(groundcxr.load_results reads all below a folder)"
        )
    info, content = read_pair(file)
    try:
        expected, rows = info.dataset.n_samples - info.dataset.n_skipped, RowsFile(content)
        if rows.n != expected:
            raise StoreError(f"{file} contradicts itself: {rows.n} rows for {expected} samples")
        lists = [name for metric in info.metrics for name in parts_columns(metric.key, metric.reducer)]
        samples = rows.read(lists=lists)
        refuse_contradictions(info, samples, str(file))
        refuse_other_metrics(info, str(file))
    except StoreError:
        raise
    # What Arrow and pandas raise on damaged rows and on damaged words about them is open-ended.
    except Exception as error:
        said = next(iter(str(error).splitlines()), "")
        raise StoreError(f"{file} and its samples do not fit together: {type(error).__name__}: {said}") from error
    dataset = info.dataset.model_copy(update={"unit": unit_of(samples)})
    return Result(info.model_copy(update={"dataset": dataset}), samples, path=file)
