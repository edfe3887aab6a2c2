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
