"""Errors that a user can cause and mend.

Every message is one sentence that names the thing, the place and the next step. The command line prints it as it is
and exits with 2; nothing else about the failure is shown.
"""


class GroundCXRError(Exception):
    """Base of all errors that are the input's fault rather than the program's."""


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


class StoreError(GroundCXRError):
    """The prediction store or a result folder cannot be read or written."""


class ProtocolError(GroundCXRError):
    """A target or prediction that the protocol cannot score."""


def described(error: BaseException) -> str:
    """An error of somebody else's code in one line: "KeyError: 'path'"."""
    try:
        text = " ".join(str(error).split())
    except Exception:  # an error's own text may fail to be made
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
