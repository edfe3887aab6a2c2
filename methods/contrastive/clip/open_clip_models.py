"""Models of open_clip: a preset, a name of open_clip's, the hub or a folder; and loading them from there."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....core import MethodError, WeightsError, unknown_name
from ....core.fingerprint import digest, file_digest, tree_digest
from ....core.json_text import parse_json
from ....core.paths import user_path
from ....core.regular import read_regular
from ...hub import asks_for_code, code_refused, first_sentence, local_folder, mistaken_file, no_foreign_code
from ...random_weights import drawing, drawn_id, random_weights
from .frame import OpenClipFrame
from .presets import CONFIG as _CONFIG
from .presets import PRESETS, Preset
from .source import Loaded
from .towers import refusal, unsuited_config

_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pth")
_READ_SUFFIXES = (*_WEIGHT_SUFFIXES, ".json", ".txt", ".model")
_FOLDER_CONTENT = f"{_CONFIG} and the weights, as open_clip's local-dir: takes them"


@dataclass(frozen=True)
class OpenClipSource:
    """One place that a model is loaded from; of `preset`, `folder`, `hub_id` and `architecture` exactly one is set.

    Attributes:
        spec: What the user wrote, for messages.
        preset: A model known by a short name.
        folder: A folder as open_clip's ``local-dir:`` takes it: configuration, weights, and tokenizer files if the
            model's tokenizer is one of Hugging Face. Where its text tower is too, that tower's ``config.json`` may lie
            in a sub-folder named like the last part of its hub id; otherwise open_clip asks the hub for it.
        hub_id: A repository on the hub, in its present state.
        architecture: open_clip's name of an architecture, with `pretrained`, its name of the weights.
        pretrained: See `architecture`.
        seed: Of weights that are drawn in place of trained ones; None where they are not.
        pooled: Whether models that pool with attention are wanted, and not those that do not.
    """

    spec: str
    preset: Preset | None = None
    folder: Path | None = None
    hub_id: str | None = None
    architecture: str | None = None
    pretrained: str | None = None
    seed: int | None = None
    pooled: bool = False

    @classmethod
    def parse(cls, model: str, weights: str = "", *, pooled: bool = False) -> OpenClipSource:
        """The source that the options name; `weights`, a folder, stands in for whatever `model` says.

        Raises:
            MethodError: If `model` has none of the forms that it may have.
            WeightsError: If drawn weights are asked for, and their architecture is not known.
        """
        drawn = random_weights(weights)
        seed = None if drawn is None else drawn.seed
        place = weights if drawn is None else drawn.place
        if place or model.startswith("local-dir:"):
            return cls(model, folder=user_path(place or model.removeprefix("local-dir:")), seed=seed, pooled=pooled)
        if model in PRESETS:
            return cls(model, preset=PRESETS[model], seed=seed, pooled=pooled)
        if model.startswith("hf-hub:"):
            return cls(model, hub_id=model.removeprefix("hf-hub:"), seed=seed, pooled=pooled)
        architecture, _, pretrained = model.rpartition("/")
        if not architecture or not pretrained:
            kind, names = ("siglip", "") if pooled else ("clip", f"{', '.join(PRESETS)}, ")
            raise MethodError(
                f"the {kind} model {model!r} is none of {names}NAME/PRETRAINED (of open_clip), local-dir:DIR and "
                "hf-hub:ID"
            )
        return cls(model, architecture=architecture, pretrained=pretrained, seed=seed, pooled=pooled)

    @property
    def weights(self) -> str:
        """What is published as the weights' name: a hub id, or the folder."""
        if self.preset is not None:
            return str(self.preset.hub) if self.preset.hub is not None else self.spec
        return str(self.folder) if self.folder is not None else self.spec

    @property
    def trained_on(self) -> tuple[str, ...]:
        """Of a preset with its own weights."""
        return self.preset.trained_on if self.preset is not None and self.seed is None else ()

    @property
    def licence(self) -> str:
        """Of a preset."""
        return self.preset.licence if self.preset is not None else "not stated"

    @property
    def citation(self) -> str:
        """Of a preset."""
        return self.preset.citation if self.preset is not None else ""

    def weights_id(self) -> str:
        """The weights' name for publication: of a folder the last part only."""
        folder = f"local copy {self.folder.name}" if self.folder is not None else ""
        # Of drawn weights without a folder, the option `model` names the architecture.
        return folder or self.weights if self.seed is None else drawn_id(self.seed, folder)

    def places(self) -> list[Path]:
        """The user's folder."""
        return [self.folder] if self.folder is not None else []

    def fingerprint(self, method: str) -> str:
        """What tells these weights from others; of a folder, the SHA-256 of what would be read.

        Raises:
            WeightsError: If the folder does not exist.
        """
        if self.seed is not None:
            return f"random {self.seed} {self._fingerprint(method)}"
        return self._fingerprint(method)

    def load(self, method: str, changes: Mapping[str, Any]) -> Loaded:
        """The model on the CPU, in float32 and evaluation mode.

        Args:
            method: The method's name, for messages.
            changes: To its frame.

        Raises:
            WeightsError: If files are missing, unreachable or unusable.
            MethodError: If the architecture cannot ground phrases.
        """
        size = changes.get("size")
        if self.preset is not None:
            if self.seed is not None or self.preset.hub is None:
                return self._without_files(method, self.preset, {**self.preset.frame, **changes})
            folder = self.preset.hub.fetch(method)
            if self.preset.architecture is None:
                return self._load(method, f"local-dir:{folder}", changes, size, folder=folder)
            (names,) = self.preset.hub.required
            return self._load(method, self.preset.architecture, changes, size, str(folder / names[0]))
        if self.folder is not None:
            return self._load(method, f"local-dir:{self.folder}", changes, size, folder=self._checked_folder(method))
        if self.hub_id is not None:
            return self._load(method, f"hf-hub:{self.hub_id}", changes, size)
        architecture, pretrained = self._known_names()
        return self._load(method, architecture, changes, size, pretrained if self.seed is None else None)

    def _without_files(self, method: str, preset: Preset, changes: Mapping[str, Any]) -> Loaded:
        if self.seed is None:
            raise WeightsError(
                f"method {method} needs the file of the model {self.spec} from its authors: --set weights=FILE"
            )
        if preset.architecture is None:
            raise WeightsError(
                f"method {method} does not know the architecture of the model {self.spec} without its files; write "
                f"weights=random:{self.seed}:DIR with a folder that holds {_FOLDER_CONTENT}"
            )
        return self._load(method, preset.architecture, changes, changes.get("size"))

    def _fingerprint(self, method: str) -> str:
        if self.preset is not None:
            hub = self.preset.hub.fingerprint() if self.preset.hub is not None else self.spec
            return "+".join(filter(None, [hub, self.preset.architecture]))
        if self.folder is None:
            return f"open_clip {self.spec}"
        folder = local_folder(str(self.folder), method, _FOLDER_CONTENT)
        suffixes = _READ_SUFFIXES if self.seed is None else tuple(set(_READ_SUFFIXES) - set(_WEIGHT_SUFFIXES))
        read = sorted(path for path in folder.iterdir() if path.suffix in suffixes and path.is_file())
        found = [(path.name, file_digest(path)) for path in read]
        text = _text_folder(folder)
        return digest(found, tree_digest(text) if text is not None else "")

    def _load(
        self,
        method: str,
        name: str,
        changes: Mapping[str, Any],
        size: int | None,
        pretrained: str | None = None,
        folder: Path | None = None,
    ) -> Loaded:
        import open_clip

        from ...weight_files import check_values
        from .strict_loading import strict_loading

        overrides: dict[str, Any] = {}
        text = _text_folder(folder) if folder is not None else None
        if folder is not None and text is not None:
            text_cfg = _model_config(folder)["text_cfg"]
            overrides["text_cfg"] = {**text_cfg, "hf_model_name": str(text), "hf_model_pretrained": False}
        drawn = self.seed is not None
        what = f"the model {self.spec if folder is None else f'in {folder}'}"
        if drawn:
            overrides |= {"load_weights": False, "pretrained_text": False}
        try:
            draw = nullcontext() if self.seed is None else drawing(self.seed)
            with _quiet(), no_foreign_code(), strict_loading(what, resized=size is not None), draw:
                model: Any = open_clip.create_model(
                    name, pretrained=pretrained, require_pretrained=not drawn, force_image_size=size, **overrides
                )
                tokenizer = open_clip.get_tokenizer(name)
        except WeightsError:
            raise
        except Exception as error:  # open_clip and what it calls raise many types for files they cannot get or use
            raise self._unloadable(method, folder, error) from error
        check_values(model, what)
        return Loaded(model.eval(), tokenizer, OpenClipFrame(dict(model.visual.preprocess_cfg)).changed(changes))

    def _checked_folder(self, method: str) -> Path:
        folder = local_folder(str(self.folder), method, _FOLDER_CONTENT)
        here = f"the folder {folder}, given with --set weights=DIR or local-dir:DIR"
        if not (folder / _CONFIG).is_file():
            raise WeightsError(
                f"method {method} finds no {_CONFIG} in {here}; it must hold {_FOLDER_CONTENT}, or a model as "
                "transformers' save_pretrained writes it"
            )
        if self.seed is None and not any(path.suffix in _WEIGHT_SUFFIXES for path in folder.iterdir()):
            kinds = ", ".join(f"*{suffix}" for suffix in _WEIGHT_SUFFIXES)
            raise WeightsError(f"method {method} finds no weights ({kinds}) in {here}; it must hold {_FOLDER_CONTENT}")
        if not self.pooled and (reason := unsuited_config(_model_config(folder))):
            raise refusal(self.spec, reason)
        return folder

    def _known_names(self) -> tuple[str, str]:
        import open_clip

        architecture, pretrained = str(self.architecture).replace("/", "-"), str(self.pretrained)
        config = open_clip.get_model_config(architecture)
        if config is None:
            raise unknown_name("open_clip model", architecture, open_clip.list_models())
        if not self.pooled and (reason := unsuited_config(config)):
            raise refusal(self.spec, reason)
        if (
            self.seed is not None
            or open_clip.get_pretrained_cfg(architecture, pretrained)
            or Path(pretrained).is_file()
        ):
            return architecture, pretrained
        tags = open_clip.list_pretrained_tags_by_model(architecture)
        raise unknown_name(f"weights of the open_clip model {architecture}", pretrained, tags)

    def _unloadable(self, method: str, folder: Path | None, error: Exception) -> WeightsError:
        if asks_for_code(error):
            inner = [folder, _text_folder(folder)] if folder is not None else []
            reason = code_refused(*(one for one in inner if one is not None))
            return WeightsError(f"method {method} cannot load the model {self.spec}: {reason}")
        if folder is not None and (found := mistaken_file(folder)):
            return WeightsError(f"method {method} cannot load the model {self.spec}: {found}")
        if "in loading state_dict" in str(error):  # of torch
            differ = " ".join(line.strip() for line in str(error).splitlines()[1:2]).rstrip(". ")
            return WeightsError(
                f"method {method} cannot load the model {self.spec}: {differ}; give the weights and the configuration "
                "that belong together"
            )
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
