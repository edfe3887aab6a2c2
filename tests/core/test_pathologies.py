"""The common vocabulary of findings and their definitions."""

import pytest

from groundcxr.core.definitions import DEFINITIONS, definition_of
from groundcxr.core.pathologies import NAMELESS, SPELLINGS, common_name, implied

# As released, from the files' own headers and labels.
CLASSES = {
    "vindr-cxr": (
        "Aortic enlargement,Atelectasis,Calcification,Cardiomegaly,Clavicle fracture,Consolidation,Edema,Emphysema,"
        "Enlarged PA,ILD,Infiltration,Lung Opacity,Lung cavity,Lung cyst,Mediastinal shift,Nodule/Mass,"
        "Pleural effusion,Pleural thickening,Pneumothorax,Pulmonary fibrosis,Rib fracture,Other lesion,COPD,Lung tumor,"
        "Pneumonia,Tuberculosis,Other diseases,Other disease"
    ),
    "nih-boxes": (
        "Atelectasis,Cardiomegaly,Consolidation,Edema,Effusion,Emphysema,Fibrosis,Hernia,Infiltration,Infiltrate,Mass,"
        "Nodule,Pleural_Thickening,Pneumonia,Pneumothorax"
    ),
    "chestx-det": (
        "Atelectasis,Calcification,Cardiomegaly,Consolidation,Diffuse Nodule,Effusion,Emphysema,Fibrosis,Fracture,Mass,"
        "Nodule,Pleural Thickening,Pneumothorax"
    ),
    "chexlocalize": (
        "Enlarged Cardiomediastinum,Cardiomegaly,Lung Lesion,Airspace Opacity,Edema,Consolidation,Atelectasis,"
        "Pneumothorax,Pleural Effusion,Support Devices,Lung Opacity,Pneumonia,Pleural Other,Fracture"
    ),
    "ms-cxr": (
        "Atelectasis,Cardiomegaly,Consolidation,Edema,Lung Opacity,Pleural Effusion,Pneumonia,Pneumothorax"
    ),
}  # fmt: skip


def test_no_spelling_stands_for_two_findings():
    spelled = [one.casefold() for name, others in SPELLINGS.items() for one in (name, *others)]
    assert len(spelled) == len(set(spelled))


@pytest.mark.parametrize(
    ("spelled", "name"),
    [
        ("Pleural effusion", "Pleural Effusion"),
        ("Effusion", "Pleural Effusion"),
        ("Pleural_Thickening", "Pleural Thickening"),
        ("Airspace Opacity", "Lung Opacity"),
        ("Infiltrate", "Infiltration"),
        ("ILD", "Interstitial Lung Disease"),
        ("Fibrosis", "Pulmonary Fibrosis"),
        (" pleural  EFFUSION ", "Pleural Effusion"),
        ("Nodule/Mass", "Nodule or Mass"),
        ("Mass", "Mass"),
        ("multiple nodules", "Multiple Nodules"),  # of PadChest, and two may be meant
        ("Diffuse Nodule", "Diffuse Nodules"),  # of ChestX-Det
        ("My Own Class", "My Own Class"),
    ],
)
def test_spellings_of_one_finding_have_one_name(spelled, name):
    assert common_name(spelled) == name
    assert common_name(common_name(spelled)) == name


@pytest.mark.parametrize("name", CLASSES)
def test_every_class_of_the_field_has_a_common_name_and_a_definition(name):
    for spelled in CLASSES[name].split(","):
        assert common_name(spelled) in SPELLINGS, spelled
        assert definition_of(spelled), spelled


def test_definitions_are_of_findings_and_fit_into_a_sentence():
    assert set(DEFINITIONS) == set(SPELLINGS) - {"No Finding"}
    assert definition_of("No finding") is None
    assert definition_of("My Own Class") is None
    assert len(set(DEFINITIONS.values())) == len(DEFINITIONS)
    for text in DEFINITIONS.values():
        assert text.isprintable()
        assert text == text.strip(" .")
        assert "{" not in text


def test_a_finding_is_what_it_is_a_kind_of():
    assert implied(["pneumonia"]) == {"Pneumonia", "Consolidation", "Infiltration", "Lung Opacity"}
    assert implied(["Cardiomegaly"]) == {"Cardiomegaly", "Enlarged Cardiomediastinum"}
    assert "Nodule" in implied(["Diffuse Nodule"])
    assert implied(["Lung Opacity", "Foo"]) == {"Lung Opacity", "Foo"}
    assert implied([]) == set()
    assert set(SPELLINGS) >= NAMELESS | implied(SPELLINGS)


# What a phrase about the wider finding is right about, of classes that one data set has (VinDr-CXR's).
@pytest.mark.parametrize(
    ("finding", "wider"),
    [
        ("ILD", "Lung Opacity"),
        ("Pulmonary fibrosis", "Lung Opacity"),
        ("Lung cavity", "Lung Opacity"),
        ("Tuberculosis", "Lung Opacity"),
        ("Lung tumor", "Nodule/Mass"),
        ("Lung tumor", "Lung Opacity"),
        ("Emphysema", "COPD"),
    ],
)
def test_no_negative_is_about_what_a_finding_of_the_image_is_a_kind_of(finding, wider):
    assert common_name(wider) in implied([finding])
    assert common_name(finding) not in implied([wider])
