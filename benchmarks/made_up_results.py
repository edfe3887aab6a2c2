"""Made-up results on disk, as `evaluate` writes them, for the benchmarks of the leaderboard."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd


def write_alike(out: Path, count: int) -> int:
    """Results of `count` methods on the phantom's test split under the default protocol, as wide as real ones.

    Each has the rows of `center-prior` with noise on every value and every curve; every fifth is a control.

    Returns:
        How many samples they have.
    """
    from groundcxr import evaluate
    from groundcxr.core import DEFAULT_PROTOCOL
    from groundcxr.core.fingerprint import digest
    from groundcxr.evaluation.make_result import make_result
    from groundcxr.metrics import get_protocol

    base = evaluate("center-prior", "phantom", out=out / "base")
    protocol, rng = get_protocol(DEFAULT_PROTOCOL), np.random.default_rng(0)
    for number in range(count):
        rows = base.samples.copy()
        for metric in base.info.metrics:
            if metric.reducer is None:
                moved = rows[metric.key] + 0.01 * number + rng.normal(0, 0.1, len(rows))
                rows[metric.key] = moved.clip(metric.low, metric.high)
            elif metric.reducer.kind == "sums":
                curves = rows[f"{metric.key}_sums"].map(lambda one: np.array(one) + rng.normal(0, 0.1, len(one)))
                rows[f"{metric.key}_sums"] = curves.map(lambda one: (one + 0.01 * number).clip(0, 1).tolist())  # noqa: B023
        name = f"method-{number:02d}"
        own = {"name": name, "label": name, "kind": "other", "control": number % 5 == 0, "fingerprint": digest(name)}
        method = base.info.method.model_copy(update=own)
        make_result(
            samples=rows, problems={}, protocol=protocol, pathologies=list(base.info.pathologies),
            dataset=base.info.dataset, method=method, run=base.info.run, complete=True,
        ).save(out / "results")  # fmt: skip
    return len(base.samples)


def write_results(out: Path, count: int, n: int, of: str = "made-up") -> None:
    """Results of `count` methods that differ by a little on `n` samples of `n / 2` patients, under v1."""
    from groundcxr.core.fingerprint import digest
    from groundcxr.datasets.phantom.parameters import PATHOLOGIES
    from groundcxr.evaluation.make_result import make_result
    from groundcxr.evaluation.schema import DatasetInfo, MethodInfo, RunInfo
    from groundcxr.metrics import get_protocol

    protocol = get_protocol("v1")
    rng = np.random.default_rng(zlib.crc32(of.encode()))
    patients = rng.integers(n // 2, size=n)
    ease = rng.normal(0, 0.15, n)
    described = {
        "sample_id": text(digest("sample", i)[:16] for i in range(n)),
        "patient_key": text(digest("patient", i)[:16] for i in patients.tolist()),
        "image_key": text(digest("image", i)[:16] for i in patients.tolist()),
        "pathology": text(PATHOLOGIES[i] for i in rng.integers(len(PATHOLOGIES), size=n)),
        "box_area": rng.beta(1, 12, n),
        "n_boxes": rng.integers(1, 4, n, dtype=np.int32),
        "side": text(("left", "right", "bilateral")[i] for i in rng.integers(3, size=n)),
        "zone": text(("upper", "mid", "lower")[i] for i in rng.integers(3, size=n)),
        "truncated": np.zeros(n, dtype=bool),
        "seconds": np.full(n, 0.02),
        "error": text([None] * n),
    }
    dataset = DatasetInfo(
        name=of, version="1", split="test", fingerprint=digest(of), n_samples=n, n_skipped=0,
        n_warnings=0, options={}, licence="none", citation="", credentialed=True,
    )  # fmt: skip
    run = RunInfo(
        device="cpu", batch_size=16, seconds=400, peak_memory_mb={}, created="2026-11-24T00:00:00+00:00", packages={},
        git=None,
    )  # fmt: skip
    for number in range(count):
        skill = 0.1 + 0.3 * number / count
        rows = pd.DataFrame(described)
        for metric in protocol.metrics_for({"heatmap"}):
            rows[metric.key] = np.clip(skill + ease + rng.normal(0, 0.1, n), 0, 1)
            rows[f"{metric.key}_status"] = pd.Categorical.from_codes(np.zeros(n, dtype=np.int8), ["ok"])
        name = f"method-{number:02d}"
        method = MethodInfo(
            name=name, label=name, kind="other", emits=["heatmap"], control=False, revision="1", weights=None,
            weights_fingerprint="none", options={}, fingerprint=digest(name), trained_on=[], licence="none",
            citation="", note="",
        )  # fmt: skip
        make_result(
            samples=rows, problems={}, protocol=protocol, pathologies=PATHOLOGIES, dataset=dataset, method=method,
            run=run, complete=True,
        ).save(out)  # fmt: skip


def text(values: Any) -> pd.Series:
    """A column of strings."""
    return pd.Series(list(values), dtype="string")
