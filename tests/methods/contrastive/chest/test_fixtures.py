"""Maps of the authors' own code on made-up weights, from a checkpoint in their layout through the method's class."""

import numpy as np
import pytest

from groundcxr.core import Query

NAMES = ("gloria", "carzero", "afloc", "kad", "maco")
CELLS = {"gloria": 224 / 19, "afloc": 224 / 19, "carzero": 16.0}
SIDES = {"gloria": 256, "carzero": 256, "afloc": 224}


def expected_map(case, name, image, phrase):
    if name == "carzero":
        return case.expected["map"][image, phrase]
    if name == "kad":
        return case.expected["map_alone"][image, phrase]
    return case.expected[f"map_{image}_{phrase}"]


def in_the_input(grid, name, image_size):
    """The map that the authors' code shows over the 224 pixels of the input, without the padding."""
    width, height = image_size
    scale, side = SIDES[name] / max(image_size), SIDES[name]
    index = np.minimum(np.arange(224) // CELLS[name], len(grid) - 1).astype(int)
    columns, rows = ((np.arange(224) + (side - 224) // 2 - (side - int(one * scale)) // 2) for one in (width, height))
    inside = [(one >= 0) & (one < int(size * scale)) for one, size in ((rows, height), (columns, width))]
    return grid[np.ix_(index, index)][np.ix_(*inside)]


@pytest.mark.parametrize("name", NAMES)
def test_maps_of_the_authors_code(name, case, loaded):
    found = case(name)
    queries = [Query(image, phrase, "") for image in found.images() for phrase in found.facts["phrases"]]
    answers = loaded(name).ground_batch(queries)
    for number, (query, answer) in enumerate(zip(queries, answers, strict=True)):
        grid = expected_map(found, name, number // 2, number % 2)
        wanted = in_the_input(grid, name, query.image.size) if name in SIDES else grid
        assert answer.heatmap.values.shape == wanted.shape
        np.testing.assert_allclose(answer.heatmap.values, wanted, rtol=0, atol=1e-5 * np.abs(grid).max())
        assert not answer.truncated
