"""What methods are said to have learnt places from."""

import pytest

from groundcxr import GroundingMethod
from groundcxr.core import MethodError
from groundcxr.core.supervision import SUPERVISIONS, strongest
from groundcxr.methods import registry
from groundcxr.methods.loading import build_method
from groundcxr.methods.supervision import supervision_of


@pytest.mark.parametrize(
    ("name", "settings", "label"),
    [
        ("center-prior", {}, "none"),
        ("ldm-phantom", {}, "none"),
        ("text-prior", {}, "boxes"),
        ("oracle", {}, "boxes"),
        ("sam", {"method": "center-prior", "weights": "random:1"}, "none"),
        ("random-weights", {"method": "ldm-phantom"}, "none"),
        ("vlm", {"weights": "a/b", "preset": "qwen3_vl"}, None),
        ("location-prior", {"table": "phantom"}, "weak: anatomy"),
        ("with-prior", {"method": "center-prior", "table": "phantom"}, "weak: anatomy"),
        ("mirrored", {"method": "location-prior", "settings": "table=phantom"}, "weak: anatomy"),
        ("boxes", {"method": "center-prior"}, "none"),
        ("sam", {"method": "center-prior"}, "boxes"),
        ("average", {"methods": "center-prior,random"}, "none"),
    ],
)
def test_methods_of_the_package(name, settings, label):
    assert supervision_of(build_method(name, settings)) == label


def test_every_method_of_the_package_is_known():
    from groundcxr.methods.supervision import _KNOWN

    wrappers = {"shuffled-phrase", "mirrored", "other-side", "generic-phrase", "blank-image", "boxes", "average"}
    stated = {"location-prior", "with-prior", "ldm-phantom-tuned"}
    assert set(registry.METHODS._builtin) == {*_KNOWN, *wrappers, *stated, "vlm", "endpoint"}


def test_a_method_of_ones_own(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from groundcxr import GroundingMethod\nclass Mine(GroundingMethod):\n    name = 'clip'\n"
        "class Said(GroundingMethod):\n    supervision = 'boxes'\n"
    )
    # Its name is another's; what that has learnt says nothing of it.
    assert supervision_of(build_method(f"{file}:Mine")) is None
    assert supervision_of(build_method(f"{file}:Said")) == "boxes"
    assert supervision_of(build_method("average", {"methods": f"center-prior,{file}:Mine"})) is None
    assert supervision_of(build_method("average", {"methods": f"center-prior,{file}:Said"})) == "boxes"
    file.write_text("from groundcxr import GroundingMethod\nclass Wrong(GroundingMethod):\n    supervision = 'weak'\n")
    with pytest.raises(MethodError, match="supervision is 'weak'; it must be None or one of 'none', 'weak: anat"):
        build_method(str(file))


def test_the_strongest_counts():
    assert strongest([]) is None
    assert strongest(["none", None]) is None
    assert strongest([None, "weak: anatomy"]) == "weak: anatomy"
    assert strongest(SUPERVISIONS) == "boxes"
    assert GroundingMethod.supervision is None
