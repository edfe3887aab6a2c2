"""Checkpoints as they lie on the disk: tensors by name, read without running code of the file."""

from __future__ import annotations

import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from ..core import WeightsError
from ..core.mistaken import HEAD, mistaken_for
from ..core.paths import user_path
from .hub import first_sentence
from .pretrained import check_loaded
from .weight_files import ZIP, check_tensors, refuse_damaged, refuse_infinite, refuse_quantised

# What training scripts pickle beside the weights: configurations (omegaconf, argparse), callbacks of Lightning.
_SKIPPED = (
    "argparse.Namespace",
    "omegaconf.base.ContainerMetadata",
    "omegaconf.base.Metadata",
    "omegaconf.base.SCMode",
    "omegaconf.dictconfig.DictConfig",
    "omegaconf.listconfig.ListConfig",
    "omegaconf.nodes.AnyNode",
    "omegaconf.nodes.BooleanNode",
    "omegaconf.nodes.FloatNode",
    "omegaconf.nodes.IntegerNode",
    "omegaconf.nodes.InterpolationResultNode",
    "omegaconf.nodes.PathNode",
    "omegaconf.nodes.StringNode",
    "pathlib.PosixPath",
    "pathlib.WindowsPath",
    "pytorch_lightning.callbacks.early_stopping.EarlyStopping",
    "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
    "pytorch_lightning.utilities.parsing.AttributeDict",
    "typing.Any",
)
# Of what omegaconf's objects are made, and which they name as their types.
_PLAIN = (bool, defaultdict, dict, float, int, list, set, str, tuple)
_UNSAFE = re.compile(r"(?:Unsupported (?:global: GLOBAL|class) |GLOBAL )([\w.]+)")
# How pickles begin that torch wrote before it wrote archives.
_TORCH_PICKLES = b"\x80\x02"
# Under which training scripts keep the network's state beside the optimiser's.
_NESTED = ("state_dict", "model_state_dict", "model")
# Counts of training steps, and positions that count from 0: versions differ in whether they save them.
_IDLE = (r"\.num_batches_tracked$", r"\.embeddings\.position_ids$")

Renaming = tuple[tuple[str, str], ...]
"""Pairs of a regular expression and its replacement, applied one after another."""


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The state dict in a `.safetensors`, `.pth`, `.pt`, `.ckpt` or `.bin` file, on the CPU; runs no code of the file.

    Args:
        path: The file; a state dict nested under "state_dict", "model_state_dict" or "model" is found.

    Raises:
        WeightsError: If the file does not exist, cannot be read, or holds no state dict.
    """
    found = read_checkpoint(path)
    while isinstance(found, Mapping) and (inner := next((key for key in _NESTED if key in found), None)):
        found = found[inner]
    return state_dict(found, path)


def read_shards(files: Sequence[Path], what: str) -> dict[str, Tensor]:
    """The state dict that files hold together, each as `read_weights` reads it.

    Args:
        files: All files of one network's weights.
        what: How messages call the network.

    Raises:
        WeightsError: As `read_weights` does; if a weight is quantised, or two files hold the same one.
    """
    state: dict[str, Tensor] = {}
    held: dict[str, Path] = {}
    for file in files:
        found = read_weights(file)
        check_tensors(file, ((name, str(tensor.dtype)) for name, tensor in found.items()), what, held)
        state |= found
    return state


def state_dict(found: Any, path: str | Path, section: str = "") -> dict[str, Tensor]:
    """What was read from a file, as a state dict.

    Args:
        found: A file's content, or a part of it.
        path: The file, for messages.
        section: The name of the part, for messages.

    Raises:
        WeightsError: If it is no state dict.
    """
    if not isinstance(found, Mapping) or not found or not all(isinstance(value, Tensor) for value in found.values()):
        where = f" under {section!r}" if section else ""
        raise WeightsError(f"{path} holds no state dict{where}; save the network's state_dict() in it")
    return dict(found)


def read_checkpoint(path: str | Path) -> Any:
    """What a `.safetensors` file or a checkpoint of torch holds, on the CPU; runs no code of the file.

    Training scripts pickle their configuration and callbacks beside the weights. Objects of the classes that they are
    known to use stand in the result as empty `Skipped` objects, whose classes are not imported; a file that names
    anything else is refused.

    Raises:
        WeightsError: If the file does not exist or cannot be read.
    """
    path = user_path(path)
    if path.is_dir():
        raise WeightsError(f"{path} is a folder; give the path of the file of weights in it")
    if not path.is_file():
        raise WeightsError(f"there is no weights file {path}; give the path of a .safetensors, .pth or .pt file")
    refuse_damaged(path)
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        with torch.serialization.safe_globals([*_PLAIN, *((_skipped(name), name) for name in _SKIPPED)]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # both readers raise many types for a damaged file
        if named := _UNSAFE.search(str(error)):
            raise WeightsError(
                f"{path} cannot be read as weights: it asks to run code, {named[1]}, which is never done; get it from "
                "its authors again, or save the state_dict alone"
            ) from error
        reason, help_ = _mistaken(path) or (first_sentence(error), "get the file again")
        raise WeightsError(f"{path} cannot be read as weights: {reason}; {help_}") from error


def _mistaken(path: Path) -> tuple[str, str] | None:
    """Why a file that cannot be read holds no weights, and what helps; None where that does not show."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not head:
        return "it is empty", "get the file again"
    if path.suffix == ".safetensors":
        return mistaken_for(head, "a file of weights")
    if not head.startswith(ZIP):
        # Pickles that torch did not write have a protocol that it does not read either.
        unlike = "it is nothing that torch.save writes", "get the file again, or save the state_dict alone"
        return mistaken_for(head, "a file of weights") or (None if head.startswith(_TORCH_PICKLES) else unlike)
    with zipfile.ZipFile(path) as archive:
        held = {name.rpartition("/")[2] for name in archive.namelist()}
    if "constants.pkl" in held:
        return "it is a compiled program (TorchScript), which is never run", "save its state_dict() in a file"
    return mistaken_for(head, "a file of weights") if "data.pkl" not in held else None


def load_exactly(
    network: nn.Module,
    state: Mapping[str, Tensor],
    what: str,
    *,
    unused: Sequence[str] = (),
    absent: Sequence[str] = (),
) -> None:
    """Give a network the weights of a state dict, all of them and no others.

    What versions of torch and transformers save or leave out, and no answer depends on, is not looked at.

    Args:
        network: Its parameters and buffers are named as in the state.
        state: The tensors; they are copied.
        what: How messages call the network: "the model in FILE".
        unused: Regular expressions of names in the state that the network need not have a place for.
        absent: Regular expressions of names that the state need not hold.

    Raises:
        WeightsError: If a weight is missing, left over, of another shape, quantised or not finite, or one under
            two names that differs between them.
    """
    own = network.state_dict()
    report = {
        "missing_keys": [name for name in own if name not in state],
        "unexpected_keys": [name for name in state if name not in own],
        "mismatched_keys": [name for name in state if name in own and state[name].shape != own[name].shape],
    }
    check_loaded(report, what, unused=(*unused, *_IDLE), absent=(*absent, *_IDLE))
    _refuse_differing(own, state, what)
    for name in own.keys() & state.keys():
        _refuse_unusable(what, name, state[name])
    network.load_state_dict(dict(state), strict=False)


class Skipped:
    """What stands for an object that a checkpoint pickles beside its weights: nothing of it is kept."""

    def __new__(cls, *_: Any, **__: Any) -> Self:
        """Take whatever the object was made of."""
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None:
        """Keep nothing."""

    def __setstate__(self, _: Any) -> None:
        """Keep nothing."""


def _skipped(name: str) -> type[Skipped]:
    return type(name.rpartition(".")[2], (Skipped,), {})


class StateReader:
    """Hands out a state dict's tensors, and notices what lacks, differs or is left over."""

    def __init__(self, state: Mapping[str, Tensor], what: str, renaming: Renaming = ()) -> None:
        """Take a state dict.

        Args:
            state: The tensors.
            what: How messages call the network: "the UNet in FILE".
            renaming: From the state's names to those under which tensors are asked for.
        """
        self._what = what
        self._left = {new: (name, state[name]) for new, name in new_names(state, what, renaming).items()}

    def take(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """A copy of a tensor in float32.

        Raises:
            WeightsError: If the state lacks it, its shape is another, or it is quantised or not finite.
        """
        if name not in self._left:
            raise WeightsError(
                f"{self._what} lacks {name}; give the checkpoint and the configuration that belong together"
            )
        own_name, tensor = self._left.pop(name)
        if tuple(tensor.shape) != shape:
            raise WeightsError(
                f"{self._what} does not fit: {own_name} has shape {_times(tensor.shape)}, "
                f"the configuration asks for {_times(shape)}"
            )
        _refuse_unusable(self._what, own_name, tensor)
        # A copy, since where a file was mapped its tensors lie at odd addresses, at which kernels round differently.
        return tensor.detach().to(torch.float32, copy=True)

    def finish(self) -> None:
        """Raise if a tensor was not taken.

        Raises:
            WeightsError: Naming one.
        """
        for own_name, _ in self._left.values():
            raise WeightsError(
                f"{self._what} holds {own_name}, which the configuration has no place for; "
                "give the checkpoint and the configuration that belong together"
            )


def new_names(state: Iterable[str], what: str, renaming: Renaming) -> dict[str, str]:
    """The names of a state after `renaming`, and what each was before.

    Raises:
        WeightsError: If two get one name: a file that holds a network twice, of which one would be lost.
    """
    found: dict[str, str] = {}
    for name in state:
        new = renamed(name, renaming)
        if new in found:
            raise WeightsError(
                f"{what} holds {found[new]} and {name}, which are two names of one weight; save the network that is "
                "meant alone"
            )
        found[new] = name
    return found


def renamed(name: str, renaming: Renaming) -> str:
    """A name after all replacements, in order."""
    for pattern, replacement in renaming:
        name = re.sub(pattern, replacement, name)
    return name


def _refuse_differing(own: Mapping[str, Tensor], state: Mapping[str, Tensor], what: str) -> None:
    """Raise where a state has two values for what is one weight under two names in the network."""
    first: dict[int, str] = {}
    for name in own.keys() & state.keys():
        other = first.setdefault(own[name].data_ptr(), name) if own[name].numel() else name
        if other != name and own[other].shape == own[name].shape and not torch.equal(state[other], state[name]):
            one, two = sorted((other, name))
            raise WeightsError(
                f"{what} holds different values in {one} and {two}, which are one weight in the network; get the "
                "weights again"
            )


def _refuse_unusable(what: str, name: str, tensor: Tensor) -> None:
    refuse_quantised(what, name, str(tensor.dtype))
    refuse_infinite(what, name, tensor)


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "()"
