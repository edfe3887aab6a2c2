"""Several writers where the disk has locks; where it has none, one, and a second is refused by name."""

import errno
import fcntl
import os
import subprocess
import sys
import threading

import pytest

from groundcxr.core import StoreError, files, locks
from groundcxr.core.locks import locked
from groundcxr.core.process import this_process


@pytest.fixture(params=["EPERM", "EACCES", "EOPNOTSUPP", "ENOSYS", "EINVAL", "ENOLCK", 524])
def without_locks(monkeypatch, request):
    code = request.param if isinstance(request.param, int) else getattr(errno, request.param)

    def flock(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    monkeypatch.setattr(files, "_said", set())
    monkeypatch.setattr(locks, "_claimed", set())


one_refusal = pytest.mark.parametrize("without_locks", ["EOPNOTSUPP"], indirect=True)

WRITER = """
import fcntl, os, sys
from pathlib import Path
def flock(*_):
    raise OSError(95, "Operation not supported")
fcntl.flock = flock
from groundcxr.core.locks import locked
with locked(Path(sys.argv[1])):
    pass
print("wrote", flush=True)
sys.stdin.read()
if sys.argv[2] == "killed":
    os._exit(9)
"""


def writer(folder, end):
    command = [sys.executable, "-c", WRITER, str(folder), end]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "wrote\n"
    return process


def test_one_process_writes_without_locks_and_says_so_once(without_locks, tmp_path, capsys):
    for folder in ("a", "b", "a"):
        with locked(tmp_path / folder, tmp_path):
            pass
    said = capsys.readouterr().err
    assert "has no locks, so only one run at a time can write there" in said
    assert said.count("\n") == 1
    assert (tmp_path / ".writer").read_text().strip() == this_process()


@one_refusal
@pytest.mark.parametrize("end", ["ended", "killed"])
def test_a_second_live_writer_is_refused_and_a_dead_ones_claim_is_taken_over(without_locks, tmp_path, end):
    other = writer(tmp_path, end)
    said = rf"process {other.pid} on .* writes in {tmp_path}.*; wait until it ends, or"
    with pytest.raises(StoreError, match=said), locked(tmp_path):
        pass
    other.communicate()
    assert (tmp_path / ".writer").exists() == (end == "killed")
    with locked(tmp_path):
        pass
    assert (tmp_path / ".writer").read_text().strip() == this_process()


@one_refusal
@pytest.mark.parametrize("content", ["other.host-12-34\n", "", "\xff\x00"])
def test_a_writer_that_cannot_be_asked_is_named_with_its_file_and_the_way_out(without_locks, tmp_path, content):
    claim = tmp_path / ".writer"
    claim.write_text(content, encoding="latin-1")
    with pytest.raises(StoreError, match=rf"if it has ended, delete {claim}"), locked(tmp_path):
        pass
    claim.unlink()
    with locked(tmp_path):
        pass


@one_refusal
def test_threads_of_the_one_writer_wait_for_each_other(without_locks, tmp_path):
    together, met = threading.Barrier(2), []

    def write():
        with locked(tmp_path):
            # Both would be here at once, were it not for the lock.
            try:
                together.wait(0.1)
                met.append(1)
            except threading.BrokenBarrierError:
                together.reset()

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not met


def test_where_there_are_locks_nothing_is_claimed(tmp_path, capsys):
    with locked(tmp_path / "a", tmp_path):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["a", ".lock"]
    assert capsys.readouterr().err == ""


def test_a_long_wait_is_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(locks, "_PATIENCE", -1.0)
    said = threading.Event()
    monkeypatch.setattr(locks.time, "sleep", lambda seconds: said.set())

    def wait():
        with locked(tmp_path):
            pass

    waiting = threading.Thread(target=wait)
    with locked(tmp_path):
        waiting.start()
        assert said.wait(10)
    waiting.join()
    assert capsys.readouterr().err == f"note: waiting for another run that has the lock {tmp_path / '.lock'}\n"


def test_a_lock_that_cannot_be_had_is_one_sentence(tmp_path, monkeypatch):
    def flock(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", flock)
    said = r"cannot write .*Input/output error; choose another folder"
    with pytest.raises(StoreError, match=said), locked(tmp_path):
        pass
