"""`groundcxr site` as a user types it."""

import sys

import numpy as np
import pytest

from groundcxr.cli.main import main


@pytest.fixture
def site(monkeypatch, capsys):
    """Calls the command: `site("results", "--out", "public")` gives exit code, output and errors."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["groundcxr", "site", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code, *capsys.readouterr()

    return call


def test_a_site_is_written_and_named(site, save_run, tmp_path):
    save_run("mine", {"box_iou": np.linspace(0.1, 0.9, 12)})
    code, out, err = site(tmp_path / "results", "--out", tmp_path / "public")
    assert (code, err) == (0, "")
    assert out.startswith(f"{tmp_path}/public/index.html (")
    assert "mine" in (tmp_path / "public/index.html").read_text()


def test_what_cannot_be_used_is_told_and_the_rest_is_written(site, save_run, tmp_path):
    save_run("mine", {"box_iou": np.linspace(0.1, 0.9, 12)})
    (tmp_path / "results/broken").mkdir()
    (tmp_path / "results/broken/result.json").write_text("{")
    code, _, err = site(tmp_path / "results", "--out", tmp_path / "public")
    assert code == 1
    assert err.startswith("warning: ")
    assert str(tmp_path / "results/broken") in err
    assert "broken" not in (tmp_path / "public/index.html").read_text()


def test_without_results_nothing_is_written(site, tmp_path):
    (tmp_path / "results").mkdir()
    code, out, err = site(tmp_path / "results", "--out", tmp_path / "public")
    assert (code, out) == (2, "")
    assert err == f"error: there is no usable result in {tmp_path}/results; evaluate makes results\n"
    assert not (tmp_path / "public").exists()


def test_a_folder_of_results_is_never_taken_for_a_site(site, save_run, tmp_path):
    saved = save_run("mine", {"box_iou": np.linspace(0.1, 0.9, 12)})
    code, _, err = site(tmp_path / "results", "--out", tmp_path / "results")
    assert code == 2
    assert "holds files that are no site of groundcxr" in err
    assert saved.path.exists()


def test_what_the_site_needs_is_named(site, save_run, tmp_path, monkeypatch):
    save_run("mine", {"box_iou": np.linspace(0.1, 0.9, 12)})
    monkeypatch.setattr("groundcxr.cli.site.find_spec", lambda name: None if name == "markdown_it" else name)
    code, _, err = site(tmp_path / "results", "--out", tmp_path / "public")
    assert code == 2
    assert "pip install 'markdown-it-py>=3.0'" in err or "pip install 'markdown-it-py'" in err
