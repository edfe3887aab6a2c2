"""The choices that stand in a page's URL: made, linked to, and asked for in vain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from typing import Any, TypeVar
from urllib.parse import urlencode

import streamlit as st

from .markup import note

T = TypeVar("T")

SHARED = ("data", "protocol", "metric", "kind", "tier", "supervision", "zero_shot", "native")
"""The choices that hold on all pages, by their names in the URL."""

_SAID = "choices-said"
_FIRST = "choices-first"

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
    also: Callable[[T], str] | None = None,
    first: int = 0,
    help: str | None = None,
    disabled: bool = False,
) -> T:
    """A select box whose value stands in the URL; what the URL asks for in vain is said above.

    Args:
        label: What is chosen.
        options: At least one.
        key: Name in the URL.
        named: An option's name, unique among the options; the URL may have it in any case.
        also: Another name of an option that the URL may have, such as a key.
        first: Which is chosen at first.
        help: A sentence shown on demand.
        disabled: Whether it can only be looked at.
    """
    _understand(key, options, named, also)
    names = list(map(named, options))
    say_what_is_missing(key, names)
    follow_first(key, names[first])
    if st.session_state.get(key, names[first]) not in names:
        st.session_state[key] = names[first]
    name = st.selectbox(label, names, index=first, key=key, help=help, disabled=disabled, bind="query-params")
    st.session_state.setdefault(_SAID, {})[key] = name if name != names[first] else None
    return options[names.index(name)]


def follow_first(key: str, first: Any) -> None:
    """Let what nobody has chosen be what stands first, also where that is another by now: the address says it so.

    Args:
        key: Name in the URL of a widget that is about to be drawn.
        first: Its value at first.
    """
    firsts = st.session_state.setdefault(_FIRST, {})
    if key in firsts and key in st.session_state and st.session_state[key] == firsts[key]:
        st.session_state[key] = first
    firsts[key] = first


def _understand(key: str, options: Sequence[T], named: Callable[[T], str], also: Callable[[T], str] | None) -> None:
    """Put an option's own name in the place of what the URL calls it, and start the page anew with that."""
    asked = st.query_params.get(key)
    if not asked or key in st.session_state or asked in map(named, options):
        return
    wanted = asked.casefold()
    for option in options:
        if wanted in (named(option).casefold(), also(option).casefold() if also else None):
            st.query_params[key] = named(option)
            # A widget reads the address as it was when the page came.
            st.rerun()


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


def linked(page: str, **more: str | Sequence[str]) -> str:
    """The URL of another page of the same data set, protocol and metric: the one way to go there but the pages' names.

    A plain link, which `theme/links.js` follows without loading the page anew, since Streamlit's own ways
    (`st.switch_page`, `st.page_link`) refuse or repeat what a widget is bound to, and leave entries in the browser's
    history that "back" stops at.

    Args:
        page: The page's name in URLs.
        **more: Further choices on that page, by their names in the URL; what else was chosen there `theme/links.js`
            adds.
    """
    shared = {key: said for key in SHARED if (said := _said(key))}
    return f"{page}?{urlencode({**shared, **more}, doseq=True)}"


def _said(key: str) -> Any:
    """A choice as the URL says it, by its widget; `st.query_params` may lack what was chosen while the page ran."""
    said = st.session_state.get(_SAID, {})
    value = said[key] if key in said else st.session_state.get(key)
    return "true" if value is True else value
