"""How a phrase can be worded otherwise and mean the same: abbreviations written out, and synonyms.

Only what reports of chest X-rays use in one sense stands here: "PE" (effusion or embolism), "PA" (a view or an artery)
and "RA" are not. Another wording here is other phrases, so `VERSION` is raised with every change.
"""

from __future__ import annotations

VERSION = "1"

ABBREVIATIONS: dict[str, str] = {
    "RUL": "right upper lobe",
    "RML": "right middle lobe",
    "RLL": "right lower lobe",
    "LML": "left middle lobe",
    "LUL": "left upper lobe",
    "LLL": "left lower lobe",
    "b/l": "bilateral",
    "bilat": "bilateral",
    "rt": "right",
    "lt": "left",
    "w/": "with",
    "w/o": "without",
    "c/w": "consistent with",
    "s/p": "status post",
    "ARDS": "acute respiratory distress syndrome",
    "ASD": "airspace disease",
    "CHF": "congestive heart failure",
    "COPD": "chronic obstructive pulmonary disease",
    "CVC": "central venous catheter",
    "ETT": "endotracheal tube",
    "GGO": "ground-glass opacity",
    "GGOs": "ground-glass opacities",
    "IJ": "internal jugular",
    "ILD": "interstitial lung disease",
    "NGT": "nasogastric tube",
    "PICC": "peripherally inserted central catheter",
    "PNA": "pneumonia",
    "PTX": "pneumothorax",
    "SVC": "superior vena cava",
    "TB": "tuberculosis",
}
"""What is written out; upper and lower case do not matter, and a full stop behind one is taken for a part of it where
the sentence goes on."""

NOT_SIDES = ("RT", "LT")
"""In upper case they are no sides: "RT" is radiotherapy, or a respiratory therapist."""

SYNONYMS: dict[str, str] = {
    "atelectasis": "partial lung collapse",
    "atelectases": "areas of partial lung collapse",
    "atelectatic": "partially collapsed",
    "bibasilar": "in both lower lungs",
    "cardiomegaly": "enlarged heart",
    "enlarged heart": "cardiomegaly",
    "enlarged cardiac silhouette": "cardiomegaly",
    "airspace consolidation": "airspace disease",
    "airspace consolidations": "areas of airspace disease",
    "consolidation": "airspace disease",
    "consolidations": "areas of airspace disease",
    "edema": "oedema",
    "oedema": "edema",
    "ground glass": "ground-glass",
    "infiltrate": "infiltration",
    "infiltrates": "infiltrations",
    "lower lobe": "inferior lobe",
    "upper lobe": "superior lobe",
    "lower lobes": "inferior lobes",
    "upper lobes": "superior lobes",
    "opacity": "density",
    "opacities": "densities",
    "opacification": "increased density",
    "pleural effusion": "pleural fluid",
    "pleural effusions": "pleural fluid collections",
    "effusion": "pleural fluid",
    "effusions": "pleural fluid collections",
    "pleural fluid": "pleural effusion",
    "pneumothorax": "air in the pleural space",
    "pneumothoraces": "air in both pleural spaces",
    "hydropneumothorax": "air and fluid in the pleural space",
    "large": "sizeable",
    "mild": "slight",
    "minimal": "slight",
    "moderate": "medium-sized",
    "severe": "pronounced",
    "small": "minor",
    "tiny": "very small",
}
"""What stands for what. Each place of a phrase is replaced once, the longest term first; what a term becomes is not
looked up again."""
