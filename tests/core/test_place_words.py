"""Which places phrases name; every phrase here was made up for this test."""

import pytest

from groundcxr.core.anatomy import LOCATIONS, REGIONS, locations_of, regions_of
from groundcxr.core.place_words import is_place_word, named_place, spots_of

SPOTS = {
    # A side and a zone, and words for them.
    "tiny left apical pneumothorax": "left apical",
    "haze at the right apex": "right apical",
    "shadow in the left upper zone": "left upper",
    "RUL mass": "right upper",
    "nodule in the superior lobe of the left lung": "left upper",
    "right suprahilar density": "right upper",
    "right midlung haze": "right middle",
    "left mid zone density": "left middle",
    "Right perihilar markings": "right middle",
    "RML collapse": "right middle",
    "collapse of the middle lobe": "right middle",
    "lingular scarring": "left lingular",
    "density of the lingula": "left lingular",
    "RLL pneumonia": "right lower",
    "llL. density": "left lower",
    "fluid in the inferior lobe on the right": "right lower",
    "left infrahilar density": "left lower",
    "left basilar scarring": "left base",
    "density at the right base": "right base",
    "Lt base fluid": "left base",
    "L base density": "left base",
    "blunted right costophrenic angle": "right costophrenic",
    "blunting of the L CP angle": "left costophrenic",
    "right-sided chest tube": "right",
    "left hemithorax is white": "left",
    # Behind the heart.
    "retrocardiac density": "left lower",
    "retro-cardiac haze": "left lower",
    "haze behind the heart": "left lower",
    "right retrocardiac density": "right lower",
    # Both sides.
    "bibasilar scarring": "right base, left base",
    "biapical thickening": "right apical, left apical",
    "densities in both lower lobes": "right lower, left lower",
    "b/l fluid": "right, left",
    "left and right upper lobe densities": "right upper, left upper",
    "bases are hazy bilaterally": "right base, left base",
    "fluid on both sides, left greater than right": "right, left",
    "bibasilar densities, R > L": "right base, left base",
    "fluid, right more than left": "right, left",
    # A zone belongs to its side.
    "right upper and left lower lobe densities": "right upper, left lower",
    "density in the lower lobe on the right and the upper lobe on the left": "right lower, left upper",
    "left upper and lower lobe densities": "left upper, left lower",
    "left lung and right base densities": "right base, left",
    "haze of the left lung, most at the base": "left base",
    "left fluid with adjacent lower lobe collapse": "left lower",
    # A zone alone.
    "apical cap": "- apical",
    "upper lobes are hyperlucent": "- upper",
    # The pleura names a place with a side alone, and where no other zone is said.
    "right pleural fluid": "right pleural",
    "pleural fluid": "",
    "left apical pleural thickening": "left apical",
    # The heart and both lungs.
    "mild cardiomegaly": "- heart",
    "the heart is slightly enlarged": "- heart",
    "big cardiac silhouette with left fluid": "left, - heart",
    "pulmonary congestion": "- lungs",
    "haze in the lungs": "- lungs",
    "pulmonary artery is wide": "",
    "heart failure": "",
    "density obscuring the right heart border": "right",
    # What is denied.
    "no left fluid": "",
    "left fluid, no right fluid": "left",
    "the right lung is clear; density in the left mid zone": "left middle",
    "heart size is normal, density at the right base": "right base",
    "right density without fluid on the left": "right",
    "left density, sparing the apex": "left",
    "no change in the left lower lobe density": "left lower",
    "density, no longer seen on the left": "",
    "left density is not excluded": "left",
    "right base rather than left base is dense": "right base",
    # Words that are no place.
    "free air in the right upper quadrant": "",
    "left ventricular enlargement": "",
    "RT planning": "",
    "L-spine curve": "",
    "a brightness based on midas": "",
    "there is edema": "",
    "": "",
}


@pytest.mark.parametrize("phrase", SPOTS)
def test_places_that_phrases_name(phrase):
    found = ", ".join(f"{spot.side or '-'} {spot.zone}".strip() for spot in spots_of(phrase))
    assert found == SPOTS[phrase]


def test_side_and_third_of_phrases():
    assert named_place("left and right lower lobes") == ("both", "lower")
    assert named_place("left mid and lower zone") == ("left", "mid lower")
    assert named_place("left lingular and apical haze") == ("left", "upper mid")
    assert named_place("cardiomegaly, pulmonary edema") == ("", "")


@pytest.mark.parametrize(
    ("phrase", "regions"),
    [
        ("left base fluid", ["left lower"]),
        ("right pleural fluid", ["right lower"]),
        ("lingular haze", ["left middle"]),
        ("apical cap", ["right apical", "left apical"]),
        ("pulmonary edema", ["right", "left"]),
        ("cardiomegaly and left fluid", ["left", "heart"]),
        ("blunted costophrenic angles", ["right costophrenic", "left costophrenic"]),
        ("fluid", []),
    ],
)
def test_regions_of_phrases(phrase, regions):
    assert list(regions_of(phrase)) == regions


@pytest.mark.parametrize(
    ("phrase", "locations"),
    [
        ("left base fluid", ["left base"]),
        ("bibasilar fluid", ["bilateral base"]),
        ("haze of both lungs", ["bilateral"]),
        ("left and right pleural fluid", ["bilateral pleural"]),
        ("right apical and left basal haze", ["right apical", "left base"]),
        ("lingular haze", ["lingular"]),
        ("pulmonary edema", ["pulmonary"]),
        ("cardiomegaly", ["cardiomegaly"]),
        ("apical cap", []),  # its side is not said
        ("fluid", []),
    ],
)
def test_locations_of_phrases(phrase, locations):
    assert list(locations_of(phrase)) == locations


def test_regions_and_locations_are_the_papers():
    assert len(REGIONS) == 13
    zones = ["", " apical", " upper", " middle", " lower", " costophrenic", " pleural", " base"]
    sided = {f"{side}{zone}" for side in ("left", "right", "bilateral") for zone in zones}
    assert set(LOCATIONS) == sided | {"lingular", "cardiomegaly", "pulmonary"}
    assert {region for regions in LOCATIONS.values() for region in regions} == set(REGIONS)
    # Each location, read as a phrase, names itself and its own regions.
    for location, regions in LOCATIONS.items():
        assert set(regions_of(location)) == set(regions), location
        assert locations_of(location) == (location,)


def test_words_of_places():
    assert all(is_place_word(word) for word in ["Left", "bibasilar", "base,", "heart", "cardiomegaly", "pulmonary"])
    assert not any(is_place_word(word) for word in ["effusion", "small", "in", "lung", ""])
