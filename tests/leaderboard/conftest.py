"""Made-up results on disk, as `evaluate` writes them, without images or methods."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from groundcxr.core.fingerprint import digest
from groundcxr.evaluation.make_result import make_result
from groundcxr.evaluation.result import Result
from groundcxr.evaluation.schema import DatasetInfo, MethodInfo, RunInfo
from groundcxr.leaderboard.library import Library
from groundcxr.metrics import get_protocol

PATHOLOGIES = ("Edema", "Pneumonia")


def rows_of(metrics, values: dict[str, np.ndarray], *, n: int, keep, columns) -> pd.DataFrame:
    """Rows of `n` samples: two of each patient, the pathologies in turn."""
    table = {
        "sample_id": [f"{digest('sample', i)[:16]}" for i in range(n)],
        "patient_key": [f"{digest('patient', i // 2)[:16]}" for i in range(n)],
        "image_key": [f"{digest('image', i // 2)[:16]}" for i in range(n)],
        "pathology": [PATHOLOGIES[i % 2] for i in range(n)],
        "box_area": np.linspace(0.005, 0.5, n),
        "n_boxes": np.arange(n, dtype=np.int32) % 4 + 1,
        "side": [("left", "right", None)[i % 3] for i in range(n)],
        "zone": [("upper", "lower")[i // 2 % 2] for i in range(n)],
        "truncated": np.zeros(n, dtype=bool),
        "seconds": np.full(n, 0.25),
        "error": [None] * n,
        **columns,
    }
    for metric in metrics:
        column = np.asarray(values.get(metric.key, np.full(n, 0.5)), dtype=np.float64)
        table[metric.key] = column
        table[f"{metric.key}_status"] = np.where(np.isnan(column), "empty_target", "ok")
    frame = pd.DataFrame(table)
    for name in ("sample_id", "patient_key", "image_key", "pathology", "side", "zone", "error"):
        frame[name] = frame[name].astype("string")
    return frame[np.asarray(keep)].reset_index(drop=True)


@pytest.fixture
def save_run(tmp_path):
    """Writes a result of protocol v1 under `results/`: `save_run("mine", {"box_iou": values})`.

    Options: `n` samples (by default as many as values), `emits`, `kind`, `citation`, `complete`, `dataset` (its name),
    `protocol`, `keep` (a mask of the samples that have a row), `columns` (of the samples, by name), `out`; `data` and
    `method` (what the result says of its data set and its method, by field), `condition`, `supervision`. Returns the
    saved `Result`.
    """

    def save(
        label="mine",
        values=None,
        *,
        n=None,
        emits=("box",),
        kind="other",
        control=None,
        citation="",
        complete=True,
        dataset="made-up",
        protocol="v1",
        keep=None,
        columns=None,
        out=None,
        created="2026-11-20T10:00:00+00:00",
        dataset_citation="",
        data=None,
        method=None,
        condition=None,
        supervision=None,
    ) -> Result:
        values = values or {}
        n = n or len(next(iter(values.values()), range(12)))
        chosen = get_protocol(protocol)
        mask = np.ones(n, bool) if keep is None else keep
        frame = rows_of(chosen.metrics_for(set(emits)), values, n=n, keep=mask, columns=columns or {})
        result = make_result(
            samples=frame,
            problems=frame.dropna(subset="error").set_index("sample_id")["error"].to_dict(),
            protocol=chosen,
            pathologies=PATHOLOGIES,
            dataset=DatasetInfo(
                name=dataset,
                version="2.0",
                split="test",
                fingerprint=digest(dataset, n, complete),
                n_samples=n,
                n_skipped=n - len(frame),
                n_warnings=0,
                options={},
                licence="none",
                citation=dataset_citation,
                credentialed=True,
            ).model_copy(update=data or {}),
            method=MethodInfo(
                name=label,
                label=label,
                kind=kind,
                emits=sorted(emits),
                control=kind == "control" if control is None else control,
                revision="1",
                weights=None,
                weights_fingerprint="none",
                options={},
                fingerprint=digest(label),
                trained_on=[],
                licence="none",
                citation=citation,
                note="",
            ).model_copy(update=method or {}),
            run=RunInfo(
                device="cpu",
                batch_size=1,
                seconds=0.25 * n,
                peak_memory_mb={"host": 100.0},
                created=created,
                packages={"python": "3.11"},
                git=None,
            ),
            complete=complete,
            condition=condition,
            supervision=supervision,
        )
        return result.save(out or tmp_path / "results")

    return save


@pytest.fixture
def scan(tmp_path):
    """Scans `results/`, or the folders given."""

    def scan(*folders, store=None) -> Library:
        return Library.scan(folders or [tmp_path / "results"], store)

    return scan


@pytest.fixture
def three(save_run, scan):
    """Three methods of 40 samples: `good`, `twin` (as good, by other samples), `poor`; as an object of runs."""
    rng = np.random.default_rng(0)
    good = rng.uniform(0.5, 0.9, 40)
    save_run("good", {"box_iou": good})
    save_run("twin", {"box_iou": np.clip(good + rng.normal(-0.004, 0.05, 40), 0, 1)})
    save_run("poor", {"box_iou": good - 0.3})
    runs = {run.label: run for run in scan().runs}
    return SimpleNamespace(**runs)
