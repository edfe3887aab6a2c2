"""What results must share before their numbers may stand in one table."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..core.fingerprint import SHORT, digest
from ..evaluation.schema import ResultFile

ProtocolKey = tuple[str, str, str]
"""Name, version and hash of a protocol."""


@dataclass(frozen=True, order=True)
class Setting:
    """What runs must share before their numbers may stand in one table.

    Attributes:
        dataset: Name of the data set.
        version: Its version.
        split: Its split.
        protocol: Name of the protocol.
        protocol_version: Its version.
        protocol_hash: SHA-256 of its definition.
        fingerprint: SHA-256 of the samples; a limited or filtered run has another than a whole one.
        n_samples: How many samples there are.
        complete: Whether they are the whole split; where not, nothing is ranked.
        condition: The condition that they were altered by, as a command line has it; "" for the data as they are.
    """

    dataset: str
    version: str
    split: str
    protocol: str
    protocol_version: str
    protocol_hash: str
    fingerprint: str
    n_samples: int
    complete: bool
    condition: str = ""

    @classmethod
    def of(cls, info: ResultFile) -> Setting:
        """The setting of a result."""
        data, protocol = info.dataset, info.protocol
        return cls(
            data.name,
            data.version,
            data.split,
            protocol.name,
            protocol.version,
            protocol.hash,
            data.fingerprint,
            data.n_samples,
            info.complete,
            "" if info.condition is None else info.condition.label,
        )

    @classmethod
    def without_condition(cls, info: ResultFile) -> Setting:
        """The setting of the same samples as they are, before the condition of a result."""
        mine = cls.of(info)
        return mine if info.condition is None else replace(mine, fingerprint=info.condition.plain, condition="")

    @property
    def protocol_key(self) -> ProtocolKey:
        """What is equal under one protocol, whatever the data."""
        return self.protocol, self.protocol_version, self.protocol_hash

    @property
    def id(self) -> str:
        """Eight digits that name the setting in a URL."""
        return digest(self.fingerprint, self.protocol_hash, self.complete)[:SHORT]

    @property
    def title(self) -> str:
        """As a headline: "phantom 1.0 (test), protocol v1", with the condition behind the split."""
        rest = "" if self.complete else f", incomplete: {self.n_samples} samples"
        return f"{self._data}, protocol {self.protocol}{rest}"

    def differs(self, other: Setting) -> str:
        """In what two settings differ, as "the data sets are A and B"; "" where they are equal."""
        if (mine := self._data) != (theirs := other._data):
            return f"the data sets are {mine} and {theirs}"
        if self.protocol_key != other.protocol_key:
            ours, others = (one.protocol_key for one in (self, other))
            shown = [f"{name} (version {version}, hash {sha256[:SHORT]})" for name, version, sha256 in (ours, others)]
            return f"the protocols are {shown[0]} and {shown[1]}"
        if self.complete != other.complete:
            part = self if not self.complete else other
            return f"one of them was run on {part.n_samples:,} samples, a part of the split"
        if self != other:
            return (
                f"the samples of {mine} are others: {self.n_samples:,} with the fingerprint {self.fingerprint[:SHORT]} "
                f"and {other.n_samples:,} with {other.fingerprint[:SHORT]}"
            )
        return ""

    @property
    def _data(self) -> str:
        under = f", {self.condition}" if self.condition else ""
        return f"{self.dataset} {self.version} ({self.split}){under}"
