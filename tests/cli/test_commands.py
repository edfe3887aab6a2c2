"""The commands as a user types them: output, exit codes, and one sentence for every mistake."""

import csv
import errno
import json
import os
from pathlib import Path

import pytest
from PIL import Image


def test_a_new_users_file_stands_beside_the_built_in_ones(groundcxr, method_file, manifest):
    path = method_file()
    methods = ("--method", path, "--method", "prior=center-prior", "--set", "prior.grid=8")
    protocols = ("--protocol", "v1", "--protocol", "vilouras2024")
    ran = groundcxr("evaluate", *methods, *protocols, "--dataset", "manifest", "--root", manifest)
    assert ran.code == 0, ran.err
    results = [Path(line) for line in ran.out.splitlines() if line.endswith("result.json")]
    assert ran.out.splitlines()[-4:] == [str(path) for path in results]
    contents = [json.loads(path.read_text()) for path in results]
    assert [(c["method"]["label"], c["protocol"]["name"]) for c in contents] == [
        ("Mine", "v1"),
        ("Mine", "vilouras2024"),
        ("prior", "v1"),
        ("prior", "vilouras2024"),
    ]
    assert contents[2]["method"]["options"] == {"grid": 8}
    assert "Mine on manifest" in ran.out
    macro = contents[0]["overall"]["macro"]["auroc"]
    assert "{value:.3f} [{low:.3f}, {high:.3f}]".format(**macro).replace("0.", ".") in ran.out


@pytest.mark.parametrize("settings", [("grid=4", "b.grid=8"), ("b.grid=8", "grid=4")])
def test_what_is_set_for_one_method_counts_more_than_what_is_set_for_all(settings):
    from groundcxr.cli.arguments import open_methods

    first, second = open_methods(["a=center-prior", "b=center-prior"], list(settings))
    assert (first.method.options.grid, second.method.options.grid) == (4, 8)


def test_failed_samples_are_told_and_exit_with_1(groundcxr, method_file, manifest):
    path = method_file("if phrase == 'opacity 2':\n    raise ValueError('no idea')")
    ran = groundcxr("evaluate", "--method", path, "--dataset", "manifest", "--root", manifest)
    assert ran.code == 1
    assert "1 of 5 samples failed with Mine" in ran.err
    assert "ValueError: no idea" in ran.err
    assert "1 failed" in ran.out
    assert ran.out.splitlines()[-1].endswith("result.json")


def test_one_doubt_is_one_warning_about_the_data(groundcxr, manifest):
    for line, words in [
        ("1.png,a,Edema,5,4,-2,10,p1", "; 1 warning about"),
        ("2.png,A,edema,5,4,20,10,p2", "; 2 warnings about"),
    ]:
        manifest.write_text(manifest.read_text() + line + "\n")
        ran = groundcxr("evaluate", "--method", "random", "--dataset", "manifest", "--root", manifest)
        assert words in " ".join(ran.out.split()), ran.out


def test_one_method_that_cannot_run_leaves_the_others(groundcxr, method_file, manifest):
    bad = method_file(name="Bad", file="bad.py")
    bad.write_text(bad.read_text() + "\n    def setup(self, device):\n        raise OSError('no weights')\n")
    ran = groundcxr("evaluate", "--method", bad, "--method", "random", "--dataset", "manifest", "--root", manifest)
    assert ran.code == 1
    assert "no weights" in ran.err
    assert "Traceback" not in ran.err
    assert "random on manifest" in ran.out


def test_score_uses_stored_predictions(groundcxr, method_file, manifest):
    path = method_file()
    common = ["--method", path, "--dataset", "manifest", "--root", manifest, "--out", "here"]
    assert groundcxr("evaluate", *common).code == 0
    ran = groundcxr("score", *common, "--protocol", "vilouras2024")
    assert ran.code == 0, ran.err
    content = json.loads(Path(ran.out.splitlines()[-1]).read_text())
    assert content["protocol"]["name"] == "vilouras2024"


EVALUATE = ["evaluate", "--dataset", "manifest", "--root", "{manifest}"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([*EVALUATE, "--method", "biovill"], "did you mean 'biovil'?"),
        ([*EVALUATE, "--method", "mine"], "one of your own is given by its file, FILE.py."),
        ([*EVALUATE, "--method", "random", "--protocol", "v11"], "did you mean 'v1'?"),
        ([*EVALUATE, "--method", "random", "--pathology", "Oedema"], "did you mean 'Edema'?"),
        ([*EVALUATE, "--method", "random", "--set", "grit=3"], "did you mean 'grid'?"),
        ([*EVALUATE, "--method", "random", "--set", "grid=big"], "grid='big'"),
        ([*EVALUATE, "--method", "random", "--set", "grid"], "KEY=VALUE"),
        ([*EVALUATE, "--method", "random", "--set", "other.grid=3"], "no method in this run 'other'"),
        ([*EVALUATE, "--method", "random", "--method", "random"], "'random' is taken"),
        ([*EVALUATE, "--method", "random", "--shard", "3/2"], "i/n"),
        ([*EVALUATE, "--method", "random", "--split", "test"], "split"),
        ([*EVALUATE, "--method", "random", "--device", "cuda:7"], "cuda:7"),
        ([*EVALUATE, "--method", "whole-image", "--protocol", "vilouras2024"], "no metric"),
        ([*EVALUATE, "--method", "gone.py"], "no method file gone.py"),
        ([*EVALUATE, "--method", "random", "--set", "dataset.colour=red"], "no option 'colour' of the data set"),
        (["evaluate", "--method", "random", "--dataset", "mscxr"], "did you mean 'ms-cxr'?"),
        (["evaluate", "--method", "random", "--dataset", "ms-cxr"], "--root"),
        (["evaluate", "--method", "random", "--dataset", "ms-cxr", "--root", "nowhere"], "nowhere"),
        (["score", "--method", "random", "--dataset", "manifest", "--root", "{manifest}"], "lacks predictions"),
        (["check-method", "oracle"], "reads the ground truth"),
        (["ground", "--method", "random", "--image", "gone", "--phrase", "a", "--out", "m.png"], "correct its name"),
    ],
)  # fmt: skip
def test_a_users_mistake_is_one_sentence_and_exit_2(groundcxr, manifest, arguments, words):
    ran = groundcxr(*(argument.format(manifest=manifest) for argument in arguments))
    assert ran.code == 2
    assert words in ran.err
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert not ran.out


@pytest.mark.parametrize(
    "command",
    ["evaluate", "score", "check-method", "ground", "reproduce", "compare", "export", "figure", "import", "samples"],
)
def test_a_command_alone_says_in_its_usage_what_is_missing(groundcxr, command):
    ran = groundcxr(command)
    assert ran.code == 2
    assert f"Usage: groundcxr {command}" in ran.err or ran.err.startswith("error: ")


def test_help_of_a_named_method_shows_its_options(groundcxr):
    ran = groundcxr("evaluate", "--method", "center-prior", "--help")
    assert ran.code == 0
    assert "--shard" in ran.out
    assert "cells of the map along each side" in ran.out


def test_lists(groundcxr):
    methods = groundcxr("list", "methods").out
    for name in ("biovil", "biovil-t", "clip", "center-prior", "oracle"):
        assert name in methods
    assert "ms-cxr" in groundcxr("list", "datasets").out
    protocols = groundcxr("list", "protocols").out.splitlines()
    (line,) = (line for line in protocols if line.startswith("chex2024"))
    # What it scores, and on which data its authors print numbers.
    assert line.split()[2] == "box"
    assert "MS-CXR" in line
    assert any(line.startswith("vilouras2024") for line in protocols)


def test_check_method_tells_good_from_bad(groundcxr, method_file):
    good = groundcxr("check-method", method_file())
    assert good.code == 0, good.out + good.err
    assert "FAILED" not in good.out
    forgetful = method_file("import random\nphrase = 'x' * random.randrange(10**6)", file="random_one.py")
    bad = groundcxr("check-method", forgetful)
    assert bad.code == 1
    assert "FAILED  the same answers when asked again" in bad.out
    nan = groundcxr(
        "check-method", method_file("return Grounding(Heatmap.whole([[np.nan]], image.size))", file="nan.py")
    )
    assert nan.code == 1
    assert "must be finite" in nan.out


def test_ground_draws_what_a_method_answers(groundcxr, manifest, tmp_path):
    image = manifest.parent / "0.png"
    phrases = ("--phrase", "left $effusion", "--phrase", "edema")
    ran = groundcxr("ground", "--method", "center-prior", "--image", image, *phrases, "--out", "map.png")
    assert ran.code == 0, ran.err
    with Image.open(tmp_path / "map.png") as picture:
        assert picture.width > 2 * picture.height


def test_ground_tells_what_looks_wrong_in_answers(groundcxr, manifest, method_file):
    path = method_file(
        "from groundcxr import Box\nreturn Grounding(boxes=[Box(0.1, 0.1, 0.4, 0.4)], truncated=len(phrase) > 9)"
    )
    path.write_text(path.read_text().replace("    def ground(", "    emits = {'box'}\n\n    def ground("))
    phrases = ("--phrase", "a long phrase", "--phrase", "short")
    ran = groundcxr("ground", "--method", path, "--image", manifest.parent / "0.png", *phrases, "--out", "map.png")
    assert ran.code == 0, ran.err
    fractions, cut = ran.err.splitlines()
    assert fractions.startswith("warning: boxes lie within 0..1")
    assert cut.startswith("warning: phrases are longer")
    assert cut.endswith("1, for example phrase 1: 'a long phrase'")


def test_samples_are_exported_for_methods_elsewhere(groundcxr, manifest, tmp_path):
    ran = groundcxr("samples", "--dataset", "manifest", "--root", manifest, "--out", "tasks.csv")
    assert ran.code == 0, ran.err
    with (tmp_path / "tasks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5
    assert {row["phrase"] for row in rows} == {"another one", *(f"opacity {n}" for n in range(4))}
    assert all(Path(row["image"]).is_file() for row in rows)


def test_exported_samples_run_no_formula_and_replace_a_file_whole(groundcxr, manifest, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    manifest.write_text(manifest.read_text().replace("opacity 0", "=HYPERLINK(1)").replace("opacity 1", "-2"))
    (tmp_path / "tasks.csv").write_text("old")
    ran = groundcxr("samples", "--dataset", "manifest", "--root", manifest, "--out", "~/tasks.csv")
    assert ran.code == 0
    with (tmp_path / "tasks.csv").open(newline="") as file:
        phrases = [row["phrase"] for row in csv.DictReader(file)]
    assert phrases == ["'=HYPERLINK(1)", "another one", "-2", "opacity 2", "opacity 3"]


def test_exported_samples_go_where_a_link_leads_and_into_a_pipe(groundcxr, manifest, tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "tasks.csv").symlink_to(tmp_path / "disk/tasks.csv")
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    for out in ("tasks.csv", "pipe"):
        assert groundcxr("samples", "--dataset", "manifest", "--root", manifest, "--out", out).code == 0
    assert (tmp_path / "tasks.csv").is_symlink()
    assert os.read(reader, 100_000) == (tmp_path / "disk/tasks.csv").read_bytes()
    os.close(reader)


def test_exported_samples_leave_an_old_file_where_the_disk_is_full(groundcxr, manifest, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    (tmp_path / "tasks.csv").write_text("old")
    monkeypatch.setattr("os.fsync", full)
    ran = groundcxr("samples", "--dataset", "manifest", "--root", manifest, "--out", "tasks.csv")
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert "No space left" in ran.err
    assert (tmp_path / "tasks.csv").read_text() == "old"


def test_doctor_finds_what_is_wrong(groundcxr, manifest):
    assert groundcxr("doctor", "--dataset", "manifest", "--root", manifest).code == 0
    (manifest.parent / "1.png").unlink()
    (manifest.parent / "2.png").write_bytes(b"<!DOCTYPE html><html>log in first</html>")
    ran = groundcxr("doctor", "--dataset", "manifest", "--root", manifest)
    assert ran.code == 1
    assert "1.png" in ran.out
    assert "web page" in ran.out


def test_ground_leaves_the_old_picture_where_a_new_one_cannot_be_written(groundcxr, manifest, monkeypatch, tmp_path):
    old = tmp_path / "old.png"
    old.write_bytes(b"the picture of last year")
    image = ("--image", manifest.parent / "0.png", "--phrase", "a")

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", full)
        ran = groundcxr("ground", "--method", "center-prior", *image, "--out", old)
    assert ran.code == 2
    assert "No space left on device" in ran.err
    assert old.read_bytes() == b"the picture of last year"
    assert [path.name for path in tmp_path.glob("*.p*")] == ["old.png"]
    link = tmp_path / "link.png"
    link.symlink_to(old)
    assert groundcxr("ground", "--method", "center-prior", *image, "--out", link).code == 0
    assert link.is_symlink()
    assert old.read_bytes().startswith(b"\x89PNG")


def test_a_file_in_a_folder_that_is_not_there_is_refused_before_anything_is_made(groundcxr, manifest, tmp_path):
    image = ("--image", manifest.parent / "0.png", "--phrase", "a")
    for made in (["ground", "--method", "center-prior", *image], ["samples", "--dataset", "manifest"]):
        gone = groundcxr(*made, "--out", "gone/a.png")
        assert gone.code == 2
        assert f"there is no folder {tmp_path / 'gone'}" in gone.err
