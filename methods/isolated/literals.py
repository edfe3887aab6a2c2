"""Literals of the classes in a Python file, read from its syntax tree: nothing of it is imported or run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...core import MethodError
from ...core.errors import said

_STATED = {"requirements": "('torch', 'transformers>=4.48,<4.52')", "requires_python": "'>=3.9,<3.12'"}
"""What is read, with an example of each."""

_OURS = __name__.partition(".")[0]
_BASES = ("GroundingMethod", "ControlMethod", "PhraseControl")


class Source:
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

    def is_method(self, name: str) -> bool:
        """Whether a class is seen to derive from one of groundcxr's."""
        return any(base in _BASES for _, base in self._line(name))

    def stated(self, name: str) -> dict[str, Any]:
        """`requirements` and `requires_python` of a class, as far as it or the classes that it derives from state them.

        Raises:
            MethodError: If one is no literal, or a file that they are inherited from cannot be read.
        """
        found: dict[str, Any] = {}
        for source, base in self._line(name):
            if base in source.classes:
                found = source._literals(source.classes[base]) | found
        return found

    def _line(self, name: str) -> Iterator[tuple[Source, str]]:
        """A class and those that it derives from, as far as they are in sight, depth first."""
        waiting: list[tuple[Source, str]] = [(self, name)]
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
                    waiting.append((Source(file), original))

    def _literals(self, node: ast.ClassDef) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for statement in _top_level(node):
            for name, value in _assigned(statement):
                if name not in _STATED:
                    continue
                try:
                    found[name] = ast.literal_eval(value)
                except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as error:
                    raise MethodError(
                        f"{self.file}, line {statement.lineno}: {node.name}.{name} must be written out, such as "
                        f"{_STATED[name]}: it is read without running the file"
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
        return below[0] or below[1] or (module_file(".".join(parts)) if parts[0] == _OURS else None)


def _file_below(folder: Path, parts: list[str]) -> Path | None:
    here = folder.joinpath(*parts)
    candidates = [here / "__init__.py", *([here.parent / f"{here.name}.py"] if parts else [])]
    return next((file for file in candidates if file.is_file()), None)


def module_file(module: str) -> Path | None:
    """The source of an installed module, found without importing it or the packages that it is in."""
    name, *inner = module.split(".")
    # Every finder is asked for the package itself: one that is installed to be edited is on no path.
    spec = find_spec(name)
    for part in inner:
        if spec is None:
            return None
        name = f"{name}.{part}"
        spec = PathFinder.find_spec(name, spec.submodule_search_locations or [])
    origin = None if spec is None else spec.origin
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
