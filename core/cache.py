"""Where files are kept that can be made again."""

from __future__ import annotations

import os
from pathlib import Path

from .paths import user_path

ENVIRONMENT = "GROUNDCXR_CACHE"
"""Environment variable that names the cache folder instead of the user's own."""


def cache_folder(name: str) -> Path:
    """The folder of one kind of file in the cache; it need not exist.

    Raises:
        GroundCXRError: If the environment variable holds no possible path.
    """
    if named := os.environ.get(ENVIRONMENT):
        return user_path(named) / name
    import platformdirs

    return Path(platformdirs.user_cache_dir("groundcxr")) / name
