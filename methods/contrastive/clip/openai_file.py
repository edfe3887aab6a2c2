"""A file with the state dict of a CLIP model in OpenAI's layout, such as CheXzero's; shapes say the architecture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....core import WeightsError
from ....core.fingerprint import digest, file_digest
from .frame import OpenClipFrame
from .presets import Preset
from .source import Loaded

if TYPE_CHECKING:
    import torch

FILES = (".pt", ".pth", ".bin", ".safetensors")
"""How files of weights end."""
# Numbers that OpenAI saved with the weights.
_NUMBERS = ("input_resolution", "context_length", "vocab_size")
_HEAD_WIDTH = 64


class FileSource:
    """One file that the user names."""

    def __init__(self, path: Path, preset: Preset | None) -> None:
        """Take the file.

        Args:
            path: The file.
            preset: The model that it is of, where the user names one that comes as a file.
        """
        self.path = path
        self.spec = path.name
        self.weights = str(path)
        known = preset if preset is not None and preset.hub is None else None
        self.trained_on = known.trained_on if known else ()
        self.licence = known.licence if known else "not stated"
        self.citation = known.citation if known else ""
        self._frame = dict(known.frame) if known else {}

    def fingerprint(self, method: str) -> str:
        """The file's SHA-256, with what its preset says of the input.

        Raises:
            WeightsError: If the file does not exist.
        """
        if not self.path.is_file():
            raise WeightsError(f"method {method} finds no file {self.path}, given with --set weights=FILE")
        content = file_digest(self.path)
        return digest(content, self._frame) if self._frame else content

    def weights_id(self) -> str:
        """The file's name."""
        return f"local copy {self.path.name}"

    def places(self) -> list[Path]:
        """The file."""
        return [self.path]

    def load(self, method: str, changes: Mapping[str, Any]) -> Loaded:
        """The model on the CPU, in float32 and evaluation mode.

        Raises:
            WeightsError: If the file cannot be read, or is no state dict of a CLIP vision transformer in that layout.
        """
        import open_clip
        from open_clip.model import resize_pos_embed

        from ...state import load_exactly, read_weights

        state = {name: value for name, value in read_weights(self.path).items() if name not in _NUMBERS}
        settings, context_length = _architecture(state, method, self.path)
        changes = {**self._frame, **changes}
        if "size" in changes:
            settings["vision_cfg"]["image_size"] = changes["size"]
        model = open_clip.CLIP(**settings, quick_gelu=True).eval()
        resize_pos_embed(state, model)
        load_exactly(model, state, f"the model in {self.path}")
        preprocess = {"size": model.visual.image_size, "interpolation": "bicubic", "resize_mode": "shortest"}
        return Loaded(
            model.float(),
            open_clip.SimpleTokenizer(context_length=context_length),
            OpenClipFrame(
                {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD, **preprocess}
            ).changed(changes),
        )


def _architecture(state: Mapping[str, torch.Tensor], method: str, path: Path) -> tuple[dict[str, Any], int]:
    """The arguments of open_clip's `CLIP`, and the context length, by the shapes of OpenAI's layout."""
    import open_clip

    needed = ("visual.conv1.weight", "visual.positional_embedding", "visual.proj", "text_projection")
    needed = (*needed, "positional_embedding", "token_embedding.weight", "ln_final.weight")
    lacking = [name for name in needed if name not in state]
    if lacking:
        raise WeightsError(
            f"method {method} reads one file of weights where it is the state dict of a CLIP vision transformer in "
            f"OpenAI's layout, such as CheXzero's, and {path} holds no {lacking[0]}; give such a file, or a folder "
            "with the model's configuration"
        )
    convolution, positions = state["visual.conv1.weight"].shape, state["visual.positional_embedding"].shape
    side = round(max(positions[0] - 1, 0) ** 0.5)
    words, known = len(state["token_embedding.weight"]), open_clip.SimpleTokenizer().vocab_size
    if len(convolution) != 4 or side**2 != positions[0] - 1 or not _blocks(state, "visual.") or words != known:
        raise WeightsError(
            f"{path} is not the state dict of a CLIP vision transformer in OpenAI's layout, as its names say: "
            f"visual.conv1.weight has {len(convolution)} axes (4), visual.positional_embedding {positions[0]} places "
            f"(a square and 1), visual.transformer {_blocks(state, 'visual.')} blocks, token_embedding.weight {words} "
            f"words ({known}); give such a file, or a folder with the model's configuration"
        )
    width, _, _, patch = convolution
    text_width = len(state["ln_final.weight"])
    context_length = len(state["positional_embedding"])
    vision = {"layers": _blocks(state, "visual."), "width": width, "patch_size": patch, "image_size": patch * side}
    text = {
        "context_length": context_length,
        "vocab_size": words,
        "width": text_width,
        "heads": text_width // _HEAD_WIDTH,
        "layers": _blocks(state, ""),
    }
    return {"embed_dim": state["text_projection"].shape[1], "vision_cfg": vision, "text_cfg": text}, context_length


def _blocks(state: Mapping[str, torch.Tensor], prefix: str) -> int:
    start = f"{prefix}transformer.resblocks."
    return len({name[len(start) :].partition(".")[0] for name in state if name.startswith(start)})
