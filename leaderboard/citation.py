"""BibTeX of everything that a table rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .. import __version__
from ..core.names import one_line
from ..metrics import known_protocol
from .caption import HASH
from .citation_safety import is_harmless
from .export_latex import escape
from .runs import Run

RELEASED = "2026"
_TOOLKIT = "groundcxr"
_ENTRY = re.compile(r"@(\w+)\s*\{\s*([^,\s{}]+)\s*,")
_LEFT_OUT = "its citation is left out, since it holds TeX that could read files or run programs"


def bibtex(runs: Sequence[Run]) -> str:
    """BibTeX of the toolkit, and of the runs' methods, data sets and protocols; each entry once.

    Two entries that share a key and differ in content are both kept, the later one with a number behind its key. A
    method whose citation is not known, or is no BibTeX, is named in a comment at the end; so is whatever has a citation
    that could read files or run something, which is left out.

    Args:
        runs: The runs of a table.
    """
    entries: dict[str, str] = {}
    remarks: list[str] = []
    _add(_toolkit(runs), entries)
    for run in runs:
        _add(_protocol(run), entries)
    for run in runs:
        data = run.info.dataset
        if not is_harmless(data.citation):
            remarks.append(_remark(data.name, _LEFT_OUT))
        else:
            _add(data.citation, entries)
    for run in runs:
        method = run.info.method
        if not is_harmless(method.citation):
            remarks.append(_remark(method.shown, _LEFT_OUT))
        elif not _add(method.citation, entries) and not method.control:
            remarks.append(_remark(method.shown, one_line(method.citation) or "no citation is known"))
    unknown = ["\n".join(dict.fromkeys(remarks))] if remarks else []
    return "\n\n".join([*entries.values(), *unknown]) + "\n"


def _toolkit(runs: Sequence[Run]) -> str:
    protocols = {(run.info.protocol.name, run.info.protocol.version, run.info.protocol.hash[:HASH]) for run in runs}
    used = "; ".join(
        f"protocol {_plain(name)}, version {_plain(version)}, hash {sha}" for name, version, sha in sorted(protocols)
    )
    return (
        f"@misc{{{_TOOLKIT},\n"
        "  title = {groundcxr: phrase grounding on chest {X}-rays, measured so that the number can be repeated, "
        "compared and cited},\n"
        "  author = {{The groundcxr authors}},\n"
        f"  version = {{{__version__}}},\n"
        f"  year = {{{RELEASED}}},\n"
        f"  note = {{{used}}},\n"
        "}"
    )


def _plain(name: str) -> str:
    """A foreign name within an entry; a brace in it could end the entry."""
    return escape(re.sub(r"[\\{}]", "", name))


def _protocol(run: Run) -> str:
    """Where a protocol is defined, if it is the one of that name here; the toolkit's own is in the toolkit's entry."""
    protocol = known_protocol(run.info.protocol.name, run.info.protocol.hash)
    return "" if protocol is None or f"{{{_TOOLKIT}," in protocol.citation else protocol.citation


def _remark(name: str, said: str) -> str:
    """A comment; an @ in it would begin an entry."""
    return f"% {one_line(name)}: {one_line(said)}".replace("@", "(at)")


def _add(text: str, entries: dict[str, str]) -> bool:
    """Keep the entries of a text by key; False where it has none."""
    found = False
    for key, entry in _split(text):
        found = True
        name, number = key, 2
        while name in entries and "".join(entries[name].split()) != "".join(entry.replace(key, name, 1).split()):
            name, number = f"{key}-{number}", number + 1
        entries.setdefault(name, entry.replace(key, name, 1))
    return found


def _split(text: str) -> Iterator[tuple[str, str]]:
    """The entries of a BibTeX text with their keys; one whose braces never close is left out."""
    at = 0
    while start := _ENTRY.search(text, at):
        depth, at = 0, start.end()
        for place in range(start.start(), len(text)):
            depth += {"{": 1, "}": -1}.get(text[place], 0)
            if depth == 0 and text[place] == "}":
                at = place + 1
                yield start[2], text[start.start() : at]
                break
