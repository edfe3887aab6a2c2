"""Paths as users write them."""

import os
from pathlib import Path

import pytest

from groundcxr.core import GroundCXRError
from groundcxr.core.paths import shown, user_path


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_home_folder_is_filled_in(home):
    assert user_path("~") == home
    assert user_path("~/a/b") == user_path(Path("~/a/b")) == home / "a/b"
    assert user_path("a/~/b") == Path("a/~/b")
    assert user_path(Path("a")) == Path("a")
    assert user_path("~root/x") == Path("~root/x").expanduser()


def test_a_name_that_begins_with_a_tilde_can_be_meant(home):
    meant = user_path("./~nosuchuser")
    assert meant.absolute() == home / "~nosuchuser"
    assert user_path(meant) == meant


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("~nosuchuser", "no user 'nosuchuser'"),
        ("~nosuchuser/x/y", "no user 'nosuchuser'"),
        ("a\0b", "characters that no path can have"),
        ("\ud800", "characters that no path can have"),
        ("x" * 5000, "5,000 letters"),
        ("/".join(["x" * 200] * 40), "too long"),
        ("nowhere/" + "é" * 200, "200 letters"),
        ("~nosuch\nuser" + "x" * 5000, "no user"),
        ("", "empty"),
    ],
)
def test_what_no_path_can_be_is_told_in_one_short_sentence(text, message):
    with pytest.raises(GroundCXRError, match=message) as caught:
        user_path(text)
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


def test_bytes_that_are_not_utf8_are_a_path_and_are_shown_escaped(home):
    path = user_path(os.fsdecode(b"caf\xe9"))
    path.touch()
    assert [os.fsencode(file.name) for file in home.iterdir()] == [b"caf\xe9"]
    assert shown(path) == r"caf\udce9"
