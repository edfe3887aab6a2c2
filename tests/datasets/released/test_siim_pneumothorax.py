"""SIIM-ACR: codes that are relative and column by column, several rows of an image, negatives."""

import numpy as np
import pytest
from pycocotools import mask as coco

from groundcxr import load_dataset
from groundcxr.core import DatasetError
from groundcxr.datasets.siim_pneumothorax import ABSOLUTE

SIDE = 1024


@pytest.fixture
def root(made, tmp_path):
    return made("siim-pneumothorax", tmp_path / "siim")


def kaggles(code: str) -> np.ndarray:
    """As `rle2mask` of the challenge's mask_functions.py, and the transposition that its users add."""
    mask = np.zeros(SIDE * SIDE)
    array = np.asarray([int(x) for x in code.split()])
    starts, lengths = array[0::2], array[1::2]
    position = 0
    for index, start in enumerate(starts):
        position += start
        mask[position : position + lengths[index]] = 255
        position += lengths[index]
    return mask.reshape(SIDE, SIDE).T > 0


def cocos(code: str) -> np.ndarray:
    runs = [int(part) for part in code.split()]
    plain = {"size": [SIDE, SIDE], "counts": [*runs, SIDE * SIDE - sum(runs)]}
    return coco.decode(coco.frPyObjects(plain, SIDE, SIDE)).astype(bool)


def test_masks(root, made, told):
    dataset = load_dataset("siim-pneumothorax", root)
    assert [sample.image_id for sample in dataset] == made.siim_uids[1:]
    assert not any(sample.boxes for sample in dataset)
    one, several = (sample.mask.load() for sample in dataset)
    code = "2050 3 1021 4 1020 1"
    assert (one == kaggles(code)).all()
    assert (one == cocos(code)).all()
    # 2050 = column 2, row 2; the next run begins 1021 behind row 5 of it: column 3, row 2
    assert set(zip(*np.nonzero(one.T), strict=True)) == {
        *((2, row) for row in (2, 3, 4)),
        *((3, row) for row in (2, 3, 4, 5)),
        (4, 2),
    }
    assert (several == (kaggles("10 5 1019 6") | kaggles("524288 1024"))).all()
    assert told(dataset) == []
    assert "4 rows (published: 12,954), 3 images (published: 12,047)" in dataset.warnings[0]


@pytest.mark.parametrize("size", [(512, 512), (256, 512), (512, 256)])
def test_copies_of_another_size(made, tmp_path, size):
    dataset = load_dataset("siim-pneumothorax", made("siim-pneumothorax", tmp_path / "siim", size=size))
    mask = dataset[1].mask.load()
    assert mask.shape == size[::-1]
    # Column 512 is whole, and nothing else of that size.
    columns = np.flatnonzero(mask.all(axis=0))
    assert columns.tolist() == [size[0] // 2]


def test_images_of_the_code_minus_one_are_negatives(root, made):
    (absent,) = load_dataset("siim-pneumothorax", root).absent
    assert (absent.image_id, absent.classes) == (made.siim_uids[0], ("Pneumothorax",))


def test_codes_of_absolute_starts_are_noticed(root, made):
    relative = load_dataset("siim-pneumothorax", root)
    file = root / "train-rle.csv"
    _, one, several = made.siim_uids
    # The same runs, each start counted from the image's first pixel, which is 1.
    far = f"{several},524289 1024 1048570 2\n"  # 524,288 + 1,048,569 are more than the image has
    file.write_text(
        f"ImageId,EncodedPixels\n{made.siim_uids[0]},-1\n{one},2051 3 3075 4 4099 1\n{several},11 5 1035 6\n" + far
    )
    dataset = load_dataset("siim-pneumothorax", root)
    assert ABSOLUTE in dataset.warnings
    assert (dataset[0].mask.load() == relative[0].mask.load()).all()
    expected = relative[1].mask.load().copy()
    expected[1017:1019, -1] = True  # 1,048,570 is row 1,017 of the last column, counted from 0
    assert (dataset[1].mask.load() == expected).all()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("", "EncodedPixels must be -1 or pairs"),
        ("1 2 3", "EncodedPixels must be -1 or pairs"),
        ("a b", "EncodedPixels must be -1 or pairs"),
        ("5 0", "EncodedPixels must be -1 or pairs"),
        ("5 -1", "EncodedPixels must be -1 or pairs"),
        ("9" * 30 + " 1", "EncodedPixels must be -1 or pairs"),
        ("1048575 5", "covers more than the 1024x1024 pixels"),
        ("900000 10 800000 5", "covers more than the 1024x1024 pixels"),
    ],
)
def test_codes_that_are_none(root, made, code, said):
    file = root / "train-rle.csv"
    file.write_text(f"ImageId, EncodedPixels\n{made.siim_uids[1]},{code}\n")
    with pytest.raises(DatasetError, match=f"row 2: .*{said}"):
        load_dataset("siim-pneumothorax", root)


def test_a_mask_counts_before_the_code_minus_one(root, made, told):
    file = root / "train-rle.csv"
    file.write_text(file.read_text() + f"{made.siim_uids[1]}, -1\n")
    dataset = load_dataset("siim-pneumothorax", root)
    assert told(dataset) == [
        f"images have a mask and the code -1: the mask counts: 1, for example row 6: {made.siim_uids[1]}"
    ]
    assert len(dataset.absent) == 1


@pytest.mark.parametrize("name", ["{uid}.png", "deep/{uid}", "{uid}.dicom"])
def test_images_are_found_whatever_folder_and_suffix(root, made, name):
    for file in root.rglob("*.dcm"):
        target = root / "moved" / name.format(uid=file.stem)
        made.picture(target, (SIDE, SIDE))
        file.unlink()
    assert len(load_dataset("siim-pneumothorax", root)) == 2
