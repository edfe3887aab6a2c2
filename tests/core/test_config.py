"""The user's configuration: what is read from the file and the environment, and how one line of the file changes."""

import os
import tomllib

import pytest

from groundcxr.core import GroundCXRError
from groundcxr.core.config import config_file, configured, configured_path, results_folder, variable_of
from groundcxr.core.config_edit import write_setting


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Writes the user's file."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))

    def write(text: str):
        config_file().parent.mkdir(parents=True, exist_ok=True)
        config_file().write_text(text)
        return config_file()

    return write


def test_the_environment_stands_above_the_file(file, monkeypatch, tmp_path):
    file('store = "/from/file"\n[data]\nms-cxr = "/data/physionet"\n')
    assert configured_path("store").as_posix() == "/from/file"
    assert configured("data.ms-cxr").value == "/data/physionet"
    assert "data.ms-cxr in " in configured("data.ms-cxr").place
    monkeypatch.setenv("GROUNDCXR_DATA_MS_CXR", "here")
    monkeypatch.setenv("GROUNDCXR_STORE", "")  # an empty one says nothing
    monkeypatch.chdir(tmp_path)
    assert configured_path("data.ms-cxr") == tmp_path / "here"
    assert configured("data.ms-cxr").place == "the environment variable GROUNDCXR_DATA_MS_CXR"
    assert configured_path("store").as_posix() == "/from/file"


def test_without_a_file_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    assert configured("device") is None
    assert results_folder().name == "results"


def test_the_home_folder_may_be_a_tilde(file):
    file('results = "~/results"\n')
    assert results_folder() == type(results_folder()).home() / "results"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('stor = "/a"\n', "there is no setting 'stor'; did you mean 'store'?"),
        ('store = "/a\n', "is no TOML"),
        ("store = 3\n", "store is no text"),
        ('store = ""\n', "store is no text"),
        ('data = "/data"\n', "data is a table"),
        ('store = "relative/folder"\n', "write the whole path"),
        ("a = " + "[" * 5000, "is no TOML"),
    ],
)
def test_a_wrong_file_is_one_sentence_with_its_place(file, text, words):
    path = file(text)
    with pytest.raises(GroundCXRError) as caught:
        configured_path("store")
    assert words in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_told(file):
    path = file("")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(GroundCXRError, match="it is a named pipe"):
        configured("store")
    path.unlink()
    path.write_bytes(b'store = "\xff"')
    with pytest.raises(GroundCXRError, match="not UTF-8"):
        configured("store")


COMMENTED = """# mine
results = '/old'   # on the fast disk

# where data are
[data]
"ms-cxr" = "/data/physionet" # licensed

# the end
"""


def test_comments_and_other_lines_stay(file):
    path = file(COMMENTED)
    write_setting("results", "/new")
    write_setting("data.ms-cxr", '/with "quotes" \\ and ü')
    write_setting("device", "cpu")
    write_setting("data.vindr-cxr", "/v")
    text = path.read_text()
    assert tomllib.loads(text) == {
        "results": "/new",
        "device": "cpu",
        "data": {"ms-cxr": '/with "quotes" \\ and ü', "vindr-cxr": "/v"},
    }
    assert [line for line in COMMENTED.splitlines() if line.startswith("#")] == [
        line for line in text.splitlines() if line.startswith("#")
    ]
    assert "   # on the fast disk" in text
    assert " # licensed" in text
    for key in ("results", "device", "data.vindr-cxr", "data.ms-cxr"):
        write_setting(key, None)
    assert tomllib.loads(path.read_text()) == {"data": {}}
    assert "# where data are" in path.read_text()


def test_a_file_is_made_and_a_link_stays(file, tmp_path):
    write_setting("data.ms-cxr", "/data")
    assert tomllib.loads(config_file().read_text()) == {"data": {"ms-cxr": "/data"}}
    kept = tmp_path / "dotfiles.toml"
    config_file().rename(kept)
    config_file().symlink_to(kept)
    write_setting("device", "cpu")
    assert config_file().is_symlink()
    assert tomllib.loads(kept.read_text()) == {"device": "cpu", "data": {"ms-cxr": "/data"}}


@pytest.mark.parametrize(
    "text",
    ['data.ms-cxr = "/a"\n', 'data = { ms-cxr = "/a" }\n', '[data]\nms-cxr = """\n/a"""\n'],
)
def test_a_file_of_another_layout_is_left_to_its_owner(file, text):
    path = file(text)
    with pytest.raises(GroundCXRError, match="change it in an editor"):
        write_setting("data.ms-cxr", "/b")
    assert path.read_text() == text


def test_variables_are_named_after_the_keys():
    assert variable_of("data.ms-cxr") == "GROUNDCXR_DATA_MS_CXR"
    assert variable_of("store") == "GROUNDCXR_STORE"
