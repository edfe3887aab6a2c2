"""What users are told to install is on a package index, by its own name."""

import re
from pathlib import Path

import pytest

from groundcxr.core import install
from groundcxr.core.install import install_step

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def stated(monkeypatch):
    def requires(name):
        return ["pydicom>=3.0", 'open-clip-torch>=3.0; extra == "models"', 'pylibjpeg[all] (>=2.0); extra == "dicom"']

    monkeypatch.setattr(install, "requires", requires)


@pytest.mark.parametrize(
    ("packages", "command"),
    [
        (["open-clip-torch"], "pip install 'open-clip-torch>=3.0'"),
        (["pylibjpeg[all]"], "pip install 'pylibjpeg[all]>=2.0'"),
        (["pydicom", "timm"], "pip install 'pydicom>=3.0' 'timm'"),
    ],
)
def test_packages_are_named_at_the_versions_that_are_asked_for(stated, packages, command):
    assert install_step(*packages) == command


def test_nothing_tells_to_install_an_extra_of_groundcxr_from_an_index():
    texts = [path for kind in ("*.py", "*.md") for path in ROOT.rglob(kind)]
    told = re.compile(r"pip install[^\n]*groundcxr(\[|\b(?!/))")
    places = [path for path in texts if not {"tests", ".venv"} & set(path.relative_to(ROOT).parts)]
    assert len(places) > 50
    assert [path for path in places if told.search(path.read_text(encoding="utf-8"))] == []
