"""Protocol nuetzel2025: the public evaluation code of generate_to_ground; see docs/protocols/nuetzel2025.md."""

from __future__ import annotations

from .mixture_protocol import MixtureProtocol, Values
from .registry import PROTOCOLS


@PROTOCOLS.register("nuetzel2025")
class Nuetzel2025(MixtureProtocol):
    """A sample whose mask is empty counts 0 in every metric, AUROC and distance included."""

    name = "nuetzel2025"
    version = "1"
    title = "the public evaluation code of generate_to_ground (Nützel et al. 2025), mixtures seeded"
    citation = (
        "@inproceedings{nuetzel2025, title = {Generate to Ground: Multimodal Text Conditioning Boosts Phrase Grounding"
        ' in Medical Vision-Language Models}, author = {N{\\"u}tzel, Felix and Dombrowski, Mischa and Kainz,'
        " Bernhard}, booktitle = {MIDL}, year = {2025}}"
    )
    printed_on = ("MS-CXR",)
    class_weights = "samples squared"
    empty_mask = "0 for every metric, distance included"
    no_information = "0 for every metric; distance 0 for a constant map, else left out"

    def without_mask(self, scored: Values) -> Values:
        """See `MixtureProtocol.without_mask`."""
        return self.without_map()

    def without_map(self) -> Values:
        """See `MixtureProtocol.without_map`."""
        return {metric.key: 0.0 for metric in self.metrics}
