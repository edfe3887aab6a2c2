"""Another commit of this checkout beside this one, for what is measured side by side."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BEFORE = "6c3895d"
"""The last commit that read, grounded and scored one after another, with one locked archive an image."""

_ROOT = Path(__file__).resolve().parents[1]


@contextmanager
def versions(folder: Path, commit: str) -> Iterator[None]:
    """FOLDER/before and FOLDER/now, from which a Python imports the package of a commit, and this one."""
    tree = folder / "before" / "groundcxr"
    subprocess.run(["git", "-C", _ROOT, "worktree", "add", "--quiet", "--detach", tree, commit], check=True)
    (folder / "now").mkdir()
    (folder / "now" / "groundcxr").symlink_to(_ROOT)
    try:
        yield
    finally:
        subprocess.run(["git", "-C", _ROOT, "worktree", "remove", "--force", tree], check=True)


def environment(version: Path) -> dict[str, str]:
    """That of a process which imports one of the two, with a cache of its own."""
    return {**os.environ, "PYTHONPATH": str(version), "GROUNDCXR_CACHE": str(version / "cache")}
