"""The recipe of the bundled models: a run that was killed ends as an unbroken one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

TRAINING = Path(__file__).parents[2] / "training"


@pytest.fixture
def loop(monkeypatch):
    monkeypatch.syspath_prepend(str(TRAINING))
    import loop

    # Every step is saved.
    monkeypatch.setattr(loop, "_SAVE_SECONDS", -1)
    return loop


class KilledError(Exception):
    pass


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_a_killed_run_goes_on_to_the_same_weights(loop, tmp_path, ema):
    def run(folder, killed_at=None):
        torch.manual_seed(0)
        model = nn.Linear(3, 2)

        def loss(step):
            if step == killed_at:
                raise KilledError
            rows = loop.epoch_order(7, step, 4, 16).float()
            noise = torch.randn(4, 3, generator=loop.generator(7, step))
            return (model(noise) - rows[:, None]).square().mean()

        folder.mkdir(exist_ok=True)
        return loop.train("stage", model, loss, folder, steps=12, planned=20, rate=0.1, warmup=3, ema=ema)

    unbroken = run(tmp_path / "unbroken")
    with pytest.raises(KilledError):
        run(tmp_path / "broken", killed_at=7)
    resumed = run(tmp_path / "broken")
    assert torch.equal(resumed.weight, unbroken.weight)
    # A finished stage is taken as it is.
    assert torch.equal(run(tmp_path / "broken", killed_at=0).weight, unbroken.weight)


def test_words_have_the_same_numbers_in_every_process(tmp_path):
    """A checkpoint's embeddings belong to numbers; merges of equal counts come in another order in every process."""
    words = ["an effusion at the left base", "at an apex", "in areas", "is it an air space", "are there any", "tan ran"]
    command = "import sys, json, pathlib; sys.path.insert(0, sys.argv[1]); from tokenizer import build_tokenizer; "
    command += "build_tokenizer(json.loads(sys.argv[2]), pathlib.Path(sys.argv[3]))"
    found = []
    for attempt in range(3):
        folder = tmp_path / str(attempt)
        subprocess.run([sys.executable, "-c", command, str(TRAINING), json.dumps(words), str(folder)], check=True)
        found.append(json.loads((folder / "vocab.json").read_text()))
    assert found[0] == found[1] == found[2]


def test_training_reads_no_box_and_no_mask(monkeypatch, tmp_path):
    """A sample without its place gives what a sample gives."""
    monkeypatch.syspath_prepend(str(TRAINING))
    import data

    class Blind:
        def __init__(self, sample):
            self.image_path, self.pathology, self.phrase = sample.image_path, sample.pathology, sample.phrase

    monkeypatch.setenv("GROUNDCXR_CACHE", str(tmp_path))
    seen = data.load_images("train", 4)
    original = data.load_dataset
    monkeypatch.setattr(data, "load_dataset", lambda *args, **options: map(Blind, original(*args, **options)))
    blind = data.load_images("train", 4)
    assert blind.statements == seen.statements
    assert (blind.pixels == seen.pixels).all()


def test_the_other_side_is_told_where_it_is_surely_wrong(monkeypatch):
    monkeypatch.syspath_prepend(str(TRAINING))
    from data import Statement, other_side

    left = Statement("Atelectasis", "atelectasis at the left base")
    assert other_side(left, (left, Statement("Edema", "edema on the left"))) == "atelectasis at the right base"
    assert other_side(left, (left, Statement("Atelectasis", "atelectasis on the right"))) is None
    both = Statement("Edema", "edema, left more than right")
    assert other_side(both, (both,)) is None
