"""Environments that were made for methods."""

from __future__ import annotations

from pathlib import Path


def environment_for(spec: str) -> Path | None:
    """The interpreter of the environment that was made for a method and its present requirements; None without one.

    Args:
        spec: NAME, FILE.py or FILE.py:CLASS.
    """
    return None
