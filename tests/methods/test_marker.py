"""The marker test: right frames pass, wrong ones are refused, with what they seem to be."""

import numpy as np
import pytest
from PIL import Image

from groundcxr.core import Box, MethodError
from groundcxr.core.input_frame import InputFrame, fit_frame
from groundcxr.evaluation.check_method import run_checks
from groundcxr.methods.loading import build_method
from groundcxr.methods.marker import MARKER_SIZES, NetworkInput, find_marker, frame_problem, marker_image, require_frame

SIDE = 224


def squashed(image):
    return image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)


def padded(image, at_both_ends=True, grey=0):
    scale = SIDE / max(image.size)
    small = image.resize([round(side * scale) for side in image.size], Image.Resampling.LANCZOS)
    frame = Image.new("L", (SIDE, SIDE), grey)
    frame.paste(small, [(SIDE - side) // 2 if at_both_ends else 0 for side in small.size])
    return frame


def cropped(image):
    scale = SIDE / min(image.size)
    large = image.resize([round(side * scale) for side in image.size], Image.Resampling.BILINEAR)
    left, top = ((side - SIDE) // 2 for side in large.size)
    return large.crop((left, top, left + SIDE, top + SIDE))


def read_whole(box, size):
    return box.scaled(size[0] / SIDE, size[1] / SIDE)


def read_padded(box, size):
    long = max(size)
    dx, dy = ((long - side) / 2 for side in size)
    step = long / SIDE
    return Box(box.x0 * step - dx, box.y0 * step - dy, box.x1 * step - dx, box.y1 * step - dy)


def read_padded_at_the_end(box, size):
    return box.scaled(max(size) / SIDE, max(size) / SIDE)


def read_cropped(box, size):
    short = min(size)
    dx, dy = ((side - short) / 2 for side in size)
    step = short / SIDE
    return Box(box.x0 * step + dx, box.y0 * step + dy, box.x1 * step + dx, box.y1 * step + dy)


class Shown:
    """A method with a preprocessing of Pillow's and a reading of its own."""

    def __init__(self, seen, read):
        self.seen, self.read = seen, read

    def network_input(self, image):
        pixels = np.asarray(self.seen(image.as_pil()), np.float32) / 127.5 - 1
        return NetworkInput(np.stack([pixels] * 3), lambda box: self.read(box, image.size))


RIGHT = {
    "whole": (squashed, read_whole),
    "padded": (padded, read_padded),
    "padded with grey": (lambda image: padded(image, grey=122), read_padded),
    "padded at the end": (lambda image: padded(image, at_both_ends=False), read_padded_at_the_end),
    "cropped": (cropped, read_cropped),
    "as it is": (lambda image: image, lambda box, size: box),
}


@pytest.mark.parametrize(("seen", "read"), RIGHT.values(), ids=RIGHT)
def test_a_right_frame_passes(seen, read):
    assert frame_problem(Shown(seen, read)) is None


def transposed(box, size):
    return read_whole(Box(box.y0, box.x0, box.y1, box.x1), size)


def with_width_as_a_corner(box, size):
    whole = read_whole(box, size)
    return Box(whole.x0, whole.y0, whole.width, whole.height)


WRONG = {
    "crop read as whole": (cropped, read_whole, "to get the image's centre crop, and", "that were the whole image"),
    "pad read as whole": (padded, read_whole, "to get the image padded at both ends, and", "that were the whole image"),
    "whole read as pad": (squashed, read_padded, "to get the whole image", "were the image padded at both ends"),
    "OWLv2 by width and height": (*RIGHT["padded at the end"][:1], read_whole, "padded on the right or", "the whole"),
    "x and y swapped": (squashed, transposed, "the whole image, resized, and", "resized, with x and y swapped"),
    "swapped picture": (
        lambda image: squashed(image.transpose(Image.Transpose.TRANSPOSE)),
        read_whole,
        "the whole image, resized, with x and y swapped, and",
        "the whole image, resized$",
    ),
    "xywh": (squashed, with_width_as_a_corner, "the whole image", "with its width and height as a corner"),
    "pixels of the model": (squashed, lambda box, size: box, "the whole image", "the image in its own pixels"),
    "thousandths": (
        squashed,
        lambda box, size: read_whole(box, size).scaled(0.224, 0.224),
        "the whole image",
        r"another unit \(x is 0\.224 times what it should be",
    ),
}


@pytest.mark.parametrize(("seen", "read", "truth", "taken"), WRONG.values(), ids=WRONG)
def test_a_wrong_frame_is_refused_and_named(seen, read, truth, taken):
    with pytest.raises(MethodError, match=f"method tried reads .* off by [0-9.]+ of the network.*{truth}.*{taken}"):
        require_frame(Shown(seen, read), "tried")


def test_an_error_of_two_pixels_is_refused_and_one_of_less_than_one_is_not():
    for shift, fine in ((0.8, True), (2, False)):
        problem = frame_problem(
            Shown(squashed, lambda box, size, by=shift: read_whole(Box(box.x0, box.y0, box.x1 + by, box.y1), size))
        )
        assert (problem is None) is fine


def test_an_input_without_the_marker_is_refused():
    shown = Shown(lambda image: image.crop((0, 0, 60, 60)), read_whole)
    assert "not to be found as one rectangle in the 60x60 pixels" in str(frame_problem(shown))


@pytest.mark.parametrize("size", MARKER_SIZES)
def test_the_marker_is_found_to_a_fraction_of_a_pixel(size):
    image, marker = marker_image(size)
    assert find_marker(image.pixels).as_tuple() == pytest.approx(marker.as_tuple())
    found = find_marker(np.asarray(squashed(image.as_pil()), np.float32) / 255)
    wanted = marker.scaled(SIDE / size[0], SIDE / size[1])
    assert found.as_tuple() == pytest.approx(wanted.as_tuple(), abs=0.2)


@pytest.mark.parametrize("mode", ["squash", "letterbox", "crop"])
def test_placements_map_boxes_there_and_back(mode):
    frame = fit_frame((640, 480), (SIDE, SIDE), mode)
    box = Box(100.5, 30, 300, 240.25)
    assert frame.box(frame.to_input(box)).as_tuple() == pytest.approx(box.as_tuple())
    assert InputFrame((640, 480), (224, 224), (320, 240), (-48, -8)).to_input(box).as_tuple() == pytest.approx(
        (2.25, 7, 102, 112.125)
    )


METHOD = """
import numpy as np
from groundcxr import Box, Grounding, GroundingMethod
from groundcxr.methods.marker import NetworkInput


class Tried(GroundingMethod):
    emits = {"box"}

    def network_input(self, image):
        return NetworkInput(image.as_uint8(), lambda box: box.scaled(FACTOR, 1))

    def ground(self, image, phrases):
        return [Grounding(boxes=[Box(0, 0, 9, 9)]) for _ in phrases]
"""


@pytest.mark.parametrize(("factor", "problem"), [(1, None), (2, "another unit (x is 2 times")])
def test_check_method_runs_it_for_those_that_take_part(tmp_path, factor, problem):
    path = tmp_path / "tried.py"
    path.write_text(METHOD.replace("FACTOR", str(factor)))
    (found,) = [one for one in run_checks(build_method(str(path)), "cpu") if "marker" in one.name]
    assert found.problem is None if problem is None else problem in found.problem
