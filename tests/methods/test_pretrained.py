"""Weights in the layout of transformers: nothing half-loaded passes, drawn ones depend on their seed alone."""

import json
from dataclasses import dataclass, field

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPConfig, CLIPModel

from groundcxr.core import WeightsError
from groundcxr.methods.pretrained import PretrainedMethod


@dataclass(frozen=True)
class Options:
    weights: str = field(default="")


class Tiny(PretrainedMethod):
    name = "tiny"
    Options = Options
    trained_on = ("ms-cxr",)

    def setup(self, device):
        self.model = self.load(CLIPModel)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny-clip"
    small = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**small, "vocab_size": 20}
    vision = {**small, "image_size": 32, "patch_size": 16}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=8)).save_pretrained(folder)
    return folder


def changed(folder, tmp_path, change):
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "config.json").write_bytes((folder / "config.json").read_bytes())
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    return copy


def test_the_weights_of_the_folder_are_loaded(folder):
    method = Tiny(Options(str(folder)))
    method.setup("cpu")
    for name, tensor in load_file(folder / "model.safetensors").items():
        assert torch.equal(method.model.state_dict()[name], tensor)
    assert method.weights_id() == "local copy tiny-clip"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda weights: weights.pop("text_projection.weight"), r"lacks text_projection\.weight; what lacks"),
        (lambda weights: weights.update(extra=torch.zeros(1)), "holds extra, which the network has no place for"),
        (
            lambda weights: weights.update({"visual_projection.weight": torch.zeros(3, 3)}),
            r"has visual_projection\.weight in another",
        ),
    ],
    ids=["missing", "left over", "another shape"],
)
def test_half_loaded_weights_are_refused_by_name(folder, tmp_path, change, said):
    copy = changed(folder, tmp_path, change)
    with pytest.raises(WeightsError, match=said):
        Tiny(Options(str(copy))).setup("cpu")


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda weight: (weight * 9).to(torch.int8), r"holds visual_projection\.weight as .*8, which is quantised"),
        (lambda weight: weight / 0, r"holds infinite values or NaN in visual_projection\.weight"),
    ],
    ids=["quantised", "not finite"],
)
def test_weights_that_would_load_as_other_numbers_are_refused(folder, tmp_path, name, change, said):
    copy = changed(folder, tmp_path, lambda weights: None)
    (copy / "model.safetensors").unlink()
    weights = load_file(folder / "model.safetensors")
    weights["visual_projection.weight"] = change(weights["visual_projection.weight"])
    save_file(weights, copy / name, metadata={"format": "pt"}) if "safe" in name else torch.save(weights, copy / name)
    with pytest.raises(WeightsError, match=said):
        Tiny(Options(str(copy))).setup("cpu")


def test_shards_of_different_downloads_are_refused(folder, tmp_path):
    copy = changed(folder, tmp_path, lambda weights: None)
    weights = load_file(folder / "model.safetensors")
    (copy / "model.safetensors").unlink()
    names = sorted(weights)
    parts = {"one.safetensors": names[:30], "two.safetensors": names[30:]}
    index = {name: part for part, held in parts.items() for name in held}
    (copy / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    for part, held in parts.items():
        save_file({name: weights[name] for name in held}, copy / part, metadata={"format": "pt"})
    Tiny(Options(str(copy))).setup("cpu")
    save_file({name: weights[name] + 1 for name in names[29:]}, copy / "two.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=rf"both hold {names[29]}, so they are of different downloads"):
        Tiny(Options(str(copy))).setup("cpu")


def test_an_adapter_beside_a_model_or_in_its_place_is_refused(folder, tmp_path):
    copy = changed(folder, tmp_path, lambda weights: None)
    (copy / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    with pytest.raises(WeightsError, match=r"adapter_config\.json says that there is an adapter.*merge it"):
        Tiny(Options(str(copy))).setup("cpu")
    (copy / "model.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"holds an adapter, such as LoRA, and no model\.safetensors or"):
        Tiny(Options(str(copy))).setup("cpu")
    (copy / "config.json").unlink()
    with pytest.raises(WeightsError, match=r"holds an adapter, such as LoRA, and no config\.json; merge it"):
        Tiny(Options(str(copy))).setup("cpu")


def test_drawn_weights_depend_on_their_seed_alone_and_need_no_weights(folder, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "config.json").write_bytes((folder / "config.json").read_bytes())
    methods = [Tiny(Options(f"random:{seed}:{bare}")) for seed in (1, 1, 2)]
    states = []
    for number, method in enumerate(methods):
        torch.manual_seed(number)
        before = torch.random.get_rng_state()
        method.setup("cpu")
        assert torch.equal(before, torch.random.get_rng_state())
        states.append(method.model.state_dict()["visual_projection.weight"])
    assert torch.equal(states[0], states[1])
    assert not torch.equal(states[0], states[2])
    assert methods[0].weights_fingerprint() == methods[1].weights_fingerprint() != methods[2].weights_fingerprint()
    assert methods[0].weights_id() == "random:1:local copy bare (drawn)"
    assert methods[0].trained_on == ()


@pytest.mark.parametrize("weights", ["random:", "random:one", "random:-1"])
def test_drawn_weights_without_a_seed_are_refused(weights):
    with pytest.raises(WeightsError, match="names no seed; write random:SEED"):
        Tiny(Options(weights))


def test_an_index_that_names_no_files_is_refused(folder, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / "config.json").write_bytes((folder / "config.json").read_bytes())
    (copy / "model.safetensors.index.json").write_text('{"metadata": {}}')
    with pytest.raises(WeightsError, match="has no weight_map, which names the files of the weights; get the file"):
        Tiny(Options(str(copy))).setup("cpu")


def test_a_folder_that_is_not_there_is_not_only_called_a_repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(
        WeightsError, match=r"^models/tiny is no folder here, and as a repository it is not to be had: "
    ):
        Tiny(Options("models/tiny")).setup("cpu")
