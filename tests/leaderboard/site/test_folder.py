"""Where a site is written: whole or not at all, and over nothing that is somebody else's."""

import json

import pytest

from groundcxr.core import StoreError
from groundcxr.leaderboard.site import write_site
from groundcxr.leaderboard.site.folder import MARKER

FILES = {"index.html": b"one", "boards/a.html": b"a", "README.md": b"settings"}


def found(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def written(folder):
    return {name: content for name, content in found(folder).items() if name != MARKER}


@pytest.mark.parametrize("there", ["nothing", "an empty folder", "no folder above"])
def test_a_site_is_written(tmp_path, there):
    out = tmp_path / "above" / "public" if there == "no folder above" else tmp_path / "public"
    if there == "an empty folder":
        out.mkdir()
    write_site(out, FILES)
    assert written(out) == FILES
    assert list(out.parent.iterdir()) == [out]


def test_a_new_site_takes_the_place_of_the_old_one_and_leaves_the_rest(tmp_path):
    write_site(tmp_path / "public", FILES)
    (tmp_path / "public/CNAME").write_text("example.org")
    (tmp_path / "public/.git").mkdir()
    (tmp_path / "public/.git/config").write_text("[core]")
    (tmp_path / "public/README.md").write_text("my settings")
    write_site(tmp_path / "public", {"index.html": b"two", "pairs/b.html": b"b", "README.md": b"settings"})
    assert written(tmp_path / "public") == {
        "index.html": b"two",
        "pairs/b.html": b"b",
        "README.md": b"my settings",
        "CNAME": b"example.org",
        ".git/config": b"[core]",
    }
    assert not (tmp_path / "public/boards").exists()


@pytest.mark.parametrize("name", ["result.json", ".hidden", "index.html"])
def test_a_folder_of_something_else_is_refused(tmp_path, name):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / name).write_text("mine")
    with pytest.raises(StoreError, match=r"mine holds files that are no site .*choose another --out"):
        write_site(tmp_path / "mine", FILES)
    assert found(tmp_path / "mine") == {name: b"mine"}


def test_a_file_is_refused(tmp_path):
    (tmp_path / "public").write_text("mine")
    with pytest.raises(StoreError, match=r"public is no folder; choose another --out"):
        write_site(tmp_path / "public", FILES)


@pytest.mark.parametrize(
    "marker", ["", "{", "[]", '{"files": 3}', '{"files": ["../../mine"]}', '{"files": ["/etc/mine"]}', '{"files": [1]}']
)
def test_a_damaged_list_of_files_removes_nothing(tmp_path, marker):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "out/public").mkdir(parents=True)
    (tmp_path / "out/public" / MARKER).write_text(marker)
    with pytest.raises(StoreError, match=rf"{MARKER} is damaged"):
        write_site(tmp_path / "out/public", FILES)
    assert (tmp_path / "mine").exists()
    assert found(tmp_path / "out/public") == {MARKER: marker.encode()}


@pytest.mark.parametrize("before", [False, True])
def test_what_cannot_be_written_whole_changes_nothing(tmp_path, before):
    out = tmp_path / "public"
    if before:
        write_site(out, FILES)
    seen = found(tmp_path)
    # A name too long for any disk, behind files that can be written.
    with pytest.raises(StoreError, match=r"cannot write .*public"):
        write_site(out, {"index.html": b"two", "z" * 300: b""})
    assert found(tmp_path) == seen
    assert list(tmp_path.iterdir()) == ([out] if before else [])


def test_a_link_stays_and_what_it_names_is_written(tmp_path):
    write_site(tmp_path / "here", FILES)
    (tmp_path / "public").symlink_to("here")
    write_site(tmp_path / "public", {"index.html": b"two"})
    assert (tmp_path / "public").is_symlink()
    assert (tmp_path / "here/index.html").read_bytes() == b"two"
    assert json.loads((tmp_path / "here" / MARKER).read_text())["files"] == ["index.html"]
