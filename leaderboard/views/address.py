"""The choices that stand in a page's URL: made, linked to, and asked for in vain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar
from urllib.parse import urlencode

import streamlit as st

from .markup import note

T = TypeVar("T")

_SHARED = ("data", "protocol", "metric", "kind", "tier", "supervision", "zero_shot", "native")

_MISSING: ContextVar[Any] = ContextVar("missing", default=None)
"""The place for what the address asks for in vain."""


def tell_missing_in(place: Any) -> None:
    """Where pages say what the address asks for in vain."""
    _MISSING.set(place)


def choose(
    label: str,
    options: Sequence[T],
    key: str,
    *,
    named: Callable[[T], str] = str,
    first: int = 0,
    help: str | None = None,
    disabled: bool = False,
) -> T:
    """A select box whose value stands in the URL; what the URL asks for in vain is said above.

    Args:
        label: What is chosen.
        options: At least one.
        key: Name in the URL.
        named: An option's name, unique among the options.
        first: Which is chosen at first.
        help: A sentence shown on demand.
        disabled: Whether it can only be looked at.
    """
    say_what_is_missing(key, map(named, options))
    index = st.selectbox(
        label,
        range(len(options)),
        index=first,
        format_func=lambda place: named(options[place]),
        key=key,
        help=help,
        disabled=disabled,
        bind="query-params",
    )
    return options[index]


def say_what_is_missing(key: str, known: Iterable[str]) -> None:
    """Say, above the page, what the address asks for in vain; of a choice that the user has made here, nothing.

    Args:
        key: Name in the URL.
        known: What can be chosen.
    """
    asked = [] if key in st.session_state else st.query_params.get_all(key)
    names = set(known)
    missing = ", ".join(f"“{one}”" for one in asked if one and one not in names)
    place = _MISSING.get()
    if missing and place is not None:
        with place:
            note(f"The address asks for {missing}, which cannot be chosen here.", "gx-problems")


def linked(page: str, **more: str | list[str]) -> str:
    """The URL of another page of the same data set, protocol and metric.

    Args:
        page: The page's name in URLs.
        **more: Further choices on that page, by their names in the URL.
    """
    return f"{page}?{urlencode(kept(**more), doseq=True)}"


def kept(**more: str | list[str]) -> dict[str, str | list[str]]:
    """What a link to another page must carry: the choices that all pages share, unless they are the first ones."""
    shared = {key: st.query_params.get_all(key) for key in _SHARED if key in st.query_params}
    return {**shared, **more}
