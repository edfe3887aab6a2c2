"""The fuzz itself: an endless loop, a full memory or an unexpected error fails it, whatever the code makes of them."""

from random import Random

import numpy as np
import pytest

from groundcxr.core import GroundCXRError


def endless():
    while True:
        pass


def huge():
    np.empty(3 * 2**30, np.uint8)


def told(action):
    try:
        action()
    except BaseException as error:
        raise GroundCXRError("told as if the file were bad") from error


def test_an_endless_loop_fails(limited):
    with pytest.raises(BaseException, match="input 7 takes more than"), limited("input 7", hang=0.1):
        endless()


def test_an_endless_loop_fails_where_it_was_taken_for_a_bad_file(limited, answered):
    with pytest.raises(AssertionError), limited("input 7", hang=0.1):
        answered(lambda: told(endless))


def test_three_gigabytes_fail(limited):
    with pytest.raises(MemoryError), limited("input 7"):
        huge()
    huge()  # the limit is gone


def test_three_gigabytes_fail_where_they_were_taken_for_a_bad_file(limited, answered):
    with pytest.raises(AssertionError, match="as if the file were bad"), limited("input 7"):
        answered(lambda: told(huge))


def test_an_unexpected_error_fails_with_the_name_of_its_input(fuzz, answered):
    def tried(rng):
        answered(lambda: {}["gone"])

    with pytest.raises(KeyError) as failure:
        fuzz("csv", tried)
    assert failure.value.__notes__ == ["input 0 of csv"]


def test_inputs_follow_from_their_numbers(fuzz, total):
    drawn = fuzz("csv", lambda rng: rng.random())
    assert drawn == [Random(f"csv {number}").random() for number in range(len(drawn))]
    assert len(drawn) == 0.12 * total
