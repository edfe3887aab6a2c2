"""Names for tables: --label, kept in the result, outside every fingerprint."""

import json

import pytest

SETTINGS = ("--set", "dataset.images=4", "--limit", "3")


def results_of(folder):
    return {path.parent.name: json.loads(path.read_text()) for path in folder.rglob("result.json")}


def test_a_label_is_what_tables_say_and_changes_nothing_else(groundcxr, tmp_path, monkeypatch):
    monkeypatch.setenv("GROUNDCXR_CACHE", str(tmp_path / "cache"))
    words = ("evaluate", *SETTINGS, "--method", "mine=center-prior")
    assert groundcxr(*words, "--out", tmp_path / "plain").code == 0
    ran = groundcxr(*words, "--label", "mine=MedRPG  (ours) = best", "--out", tmp_path / "named")
    assert ran.code == 0, ran.err
    assert "MedRPG (ours) = best on phantom" in " ".join(ran.out.split())
    (plain,), (named,) = results_of(tmp_path / "plain").items(), results_of(tmp_path / "named").items()
    # The same folder, and so the same fingerprints.
    assert plain[0] == named[0]
    assert "title" not in plain[1]["method"]
    assert named[1]["method"].pop("title") == "MedRPG (ours) = best"
    assert plain[1]["method"] == named[1]["method"]
    # Stored predictions are those of the method, whatever it is called.
    assert [one.name for one in (tmp_path / "plain/store").iterdir()] == [
        one.name for one in (tmp_path / "named/store").iterdir()
    ]
    assert "MedRPG (ours) = best (control)" in groundcxr("export", tmp_path / "named").out.replace("\\", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--method", "random", "--label", "rando=x"], "did you mean 'random'"),
        (["--method", "random", "--label", "random"], "write ALIAS=TEXT"),
        (["--method", "random", "--label", "random= "], "write ALIAS=TEXT"),
        (["--method", "random", "--label", "random=a", "--label", "random=b"], "names random twice"),
        (["--method", "MedRPG (ours)=random"], "--method ALIAS=random --label 'ALIAS=MedRPG (ours)'"),
    ],
)
def test_mistakes_are_one_sentence(groundcxr, tmp_path, words, said):
    ran = groundcxr("evaluate", *words, "--out", tmp_path / "r")
    assert ran.code == 2
    assert said in ran.err
    assert not (tmp_path / "r").exists()
