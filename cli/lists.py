"""Options that take several words: `--methods A B` is what `--methods A --methods B` is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer.core


class ListsCommand(typer.core.TyperCommand):
    """A command in which every option that may be given several times takes all words up to the next option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line."""
        lists = {name for option in self.params if getattr(option, "multiple", False) for name in option.opts}
        return super().parse_args(ctx, spelt_out(args, lists))


def spelt_out(words: Iterable[str], lists: set[str]) -> list[str]:
    """The words of a command line, with each option of several words before each of its words.

    Args:
        words: As typed.
        lists: The options that take several words.
    """
    said: list[str] = []
    current, rest = "", False
    for word in words:
        if rest or word == "--":
            current, rest = "", True
        elif word.startswith("--") or (len(word) > 1 and word.startswith("-") and not current):
            current = word if word in lists else ""
            if current:
                continue
        if current:
            said.append(current)
        said.append(word)
    return said
