"""The methods that part 1 of `benchmarks/gpu.sh` asks on both devices, with the same weights on every machine.

Small networks are those of the tests, saved as the hub lays them out, and carried along. Large ones have their real
size, which would be too much to carry: each weight is drawn from its name by NumPy, whose draws are the same
everywhere, after the method has built its network from `weights=random:0`.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from groundcxr import GroundingMethod, load_dataset
from groundcxr.methods.loading import build_method

TESTS = Path(__file__).parents[1] / "tests"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
BERT = {"model_type": "bert", "hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
CXR_BERT = {**BERT, "model_type": "cxr-bert", "projection_size": 128, "max_position_embeddings": 512}
BYTES = {"max_new_tokens": "6"}


@dataclass(frozen=True)
class Case:
    """One method of the comparison.

    Attributes:
        method: Its name.
        settings: Its options; a place that begins with "@" is a folder of the models.
        drawn: Whether its weights are drawn by their names.
        gains: What drawn weights are multiplied by, by a part of their names: so that no softmax of theirs is all but
            0 and 1, which turns the rounding of a device into another answer.
        samples: How many samples it is asked about at the most; those that write an answer token by token take long.
    """

    method: str
    settings: dict[str, str] = field(default_factory=dict)
    drawn: bool = False
    gains: dict[str, float] = field(default_factory=dict)
    samples: int = 10_000

    def build(self, models: Path) -> GroundingMethod:
        """The method; it draws its weights when it is set up, and is set up once."""
        settings = {key: value.replace("@", f"{models}/") for key, value in self.settings.items()}
        method = build_method(self.method, settings)
        usual, done = method.setup, []

        def setup(device: str) -> None:
            if not done:
                usual(device)
                if self.drawn:
                    draw(method, self.gains)
                done.append(device)

        method.setup = setup
        return method


CHEST = {"weights": "random:0", "text": "@bert"}
CASES = {
    "clip-phantom": Case("clip-phantom"),
    "ldm-phantom": Case("ldm-phantom", {"steps": "30"}),
    "ldm-phantom, noise-once": Case("ldm-phantom", {"steps": "30", "extraction": "noise-once"}),
    "ldm-phantom, noise-difference": Case("ldm-phantom", {"extraction": "noise-difference"}),
    "ldm-phantom, bimodal": Case("ldm-phantom", {"steps": "20", "extraction": "bimodal"}, samples=12),
    "biovil": Case("biovil", {"weights": "random:0:@cxr-bert"}, drawn=True),
    "biovil-t": Case("biovil-t", {"weights": "random:0:@cxr-bert"}, drawn=True),
    "clip ViT-B/16": Case("clip", {"model": "ViT-B-16-quickgelu/drawn", "weights": "random:0"}, drawn=True),
    "gloria": Case("gloria", CHEST, drawn=True, gains={"local_embedder": 0.1}),
    "carzero": Case("carzero", CHEST, drawn=True),
    "afloc": Case("afloc", CHEST, drawn=True),
    "kad": Case("kad", CHEST, drawn=True),
    "maco": Case("maco", {**CHEST, "text": "@words.json"}, drawn=True),
    "cxr-clip": Case("cxr-clip", CHEST, drawn=True),
    "gradcam of clip-phantom": Case("gradcam", {"method": "clip-phantom"}),
    "siglip": Case("siglip", {"weights": "@siglip"}),
    "radzero": Case("radzero", {"weights": "@radzero"}),
    "dit, PixArt": Case("dit", {"weights": "@pixart", "steps": "10"}),
    "dit, Sana": Case("dit", {"weights": "@sana", "steps": "10"}),
    "detector, GroundingDINO": Case("detector", {"weights": "@grounding_dino"}),
    "detector, OWLv2": Case("detector", {"weights": "@owlv2"}, samples=20),
    "segmenter, CLIPSeg": Case("segmenter", {"weights": "@clipseg"}),
    "sam of clip-phantom": Case("sam", {"method": "clip-phantom", "weights": "@sam"}),
    "florence": Case("florence", {"weights": "@florence", "preset": "florence2", **BYTES}, samples=20),
    "vlm, Qwen2-VL": Case(
        "vlm", {"weights": "@qwen2_vl", "preset": "qwen2_vl", "dtype": "float32", **BYTES}, samples=20
    ),
}
SMOKE = ("clip-phantom", "ldm-phantom", "detector, OWLv2")
"""What the smoke test asks: a method of maps of its own size, one of maps of the image's, one of boxes."""


def save_models(folder: Path, names: tuple[str, ...]) -> None:
    """Write the small networks, and the vocabularies of the large ones, that cases need."""
    folder.mkdir(parents=True)
    wanted = " ".join(value for name in names for value in CASES[name].settings.values())
    for name, save in MAKERS.items():
        if f"@{name}" in wanted:
            save(folder / name)


def draw(method: GroundingMethod, gains: dict[str, float]) -> None:
    """Give every weight of a method's networks values that follow from its name."""
    for where, network in _networks(vars(method)):
        for name, weight in network.state_dict(keep_vars=True).items():
            if not weight.is_floating_point():
                continue
            rng = np.random.default_rng(zlib.crc32(f"{where}.{name}".encode()))
            values = rng.random(tuple(weight.shape), dtype=np.float32) * 2 - 1
            if weight.ndim > 1:  # so that what goes through stays as large as it was, about
                values *= (3 / (weight.numel() / weight.shape[0])) ** 0.5
            elif name.endswith(("weight", "running_var")):
                values = 1 + values / 10
            else:
                values /= 10
            for part, gain in gains.items():
                values = values * np.float32(gain) if part in name else values
            with torch.no_grad():
                weight.copy_(torch.from_numpy(np.asarray(values)))


def _networks(held: dict[str, Any], where: str = "") -> Iterator[tuple[str, torch.nn.Module]]:
    for name, value in held.items():
        if isinstance(value, torch.nn.Module):
            yield f"{where}{name}", value
        elif isinstance(value, dict):
            yield from _networks(value, f"{where}{name}.")
        elif hasattr(value, "__dict__") and type(value).__module__.startswith("groundcxr."):
            yield from _networks(vars(value), f"{where}{name}.")


def _words() -> list[str]:
    phrases = {sample.phrase.lower() for sample in load_dataset("phantom")}
    return [*SPECIAL, *sorted({word for phrase in phrases for word in phrase.replace(",", " ").split()})]


def _bert(folder: Path, config: dict[str, Any] = BERT) -> None:
    folder.mkdir()
    words = _words()
    settings = {"num_hidden_layers": 4, **config, "vocab_size": len(words)}
    (folder / "config.json").write_text(json.dumps({"max_position_embeddings": 256, **settings}))
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer"}))


def _cxr_bert(folder: Path) -> None:
    _bert(folder, {**CXR_BERT, "num_hidden_layers": 12, "architectures": ["CXRBertModel"]})


def _word_list(file: Path, most: int | None = None) -> None:
    vocabulary = {word: number for number, word in enumerate(_words()[:most])}
    content = {"version": "1.0", "added_tokens": [], "normalizer": {"type": "Lowercase"}}
    content["pre_tokenizer"] = {"type": "Whitespace"}
    content["model"] = {"type": "WordLevel", "vocab": vocabulary, "unk_token": SPECIAL[1]}
    file.write_text(json.dumps(content))


def _siglip(folder: Path) -> None:
    shutil.copytree(TESTS / "data/clip_maps/siglip", folder)
    _word_list(folder / "tokenizer.json", 64)
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": SPECIAL[0], "unk_token": SPECIAL[1]}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def _radzero(folder: Path) -> None:
    shutil.copytree(TESTS / "data/radzero", folder, ignore=shutil.ignore_patterns("*.npz", "case.json", "vocab.json"))
    words = json.loads((TESTS / "data/radzero/vocab.json").read_text())
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")


def _prompted(folder: Path) -> None:
    folder.mkdir()
    torch.manual_seed(7)
    model, processor = _of_tests("methods/boxes/prompted/conftest.py").MAKERS[folder.name](folder)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.25)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


def _sam(folder: Path) -> None:
    _of_tests("methods/refine/tiny.py").save_sam(folder)
    weights = load_file(folder / "model.safetensors")
    for name, weight in weights.items():
        if ".output_hypernetworks_mlps." in name and ".proj_out." in name:
            weight.mul_(100)  # as drawn all places are all but alike, and their order is that of rounding
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def _qwen(folder: Path) -> None:
    folder.mkdir()
    torch.manual_seed(0)
    _of_tests("methods/boxes/vlm/conftest.py").qwen2_vl(folder)


def _of_tests(path: str) -> Any:
    """A module of the tests, which are no package."""
    spec = importlib.util.spec_from_file_location(f"groundcxr_tests_{Path(path).stem}", TESTS / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKERS = {
    "bert": _bert,
    "cxr-bert": _cxr_bert,
    "words.json": _word_list,
    "siglip": _siglip,
    "radzero": _radzero,
    "pixart": lambda folder: _of_tests("methods/diffusion/dit/tiny.py").save_pixart(folder),
    "sana": lambda folder: _of_tests("methods/diffusion/dit/tiny.py").save_sana(folder),
    "sam": _sam,
    "florence": lambda folder: _of_tests("methods/boxes/florence/folders.py").write_native(folder),
    "grounding_dino": _prompted,
    "owlv2": _prompted,
    "clipseg": _prompted,
    "qwen2_vl": _qwen,
}
