"""The folders that cases of `gpu_models.py` name: small networks and vocabularies, as the hub lays them out."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from groundcxr import load_dataset

TESTS = Path(__file__).parents[1] / "tests"
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
BERT = {"model_type": "bert", "hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12}
CXR_BERT = {**BERT, "model_type": "cxr-bert", "projection_size": 128, "max_position_embeddings": 512}


def save_folders(folder: Path, settings: Iterable[str]) -> None:
    """Write those that settings name, without weights where these are drawn.

    Args:
        folder: A new one.
        settings: Values of options: "@NAME" in one is a folder, "random:0:@NAME" one whose weights are drawn.
    """
    folder.mkdir(parents=True)
    named = {found for one in settings for found in re.findall(r"(random:\d+:)?@([\w.-]+)", one)}
    for drawn, name in sorted(named):
        MAKERS[name](folder / name)
        for file in (folder / name).rglob("*.safetensors") if drawn else ():
            file.unlink()


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


def _vlm(folder: Path) -> None:
    folder.mkdir()
    torch.manual_seed(0)
    _of_tests("methods/boxes/vlm/conftest.py").FAMILIES[folder.name](folder)


def _clip(vision: dict[str, Any]) -> Callable[[Path], None]:
    def save(folder: Path) -> None:
        folder.mkdir()
        text = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
        model = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}
        preprocess = {"mean": (0.5,) * 3, "std": (0.5,) * 3, "interpolation": "bicubic", "resize_mode": "shortest"}
        config = {"model_cfg": model, "preprocess_cfg": preprocess}
        (folder / "open_clip_config.json").write_text(json.dumps(config))

    return save


def _diffusion(name: str) -> Callable[[Path], None]:
    return lambda folder: getattr(_of_tests("methods/diffusion/ldm/tiny.py"), name)(folder)


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
    "sd": _diffusion("save_sd_pipeline"),
    "sd-cxr-bert": _diffusion("save_cxr_bert_pipeline"),
    "clip": _clip({"image_size": 64, "layers": 7, "width": 64, "patch_size": 8, "head_width": 32}),
    "clip-timm": _clip({"timm_model_name": "test_vit", "image_size": 160, "timm_pool": "", "timm_proj": "linear"}),
    "sam": _sam,
    "florence": lambda folder: _of_tests("methods/boxes/florence/folders.py").write_native(folder),
    **dict.fromkeys(("grounding_dino", "mm_grounding_dino", "owl_vit", "owlv2", "omdet_turbo"), _prompted),
    **dict.fromkeys(("clipseg", "sam3"), _prompted),
    **dict.fromkeys(("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "gemma3"), _vlm),
    **dict.fromkeys(("paligemma", "kosmos2", "internvl", "llava_onevision"), _vlm),
}
