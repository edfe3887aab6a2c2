"""`with-prior`: another method's map times the Gaussians of the phrase's places."""

import math

import numpy as np
import pytest

from groundcxr.core import Box, GroundCXRError, Query, Radiograph
from groundcxr.core.anatomy import REGIONS, Gaussian
from groundcxr.core.place_table import PlaceTable
from groundcxr.methods.loading import build_method
from groundcxr.methods.supervision import supervision_of

METHODS = """
import numpy as np
from groundcxr import Box, Grounding, GroundingMethod, Heatmap

class Corner(GroundingMethod):
    emits = frozenset({"heatmap", "box"})

    def ground(self, image, phrases):
        values = np.array([[2.0, 4.0], [6.0, 10.0]])
        extent = Box(20, 0, 60, 40)
        return [Grounding(Heatmap(values, extent, image.size), [Box(0, 0, 5, 5, 1)]) for _ in phrases]

class Flat(GroundingMethod):
    def ground(self, image, phrases):
        return [Grounding(Heatmap.whole(np.full((2, 2), 3.0), image.size)) for _ in phrases]

class Nothing(GroundingMethod):
    def ground(self, image, phrases):
        return [Grounding() for _ in phrases]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "methods.py"
    path.write_text(METHODS)
    return path


@pytest.fixture
def table(tmp_path):
    far = Gaussian(9, 9, 0.1, 0.1)
    gaussians = {**dict.fromkeys(REGIONS, far), "left lower": Gaussian(0.5, 0.75, 0.1, 0.25)}
    path = tmp_path / "places.json"
    path.write_text(PlaceTable(gaussians, "Chest ImaGenome gold: made up", 1).to_json())
    return path


def answer(method, phrase):
    method.setup("cpu")
    (found,) = method.ground_batch([Query(Radiograph.from_array(np.zeros((40, 100), np.uint8)), phrase, "")])
    return found


def test_by_hand(file, table):
    method = build_method("with-prior", {"method": f"{file}:Corner", "table": str(table)})
    found = answer(method, "fluid at the left base")
    # Centres of the cells, in shares of the image's 100x40 pixels: x .3 and .5, y .25 and .75. Three times as wide.
    across = [math.exp(-0.5 * (0.2 / 0.3) ** 2), 1]
    down = [math.exp(-0.5 * (0.5 / 0.75) ** 2), 1]
    unit = np.array([[0, 0.25], [0.5, 1]])
    assert found.heatmap.values == pytest.approx(unit * np.outer(down, across), abs=1e-6)
    assert found.heatmap.extent == Box(20, 0, 60, 40)
    assert found.boxes == ()
    narrow = build_method("with-prior", {"method": f"{file}:Corner", "table": str(table), "width": 1})
    values = answer(narrow, "fluid at the left base").heatmap.values
    assert values[1, 0] == pytest.approx(0.5 * math.exp(-0.5 * (0.2 / 0.1) ** 2), abs=1e-6)


def test_what_stays_as_it_is(file, table):
    method = build_method("with-prior", {"method": f"{file}:Corner", "table": str(table)})
    assert answer(method, "fluid").heatmap.values.tolist() == [[2, 4], [6, 10]]
    flat = build_method("with-prior", {"method": f"{file}:Flat", "table": str(table)})
    assert answer(flat, "fluid at the left base").heatmap.values.tolist() == [[3, 3], [3, 3]]


def test_an_answer_without_a_map_fails(file, table):
    method = build_method("with-prior", {"method": f"{file}:Nothing", "table": str(table)})
    with pytest.raises(GroundCXRError, match="Nothing answered without a map"):
        answer(method, "fluid at the left base")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "whole-image"}, "with-prior needs a method that answers with a heatmap, and whole-image"),
        ({"method": "ldm-phantom", "settings": "otsu=true"}, r"ldm-phantom sets .* to 0; turn .*settings='otsu=false'"),
        ({"method": "ldm", "settings": "weights=x"}, r"ldm sets what is below Otsu's threshold to 0"),
        (
            {"method": "average", "settings": "methods=random,ldm-phantom settings=ldm-phantom.otsu=true"},
            r"ldm-phantom sets what is below Otsu's threshold to 0",
        ),
        ({"method": "center-prior", "table": ""}, r"with-prior needs the table of places, its option table=FILE"),
        ({"method": "center-prior", "width": 0}, "width must be more than 0, got 0"),
        ({"method": "center-prior", "width": float("nan")}, "width must be more than 0"),
        ({"method": "oracle"}, "with-prior cannot ask the control 'oracle'"),
    ],
)
def test_what_is_refused(table, options, said):
    with pytest.raises(GroundCXRError, match=said):
        build_method("with-prior", {"table": str(table), **options})


def test_an_unmasked_ldm_is_asked(table):
    for settings in ("otsu=false", "preset=vilouras2026-tuned"):
        method = build_method("with-prior", {"table": str(table), "method": "ldm", "settings": settings})
        assert method.kind == "diffusion"


def test_what_it_says_of_itself(file, table):
    method = build_method("with-prior", {"method": "clip-phantom", "table": str(table)})
    assert method.trained_on[-1] == "Chest ImaGenome gold: made up"
    assert supervision_of(method) == "weak: anatomy"
    first = method.fingerprint()
    other = PlaceTable.load(table)
    table.write_text(PlaceTable(other.gaussians, "another source", 1).to_json())
    assert build_method("with-prior", {"method": "clip-phantom", "table": str(table)}).fingerprint() != first
