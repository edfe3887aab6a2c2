"""Hashes that name what a number rests on."""

import ast
import subprocess
import sys

import pytest

from groundcxr.core import Box, StoreError, union_area
from groundcxr.core.files import write_atomically
from groundcxr.core.fingerprint import digest, generator_from, source_closure, tree_digest


def test_digest_depends_on_content_and_not_on_order_of_keys():
    assert digest({"a": 1, "b": (2, 3)}) == digest({"b": [2, 3], "a": 1})
    assert digest("ab", "c") != digest("a", "bc")
    # SHA-256 of the five bytes ["a"], by another program: printf '["a"]' | sha256sum
    assert digest("a") == "0eb5b8d6f81bc677da8a08567cc4fa9a06a57e9ec8da85ed73a7f62727996002"


def test_random_streams_are_the_same_in_every_process():
    code = "from groundcxr.core.fingerprint import generator_from; print(generator_from('a', 1).integers(10**9))"
    printed = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout for _ in range(2)}
    assert printed == {f"{generator_from('a', 1).integers(10**9)}\n"}


def test_tree_digest_is_of_names_and_contents(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder / "sub").mkdir(parents=True)
        (tmp_path / folder / "sub/a.bin").write_bytes(b"a")
    assert tree_digest(tmp_path / "one") == tree_digest(tmp_path / "two")
    (tmp_path / "two/.cache").write_bytes(b"x")
    assert tree_digest(tmp_path / "one") == tree_digest(tmp_path / "two")
    (tmp_path / "two/sub/a.bin").rename(tmp_path / "two/sub/b.bin")
    assert tree_digest(tmp_path / "one") != tree_digest(tmp_path / "two")


def test_tree_digest_is_of_what_links_lead_to(tmp_path):
    """Shards on another disk, say; and a link back is not followed for ever."""
    for folder in ("one/sub", "two", "elsewhere"):
        (tmp_path / folder).mkdir(parents=True)
    for folder in ("one/sub", "elsewhere"):
        (tmp_path / folder / "a.bin").write_bytes(b"a")
    (tmp_path / "two/sub").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "two/gone").symlink_to(tmp_path / "nothing")
    (tmp_path / "elsewhere/back").symlink_to(tmp_path / "two")
    (tmp_path / "elsewhere/itself").symlink_to(tmp_path / "elsewhere")
    assert tree_digest(tmp_path / "one") == tree_digest(tmp_path / "two")
    (tmp_path / "elsewhere/a.bin").write_bytes(b"b")
    assert tree_digest(tmp_path / "one") != tree_digest(tmp_path / "two")


def test_source_closure_follows_every_import_within_its_root(tmp_path):
    files = {
        "pkg/__init__.py": "",
        "pkg/a.py": "from . import b\ndef f():\n    from .sub.c import thing\n",
        "pkg/b.py": "import pkg.d\nimport json\n",
        "pkg/d.py": "",
        "pkg/unused.py": "",
        "pkg/sub/__init__.py": "from ..e import x\n",
        "pkg/sub/c.py": "",
        "pkg/e.py": "from ...outside import y\n",
        "outside.py": "",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    found = source_closure(tmp_path / "pkg/a.py", tmp_path / "pkg", "pkg")
    names = {path.relative_to(tmp_path / "pkg").as_posix() for path in found}
    assert names == {"a.py", "b.py", "d.py", "e.py", "sub/__init__.py", "sub/c.py"}


def test_a_source_file_is_parsed_once_however_often_it_is_asked_for(tmp_path, monkeypatch):
    for number in range(3):
        others = "".join(f"from . import m{other}\n" for other in range(3))
        (tmp_path / f"m{number}.py").write_text(f"{others}# {tmp_path}, {number}\n")
    parsed = []
    real = ast.parse
    monkeypatch.setattr(ast, "parse", lambda *given, **named: parsed.append(given) or real(*given, **named))
    first = source_closure(tmp_path / "m0.py", tmp_path)
    assert source_closure(tmp_path / "m1.py", tmp_path) == first
    assert len(first) == len(parsed) == 3
    (tmp_path / "m1.py").write_text("")
    assert source_closure(tmp_path / "m1.py", tmp_path) == [tmp_path / "m1.py"]


def test_atomic_write_leaves_the_old_file_when_it_fails(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="No space left on device"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_union_area_counts_overlaps_once():
    # 10 x 10 and 10 x 10 shifted by (5, 5) share 25; a third lies inside the first.
    boxes = [Box(0, 0, 10, 10), Box(5, 5, 15, 15), Box(1, 1, 2.5, 2)]
    assert union_area(boxes) == 175
    assert union_area([Box(0, 0, 1, 4), Box(0, 6, 1, 8), Box(0, 7, 1, 9)]) == 7
    assert union_area([]) == union_area([Box(3, 3, 1, 9)]) == 0
