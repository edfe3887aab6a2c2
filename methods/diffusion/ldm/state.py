"""Checkpoints as they lie on the disk: tensors by name, and the arguments of the network they belong to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ....core import WeightsError
from ....core.paths import user_path
from ...hub import first_sentence

# Under which training scripts keep the network's state beside the optimiser's.
_NESTED = ("state_dict", "model_state_dict", "model")

Renaming = tuple[tuple[str, str], ...]
"""Pairs of a regular expression and its replacement, applied one after another."""


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The state dict in a `.safetensors`, `.pth`, `.pt`, `.ckpt` or `.bin` file, on the CPU; runs no code of the file.

    Args:
        path: The file; a state dict nested under "state_dict", "model_state_dict" or "model" is found.

    Raises:
        WeightsError: If the file does not exist, cannot be read, or holds no state dict.
    """
    path = user_path(path)
    if not path.is_file():
        raise WeightsError(f"there is no weights file {path}; give the path of a .safetensors, .pth or .pt file")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # both readers raise many types for a damaged file
        raise WeightsError(f"{path} cannot be read as weights: {first_sentence(error)}; get the file again") from error
    while isinstance(found, Mapping) and (inner := next((key for key in _NESTED if key in found), None)):
        found = found[inner]
    if not isinstance(found, Mapping) or not found or not all(isinstance(value, Tensor) for value in found.values()):
        raise WeightsError(f"{path} holds no state dict; save the network's state_dict() in it")
    return dict(found)


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
        self._left = {renamed(name, renaming): (name, tensor) for name, tensor in state.items()}

    def take(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """A copy of a tensor in float32.

        Raises:
            WeightsError: If the state lacks it, or its shape is another.
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


class ConfigReader:
    """A MONAI network's arguments, checked for what can be converted."""

    def __init__(self, config: Mapping[str, Any], what: str) -> None:
        """Take the arguments.

        Args:
            config: The arguments by name; `num_channels` may be called `channels`.
            what: How messages call the network.
        """
        self._config = config
        self._what = what
        channels = config["num_channels"] if "num_channels" in config else self.required("channels")
        self.channels = tuple(int(value) for value in channels)
        self.attention_levels = tuple(bool(value) for value in self.required("attention_levels"))
        if len(self.attention_levels) != len(self.channels):
            self._mismatch("attention_levels", self.attention_levels)

    def refuse(self, key: str, default: Any, wanted: Any, reason: str) -> None:
        """Raise unless an argument has the one value that can be converted.

        Args:
            key: Its name.
            default: What it is where the configuration does not say.
            wanted: The value that can be converted.
            reason: Why another cannot.

        Raises:
            WeightsError: With the reason.
        """
        value = self._config.get(key, default)
        if value != wanted:
            raise WeightsError(
                f"{self._what} has {key} {value!r}, which cannot be converted, only {wanted!r}: {reason}"
            )

    def required(self, key: str) -> Any:
        """An argument without a default.

        Raises:
            WeightsError: If it lacks.
        """
        if key not in self._config:
            raise WeightsError(f"the configuration of {self._what} lacks {key}; give that of the checkpoint")
        return self._config[key]

    def get(self, key: str, default: Any) -> Any:
        """An argument with MONAI's default."""
        return self._config.get(key, default)

    def per_level(self, key: str, default: Any) -> tuple[int, ...]:
        """An argument that is one number or a list of one for each level.

        Raises:
            WeightsError: If the list has another length.
        """
        value = self._config.get(key, default)
        found = (value,) * len(self.channels) if isinstance(value, int) else tuple(int(each) for each in value)
        if len(found) != len(self.channels):
            self._mismatch(key, found)
        return found

    def _mismatch(self, key: str, value: tuple[Any, ...]) -> None:
        raise WeightsError(
            f"the configuration of {self._what} has {len(value)} {key} for {len(self.channels)} levels of channels; "
            "give one for each"
        )


def renamed(name: str, renaming: Renaming) -> str:
    """A name after all replacements, in order."""
    for pattern, replacement in renaming:
        name = re.sub(pattern, replacement, name)
    return name


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "()"
