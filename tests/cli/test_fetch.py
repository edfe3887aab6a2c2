"""`groundcxr fetch`: from a hub that is there once, to a run that may not ask it."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from groundcxr.methods import GroundingMethod
from groundcxr.methods.fetching import fetch

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {"config.json": b"{}", "model.safetensors": b"w" * 2345, "tokenizer.json": b"{ }", "README.md": b"x"}
METHOD = """
from groundcxr import Grounding, GroundingMethod, Heatmap
from groundcxr.methods.hub import HubFiles

HUB = HubFiles("someone/model", "v2", (("config.json",), ("model.safetensors",)), ("tokenizer.json",))


class Mine(GroundingMethod):
    weights = str(HUB)

    def setup(self, device):
        folder = HUB.fetch("mine")
        self.config = (folder / "config.json").read_text()
"""


class _Hub(BaseHTTPRequestHandler):
    """As much of the Hugging Face hub as its client asks for, with one repository of one revision."""

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, body: bool) -> None:
        path = self.path.partition("?")[0]
        headers = {"X-Repo-Commit": COMMIT}
        if re.fullmatch(r"/api/models/someone/model/revision/[^/]+", path):
            content = json.dumps(
                {"id": "someone/model", "sha": COMMIT, "siblings": [{"rfilename": name} for name in FILES]}
            ).encode()
        elif path.startswith("/api/models/someone/model/tree/"):
            content = json.dumps(
                [{"type": "file", "path": name, "size": len(held), "oid": "0"} for name, held in FILES.items()]
            ).encode()
        elif found := re.fullmatch(r"/someone/model/resolve/[^/]+/(.+)", path):
            content = FILES[found[1]]
            headers["ETag"] = f'"{hashlib.sha1(content).hexdigest()}"'
        else:
            self.send_error(404)
            return
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)


@pytest.fixture
def hub():
    """The address of a hub on this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def command(tmp_path):
    """Calls a command in a process of its own, with an empty cache of the hub that later calls share."""

    def call(*arguments, **variables) -> subprocess.CompletedProcess:
        environment = {**os.environ, "HF_HUB_CACHE": str(tmp_path / "cache"), "NO_PROXY": "127.0.0.1", **variables}
        words = [sys.executable, "-c", "from groundcxr.cli.main import main; main()", *map(str, arguments)]
        return subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)

    return call


def test_what_is_fetched_once_loads_without_the_hub(hub, command, tmp_path):
    (tmp_path / "mine.py").write_text(METHOD)
    ran = command("fetch", "mine.py", HF_HUB_OFFLINE="", HF_ENDPOINT=hub)
    assert ran.returncode == 0, ran.stderr
    folder = tmp_path / "cache" / "models--someone--model" / "snapshots" / COMMIT
    assert ran.stdout.splitlines() == [
        f"someone/model@{COMMIT[:12]}: 2.35 kB in {folder}",
        "       2 B  config.json",
        "   2.35 kB  model.safetensors",
        "       3 B  tokenizer.json",
        "Mine loads without internet (HF_HUB_OFFLINE=1): 2.35 kB",
    ]
    # The files are there already, and are found again.
    again = command("fetch", "mine.py", HF_HUB_OFFLINE="1")
    assert (again.returncode, again.stdout) == (0, ran.stdout), again.stderr


def test_what_asks_the_hub_each_time_is_told_before_the_node_without_it(hub, command, tmp_path):
    more = "        import urllib.request\n        urllib.request.urlopen(HUB_ADDRESS) if ONLINE else 1 / 0\n"
    start = f"import os\nHUB_ADDRESS = '{hub}/someone/model/resolve/v2/config.json'\n"
    start += "ONLINE = not os.environ['HF_HUB_OFFLINE']\n"
    (tmp_path / "mine.py").write_text(start + METHOD + more)
    ran = command("fetch", "mine.py", HF_HUB_OFFLINE="", HF_ENDPOINT=hub)
    assert ran.returncode == 2
    assert "error: everything was brought, but mine.py does not load without the hub: " in ran.stderr
    assert "ZeroDivisionError" in ran.stderr


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An offline cache of the hub; answers with a writer of repositories into it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))

    def write(repository: str, files: dict[str, bytes], revision: str = "main") -> Path:
        folder = tmp_path / "cache" / f"models--{repository.replace('/', '--')}"
        (folder / "refs").mkdir(parents=True)
        (folder / "refs" / revision).write_text(COMMIT)
        snapshot = folder / "snapshots" / COMMIT
        for name, content in files.items():
            blob = folder / "blobs" / hashlib.sha1(content).hexdigest()
            blob.parent.mkdir(exist_ok=True)
            blob.write_bytes(content)
            place = snapshot / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(os.path.relpath(blob, place.parent))
        return snapshot

    return write


def test_bundled_methods_need_nothing(groundcxr, cache):
    for name in ("ldm-phantom", "random"):
        ran = groundcxr("fetch", name)
        assert (ran.code, ran.out) == (0, f"{name} needs nothing from elsewhere\n"), ran.err


def test_the_files_of_a_bundled_network_are_listed_and_its_precision_needs_no_gpu(cache, groundcxr):
    folder = Path(__file__).parents[2] / "methods" / "weights" / "ldm-phantom"
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    snapshot = cache("someone/model", files)
    cache("someone/other", {"config.json": b"{}"})
    ran = groundcxr("fetch", "ldm", "--set", "weights=someone/model", "--set", "dtype=bfloat16")
    assert ran.code == 0, ran.err
    first, *listed, _ = ran.out.splitlines()
    assert first.startswith(f"someone/model@{COMMIT[:12]}: ")
    assert first.endswith(f" in {snapshot}")
    assert {line.split()[-1] for line in listed} == set(files)
    asked = ("--set", "method=ldm", "--set", "settings=weights=someone/model dtype=bfloat16")
    assert groundcxr("fetch", "shuffled-phrase", *asked).out.startswith(first)
    shutil.rmtree(snapshot / "vae")
    lacking = groundcxr("fetch", "ldm", "--set", "weights=someone/model")
    assert lacking.code == 2
    assert "no vae/config.json in someone/model" in lacking.err


def test_files_that_are_only_mapped_and_files_that_are_given_are_listed(cache, tmp_path):
    import mmap

    snapshot = cache("someone/model", {"a.bin": b"a" * 5000, "b.bin": b"b"})
    given = tmp_path / "words.txt"
    given.write_text("abc")

    class Mapping(GroundingMethod):
        def fetch(self):
            with os.fdopen(os.open((snapshot / "a.bin").resolve(), os.O_RDONLY)) as file:
                self.held = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)

    method = Mapping()
    method.weights = str(given)
    found = {one.name: one.files for one in fetch(method)}
    assert found == {f"someone/model@{COMMIT[:12]}": {"a.bin": 5000, "b.bin": 1}, "given": {"words.txt": 3}}
