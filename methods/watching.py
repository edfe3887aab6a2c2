"""Which files a method's code reads without saying so: a change of them would meet old predictions."""

from __future__ import annotations

import os
import re
import site
import sys
import sysconfig
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import get_ident
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..core.modules import file_of
from .base import GroundingMethod
from .revision import covered_files

_PACKAGE = Path(__file__).resolve().parents[1]
_SYSTEM = ("/proc", "/sys", "/dev", "/etc", "/run", "/usr/lib", "/usr/lib64", "/usr/share", "/usr/local/lib",
           "/usr/local/share", "/lib", "/lib64", "/System", "/Library")  # fmt: skip
_CODE = (".pyc", ".so", ".pyd", ".dylib", ".dll", ".pth")
_BETWEEN = re.compile(r"[\s'\"=,;|&<>()]+")
_INSTALLED = {"site-packages", "dist-packages"}


@dataclass
class FilesSeen:
    """The files that code was seen to open.

    Attributes:
        read: Absolute paths of those opened for reading.
        written: Those that it made, or wrote, before it read them.
        imported: Absolute paths of the files of modules that were loaded.
        since: When the watch began, in seconds as `time.time` has them.
        elsewhere: Whether they are what a process in another environment saw, which has left out what is declared.
    """

    read: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    imported: set[str] = field(default_factory=set)
    since: float = field(default_factory=time.time)
    elsewhere: bool = False

    def see(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Note what an audit event says of a file (https://docs.python.org/3/library/audit_events.html)."""
        if event == "open":
            path, _, flags = arguments
            if not isinstance(path, int) and path is not None:
                self._note(path, writes=bool(flags & (os.O_WRONLY | os.O_TRUNC | os.O_EXCL)))
        elif event == "sqlite3.connect":
            database = os.fsdecode(arguments[0])
            self._note(url2pathname(urlsplit(database).path) if database.startswith("file:") else database)
        elif event == "subprocess.Popen":
            _, words, folder, _ = arguments
            for path in _named_in(words, folder):
                if os.path.isfile(path) and os.stat(path).st_mtime < self.since:  # else it was made for the command
                    self._note(path)

    def _note(self, path: Any, *, writes: bool = False) -> None:
        name = os.path.abspath(os.fsdecode(path))
        if name not in self.written and name not in self.read:
            (self.written if writes else self.read).add(name)


def _named_in(words: Any, folder: Any) -> Iterator[str]:
    """What a command's words may name, its program apart: whole words, and parts of options and of a shell's lines."""
    given = [words] if isinstance(words, (str, bytes, os.PathLike)) else list(words)
    for word in map(os.fsdecode, given[1:]):
        for name in dict.fromkeys((word, *_BETWEEN.split(word))):
            yield os.path.join(os.fsdecode(folder or ""), name)


_active: list[FilesSeen] = []
_unwatched: set[int] = set()


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _active and get_ident() not in _unwatched:
        try:
            for seen in _active:
                seen.see(event, arguments)
        except Exception:  # noqa: S110  (what a hook raises would come out of the author's own `open`)
            pass


@lru_cache(maxsize=None)
def _install() -> None:
    # There is no way to take an audit hook away again: one for all, which does nothing but in a `watching`.
    sys.addaudithook(_hook)
    _announce_safetensors()


def _announce_safetensors() -> None:
    """Have safetensors, whose native code opens files unseen and may close them at once, say so as `open` does."""
    try:
        import safetensors
    except ImportError:
        return
    real = safetensors.safe_open

    class safe_open:  # noqa: N801  (in the place of one of that name, which cannot be derived from)
        def __new__(cls, filename: Any, *arguments: Any, **named: Any) -> Any:
            sys.audit("open", os.fspath(filename), "rb", os.O_RDONLY)
            return real(filename, *arguments, **named)

    for module in list(sys.modules.values()):
        if getattr(module, "__dict__", {}).get("safe_open") is real:
            setattr(module, "safe_open", safe_open)  # noqa: B010  (which modules these are is not known)


@contextmanager
def watching(seen: FilesSeen, *, loading: bool = False) -> Iterator[None]:
    """Notes the files that are opened in the block.

    Noted are opens by Python code and by safetensors, in all threads but those of `unwatched`, modules that are loaded,
    and files that the command of another process names. What other native code reads is not, nor what else another
    process reads, but for what native code has mapped into memory or keeps open (HDF5) when `loading` ends, on Linux.

    Args:
        seen: Where they are noted.
        loading: Whether the block loads a model, so that it is worth while to ask the system what is mapped.
    """
    _install()
    before: set[str] = _held() if loading else set()
    modules = set(sys.modules)
    _active.append(seen)
    try:
        yield
    finally:
        _active.remove(seen)
        mapped: set[str] = _held() - before if loading else set()
        seen.read |= mapped - seen.written
        if new := set(sys.modules) - modules:  # hardly ever, and each batch that is asked about is watched
            # A module that was there may get another name, as the main script does; one that was made here was no file.
            seen.imported |= _files_of(new) - _files_of(modules) - seen.written


@contextmanager
def unwatched() -> Iterator[None]:
    """What this thread opens in the block is our own reading, beside the method's work."""
    thread = get_ident()
    _unwatched.add(thread)
    try:
        yield
    finally:
        _unwatched.discard(thread)


@contextmanager
def watched(method: GroundingMethod, *, loading: bool = False) -> Iterator[None]:
    """Notes what a method's code opens in the block; a bundled method states all that it reads."""
    with ExitStack() as watches:
        for asked in method.answering():
            if _is_bundled(asked) or files_seen(asked).elsewhere:
                continue
            if loading:  # a method may leave the folder that relative paths start from
                asked.places |= {place.absolute() for place in asked.declared_places()}
            watches.enter_context(watching(files_seen(asked), loading=loading))
        yield


def files_seen(method: GroundingMethod) -> FilesSeen:
    """What the code of a method has opened so far."""
    return method.__dict__.setdefault("_files_seen", FilesSeen())


def files_read(method: GroundingMethod) -> set[str]:
    """Absolute paths of the files that the code behind a method's answers was seen to read or to import so far."""
    seen = [files_seen(asked) for asked in method.answering()]
    return set().union(*(one.read | one.imported for one in seen))


def undeclared_files(method: GroundingMethod, read: Iterable[str]) -> list[Path]:
    """The files, of some that a method was seen to read, that neither `weights` nor an option names; sorted.

    Left out are code that the revision covers or that was read and not run, installed packages, the system's files, and
    caches: those of model hubs only where `weights` is a hub id, which says what is in them.
    """
    read = set(read)
    told = set().union(*(files_seen(asked).read for asked in method.answering() if files_seen(asked).elsewhere))
    here = [asked for asked in method.answering() if not files_seen(asked).elsewhere]
    return sorted({*map(Path, read & told), *_undeclared_here(here, read - told)})


def _undeclared_here(methods: Sequence[GroundingMethod], read: Iterable[str]) -> list[Path]:
    """As `undeclared_files`, of methods that are watched together: what one declares, another may be seen to read."""
    if all(map(_is_bundled, methods)):
        return []
    declared = {place for asked in methods for place in asked.places}
    declared |= {place.absolute() for asked in methods for place in asked.declared_places()}
    pinned = any(asked.weights is not None and asked.weights_id() == asked.weights for asked in methods)
    code = _files_of(sys.modules) - set().union(*map(_imported_unseen, methods))
    return [
        path
        for path in map(Path, read)
        if str(path) not in code
        and path.suffix not in _CODE
        and path.is_file()
        and not _is_installed(path)
        and not _is_cache(path, pinned)
        and not any(_within(path, place) for place in declared)
    ]


def _imported_unseen(method: GroundingMethod) -> set[str]:
    """The files of modules, installed ones among them, that a method has loaded and its revision does not cover.

    Its code has called for them by names that are not written there, such as ``importlib.import_module(name)``.
    """
    imported = set() if _is_bundled(method) else files_seen(method).imported
    known = covered_files(type(method)) if imported else None
    return set() if known is None else {file for file in imported if os.path.realpath(file) not in known}


def _files_of(names: Iterable[str]) -> set[str]:
    """Absolute paths of the Python files of modules that are loaded."""
    files = (file_of(sys.modules.get(name)) for name in list(names))
    return {os.path.abspath(file) for file in files if file is not None and file.endswith(".py")}


def _is_bundled(method: GroundingMethod) -> bool:
    return type(method).__module__.partition(".")[0] == __name__.partition(".")[0]


def _held() -> set[str]:
    """Files that this process has mapped or keeps open, where the system tells."""
    found: set[str] = set()
    try:
        with open("/proc/self/maps", errors="surrogateescape") as maps:
            for line in maps:
                place = line.find("/")
                if place >= 0:
                    found.add(line[place:].rstrip("\n"))
        for entry in os.scandir("/proc/self/fd"):
            found.add(os.readlink(entry.path))
    except OSError:
        pass
    return {name for name in found if name.startswith("/")}


@lru_cache(maxsize=None)
def _python() -> tuple[str, ...]:
    """The folders that Python and packages are installed in."""
    folders = [*site.getsitepackages(), site.getusersitepackages(), *sysconfig.get_paths().values()]
    # A virtual environment has a folder of its own; a system's Python shares one with everything.
    shared = {"/", "/usr", "/usr/local", os.path.expanduser("~")}
    prefixes = (sys.prefix, sys.base_prefix, sys.exec_prefix)
    return tuple({os.path.realpath(folder) for folder in (*folders, *prefixes)} - shared)


def _is_installed(path: Path) -> bool:
    real = path.resolve()
    if _INSTALLED & (set(path.parts) | set(real.parts)):
        return True
    if any(_within(real, Path(folder)) for folder in (*_SYSTEM, *_python())):
        return True
    # The package's root may be a checkout, which holds a user's own files too.
    inner = real.relative_to(_PACKAGE).parts if _PACKAGE in real.parents else ()
    return bool(inner) and (_PACKAGE / inner[0] / "__init__.py").is_file()


def hub_folders() -> tuple[Path, Path]:
    """Where the clients of the Hugging Face hub and of PyTorch's keep what they have brought."""
    hub = os.environ.get("HF_HUB_CACHE") or os.path.join(os.environ.get("HF_HOME") or f"{_caches()}/huggingface", "hub")
    torch = os.path.join(os.environ.get("TORCH_HOME") or f"{_caches()}/torch", "hub")
    return Path(os.path.abspath(os.path.expanduser(hub))), Path(os.path.abspath(os.path.expanduser(torch)))


def _caches() -> str:
    return os.environ.get("XDG_CACHE_HOME") or f"{os.path.expanduser('~')}/.cache"


def _is_cache(path: Path, pinned: bool) -> bool:
    if any(_within(path, hub) for hub in hub_folders()):
        return pinned
    home, caches = os.path.expanduser("~"), _caches()
    # Of torch.compile, which writes Python there and imports it, and says itself where that is.
    compiled = os.environ.get("TORCHINDUCTOR_CACHE_DIR"), os.environ.get("TRITON_CACHE_DIR")
    others = [caches, *compiled, os.environ.get("HF_HOME"), os.environ.get("TORCH_HOME"),
              os.environ.get("MPLCONFIGDIR"), os.environ.get("XDG_CONFIG_HOME") or f"{home}/.config",
              f"{home}/.triton", f"{home}/.nv", f"{home}/.matplotlib", f"{home}/Library/Caches"]  # fmt: skip
    hidden = str(path.parent) == home and path.name.startswith(".")
    return hidden or any(folder and _within(path, Path(folder)) for folder in others)


def _within(path: Path, place: Path) -> bool:
    """Whether a path is a place or below it, by name or where links lead."""
    real, target = path.resolve(), place.resolve()
    return place == path or place in path.parents or target == real or target in real.parents
