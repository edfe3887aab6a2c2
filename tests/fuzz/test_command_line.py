"""Commands with values that make no sense: a sentence, never a traceback, and an exit code that is documented."""

import typing

import pytest
import typer

from groundcxr.cli.main import app

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

POOLS = {
    "method": METHODS,
    "settings": SETTINGS,
    "dataset": (*WORDS, "manifest", "ms-cxr", "mscxr", "Phantom"),
    "protocol": (*WORDS, "vilouras2024"),
    "shard": (*WORDS, "1/2"),
    "what": (*WORDS, "methods", "datasets", "protocols"),
    "form": (*WORDS, "csv", "latex", "bibtex"),
}
"""By the parameter's name; any other gets what fits its type, so that a new option takes part at once."""

MANIFEST = ("--dataset", "manifest", "--root", "data/manifest.csv")
USUAL = {
    "evaluate": ("--method", "center-prior", *MANIFEST),
    "score": ("--method", "center-prior", *MANIFEST),
    "doctor": MANIFEST,
    "ground": ("--method", "center-prior", "--image", "data/0.png", "--phrase", "a", "--out", "a.png"),
    "samples": (*MANIFEST, "--out", "s.csv"),
    "export": ("results",),
    "import": ("maps", "--name", "x", *MANIFEST),
    "leaderboard": ("--results", "gone"),
}
"""What a call has beside the values that make no sense."""


def options_of(callback):
    """What a command takes: an option's name, or "" of an argument, and values for it (none of a flag)."""
    found = []
    for name, hint in typing.get_type_hints(callback, include_extras=True).items():
        if name == "return":
            continue
        kind, about = typing.get_args(hint)
        # Typer takes the first of the names for a default at first.
        written = [one for one in (about.default, *(about.param_decls or ())) if str(one).startswith("--")]
        option = "" if isinstance(about, typer.models.ArgumentInfo) else [*written, f"--{name}"][0]
        if kind is bool:
            values = ()
        elif name in POOLS:
            values = POOLS[name]
        else:
            parts = str(kind)
            values = PATHS if "Path" in parts else NUMBERS if "int" in parts or "float" in parts else WORDS
        found.append((option, values))
    return found


COMMANDS = {command.name: options_of(command.callback) for command in app.registered_commands}


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


def a_call(rng):
    command = rng.choice([*sorted(COMMANDS), "nonsense"])
    options = COMMANDS.get(command, [])
    words = [command, *USUAL.get(command, ())]
    for option, values in rng.sample(options, k=min(len(options), rng.choice((1, 1, 1, 2, 3)))):
        if not values:
            words.append(option)
        elif not option:
            words.append(rng.choice(values))
        elif rng.random() < 0.5:
            words.append(f"{option}={rng.choice(values)}")
        else:
            words += [option, rng.choice(values)]
    return words


def test_any_call_ends_in_a_sentence(fuzz, groundcxr, place, monkeypatch):
    monkeypatch.setattr("groundcxr.cli.leaderboard.become", lambda program, words: None)

    def tried(rng):
        call = a_call(rng)
        ran = groundcxr(*call)  # any exception but SystemExit fails the test by itself
        assert ran.code in (0, 1, 2), call
        assert "Traceback" not in ran.err + ran.out, call
        told = [line for line in ran.err.splitlines() if line.startswith("error: ")]
        usage = ran.err.lstrip().startswith("Usage:")
        assert (usage or told) if ran.code == 2 else not (usage or (told and ran.code == 0)), (call, ran.err)
        return ran.code

    fuzz("calls", tried)
