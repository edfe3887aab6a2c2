"""What a method requires, read from its source: nothing of it is imported or run."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from ...core import MethodError
from ...core.errors import said
from ...core.install import with_versions
from ...core.paths import user_path
from ..registry import METHODS
from ..requirements import check_stated, require

_STATED = ("requirements", "requires_python")
_OURS = __name__.partition(".")[0]
_BASES = ("GroundingMethod", "ControlMethod", "PhraseControl")


@dataclass(frozen=True)
class Declared:
    """What the class of a method states as literals.

    Attributes:
        requirements: Packages, as pip takes them.
        requires_python: The versions of Python that it runs on; None where it does not say.
    """

    requirements: tuple[str, ...] = ()
    requires_python: str | None = None


def method_file(spec: str) -> tuple[Path, str] | None:
    """The file and the class ("" for its only one) that ``FILE.py`` or ``FILE.py:CLASS`` names; None for a name.

    Raises:
        MethodError: If there is no such file.
    """
    path, _, class_name = spec.partition(".py:") if ".py:" in spec else (spec.removesuffix(".py"), "", "")
    if not (spec.endswith(".py") or class_name):
        return None
    file = user_path(f"{path}.py")
    if not file.is_file():
        raise MethodError(f"there is no method file {file}; give the path of a Python file that holds the class")
    return file, class_name


def declared_by(spec: str) -> Declared:
    """What the method states that ``NAME``, ``FILE.py`` or ``FILE.py:CLASS`` names.

    Raises:
        UnknownNameError: If there is no method of that name.
        MethodError: If there is no such file, or what it states is no literal or no requirement.
    """
    given = method_file(spec)
    if given is not None:
        return declared(*given)
    plugin = METHODS.plugin(spec)
    if plugin is None:
        method = METHODS.get(spec)  # of this package, whose modules import nothing heavy
        return Declared(tuple(method.requirements), method.requires_python)
    file = _module_file(plugin.module)
    return declared(file, plugin.attr.partition(".")[0]) if file is not None else Declared()


def require_declared(spec: str) -> None:
    """Raise unless this Python environment has what a method states that it requires; nothing is imported for it.

    Raises:
        UnknownNameError: If there is no method of that name.
        MethodError: Naming what is lacking, with the command that makes an environment of it.
    """
    stated = declared_by(spec)
    given, requirements, step = method_file(spec), stated.requirements, ""
    if given is not None:
        step = f"make an environment for it with: {create_step(spec)}"
    elif METHODS.plugin(spec) is None:
        requirements = tuple(with_versions(requirements))
    require(spec, requirements, stated.requires_python, step)


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
    source = _Source(file)
    if class_name:
        return source.declared(class_name)
    leaves = source.leaves()
    # Where a base is not in sight, any class may be a method.
    names = [name for name in leaves if source.is_method(name)] or leaves
    found = {name: stated for name in names if (stated := source.declared(name)) != Declared()}
    if len(set(found.values())) > 1:
        raise MethodError(
            f"{file} holds several methods with requirements of their own; choose one with {file}:CLASS, of "
            f"{', '.join(found)}"
        )
    return next(iter(found.values()), Declared())


class _Source:
    """The syntax tree of one file: its classes, and where the names that it imports come from."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            tree = ast.parse(file.read_bytes(), filename=str(file))
        except SyntaxError as error:
            raise MethodError(f"{file}, line {error.lineno} cannot be imported: SyntaxError: {error.msg}") from error
        except (OSError, ValueError, RecursionError, MemoryError) as error:
            raise MethodError(f"{file} cannot be imported: {said(error)}") from error
        nodes = list(_top_level(tree))
        self.classes = {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}
        self.imports = {
            alias.asname or alias.name: (node, alias.name)
            for node in nodes
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }

    def leaves(self) -> list[str]:
        """The classes that no other class of the file derives from."""
        used = {base for node in self.classes.values() for base in _bases(node)}
        return [name for name in self.classes if name not in used]

    def declared(self, class_name: str) -> Declared:
        """What a class states, or its bases do; checked."""
        found = self._stated(class_name)
        label = f"{self.file}: {class_name}"
        requirements, requires_python = found.get("requirements", ()), found.get("requires_python")
        check_stated(label, requirements, requires_python)
        return Declared(tuple(requirements), requires_python or None)

    def is_method(self, name: str) -> bool:
        """Whether a class is seen to derive from one of groundcxr's."""
        return any(base in _BASES for _, base in self._line(name))

    def _stated(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for source, base in self._line(name):
            if base in source.classes:
                found = source._literals(source.classes[base]) | found
        return found

    def _line(self, name: str) -> Iterator[tuple[_Source, str]]:
        """A class and those that it derives from, as far as they are in sight, depth first."""
        waiting: list[tuple[_Source, str]] = [(self, name)]
        seen: set[tuple[Path, str]] = set()
        while waiting:
            source, base = waiting.pop()
            if (source.file, base) in seen:
                continue
            seen.add((source.file, base))
            yield source, base
            if base in source.classes:
                waiting += [(source, other) for other in list(_bases(source.classes[base]))[::-1]]
            elif base not in _BASES and base in source.imports:
                node, original = source.imports[base]
                file = source._imported(node)
                if file is not None:
                    waiting.append((_Source(file), original))

    def _literals(self, node: ast.ClassDef) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for statement in _top_level(node):
            for name, value in _assigned(statement):
                if name not in _STATED:
                    continue
                try:
                    found[name] = ast.literal_eval(value)
                except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
                    example = "('torch', 'transformers>=4.48,<4.52')" if name == "requirements" else "'>=3.9,<3.12'"
                    raise MethodError(
                        f"{self.file}, line {statement.lineno}: {node.name}.{name} must be written out, such as "
                        f"{example}: it is read without running the file"
                    ) from error
        return found

    def _imported(self, node: ast.ImportFrom) -> Path | None:
        """The file of the module that names are imported from: beside this one, of its package, or of groundcxr."""
        parts = node.module.split(".") if node.module else []
        folder = self.file.resolve().parent
        if node.level:
            above = (folder, *folder.parents)
            return _file_below(above[node.level - 1], parts) if node.level <= len(above) else None
        home = folder
        while home != home.parent and (home / "__init__.py").is_file():
            home = home.parent
        below = [_file_below(place, parts) for place in (folder, home)]
        return below[0] or below[1] or (_module_file(".".join(parts)) if parts[0] == _OURS else None)


def _file_below(folder: Path, parts: list[str]) -> Path | None:
    here = folder.joinpath(*parts)
    candidates = [here / "__init__.py", *([here.parent / f"{here.name}.py"] if parts else [])]
    return next((file for file in candidates if file.is_file()), None)


def _module_file(module: str) -> Path | None:
    """The source of an installed module, found without importing it or the packages that it is in."""
    places: Any = None
    name, origin = "", None
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        spec = PathFinder.find_spec(name, places)
        if spec is None:
            return None
        places, origin = spec.submodule_search_locations or [], spec.origin
    return Path(origin) if origin is not None and origin.endswith(".py") else None


def _top_level(node: ast.Module | ast.ClassDef) -> Iterator[ast.stmt]:
    """Statements that run with the module or class, those under ``if`` and ``try`` too."""
    waiting: list[ast.stmt] = node.body[::-1]
    while waiting:
        statement = waiting.pop()
        yield statement
        if isinstance(statement, ast.If | ast.Try):
            inner = [*statement.body, *statement.orelse]
            if isinstance(statement, ast.Try):
                inner += [*(one for handler in statement.handlers for one in handler.body), *statement.finalbody]
            waiting.extend(inner[::-1])


def _assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(statement, ast.Assign):
        targets, value = statement.targets, statement.value
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
        targets, value = [statement.target], statement.value
        if isinstance(statement, ast.AugAssign):  # what it adds to is not known from here
            value = statement.target
    else:
        return
    for target in targets:
        if isinstance(target, ast.Name) and value is not None:
            yield target.id, value


def _bases(node: ast.ClassDef) -> Iterator[str]:
    for base in node.bases:
        if isinstance(base, ast.Name):
            yield base.id
        elif isinstance(base, ast.Attribute):
            yield base.attr
