"""The revision of a method's code: the hash of its source, so that an edit never meets old predictions."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import sys
from pathlib import Path
from typing import Any

from ..core import MethodError
from ..core.fingerprint import source_digest

SOURCE_DIGEST = "__groundcxr_source_digest__"
"""Where the module of a method file keeps the hash of its source, taken when it was loaded."""


# How methods are found, checked and built: a method more, or another message, must orphan no predictions.
_APART = frozenset(
    Path(__file__).resolve().with_name(f"{name}.py")
    for name in (
        "base",
        "contract",
        "loading",
        "marker",
        "options",
        "registry",
        "requirements",
        "revision",
        "watching",
        "wrapping",
    )
)


def revision_of(method: type[Any]) -> str:
    """The `revision` a class states, else the SHA-256 of its source files.

    They are: for a built-in, its module and the modules of `groundcxr.methods` that it imports, but for those that
    change no answer; for a method in a file, the file and what it imports from its folder; for a plug-in, its module
    and what it imports from its own package.

    Raises:
        MethodError: If the source cannot be found and the class states no revision.
    """
    if method.revision is not None:
        return method.revision
    loaded = getattr(sys.modules.get(method.__module__), SOURCE_DIGEST, None)
    if loaded is not None:
        return loaded
    try:
        path = Path(inspect.getfile(method))
        module = method.__module__
        if "." in module and path.is_file():
            package = __package__ if module.startswith(f"{__package__}.") else module.partition(".")[0]
            home = importlib.import_module(package or module).__file__
            return source_digest(path, Path(home or path).parent, package, _APART)
        if path.is_file():
            return source_digest(path, path.parent)
        return hashlib.sha256(inspect.getsource(method).encode()).hexdigest()
    except (OSError, TypeError) as error:
        raise MethodError(
            f"the source of {method.__name__} cannot be found; give the class a `revision` that changes with its code"
        ) from error
