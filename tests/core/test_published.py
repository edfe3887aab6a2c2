"""What of a value others may read: names and contents, never the folders on the way."""

import re
from pathlib import Path, PureWindowsPath

import pytest

from groundcxr.core import MethodError
from groundcxr.core.fingerprint import file_digest
from groundcxr.core.published import by_content, named_place, text_without_folders, without_folders


@pytest.mark.parametrize(
    ("value", "published"),
    [
        ("/home/jdoe/project x/not_there.pt", "not_there.pt"),
        ("/home/jdoe/folder/", "folder"),
        ("~/secret/x.pt", "x.pt"),
        ("~jdoe/secret/x.pt", "x.pt"),
        (r"C:\Users\jdoe\x.pt", "x.pt"),
        ("C:/Users/jdoe/x.pt", "x.pt"),
        (r"\\server\share\jdoe\x.pt", "x.pt"),
        ("//server/share/jdoe/x.pt", "x.pt"),
        ("config=//server/jdoe/x.pt", "config=x.pt"),
        ("file:///home/jdoe/x.pt", "x.pt"),
        ("file:/home/jdoe/x.pt", "x.pt"),
        ("s3://jdoe-bucket/runs/x.pt", "x.pt"),
        ("../jdoe/x.pt", "x.pt"),
        ("./jdoe/x.pt", "x.pt"),
        ("jdoe/runs/x.pt", "x.pt"),
        (r"jdoe\runs\x.pt", "x.pt"),
        ("/a/b.txt,/home/jdoe/c d.txt", "b.txt,c d.txt"),
        ("monai:/home/jdoe/my model", "monai:my model"),
        ("--config /home/jdoe/x.yaml --fast", "--config x.yaml --fast"),
        (["/home/jdoe/a", {"/home/jdoe/b": ("/home/jdoe/c",)}], ["a", {"b": ["c"]}]),
        # What is no path stays.
        ("owner/name", "owner/name"),
        ("owner/name@refs/pr/3", "owner/name@refs/pr/3"),
        ("timm/vit.openai", "timm/vit.openai"),
        ("https://host.org/a/b", "https://host.org/a/b"),
        ("opacity and/or effusion w/o change", "opacity and/or effusion w/o change"),
        ("{finding}/{side}/{zone}", "{finding}/{side}/{zone}"),
        (r"\d+\s", r"\d+\s"),
        ("/", "/"),
        ("", ""),
        (3, 3),
        ("bad\udcffname", r"bad\udcffname"),
    ],
)
def test_folders_are_not_published(value, published):
    assert without_folders(value) == published


def test_a_folder_of_ones_own_is_no_part_of_a_name_either(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jdoe").mkdir()
    assert without_folders("jdoe/x.pt") == "x.pt"


def test_bibtex_keeps_its_addresses_and_loses_the_files_of_who_wrote_it():
    bibtex = "@article{x, file = {:/home/jdoe/zotero/x.pdf:PDF}, url = {https://a.org/b/c}, doi = {10.1/b/c}}"
    expected = "@article{x, file = {:x.pdf:PDF}, url = {https://a.org/b/c}, doi = {10.1/b/c}}"
    assert text_without_folders(bibtex) == expected


def test_files_are_known_by_content_however_they_are_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "cfg.txt"
    file.write_text("1")
    known = f"cfg.txt sha256:{file_digest(file)}"
    for name in ("cfg.txt", "./cfg.txt", "~/cfg.txt", str(file), file, Path("cfg.txt"), file.as_uri()):
        assert by_content(name) == known
    assert by_content({"a": (file, ["cfg.txt"])}) == {"a": [known, [known]]}
    assert by_content(frozenset({"cfg.txt", "b"})) == ["b", known]


def test_a_plain_word_is_a_folder_for_nobody(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fast").mkdir()
    assert named_place("fast") is None
    assert named_place("./fast") == Path("fast")
    assert named_place("fast", plain_folders=True) == Path("fast")
    # Values that name everything, or nothing.
    for value in ("/", ".", "..", "", Path(), "x" * 5000, "a\0b", 3, None):
        assert named_place(value) is None
    assert by_content(Path()) == ""
    assert by_content(PureWindowsPath(r"C:\jdoe\x.pt")) == "x.pt"


def test_a_file_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "x").write_text("")
    monkeypatch.setattr("groundcxr.core.published.tree_digest", refuse)
    with pytest.raises(
        MethodError, match=re.escape(f"cannot read {tmp_path / 'x'}, which an option names: Permission")
    ):
        by_content(tmp_path / "x")


def test_a_file_that_names_an_entry_counts_by_content_and_a_sign_for_home_is_a_word(tmp_path, monkeypatch):
    file = tmp_path / "cfg.txt"
    file.write_text("1")
    before = by_content({str(file): 1.0})
    assert before == {f"cfg.txt sha256:{file_digest(file)}": 1.0}
    file.write_text("2")
    assert by_content({str(file): 1.0}) != before
    monkeypatch.setenv("HOME", str(tmp_path))
    assert by_content("~") == "~"
    assert named_place("~/cfg.txt") == file
