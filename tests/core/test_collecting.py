"""The garbage collector's settings are the user's again after a data set was loaded, whatever happened."""

from __future__ import annotations

import contextlib
import gc

import pytest

from groundcxr.core.collecting import collecting_seldom


@pytest.mark.parametrize("own", [(700, 10, 10), (0, 10, 10), (900_000, 5, 5)])
def test_settings_come_back(own):
    before = gc.get_threshold()
    gc.set_threshold(*own)
    try:
        with contextlib.suppress(KeyError), collecting_seldom():
            inside = gc.get_threshold()
            raise KeyError
        assert gc.get_threshold() == own
        # Never more often than the user wants, and not at all where he has stopped it.
        assert inside[0] >= own[0] if own[0] else inside[0] == 0
    finally:
        gc.set_threshold(*before)
