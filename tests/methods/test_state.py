"""Checkpoints of training scripts: what is pickled beside the weights is skipped, and nothing of it is run."""

import sys
import types
from pathlib import Path

import pytest
import torch

from groundcxr.core import WeightsError
from groundcxr.methods.state import read_checkpoint, read_weights


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self):
        return (open, (str(self.target), "w"))


@pytest.fixture
def omegaconf(monkeypatch):
    """A module with classes of omegaconf's names, whose pickles look like omegaconf's; gone when the file is read."""
    package = types.ModuleType("omegaconf")
    inner = types.ModuleType("omegaconf.dictconfig")
    inner.DictConfig = type("DictConfig", (), {"__module__": "omegaconf.dictconfig"})
    monkeypatch.setitem(sys.modules, "omegaconf", package)
    monkeypatch.setitem(sys.modules, "omegaconf.dictconfig", inner)
    return inner


def test_a_configuration_pickled_beside_the_weights_is_skipped(tmp_path, omegaconf):
    config = omegaconf.DictConfig()
    config.__dict__.update(_content={"lr": 1e-4}, _metadata=None)
    weights = {"layer.weight": torch.arange(6.0).reshape(2, 3)}
    torch.save({"state_dict": weights, "hyper_parameters": config, "epoch": 3}, tmp_path / "last.ckpt")
    found = read_checkpoint(tmp_path / "last.ckpt")
    assert torch.equal(found["state_dict"]["layer.weight"], weights["layer.weight"])
    assert vars(found["hyper_parameters"]) == {}
    assert list(read_weights(tmp_path / "last.ckpt")) == ["layer.weight"]


def test_a_file_that_would_run_code_is_refused_and_writes_nothing(tmp_path):
    target = tmp_path / "written"
    torch.save({"state_dict": {"w": torch.zeros(1)}, "hyper_parameters": Evil(target)}, tmp_path / "evil.ckpt")
    with pytest.raises(WeightsError, match=r"evil\.ckpt cannot be read as weights: it asks to run code, .*open"):
        read_checkpoint(tmp_path / "evil.ckpt")
    assert not target.exists()


def test_an_unknown_class_is_refused_by_name(tmp_path, omegaconf):
    omegaconf.Other = type("Other", (), {"__module__": "omegaconf.dictconfig"})
    torch.save({"state_dict": {"w": torch.zeros(1)}, "extra": omegaconf.Other()}, tmp_path / "odd.ckpt")
    with pytest.raises(WeightsError, match=r"asks to run code, omegaconf\.dictconfig\.Other"):
        read_checkpoint(tmp_path / "odd.ckpt")
