"""What a loaded module says of itself, without loading it."""

from __future__ import annotations

from typing import Any


def file_of(module: object) -> str | None:
    """The file that a module was loaded from, as `sys.modules` holds the module; None where it says none."""
    file = said_by(module, "__file__")
    return file if isinstance(file, str) else None


def said_by(module: object, name: str) -> Any:
    """A module's attribute as its dictionary has it; None where it has none.

    A module that loads itself when it is first used, as those of `importlib.util.LazyLoader`, would do so when it is
    asked, and one that cannot raises whatever it likes. What is in `sys.modules` need not be a module at all.
    """
    try:
        return object.__getattribute__(module, "__dict__").get(name)
    except Exception:
        return None
