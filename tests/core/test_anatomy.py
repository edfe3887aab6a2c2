"""Gaussians of places, and the table's file."""

import json
import math

import numpy as np
import pytest

from groundcxr.core import Box, GroundCXRError, Heatmap
from groundcxr.core.anatomy import REGIONS, Gaussian, place_values, values_on
from groundcxr.core.place_table import PHANTOM, PlaceTable


def table():
    boxes = [(region, Box(10 * k, 5 * k, 10 * k + 60, 5 * k + 30), (200, 100)) for k, region in enumerate(REGIONS)]
    return PlaceTable.of_boxes(boxes, "made-up boxes", 1)


def test_a_gaussian_is_of_a_boxs_centre_and_a_sixth_of_its_sides():
    found = Gaussian.of_box(Box(20, 10, 80, 70), (200, 100))
    assert found.as_tuple() == pytest.approx((50 / 200, 40 / 100, 10 / 200, 10 / 100))


def test_values_by_hand():
    one, other = Gaussian(0.25, 0.5, 0.1, 0.2), Gaussian(0.75, 0.5, 0.1, 0.2)
    values = place_values([one, other], [0.25, 0.35, 0.6], [0.5, 0.7])
    assert values[0, 0] == 1
    assert values[0, 1] == pytest.approx(math.exp(-0.5))
    assert values[1, 1] == pytest.approx(math.exp(-0.5) * math.exp(-0.5))
    assert values[0, 2] == pytest.approx(math.exp(-0.5 * 1.5**2))  # the closer of the two, not their sum
    wide = place_values([one], [0.35], [0.5], width=2)
    assert wide[0, 0] == pytest.approx(math.exp(-0.5 / 4))


def test_values_on_a_map_lie_where_its_cells_are():
    heatmap = Heatmap(np.zeros((2, 4)), Box(40, 0, 80, 20), (100, 50))
    found = values_on([Gaussian(0.45, 0.1, 0.05, 0.1)], heatmap)
    # Cells of 10 pixels: the first one's centre is at pixel (45, 5).
    assert found.shape == (2, 4)
    assert found[0, 0] == 1
    assert found[0, 1] == pytest.approx(math.exp(-0.5 * (0.1 / 0.05) ** 2))
    assert found[1, 0] == pytest.approx(math.exp(-0.5 * (0.2 / 0.1) ** 2))


def test_the_nearest_place_of_a_box():
    places = table()
    assert places.nearest(Box(20, 10, 80, 40), (200, 100)) == REGIONS[2]
    # In another image's pixels, and a little off.
    assert places.nearest(Box(42, 19, 158, 83), (400, 200)) == REGIONS[2]
    # Of the same centre, the one of the same size.
    apart = {**places.gaussians, "heart": Gaussian(0.25, 0.25, 0.01, 0.01)}
    assert PlaceTable(apart, "", 1).nearest(Box(49, 24, 51, 26), (200, 100)) == "heart"


def test_a_table_is_read_as_it_was_written(tmp_path):
    places = table()
    (tmp_path / "places.json").write_text(places.to_json())
    read = PlaceTable.load(tmp_path / "places.json")
    assert read == places
    assert read.digest == places.digest


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: content.update(version=2), "of version 2, and this program reads version 1"),
        (lambda content: content.update(format="other"), "no table of places"),
        (lambda content: content["places"]["heart"].update(x=0.9), "not as it was written"),
        (lambda content: content["places"].pop("left"), "damaged"),
        (lambda content: content["places"]["heart"].update(sigma_x=0), "damaged"),
        (lambda content: content["places"]["heart"].update(x="NaN"), "damaged"),
        (lambda content: content.update(places=[]), "damaged"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path, change, said):
    content = json.loads(table().to_json())
    change(content)
    (tmp_path / "places.json").write_text(json.dumps(content))
    with pytest.raises(GroundCXRError, match=rf"{said}.*groundcxr anatomy") as caught:
        PlaceTable.load(tmp_path / "places.json")
    assert "places.json" in str(caught.value)


@pytest.mark.parametrize(("content", "said"), [(b"\xff{", "no table"), (b"[1]", "no table"), (None, "cannot be read")])
def test_files_that_are_no_table(tmp_path, content, said):
    if content is not None:
        (tmp_path / "places.json").write_bytes(content)
    with pytest.raises(GroundCXRError, match=said):
        PlaceTable.load(tmp_path / "places.json")


def test_a_region_without_a_box():
    with pytest.raises(GroundCXRError, match=r"made-up has no box of .*heart; a table of places needs all 13 regions"):
        PlaceTable.of_boxes([("left", Box(0, 0, 1, 1), (2, 2))], "made-up", 1)


def test_the_phantoms_table_comes_with_the_package():
    places = PlaceTable.load(PHANTOM).gaussians
    for zone in ("", " apical", " upper", " middle", " lower", " costophrenic"):
        # The patient's left is on the right of the image.
        assert places[f"left{zone}"].x > 0.5 > places[f"right{zone}"].x
    heights = [places[f"left {zone}"].y for zone in ("apical", "upper", "middle", "lower", "costophrenic")]
    assert heights == sorted(heights)
