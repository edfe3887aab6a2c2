"""One picture for looking, and what is said of the image beside it."""

import numpy as np
import pytest
from PIL import Image


@pytest.mark.parametrize(("orientation", "told"), [(1, False), (6, True)])
def test_an_image_that_others_show_turned_is_said(groundcxr, tmp_path, orientation, told):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.eye(40, 30, dtype=np.uint8) * 255).save(tmp_path / "x.jpg", exif=exif)
    ran = groundcxr("ground", "--method", "center-prior", "--image", "x.jpg", "--phrase", "spot", "--out", "p.png")
    assert ran.code == 0
    assert ("EXIF orientation" in ran.err) == told


def test_an_answer_that_marks_nothing_is_said(groundcxr, method_file, tmp_path):
    Image.fromarray(np.eye(40, 30, dtype=np.uint8) * 255).save(tmp_path / "x.png")
    method = method_file("if 'no' in phrase:\n    return Grounding(Heatmap.whole(np.zeros((3, 3)), image.size))")
    phrases = ["--phrase", "spot", "--phrase", "nothing"]
    ran = groundcxr("ground", "--method", method, "--image", "x.png", *phrases, "--out", "p.png")
    assert ran.code == 0
    assert ran.err.count("nothing is marked") == 1
    assert "warning: 'nothing': nothing is marked" in ran.err
