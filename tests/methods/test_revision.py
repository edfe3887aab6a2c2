"""Fingerprints survive work on the package: only what changes an answer changes them."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import groundcxr
from groundcxr.methods import revision
from groundcxr.methods.loading import build_method
from groundcxr.methods.revision import revision_of

PACKAGE = Path(groundcxr.__file__).resolve().parent
CONTROLS = ("random", "center-prior", "whole-image", "class-mean-box", "text-prior")
BUNDLED = (*CONTROLS, "biovil", "clip", "clip-phantom", "ldm", "ldm-phantom")
PRINT = f"""
import json, sys
from pathlib import Path
from groundcxr.methods.loading import build_method
from groundcxr.methods.revision import revision_of
from groundcxr.methods.revision import revision_of

methods = {{name: type(build_method(name)) for name in {BUNDLED!r}}}
for changes in json.load(sys.stdin):
    before = {{Path(path): Path(path).read_text() for path in changes}}
    for path, changed in changes.items():
        Path(path).write_text(changed)
    print(json.dumps({{name: revision_of(method) for name, method in methods.items()}}))
    for path, text in before.items():
        path.write_text(text)
"""
REMARK = ("from __future__", "# Another remark.\nfrom __future__")
CLIP, LDM = {"clip", "clip-phantom"}, {"ldm", "ldm-phantom"}
RESTS_ON = {
    "hub": {*CLIP, *LDM, "biovil"},
    "bundled": {"clip-phantom", "ldm-phantom"},
    "controls/priors": {"random", "center-prior", "whole-image"},
    "controls/class_mean_box": {"class-mean-box", "text-prior"},
    "controls/text_prior": {"text-prior"},
    "contrastive/base": {*CLIP, "biovil"},
    "contrastive/clip/towers": CLIP,
    "contrastive/clip/phantom": {"clip-phantom"},
    "diffusion/ldm/split": LDM,
}

PLAIN = """import numpy as np
from helper import GRID
from groundcxr import Grounding, GroundingMethod, Heatmap


class Plain(GroundingMethod):
    weights = "owner/name"

    def ground(self, image, phrases):
        return [Grounding(Heatmap.whole(np.eye(GRID), image.size)) for _ in phrases]
"""
OPTIONED = """from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from groundcxr import Grounding, GroundingMethod, Heatmap


class Mode(StrEnum):
    FAST = "fast"


@dataclass(frozen=True)
class Options:
    steps: int = 3
    mode: Mode = Mode.FAST
    layers: tuple[str, ...] = ("a", "b")
    model: str = "owner/name"
    prompt: str = "a radiograph of {phrase} and/or more"
    rate: float | None = None


class Optioned(GroundingMethod):
    Options = Options

    def ground(self, image, phrases):
        return [Grounding(Heatmap.whole(np.eye(4), image.size)) for _ in phrases]
"""


def test_fingerprints_of_method_files_are_those_of_earlier_versions(tmp_path, monkeypatch):
    """Computed before paths in tuples, and words that name files, counted by content."""
    # Other tests have a helper of that name, too.
    monkeypatch.setattr("groundcxr.methods.here._SIBLINGS.files", {})
    monkeypatch.delitem(sys.modules, "helper", raising=False)
    (tmp_path / "plain.py").write_text(PLAIN)
    (tmp_path / "helper.py").write_text("GRID = 4\n")
    (tmp_path / "optioned.py").write_text(OPTIONED)
    (tmp_path / "f.txt").write_text("1")
    fingerprints = [
        build_method(str(tmp_path / file), settings).fingerprint()
        for file, settings in (
            ("plain.py", {}),
            ("optioned.py", {}),
            ("optioned.py", {"steps": "7", "layers": "c"}),
            ("optioned.py", {"model": str(tmp_path / "f.txt")}),
        )
    ]
    assert fingerprints == [
        "8fafe71635866e9629f5c6eb4e54d791245733887cbc6a77fd5b895f83a610e7",
        "afa55710d7346a1a2ce63f600de70c2c0a7fda659125b4706a9b87ffe4604e9d",
        "aeea39632ddfc55e391b64b66f2de5d0fc1fb978e4ccbaafc31cc47b7e52e049",
        "e3ec4219271d3189cf9bb3dec22e689acede29a15527b8bdaeb951fda5275e08",
    ]
    del sys.modules["helper"]


@pytest.fixture
def revisions(tmp_path):
    """Asks for the revisions of the bundled methods, in a copy of the package, after each of several sets of edits."""
    copy = tmp_path / "groundcxr"
    skipped = shutil.ignore_patterns(".*", "tests", "docs", "benchmarks", "training", "results", "__pycache__")
    shutil.copytree(PACKAGE, copy, ignore=skipped)

    def edited(changes):
        for module, (old, new) in changes.items():
            path = copy / f"methods/{module}.py"
            content = path.read_text()
            assert old in content
            yield str(path), content.replace(old, new, 1)

    def ask(*rounds):
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        asked = json.dumps([dict(edited(changes)) for changes in rounds])
        command = [sys.executable, "-c", PRINT]
        ran = subprocess.run(command, input=asked, capture_output=True, text=True, cwd=tmp_path, env=environment)
        assert ran.returncode == 0, ran.stderr
        return [json.loads(line) for line in ran.stdout.splitlines()]

    return ask


def test_another_method_or_another_message_changes_no_revision(revisions):
    entry = '"random": ".controls.priors",'
    apart = ("base", "contract", "loading", "options", "requirements", "revision", "watching")
    new = {"registry": (entry, f'{entry}\n        "new": ".boxes.new",'), **dict.fromkeys(apart, REMARK)}
    before, after = revisions({}, new)
    assert len(before) == len(BUNDLED)
    assert after == before


def test_a_file_changes_the_revisions_of_the_methods_that_rest_on_it(revisions):
    before, *after = revisions({}, *({module: REMARK} for module in RESTS_ON))
    changed = [{name for name in before if one[name] != before[name]} for one in after]
    assert dict(zip(RESTS_ON, changed, strict=True)) == RESTS_ON


def test_an_option_that_came_later_changes_nothing_at_its_default(tmp_path):
    path = tmp_path / "grown.py"
    path.write_text(OPTIONED)
    source = "    revision = '1'\n    Options = Options"
    path.write_text(OPTIONED.replace("    Options = Options", source))
    before = build_method(str(path)).fingerprint()
    grown = path.read_text().replace(
        "rate: float | None = None",
        "rate: float | None = None\n    more: int = field(default=1, metadata={'since': '2'})",
    )
    path.write_text(grown.replace("import dataclass", "import dataclass, field"))
    assert build_method(str(path)).fingerprint() == before
    assert build_method(str(path), {"more": "1"}).fingerprint() == before
    assert build_method(str(path), {"more": "2"}).fingerprint() != before
    assert build_method(str(path)).options_dict()["more"] == 1


def test_what_is_left_out_of_revisions_is_there():
    """A module that is renamed would come into the fingerprints of all that import it."""
    assert [path for path in revision._APART if not path.is_file()] == []


def test_a_module_that_was_edited_and_not_loaded_again_has_the_revision_of_what_runs(tmp_path, monkeypatch):
    """In a session: else what the old code answers would be served for the new after a restart."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "of_a_session.py").write_text(
        "import helper_of_a_session\nfrom groundcxr import GroundingMethod\n\n\nclass A(GroundingMethod):\n"
        "    def setup(self, device):\n        import later_in_a_session\n"
    )
    (tmp_path / "helper_of_a_session.py").write_text("K = 1\n")
    (tmp_path / "later_in_a_session.py").write_text("K = 1\n")
    module = importlib.import_module("of_a_session")
    first = revision_of(module.A)
    (tmp_path / "helper_of_a_session.py").write_text("K = 22\n")
    assert revision_of(module.A) == first
    importlib.reload(sys.modules["helper_of_a_session"])
    second = revision_of(module.A)
    assert second != first
    # What is not loaded yet will be what it is then.
    (tmp_path / "later_in_a_session.py").write_text("K = 22\n")
    third = revision_of(module.A)
    assert third not in (first, second)
    (tmp_path / "helper_of_a_session.py").write_text("K = 1\n")
    (tmp_path / "later_in_a_session.py").write_text("K = 1\n")
    importlib.reload(sys.modules["helper_of_a_session"])
    assert revision_of(module.A) == first
    for name in ("of_a_session", "helper_of_a_session"):
        del sys.modules[name]
