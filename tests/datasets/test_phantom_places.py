"""The phantom's table of places is what its scenes make."""

import numpy as np
import pytest

from groundcxr.core.place_table import PHANTOM, PlaceTable
from groundcxr.datasets.phantom.parameters import DEFAULT
from groundcxr.datasets.phantom.places import phantom_places, region_boxes
from groundcxr.datasets.phantom.scene import plan_scene


def test_the_shipped_table_is_made_of_the_first_train_scenes():
    made, shipped = phantom_places(), PlaceTable.load(PHANTOM)
    assert (made.source, made.images) == (shipped.source, shipped.images)
    for region, gaussian in shipped.gaussians.items():
        assert made.gaussians[region].as_tuple() == pytest.approx(gaussian.as_tuple(), abs=1e-4), region


def test_regions_of_a_scene_lie_in_one_another():
    boxes = dict(region_boxes(plan_scene(DEFAULT, 0, "train", 3), 128))
    for side in ("left", "right"):
        lung = np.array(boxes[side].as_tuple())
        for zone in ("apical", "upper", "middle", "lower", "costophrenic"):
            part = np.array(boxes[f"{side} {zone}"].as_tuple())
            assert (part[:2] >= lung[:2]).all()
            assert (part[2:] <= lung[2:]).all()
        assert boxes[f"{side} apical"].y1 < boxes[f"{side} upper"].y1 < boxes[f"{side} lower"].y1
