"""Says which optional package a method lacks, before it fails somewhere inside."""

from __future__ import annotations

import importlib
import warnings

from ..core import MethodError

_DISTRIBUTIONS = {"health_multimodal": "hi-ml-multimodal", "open_clip": "open-clip-torch", "timm": "timm"}


def require_packages(method: str, *modules: str) -> None:
    """Import what a method needs.

    Args:
        method: The method's name, for the message.
        modules: Modules, in the order in which they are tried.

    Raises:
        MethodError: If one is not installed, or does not work here.
    """
    for module in modules:
        try:
            with warnings.catch_warnings():
                # hi-ml imports timm.models.layers, whose move is announced to every user of it.
                warnings.filterwarnings("ignore", category=FutureWarning, module=r"timm\.")
                importlib.import_module(module)
        except ImportError as error:
            missing = error.name if isinstance(error, ModuleNotFoundError) and error.name else module
            package = _DISTRIBUTIONS.get(missing.partition(".")[0], missing.partition(".")[0])
            if isinstance(error, ModuleNotFoundError):
                reason = f"needs the package {package}; install it with: pip install 'groundcxr[models]'"
            else:
                reason = (
                    f"cannot import {module} ({error}); install a version that fits: pip install 'groundcxr[models]'"
                )
            raise MethodError(f"method {method} {reason}") from error
