"""Commands with values that make no sense: a sentence, never a traceback, and an exit code that is documented."""

import os
import random

import pytest

CALLS = int(200 * float(os.environ.get("GROUNDCXR_FUZZ", "1")))
"""How many calls are tried; the environment variable GROUNDCXR_FUZZ multiplies them."""

_BATCHES = 8

WORDS = (
    "", " ", "-", "--", "a", "0", "-1", "1e9", "9" * 40, "nan", "٣", "1/0", "2/2", "ö", "漢字", "\udcff", "a\nb",
    "\x1b[2J",
    "\u202eabc", "%s{}{0}", "[/]", "[bold]", "=1+1", "a=b", "=", ".", "dataset", "dataset.=1", "x" * 5000,
    "~nobody-here/x",
    "None", "true", "1,2", "v1", "Edema", "center-prior", "..", "'", '"', "$HOME", "`id`", "a b", "\\",
    "c:\\a", "file:///a",
)  # fmt: skip
NUMBERS = ("", "0", "-1", "1", "2", "1e9", "9" * 40, "nan", "inf", "0x10", "1.5", "٣", " 1", "one", "\udcff", "1_0")
# Below the folder that the test is in, and nothing that root could write: no device, nothing above it.
PATHS = (
    "", " ", "gone", "gone/gone.png", "empty", "bytes", "folder", "method.py", "broken.py", "bad.json",
    "bad.csv", "data",
    "data/manifest.csv", "data/0.png", "data/0.png/x", "x" * 300 + ".png", "y/" * 3000, "ö.png", "n\udcff.png",
    "a\nb.png",
    "~nobody-here/x.png", "[/].png", "-", "results", "results/manifest", "folder/a.png", "loop", "loop/a.png",
    "%s.csv",
)  # fmt: skip
METHODS = (
    *WORDS, "random", "whole-image", "oracle", "text-prior", "method.py", "method.py:Mine", "method.py:Other",
    "broken.py",
    "empty.py", "gone.py", ".py", ".py:", "folder.py", "it=random", "it=", "it=method.py", "dataset=random",
    "random=random",
    "ö=random", "~nobody-here/m.py", "bytes.py", "exit.py", "a/b=random", "method.py:Mine:Mine", "x" * 300 + ".py",
)  # fmt: skip
SETTINGS = (
    *WORDS, "grid=0", "grid=-1", "grid=9999999999", "grid=", "grid=ö", "grid=\udcff", "random.grid=3",
    "it.grid=3", "grid=3",
    "dataset.x=1", "dataset.seed=1", "seed=nan", "options=1", "__class__=1", "a.b.c=1", ".grid=3", "grid.=3", "=grid",
)  # fmt: skip
DATASETS = (*WORDS, "manifest", "ms-cxr", "mscxr", "Phantom")

SHARED = {
    "--dataset": DATASETS, "--root": PATHS, "--split": WORDS, "--protocol": (*WORDS, "vilouras2024"),
    "--limit": NUMBERS,
    "--pathology": WORDS, "--set": SETTINGS, "--out": PATHS, "--store": PATHS, "--batch-size": NUMBERS,
}  # fmt: skip
DATA = {name: SHARED[name] for name in ("--dataset", "--root", "--split", "--limit", "--pathology", "--set")}
MANIFEST = ("--dataset", "manifest", "--root", "data/manifest.csv")

COMMANDS = {
    "evaluate": (
        ("--method", "center-prior", *MANIFEST),
        {**SHARED, "--method": METHODS, "--device": WORDS, "--shard": (*WORDS, "1/2"), "--nonsense": WORDS},
    ),
    "score": (("--method", "center-prior", *MANIFEST), {**SHARED, "--method": METHODS}),
    "list": ((), {"": (*WORDS, "methods", "datasets", "protocols")}),
    "doctor": (MANIFEST, {"--dataset": DATASETS, "--root": PATHS}),
    "check-method": ((), {"": METHODS, "--device": WORDS, "--set": SETTINGS}),
    "ground": (
        ("--method", "center-prior", "--image", "data/0.png", "--phrase", "a", "--out", "a.png"),
        {"--method": METHODS, "--image": PATHS, "--phrase": WORDS, "--out": PATHS, "--device": WORDS,
        "--set": SETTINGS},
    ),
    "samples": ((*MANIFEST, "--out", "s.csv"), {**DATA, "--out": PATHS}),
    "export": (("results",), {"": PATHS, "--format": (*WORDS, "csv", "latex", "bibtex"), "--metric": WORDS,
    "--out": PATHS}),
    "import": (
        ("maps", "--name", "x", *MANIFEST),
        {**SHARED, "": PATHS, "--name": WORDS, "--kind": WORDS, "--out": ("imported", "data/0.png")},
    ),
    "leaderboard": (("--results", "gone"), {"--store": PATHS, "--data": WORDS, "--port": NUMBERS}),
    "nonsense": ((), {"": WORDS}),
}  # fmt: skip


@pytest.fixture
def place(manifest, method_file, tmp_path, groundcxr):
    """A folder with something of every kind in it."""
    method_file(file="method.py")
    method_file("import sys; sys.exit(0)", file="exit.py")
    (tmp_path / "broken.py").write_text("def (")
    (tmp_path / "bytes.py").write_bytes(b"\xff\x00\xfe")
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "bytes").write_bytes(bytes(range(256)))
    (tmp_path / "bad.json").write_text('[{"a": ' * 3)
    (tmp_path / "bad.csv").write_text("image,phrase\n1,2,3,4\n")
    for folder in ("folder", "folder.py", "maps"):
        (tmp_path / folder).mkdir()
    (tmp_path / "loop").symlink_to("loop")
    assert groundcxr("evaluate", "--method", "center-prior", *MANIFEST).code == 0
    return tmp_path


@pytest.mark.parametrize("batch", range(_BATCHES))
def test_any_call_ends_in_a_sentence(groundcxr, place, batch, monkeypatch):
    monkeypatch.setattr("os.execv", lambda program, words: None)
    rng = random.Random(batch)
    for _ in range(max(1, CALLS // _BATCHES)):
        command = rng.choice(sorted(COMMANDS))
        usual, options = COMMANDS[command]
        words = list(usual)
        for option in rng.sample(sorted(options), k=min(len(options), rng.choice((1, 1, 1, 2, 3)))):
            value = rng.choice(options[option])
            words += [f"{option}={value}"] if option and rng.random() < 0.5 else [option, value] if option else [value]
        call = [command, *words]
        ran = groundcxr(*call)  # any exception but SystemExit fails the test by itself
        assert ran.code in (0, 1, 2), call
        assert "Traceback" not in ran.err + ran.out, call
        if ran.code == 2:
            told = [line for line in ran.err.splitlines() if line.startswith("error: ")]
            usage = ran.err.lstrip().startswith("Usage:")
            assert usage or told, (call, ran.err)
