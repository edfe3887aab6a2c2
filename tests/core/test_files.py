"""Files are written whole on every disk: where something is refused that can be done without, and where it is full."""

import errno
import os
import socket
import stat
import subprocess
import sys
import time

import pytest

from groundcxr.core import StoreError, files
from groundcxr.core.files import append, make_private, remove_leftovers, write_atomically
from groundcxr.core.process import is_alive, this_process

REFUSALS = ["EPERM", "EACCES", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL", "ENOLCK", 524]


def number(name):
    return name if isinstance(name, int) else getattr(errno, name)


def failing(code):
    def call(*_, **__):
        raise OSError(code, os.strerror(code))

    return call


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(files, "_said", set())


@pytest.fixture
def umask():
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("call", ["fsync", "chmod"])
def test_what_a_disk_does_not_have_is_done_without_and_said_once(tmp_path, monkeypatch, capsys, call, name):
    monkeypatch.setattr(os, call, failing(number(name)))
    for word in ("one", "two"):
        write_atomically(tmp_path / word, word.encode())
    assert [(tmp_path / word).read_text() for word in ("one", "two")] == ["one", "two"]
    said = capsys.readouterr().err
    assert said.startswith("note: the disk of ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", ["ENOSPC", "EROFS", "EDQUOT", "EIO"])
@pytest.mark.parametrize("call", ["fsync", "chmod", "replace", "open"])
def test_a_disk_that_cannot_keep_a_file_is_an_error_and_the_old_content_stays(tmp_path, monkeypatch, call, name):
    write_atomically(tmp_path / "file", b"old")
    monkeypatch.setattr(os, call, failing(number(name)))
    with pytest.raises(StoreError, match=r"cannot write .*file: .*another folder with --out or --store") as error:
        write_atomically(tmp_path / "file", b"new")
    assert ("free space" in str(error.value)) == (name in ("ENOSPC", "EDQUOT"))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_what_cannot_be_said_stops_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", failing(errno.EINVAL))
    monkeypatch.setattr(sys, "stderr", None)
    write_atomically(tmp_path / "file", b"content")
    assert (tmp_path / "file").read_bytes() == b"content"


def test_a_file_that_is_being_read_is_replaced_a_moment_later(tmp_path, monkeypatch):
    real, refused = os.replace, []

    def busy(source, target):
        if not refused:
            refused.append(target)
            raise PermissionError(errno.EACCES, "Permission denied")
        real(source, target)

    monkeypatch.setattr(os, "replace", busy)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def dead_process():
    code = "from groundcxr.core.process import this_process; print(this_process())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_process_is_known_to_be_alive_dead_or_elsewhere():
    mine = this_process()
    host, pid, start = mine.rsplit("-", 2)
    assert is_alive(mine) is True
    assert is_alive(dead_process()) is False
    assert is_alive(f"{host}-{pid}-{int(start) + 1}") is False  # the number was given to another process
    assert is_alive(f"another.host-{pid}-{start}") is None
    assert [is_alive(word) for word in ("", "a", f"{host}-x-1")] == [None, None, None]


def test_unfinished_files_of_dead_processes_are_removed_and_no_others(tmp_path):
    below = tmp_path / "ab"
    below.mkdir()
    old = time.time() - 2 * 24 * 3600
    parts = {
        "dead": below / f".{dead_process()}-0a1b2c3d.part",
        "mine": below / f".{this_process()}-0a1b2c3d.part",
        "elsewhere, new": tmp_path / ".other.host-12-34-0a1b2c3d.part",
        "elsewhere, old": tmp_path / ".other.host-12-35-0a1b2c3d.part",
        "of an older version": below / ".result.json.x7fk_2ab.part",
        "the user's": tmp_path / "notes.part",
    }
    for name, path in parts.items():
        path.touch()
        if name not in ("dead", "elsewhere, new"):
            os.utime(path, (old, old))
    remove_leftovers(tmp_path)
    assert {name for name, path in parts.items() if path.exists()} == {"mine", "elsewhere, new", "the user's"}
    remove_leftovers(tmp_path / "nowhere")


@pytest.mark.parametrize("mask", [0o022, 0o002, 0o077])
def test_private_things_are_their_owners_alone(tmp_path, umask, mask):
    tmp_path.chmod(0o777 & ~mask)
    umask(mask)
    top = tmp_path / "out" / "store"
    make_private(top / "method" / "ab", top)
    write_atomically(top / "method" / "ab" / "file", b"", private=True)
    append(top / "method" / "lines", "one\n")
    assert [mode(place) for place in (top, top / "method", top / "method/ab")] == [0o700] * 3
    assert [mode(top / "method" / name) for name in ("ab/file", "lines")] == [0o600] * 2
    assert mode(tmp_path / "out") == 0o777 & ~mask


@pytest.mark.parametrize(
    ("shared", "folder", "file"), [(0o2770, 0o2770, 0o660), (0o775, 0o770, 0o660), (0o1777, 0o777, 0o666)]
)
def test_a_store_that_a_lab_shares_stays_shared(tmp_path, umask, shared, folder, file):
    top = tmp_path / "store"
    top.mkdir()
    top.chmod(shared)
    make_private(top / "method" / "ab", top)
    write_atomically(top / "method" / "ab" / "file", b"", private=True)
    append(top / "method" / "lines", "one\n")
    assert mode(top) == shared
    assert [mode(place) for place in (top / "method", top / "method/ab")] == [folder] * 2
    assert [mode(top / "method" / name) for name in ("ab/file", "lines")] == [file] * 2


def test_what_is_there_is_left_as_it_is(tmp_path, umask):
    top = tmp_path / "store"
    (top / "method").mkdir(parents=True)
    make_private(top / "method", top)
    assert [mode(top), mode(top / "method")] == [0o755, 0o755]
    write_atomically(top / "method" / "file", b"", private=True)
    assert mode(top / "method" / "file") == 0o600


def test_a_file_in_a_folders_place_is_named(tmp_path):
    (tmp_path / "store").touch()
    for place in (tmp_path / "store", tmp_path / "store" / "method"):
        with pytest.raises(StoreError, match="cannot write"):
            make_private(place, tmp_path / "store")


def test_names_of_hosts_are_fit_for_files(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "lab/pc-3 é" * 30)
    assert len(this_process()) < 100
    assert "/" not in this_process()
    assert is_alive(this_process()) is True
