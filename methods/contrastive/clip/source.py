"""Where a CLIP model comes from: a preset, an open_clip name, the hub or a folder; and loading it from there."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....core import MethodError, WeightsError, unknown_name
from ....core.fingerprint import digest, file_digest, tree_digest
from ....core.json_text import parse_json
from ....core.paths import user_path
from ....core.regular import read_regular
from ...hub import HubFiles, asks_for_code, code_refused, first_sentence, local_folder, no_foreign_code
from .towers import refusal, unsuited_config

_CONFIG = "open_clip_config.json"
_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pth")
_READ_SUFFIXES = (*_WEIGHT_SUFFIXES, ".json", ".txt", ".model")
_FOLDER_CONTENT = f"{_CONFIG} and the weights, as open_clip's local-dir: takes them"


@dataclass(frozen=True)
class Preset:
    """A model known by a short name, at a pinned revision.

    Attributes:
        hub: Its repository.
        architecture: open_clip's name of the architecture; None where the repository's configuration says it.
        trained_on: Data sets that the weights have seen.
        licence: Of the weights.
        citation: BibTeX.
    """

    hub: HubFiles
    architecture: str | None
    trained_on: tuple[str, ...]
    licence: str
    citation: str


PRESETS = {
    "openai-vit-b-16": Preset(
        HubFiles(
            "timm/vit_base_patch16_clip_224.openai",
            "977e3dd0ec55ab8da155f2fbeb6b5f54948b6e3d",
            (("open_clip_model.safetensors",),),
            checksums={
                "open_clip_model.safetensors": "sha256:4b8699299b1e8997753c64b052ba32031449d5d853f55a039148560ee02b820f"
            },
        ),
        "ViT-B-16-quickgelu",
        ("WebImageText (OpenAI)",),
        "MIT",
        """@inproceedings{radford2021clip,
  title = {Learning Transferable Visual Models From Natural Language Supervision},
  author = {Radford, Alec and Kim, Jong Wook and Hallacy, Chris and Ramesh, Aditya and Goh, Gabriel and
            Agarwal, Sandhini and Sastry, Girish and Askell, Amanda and Mishkin, Pamela and Clark, Jack and
            Krueger, Gretchen and Sutskever, Ilya},
  booktitle = {International Conference on Machine Learning},
  year = {2021}
}""",
    ),
    "biomedclip": Preset(
        HubFiles(
            "microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224",
            "9f341de24bfb00180f1b847274256e9b65a3a32e",
            ((_CONFIG,), ("open_clip_pytorch_model.bin",), ("tokenizer.json", "vocab.txt")),
            ("tokenizer_config.json", "special_tokens_map.json", "vocab.txt"),
            {"open_clip_pytorch_model.bin": "sha256:52cc993c5c5ff962bd0c60931874bc001e7e9b41666a385530f4a036294576be"},
        ),
        None,
        ("PMC-15M",),
        "MIT",
        """@article{zhang2025biomedclip,
  title = {A Multimodal Biomedical Foundation Model Trained from Fifteen Million Image--Text Pairs},
  author = {Zhang, Sheng and Xu, Yanbo and Usuyama, Naoto and others},
  journal = {NEJM AI},
  year = {2025},
  doi = {10.1056/AIoa2400640}
}""",
    ),
}


@dataclass(frozen=True)
class ClipSource:
    """One place that a model is loaded from; exactly one of `preset`, `folder`, `hub_id` and `architecture` is set.

    Attributes:
        spec: What the user wrote, for messages.
        preset: A pinned model.
        folder: A folder as open_clip's ``local-dir:`` takes it: configuration, weights, and tokenizer files if the
            model's tokenizer is one of Hugging Face. Where its text tower is too, that tower's ``config.json`` may lie
            in a sub-folder named like the last part of its hub id; otherwise open_clip asks the hub for it.
        hub_id: A repository on the hub, in its present state.
        architecture: open_clip's name of an architecture, with `pretrained`, its name of the weights.
        pretrained: See `architecture`.
    """

    spec: str
    preset: Preset | None = None
    folder: Path | None = None
    hub_id: str | None = None
    architecture: str | None = None
    pretrained: str | None = None

    @classmethod
    def parse(cls, model: str, weights: str = "") -> ClipSource:
        """The source that the options name; `weights`, a folder, stands in for whatever `model` says.

        Raises:
            MethodError: If `model` has none of the forms that it may have.
        """
        if weights or model.startswith("local-dir:"):
            return cls(model, folder=user_path(weights or model.removeprefix("local-dir:")))
        if model in PRESETS:
            return cls(model, preset=PRESETS[model])
        if model.startswith("hf-hub:"):
            return cls(model, hub_id=model.removeprefix("hf-hub:"))
        architecture, _, pretrained = model.rpartition("/")
        if not architecture or not pretrained:
            raise MethodError(
                f"the clip model {model!r} is none of {', '.join(PRESETS)}, NAME/PRETRAINED (of open_clip), "
                "local-dir:DIR and hf-hub:ID"
            )
        return cls(model, architecture=architecture, pretrained=pretrained)

    @property
    def weights(self) -> str:
        """What is published as the weights' name: a hub id, or the folder."""
        if self.preset is not None:
            return str(self.preset.hub)
        return str(self.folder) if self.folder is not None else self.spec

    def fingerprint(self, method: str) -> str:
        """What tells these weights from others; of a folder, the SHA-256 of what would be read.

        Raises:
            WeightsError: If the folder does not exist.
        """
        if self.preset is not None:
            return "+".join(filter(None, [self.preset.hub.fingerprint(), self.preset.architecture]))
        if self.folder is None:
            return f"open_clip {self.spec}"
        folder = local_folder(str(self.folder), method, _FOLDER_CONTENT)
        read = sorted(path for path in folder.iterdir() if path.suffix in _READ_SUFFIXES and path.is_file())
        found = [(path.name, file_digest(path)) for path in read]
        text = _text_folder(folder)
        return digest(found, tree_digest(text) if text is not None else "")

    def load(self, method: str) -> tuple[Any, Any]:
        """The model on the CPU, in float32 and evaluation mode, and its tokenizer.

        Args:
            method: The method's name, for messages.

        Raises:
            WeightsError: If files are missing, unreachable or unusable.
            MethodError: If the architecture cannot ground phrases.
        """
        if self.preset is not None:
            folder = self.preset.hub.fetch(method)
            if self.preset.architecture is None:
                return self._load(method, f"local-dir:{folder}", folder=folder)
            (names,) = self.preset.hub.required
            return self._load(method, self.preset.architecture, str(folder / names[0]))
        if self.folder is not None:
            return self._load(method, f"local-dir:{self.folder}", folder=self._checked_folder(method))
        if self.hub_id is not None:
            return self._load(method, f"hf-hub:{self.hub_id}")
        return self._load(method, *self._known_names())

    def _load(
        self, method: str, name: str, pretrained: str | None = None, folder: Path | None = None
    ) -> tuple[Any, Any]:
        import open_clip

        overrides: dict[str, Any] = {}
        text = _text_folder(folder) if folder is not None else None
        if folder is not None and text is not None:
            text_cfg = _model_config(folder)["text_cfg"]
            overrides["text_cfg"] = {**text_cfg, "hf_model_name": str(text), "hf_model_pretrained": False}
        try:
            with _quiet(), no_foreign_code():
                model = open_clip.create_model(name, pretrained=pretrained, require_pretrained=True, **overrides)
                tokenizer = open_clip.get_tokenizer(name)
        except Exception as error:  # open_clip and what it calls raise many types for files they cannot get or use
            raise self._unloadable(method, folder, error) from error
        return model.eval(), tokenizer

    def _checked_folder(self, method: str) -> Path:
        folder = local_folder(str(self.folder), method, _FOLDER_CONTENT)
        here = f"the folder {folder}, given with --set weights=DIR or local-dir:DIR"
        if not (folder / _CONFIG).is_file():
            raise WeightsError(f"method {method} finds no {_CONFIG} in {here}; it must hold {_FOLDER_CONTENT}")
        if not any(path.suffix in _WEIGHT_SUFFIXES for path in folder.iterdir()):
            kinds = ", ".join(f"*{suffix}" for suffix in _WEIGHT_SUFFIXES)
            raise WeightsError(f"method {method} finds no weights ({kinds}) in {here}; it must hold {_FOLDER_CONTENT}")
        if reason := unsuited_config(_model_config(folder)):
            raise refusal(self.spec, reason)
        return folder

    def _known_names(self) -> tuple[str, str]:
        import open_clip

        architecture, pretrained = str(self.architecture).replace("/", "-"), str(self.pretrained)
        config = open_clip.get_model_config(architecture)
        if config is None:
            raise unknown_name("open_clip model", architecture, open_clip.list_models())
        if reason := unsuited_config(config):
            raise refusal(self.spec, reason)
        if open_clip.get_pretrained_cfg(architecture, pretrained) or Path(pretrained).is_file():
            return architecture, pretrained
        tags = open_clip.list_pretrained_tags_by_model(architecture)
        raise unknown_name(f"weights of the open_clip model {architecture}", pretrained, tags)

    def _unloadable(self, method: str, folder: Path | None, error: Exception) -> WeightsError:
        if asks_for_code(error):
            inner = [folder, _text_folder(folder)] if folder is not None else []
            reason = code_refused(*(one for one in inner if one is not None))
            return WeightsError(f"method {method} cannot load the model {self.spec}: {reason}")
        if self.folder is not None or self.preset is not None:
            place = f"the files of {self.weights}"
            text = _model_config(folder)["text_cfg"].get("hf_model_name") if folder is not None else None
            if text:
                place += f" and config.json of {text} (or in its sub-folder {str(text).rpartition('/')[2]})"
        elif self.hub_id is not None:
            place = f"{_CONFIG} and the weights of the Hugging Face hub repository {self.hub_id}"
        else:
            import open_clip

            known = open_clip.get_pretrained_cfg(str(self.architecture), str(self.pretrained))
            hub_id = known.get("hf_hub", "").rstrip("/")
            place = f"the weights of the Hugging Face hub repository {hub_id}" if hub_id else f"the weights {self.spec}"
        return WeightsError(
            f"method {method} cannot load the model {self.spec}, which needs {place} ({first_sentence(error)}); "
            f"go online once, or give a folder that holds {_FOLDER_CONTENT}, with --set weights=DIR"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps open_clip from logging the errors that it raises as well."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        yield
    finally:
        logging.disable(before)


def _model_config(folder: Path) -> dict[str, Any]:
    path = folder / _CONFIG
    try:
        config = parse_json(read_regular(path))["model_cfg"]
        if not isinstance(config["vision_cfg"], dict) or not isinstance(config["text_cfg"], dict):
            raise TypeError("vision_cfg and text_cfg must be objects")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"{path} is no open_clip configuration ({type(error).__name__}: {error}); it must hold model_cfg with "
            "vision_cfg and text_cfg"
        ) from error
    return config


def _text_folder(folder: Path) -> Path | None:
    """The sub-folder with the configuration of a Hugging Face text tower, if there is one."""
    if not (folder / _CONFIG).is_file():
        return None
    name = _model_config(folder)["text_cfg"].get("hf_model_name")
    inner = folder / str(name).rpartition("/")[2] if name else None
    return inner if inner is not None and (inner / "config.json").is_file() else None
