"""`groundcxr reproduce`: the same run again, and what it says when it is not the same."""

import json
import sys
from pathlib import Path

import pytest

from groundcxr.leaderboard.library import Library

PHANTOM = ("--dataset", "phantom", "--set", "dataset.images=4", "--set", "dataset.size=64")
METHOD = """
from dataclasses import dataclass
from groundcxr import Grounding, GroundingMethod, Heatmap


@dataclass(frozen=True)
class Options:
    power: float = 1.0
    names: tuple[str, ...] = ("a", "b")
    note: str = "by default"


class Bright(GroundingMethod):
    Options = Options

    def ground(self, image, phrases):
        assert self.options.names == ("c",) and self.options.note == ""
        values = {values}
        return [Grounding(Heatmap.whole(values, image.size)) for _ in phrases]
"""
VALUES = "image.as_unit_float()[::8, ::8] ** self.options.power"


@pytest.fixture
def bright(tmp_path):
    """Writes the method's file."""

    def write(values=VALUES):
        path = tmp_path / "bright.py"
        path.write_text(METHOD.format(values=values))
        return path

    return write


@pytest.fixture
def made(groundcxr):
    """Runs methods, and gives the folder of the one result."""

    def evaluate(*words):
        ran = groundcxr("evaluate", *words)
        assert ran.code == 0, ran.err
        (path,) = (line for line in ran.out.splitlines() if line.endswith("result.json"))
        return path.removesuffix("/result.json")

    return evaluate


def said(folder):
    return json.loads((Path(folder) / "reproduction.json").read_text())


def changes(folder):
    return {one["what"]: (one["result"], one["again"]) for one in said(folder)["changes"]}


def tier(tmp_path):
    (run,) = Library.scan([tmp_path / "results"]).runs
    return run.tier


def test_two_quick_methods_are_identical(groundcxr, made, tmp_path):
    for words in (("center-prior", "--set", "grid=7"), ("shuffled-phrase", "--set", "method=center-prior")):
        if words[0] == "shuffled-phrase":
            words = ("wrong=shuffled-phrase", "--set", "method=random", "--limit", "7", "--batch-size", "2")
        folder = made("--method", *words, *PHANTOM)
        ran = groundcxr("reproduce", f"{folder}/result.json")
        assert (ran.code, ran.err) == (0, "")
        assert "identical: every value and status of" in ran.out
        about = said(folder)
        assert (about["verdict"], about["values"], about["averages"], about["changes"]) == ("identical", [], [], [])
        assert str(tmp_path) not in (tmp_path / folder / "reproduction.json").read_text()
        # Nothing was asked of the store that the result was made with, nor put into another.
        assert sorted(path.name for path in (tmp_path / "results").iterdir()) == ["phantom", "store"]


def test_answers_that_were_stored_by_another_method_are_identical(groundcxr, tmp_path):
    """The control reads what the method has stored of the same phrases, asked in other batches than its own."""
    control = ("--method", "wrong=shuffled-phrase", "--set", "wrong.method=clip-phantom")
    where = ("--dataset", "phantom", "--set", "dataset.images=12")
    ran = groundcxr("evaluate", "--method", "clip-phantom", *control, *where)
    assert ran.code == 0, ran.err
    results = [line for line in ran.out.splitlines() if line.endswith("result.json")]
    assert len(results) == 2
    for result in results:
        ran = groundcxr("reproduce", result)
        assert ran.code == 0, ran.err
        assert "identical: every value and status of" in ran.out


def test_a_manifest_and_boxes_that_were_chosen_are_the_same_again(groundcxr, made, manifest, tmp_path):
    where = ("--dataset", "manifest", "--root", manifest)
    folder = made("--method", "class-mean-box", *where, "--top", 1, "--pathology", "Edema", "--protocol", "v1")
    missing = groundcxr("reproduce", folder)
    assert missing.code == 2
    assert "root" in missing.err
    assert groundcxr("reproduce", folder, "--root", manifest).code == 0
    assert tier(tmp_path) == "reproduced"
    manifest.write_text(manifest.read_text().replace("opacity 1", "opacity one"))
    other = groundcxr("reproduce", folder, "--root", manifest)
    assert other.code == 2
    assert "is not the data of the result" in other.err
    assert "--root DIR" in other.err


def test_a_changed_option_and_an_edited_file_are_told(groundcxr, made, bright, tmp_path):
    file = bright()
    # One option a list, one empty: both as they were.
    folder = made("--method", f"mine={file}", "--set", "names=c", "--set", "note=", *PHANTOM)
    alone = groundcxr("reproduce", folder)
    assert alone.code == 2
    assert alone.err.startswith("error: mine is, or asks, a method in a file")
    assert groundcxr("reproduce", folder, "--method", file).code == 0
    assert tier(tmp_path) == "reproduced"

    changed = groundcxr("reproduce", folder, "--method", file, "--set", "power=2")
    assert changed.code == 1
    assert "option power: 1.0 in the result, 2.0 now" in changed.out
    assert "option power: 1.0 in the result, 2.0 now" in changed.err  # before the run, too
    assert (said(folder)["verdict"], changes(folder)) == ("different", {"option power": ("1.0", "2.0")})
    assert {one["metric"] for one in said(folder)["values"]} >= {"miou", "cnr"}
    assert tier(tmp_path) == "measured here"

    # Scores half as large are the same map, but for one metric that nobody's own value tells of.
    bright("image.as_unit_float()[::8, ::8] / 2")
    halved = groundcxr("reproduce", folder, "--method", file)
    (of_images,) = (line for line in halved.out.splitlines() if "neg_auroc" in line)
    assert "differ, at most by 0." in of_images
    assert "in what they add to the average, most in" in of_images
    shown = [line.split("at most by ")[1] for line in halved.out.splitlines() if "at most by" in line]
    largest = [float(one.replace(":", ",").split(",")[0]) for one in shown]
    assert largest == sorted(largest, reverse=True)

    bright("image.as_unit_float()[::8, ::8] * (1 + 1e-9)")
    close = groundcxr("reproduce", folder, "--method", file, "--by", "A. Reader")
    assert close.code == 0
    assert list(changes(folder)) == ["source of the method"]
    assert "(it was edited, or is another)" in close.out
    assert said(folder)["by"] == "A. Reader"

    bright("1 - image.as_unit_float()[::8, ::8]")
    edited = groundcxr("reproduce", folder, "--method", file)
    assert edited.code == 1
    assert "source of the method" in edited.out
    assert "option power" not in edited.out
    assert said(folder)["verdict"] == "different"


def test_a_fingerprint_that_is_not_the_methods_is_no_reproduction(groundcxr, made, tmp_path):
    folder = made("--method", "mine=whole-image", *PHANTOM)
    path = tmp_path / folder / "result.json"
    about = json.loads(path.read_text())
    about["method"]["fingerprint"] = "0" * 64
    path.write_text(json.dumps(about))
    ran = groundcxr("reproduce", folder)
    assert ran.code == 1
    assert "identical" in ran.out
    assert "the method's fingerprint differs" in ran.out
    assert "does not count as reproduced" in ran.out


def test_what_cannot_be_made_again_is_said(groundcxr, made, tmp_path):
    folder = made("--method", "center-prior", *PHANTOM)
    path = tmp_path / folder / "result.json"
    content = path.read_text()
    about = json.loads(content)

    def with_change(change):
        changed = json.loads(content)
        change(changed)
        path.write_text(json.dumps(changed))
        ran = groundcxr("reproduce", folder)
        assert ran.code == 2
        assert not path.with_name("reproduction.json").exists()
        return ran.err

    assert "install the groundcxr that made the result" in with_change(
        lambda one: one["protocol"].update(hash="0" * 64)
    )
    apart = {"environment": {"python": "3.8.1"}}
    assert "--python PATH" in with_change(lambda one: one["method"].update(apart))
    assert "condition.level: Field required" in with_change(lambda one: one.update(condition={"name": "blur"}))
    unknown = with_change(lambda one: one["dataset"]["options"].update(colour="red"))
    assert "colour" in unknown
    weights = {"name": "clip", "weights": "local copy mine", "options": {"model": "local-dir"}}
    assert "--set weights=DIR" in with_change(lambda one: one["method"].update(weights))
    path.write_text(content)
    path.with_name("import.json").write_text(
        json.dumps({"what": "predictions", "source": "maps", "sha256": "0", "imported": about["run"]["created"]})
    )
    foreign = groundcxr("reproduce", folder)
    assert foreign.code == 2
    assert "no method here to run again" in foreign.err
    nothing = groundcxr("reproduce", tmp_path / "results")
    assert nothing.code == 2
    assert "give one result.json, or its folder" in nothing.err


@pytest.mark.parametrize("asked", [False, True])
def test_no_result_may_send_images_elsewhere(groundcxr, made, tmp_path, asked):
    folder = made("--method", "center-prior", *PHANTOM)
    path = tmp_path / folder / "result.json"
    about = json.loads(path.read_text())
    options = {"base_url": "http://elsewhere.example:80/v1", "model": "m", "allow_remote": True, "preset": "maira2"}
    about["method"] |= {"name": "endpoint", "options": options}
    if asked:
        about["method"] |= {"name": "shuffled-phrase", "options": {"method": "endpoint", **options}}
    path.write_text(json.dumps(about))
    ran = groundcxr("reproduce", folder)
    assert ran.code == 2
    assert "is not on this machine" in ran.err


def test_predictions_of_a_method_in_another_python(groundcxr, made, tmp_path, method_file):
    file = method_file()
    folder = made("--method", f"mine={file}", "--python", sys.executable, "--limit", 3, *PHANTOM)
    assert "ran in an environment of its own" in groundcxr("reproduce", folder, "--method", file).err
    assert groundcxr("reproduce", folder, "--method", file, "--python", sys.executable).code == 0
