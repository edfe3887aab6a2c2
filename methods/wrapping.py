"""What methods that ask another method share: its options in one text, and where they stand when one is wrong."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from ..core import MethodError, WeightsError


def settings_of(settings: str, method: str) -> dict[str, str]:
    """The options in a text 'KEY=VALUE KEY=VALUE'.

    Args:
        settings: The text.
        method: The method that asks, for messages.

    Raises:
        MethodError: If it cannot be read.
    """
    try:
        pairs = [setting.partition("=") for setting in shlex.split(settings)]
    except ValueError as error:
        raise MethodError(f"the settings {settings!r} of {method} cannot be read: {error}") from error
    for key, equals, _ in pairs:
        if not equals:
            raise MethodError(f"the setting {key!r} of {method} does not fit: write KEY=VALUE")
    return {key: value for key, _, value in pairs}


@contextmanager
def saying_where_options_stand(method: str) -> Iterator[None]:
    """Within it, errors about weights say that the options of the method that is asked stand in `settings`."""
    try:
        yield
    except WeightsError as error:
        raise WeightsError(
            f"{error} (an option of the method that {method} asks stands in its own option settings='KEY=VALUE')"
        ) from error
