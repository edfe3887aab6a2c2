"""The revision of a class that no file holds, as a notebook's cell: its code as it is in memory, and what that uses.

A cell's class has no file, and a module that was edited is not what runs until it is loaded again. So what is hashed is
what would run: the compiled code of the class's functions and of those that they use, from function to function, in
cells and in the author's own files, with the values of the variables that they read. What is installed counts by name.
"""

from __future__ import annotations

import dataclasses
import dis
import enum
import functools
import hashlib
import importlib.util
import logging
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from ..core.fingerprint import digest, file_digest
from ..core.tracebacks import is_installed

_OF_CLASSES = frozenset(
    {
        *("__module__", "__dict__", "__weakref__", "__doc__", "__annotations__", "__qualname__", "__match_args__"),
        *("__firstlineno__", "__static_attributes__", "__annotate__", "__annotate_func__", "__annotations_cache__"),
        *("__abstractmethods__", "_abc_impl", "__orig_bases__", "__parameters__", "__classcell__"),
        *("__dataclass_params__", "__dataclass_fields__"),
    }
)
"""What Python writes into a class beside its author; of a dataclass the fields are looked at for themselves."""

_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), range, slice)
_BY_NAME = (types.BuiltinFunctionType, types.MethodDescriptorType, types.WrapperDescriptorType, np.ufunc)


class NotKnown(Exception):  # noqa: N818  (an answer, not a fault)
    """Something that has no content to be known by; its text names it."""


def code_digest(*things: Any, known: Callable[[type], str | None], tolerant: bool = False) -> str:
    """SHA-256 (hex) over code in memory and over all that it uses.

    Args:
        things: Classes, functions, values.
        known: What a base class is known by that is groundcxr's; None for any other.
        tolerant: Whether what cannot be known counts for nothing.

    Raises:
        NotKnown: If the code uses what cannot be known by its content, such as an open connection.
    """
    try:
        return digest([_Reader(known, tolerant).read(thing) for thing in things])
    except RecursionError as error:
        raise NotKnown("what it uses leads too far") from error


class _Reader:
    """Turns things into plain values that are equal when the things act alike."""

    def __init__(self, known: Callable[[type], str | None], tolerant: bool) -> None:
        self._known, self._tolerant = known, tolerant
        self._seen: dict[int, int] = {}
        self._held: list[Any] = []  # so that no id is another's later
        self._names: list[str] = []

    def read(self, thing: Any) -> Any:
        if isinstance(thing, _PLAIN) and type(thing) in _PLAIN:
            return [type(thing).__name__, repr(thing)]
        if id(thing) in self._seen:
            return ["again", self._seen[id(thing)]]
        self._seen[id(thing)] = len(self._seen)
        self._held.append(thing)
        return [type(thing).__name__, self._content(thing)]

    def _content(self, thing: Any) -> Any:
        if isinstance(thing, (types.FunctionType, type)):
            name = f"{thing.__module__}.{thing.__qualname__}"
            if _is_library(thing.__module__):
                return name
            # What a module is called says nothing of an author's code: it may be anywhere.
            return self._function(thing) if isinstance(thing, types.FunctionType) else self._class(thing)
        if isinstance(thing, types.ModuleType):
            return self._module(thing)
        if isinstance(thing, types.MethodType):
            return [self.read(thing.__func__), self.read(thing.__self__)]
        if isinstance(thing, _BY_NAME):
            return [getattr(thing, "__module__", None), getattr(thing, "__qualname__", thing.__name__)]
        if isinstance(thing, (staticmethod, classmethod)):
            return self.read(thing.__func__)
        if isinstance(thing, property):
            return [self.read(thing.fget), self.read(thing.fset)]
        if isinstance(thing, functools.cached_property):
            return self.read(thing.func)
        if isinstance(thing, functools.partial):
            return [self.read(thing.func), self.read(thing.args), self.read(thing.keywords)]
        if callable(wrapped := getattr(thing, "__wrapped__", None)):
            return self.read(wrapped)
        return self._value(thing)

    def _value(self, thing: Any) -> Any:
        if isinstance(thing, Mapping):
            return [[self.read(key), self._named(str(key), value)] for key, value in thing.items()]
        if isinstance(thing, (list, tuple)):
            return [self.read(one) for one in thing]
        if isinstance(thing, (set, frozenset)):
            return sorted(digest(self.read(one)) for one in thing)
        if isinstance(thing, enum.Enum):
            return [self.read(type(thing)), thing.name]
        if isinstance(thing, (np.ndarray, np.generic)) and thing.dtype.kind != "O":
            array = np.ascontiguousarray(thing)
            return [str(array.dtype), list(array.shape), hashlib.sha256(array.tobytes()).hexdigest()]
        home, kind = type(thing).__module__, type(thing).__name__
        if isinstance(thing, (PurePath, np.dtype, re.Pattern, types.GenericAlias)) or home == "typing":
            return repr(thing)
        if isinstance(thing, (logging.Logger, types.MemberDescriptorType, types.GetSetDescriptorType)):
            return kind
        if (torch := sys.modules.get("torch")) is not None:
            if isinstance(thing, (torch.device, torch.dtype)):
                return repr(thing)
            if isinstance(thing, torch.Tensor):
                tensor: Any = thing
                flat = tensor.detach().cpu().contiguous().reshape(-1)
                shape = [str(tensor.dtype), list(tensor.shape)]
                return [*shape, hashlib.sha256(flat.view(torch.uint8).numpy().tobytes()).hexdigest()]
            if isinstance(thing, torch.nn.Module):
                return [self.read(type(thing)), self.read(vars(thing))]
        if not _is_library(home) and hasattr(thing, "__dict__"):
            return [self.read(type(thing)), self.read(vars(thing))]
        if self._tolerant:
            return "not known"
        raise NotKnown(f"{'.'.join(self._names) or 'a value'} ({'an' if kind[0] in 'AEIOU' else 'a'} {kind})")

    def _function(self, function: types.FunctionType) -> Any:
        cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
        names = zip(function.__code__.co_freevars, cells, strict=False)
        return [
            self._code(function.__code__),
            [self._named(name, value) for name, value in names],
            [self.read(function.__defaults__), self.read(function.__kwdefaults__)],
            [[name, self._named(name, value)] for name, value in _used(function.__code__, function.__globals__)],
        ]

    def _code(self, code: types.CodeType) -> Any:
        consts = [self._code(one) if isinstance(one, types.CodeType) else self.read(one) for one in code.co_consts]
        shape = [code.co_name, code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags]
        return [code.co_code.hex(), code.co_exceptiontable.hex(), shape, code.co_names, code.co_varnames, consts]

    def _class(self, cls: type) -> Any:
        found: list[Any] = [cls.__qualname__]
        for base in cls.__bases__:
            known = self._known(base)
            found.append(self.read(base) if known is None else [base.__qualname__, known])
        fields = vars(cls).get("__dataclass_fields__", {})
        for name, field in fields.items():
            made = None if field.default_factory is dataclasses.MISSING else field.default_factory
            found.append([name, self._named(name, made), str(field.type)])
        if issubclass(cls, enum.Enum):
            return [*found, [[one.name, self.read(one.value)] for one in cls]]
        if issubclass(cls, tuple) and hasattr(cls, "_fields"):
            return [*found, self.read(cls.__dict__["_fields"]), self.read(cls.__dict__.get("_field_defaults"))]
        for name, value in vars(cls).items():
            if name not in _OF_CLASSES and not (fields and name.startswith("__") and _is_generated(value)):
                found.append([name, self._named(name, value)])
        return found

    def _module(self, module: types.ModuleType) -> Any:
        file = getattr(module, "__file__", None)
        if _is_library(module.__name__) or file is None:
            return module.__name__
        return [module.__name__, file_digest(Path(file))]

    def _named(self, name: str, value: Any) -> Any:
        self._names.append(name)
        try:
            return self.read(value)
        finally:
            self._names.pop()


def _used(code: types.CodeType, variables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The variables that code reads and the modules that it imports, by name; of an author's module what it takes."""
    steps = [one for one in dis.get_instructions(code) if one.opname not in ("CACHE", "PRECALL", "PUSH_NULL")]
    for place, step in enumerate(steps):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and step.argval in variables:
            yield from _taken(step.argval, variables[step.argval], steps[place + 1 :])
        elif step.opname == "IMPORT_NAME":
            yield from _taken(step.argval, _imported(step.argval, variables), steps[place + 1 :])
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from _used(inner, variables)


def _taken(name: str, value: Any, steps: list[dis.Instruction]) -> Iterator[tuple[str, Any]]:
    """A variable; of a module of the author's what the steps after it take out of it, where that can be told."""
    if not isinstance(value, types.ModuleType) or _is_library(value.__name__):
        yield name, value
        return
    taken = False
    for step in steps:
        if step.opname == "IMPORT_FROM" or (not taken and step.opname in ("LOAD_ATTR", "LOAD_METHOD")):
            taken = True
            if step.argval in vars(value):
                yield f"{name}.{step.argval}", vars(value)[step.argval]
            if step.opname != "IMPORT_FROM":
                return
        elif step.opname not in ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF"):
            break
    if not taken:
        yield name, value


def _imported(name: str, variables: Mapping[str, Any]) -> Any:
    """A module that code imports where it runs; of one that was not imported yet its file's content."""
    package = variables.get("__package__") or ""
    for full in filter(None, (name, f"{package}.{name}" if package else "")):
        if full in sys.modules:
            return sys.modules[full]
        try:
            spec = importlib.util.find_spec(full)
        except (ImportError, ValueError):
            continue
        if spec is not None:
            return file_digest(Path(spec.origin)) if spec.origin and not is_installed(spec.origin) else name
    return name


def _is_library(module: str | None) -> bool:
    """Whether a module is installed, Python's own, or ours: it counts by its name."""
    root = (module or "").partition(".")[0]
    if root in ("groundcxr", "builtins"):
        return True
    if root == "__main__":
        return False
    loaded = sys.modules.get(module or "")
    if loaded is None:
        return False
    file = getattr(loaded, "__file__", None)
    return (file is None and root in sys.builtin_module_names) or (file is not None and is_installed(file))


def _is_filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _is_generated(value: Any) -> bool:
    """Whether a dataclass wrote a function itself, of the fields that are looked at."""
    return value is None or (isinstance(value, types.FunctionType) and value.__code__.co_filename == "<string>")
