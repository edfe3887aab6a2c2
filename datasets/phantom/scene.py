"""What is in an image, decided before a pixel is drawn: the patient, the view, the regions of each finding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core.fingerprint import generator_from
from .anatomy import Body, Chest, draw_body
from .draws import quantile, related
from .parameters import PATHOLOGIES, VERSION, Parameters
from .regions import Region, place_findings
from .view import View, draw_view


@dataclass(frozen=True)
class Scene:
    """All that an image shows.

    Attributes:
        key: What the random streams of the image are named by.
        patient: Number of the patient in the split.
        body: The patient.
        view: How the image was taken.
        chest: The shapes of both.
        regions: Of all findings, those of one finding following one another.
    """

    key: tuple[object, ...]
    patient: int
    body: Body
    view: View
    chest: Chest
    regions: tuple[Region, ...]

    def stream(self, purpose: str) -> np.random.Generator:
        """Random numbers for one purpose, which no other purpose shifts."""
        return generator_from(*self.key, purpose)


def plan_scene(p: Parameters, seed: int, split: str, index: int) -> Scene:
    """Decide what an image shows; nothing but the arguments matters.

    Args:
        p: The generator's parameters.
        seed: Of the data set.
        split: The split's name.
        index: Number of the image in the split.
    """
    patient = int(index / (1 + p.two_image_patients))
    body = draw_body(generator_from("phantom", VERSION, seed, split, "patient", patient), p)
    key = ("phantom", VERSION, seed, split, "image", index)
    view = draw_view(generator_from(*key, "view"), p, body)
    rng = generator_from(*key, "findings")
    names = _finding_names(p, rng, seed, split, index)
    chest = _chest(p, body, view, rng, enlarged="Cardiomegaly" in names)
    return Scene(key, patient, body, view, chest, tuple(place_findings(p, chest, names, rng)))


def _finding_names(p: Parameters, rng: np.random.Generator, seed: int, split: str, index: int) -> list[str]:
    # Every eight images in a row have each finding as their first one, in an order of their own.
    block, place = divmod(index, len(PATHOLOGIES))
    order = generator_from("phantom", VERSION, seed, split, "order", block).permutation(len(PATHOLOGIES))
    first = PATHOLOGIES[order[place]]
    count = int(rng.choice(3, p=p.findings_per_image))
    others = [name for name in PATHOLOGIES if name != first]
    weights = np.array([p.findings[name].companion for name in others])
    chosen = rng.choice(len(others), size=count, replace=False, p=weights / weights.sum())
    return [first, *(others[i] for i in chosen)]


def _chest(p: Parameters, body: Body, view: View, rng: np.random.Generator, *, enlarged: bool) -> Chest:
    ratio, height = body.heart_ratio, 0.95
    if enlarged:
        statistics, z = p.findings["Cardiomegaly"], float(rng.standard_normal())
        width = quantile(z, statistics.widths)
        height = quantile(related(rng, z, 0.5), statistics.heights) / width
        ratio, height = min(1.06 * width / (2 * body.half_width), 0.72), min(max(1.05 * height, 0.7), 0.98)
    return Chest(body, body.base + view.breath, ratio, height)
