"""What a method requires of the Python environment that it runs in, held against the present one.

Versions are compared by `packaging`, as pip and uv do (PEP 440, PEP 508); nothing is imported for it.
"""

from __future__ import annotations

import importlib
import platform
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from typing import Any

from ..core import MethodError
from ..core.install import install_step, with_versions

_EXAMPLE = "('torch', 'transformers>=4.48,<4.52')"
# Where what is imported is called otherwise than what is installed.
_MODULES = {
    "hi-ml-multimodal": ("health_multimodal.image", "health_multimodal.text"),
    "open-clip-torch": ("open_clip",),
}


def check_stated(label: str, requirements: Any, requires_python: Any) -> None:
    """Raise unless what a class states as `requirements` and `requires_python` can be read.

    Args:
        label: The class, for messages.
        requirements: Texts as pip takes them (PEP 508).
        requires_python: A range of versions (PEP 440), or None.

    Raises:
        MethodError: Naming what is wrong.
    """
    if not isinstance(requirements, (tuple, list)) or not all(isinstance(one, str) for one in requirements):
        raise MethodError(f"{label}.requirements is {requirements!r}; make it a tuple of texts, such as {_EXAMPLE}")
    if not _can_compare():
        return
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    for one in requirements:
        try:
            Requirement(one)
        except InvalidRequirement as error:
            raise MethodError(
                f"{label}.requirements holds {one!r}, which is no requirement; write it as for pip, such as {_EXAMPLE}"
            ) from error
    if requires_python is None:
        return
    try:
        if not isinstance(requires_python, str):
            raise InvalidSpecifier
        SpecifierSet(requires_python)
    except InvalidSpecifier as error:
        raise MethodError(
            f"{label}.requires_python is {requires_python!r}; make it a range of versions, such as '>=3.9,<3.12'"
        ) from error


def allows_python(requires_python: str | None, version: str) -> bool:
    """Whether a range of Python versions holds one, such as "3.11.7"."""
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(requires_python or "").contains(version, prereleases=True)


def require(label: str, requirements: Sequence[str], requires_python: str | None, step: str = "") -> None:
    """Raise unless this Python environment has what a method requires.

    Args:
        label: The method, for the message.
        requirements: As `check_stated` has found them right.
        requires_python: The same.
        step: What to do about it; by default, to install what is lacking here.

    Raises:
        MethodError: Naming everything that is lacking.
    """
    if not _can_compare():
        return
    unmet = list(_unmet(requirements))
    found = [_lack(one, here) for one, here in unmet]
    version = platform.python_version()
    if not allows_python(requires_python, version):
        found.insert(0, f"Python {requires_python} (this is {version})")
        step = step or "run it with a Python of such a version"
    if found:
        step = step or f"install it with: {install_step(*(one for one, _ in unmet))}"
        raise MethodError(f"method {label} needs {', '.join(found)}; {step}")


def require_there(
    label: str,
    requirements: Sequence[str],
    requires_python: str | None,
    version: str,
    found: Mapping[str, Any],
    step: str,
) -> None:
    """Raise unless another Python environment has what a method requires; of extras only that is not looked at.

    Args:
        label: The method, for the message.
        requirements: As `check_stated` has found them right.
        requires_python: The same.
        version: The version of the Python there.
        found: The versions installed there by normalised name (PEP 503), None for what is not.
        step: What to do about it.

    Raises:
        MethodError: Naming everything that is lacking.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    lacking: list[str] = []
    if not allows_python(requires_python, version):
        lacking.append(f"Python {requires_python} (it is {version})")
    there = {"extra": "", "python_full_version": version, "python_version": ".".join(version.split(".")[:2])}
    for text in requirements:
        one, plain = Requirement(text), text.partition(";")[0].strip()
        if one.marker is not None and not one.marker.evaluate(there):
            continue
        installed = found.get(canonicalize_name(one.name))
        if installed is None or not one.specifier.contains(str(installed), prereleases=True):
            lacking.append(_lack(plain, installed, "there"))
    if lacking:
        raise MethodError(f"{label} needs {', '.join(lacking)}; {step}")


def require_packages(method: str, *requirements: str) -> None:
    """Import what a bundled method needs, in the versions that groundcxr asks for.

    Args:
        method: The method's name, for the message.
        requirements: Names as on the package index, in the order in which they are tried; where a method asks for
            more than groundcxr, with versions: "transformers>=5.0".

    Raises:
        MethodError: If one is not installed, is of another version, or does not work here.
    """
    require(method, with_versions(requirements), None)
    names = [re.split(r"[^\w.-]", one)[0] for one in requirements]
    modules = [module for name in names for module in _MODULES.get(name, (name,))]
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
    return next((name for name, modules in _MODULES.items() if modules[0].partition(".")[0] == root), root)


def _can_compare() -> bool:
    """Whether `packaging` is here: not in each environment of a method, for which groundcxr's own has compared."""
    return find_spec("packaging") is not None


def _unmet(requirements: Iterable[str], extra: str = "") -> Iterator[tuple[str, str | None]]:
    """The requirements that this environment does not meet, each with the version that is installed.

    What an extra stands for ("transformers[torch]") is looked at too. The marker, which only says when, is left out.

    Args:
        requirements: Texts as pip takes them.
        extra: The extra that they are stated for.
    """
    from packaging.requirements import Requirement

    for text in requirements:
        one, plain = Requirement(text), text.partition(";")[0].strip()
        if one.marker is not None and not one.marker.evaluate({"extra": extra}):
            continue
        try:
            installed = distribution(one.name)
        except PackageNotFoundError:
            yield plain, None
            continue
        if not one.specifier.contains(installed.version, prereleases=True):
            yield plain, installed.version
        for inner in sorted(one.extras):
            yield from _unmet([other for other in installed.requires or [] if _is_of_extra(other, inner)], inner)


def _is_of_extra(requirement: str, extra: str) -> bool:
    """Whether a package states a requirement for one of its extras only."""
    from packaging.requirements import Requirement

    marker = Requirement(requirement).marker
    return marker is not None and not marker.evaluate({"extra": ""}) and marker.evaluate({"extra": extra})


def _lack(requirement: str, installed: str | None, place: str = "here") -> str:
    return f"the package {requirement}" if installed is None else f"{requirement} ({installed} is installed {place})"
