"""Errors that a user can cause and mend.

Every message is one sentence that names the thing, the place and the next step. The command line prints it as it is
and exits with 2; nothing else about the failure is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import ClassVar

from .guests import guest
from .tracebacks import TOLD, place_of


class GroundCXRError(Exception):
    """Base of all errors that are the input's fault rather than the program's.

    Attributes:
        says_all: Whether its text is all that there is to say, so that no traceback of ours adds to it.
    """

    says_all: ClassVar[bool] = True


class UnknownNameError(GroundCXRError):
    """A method, data set, protocol, pathology or option that does not exist."""


class DatasetError(GroundCXRError):
    """A data set's files are missing or are not in the released format."""


class ImageError(GroundCXRError):
    """An image file that cannot be read."""


class MethodError(GroundCXRError):
    """A method that cannot be loaded, or whose answer breaks the contract."""


class WeightsError(MethodError):
    """Weights that are missing, unreachable, or not the ones that were published."""


class GoneError(MethodError):
    """What answers for a method is gone: its part of the run ends, and what was stored stays."""


class StoppedError(GroundCXRError):
    """A method's run that was ended by the limit on failures that its user gave; what was stored stays."""


class StoreError(GroundCXRError):
    """The prediction store or a result folder cannot be read or written."""


class ProtocolError(GroundCXRError):
    """A target or prediction that the protocol cannot score."""


def text_of(error: BaseException) -> str:
    """What an exception says; "" where it says nothing, or fails in saying it.

    Methods and libraries raise exceptions whose text is made when it is asked for, which may go wrong itself.
    """
    try:
        return str(error)
    except Exception:
        return ""


def said(error: BaseException) -> str:
    """An exception's type and what it says, on one line."""
    return ": ".join(filter(None, (type(error).__name__, " ".join(text_of(error).split()))))


@contextmanager
def told_as(sentence: str, packages: Collection[str] = ()) -> Iterator[None]:
    """Turn whatever an author's code raises into one sentence, ``sys.exit`` too; Ctrl-C stays what it is.

    Args:
        sentence: What could not be done, to which the error is added, with its last line in the author's code.
        packages: Installed packages that are the author's code, see `place_of`.

    Raises:
        MethodError: If the block raises anything that is not said in a sentence already.
    """
    try:
        with guest():
            yield
    except (GroundCXRError, KeyboardInterrupt):
        raise
    except BaseException as error:
        told = MethodError(": ".join(filter(None, (sentence, place_of(error, packages), said(error)))))
        setattr(told, TOLD, True)
        raise told from error
