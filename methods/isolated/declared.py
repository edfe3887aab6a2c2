"""What a method requires, read from its source: nothing of it is imported or run."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from ...core import MethodError
from ...core.install import with_versions
from ..here import split_spec
from ..registry import METHODS
from ..requirements import check_stated, require
from .literals import Source, module_file


@dataclass(frozen=True)
class Declared:
    """What the class of a method states as literals.

    Attributes:
        requirements: Packages, as pip takes them.
        requires_python: The versions of Python that it runs on; None where it does not say.
    """

    requirements: tuple[str, ...] = ()
    requires_python: str | None = None


def declared_by(spec: str) -> Declared:
    """What the method states that ``NAME``, ``FILE.py`` or ``FILE.py:CLASS`` names.

    Raises:
        UnknownNameError: If there is no method of that name.
        MethodError: If there is no such file, or what it states is no literal or no requirement.
    """
    path, class_name = split_spec(spec)
    if path is not None:
        return declared(path, class_name)
    plugin = METHODS.plugin(spec)
    if plugin is None:
        method = METHODS.get(spec)  # of this package, whose modules import nothing heavy
        return Declared(tuple(method.requirements), method.requires_python)
    file = module_file(plugin.module)
    return declared(file, plugin.attr.partition(".")[0]) if file is not None else Declared()


def require_declared(spec: str) -> None:
    """Raise unless this Python environment has what a method states that it requires; nothing is imported for it.

    Raises:
        UnknownNameError: If there is no method of that name.
        MethodError: Naming what is lacking, with the command that makes an environment of it.
    """
    stated = required_by(spec)
    step = "" if split_spec(spec)[0] is None else f"make an environment for it with: {create_step(spec)}"
    require(spec, stated.requirements, stated.requires_python, step)


def required_by(spec: str) -> Declared:
    """What `declared_by` tells; of a bundled method in the versions that groundcxr asks for."""
    stated = declared_by(spec)
    if split_spec(spec)[0] is None and METHODS.plugin(spec) is None:
        return replace(stated, requirements=tuple(with_versions(stated.requirements)))
    return stated


def create_step(spec: str) -> str:
    """The command that makes an environment for a method."""
    return f"groundcxr env create {shlex.quote(spec)}"


def declared(file: Path, class_name: str = "") -> Declared:
    """What the class of a method file states as `requirements` and `requires_python`, or inherits in sight.

    Base classes are followed within the file, and into the modules beside it (or of its package) that it imports them
    from.

    Args:
        file: The file.
        class_name: Which of its classes; "" where one will do: that which no other derives from.

    Raises:
        MethodError: If the file cannot be read, what it states is no literal or no requirement, or it holds several
            classes with requirements of their own and none is named.
    """
    source = Source(file)
    if class_name:
        return _checked(source, class_name)
    leaves = source.leaves()
    # Where a base is not in sight, any class may be a method.
    names = [name for name in leaves if source.is_method(name)] or leaves
    found = {name: stated for name in names if (stated := _checked(source, name)) != Declared()}
    if len(set(found.values())) > 1:
        raise MethodError(
            f"{file} holds several methods with requirements of their own; choose one with {file}:CLASS, of "
            f"{', '.join(found)}"
        )
    return next(iter(found.values()), Declared())


def _checked(source: Source, class_name: str) -> Declared:
    found = source.stated(class_name)
    requirements, requires_python = found.get("requirements", ()), found.get("requires_python")
    check_stated(f"{source.file}: {class_name}", requirements, requires_python)
    return Declared(tuple(requirements), requires_python or None)
