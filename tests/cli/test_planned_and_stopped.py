"""`evaluate --dry-run` and `--stop-after-failures` as a user types them."""

from pathlib import Path

import pytest

from groundcxr.cli import forecast


@pytest.fixture
def common(manifest):
    return ["--dataset", "manifest", "--root", manifest, "--out", "out"]


@pytest.fixture
def broken(method_file):
    return method_file("raise RuntimeError(f'no kernel for {phrase!r}')", name="Broken", file="broken.py")


def test_a_plan_is_a_row_for_each_method(groundcxr, method_file, common):
    methods = ["--method", method_file(), "--method", "oracle"]
    planned = groundcxr("evaluate", *methods, *common, "--dry-run")
    assert planned.code == 0
    assert not Path("out").exists()
    rows = {line.split()[0]: line.split()[1:] for line in planned.out.splitlines() if line.strip()}
    assert rows["Mine"][:6] == ["4", "5", "0", "0", "5", "1"]
    assert rows["Mine"][6:] == ["unknown", "unknown"]
    assert "Mine: no answer in this store tells time or space" in planned.out
    assert "free on the disk of" in planned.out

    assert groundcxr("evaluate", *methods, *common).code == 0
    after = groundcxr("evaluate", *methods, *common, "--dry-run")
    rows = {line.split()[0]: line.split()[1:] for line in after.out.splitlines() if line.strip()}
    assert rows["Mine"][:6] == ["4", "5", "5", "0", "0", "0"]
    assert "Mine: nothing is left to ground" in after.out
    again = groundcxr("evaluate", *methods, *common, "--dry-run", "--overwrite", "--shard", "1/1")
    assert "s a phrase on cpu, from 5 phrases of this method" in again.out


def test_a_plan_warns_of_missing_images_and_of_too_little_space(groundcxr, method_file, manifest, common, monkeypatch):
    method = ["--method", method_file()]
    assert groundcxr("evaluate", *method, *common).code == 0
    (manifest.parent / "1.png").unlink()
    with manifest.open("a") as file:
        file.write("\n0.png,another,Edema,5,4,20,10,p1")
    monkeypatch.setattr(forecast.shutil, "disk_usage", lambda _: forecast.shutil._ntuple_diskusage(10, 10, 0))
    planned = groundcxr("evaluate", *method, *common, "--dry-run")
    assert planned.code == 0
    assert "1 of 4 images cannot be read, the first: there is no image file" in planned.err
    assert "0 bytes are free; free space or choose another folder" in planned.err


def test_a_plan_of_a_method_that_cannot_run_leaves_the_others(groundcxr, method_file, common):
    boxes = method_file(file="boxes.py", name="Boxes")
    boxes.write_text(boxes.read_text().replace("    def ground(", '    emits = {"box"}\n\n    def ground('))
    methods = ["--method", "center-prior", "--method", boxes]
    planned = groundcxr("evaluate", *methods, *common, "--dry-run", "--protocol", "vilouras2024")
    assert planned.code == 1
    assert "center-prior" in planned.out
    assert "error: Boxes could not be run: vilouras2024 has no metric" in planned.err


def test_a_method_that_fails_too_often_is_ended_and_the_others_go_on(groundcxr, broken, method_file, common):
    ran = groundcxr("evaluate", "--method", broken, "--method", method_file(), *common, "--stop-after-failures", "3")
    assert ran.code == 1
    assert "error: Broken was stopped: 5 of 5 samples failed and the limit is 3" in ran.err
    assert "no result is written" in ran.err
    assert "Mine on manifest" in ran.out
    assert "Broken on manifest" not in ran.out


@pytest.mark.parametrize("shard", [[], ["--shard", "1/1"]])
def test_a_method_alone_that_is_ended_exits_with_1(groundcxr, broken, common, shard):
    ran = groundcxr("evaluate", "--method", broken, *common, "--stop-after-failures", "3", *shard)
    assert ran.code == 1
    assert ran.out == ""
    assert "RuntimeError: no kernel for" in ran.err.splitlines()[-1]
    assert not list(Path("out").rglob("result.json"))
    assert groundcxr("evaluate", "--method", broken, *common, "--stop-after-failures", "0").code == 2


def test_the_last_lines_name_the_commonest_reason(groundcxr, broken, common):
    ran = groundcxr("evaluate", "--method", broken, *common)
    assert ran.code == 1
    first, last = ran.err.splitlines()[-2:]
    assert first == "5 of 5 samples failed with Broken (v2):"
    assert last.startswith("  5 times, first in ")
    assert "RuntimeError: no kernel for" in last
