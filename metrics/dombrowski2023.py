"""Protocol dombrowski2023: the public evaluation code of chest-distillation; see docs/protocols/dombrowski2023.md."""

from __future__ import annotations

from .mixture_protocol import MixtureProtocol, Values
from .registry import PROTOCOLS


@PROTOCOLS.register("dombrowski2023")
class Dombrowski2023(MixtureProtocol):
    """A sample whose mask is empty stops the public code; here its mask is worth nothing, as in nuetzel2025."""

    name = "dombrowski2023"
    version = "1"
    title = "the public evaluation code of chest-distillation (arXiv:2212.14306), mixtures seeded"
    citation = (
        "@misc{dombrowski2022, title = {Foreground-Background Separation through Concept Distillation from Generative"
        " Image Foundation Models}, author = {Dombrowski, Mischa and Reynaud, Hadrien and Baugh, Matthew and Kainz,"
        " Bernhard}, year = {2022}, note = {arXiv:2212.14306}}"
    )
    printed_on = ("MS-CXR",)
    empty_mask = "iou, miou, bboxiou, bboxmiou 0, distance left out; top1, aucroc and cnr as computed"
    no_information = "as an empty mask, with top1 0, aucroc .5 and cnr 0"

    def without_mask(self, scored: Values) -> Values:
        """See `MixtureProtocol.without_mask`."""
        return scored | dict.fromkeys(("iou", "miou", "bboxiou", "bboxmiou"), 0.0)

    def without_map(self) -> Values:
        """See `MixtureProtocol.without_map`."""
        return self.without_mask({"top1": 0.0, "aucroc": 0.5, "cnr": 0.0})
