"""Maps of the authors' own code on made-up weights, from a checkpoint in their layout through the method's class."""

import numpy as np
import pytest

NAMES = ("gloria", "carzero", "afloc", "kad", "maco")
FRAMES = {"gloria": 256, "carzero": 256, "afloc": 224}


def expected_map(case, name, image, phrase):
    if name == "carzero":
        return case.expected["map"][image, phrase]
    if name == "kad":
        return case.expected["map_alone"][image, phrase]
    return case.expected[f"map_{image}_{phrase}"]


def over_the_input(grid, frame, image_size):
    """A grid over the 224 pixels of the input, without the padding."""
    index = np.arange(224) * len(grid) // 224
    longer = max(image_size)
    width, height = (frame if one == longer else int(one * (frame / longer)) for one in image_size)
    columns, rows = (np.arange(224) + (frame - 224) // 2 - (frame - one) // 2 for one in (width, height))
    kept = np.ix_((rows >= 0) & (rows < height), (columns >= 0) & (columns < width))
    return grid[np.ix_(index, index)][kept]


def stretched(values, shape):
    """A grid that is coarser where nothing was cut."""
    return values.repeat(shape[0] // len(values), axis=0).repeat(shape[1] // len(values[0]), axis=1)


@pytest.mark.parametrize("name", NAMES)
def test_maps_of_the_authors_code(name, case, together):
    found, (answers, _) = case(name), together(name)
    for number, answer in enumerate(answers):
        grid = expected_map(found, name, number // 2, number % 2)
        size = answer.heatmap.image_size
        wanted = over_the_input(grid, FRAMES[name], size) if name in FRAMES else grid
        shown = stretched(answer.heatmap.values, wanted.shape)
        np.testing.assert_allclose(shown, wanted, rtol=0, atol=1e-5 * np.abs(grid).max())
        assert not answer.truncated


def test_the_frame_is_that_of_the_authors(case, together):
    """AFLoc's script shows its map nearest, in the padded square; every fourth pixel of it is stored."""
    answer = together("afloc")[0][2]
    shown = case("afloc").expected["frame224_1_0_every4"]
    top = (224 - len(answer.heatmap.values)) // 2
    assert top == 33
    inside = shown[-(-top // 4) :][: len(answer.heatmap.values) // 4]
    np.testing.assert_allclose(answer.heatmap.values[-top % 4 :: 4, ::4][: len(inside)], inside, atol=1e-4, rtol=0)
    assert answer.heatmap.extent.as_tuple() == (0, 0, *answer.heatmap.image_size)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_is_encoded_once_and_depends_on_no_neighbour(name, case, loaded, together):
    answers, encoded = together(name)
    assert encoded == [1, 1]
    # The landscape image and the second phrase, each without the other beside it.
    query = case(name).queries()[3]
    (alone,) = loaded(name).ground(query.image, [query.phrase])
    np.testing.assert_array_equal(alone.heatmap.values, answers[3].heatmap.values)


def test_phrases_asked_together_would_change_one_anothers_map(case):
    """KAD's own script asks all at once: why each is asked alone here."""
    maps = case("kad").expected
    assert np.abs(maps["map_together"] - maps["map_alone"]).max() > 0.01 * maps["map_alone"].max()
