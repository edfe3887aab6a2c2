"""Protocol dombrowski2023: the public evaluation code of chest-distillation; see docs/protocols/dombrowski2023.md."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .mixture_protocol import MixtureProtocol, Values
from .protocol import PROTOCOLS


@PROTOCOLS.register("dombrowski2023")
class Dombrowski2023(MixtureProtocol):
    """A sample whose mask is empty stops the public code; here it counts as a mask that marks nothing."""

    name = "dombrowski2023"
    version = "1"
    title = "the public evaluation code of chest-distillation (arXiv:2212.14306), mixtures seeded"
    citation = (
        "@misc{dombrowski2022, title = {Foreground-Background Separation through Concept Distillation from Generative"
        " Image Foundation Models}, author = {Dombrowski, Mischa and Reynaud, Hadrien and Baugh, Matthew and Kainz,"
        " Bernhard}, year = {2022}, note = {arXiv:2212.14306}}"
    )
    printed_on = ("MS-CXR",)
    empty_mask = "iou, bboxiou 0; miou, bboxmiou half the IoU of the complements; distance left out; the rest the map's"
    no_information = "as an empty mask, with top1 the share of the target, aucroc .5 and cnr 0"

    def without_mask(self, scored: Values, background: float) -> Values:
        """See `MixtureProtocol.without_mask`."""
        return scored | {"iou": 0.0, "miou": background / 2, "bboxiou": 0.0, "bboxmiou": background / 2}

    def without_map(self, target: NDArray[np.bool_], background: float) -> Values:
        """See `MixtureProtocol.without_map`."""
        return self.without_mask({"top1": float(target.mean()), "aucroc": 0.5, "cnr": 0.0}, background)
