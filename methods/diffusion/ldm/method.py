"""The `ldm` method: phrases grounded with a frozen latent diffusion model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ....core import Grounding, Heatmap, MethodError, Query, Radiograph, WeightsError
from ....core.fingerprint import digest, jsonable, seed_from
from ....core.place_words import VERSION
from ....core.published import named_place
from ....core.supervision import ANATOMY
from ...base import GroundingMethod, by_image
from ...inference import together
from ...random_weights import drawn_id, random_weights
from ...registry import register_method
from ...repository import published
from ...requirements import require_packages
from .codebook import Codebook, read_about
from .frame import input_size, network_input, square_extent
from .options import OF_ATTENTION, Extraction, LdmOptions, Precision, Settings
from .phrases import TokenizedPhrase, token_mask, token_tensors, tokenize, tokenize_empty
from .sources import MONAI, USUAL_ARCHITECTURE, DiffusersSource, MonaiSource, locate, trained_on

if TYPE_CHECKING:
    import torch

    from .checkpoint import LoadedModel

TUNED_CITATION = """@inproceedings{vilouras2026anatomy,
  title = {Anatomy-Grounded Weakly Supervised Prompt Tuning for Chest {X}-ray Latent Diffusion Models},
  author = {Vilouras, Konstantinos and Stogiannidis, Ilias and Yan, Junyu and Smithard, Alison Q. and
            Tsaftaris, Sotirios A.},
  booktitle = {Medical Imaging with Deep Learning},
  series = {Proceedings of Machine Learning Research},
  volume = {315},
  pages = {2864--2892},
  year = {2026},
  note = {arXiv:2506.10633}
}"""
"""The paper that tuned embeddings are of."""


@register_method("ldm")
class Ldm(GroundingMethod):
    """Cross-attention of a frozen latent diffusion model over its DDIM inversion (Vilouras et al., JBHI 2024).

    The image's latent is inverted without guidance; the attention of the phrase's tokens in some layers and steps is
    averaged, blurred, min-max normalised and, with Otsu's threshold, masked. The shorter side is resized to the
    network's input and the centre square is looked at. Two cheaper ways to a map are the option `extraction`.

    A phrase longer than the text encoder reads is cut off, and its answer says so; one without a token fails.
    """

    kind: ClassVar[str] = "diffusion"
    Options: ClassVar[type[Any]] = LdmOptions
    requirements: ClassVar[tuple[str, ...]] = ("torch", "diffusers", "transformers")
    licence = "of the weights given"
    citation = """@article{vilouras2024zeroshot,
  title = {Zero-Shot Medical Phrase Grounding with Off-the-shelf Diffusion Models},
  author = {Vilouras, Konstantinos and Sanchez, Pedro and O'Neil, Alison Q. and Tsaftaris, Sotirios A.},
  journal = {IEEE Journal of Biomedical and Health Informatics},
  year = {2024},
  note = {arXiv:2404.12920}
}"""

    def __init__(self, options: Any = None) -> None:
        """Keep the options; nothing is loaded before `setup`.

        Args:
            options: An `LdmOptions`.
        """
        super().__init__(options)
        self._settings: Settings = self.options.settings()
        given = getattr(self.options, "weights", "")
        self._drawn = random_weights(given)
        self.trained_on: tuple[str, ...] = trained_on(given) or self.trained_on
        self._about: dict[str, Any] | None = None
        if given := self.embeddings():
            self._about = read_about(given)
            self.trained_on = (*self.trained_on, *self._about["trained_on"])
            self.supervision = ANATOMY
        self._fingerprint: str | None = None
        self._book: Codebook | None = None
        self._device = "cpu"
        self._model: Any = None
        self._grounder: Any = None

    def sources(self) -> tuple[str, str, str]:
        """The weights, and where text encoder and lacking parts come from if not from there ("" otherwise).

        Raises:
            WeightsError: If no weights were named, or none can be drawn.
        """
        if not self.options.weights:
            raise WeightsError(
                "method ldm needs to be told its weights: --set weights=DIR (a diffusers pipeline, or its hub id), or "
                "--set weights=monai:DIR (autoencoder.pth and diffusion_model.pth of the paper's checkpoint)"
            )
        if self._drawn is not None and self._drawn.place.startswith(MONAI):
            raise WeightsError(
                f"weights={self.options.weights} takes the architecture of a diffusers pipeline, not of monai:DIR: "
                "write random:SEED:DIR, with the folder of one"
            )
        place = self.options.weights if self._drawn is None else self._drawn.place or USUAL_ARCHITECTURE
        return place, self.options.text_encoder, self.options.base

    def embeddings(self) -> str:
        """The folder of the tuned embeddings; "" for none."""
        return self.options.embeddings

    def setup(self, device: str) -> None:
        """Load networks, text encoder, tokenizer and tuned embeddings.

        Raises:
            WeightsError: If no weights were named, or they cannot be loaded or do not fit together.
            MethodError: If a package is missing, or an option does not fit the network.
        """
        require_packages(self.name, *self.requirements)
        from .grounder import CrossAttentionGrounder

        settings = self._settings
        if device == "cpu" and (settings.dtype is not Precision.FLOAT32 or settings.compile):
            raise MethodError(
                f"{self.name} computes in float32 and uncompiled on a CPU: leave dtype and compile out, or use a GPU"
            )
        self._device = device
        self._model = self.load(device)
        if self._about is not None:
            from .embedding import fitting_book

            self._book = fitting_book(self.embeddings(), self._model)
        self._grounder = CrossAttentionGrounder(
            self._model.unet,
            self._model.vae,
            scheduler=self._model.scheduler,
            num_inversion_steps=settings.steps,
            layers=settings.layers or None,
            pixel_range=self._model.pixel_range,
            step_range=settings.step_range(),
            extraction=settings.extraction,
            gaussian_sigma=settings.blur,
            otsu=settings.otsu,
            dtype=settings.dtype,
            compile=settings.compile,
        )

    def fetch(self) -> None:
        """Bring and load all parts, on the cpu whatever precision the options ask for.

        Raises:
            WeightsError: As `setup`.
            MethodError: If a package is missing.
        """
        require_packages(self.name, *self.requirements)
        self.load("cpu")

    def load(self, device: str) -> LoadedModel:
        """The model, as `setup` reads it and `groundcxr tune` trains embeddings for it.

        Raises:
            WeightsError: As `setup`.
        """
        from .checkpoint import load_checkpoint

        weights, text_encoder, base = self.sources()
        seed = self._drawn.seed if self._drawn else None
        return load_checkpoint(weights, text_encoder=text_encoder, base=base, seed=seed, device=device)

    def weights_fingerprint(self) -> str:
        """Hash of the content of every file that is read, or a hub repository's commit; with the seed of drawn ones."""
        if self._fingerprint is None:
            located = self._located
            if self._drawn is not None and isinstance(located, DiffusersSource):
                self._fingerprint = digest(located.identity(weights=False), self._drawn.seed)
            else:
                self._fingerprint = digest(located.identity())
            if self._about is not None:
                # Locations are read from phrases by rules, which may come to differ from those of the training.
                self._fingerprint = digest(self._fingerprint, self._about, VERSION)
        return self._fingerprint

    def weights_id(self) -> str | None:
        """The checkpoint, and the text encoder and base if needed: hub ids as they are, of local paths the last part.

        Raises:
            WeightsError: If a part is missing or cannot be reached.
        """
        if not self.weights:
            return None
        used = self._located.options()
        others = {key: getattr(self.options, key) for key in ("text_encoder", "base") if key in used}
        if self._about is not None:
            others["embeddings"] = self.embeddings()
        more = [f"{key}={published(place, MONAI)}" for key, place in others.items() if place]
        place = published(self.sources()[0], MONAI)
        if self._drawn is not None:
            place = drawn_id(self._drawn.seed, place)
        return "; ".join((place, *more))

    def declared_places(self) -> list[Path]:
        """The folders of the weights, and what other options name."""
        found = named_place(self.sources()[0].removeprefix(MONAI), plain_folders=True) if self.weights else None
        return [*([found] if found else []), *super().declared_places()]

    @cached_property
    def _located(self) -> DiffusersSource | MonaiSource:
        """Where the parts are; found once, since of a hub repository its small files are fetched for it."""
        return locate(*self.sources())

    def options_dict(self) -> dict[str, Any]:
        """The values in force, whether a preset or the user gave them."""
        unread = OF_ATTENTION if self._settings.extraction is Extraction.NOISE_DIFFERENCE else ()
        return {key: value for key, value in jsonable(asdict(self._settings)).items() if key not in unread}

    def ground(self, image: Radiograph, phrases: Sequence[str]) -> list[Grounding]:
        """Answer every phrase of one image, in order."""
        return self.ground_batch([Query(image, phrase, "") for phrase in phrases])

    def ground_batch(self, queries: Sequence[Query]) -> list[Grounding]:
        """Answer a batch of queries, in order; the phrases of an image share its trajectory, where there is one.

        On a CPU images and phrases go one at a time, so that no answer depends on what else is in its batch.

        Raises:
            MethodError: If a phrase has no token to average over.
        """
        parts = [[query for mine in part for query in mine] for part in together(by_image(queries), self._device)]
        if self._settings.extraction is Extraction.BIMODAL:
            # On any device: its 8 bits would show how a batch rounds.
            parts = [[query] for query in queries]
        return [answer for part in parts for answer in self._answers(part)]

    def _answers(self, queries: Sequence[Query]) -> list[Grounding]:
        """The answers to queries whose images share batches."""
        import torch

        model, settings = self._model, self._settings
        texts = self._tokenized(queries)
        empty = tokenize_empty(model.tokenizer, model.max_tokens)
        asked = [("", empty), *((query.phrase, text) for query, text in zip(queries, texts, strict=True))]
        states = torch.cat([self._states(part) for part in together(asked, self._device)])
        images = {query.image.sha256: query.image for query in queries}
        place = {sha256: index for index, sha256 in enumerate(images)}
        maps = self._grounder.heatmaps(
            network_input(list(images.values()), settings.size or input_size(model.unet, model.vae)),
            states[:1],
            states[1:],
            image_index=[place[query.image.sha256] for query in queries],
            token_mask=token_mask(texts),
            # Of the image alone, so that all its phrases are compared on the same noise, and share its forwards.
            seeds=[seed_from(query.image.sha256) for query in queries],
        )
        return groundings(queries, texts, maps)

    def _states(self, asked: Sequence[tuple[str, TokenizedPhrase]]) -> torch.Tensor:
        """The token states `[P, L, D]` of phrases, as they are and tokenized."""
        phrases, texts = zip(*asked, strict=True)
        change = None
        if self._book is not None:
            from .embedding import change_by

            change = change_by(self._book, texts, phrases)
        return self._model.token_states(*token_tensors(texts), change)

    def _tokenized(self, queries: Sequence[Query]) -> list[TokenizedPhrase]:
        model, tokens = self._model, self._settings.tokens
        return [tokenize(model.tokenizer, one.phrase, one.pathology, tokens, model.max_tokens) for one in queries]


def groundings(queries: Sequence[Query], texts: Sequence[TokenizedPhrase], maps: torch.Tensor) -> list[Grounding]:
    """The answers to queries: their maps, over the centre square that the network has looked at.

    Args:
        queries: The queries.
        texts: Their phrases.
        maps: `[P, H, W]` on the CPU.
    """
    return [
        Grounding(Heatmap(values, square_extent(query.image.size), query.image.size), truncated=text.truncated)
        for query, text, values in zip(queries, texts, maps.numpy(), strict=True)
    ]
