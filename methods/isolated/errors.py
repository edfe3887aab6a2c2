"""What can become of a method's process; the names of the classes stand in results as the reason of a failed sample."""

from __future__ import annotations

from ...core import GoneError, MethodError


class ProcessLost(MethodError):  # noqa: N818  (a published reason, not a fault of ours)
    """The process is of no more use; another is started for the next question."""


class ProcessEnded(ProcessLost):
    """It ended by itself, by a signal, or by the system's hand."""


class NoAnswer(ProcessLost):
    """It did not answer in time."""


class Nonsense(ProcessLost):
    """What it sent is no answer."""


class SetupFailed(GoneError):  # noqa: N818
    """The method can no longer be set up: its part of the run ends."""
