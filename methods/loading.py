"""From what a user types (a name, or a file with a class) to a method with options."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import sys
import types
import typing
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from ..core import GroundCXRError, MethodError, unknown_name
from ..core.fingerprint import digest, source_closure, source_digest
from ..core.paths import user_path
from .base import GroundingMethod
from .registry import FILE_MODULE, METHODS, check_method_class
from .revision import SOURCE_DIGEST

_WANTED = {
    **dict.fromkeys(("bool_parsing", "bool_type"), "true or false"),
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_parsing", "float_type"), "a number"),
}


def load_method_class(spec: str) -> type[GroundingMethod]:
    """The class behind ``NAME``, ``FILE.py`` or ``FILE.py:CLASS``.

    Raises:
        UnknownNameError: If there is no method of that name.
        MethodError: If the file does not exist, fails on import, or holds no method or several.
    """
    path, _, class_name = spec.partition(".py:") if ".py:" in spec else (spec.removesuffix(".py"), "", "")
    if not (spec.endswith(".py") or class_name):
        return METHODS.get(spec)
    file = user_path(f"{path}.py")
    if not file.is_file():
        raise MethodError(f"there is no method file {file}; give the path of a Python file that holds the class")
    return _class_in(_load_file(file.resolve()), file, class_name)


def build_method(spec: str | type[GroundingMethod], settings: Mapping[str, Any] | None = None) -> GroundingMethod:
    """A method with its options set, nothing loaded yet.

    Args:
        spec: What `load_method_class` takes, or a class.
        settings: Options by name; strings are converted to the option's type.

    Raises:
        UnknownNameError: If the method has no such option.
        MethodError: If a value does not fit, or the constructor fails.
    """
    method = load_method_class(spec) if isinstance(spec, str) else spec
    check_method_class(method)
    name = method.name or method.__name__
    options = parse_options(method.Options, settings or {}, name)
    try:
        built = method(options) if settings else method()
    except GroundCXRError:
        raise
    except Exception as error:
        raise MethodError(f"the method {name!r} cannot be built: {type(error).__name__}: {error}") from error
    if not hasattr(built, "options"):
        raise MethodError(f"the constructor of {name!r} must call super().__init__(options)")
    return built


def parse_options(options: type[Any], settings: Mapping[str, Any], method: str) -> Any:
    """An instance of an options dataclass from names and values.

    Raises:
        UnknownNameError: If there is no such option.
        MethodError: If a value does not fit its type or range.
    """
    from pydantic import TypeAdapter, ValidationError

    hints = typing.get_type_hints(options)
    fields = [field.name for field in dataclasses.fields(options)]
    values: dict[str, Any] = {}
    for key, value in settings.items():
        if key not in fields:
            raise unknown_name(f"option of the method {method!r}", key, fields)
        parts: Any = value
        if isinstance(value, str) and _is_sequence(hints[key]):
            parts = [part.strip() for part in value.split(",") if part.strip()]
        try:
            values[key] = TypeAdapter(hints[key]).validate_python(parts)
        except ValidationError as error:
            raise MethodError(
                f"the option {key}={value!r} of the method {method!r} does not fit: {_wanted(error.errors())}"
            ) from error
    try:
        return options(**values)
    except ValueError as error:
        raise MethodError(f"the options of the method {method!r} do not fit: {error}") from error


def _wanted(errors: Sequence[Mapping[str, Any]]) -> str:
    """What an option takes, from pydantic's account of what is wrong."""
    error, place = errors[0], errors[0]["loc"]
    if error["type"] in ("enum", "literal_error"):
        wanted = f"it must be {error['ctx']['expected']}"
    elif error["type"] in _WANTED:
        wanted = f"write {_WANTED[error['type']]}"
    else:
        return error["msg"]
    if place and all(isinstance(step, int) for step in place):
        return f"{wanted} at place {place[0] + 1}"
    # Where an option takes one of several kinds, none of them is what it must be.
    return wanted if not place else error["msg"]


def _is_sequence(kind: Any) -> bool:
    kinds = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
    return any(typing.get_origin(one) in (tuple, list) for one in kinds)


def _load_file(file: Path) -> ModuleType:
    try:
        revision = source_digest(file, file.parent)
    except SyntaxError as error:
        raise MethodError(
            f"{error.filename or file}, line {error.lineno} cannot be imported: SyntaxError: {error.msg}"
        ) from error
    # An edited file is another module, so that what runs is what the revision says, in a notebook too.
    name = f"{FILE_MODULE}{digest(str(file), revision)[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise MethodError(f"{file} cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    setattr(module, SOURCE_DIGEST, revision)
    sys.modules[name] = module
    try:
        _let_import([found for found in source_closure(file, file.parent) if found != file], file.parent)
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        if isinstance(error, MethodError):
            raise
        raise MethodError(f"{file} cannot be imported: {type(error).__name__}: {error}") from error
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
