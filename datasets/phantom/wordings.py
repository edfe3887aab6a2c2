"""The words of the phrases. Wordings held out of training are made of words that training shows."""

from __future__ import annotations

Terms = tuple[str, ...]

NOUNS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "Atelectasis": (("atelectasis", None), ("linear atelectasis", None), ("subsegmental atelectasis", None)),
    "Consolidation": (
        ("consolidation", "consolidations"),
        ("airspace consolidation", "airspace consolidations"),
        ("dense consolidation", "dense consolidations"),
    ),
    "Edema": (("edema", None), ("pulmonary edema", None), ("interstitial edema", None)),
    "Lung Opacity": (
        ("opacity", "opacities"),
        ("lung opacity", "lung opacities"),
        ("hazy opacity", "hazy opacities"),
        ("ground glass opacity", "ground glass opacities"),
    ),
    "Pleural Effusion": (
        ("pleural effusion", "pleural effusions"),
        ("effusion", "effusions"),
        ("pleural fluid", None),
    ),
    "Pneumonia": (("pneumonia", None), ("patchy pneumonia", None), ("infectious pneumonia", None)),
    "Pneumothorax": (("pneumothorax", "pneumothoraces"),),
}
"""Singular and plural; None where the noun is not counted."""

_GRADES: tuple[Terms, Terms, Terms] = (("mild",), ("moderate",), ("severe",))
_SIZES: tuple[Terms, Terms, Terms] = (("small",), ("moderate", "medium sized"), ("large",))

SEVERITY: dict[str, tuple[Terms, Terms, Terms]] = {
    "Atelectasis": (("mild", "minimal"), ("moderate",), ("severe", "marked")),
    "Cardiomegaly": _GRADES,
    "Consolidation": (("small",), ("moderate", "medium sized"), ("large", "extensive")),
    "Edema": (("mild", "minimal"), ("moderate",), ("severe", "marked")),
    "Lung Opacity": (("small", "subtle"), ("moderate",), ("large", "extensive")),
    "Pleural Effusion": (("small", "minimal"), ("moderate", "medium sized"), ("large",)),
    "Pneumonia": (("mild", "subtle"), ("moderate",), ("severe", "extensive")),
    "Pneumothorax": _SIZES,
}
"""Words for the mild, the middle and the severe third."""

FORMS = {
    "Atelectasis": "lung",
    "Consolidation": "lung",
    "Edema": "edema",
    "Lung Opacity": "lung",
    "Pleural Effusion": "pleura",
    "Pneumonia": "lung",
    "Pneumothorax": "pleura",
}
"""How the place of a finding is worded."""

ZONE_ADJECTIVES: dict[str, dict[str, Terms]] = {
    "lung": {
        "upper": ("upper lobe", "upper lung", "upper zone"),
        "mid": ("mid lung", "mid zone"),
        "lower": ("lower lobe", "lower lung", "basilar"),
    },
    "pleura": {"upper": ("apical",), "mid": ("mid lung", "mid zone"), "lower": ("basilar",)},
    "edema": {"upper": ("upper lung",), "mid": ("perihilar", "mid lung"), "lower": ("lower lung", "basilar")},
}

ZONE_PLACES: dict[str, dict[str, tuple[str, str]]] = {
    "lung": {
        "upper": ("in the {side} upper lobe", "in both upper lobes"),
        "mid": ("in the {side} mid zone", "in both mid zones"),
        "lower": ("at the {side} base", "at both bases"),
    },
    "pleura": {
        "upper": ("at the {side} apex", "in both upper lungs"),
        "mid": ("in the {side} mid zone", "in both mid zones"),
        "lower": ("at the {side} base", "at both bases"),
    },
    "edema": {
        "upper": ("in the {side} upper lung", "in both upper lungs"),
        "mid": ("in the {side} mid zone", "in both mid zones"),
        "lower": ("at the {side} base", "at both bases"),
    },
}
"""For one side and for both."""

TRAINED: dict[str, Terms] = {
    "nothing": ("{thing}", "{there} {a} {thing}", "{thing} {be} seen", "evidence of {thing}", "findings of {thing}"),
    "side": ("{placed}", "{there} {a} {placed}", "{placed} {be} seen", "{thing} {at}"),
    "zone": ("{placed}", "{there} {a} {placed}", "findings of {placed}", "{thing} {at}"),
}

HELD_OUT: dict[str, Terms] = {
    "nothing": ("there is evidence of {thing}", "there are findings of {thing}", "{thing} seen"),
    "side": ("{at} {there} {a} {thing}", "evidence of {placed}", "{thing} {be} seen {at}"),
    "zone": ("{at} {there} {a} {thing}", "evidence of {placed}", "{thing} {be} seen {at}"),
}

HEART: Terms = (
    "{severity} cardiomegaly",
    "{adverb} enlarged heart",
    "{adverb} enlarged cardiac silhouette",
    "the heart is {adverb} enlarged",
    "there is {severity} cardiomegaly",
)

HEART_HELD_OUT: Terms = (
    "there is A {adverb} enlarged heart",
    "the cardiac silhouette is {adverb} enlarged",
    "evidence of {severity} cardiomegaly",
)
