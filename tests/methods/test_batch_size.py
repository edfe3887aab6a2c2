"""How many rows of work are done at once."""

import pytest
import torch

from groundcxr.core import MethodError
from groundcxr.methods.batch_size import BatchSize

ROW = 32 * 4  # bytes of a row whose widest level has one number


@pytest.fixture
def gpu(monkeypatch):
    """What a GPU's memory is like, of which PyTorch asks the driver."""
    state = {"free": 0, "reserved": 0, "allocated": 0}
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (state["free"], 2**40))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: state["reserved"])
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: state["allocated"])
    return state


def test_half_of_a_gpus_free_memory_is_filled(gpu):
    gpu["free"] = 20 * ROW
    assert BatchSize.within_budget(torch.device("cuda"), 1).rows == 10
    gpu["free"] = 2**40
    assert BatchSize.within_budget(torch.device("cuda"), 1).rows == 64
    gpu["free"] = 0
    assert BatchSize.within_budget(torch.device("cuda"), 1).rows == 1


def test_what_pytorch_keeps_of_earlier_batches_is_free_and_what_it_holds_is_not(gpu):
    gpu.update(free=10 * ROW, reserved=14 * ROW, allocated=4 * ROW)
    assert BatchSize.within_budget(torch.device("cuda"), 1).rows == 10


def test_a_cpu_takes_no_more_rows_than_make_it_faster():
    assert BatchSize.within_budget(torch.device("cpu"), 1).rows == 16
    assert BatchSize.within_budget(torch.device("cpu"), 2**30 // ROW // 5).rows == 5


def test_what_a_user_may_do_where_a_single_row_does_not_fit_is_said():
    def work(start, stop):
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")

    with pytest.raises(MethodError, match=r"one phrase does not fit into memory \(CUDA out of memory\); take a nap"):
        BatchSize(4, "take a nap").run(7, work)


def test_another_error_is_raised_as_it_is():
    def work(start, stop):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        BatchSize(4).run(7, work)
