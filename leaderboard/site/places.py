"""What a site has pages of, and where they are: one place for each data set under each protocol."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from functools import cached_property

from ...comparison.setting import ProtocolKey, Setting
from ...core.fingerprint import SHORT, digest
from ...core.sizes import counted
from ...evaluation.schema import MetricInfo
from ..caption import HASH, PHANTOMS_SAID
from ..data_columns import PHANTOM
from ..library import Library
from ..runs import Run, metrics_of

_LONGEST = 40

Choice = tuple[str, str, bool]
"""A link: its words, where it leads, and whether that is the page that it is on."""


@dataclass(frozen=True, eq=False)
class Place:
    """The pages of one data set under one protocol.

    Attributes:
        setting: What its runs share.
        runs: The runs.
        data: The data set's name, unique under the protocol.
        protocol: The protocol's name, unique in the site.
        home: Whether its first table is the site's first page.
    """

    setting: Setting
    runs: tuple[Run, ...]
    data: str
    protocol: str
    home: bool

    @cached_property
    def metrics(self) -> tuple[MetricInfo, ...]:
        """Every metric that any run has, the first headline one in front."""
        metrics = metrics_of(self.runs)
        first = next((metric for metric in metrics if metric.headline), metrics[0])
        return (first, *(metric for metric in metrics if metric is not first))

    def board(self, metric: MetricInfo | None = None) -> str:
        """The page of a table; of the first where the place does not have the metric, or none is given."""
        key = metric.key if metric and any(one.key == metric.key for one in self.metrics) else self.metrics[0].key
        return "index.html" if self.home and key == self.metrics[0].key else f"boards/{self._slug}-{slug(key)}.html"

    def method(self, run: Run) -> str:
        """The page of a run."""
        return f"methods/{slug(run.label)}-{run.id}-{self._id}.html"

    @property
    def pairs(self) -> str:
        """The page of two methods."""
        return f"pairs/{self._slug}.html"

    @property
    def cite(self) -> str:
        """The page of citations."""
        return f"cite/{self._slug}.html"

    @property
    def card(self) -> str:
        """The page of the protocol."""
        return card_page(self.setting.protocol_key)

    @property
    def about(self) -> str:
        """What a reader must know of the data."""
        samples = self.setting.n_samples
        parts = [
            f"{samples:,} {'sample' if samples == 1 else 'samples'}",
            counted(len(self.runs), "method"),
            f"protocol hash {self.setting.protocol_hash[:HASH]}",
            f"licence of the data: {self.runs[0].info.dataset.licence}",
        ]
        said = f"{', '.join(parts)}."
        if not self.setting.complete:
            said += " Not the whole split: nothing is ranked."
        return f"{said} {PHANTOMS_SAID}" if self.setting.dataset == PHANTOM else said

    @cached_property
    def _id(self) -> str:
        return digest(*astuple(self.setting))[:SHORT]

    @property
    def _slug(self) -> str:
        return f"{slug(self.setting.dataset)}-{slug(self.setting.protocol)}-{self._id}"


def places_of(library: Library) -> tuple[Place, ...]:
    """A place for each setting, in the order of the leaderboard's choices."""
    settings = library.settings()
    protocols = protocol_names(settings)
    return tuple(
        Place(one, library.of(one), library.data_names[one], protocols[one.protocol_key], number == 0)
        for number, one in enumerate(settings)
    )


def protocol_names(settings: Sequence[Setting]) -> dict[ProtocolKey, str]:
    """Names that tell protocols apart, in the order of the settings."""
    keys = dict.fromkeys(setting.protocol_key for setting in settings)
    count = Counter(name for name, _, _ in keys)
    return {
        (name, version, sha256): name if count[name] == 1 else f"{name} {version} ({sha256[:SHORT]})"
        for name, version, sha256 in keys
    }


def card_page(protocol: ProtocolKey) -> str:
    """The page of a protocol."""
    return f"protocols/{slug(protocol[0])}-{digest(*protocol)[:SHORT]}.html"


def slug(name: str) -> str:
    """A name as a part of an address; one that is changed by it has a hash behind it, so that no two become one."""
    fit = re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-")[:_LONGEST]
    return fit if name and fit == name else f"{fit}-{digest(name)[:SHORT]}".lstrip("-")
