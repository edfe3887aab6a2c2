"""What an environment is made for: a method, and what that requires."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path

from ...core import MethodError
from ...core.fingerprint import digest
from ...core.install import with_versions
from ...core.names import folder_name
from ..here import joined_spec, split_spec
from ..registry import METHODS
from .declared import declared_by


@dataclass(frozen=True)
class Wanted:
    """What an environment is made for.

    Attributes:
        method: The method as tables call it: a name, or a file's name.
        source: The method as it is found: a name, or the whole path of a file, with ``:CLASS`` where one was chosen.
        requirements: Packages, as pip takes them; sorted.
        requires_python: A range of versions, or None.
    """

    method: str
    source: str
    requirements: tuple[str, ...]
    requires_python: str | None

    @classmethod
    def by(cls, spec: str) -> Wanted:
        """What the method requires that ``NAME``, ``FILE.py`` or ``FILE.py:CLASS`` names.

        Raises:
            UnknownNameError: If there is no method of that name.
            MethodError: If it is a plug-in, or what it states cannot be read.
        """
        stated, (file, class_name) = declared_by(spec), split_spec(spec)
        requirements, requires_python = stated.requirements, stated.requires_python
        if file is None:
            if METHODS.plugin(spec) is not None:
                raise MethodError(
                    f"the method {spec!r} is part of a package that is installed here; an environment can be made for "
                    "a bundled method or a method file"
                )
            # The whole package runs there.
            requirements = (*with_versions(requirements), *_own_requirements())
            requires_python = requires_python or _own_python()
        name, source = (spec, spec) if file is None else (file.name, source_of(file, class_name))
        return cls(name, source, tuple(sorted({one.strip() for one in requirements})), requires_python)

    @property
    def start(self) -> str:
        """How the folder of such an environment begins."""
        from packaging.requirements import Requirement

        plain = sorted(str(Requirement(one)) for one in self.requirements)  # however they are spelt
        mark = f"-{digest(plain, self.requires_python)[:8]}-"
        return folder_name(self.method.removesuffix(".py"), mark + "0000")[:-4]


def source_of(file: Path, class_name: str) -> str:
    """How an environment says which file it was made for; the file need not exist."""
    return joined_spec(file.resolve(), class_name)


def _own_requirements() -> list[str]:
    """What groundcxr itself needs, without its extras."""
    try:
        return [one for one in requires("groundcxr") or [] if "extra ==" not in one]
    except PackageNotFoundError:
        return []


def _own_python() -> str | None:
    try:
        return str(metadata("groundcxr").json["requires_python"])
    except (PackageNotFoundError, KeyError):
        return None
