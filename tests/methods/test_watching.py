"""Files that a method reads without saying so are seen, and nothing else is."""

import compileall
import os
import sqlite3
import sys
import threading
import types
from pathlib import Path

import numpy as np
import pytest

from groundcxr.methods.loading import build_method
from groundcxr.methods.watching import FilesSeen, files_read, undeclared_files, watched, watching

HEAD = """
import json, os, sqlite3, tempfile, threading
from dataclasses import dataclass
from pathlib import Path
import numpy as np
from groundcxr import Grounding, GroundingMethod, Heatmap

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Options:
    table: str = ""
    folders: tuple[Path, ...] = ()


class Reads(GroundingMethod):
    Options = Options
    weights = {weights!r}

    def ground(self, image, phrases):
        if (HERE / "made.txt").exists():
            (HERE / "made.txt").read_text()

    def setup(self, device):
        {body}
"""


@pytest.fixture
def seen(tmp_path):
    """The names of the files that a method is told of after `setup`."""
    (tmp_path / "sub").mkdir()
    for name in ("a.npy", "sub/b.npy"):
        np.save(tmp_path / name, np.eye(2))

    def see(body, weights=None, head="", **settings):
        path = tmp_path / "reads.py"
        path.write_text(HEAD.format(body=body.replace("\n", "\n        "), weights=weights) + head)
        method = build_method(str(path), settings)
        with watched(method, loading=True):
            method.setup("cpu")
        with watched(method):
            method.ground(None, [])
        return [file.name for file in undeclared_files(method, files_read(method))]

    return see


@pytest.mark.parametrize(
    "body",
    [
        "np.load(HERE / 'a.npy')",
        "np.load(str(HERE / 'a.npy').encode())",
        "open(HERE / 'a.npy', 'rb').read()",
        "os.chdir(HERE); np.load('a.npy')",
        "os.read(os.open(HERE / 'a.npy', os.O_RDONLY), 4)",
        "self.w = np.load(HERE / 'a.npy', mmap_mode='r')",
        "np.fromfile(HERE / 'a.npy')",
        "t = threading.Thread(target=np.load, args=(HERE / 'a.npy',)); t.start(); t.join()",
    ],
)
def test_a_file_beside_the_method_is_seen(seen, body, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert seen(body) == ["a.npy"]


def test_what_is_read_on_import_and_by_the_constructor_is_seen(seen):
    assert seen("pass", head="W = np.load(HERE / 'a.npy')") == ["a.npy"]
    constructor = """
    def __init__(self, options=None):
        super().__init__(options)
        np.load(HERE / 'sub/b.npy')
"""
    assert seen("pass", head=constructor) == ["b.npy"]


def test_what_native_code_has_mapped_is_seen(seen):
    pytest.importorskip("torch")
    body = "import torch; self.w = torch.UntypedStorage.from_file(str(HERE / 'a.npy'), False, 8)"
    assert seen(body) == ["a.npy"]


@pytest.mark.parametrize(
    "body",
    [
        "from safetensors.numpy import load_file; self.w = load_file(HERE / 'w.safetensors')",
        "from safetensors.torch import load_file; self.w = load_file(HERE / 'w.safetensors')['w'].clone()",
        "import safetensors; safetensors.safe_open(HERE / 'w.safetensors', framework='np').__enter__().keys()",
    ],
)
def test_what_safetensors_reads_and_closes_is_seen(seen, tmp_path, body):
    pytest.importorskip("torch")
    pytest.importorskip("safetensors.numpy").save_file({"w": np.eye(64)}, tmp_path / "w.safetensors")
    assert seen(body) == ["w.safetensors"]


@pytest.mark.parametrize(
    "command",
    [
        "['cat', HERE / 'a.npy']",
        "['cat', 'a.npy'], cwd=HERE",
        "['true', f'--checkpoint={HERE}/a.npy']",
        "f'cat <{HERE}/a.npy', shell=True",
        "[sys.executable, '-c', f'open({str(HERE / \"a.npy\")!r})']",
    ],
)
def test_files_that_another_programs_command_names_are_seen(seen, command):
    assert seen(f"import subprocess, sys; subprocess.run({command}, stdout=subprocess.DEVNULL)") == ["a.npy"]


def test_what_was_made_for_a_command_is_not_told(seen):
    body = (
        "import subprocess; np.save(HERE / 'new.npy', np.eye(2)); "
        "subprocess.run(['cp', HERE / 'new.npy', HERE / 'out.npy']); subprocess.run(['test', '-f', HERE / 'out.npy'])"
    )
    assert seen(body) == []


def test_a_database_is_seen_by_its_address_too(seen, tmp_path):
    sqlite3.connect(tmp_path / "t.db").execute("create table t(v)").connection.close()
    assert seen("sqlite3.connect(f'file:{HERE}/t.db?mode=ro', uri=True).close()") == ["t.db"]


def test_what_is_declared_is_not_told(seen, tmp_path, monkeypatch):
    both = "np.load(HERE / 'a.npy'); np.load(HERE / 'sub/b.npy')"
    assert seen(both, str(tmp_path / "a.npy")) == ["b.npy"]
    assert seen(both, table=str(tmp_path / "a.npy")) == ["b.npy"]
    assert seen(both, table=str(tmp_path / "a.npy"), folders=str(tmp_path / "sub")) == []
    (tmp_path / "link").symlink_to(tmp_path / "a.npy")
    # Also where the method has left the folder that its options start from.
    monkeypatch.chdir(tmp_path)
    assert seen("os.chdir('sub'); np.load(HERE / 'a.npy')", table="a.npy") == []
    assert seen("np.load(HERE / 'link')", table=str(tmp_path / "a.npy")) == []


def test_libraries_sources_systems_and_ones_own_files_are_not_told(seen, tmp_path):
    (tmp_path / "own.py").write_text("X = 1\n")
    body = (
        "import own, email.mime.text; open(__file__).read(); open(json.__file__).read()\n"
        "open('/proc/self/stat').read(); open('/etc/hosts').read(); os.listdir(HERE)\n"
        "with tempfile.NamedTemporaryFile(dir=HERE, delete=False) as file: file.write(b'x')\n"
        "open(file.name).read(); (HERE / 'made.txt').write_text('x')"
    )
    assert seen(body) == []


def test_a_module_that_is_imported_later_is_not_told(tmp_path):
    (tmp_path / "later.py").write_text("X = 1\n")
    (tmp_path / "reads.py").write_text(HEAD.format(body="import later", weights=None))
    method = build_method(str(tmp_path / "reads.py"))
    assert undeclared_files(method, files_read(method)) == []


ELSEWHERE = """
import importlib, sys
sys.path.insert(0, {folder!r})
{imports}
from groundcxr import GroundingMethod


class Imports(GroundingMethod):
    revision = {revision!r}

    def setup(self, device):
        {later}
"""


@pytest.fixture
def imports(tmp_path, monkeypatch):
    """The names of the files that a method is told of whose code lies in another folder, after `setup`."""
    monkeypatch.setattr("sys.path", list(sys.path))
    names = ("elsewhere_named", "elsewhere_called")
    (tmp_path / "code").mkdir()
    for name in names:
        (tmp_path / f"code/{name}.py").write_text("X = 1\n")

    def told(file, imports="import json", later="pass", revision=None):
        path = tmp_path / file
        content = {"imports": imports, "later": later, "revision": revision}
        path.write_text(ELSEWHERE.format(folder=str(tmp_path / "code"), **content))
        method = build_method(str(path))
        with watched(method, loading=True):
            method.setup("cpu")
        return [name.name for name in undeclared_files(method, files_read(method))]

    yield told
    for name in names:
        sys.modules.pop(name, None)


CALLED = "importlib.import_module('elsewhere_' + 'called')"


def test_code_that_is_imported_by_name_from_another_folder_is_covered(imports):
    assert imports("named.py", "import elsewhere_named") == []
    assert imports("late.py", later="import elsewhere_named") == []


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("place", ["imports", "later"])
def test_code_whose_name_is_made_while_it_runs_is_told(imports, tmp_path, compiled, place):
    if compiled:
        compileall.compile_dir(tmp_path / "code", quiet=1)
    assert imports("called.py", **{place: CALLED}) == ["elsewhere_called.py"]


@pytest.mark.parametrize(
    "later",
    [
        "sys.modules['of_a_session'] = sys.modules['a_session']",  # as multiprocessing names the main script
        "MADE.write_text('X = 1'); importlib.import_module(MADE.stem)",
    ],
)
def test_a_second_name_for_a_module_and_one_that_was_made_are_not_told(imports, tmp_path, monkeypatch, later):
    module = types.ModuleType("a_session")
    module.__file__ = str(tmp_path / "script.py")
    (tmp_path / "script.py").touch()
    monkeypatch.setitem(sys.modules, "a_session", module)
    made = f"from pathlib import Path; MADE = Path({str(tmp_path / 'code/elsewhere_called.py')!r})"
    try:
        assert imports("named.py", made, later) == []
    finally:
        sys.modules.pop("of_a_session", None)


def test_what_torch_compiles_and_imports_is_not_told(imports, tmp_path, monkeypatch):
    """In another run than the one that has compiled it; PyTorch names the folder in the environment."""
    (tmp_path / "code/elsewhere_called.py").write_text("X = 2")
    later = f"import os; os.environ['TORCHINDUCTOR_CACHE_DIR'] = {str(tmp_path / 'code')!r}; {CALLED}"
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")
    assert imports("compiles.py", later=later) == []


def test_modules_that_load_when_they_are_used_are_left_alone(imports):
    lazy = "sys.modules['elsewhere_lazy'] = type('Lazy', (), {'__getattr__': lambda self, name: 1 / 0})()"
    try:
        assert imports("lazy.py", lazy) == []
    finally:
        sys.modules.pop("elsewhere_lazy", None)


def test_whoever_states_a_revision_vouches_for_all_code(imports):
    assert imports("stated.py", CALLED, revision="1") == []


def test_caches_of_hubs_count_where_no_weights_are_pinned(seen, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    (tmp_path / "hf/hub/models").mkdir(parents=True)
    np.save(tmp_path / "hf/hub/models/c.npy", np.eye(2))
    (tmp_path / "hf/token").write_text("x")
    body = "np.load(HERE / 'hf/hub/models/c.npy'); (HERE / 'hf/token').read_text()"
    assert seen(body) == ["c.npy"]
    assert seen(body, "owner/name") == []


def test_nothing_is_seen_outside_and_threads_outlive_it(tmp_path):
    (tmp_path / "x").write_text("")
    seen = FilesSeen()
    with watching(seen):
        thread = threading.Thread(target=(tmp_path / "x").read_text)
        thread.start()
        thread.join()
    (tmp_path / "y").write_text("")
    (tmp_path / "y").read_text()
    assert {Path(name).name for name in seen.read if os.path.dirname(name) == str(tmp_path)} == {"x"}  # noqa: PTH120
