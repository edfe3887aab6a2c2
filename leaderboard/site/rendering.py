"""From templates to pages: every text is escaped, and nothing that a text says can run."""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ... import __version__

POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; img-src 'self' file:; "
    "base-uri 'none'; form-action 'none'"
)
"""What a browser may load: the site's own files, also from a disk, and no script within a page. Dots of intervals are
placed by their style."""

_KEPT = "\n\t"
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that turn the letters behind them about."""


def render(template: str, root: str, **words: Any) -> bytes:
    """A page.

    Args:
        template: Name of a file in `templates`.
        root: What leads from the page's folder to the site's: "" or "../".
        **words: What the template asks for; a text is escaped unless it is `Markup`.
    """
    return (_environment().get_template(template).render(root=root, **words).rstrip() + "\n").encode()


def asset(name: str) -> bytes:
    """A file of `assets`."""
    return files(__package__ or "").joinpath("assets", name).read_bytes()


def shown(value: object) -> object:
    """A value as a page can hold it: half letters, controls and signs that turn others about as escapes.

    Raises:
        TypeError: If it is neither a text nor a number, so that no path within an object is ever published.
    """
    if isinstance(value, Markup | int):
        return value
    if not isinstance(value, str):
        raise TypeError(f"a page cannot show a {type(value).__name__}")
    whole = value.encode(errors="backslashreplace").decode()
    return "".join(sign.encode("unicode_escape").decode() if _is_unfit(sign) else sign for sign in whole)


def _is_unfit(sign: str) -> bool:
    category = unicodedata.category(sign)
    # Cn holds the code points that are no characters, which no page may hold.
    return (category in ("Cc", "Cs", "Cn") and sign not in _KEPT) or sign in _TURNS


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__ or "", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    environment.globals.update(policy=POLICY, version=__version__)
    # Equal content gives equal bytes whatever order it was put together in.
    environment.policies["json.dumps_kwargs"] = {"sort_keys": True, "separators": (",", ":"), "allow_nan": False}
    return environment
