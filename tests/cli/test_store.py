"""`groundcxr store`: what is there, what nobody needs, and what is damaged."""

import io
import json
import os
import re
from pathlib import Path

import pytest


@pytest.fixture
def ran(groundcxr, manifest, method_file):
    """Two methods, of which the first has no result any more; the second fails at one sample."""
    method = method_file("if phrase == 'opacity 2':\n    raise ValueError('no idea')")
    ran = groundcxr(
        "evaluate", "--method", "center-prior", "--method", method, "--dataset", "manifest", "--root", manifest
    )
    first, _ = [Path(line) for line in ran.out.splitlines() if line.endswith("result.json")]
    (first.parent / "samples.parquet").unlink()
    first.unlink()
    first.parent.rmdir()


def states():
    return {path.name.rpartition("-")[0]: path for path in Path("results/store").iterdir()}


def test_each_state_is_listed(groundcxr, ran, monkeypatch):
    listed = groundcxr("store", "list")
    assert listed.code == 0, listed.err
    head, mine, prior = [re.split(r"\s{2,}", line.strip()) for line in listed.out.splitlines()]
    assert head == ["method", "fingerprint", "predictions", "failures", "size", "written", "used"]
    about = json.loads((states()["Mine"] / "method.json").read_text())
    assert mine[:4] == ["Mine", about["fingerprint"][:8], "5", "1"]
    assert re.fullmatch(r"[\d.]+ k?B", mine[4])
    assert mine[6] == "yes"
    assert prior[0] == "center-prior"
    assert prior[2:4] == ["5", "0"]
    assert prior[6] == "no"
    monkeypatch.setenv("COLUMNS", "80")
    assert groundcxr("store", "list").out == listed.out, "where there is no terminal, no cell is wrapped"
    old = groundcxr("store", "list", "--older", 1)
    assert len(old.out.splitlines()) == 1


def test_what_no_result_uses_goes_when_that_is_confirmed(groundcxr, ran, monkeypatch):
    before = states()
    monkeypatch.setattr("sys.stdin", io.StringIO())
    unanswered = groundcxr("store", "prune")
    assert unanswered.code == 2
    assert "nobody answered, so nothing was deleted; give --yes" in unanswered.err
    assert states() == before
    young = groundcxr("store", "prune", "--yes", "--older", 2)
    assert (young.code, states()) == (0, before)
    assert young.out == "there is nothing to delete that is older than 2 days\n"
    for file in before["center-prior"].rglob("*"):
        os.utime(file, (1e9, 1e9))
    pruned = groundcxr("store", "prune", "--yes", "--older", 2)
    assert pruned.code == 0, pruned.err
    assert pruned.out.splitlines()[0].startswith("center-prior ")
    assert ": 5 predictions, " in pruned.out.splitlines()[0]
    assert pruned.out.splitlines()[1].startswith("deleted 1 state, ")
    assert states() == {"Mine": before["Mine"]}


@pytest.mark.parametrize("answer", [True, False])
def test_the_user_is_asked(groundcxr, ran, monkeypatch, answer):
    asked = []
    monkeypatch.setattr("typer.confirm", lambda question: (asked.append(question), answer)[1])
    assert groundcxr("store", "prune").code == 0
    assert re.fullmatch(r"Delete 1 state \(.* k?B\)\?", asked[0])
    assert ("center-prior" in states()) is not answer


def test_a_run_that_begins_while_the_question_waits_keeps_its_predictions(groundcxr, ran, manifest, monkeypatch):
    before = states()

    def confirm(question):
        with manifest.open("a") as file:
            file.write("\n0.png,another phrase,Edema,5,4,20,10,p1")
        evaluated = groundcxr("evaluate", "--method", "center-prior", "--dataset", "manifest", "--root", manifest)
        assert evaluated.code == 0, evaluated.err
        return True

    monkeypatch.setattr("typer.confirm", confirm)
    pruned = groundcxr("store", "prune")
    assert pruned.code == 0, pruned.err
    assert re.search(r"center-prior \w{8} has changed meanwhile and stays\ndeleted 0 states", pruned.out)
    assert states() == before


def test_nothing_is_deleted_while_a_result_cannot_be_read(groundcxr, ran):
    before = states()
    Path("results/other").mkdir()
    Path("results/other/result.json").write_text("{")
    pruned = groundcxr("store", "prune", "--yes")
    assert pruned.code == 2
    assert re.search(
        r"other/result.json .*nobody knows which predictions are needed, and nothing is deleted", pruned.err
    )
    nowhere = groundcxr("store", "prune", "--yes", "--out", "elsewhere", "--store", "results/store")
    assert nowhere.code == 2
    assert "elsewhere is no folder of results" in nowhere.err
    assert states() == before


@pytest.mark.parametrize("about", ["{", "{}", '{"name": "Mine"}'])
def test_predictions_that_a_result_uses_stay_where_their_description_is_damaged(groundcxr, ran, about):
    before = states()
    (before["Mine"] / "method.json").write_text(about)
    (row,) = [line for line in groundcxr("store", "list").out.splitlines() if "Mine" in line]
    assert row.split()[-1] == "yes"
    assert groundcxr("store", "prune", "--yes").code == 0
    assert states() == {"Mine": before["Mine"]}


def test_a_folder_that_does_not_say_what_it_is_of_stays(groundcxr, ran):
    folder = states()["center-prior"]
    (folder / "method.json").write_text("{")
    folder.rename(folder.with_name("a-copy"))
    pruned = groundcxr("store", "prune", "--yes")
    assert (pruned.code, "nothing to delete" in pruned.out) == (0, True)
    assert states().keys() == {"Mine", "a"}


def test_results_of_several_folders_count(groundcxr, ran):
    Path("results/manifest").rename("moved")
    pruned = groundcxr("store", "prune", "--yes", "--out", "results", "--out", "moved")
    assert pruned.code == 0, pruned.err
    assert states().keys() == {"Mine"}


def test_a_damaged_file_is_found_and_made_again(groundcxr, ran, manifest):
    sound = groundcxr("store", "verify")
    assert (sound.code, sound.out) == (0, "10 predictions are as they were written\n")
    (file,) = states()["center-prior"].glob("batches/*")
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)
    damaged = groundcxr("store", "verify")
    assert damaged.code == 1
    assert damaged.err.startswith(
        f"error: the predictions in {file.absolute()} are damaged (1 of 5 answers); run evaluate"
    )
    common = ("--method", "center-prior", "--dataset", "manifest", "--root", manifest)
    scored = groundcxr("score", *common)
    assert scored.code == 2
    assert "are damaged" in scored.err
    assert groundcxr("evaluate", *common).code == 0
    assert groundcxr("store", "verify").code == 0
    assert groundcxr("score", *common).code == 0


def test_no_store_is_one_sentence(groundcxr):
    for command in ("list", "prune", "verify"):
        none = groundcxr("store", command)
        assert none.code == 2
        assert re.fullmatch(r"error: there is no store .*results/store; name one with .*\n", none.err)
