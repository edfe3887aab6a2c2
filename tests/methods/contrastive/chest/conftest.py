"""Checkpoints in the layouts of the authors' own files, of full width with made-up weights, written once."""

from __future__ import annotations

import json
import sys
import types
import zlib
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from groundcxr.core import Query, Radiograph
from groundcxr.methods.loading import build_method
from groundcxr.methods.state import read_checkpoint

STORED = Path(__file__).parents[3] / "data" / "chest_maps"
CONFIGURED = ("gloria", "carzero", "afloc")
SECTIONS = ("state_dict", "image_encoder", "text_encoder", "model")


@dataclass
class Case:
    """One network as its authors would publish it, and what their own code answered.

    Attributes:
        folder: Where the checkpoint and the folder of the tokenizer are.
        file: The checkpoint.
        text: The tokenizer's place.
        facts: Phrases and the like.
        expected: Arrays of the authors' code.
    """

    folder: Path
    file: Path
    text: Path
    facts: dict
    expected: dict

    def images(self) -> list[Radiograph]:
        """One portrait, one landscape."""
        return [Radiograph.open(STORED / f"{self.folder.name}_image{number}.png") for number in range(2)]

    def queries(self) -> list[Query]:
        """Both phrases about the one, then about the other."""
        return [Query(image, phrase, "") for image in self.images() for phrase in self.facts["phrases"]]


@pytest.fixture(scope="session")
def case(tmp_path_factory):
    """The case of a method, by its name; made when it is first asked for."""
    root = tmp_path_factory.mktemp("chest")

    @cache
    def made(name: str) -> Case:
        folder = root / name
        folder.mkdir()
        facts = json.loads((STORED / f"{name}.json").read_text())
        expected = dict(np.load(STORED / f"{name}_expected.npz"))
        file = folder / ("last.ckpt" if name in CONFIGURED else "best.pt")
        with omegaconf() as config:
            torch.save(published(name, weights(facts), config), file)
        if facts["phrases"] is None:
            tokens = ([token for token in ids if token] for ids in expected["input_ids"].tolist())
            facts["phrases"] = [" ".join(f"t{token}" for token in ids) for ids in tokens]
        return Case(folder, file, write_text(folder, facts), facts, expected)

    return made


@pytest.fixture(scope="session")
def loaded(case):
    """The method of a name, set up on the cpu with its case's checkpoint; one object for all tests."""

    @cache
    def made(name: str):
        found = case(name)
        method = build_method(name, {"weights": str(found.file), "text": str(found.text)})
        method.setup("cpu")
        return method

    return made


@pytest.fixture(scope="session")
def together(case, loaded):
    """The answers to both phrases of a case about both images, in one batch; how many images were encoded at once."""

    @cache
    def made(name: str):
        method, encoded = loaded(name), []
        encode = method.embed_images
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(method, "embed_images", lambda images: encoded.append(len(images)) or encode(images))
            return method.ground_batch(case(name).queries()), encoded

    return made


@pytest.fixture(scope="session")
def contents(case):
    """What the checkpoint of a method's case holds, read once."""
    return cache(lambda name: {key: part for key, part in read_checkpoint(case(name).file).items() if key in SECTIONS})


def uniform(seed: int, name: str, shape: list[int]) -> np.ndarray:
    u = np.uint64
    with np.errstate(over="ignore"):
        z = u(seed) * u(0x9E3779B97F4A7C15) + (u(zlib.crc32(name.encode())) << u(32))
        z = (z + np.arange(1, prod(shape) + 1, dtype=u)) * u(0x9E3779B97F4A7C15)
        z = (z ^ (z >> u(30))) * u(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> u(27))) * u(0x94D049BB133111EB)
    z ^= z >> u(31)
    return ((z >> u(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)).reshape(shape)


def weights(facts: dict) -> dict[str, torch.Tensor]:
    """The made-up weights, by the rule that the authors' code was run with."""
    return {name: torch.from_numpy(np.asarray(weight(facts, name, shape))) for name, shape in facts["layout"].items()}


def weight(facts: dict, name: str, shape: list[int]) -> np.ndarray:
    values = uniform(facts["seed"], name, shape)
    if len(shape) >= 2:
        gain = next((gain for text, gain in reversed(facts["gains"]) if text in name), 1)
        return values * np.float32(gain * (3 / prod(shape[1:])) ** 0.5)
    if name.rpartition(".")[2] in ("weight", "running_var", "gamma", "lambda1"):
        return np.float32(1) + np.float32(0.1) * values
    return np.float32(0.1) * values


def published(name: str, state: dict[str, torch.Tensor], config) -> dict:
    """The whole content of the authors' file: wrappers, tensors that stand in it twice, counters, configuration."""
    if name == "maco":
        return {"model": {**state, "WCE.weight": torch.ones(8)}, "epoch": 3}
    counters = {
        f"{key[: -len('running_var')]}num_batches_tracked": torch.tensor(7) for key in state if "running_var" in key
    }
    state = {**state, **counters}
    if name == "kad":
        sections = {"image_encoder": {}, "text_encoder": {}, "model": {}}
        for key, tensor in state.items():
            section, _, rest = key.partition(".")
            sections[section][rest] = tensor
        image = sections["image_encoder"]
        image.update({twin(key): tensor for key, tensor in image.items() if key.startswith("res_features.")})
        image.update({"resnet.fc.weight": torch.zeros(1000, 2048), "resnet.fc.bias": torch.zeros(1000)})
        sections["text_encoder"]["bert_model.embeddings.position_ids"] = torch.arange(256)[None]
        for part in ("weight", "bias"):
            sections["model"][f"decoder.norm.{part}"] = sections["model"][f"decoder_norm.{part}"]
        return {**sections, "optimizer": {"state": {}}, "epoch": 3}
    prefix = next(iter(state)).partition(".")[0]
    state[f"{prefix}.text_encoder.model.embeddings.position_ids"] = torch.arange(128)[None]
    if name == "carzero":
        for part in ("weight", "bias"):
            state[f"CARZero.fusion_module.decoder.norm.{part}"] = state[f"CARZero.fusion_module.decoder_norm.{part}"]
    return {"state_dict": state, "hyper_parameters": config, "epoch": 3}


def twin(key: str) -> str:
    """KAD's other name of a parameter of the ResNet."""
    names = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
    _, number, rest = key.split(".", 2)
    return f"resnet.{names[int(number)]}.{rest}"


@contextmanager
def omegaconf():
    """Within it there are classes of omegaconf's names; gives an object that is pickled as its configurations are.

    A real one names the same classes and the same plain types.
    """
    names = ("dictconfig.DictConfig", "listconfig.ListConfig", "nodes.AnyNode", "base.ContainerMetadata")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "omegaconf", types.ModuleType("omegaconf"))
        made = {}
        for name in names:
            place, _, kind = f"omegaconf.{name}".rpartition(".")
            made[kind] = type(kind, (), {"__module__": place})
            patch.setitem(sys.modules, place, types.ModuleType(place))
            setattr(sys.modules[place], kind, made[kind])

        def one(kind, **content):
            found = made[kind]()
            found.__dict__.update(content)
            return found

        types_said = {"ref_type": Any, "object_type": dict, "key_type": Any, "resolver_cache": defaultdict(dict)}
        about = one("ContainerMetadata", **types_said)
        parts = one("ListConfig", _content=[one("AnyNode", _val=0.5)], _metadata=about)
        yield one("DictConfig", _content={"lr": one("AnyNode", _val=1e-4), "parts": parts}, _metadata=about)


def write_text(folder: Path, facts: dict) -> Path:
    """The place of the text encoder's vocabulary."""
    if "bert" not in facts:
        return write_word_ids(folder, facts)
    text = folder / "text"
    text.mkdir()
    (text / "config.json").write_text(json.dumps(facts["bert"]))
    (text / "vocab.txt").write_text("\n".join(json.loads((STORED / "vocab.json").read_text())) + "\n")
    return text


def write_word_ids(folder: Path, facts: dict) -> Path:
    """A tokenizer that reads "t7" as token 7 and leaves out what the method writes around a phrase."""
    size = facts["layout"]["bert_encoder.model.bert.embeddings.word_embeddings.weight"][0]
    left_out = [{"type": "Replace", "pattern": {"String": text}, "content": ""} for text in ("[CLS] ", ".")]
    content = {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": left_out},
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "model": {"type": "WordLevel", "vocab": {f"t{number}": number for number in range(size)}, "unk_token": "t1"},
    }
    path = folder / "mimic_wordpiece.json"
    path.write_text(json.dumps(content))
    return path
