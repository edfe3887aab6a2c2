"""What findings are and how they look on a frontal chest X-ray, in plain words, for models that know words of the eye.

A phrase made of a definition holds it, so another wording here is other phrases, with another fingerprint of the data.
"""

from __future__ import annotations

from .pathologies import common_name

DEFINITIONS: dict[str, str] = {
    "Aortic Elongation": "a long and winding aorta whose outline reaches further up or to the side than it should",
    "Aortic Enlargement": "a widened aorta that bulges beside the spine or at the aortic knob",
    "Atelectasis": "lung without air that has shrunk, seen as a dense band or wedge that pulls at what is beside it",
    "Calcification": "a deposit of calcium, seen as a small, very bright and sharp spot or line",
    "Cardiomegaly": "an enlarged heart, whose shadow is wider than half of the chest",
    "Clavicle Fracture": "a broken collarbone, seen as a gap or step in its outline",
    "Consolidation": "lung whose air is replaced by fluid or cells, seen as a dense white area with hidden vessels",
    "COPD": "narrowed airways for years, seen as large dark lungs with a flat diaphragm",
    "Diffuse Nodules": "many small round spots spread over the lungs",
    "Edema": "fluid in the lungs, seen as haze around the hila and blurred vessels, mostly on both sides",
    "Emphysema": "destroyed air sacs, seen as overly dark lung with few vessels",
    "Enlarged Cardiomediastinum": "a widened shadow of the heart and the structures between the lungs",
    "Enlarged Pulmonary Artery": "a widened pulmonary artery that bulges at the hilum",
    "Fracture": "a broken bone, seen as a gap or step in its outline",
    "Hernia": "an organ of the abdomen that bulges into the chest",
    "Hiatal Hernia": "a part of the stomach above the diaphragm, seen as a round shadow behind the heart",
    "Infiltration": "lung filled with fluid or cells in part, seen as a faint, patchy white area",
    "Interstitial Lung Disease": "thickened tissue between the air sacs, seen as a fine net of lines and dots",
    "Interstitial Pattern": "a fine net of lines or dots in the lung",
    "Lung Cavity": "a hollow in the lung, seen as a dark centre within a thick white wall",
    "Lung Cyst": "a round space in the lung filled with air, with a thin wall",
    "Lung Lesion": "an abnormal spot in the lung, such as a nodule or a mass",
    "Lung Opacity": "an area of the lung that is whiter than it should be",
    "Lung Tumor": "a growth in the lung, seen as a white mass with a lobed or spiky edge",
    "Mass": "a round or lobed white spot in the lung wider than three centimetres",
    "Mediastinal Shift": "the heart and windpipe pushed or pulled to one side",
    "Multiple Nodules": "more than one small round white spot in the lungs",
    "Nodule": "a small round white spot in the lung, at most three centimetres wide",
    "Nodule or Mass": "a round white spot in the lung, small or large",
    "Other Disease": "a disease that none of the other names says",
    "Other Lesion": "an abnormal area that none of the other names says",
    "Pleural Effusion": "fluid around the lung, seen as a white area at its base that hides the angle of the diaphragm",
    "Pleural Other": "an abnormal lining of the lung other than fluid around it",
    "Pleural Thickening": "a thickened lining of the lung, seen as a white band along the chest wall or at the apex",
    "Pneumonia": "an infection of the lung, seen as a white, often patchy area",
    "Pneumothorax": "air around the lung, seen as a dark rim without vessels beside a thin white line",
    "Pulmonary Fibrosis": "scarred lung, seen as coarse white lines and shrunken lung",
    "Rib Fracture": "a broken rib, seen as a gap or step in its outline",
    "Scoliosis": "a spine that is bent to the side",
    "Support Devices": "tubes, lines, wires, pacemakers and other devices in or on the body",
    "Tuberculosis": "an infection with tubercle bacilli, seen as spots, scars or hollows, mostly in the upper lungs",
}
"""By common name; "No Finding" has none, since there is nothing to mark."""


def definition_of(pathology: str) -> str | None:
    """The definition of a class in a data set's spelling; None where there is none."""
    return DEFINITIONS.get(common_name(pathology))
