"""The `dit` method: phrases grounded with a frozen diffusion transformer that has cross-attention."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

from ....core import Grounding, MethodError, Query, WeightsError
from ....core.fingerprint import seed_from
from ...registry import register_method
from ...requirements import require_packages
from ..ldm.frame import network_input
from ..ldm.method import Ldm, groundings
from ..ldm.options import Precision
from ..ldm.sources import DiffusersSource, pipeline
from .options import DitOptions


@register_method("dit")
class Dit(Ldm):
    """Cross-attention of a frozen diffusion transformer, Sana or PixArt, to an image's latent with noise added.

    The attention of the phrase's tokens is averaged over all blocks and ten fixed noise levels, blurred and min-max
    normalised; no author's procedure. The shorter side is resized to the network's input and the centre square is
    looked at. Networks that attend to image and phrase jointly (Stable Diffusion 3, Flux, Lumina 2) are refused.
    """

    Options: ClassVar[type[Any]] = DitOptions
    requirements: ClassVar[tuple[str, ...]] = ("torch", "diffusers", "transformers")
    citation = """@inproceedings{tang2023daam,
  title = {What the {DAAM}: Interpreting Stable Diffusion Using Cross Attention},
  author = {Tang, Raphael and Liu, Linqing and Pandey, Akshat and Jiang, Zhiying and Yang, Gefei and Kumar, Karun and
            Stenetorp, Pontus and Lin, Jimmy and Ture, Ferhan},
  booktitle = {Annual Meeting of the Association for Computational Linguistics},
  year = {2023},
  note = {arXiv:2210.04885}
}"""

    def sources(self) -> tuple[str, str, str]:
        """The weights, and where text encoder and lacking parts come from if not from there ("" otherwise).

        Raises:
            WeightsError: If no weights were named.
        """
        place = self.options.weights if self._drawn is None else self._drawn.place
        if not place:
            form = "random:SEED:DIR" if self._drawn else "DIR (a diffusers pipeline with a transformer, or its hub id)"
            raise WeightsError(f"method {self.name} needs to be told its weights: --set weights={form}")
        return place, self.options.text_encoder, self.options.base

    @cached_property
    def _located(self) -> DiffusersSource:
        weights, text_encoder, base = self.sources()
        return pipeline(self.name, weights, ("transformer",), text_encoder, base)

    def embeddings(self) -> str:
        """None: embeddings are tuned for the text encoders of `ldm`."""
        return ""

    def setup(self, device: str) -> None:
        """Load networks, text encoder and tokenizer.

        Raises:
            WeightsError: If no weights were named, they cannot be loaded, or the network has no cross-attention.
            MethodError: If a package is missing, or an option does not fit the network.
        """
        require_packages(self.name, *self.requirements)
        settings = self._settings
        if device == "cpu" and settings.dtype is not Precision.FLOAT32:
            raise MethodError(f"{self.name} computes in float32 on a CPU: leave dtype out, or use a GPU")
        from .grounder import TransformerGrounder

        self._device = device
        self._model = self._load(device)
        self._grounder = TransformerGrounder(
            self._model.transformer,
            self._model.vae,
            scheduler=self._model.scheduler,
            steps=settings.steps,
            read=settings.read,
            layers=settings.layers,
            gaussian_sigma=settings.blur,
            otsu=settings.otsu,
            dtype=settings.dtype,
        )

    def _load(self, device: str) -> Any:
        from .checkpoint import load_transformer

        return load_transformer(self._located, self._drawn.seed if self._drawn else None, device)

    def _answers(self, queries: Sequence[Query]) -> list[Grounding]:
        """The answers to queries whose images share batches."""
        import torch

        from .grounder import Asked

        model, settings = self._model, self._settings
        images = {query.image.sha256: query.image for query in queries}
        place = {sha256: index for index, sha256 in enumerate(images)}
        texts = self._tokenized(queries)
        asked: list[Asked] = []
        for query, text in zip(queries, texts, strict=True):
            length = sum(text.attention_mask)
            weights = torch.zeros(length)
            weights[list(text.chosen)] = 1 / len(text.chosen)
            asked.append(Asked(model.token_states(text.ids[:length]), weights, place[query.image.sha256]))
        maps = self._grounder.heatmaps(
            network_input(list(images.values()), settings.size or self._grounder.input_size),
            asked,
            [seed_from(sha256) for sha256 in images],
        )
        return groundings(queries, texts, maps)
