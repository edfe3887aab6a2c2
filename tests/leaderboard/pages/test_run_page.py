"""The page of a run tells what schema 2 has beside the numbers, in words."""

import json

import numpy as np
import pytest

RESULTS = "results"
WAY = {
    "device": "cuda",
    "batch_size": 8,
    "packages": {"torch": "2.4.1"},
    "git": {"commit": "a" * 40, "dirty": True},
    "peak_memory_mb": {"host": 1.0},
    "n_samples": 9,
}


@pytest.fixture
def shown(open_page, save_run, tmp_path):
    """The page of a run whose result.json has these blocks."""

    def shown(columns=None, **blocks) -> str:
        saved = save_run("a", {"box_iou": np.linspace(0, 1, 12)}, columns=columns)
        content = json.loads(saved.path.read_text())
        saved.path.write_text(json.dumps({**content, **blocks}))
        return open_page("run", "--results", tmp_path / RESULTS).text

    return shown


def test_notes_answers_cut_phrases_and_ways_of_grounding_are_told(shown):
    text = shown(
        {"truncated": np.arange(12) < 7},
        notes=[{"text": "boxes lie within <0..1>", "count": 3}, {"text": "made on a Tuesday", "count": 0}],
        answers={"min_score": 0.25, "top": 4},
        provenance={"grounding": [WAY, {**WAY, "device": "cpu", "git": None, "n_samples": 3}]},
    )
    assert "To know about these numbers Boxes lie within <0..1>: 3. Made on a Tuesday." in text
    assert "boxes that count with a score of at least 0.25, the best 4 of a sample" in text
    assert "phrases cut 7, longer than the text encoder reads" in text
    assert (
        "made in several ways 9 samples on cuda, batch size 8, commit aaaaaaaaaaaa with changes, torch 2.4.1; "
        "3 samples on cpu, batch size 8, torch 2.4.1"
    ) in text


def test_what_there_is_not_is_not_told(shown):
    text = shown(provenance={"grounding": [WAY]})
    for words in ("To know", "boxes that count", "phrases cut", "several ways"):
        assert words not in text


def test_another_python_is_told_with_its_versions(shown, save_run):
    method = json.loads(save_run("a").path.read_text())["method"]
    text = shown(method={**method, "environment": {"python": "3.9.1", "transformers": "4.50.0"}})
    assert "environment python 3.9.1, transformers 4.50.0" in text
    assert "PYTHON: the interpreter of an environment with the versions below." in text


def test_options_of_a_method_that_is_asked_are_words(shown, save_run):
    method = json.loads(save_run("a").path.read_text())["method"]
    asked = {"method": "ldm", "settings": {"steps": 5, "words": ["a", "b"], "timesteps": None}}
    text = shown(method={**method, "options": {"seed": 0, **asked}})
    assert (
        "options seed = 0, method = ldm, settings.steps = 5, settings.words = a, b, settings.timesteps = not set"
        in text
    )
    assert "{'" not in text
