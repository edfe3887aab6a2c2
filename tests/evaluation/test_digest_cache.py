"""Digests of image files: a file is read once, and never missed when it changes."""

import hashlib
import os
import stat

import pytest

from groundcxr.core import ImageError
from groundcxr.evaluation.store import digest_cache as module
from groundcxr.evaluation.store.digest_cache import Digests


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "patient-12.png"
    path.write_bytes(b"one")
    os.utime(path, (1e9, 1e9))
    return path


@pytest.fixture
def reads(monkeypatch):
    """What is read, counted."""
    read, real = [], module.image_digest
    monkeypatch.setattr(module, "image_digest", lambda path: (read.append(path), real(path))[1])
    return read


@pytest.fixture
def later(monkeypatch):
    """A clock that runs ten seconds ahead, so that files made now have settled."""
    real = module.time.time_ns
    monkeypatch.setattr(module.time, "time_ns", lambda: real() + 10_000_000_000)


def sha(content):
    return hashlib.sha256(content).hexdigest()


def test_a_file_is_read_once_by_all_processes(tmp_path, image, reads, later):
    first = Digests(tmp_path / "cache")
    assert [first.of(image), first.of(image)] == [sha(b"one")] * 2
    first.save()
    assert Digests(tmp_path / "cache").of(image) == sha(b"one")
    assert len(reads) == 1
    for path in (tmp_path / "cache", *(tmp_path / "cache").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
        assert path.is_dir() or b"patient" not in path.read_bytes()


def test_a_file_that_changed_just_now_is_not_believed(tmp_path, image, reads):
    """Within one tick of the disk's clock, a second change leaves size and times as they are."""
    cache = Digests(tmp_path / "cache")
    assert [cache.of(image), cache.of(image)] == [sha(b"one")] * 2
    assert len(reads) == 2


def change_content(image):
    image.write_bytes(b"two")
    os.utime(image, (1e9, 1e9))


def put_another(image):
    other = image.with_name("other")
    other.write_bytes(b"two")
    os.utime(other, (1e9, 1e9))
    other.replace(image)


@pytest.mark.parametrize("change", [change_content, put_another])
@pytest.mark.parametrize("saved", [False, True])
def test_a_change_that_leaves_size_and_time_is_seen(tmp_path, image, later, change, saved):
    cache = Digests(tmp_path / "cache")
    cache.of(image)
    if saved:
        cache.save()
    change(image)
    assert cache.of(image) == sha(b"two")


def test_a_file_that_changes_while_it_is_read_is_read_again(tmp_path, image, later, monkeypatch):
    cache = Digests(tmp_path / "cache")
    look = cache.look(image)
    image.write_bytes(b"another")
    cache.remember(image, sha(b"one"), look)
    assert cache.of(image) == sha(b"another")


def test_many_savings_become_one_file_and_keep_the_latest(tmp_path, image, reads, later):
    for number in range(40):
        image.write_bytes(b"%d" % number)
        cache = Digests(tmp_path / "cache")
        assert cache.of(image) == sha(b"%d" % number)
        cache.save()
    assert len(list((tmp_path / "cache").iterdir())) < 17
    reads.clear()
    assert Digests(tmp_path / "cache").of(image) == sha(b"39")
    assert reads == []


def test_damage_to_the_cache_costs_a_reading(tmp_path, image, reads, later):
    cache = Digests(tmp_path / "cache")
    cache.of(image)
    cache.save()
    (file,) = (tmp_path / "cache").iterdir()
    content = bytearray(file.read_bytes())
    for place in range(len(content)):
        damaged = content.copy()
        damaged[place] ^= 4
        file.write_bytes(damaged)
        assert Digests(tmp_path / "cache").of(image) == sha(b"one")
    assert len(reads) == len(content) + 1


def test_what_is_no_file_is_the_same_error_as_without_a_cache(tmp_path):
    with pytest.raises(ImageError, match="there is no image file"):
        Digests(tmp_path / "cache").of(tmp_path / "none.png")


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, image, later):
    (tmp_path / "cache").write_text("a file")
    cache = Digests(tmp_path / "cache")
    assert cache.of(image) == sha(b"one")
    cache.save()
    assert cache.of(image) == sha(b"one")
