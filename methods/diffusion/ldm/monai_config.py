"""The arguments of a MONAI network, checked for what can be converted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....core import WeightsError


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
