"""Only regular files are opened: whatever else bears the name neither hangs nor fills the memory."""

import os
import socket
import tracemalloc
from pathlib import Path

import pytest

from groundcxr.core import ImageError, Radiograph, image_digest, read_header, read_regular
from groundcxr.core.regular import is_regular

READERS = (Radiograph.open, read_header, image_digest)


def refused(path, kind):
    with pytest.raises(OSError, match=kind):
        read_regular(path)
    for read in READERS:
        with pytest.raises(ImageError, match=rf"{path}: it is {kind}, not a file; name "):
            read(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX's")
@pytest.mark.parametrize("name", ["a.png", "a.dcm"])
def test_a_named_pipe_is_refused(tmp_path, name):
    os.mkfifo(tmp_path / name)
    refused(tmp_path / name, "a named pipe")


def test_a_folder_is_refused(tmp_path):
    refused(tmp_path, "a folder")


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="sockets in folders are POSIX's")
def test_a_socket_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path has few characters
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("a.png")
        refused(tmp_path / "a.png", "a socket")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="devices are POSIX's")
def test_a_device_is_refused_also_through_a_link(tmp_path):
    (tmp_path / "a.png").symlink_to("/dev/zero")
    refused(tmp_path / "a.png", "a device")


def test_a_link_to_a_file_is_that_file(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert read_regular(tmp_path / "b") == b"content"
    assert is_regular(tmp_path / "b")
    assert not is_regular(tmp_path)


def test_a_file_may_be_too_large(tmp_path):
    (tmp_path / "a").write_bytes(b"content")
    assert read_regular(tmp_path / "a", 7) == b"content"
    with pytest.raises(OSError, match="it has 7 bytes, and at most 6 are read"):
        read_regular(tmp_path / "a", 6)


def test_a_name_that_no_file_can_have_is_that_of_nothing(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "a\0b")
    for name in ("a\0b", "a" * 300, "\ud800"):
        assert not is_regular(tmp_path / name)


def test_nothing_is_told_from_something_else(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "absent")
    for read in READERS:
        with pytest.raises(ImageError, match="there is no image file"):
            read(tmp_path / "absent")


def test_a_limit_takes_no_memory(tmp_path):
    """A run in 2 GB ended where it saved a result of a few kilobytes: those of the limit were taken at once."""
    (tmp_path / "a").write_bytes(b"123")
    tracemalloc.start()
    try:
        assert read_regular(tmp_path / "a", 2**30) == read_regular(tmp_path / "a", 3) == b"123"
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    with pytest.raises(OSError, match="it has 3 bytes, and at most 2 are read"):
        read_regular(tmp_path / "a", 2)
