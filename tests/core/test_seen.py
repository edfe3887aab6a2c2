"""Whether a method has seen a data set, by what it says it was trained on."""

import pytest

from groundcxr.core.seen import collection_of, seen


@pytest.mark.parametrize(
    ("trained_on", "datasets"),
    [
        ("MIMIC-CXR train", {"ms-cxr", "chest-imagenome"}),
        ("mimic_cxr_jpg", {"ms-cxr", "chest-imagenome"}),
        ("ms-cxr", {"ms-cxr", "chest-imagenome"}),
        ("MIMIC-III", set()),
        ("notes of MIMIC-IV", set()),
        ("VinBigData (Kaggle)", {"vindr-cxr"}),
        ("PadChest", {"padchest-gr"}),
        ("NIH ChestX-ray14", {"nih-boxes", "rsna-pneumonia", "siim-pneumothorax", "chestx-det"}),
        ("ChestXray-8", {"nih-boxes", "rsna-pneumonia", "siim-pneumothorax", "chestx-det"}),
        ("RSNA Pneumonia Detection Challenge", {"nih-boxes", "rsna-pneumonia", "siim-pneumothorax", "chestx-det"}),
        ("CheXpert-small", {"chexlocalize"}),
        ("images without a finding (No Finding of CheXpert)", {"chexlocalize"}),
        ("five sets (CheXpert, PadChest)", {"chexlocalize", "padchest-gr"}),
        ("PMC-15M (no MIMIC-CXR, no PadChest)", set()),
        ("PadChest without MIMIC-CXR", {"padchest-gr"}),
        ("WebImageText (OpenAI)", set()),
        ("phantom (12,000 images drawn as the train split; no box)", {"phantom"}),
        ("my-hospital", {"my-hospital"}),
        ("smyth-hospitals", set()),
    ],
)
def test_a_set_is_seen_where_its_images_are(trained_on, datasets):
    known = (
        "ms-cxr chest-imagenome vindr-cxr padchest-gr nih-boxes rsna-pneumonia siim-pneumothorax chestx-det"
        " chexlocalize phantom my-hospital"
    )
    assert {name for name in known.split() if seen(["PubMed abstracts", trained_on], name) == trained_on} == datasets


def test_a_method_that_says_nothing_has_seen_nothing_known():
    assert seen((), "ms-cxr") is None


def test_every_released_set_of_one_collection_is_said_to_be():
    assert collection_of("siim-pneumothorax") == collection_of("nih-boxes") == "NIH ChestX-ray14"
    assert collection_of("mine") == "mine"
