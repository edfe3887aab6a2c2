"""Checkpoints of training scripts: what is pickled beside the weights is skipped, and nothing of it is run."""

import pickle
import sys
import types
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from groundcxr.core import WeightsError
from groundcxr.methods.state import StateReader, load_exactly, read_checkpoint, read_shards, read_weights


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


def zipped(path, **content):
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in content.items():
            archive.writestr(f"files/{name}.pth", text)


def compiled(path):
    torch.jit.script(torch.nn.Linear(2, 2)).save(path)


def test_what_was_saved_under_the_name_of_weights_is_called_what_it_is(tmp_path):
    whole = tmp_path / "whole.pt"
    torch.save({"w": torch.zeros(300)}, whole)
    contents = {
        "it is a web page.*download it again$": b"<!DOCTYPE html><html>Virus scan warning</html>",
        "it is a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n",
        "it is empty": b"",
        "it is nothing that torch.save writes": pickle.dumps({"w": [0.0]}, protocol=4),
        "it ends too early": whole.read_bytes()[:-200],
        "it is a compressed archive.*unpack it": lambda path: zipped(path, model="weights"),
        "it is a compiled program.*save its state_dict": compiled,
    }
    for said, content in contents.items():
        file = tmp_path / "x.pt"
        content(file) if callable(content) else file.write_bytes(content)
        with pytest.raises(WeightsError, match=rf"x\.pt cannot be read as weights: {said}"):
            read_checkpoint(file)
    (tmp_path / "x.safetensors").write_bytes(b"<html>")
    with pytest.raises(WeightsError, match="it is a web page"):
        read_checkpoint(tmp_path / "x.safetensors")
    with pytest.raises(WeightsError, match="is a folder; give the path of the file"):
        read_checkpoint(tmp_path)


def loaded_by_name(state):
    network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    load_exactly(network, state, "the model")
    return network.state_dict()


def taken_one_by_one(state):
    reader = StateReader(state, "the model")
    return {name: reader.take(name, tuple(tensor.shape)) for name, tensor in state.items()}


@pytest.mark.parametrize("load", [loaded_by_name, taken_one_by_one])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64, torch.int8, torch.uint8])
def test_weights_of_any_precision_are_loaded_and_quantised_ones_refused(load, dtype):
    network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    state = network.state_dict()  # with the count of steps, which is a whole number
    state["0.weight"] = state["0.weight"].to(dtype)
    if dtype.is_floating_point:
        assert torch.equal(load(state)["0.weight"], state["0.weight"].float())
    else:
        with pytest.raises(WeightsError, match=r"the model holds 0\.weight as u?int8, which is quantised"):
            load(state)


def test_a_weight_that_a_file_holds_under_two_names_is_refused():
    state = {"query.weight": torch.zeros(2), "to_q.weight": torch.ones(2)}
    with pytest.raises(WeightsError, match=r"UNet holds query\.weight and to_q\.weight, which are two names of one"):
        StateReader(state, "the UNet", ((r"^query\.", "to_q."),))


def test_one_weight_under_two_names_has_one_value():
    class Shared(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk = torch.nn.Linear(2, 2)
            self.blocks = torch.nn.Sequential(self.trunk)

    state = Shared().state_dict()
    load_exactly(Shared(), state, "the model")
    state["blocks.0.weight"] = state["blocks.0.weight"] + 1
    with pytest.raises(WeightsError, match=r"different values in blocks\.0\.weight and trunk\.weight, which are one"):
        load_exactly(Shared(), state, "the model")


def test_files_that_hold_one_network_together_are_read_as_one(tmp_path):
    first, second = tmp_path / "one.safetensors", tmp_path / "two.bin"
    save_file({"a": torch.ones(2)}, first)
    torch.save({"b": torch.zeros(3), "mask.bias": torch.ones(2, dtype=torch.uint8)}, second)
    assert set(read_shards([first, second], "the model")) == {"a", "b", "mask.bias"}
    torch.save({"a": torch.zeros(2)}, second)
    with pytest.raises(WeightsError, match=r"one.safetensors and .*two.bin both hold a, so they are of different"):
        read_shards([first, second], "the model")
    torch.save({"b": torch.ones(2, dtype=torch.int8)}, second)
    with pytest.raises(WeightsError, match="the model holds b as int8, which is quantised"):
        read_shards([first, second], "the model")
    second.write_text("<!DOCTYPE html><title>Sign in</title>")
    with pytest.raises(WeightsError, match=r"two\.bin"):
        read_shards([first, second], "the model")
