"""Says which optional package a method lacks, before it fails somewhere inside."""

from __future__ import annotations

import importlib
import warnings
from importlib.util import find_spec

from ..core import MethodError
from ..core.install import install_step

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
            if isinstance(error, ModuleNotFoundError):
                absent = [_package(error.name or module)]
                absent += [_package(other) for other in modules if find_spec(other.partition(".")[0]) is None]
                reason = f"needs the package {absent[0]}; install it with: {install_step(*dict.fromkeys(absent))}"
            else:
                step = install_step(_package(module))
                reason = f"cannot import {module} ({error}); install a version that fits: {step}"
            raise MethodError(f"method {method} {reason}") from error


def _package(module: str) -> str:
    """The name on the package index of what a module belongs to."""
    root = module.partition(".")[0]
    return _DISTRIBUTIONS.get(root, root)
