"""Two results value by value, and what the leaderboard makes of a reproduction beside a result."""

import hashlib
import json

import numpy as np
import pytest

from groundcxr.core.fingerprint import digest
from groundcxr.evaluation import load_result
from groundcxr.evaluation.reproduction.record import ReproductionFile, write_reproduction
from groundcxr.evaluation.reproduction.values import compare

VALUES = np.linspace(0.1, 0.9, 12)


def changed(by, at=3):
    values = VALUES.copy()
    values[at] += by
    return {"box_iou": values}


@pytest.fixture
def compared(save_run, tmp_path):
    """Compares a run of `VALUES` with another: `compared(values, **options of save_run)`."""

    def call(values, **options):
        return compare(save_run("mine", {"box_iou": VALUES}), save_run("mine", values, out=tmp_path / "b", **options))

    return call


@pytest.mark.parametrize(
    ("by", "verdict"), [(0, "identical"), (1e-12, "within 1e-5"), (9e-6, "within 1e-5"), (2e-5, "different")]
)
def test_the_largest_difference_decides(compared, by, verdict):
    found = compared(changed(by))
    assert found.verdict == verdict
    if by:
        (one,) = found.values
        assert (one.metric, one.n, one.sample_id) == ("box_iou", 1, digest("sample", 3)[:16])
        assert one.largest == pytest.approx(by, rel=0.2)
        assert one.result == (VALUES[3], "ok")
        assert {(cell.column, cell.of) for cell in found.averages} >= {("macro", "value"), ("micro", "value")}


def test_another_status_is_no_small_difference(compared):
    values = VALUES.copy()
    values[5] = np.nan
    found = compared({"box_iou": values})
    assert found.verdict == "different"
    assert found.values[0].largest is None
    assert found.values[0].again == (None, "empty_target")


def test_rows_that_are_lacking_are_counted(compared):
    keep = np.ones(12, bool)
    keep[0] = False
    found = compared({"box_iou": VALUES}, keep=keep)
    assert (found.verdict, found.n_samples, found.n_only_in_result, found.n_only_again) == ("different", 11, 1, 0)


@pytest.mark.parametrize(("by", "verdict"), [(0.2, "within 1e-5"), (0.4, "different")])
def test_large_values_are_compared_as_shares(save_run, tmp_path, by, verdict):
    # CNR has no bounds: 1e-5 of 30,000 is .3.
    one, other = (
        save_run("mine", {"cnr": VALUES + 30_000 + more}, emits=("heatmap",), out=tmp_path / f"{more}")
        for more in (0.0, by)
    )
    assert compare(one, other).verdict == verdict


def reproduction(path, **fields):
    info = load_result(path).info
    about = {
        "verdict": "identical",
        "result_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "n_samples": 12,
        "n_only_in_result": 0,
        "n_only_again": 0,
        "values": [],
        "averages": [],
        "changes": [],
        "run": info.run,
    }
    return ReproductionFile.model_validate({**about, **fields})


OPTION = {"kind": "method", "what": "option power", "result": "1", "again": "2"}
EDITED = {"kind": "code", "what": "source of the method", "result": "a", "again": "b"}


@pytest.mark.parametrize(
    ("fields", "tier"),
    [
        ({}, "reproduced"),
        ({"verdict": "within 1e-5"}, "reproduced"),
        ({"verdict": "different"}, "measured here"),
        ({"changes": [OPTION]}, "measured here"),
        ({"changes": [EDITED]}, "reproduced"),
        ({"result_sha256": "0" * 64}, "measured here"),  # of a result that was there before
    ],
)
def test_the_tier_is_that_of_the_same_method_and_numbers(save_run, scan, fields, tier):
    path = save_run("mine").path
    (before,) = scan().runs
    write_reproduction(path.parent, reproduction(path, **fields))
    (run,) = scan().runs
    assert (run.tier, run.label) == (tier, "mine")
    assert run.id == before.id  # the address of its page stays


def test_an_imported_result_may_be_reproduced_too(save_run, scan):
    path = save_run("mine").path
    about = {"what": "result", "source": "result.json", "sha256": "0", "imported": "2026-11-20T10:00:00+00:00"}
    path.with_name("import.json").write_text(json.dumps(about))
    write_reproduction(path.parent, reproduction(path))
    (run,) = scan().runs
    assert (run.tier, run.imported.source) == ("reproduced", "result.json")


@pytest.mark.parametrize("content", ["{", '{"verdict": "identical"}', None])
def test_a_damaged_reproduction_takes_no_result_away(save_run, scan, content, tmp_path):
    path = save_run("mine").path
    file = path.with_name("reproduction.json")
    file.symlink_to(path) if content is None else file.write_text(content)
    library = scan()
    assert [run.tier for run in library.runs] == ["measured here"]
    (problem,) = library.problems
    assert str(file) in problem
