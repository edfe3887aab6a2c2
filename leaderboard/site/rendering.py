"""From templates to pages: every text is escaped, and nothing that a text says can run."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ... import __version__
from ..markup import fit

POLICY = (
    "default-src 'none'; script-src 'self' file:; style-src 'self' file: 'unsafe-inline'; img-src 'self' file:; "
    "base-uri 'none'; form-action 'none'"
)
"""What a browser may load: the site's own files, also from a disk, and no script within a page. Dots of intervals are
placed by their style."""


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
    return fit(value)


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
