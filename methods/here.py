"""A method in this Python: its class, from a name or from a file, and an instance of it."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from ..core import MethodError, unknown_name
from ..core.errors import said, told_as
from ..core.fingerprint import digest, source_closure, source_digest
from ..core.paths import user_path
from .base import GroundingMethod
from .contract import check_attributes, check_method_class
from .registry import FILE_MODULE, METHODS
from .revision import SOURCES
from .sources import Sources
from .watching import FilesSeen, watching

_SEEN = "__groundcxr_seen__"
"""Where the module of a method file keeps the `FilesSeen` of its loading."""


def split_spec(spec: str) -> tuple[Path | None, str]:
    """The file and the class that ``FILE.py`` or ``FILE.py:CLASS`` names; no file for a ``NAME``.

    Raises:
        MethodError: If the file does not exist.
    """
    file, class_name = named_file(spec)
    if file is not None and not file.is_file():
        raise MethodError(f"there is no method file {file}; give the path of a Python file that holds the class")
    return file, class_name


def named_file(spec: str) -> tuple[Path | None, str]:
    """As `split_spec`, of a file that need not exist any more."""
    path, _, class_name = spec.partition(".py:") if ".py:" in spec else (spec[:-3], "", "")
    return (user_path(f"{path}.py"), class_name) if spec.endswith(".py") or class_name else (None, "")


def joined_spec(file: Path, class_name: str) -> str:
    """What `split_spec` splits."""
    return f"{file}:{class_name}" if class_name else str(file)


def absolute_spec(spec: str) -> str:
    """What names a method, such that it means the same in every working folder."""
    file, class_name = split_spec(spec)
    return spec if file is None else joined_spec(file.absolute(), class_name)


def class_here(spec: str) -> type[GroundingMethod]:
    """The class behind ``NAME``, ``FILE.py`` or ``FILE.py:CLASS``, imported by this Python.

    Raises:
        UnknownNameError: If there is no method of that name.
        MethodError: If the file does not exist, fails on import, or holds no method or several.
    """
    file, class_name = split_spec(spec)
    return METHODS.get(spec) if file is None else _class_in(_load_file(file.resolve()), file, class_name)


def instance_here(
    method: type[GroundingMethod], values: Mapping[str, Any], read: Callable[..., Any]
) -> GroundingMethod:
    """An instance of a class, nothing loaded yet.

    Args:
        method: The class.
        values: Options by name.
        read: Makes an instance of `Options` of them, as `parse_options` and `options_of` do.

    Raises:
        UnknownNameError: If the method has no such option.
        MethodError: If a value does not fit, or the constructor fails.
    """
    check_method_class(method)
    name = method.name or method.__name__
    options = read(method.Options, values, name)
    loaded: FilesSeen = getattr(sys.modules.get(method.__module__), _SEEN, FilesSeen())
    seen = FilesSeen(set(loaded.read), imported=set(loaded.imported))
    with told_as(f"the method {name!r} cannot be built"), watching(seen, loading=True):
        built = method(options) if values else method()
    check_attributes(built, name)
    built.__dict__.setdefault("_files_seen", seen)  # a method in another Python brings its own
    return built


def _load_file(file: Path) -> ModuleType:
    try:
        revision = source_digest(file, file.parent)
    except SyntaxError as error:
        raise MethodError(
            f"{error.filename or file}, line {error.lineno} cannot be imported: SyntaxError: {error.msg}"
        ) from error
    except (OSError, ValueError) as error:
        raise MethodError(f"{file} cannot be imported: {said(error)}") from error
    # An edited file is another module, so that what runs is what the revision says, in a notebook too.
    name = f"{FILE_MODULE}{digest(str(file), revision)[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise MethodError(f"{file} cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    seen = FilesSeen()
    imported = [found for found in source_closure(file, file.parent) if found != file]
    sys.modules[name] = module
    try:
        with told_as(f"{file} cannot be imported"), watching(seen, loading=True):
            _let_import(imported, file.parent)
            spec.loader.exec_module(module)
        # Only now the module has put its own folders, if any, where Python looks for code.
        setattr(module, SOURCES, Sources.of(file, file.parent))
    except BaseException:
        del sys.modules[name]
        raise
    setattr(module, _SEEN, seen)
    return module


def _class_in(module: ModuleType, file: Path, class_name: str) -> type[GroundingMethod]:
    found = {
        name: value
        for name, value in vars(module).items()
        if inspect.isclass(value) and issubclass(value, GroundingMethod) and value.__module__ == module.__name__
    }
    if class_name:
        if class_name not in found:
            raise unknown_name(f"method class in {file}", class_name, found)
        chosen = found[class_name]
    elif len(found) == 1:
        (chosen,) = found.values()
    elif found:
        raise MethodError(f"{file} holds several methods; choose one with {file}:CLASS, of {', '.join(found)}")
    else:
        raise MethodError(f"{file} holds no method: derive a class from groundcxr.GroundingMethod")
    check_method_class(chosen)
    if "name" not in vars(chosen):
        chosen.name = chosen.__name__
    return chosen


class _SiblingFinder:
    """Finds the modules that method files import from their own folder.

    The folder itself does not go on ``sys.path``: its other files would shadow installed packages, which a method file
    in this project's own root (``datasets/``) would feel at once. Only names that the method's code imports are found,
    and before installed modules, as beside a script.
    """

    def __init__(self) -> None:
        self.files: dict[str, Path] = {}

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The import system's hook; see `importlib.abc.MetaPathFinder`."""
        file = self.files.get(name) if path is None else None
        if file is None:
            return None
        folders = [str(file.parent)] if file.name == "__init__.py" else None
        return importlib.util.spec_from_file_location(name, file, submodule_search_locations=folders)


_SIBLINGS = _SiblingFinder()
_PACKAGE_ROOT = Path(__file__).resolve().parents[1]


def _let_import(files: list[Path], folder: Path) -> None:
    if _SIBLINGS not in sys.meta_path:
        sys.meta_path.insert(0, _SIBLINGS)
    for file in files:
        if file.parent == folder:
            name = file.stem
        elif file.parent.parent == folder != _PACKAGE_ROOT and file.name == "__init__.py":
            name = file.parent.name
        else:
            continue
        other = _SIBLINGS.files.setdefault(name, file)
        if other != file:
            raise MethodError(
                f"two method files import different modules named {name!r}: {other} and {file}; rename one"
            )
        # Imported by an earlier state of the method file, it may have been edited since.
        sys.modules.pop(name, None)
