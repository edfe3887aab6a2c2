"""Every number of the generator, by name. Changing one changes the data set: raise `VERSION` with it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property

from ...core.fingerprint import SHORT, digest

VERSION = "1.0"

PATHOLOGIES = (
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Lung Opacity",
    "Pleural Effusion",
    "Pneumonia",
    "Pneumothorax",
)

Range = tuple[float, float]
"""Lowest and highest value of a uniform draw."""

Percentiles = tuple[float, float, float, float, float]
"""A distribution by its percentiles 5, 25, 50, 75 and 95."""


@dataclass(frozen=True)
class FindingParameters:
    """How often a finding occurs, where, how large and how bright. Lengths are shares of the image's side.

    Widths, heights and centres are the percentiles of published boxes: ChestX-ray14 where it has the class (its
    "Infiltrate" for lung opacity), without the boxes that span both lungs; ChestX-Det for consolidation. The share of
    images with two regions follows the boxes per image of ChestX-Det and RSNA. Edema has no published boxes.

    Attributes:
        companion: Weight with which the finding joins another one in an image.
        twice: Share of its images in which it has two regions.
        widths: Of a region.
        heights: Of a region.
        centres: Vertical centre of a region, from the top.
        contrast: Change of density from the least to the most severe.
    """

    companion: float
    twice: float
    widths: Percentiles
    heights: Percentiles
    centres: Percentiles
    contrast: Range


def _findings() -> dict[str, FindingParameters]:
    parameters = (
        FindingParameters(  # Atelectasis
            1.8, 0.14, (0.085, 0.125, 0.167, 0.21, 0.25), (0.052, 0.081, 0.115, 0.181, 0.262),
            (0.349, 0.499, 0.572, 0.653, 0.744), (0.16, 0.24),
        ),
        FindingParameters(  # Cardiomegaly
            1.4, 0.0, (0.387, 0.435, 0.466, 0.5, 0.548), (0.284, 0.336, 0.373, 0.406, 0.471),
            (0.46, 0.525, 0.566, 0.617, 0.684), (0.0, 0.04),
        ),
        FindingParameters(  # Consolidation
            1.1, 0.56, (0.12, 0.18, 0.22, 0.26, 0.32), (0.12, 0.2, 0.28, 0.38, 0.5),
            (0.345, 0.44, 0.52, 0.6, 0.7), (0.2, 0.32),
        ),
        FindingParameters(  # Edema
            0.9, 0.75, (0.15, 0.18, 0.22, 0.26, 0.3), (0.18, 0.26, 0.34, 0.42, 0.5),
            (0.36, 0.43, 0.5, 0.58, 0.66), (0.1, 0.2),
        ),
        FindingParameters(  # Lung Opacity
            1.2, 0.56, (0.135, 0.189, 0.222, 0.256, 0.3), (0.13, 0.188, 0.259, 0.385, 0.535),
            (0.345, 0.456, 0.519, 0.597, 0.734), (0.1, 0.16),
        ),
        FindingParameters(  # Pleural Effusion
            1.5, 0.5, (0.072, 0.153, 0.203, 0.259, 0.345), (0.062, 0.154, 0.271, 0.45, 0.6),
            (0.35, 0.474, 0.56, 0.645, 0.738), (0.29, 0.36),
        ),
        FindingParameters(  # Pneumonia
            1.2, 0.35, (0.144, 0.185, 0.223, 0.258, 0.3), (0.129, 0.19, 0.269, 0.369, 0.5),
            (0.399, 0.483, 0.556, 0.621, 0.725), (0.2, 0.3),
        ),
        FindingParameters(  # Pneumothorax
            1.0, 0.11, (0.07, 0.127, 0.197, 0.256, 0.327), (0.053, 0.118, 0.201, 0.292, 0.576),
            (0.109, 0.181, 0.253, 0.434, 0.729), (0.1, 0.16),
        ),
    )  # fmt: skip
    return dict(zip(PATHOLOGIES, parameters, strict=True))


@dataclass(frozen=True)
class Parameters:
    """The generator's parameters. Lengths are shares of the image's side, angles degrees, densities parts of white.

    Constants that only shape the drawing of an organ stay beside that drawing.

    Attributes:
        two_image_patients: Share of patients with two images.
        findings_per_image: Chance of one, two and three findings.
        names_side: Chance that a phrase is asked to name the side alone. This and the next are drawn before it is known
            what there is to name (the heart has no side, effusions of two sides may become two phrases); over the
            samples 60 % name neither, 20 % the side, 20 % side and zone.
        names_zone: Chance that it is asked to name side and zone.
        names_severity: Chance that a phrase has a word for the severity where it does not need one.
        apart_by_severity: Chance that two regions of unlike severity become two phrases that tell them apart by it.
        apart_by_side: Chance that regions of two sides become two phrases where the phrase names sides.
        held_out_wordings: Share of test phrases in wordings that no other split uses.
        same_side_twice: Share of findings with two regions that has both in one lung.
        loculated: Share of effusions that lie against the side wall instead of the base.
        apical: Share of pneumothoraces at the apex; a third of the others is lateral, the rest basal.
        enlarge: Factor on the widths and heights of regions, which the lung's outline and the body's scale cut.
        findings: Each finding's own parameters.

        shift: Of the body's centre.
        scale: Of the whole body.
        stretch: Width over height of the body.
        rotation: In the image plane.
        turn: Patient rotation about the long axis: one lung looks wider.
        breath: How far the diaphragm moves down.
        warp: Irregularity of all outlines.

        half_width: Of the rib cage.
        apex: Height of the lungs' apices above the body's centre.
        base: Depth of the costophrenic angles below it.
        fat: Soft tissue beside the rib cage.
        heart_ratio: Width of a normal heart over the chest's.
        heart_lean: How far the heart lies to the patient's left, over the rib cage's half width.
        dome: Height of the diaphragm's domes.
        right_higher: How much higher the right dome is.
        spine_curve: Sideways bend of the spine.
        rib_spacing: Between ribs.
        rib_slope: Of the posterior ribs.
        rib_contrast: Density of the ribs.
        vessel_contrast: Density of the lung vessels.
        breasts: Share of bodies with breast shadows.
        breast_contrast: Density of breast shadows.
        stomach_bubble: Share of bodies with gas under the left dome.

        exposure: Added to all densities.
        contrast: Factor on all densities.
        curve: Bend of the film's curve: brighter or darker middle greys.
        noise: Standard deviation of the detector's noise.
        blur: Standard deviation of the blur.
        gradient: Brightness change from edge to edge.
        leads: Share of images with ECG leads.
        central_line: Share with a central venous line.
        pacemaker: Share with a pacemaker.
        tube: Share with an endotracheal and a gastric tube.
        sternal_wires: Share of bodies with sternal wires.
        side_marker: Share of images with a letter beside the patient's left shoulder.
    """

    two_image_patients: float = 0.2
    findings_per_image: tuple[float, float, float] = (0.2, 0.45, 0.35)
    names_side: float = 0.22
    names_zone: float = 0.23
    names_severity: float = 0.45
    apart_by_severity: float = 0.35
    apart_by_side: float = 0.5
    held_out_wordings: float = 0.3
    same_side_twice: float = 0.2
    loculated: float = 0.08
    apical: float = 0.76
    enlarge: float = 1.14
    findings: dict[str, FindingParameters] = field(default_factory=_findings)

    shift: Range = (-0.11, 0.11)
    scale: Range = (0.74, 1.07)
    stretch: Range = (0.84, 1.18)
    rotation: Range = (-10, 10)
    turn: Range = (-0.28, 0.28)
    breath: Range = (-0.07, 0.04)
    warp: float = 0.007

    half_width: Range = (0.35, 0.39)
    apex: Range = (0.36, 0.4)
    base: Range = (0.32, 0.36)
    fat: Range = (0.05, 0.14)
    heart_ratio: Range = (0.38, 0.48)
    heart_lean: Range = (0.12, 0.22)
    dome: Range = (0.06, 0.1)
    right_higher: Range = (0.005, 0.035)
    spine_curve: Range = (-0.16, 0.16)
    rib_spacing: Range = (0.066, 0.078)
    rib_slope: Range = (0.05, 0.2)
    rib_contrast: Range = (0.03, 0.065)
    vessel_contrast: Range = (0.13, 0.24)
    breasts: float = 0.4
    breast_contrast: Range = (0.03, 0.09)
    stomach_bubble: float = 0.45

    exposure: Range = (-0.05, 0.05)
    contrast: Range = (0.85, 1.1)
    curve: Range = (-0.25, 0.15)
    noise: Range = (0.008, 0.028)
    blur: Range = (0.0008, 0.0032)
    gradient: Range = (-0.06, 0.06)
    leads: float = 0.3
    central_line: float = 0.15
    pacemaker: float = 0.1
    tube: float = 0.12
    sternal_wires: float = 0.1
    side_marker: float = 0.5

    @cached_property
    def edition(self) -> str:
        """Version and a hash of all parameters: what names drawn files."""
        return f"{VERSION}-{digest(asdict(self))[:SHORT]}"


DEFAULT = Parameters()
