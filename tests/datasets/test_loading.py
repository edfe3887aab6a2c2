"""Data sets by name: wrong options, roots that hold no data, plug-ins that fail."""

import os
import socket

import pytest

from groundcxr import load_dataset
from groundcxr.core import DatasetError, GroundCXRError, Registry, UnknownNameError
from groundcxr.datasets import DATASETS, GroundingDataset, check_dataset

NAMES = ("phantom", "ms-cxr", "manifest")


class Foreign(GroundingDataset):
    """Somebody's data set, whose `load` raises what it is told to."""

    name = "foreign"
    raises: BaseException | None = None
    gives: object = None

    @classmethod
    def load(cls, root, split, *, colour="grey"):
        if cls.raises is not None:
            raise cls.raises
        return cls.gives

    @classmethod
    def check(cls, root):
        raise cls.raises


class UnprintableError(Exception):
    """An error whose own text cannot be made."""

    def __str__(self):
        raise RuntimeError("no text")


@pytest.fixture
def foreign(monkeypatch):
    monkeypatch.setitem(DATASETS._loaded, "foreign", Foreign)
    return Foreign


@pytest.fixture
def fifo(tmp_path):
    path = tmp_path / "annotations.csv"
    os.mkfifo(path)
    return path


@pytest.fixture
def short_socket(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.json")
        yield "s.json"


@pytest.mark.parametrize("name", NAMES)
def test_a_root_that_is_neither_file_nor_folder_is_refused_unopened(name, fifo, short_socket):
    for root in (fifo, short_socket, "/dev/zero"):
        for ask in (load_dataset, check_dataset):
            with pytest.raises(DatasetError, match=f"{name}: {root} is neither a file nor a folder"):
                ask(name, root)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("root", ["~nosuchuser/x", "x" * 5000, "a\0b", ""])
def test_a_root_that_is_no_path_is_refused(name, root):
    for ask in (load_dataset, check_dataset):
        with pytest.raises(GroundCXRError, match=r"no user|too long|no path can have|is empty"):
            ask(name, root)


@pytest.mark.parametrize("name", ["ms-cxr", "manifest"])
def test_a_folder_that_may_not_be_read_is_no_traceback(name, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr("pathlib.Path.is_dir", refuse)
    monkeypatch.setattr("pathlib.Path.is_file", lambda _: False)
    with pytest.raises(DatasetError, match="Permission denied"):
        load_dataset(name, tmp_path)


def test_the_home_folder_is_filled_in(manifest, monkeypatch):
    monkeypatch.setenv("HOME", str(manifest.parent))
    assert len(load_dataset("manifest", "~/manifest.csv")) == 5
    assert check_dataset("manifest", "~/manifest.csv") == check_dataset("manifest", manifest)


@pytest.mark.parametrize("option", ["name", "root", "split"])
def test_what_has_an_option_of_its_own_is_not_set(groundcxr, option):
    ran = groundcxr("evaluate", "--method", "random", "--set", f"dataset.{option}=x")
    assert ran.code == 2
    assert f"write --{'dataset' if option == 'name' else option} instead" in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("option", ["color", "cls", "self", "", "a b"])
def test_an_unknown_option_is_told_whatever_its_name(foreign, option):
    with pytest.raises(UnknownNameError, match=f"there is no option '{option}' of the data set 'foreign'.*colour"):
        load_dataset("foreign", **{option: 1})


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (TypeError("a number\nis wanted"), "failed: TypeError: a number is wanted"),
        (KeyError("path"), "failed: KeyError: 'path'"),
        (AssertionError(), "failed: AssertionError"),
        (UnprintableError(), "failed: Unprintable"),
        (SystemExit(0), "failed: SystemExit: 0"),
        (PermissionError(13, "Permission denied", "/data"), "cannot be read: PermissionError: .*'/data'"),
        (GroundCXRError("its own sentence"), "^its own sentence$"),
    ],
)
def test_what_a_plug_in_raises_is_told_as_its_failure(foreign, monkeypatch, error, told):
    monkeypatch.setattr(foreign, "raises", error)
    for ask in (load_dataset, check_dataset):
        with pytest.raises(GroundCXRError, match=told) as caught:
            ask("foreign")
        assert "\n" not in str(caught.value)


def test_a_plug_in_that_loads_something_else_is_told(foreign, monkeypatch):
    monkeypatch.setattr(foreign, "gives", [1, 2])
    with pytest.raises(DatasetError, match="'foreign' gave list"):
        load_dataset("foreign")


@pytest.mark.parametrize("thing", ["json:loads", "groundcxr.datasets:GroundingDataset"])
def test_an_entry_point_that_is_no_data_set_is_told(monkeypatch, thing):
    from importlib.metadata import EntryPoint

    plugins = {"odd": EntryPoint("odd", thing, "groundcxr.datasets")}
    monkeypatch.setattr(Registry, "_plugins", lambda self: plugins)
    with pytest.raises(DatasetError, match="entry point 'odd' is no data set"):
        load_dataset("odd")
