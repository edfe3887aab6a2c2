"""What belongs to a method's own code, where folders are links and not every file is Python of this version."""

import importlib
import sys
from pathlib import Path

from groundcxr.methods.loading import build_method
from groundcxr.methods.revision import covered_files, revision_of

USES = "import {names}\nfrom groundcxr import GroundingMethod\n\n\nclass A(GroundingMethod):\n    pass\n"


def of_file(path: Path, names: str) -> tuple[str, set[str]]:
    """The revision of a method that imports these names, and which files it covers."""
    path.write_text(USES.format(names=names))
    method = type(build_method(str(path)))
    for name in names.split(", "):
        sys.modules.pop(name, None)
    return revision_of(method), {Path(file).parent.name for file in covered_files(method) or ()} - {path.parent.name}


def test_a_file_for_another_version_counts_and_is_not_followed(tmp_path, monkeypatch):
    package = tmp_path / "code/of_two_versions"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("import sys\nif sys.version_info < (3,):\n    from . import old, latin\n")
    (package / "old.py").write_text("print 'x'\n")
    (package / "latin.py").write_bytes(b"# caf\xe9\nX = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    first, covered = of_file(tmp_path / "a.py", "of_two_versions")
    assert covered == {"of_two_versions"}
    (package / "latin.py").write_bytes(b"# caf\xe9\nX = 2\n")
    assert of_file(tmp_path / "b.py", "of_two_versions")[0] != first


def test_packages_are_installed_behind_a_link_and_a_linked_checkout_is_not(tmp_path, monkeypatch):
    """A folder of packages on another disk; a package that `flit install --symlink` has put there."""
    (tmp_path / "disk/installed_there").mkdir(parents=True)
    (tmp_path / "disk/installed_there/__init__.py").touch()
    (tmp_path / "checkout/edited_there").mkdir(parents=True)
    (tmp_path / "checkout/edited_there/__init__.py").touch()
    (tmp_path / "disk/edited_there").symlink_to(tmp_path / "checkout/edited_there")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/site-packages").symlink_to(tmp_path / "disk")
    monkeypatch.syspath_prepend(str(tmp_path / "lib/site-packages"))
    assert of_file(tmp_path / "a.py", "installed_there, edited_there")[1] == {"edited_there"}


def test_the_files_of_a_plug_in_are_gathered_once_for_all_its_batches(tmp_path, monkeypatch):
    """Each batch of a method that reads a file for each image asks for them; of a large package that took seconds."""
    (tmp_path / "plug_in_here").mkdir()
    (tmp_path / "plug_in_here/__init__.py").touch()
    (tmp_path / "plug_in_here/method.py").write_text(USES.format(names="plug_in_here"))
    monkeypatch.syspath_prepend(str(tmp_path))
    method = importlib.import_module("plug_in_here.method").A
    first = covered_files(method)
    assert {Path(file).name for file in first or ()} == {"__init__.py", "method.py"}
    monkeypatch.setattr("groundcxr.methods.revision.Sources.of", None)
    assert covered_files(method) == first
    for name in ("plug_in_here", "plug_in_here.method"):
        del sys.modules[name]
