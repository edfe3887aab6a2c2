"""A site of static pages: what the leaderboard shows of some results, for a place that runs no program."""

from __future__ import annotations

from .build import build_site
from .folder import check_folder, write_site

__all__ = ["build_site", "check_folder", "write_site"]
