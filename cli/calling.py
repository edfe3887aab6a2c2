"""What all commands have in common: paths and words as typed, and how a call ends."""

from __future__ import annotations

import errno
import functools
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import typer

from ..core import GroundCXRError
from ..core.errors import said
from ..core.paths import user_path
from .streams import lost_output, tell

_HOLD_PATHS = {"method", "data", "python", "root", "suite"}

_GOES_ON = "stopped; the predictions of finished batches are kept, and the same command goes on from there"


def called(command: Callable[..., None], *, verdict: bool = False, stopped: str = _GOES_ON) -> Callable[..., None]:
    """A command as the command line calls it.

    Paths have their ``~`` expanded and are absolute, since a method may change the current folder. Words are UTF-8.
    What ends the program from within (``sys.exit`` in a method, a data set) or fails on a disk becomes one sentence.
    Where standard output cannot be written, the exit code stays the command's, unless what it prints is all it makes.

    Args:
        command: The function with its options.
        verdict: Whether its exit code is its answer, so that nothing is lost without what it prints.
        stopped: What is said after Ctrl-C.
    """

    @functools.wraps(command)
    def call(**arguments: Any) -> None:
        arguments = {name: _settled(name, value) for name, value in arguments.items()}
        try:
            command(**arguments)
            code = 0
        except typer.Exit as end:
            code = end.exit_code
        except KeyboardInterrupt:
            sys.stderr.write("\n")  # after the ^C of the terminal
            tell(stopped)
            raise
        except MemoryError:
            raise GroundCXRError(
                "the memory is not enough; give the process more, or fewer images at once with --batch-size"
            ) from None
        except OSError as error:
            raise GroundCXRError(_sentence(error)) from error
        except BaseException as stop:
            if isinstance(stop, Exception):
                raise
            raise GroundCXRError(
                f"the code of a method or of a data set has ended the program itself ({said(stop)}); "
                "it must raise an error instead"
            ) from None
        raise typer.Exit(_printed(code, arguments, verdict))

    # A paragraph is one line: where Python's source breaks it says nothing of where a terminal should.
    paragraphs = inspect.cleandoc(command.__doc__ or "").split("\n\n")
    call.__doc__ = "\n\n".join(" ".join(one.split()) for one in paragraphs)
    # Typer reads these instead of the command's own, which are text until somebody asks, and then new each time.
    hints = call.__annotations__ = _hints(command)
    signature = inspect.signature(command)
    parameters = [one.replace(annotation=hints[one.name]) for one in signature.parameters.values()]
    call.__signature__ = signature.replace(parameters=parameters)  # pyright: ignore[reportAttributeAccessIssue]
    return call


def _hints(command: Callable[..., None]) -> dict[str, Any]:
    """A command's parameters. `user_path` reads the paths: unlike `Path` it tells "" from ".", and ./~a from ~a."""
    hints = get_type_hints(command, include_extras=True)
    for hint in hints.values():
        kind, *about = get_args(hint) or (hint,)
        if about and "Path" in str(kind):
            about[0].parser = user_path
    return hints


def _settled(name: str, value: Any) -> Any:
    """An argument as the command takes it."""
    if isinstance(value, list | tuple):
        return [_settled(name, one) for one in value]
    if isinstance(value, Path):
        return user_path(value).absolute()  # a default has not been read
    # An Enum's member is a str, too.
    if type(value) is not str or name in _HOLD_PATHS or (name == "settings" and _names_file(value)):
        return value
    return _words("set" if name == "settings" else name, value)


def _names_file(setting: str) -> bool:
    return os.path.lexists(os.path.expanduser(setting.partition("=")[2]))  # noqa: PTH111  # unlike Path's it never fails


def _words(name: str, text: str) -> str:
    """The text of an argument whose bytes are UTF-8, whatever encoding the terminal claims.

    Raises:
        GroundCXRError: If they are not.
    """
    try:
        return os.fsencode(text).decode("utf-8")
    except UnicodeError as error:
        raise GroundCXRError(
            f"--{name.replace('_', '-')} {text!r} is not UTF-8; write it in the encoding of the terminal"
        ) from error


def _sentence(error: OSError) -> str:
    place = f"{error.filename}: " if error.filename is not None else ""
    return f"{place}{error.strerror or str(error) or type(error).__name__}"


def _printed(code: int, arguments: Mapping[str, Any], verdict: bool) -> int:
    """The exit code, after a word about output that could not be printed."""
    lost = lost_output()
    if lost is None:
        return code
    why = f"standard output could not be written ({lost.strerror or lost})"
    places = [str(arguments[name]) for name in ("out", "store") if arguments.get(name)]
    if places:
        tell(f"warning: {why}; what was made is in {' and '.join(places)}")
    elif lost.errno == errno.EPIPE:
        pass  # a reader who has seen enough is no error
    elif verdict:
        tell(f"warning: {why}; exit code {code} is the answer")
    else:
        raise GroundCXRError(why)
    return code
