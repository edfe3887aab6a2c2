"""Made-up results, in memory, of a protocol that has a mean, a ratio of sums and the best of two thresholds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from groundcxr.core.fingerprint import digest
from groundcxr.evaluation.make_result import make_result
from groundcxr.evaluation.result import Result
from groundcxr.evaluation.schema import DatasetInfo, MethodInfo, RunInfo
from groundcxr.metrics import Metric, Sums
from groundcxr.metrics.v1 import V1

PATHOLOGIES = ("Edema", "Pneumonia")


class Pooled(V1):
    name = "pooled"
    metrics = (
        Metric("box_iou", "Box IoU", "box", 0, 1, headline=True),
        Metric("pixels", "Pixels", "box", 0, 1, headline=True, reducer=Sums()),
        Metric("best", "Best", "box", 0, 1, reducer=Sums("best", (0.3, 0.5))),
        Metric("cnr", "CNR", "heatmap", headline=True),
    )


@pytest.fixture
def made():
    """Makes a `Result`: `made("mine", values)`; the samples' values are means, and weighted by 1, 2, 3, ... ratios.

    Options: `emits`, `dataset`, `protocol` (a class), `complete`, `weights` (of the ratio), `options` (the method's).
    """

    def make(
        label="mine", values=None, *, emits=("box",), dataset="made-up", protocol=Pooled, complete=True, weights=None,
        options=None, kind="other",
    ) -> Result:  # fmt: skip
        values = np.linspace(0.2, 0.8, 12) if values is None else np.asarray(values, dtype=float)
        n = len(values)
        weights = np.arange(1.0, n + 1) if weights is None else weights
        frame = pd.DataFrame(
            {
                "sample_id": [digest("sample", i)[:16] for i in range(n)],
                "patient_key": [digest("patient", i // 2)[:16] for i in range(n)],
                "image_key": [digest("image", i // 2)[:16] for i in range(n)],
                "pathology": [PATHOLOGIES[i % 2] for i in range(n)],
                "box_area": np.linspace(0.005, 0.5, n),
                "n_boxes": np.arange(n) % 2 + 1,
                "side": None,
                "zone": None,
                "truncated": False,
                "seconds": 0.25,
                "error": None,
            }
        )
        left_out = np.isnan(values)
        for metric in protocol().metrics_for(set(emits)):
            frame[metric.key] = values
            frame[f"{metric.key}_status"] = np.where(left_out, "empty_target", "ok")
        if "box" in emits and protocol is Pooled:
            kept = [None if np.isnan(value) else (value, weight) for value, weight in zip(values, weights, strict=True)]
            frame["pixels_sums"] = [None if one is None else [one[0] * one[1]] for one in kept]
            frame["pixels_weights"] = [None if one is None else [one[1]] for one in kept]
            frame["best_sums"] = [None if one is None else [one[0], 1 - one[0]] for one in kept]
            frame["best_weights"] = [None if one is None else [1.0, 1.0] for one in kept]
        for name in ("sample_id", "patient_key", "image_key", "pathology", "side", "zone", "error"):
            frame[name] = frame[name].astype("string")
        return make_result(
            samples=frame,
            problems={},
            protocol=protocol(),
            pathologies=PATHOLOGIES,
            dataset=DatasetInfo(
                name=dataset, version="2.0", split="test", fingerprint=digest(dataset, n, complete), n_samples=n,
                n_skipped=0, n_warnings=0, options={}, licence="none", citation="", credentialed=True,
            ),
            method=MethodInfo(
                name=label, label=label, kind=kind, emits=sorted(emits), control=kind == "control", revision="1",
                weights=None, weights_fingerprint="none", options=options or {}, fingerprint=digest(label, options),
                trained_on=[], licence="none", citation="", note="",
            ),
            run=RunInfo(
                device="cpu", batch_size=1, seconds=3.0, peak_memory_mb={}, created="2026-11-20T10:00:00+00:00",
                packages={}, git=None,
            ),
            complete=complete,
        )  # fmt: skip

    return make
