"""Headers of many images are remembered by path, size and time of change."""

import json
import os

import numpy as np
import pytest
from PIL import Image

from groundcxr.core import ImageError
from groundcxr.datasets import image_headers as module
from groundcxr.datasets.image_headers import image_headers


@pytest.fixture
def paths(tmp_path, monkeypatch, cache):
    monkeypatch.setattr(module, "REMEMBERED", 3)
    for number in range(4):
        (tmp_path / f"images/{number}").mkdir(parents=True)
        save(tmp_path / f"images/{number}/a.png", (10 + number, 20))
    return {str(number): tmp_path / f"images/{number}/a.png" for number in range(4)}


@pytest.fixture
def read(monkeypatch):
    """The files that are opened."""
    opened = []
    read = module.read_header
    monkeypatch.setattr(module, "read_header", lambda path: opened.append(path) or read(path))
    return opened


def save(path, size):
    Image.fromarray(np.zeros(size[::-1], np.uint8)).save(path)


def sizes(paths):
    return [header.size for header in image_headers(paths).values()]


def test_a_second_start_opens_none(paths, read):
    first = sizes(paths)
    assert first == [(10, 20), (11, 20), (12, 20), (13, 20)]
    assert len(read) == 4
    assert sizes(paths) == first
    assert len(read) == 4


def test_what_changed_is_read_again(paths, read):
    sizes(paths)
    save(paths["1"], (30, 40))
    os.utime(paths["2"], ns=(1, 1))
    assert sizes(paths) == [(10, 20), (30, 40), (12, 20), (13, 20)]
    assert sorted(read[4:]) == [paths["1"], paths["2"]]
    assert sizes(paths) == [(10, 20), (30, 40), (12, 20), (13, 20)]
    assert len(read) == 6


def test_some_of_the_images_leave_the_others_remembered(paths, read):
    sizes(paths)
    sizes({image: path for image, path in paths.items() if image != "0"})
    save(paths["3"], (7, 7))
    sizes(paths)
    sizes(paths)
    assert len(read) == 5


def test_what_cannot_be_read_is_tried_again(paths, read):
    paths["0"].write_bytes(b"no image")
    paths["9"] = paths["0"].with_name("none.png")
    for _ in range(2):
        headers = image_headers(paths)
        assert [image for image, header in headers.items() if isinstance(header, ImageError)] == ["0", "9"]
    assert read.count(paths["0"]) == 2


def test_few_images_leave_no_file(paths, cache):
    image_headers({"0": paths["0"]})
    assert not (cache / "headers").exists()


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: b"\xff",
        lambda content: b"[" * 100_000,
        lambda content: content[: len(content) // 2],
        lambda content: content.replace(b'"format": 1', b'"format": 2'),
        lambda content: json.dumps({**json.loads(content), "files": [1]}).encode(),
        lambda content: json.dumps({**json.loads(content), "files": {"0/a.png": [1, 2, 3]}}).encode(),
        lambda content: content.replace(b"20, 1]", b"0, 1]"),
        lambda content: content.replace(b"20, 1]", b"20, 9]"),
        lambda content: content.replace(b"20, 1]", b"true, 1]"),
    ],
)
def test_a_damaged_cache_is_no_loss(paths, cache, read, damage):
    first = sizes(paths)
    (file,) = (cache / "headers").iterdir()
    assert (cache / "headers").stat().st_mode & 0o077 == 0
    file.write_bytes(damage(file.read_bytes()))
    assert sizes(paths) == first
    assert len(read) == 8


@pytest.mark.parametrize("place", ["/dev/null/x", "~nosuchuser"])
def test_where_nothing_can_be_written_all_is_well(paths, monkeypatch, place):
    monkeypatch.setenv("GROUNDCXR_CACHE", place)
    assert sizes(paths) == sizes(paths)
