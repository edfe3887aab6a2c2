"""The revision of a method's code: the hash of its source, so that an edit never meets old predictions."""

from __future__ import annotations

import importlib
import inspect
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..core import MethodError
from ..core.fingerprint import SHORT
from .sources import Sources

SOURCES = "__groundcxr_sources__"
"""Where the module of a method file keeps the `Sources` that it was loaded from."""


# How methods are found, checked and built: a method more, or another message, must orphan no predictions. Nor must a
# better parser of what was written, or a preset more: what is asked is in a method's options (`Preset.asking`).
_APART = frozenset(
    Path(__file__).resolve().parent / f"{name}.py"
    for name in (
        *("base", "contract", "loading", "marker", "options", "registry", "requirements", "revision", "sources"),
        "watching",
        *(f"boxes/{one}" for one in ("answer_part", "conventions", "grammars", "known_models", "parsing")),
        *(f"boxes/{one}" for one in ("preset_choice", "preset_file", "preset_type", "presets", "reading")),
    )
)

_DECLARED = frozenset({"options", "weights", "places", "answered_by", "_weights_digest", "_files_seen"})
"""Of an instance what a fingerprint covers already, or what comes to be while it is used."""


def revision_of(method: type[Any]) -> str:
    """The `revision` a class states, else the SHA-256 of its source files.

    They are: for a built-in, its module and the modules of `groundcxr.methods` that it imports, but for those that
    change no answer; for a method in a file, the file and what it imports; for a plug-in, its module and what it
    imports, of its own package and of code that is no installed package (see `Sources`). A class that no file holds, as
    one of a notebook's cell, is known by its code as it would run (see `live_code`), whatever revision it states; where
    it uses what nothing is known of, the revision says so, and its predictions must not be stored (see `not_known`).

    Raises:
        MethodError: If the source cannot be found and the class states no revision.
    """
    if is_live(method):
        from .live_code import NotKnown, code_digest  # what a method in another environment does not need

        stated = method.revision
        try:
            found = code_digest(method, known=_of_ours, tolerant=stated is not None)
            return found if stated is None else f"{stated} {found[:SHORT]}"
        except NotKnown as error:
            return f"not known: {error}"
    if method.revision is not None:
        return method.revision
    try:
        return _sources(method).digest
    except OSError as error:
        raise MethodError(
            f"the source of {method.__name__} cannot be found; give the class a `revision` that changes with its code"
        ) from error


@lru_cache(maxsize=None)  # asked with each batch that reads a file, of a plug-in that may have hundreds
def covered_files(method: type[Any]) -> frozenset[str] | None:
    """The files of which `revision_of` is the hash, links resolved; None where it is no hash of files.

    That is so where the author states the revision, and where no file holds the class.
    """
    return None if method.revision is not None or is_live(method) else _sources(method).files


def _sources(method: type[Any]) -> Sources:
    module, path = method.__module__, Path(inspect.getfile(method))
    loaded = getattr(sys.modules.get(module), SOURCES, None)
    if loaded is not None:
        return loaded
    if "." not in module:
        return Sources.of(path, path.parent)
    package = __package__ if module.startswith(f"{__package__}.") else module.partition(".")[0]
    home = importlib.import_module(package or module).__file__
    return Sources.of(path, Path(home or path).parent, package, _APART)


def is_live(method: type[Any]) -> bool:
    """Whether no file holds a class: it is of a notebook's cell, or of code that was typed or made."""
    if hasattr(sys.modules.get(method.__module__), SOURCES):
        return False
    try:
        file = inspect.getfile(method)
    except (OSError, TypeError):
        return True
    if not Path(file).is_file():
        return True
    # A kernel's main module may have a file; its cells are not in it.
    codes = [value.__code__.co_filename for value in vars(method).values() if inspect.isfunction(value)]
    here = Path(file).resolve()
    return method.__module__ == "__main__" and any(
        code != "<string>" and Path(code).resolve() != here for code in codes
    )


def live_state(method: Any) -> list[str]:
    """What tells one instance of a class that no file holds from others, beside options and weights: as a digest.

    Args:
        method: An instance of any method; of a class in a file nothing is looked at.
    """
    if not is_live(type(method)):
        return []
    from .live_code import NotKnown, code_digest

    state = _state(method)
    try:
        return [code_digest(state, known=_of_ours, tolerant=method.revision is not None)] if state else []
    except NotKnown:
        return []


def not_known(method: Any) -> str | None:
    """What an instance of a class that no file holds uses and nothing knows by its content; None where there is none.

    Predictions of such a method must not be stored: nothing would tell them from those that it would make later.

    Args:
        method: An instance of any method.
    """
    if method.revision is not None or not is_live(type(method)):
        return None
    from .live_code import NotKnown, code_digest

    try:
        code_digest(type(method), _state(method), known=_of_ours)
    except NotKnown as error:
        return str(error)
    return None


def _state(method: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(method).items() if name not in _DECLARED}


def _of_ours(base: type[Any]) -> str | None:
    return revision_of(base) if base.__module__.startswith(f"{__package__}.") and hasattr(base, "revision") else None
