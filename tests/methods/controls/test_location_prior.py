"""The control that reads the place of a phrase, and nothing else."""

import math

import numpy as np
import pytest

from groundcxr import Box, Radiograph, evaluate, load_dataset
from groundcxr.core import GroundCXRError
from groundcxr.core.anatomy import REGIONS, Gaussian
from groundcxr.core.place_table import PlaceTable
from groundcxr.methods.loading import build_method


@pytest.fixture
def table(tmp_path):
    """A file in which the region of number k lies k/26 of the way across and down."""
    gaussians = {region: Gaussian(k / 26, k / 26, 0.05, 0.1) for k, region in enumerate(REGIONS)}
    path = tmp_path / "places.json"
    path.write_text(PlaceTable(gaussians, "Chest ImaGenome gold: made up", 1).to_json())
    return path


def values(method, phrase, size=(128, 64)):
    (answer,) = method.ground(Radiograph.from_array(np.zeros(size[::-1], np.uint8)), [phrase])
    assert answer.heatmap is not None
    assert answer.heatmap.extent == Box.whole(size)
    return answer.heatmap.values


def test_the_gaussian_is_twice_as_wide_as_the_tables(table):
    method = build_method("location-prior", {"table": str(table)})
    found = values(method, "fluid at the left base")
    k = REGIONS.index("left lower") / 26
    centres = (np.arange(64) + 0.5) / 64
    wanted = [
        [math.exp(-0.5 * ((x - k) / 0.1) ** 2) * math.exp(-0.5 * ((y - k) / 0.2) ** 2) for x in centres]
        for y in centres
    ]
    assert found == pytest.approx(np.array(wanted), abs=1e-6)


def test_several_places_and_none(table):
    method = build_method("location-prior", {"table": str(table)})
    one, other = values(method, "right apical cap"), values(method, "left apical cap")
    assert (values(method, "biapical caps") == np.maximum(one, other)).all()
    # A phrase without a place gets both lungs; the image says nothing.
    lungs = np.maximum(values(method, "haze of the right lung"), values(method, "haze of the left lung"))
    assert (values(method, "haze") == lungs).all()
    assert (values(method, "haze", (30, 40)) == lungs).all()


def test_it_says_what_it_rests_on(table):
    method = build_method("location-prior", {"table": str(table)})
    assert method.trained_on == ("Chest ImaGenome gold: made up",)
    assert (method.supervision, method.kind) == ("weak: anatomy", "control")
    other = PlaceTable.load(table)
    changed = {**other.gaussians, "heart": Gaussian(0.5, 0.6, 0.1, 0.1)}
    table.write_text(PlaceTable(changed, other.source, 1).to_json())
    assert build_method("location-prior", {"table": str(table)}).fingerprint() != method.fingerprint()


def test_it_needs_a_table():
    with pytest.raises(GroundCXRError, match=r"location-prior needs the table of places, its option table=FILE"):
        build_method("location-prior")
    with pytest.raises(GroundCXRError, match=r"the table of places none\.json cannot be read"):
        build_method("location-prior", {"table": "none.json"})


def test_the_phantoms_places_are_where_its_findings_are(tmp_path):
    dataset = load_dataset("phantom", images=40)
    found = {}
    for name, settings in (("location-prior", {"table": "phantom"}), ("center-prior", {})):
        result = evaluate(build_method(name, settings), dataset, out=tmp_path)
        assert result.info.supervision == ("weak: anatomy" if settings else "none")
        found[name] = result.info.overall.macro["ap"].value
    assert found["location-prior"] > found["center-prior"] + 0.1
