"""The protocols by name: those that are built in, and those of plug-ins."""

from __future__ import annotations

from ..core import Registry
from .protocol import Protocol

PROTOCOLS: Registry[type[Protocol]] = Registry(
    "protocol",
    __package__ or "",
    {
        "v1": ".v1",
        "v2": ".v2",
        "vilouras2024": ".vilouras2024",
        "agkd2025": ".agkd2025",
        "chex2024": ".chex2024",
        "medgroundr1": ".medgroundr1",
        "medrpg2023": ".medrpg2023",
        "radfact2024": ".radfact2024",
        "radvlm2025": ".radvlm2025",
        "umedground2025": ".umedground2025",
        "chexlocalize2022": ".chexlocalize2022",
        "dombrowski2023": ".dombrowski2023",
        "medklip2023": ".medklip2023",
        "nuetzel2025": ".nuetzel2025",
        "radzero2025": ".radzero2025",
        "vilouras2026": ".vilouras2026",
    },
    entry_point_group="groundcxr.protocols",
)


def get_protocol(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        UnknownNameError: If there is none, with the closest name that exists.
    """
    return PROTOCOLS.get(name)()


def known_protocol(name: str, sha256: str) -> Protocol | None:
    """The protocol that a result names, where it is the same one here.

    Args:
        name: As the result has it; may be anything.
        sha256: The protocol's hash, as the result has it.

    Returns:
        None where no protocol of that name and hash is known here: another one would say something else than was
        measured.
    """
    # Names of plug-ins are looked up on the disk.
    if not PROTOCOLS.is_builtin(name) and name not in PROTOCOLS.names():
        return None
    protocol = get_protocol(name)
    return protocol if protocol.hash == sha256 else None
