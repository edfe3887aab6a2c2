"""`average`: means of normalised maps, against the maps at full resolution."""

import numpy as np
import pytest
from scipy.stats import rankdata

from groundcxr.core import Box, GroundCXRError, Heatmap, Query, Radiograph
from groundcxr.methods.loading import build_method
from groundcxr.methods.refine.grids import regridded

TWO = """
import numpy as np
from groundcxr import Box, Grounding, GroundingMethod, Heatmap

class First(GroundingMethod):
    def ground(self, image, phrases):
        return [Grounding(Heatmap(np.arange(12).reshape(3, 4) % 5, Box(0, 0, 40, 30), image.size)) for _ in phrases]

class Second(GroundingMethod):
    kind = "diffusion"

    def ground(self, image, phrases):
        values = np.random.default_rng(0).normal(size=(12, 16))
        return [Grounding(Heatmap(values, Box({extent}), image.size)) for _ in phrases]

class Left(GroundingMethod):
    def ground(self, image, phrases):
        return [Grounding(Heatmap(np.eye(2), Box(0, 0, 10, 30), image.size)) for _ in phrases]

class Right(GroundingMethod):
    def ground(self, image, phrases):
        return [Grounding(Heatmap(np.eye(2), Box(10, 0, 40, 30), image.size)) for _ in phrases]

class Flat(GroundingMethod):
    def ground(self, image, phrases):
        return [Grounding(Heatmap.whole(np.ones((2, 2)), image.size)) for _ in phrases]
"""


@pytest.fixture
def averaged(tmp_path):
    def build(methods=("First", "Second"), extent="0, 0, 40, 30", **settings):
        path = tmp_path / "two.py"
        path.write_text(TWO.replace("{extent}", extent))
        named = ",".join(f"{path}:{name}" for name in methods)
        method = build_method("average", {"methods": named, **settings})
        method.setup("cpu")
        query = Query(Radiograph.from_array(np.zeros((30, 40), np.uint8)), "effusion", "")
        (answer,) = method.ground_batch([query])
        return answer.heatmap, [one.ground_batch([query])[0].heatmap.to_pixels() for one in method.asked.values()]

    return build


def between(pixels):
    return (pixels - np.nanmin(pixels)) / (np.nanmax(pixels) - np.nanmin(pixels))


def test_where_one_grid_refines_the_other_the_mean_is_right_in_every_pixel(averaged):
    heatmap, (first, second) = averaged(normalise="minmax")
    assert heatmap.values.shape == (12, 16)
    wanted = (between(first.astype(np.float64)) + between(second.astype(np.float64))) / 2
    np.testing.assert_allclose(heatmap.to_pixels(), wanted, atol=1e-6)


def test_ranks_are_those_of_the_common_grid_s_cells_and_ties_share_theirs(averaged):
    heatmap, maps = averaged(normalise="rank")
    centres = np.ix_([int((row + 0.5) * 2.5) for row in range(12)], [int((column + 0.5) * 2.5) for column in range(16)])
    ranks = [(rankdata(pixels[centres].ravel()) - 1) / (12 * 16 - 1) for pixels in maps]
    np.testing.assert_allclose(heatmap.values.ravel(), np.mean(ranks, axis=0), atol=1e-6)


def test_only_what_all_have_seen_is_averaged(averaged):
    heatmap, (first, second) = averaged(extent="7, 4, 39, 28", normalise="minmax")
    assert heatmap.extent == Box(7, 4, 39, 28)
    assert heatmap.values.shape == (12, 16)
    both = np.s_[4:28, 7:39]
    # Cells of 2x2 pixels, on which a cell of the coarser map is cut: its part counts by its pixels.
    means = [pixels[both].reshape(12, 2, 16, 2).mean(axis=(1, 3)) for pixels in (first, second)]
    np.testing.assert_allclose(heatmap.values, (between(means[0]) + between(means[1])) / 2, atol=1e-6)


def test_no_common_place_is_said(averaged):
    with pytest.raises(GroundCXRError, match="share no pixel"):
        averaged(("Left", "Right"))


def test_a_map_of_one_value_changes_no_order(averaged):
    alone, _ = averaged(("First", "Second"))
    with_flat, _ = averaged(("First", "Second", "Flat"))
    assert (np.argsort(alone.values, axis=None) == np.argsort(with_flat.values, axis=None)).all()


def test_regridding_is_the_mean_of_pixels_on_any_grid():
    heatmap = Heatmap(np.random.default_rng(1).normal(size=(7, 90)), Box(2, 3, 60, 80), (61, 83))
    extent = Box(5, 10, 52, 71)
    found = regridded(heatmap, extent, (13, 20))
    target = Heatmap(np.arange(260).reshape(13, 20), extent, (61, 83)).to_pixels()
    pixels = heatmap.to_pixels()
    wanted = [pixels[target == cell].mean(dtype=np.float64) for cell in range(260)]
    np.testing.assert_allclose(found.ravel(), wanted, atol=1e-6)


def test_options_of_each_method_stand_beside_its_name(maps):
    settings = {"methods": f"a={maps}:Maps,b={maps}:Maps,random", "settings": "a.rows=2 b.rows=3 random.grid=4"}
    method = build_method("average", settings)
    assert [one.options_dict() for one in method.asked.values()] == [
        {"rows": 2, "columns": 7},
        {"rows": 3, "columns": 7},
        {"grid": 4},
    ]
    assert method.kind == "other"
    assert build_method("average", {**settings, "settings": "a.rows=2"}).fingerprint() != method.fingerprint()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "average needs the methods whose maps it averages, its option methods=NAME,NAME"),
        ({"methods": "random"}, "its option methods=NAME,NAME"),
        ({"methods": "random,random"}, "given 'random' twice; write ALIAS=NAME"),
        ({"methods": "random,whole-image"}, "needs a method that answers with a heatmap, and whole-image answers with"),
        ({"methods": "random,oracle"}, "cannot ask the control 'oracle'"),
        ({"methods": "random,center-prior", "settings": "grid=4"}, "'grid' of average is of none of its methods"),
        ({"methods": "random,center-prior", "settings": "random.gird=4"}, "did you mean 'grid'"),
    ],
)
def test_what_cannot_be_averaged_is_said(settings, said):
    with pytest.raises(GroundCXRError, match=said):
        build_method("average", settings)
