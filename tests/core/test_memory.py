"""That memory ran out is seen, whoever says it."""

import errno

import numpy as np
import pytest
import torch

from groundcxr.core.memory import memory_ran_out


class SpeechlessError(RuntimeError):
    def __str__(self):
        raise ValueError


def raised(work):
    with pytest.raises(Exception) as caught:  # noqa: PT011
        work()
    return caught.value


@pytest.mark.parametrize(
    "work",
    [lambda: torch.empty(2**60, dtype=torch.uint8), lambda: np.ones(2**60, np.uint8), lambda: bytearray(2**62)],
    ids=["torch", "numpy", "python"],
)
def test_the_libraries_own_errors(work):
    assert memory_ran_out(raised(work))


@pytest.mark.parametrize(
    "text",
    [
        "CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacity of 79.11 GiB",
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "GET was unable to find an engine to execute this computation",
        "MPS backend out of memory (MPS allocated: 8.00 GB)",
        "RESOURCE_EXHAUSTED: Failed to allocate 1.00GiB",
    ],
)
def test_what_devices_say(text):
    assert memory_ran_out(RuntimeError(text))


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        type("_ArrayMemoryError", (Exception,), {})("Unable to allocate"),
    ],
    ids=["system", "another Python"],
)
def test_the_systems_own_and_that_of_another_python(error):
    assert memory_ran_out(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA error: device-side assert triggered"),
        SpeechlessError(),
        SystemExit("out of memory"),
        ValueError("no box in the answer to 'the patient ran out of memory'"),
        KeyError("out of memory"),
        FileNotFoundError(errno.ENOENT, "No such file or directory", "out of memory.png"),
    ],
)
def test_other_errors(error):
    assert not memory_ran_out(error)
