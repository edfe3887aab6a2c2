"""Names for tables: --label, kept in the result, outside every fingerprint."""

import json

import pytest

from groundcxr import GroundCXRError, evaluate, load_dataset

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


def test_a_label_and_a_data_set_s_label_are_what_every_table_says(groundcxr, tmp_path, monkeypatch):
    monkeypatch.setenv("GROUNDCXR_CACHE", str(tmp_path / "cache"))
    names = ("--label", "mine=MedRPG (ours)", "--dataset-label", "Ward 7")
    ran = groundcxr(
        "evaluate", *SETTINGS, "--method", "mine=random", "--method", "center-prior", *names, "--out", tmp_path
    )
    assert "MedRPG (ours) on Ward 7 (test), v2" in ran.out
    assert "macro averages on Ward 7 (test), v2" in ran.out
    assert "phantom 1.0" not in ran.out
    data = load_dataset("phantom", images=4)
    made = evaluate("random", data, limit=3, label=" MedRPG  (ours) ", dataset_label="Ward 7", out=tmp_path / "python")
    (written,) = results_of(tmp_path / "python").values()
    assert written["method"]["title"] == "MedRPG (ours)"
    for shown in (repr(made), made._repr_html_(), made.plot().get_suptitle().replace("\n", " ")):
        assert "MedRPG (ours) on Ward 7 (test" in shown


@pytest.mark.parametrize("label", [" ", "\udc80"])
def test_a_label_in_python_is_a_text(tmp_path, label):
    with pytest.raises(GroundCXRError, match="give a text in UTF-8 that is not blank"):
        evaluate("random", "phantom", limit=1, label=label, out=tmp_path / "r")
