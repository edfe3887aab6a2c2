"""Training a book of embeddings for a frozen latent diffusion model, with no box of a finding.

After Vilouras et al., "Anatomy-Grounded Weakly Supervised Prompt Tuning for Chest X-ray Latent Diffusion Models" (MIDL
2026): the attention to a phrase's tokens is drawn to where the places that it names usually are. Each step takes some
examples, adds noise of one time step to each one's latent, and moves the embeddings alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from ....core import MethodError
from ....core.place_table import PlaceTable
from ...batch_size import BatchSize
from ...training import epoch_order, generator
from .checkpoint import LoadedModel
from .embedding import change_of
from .examples import Example, samples_per_location, target
from .frame import input_size, network_input
from .grounder import CrossAttentionGrounder
from .losses import diversity_loss, place_loss
from .options import Settings, Tokens
from .phrases import TokenizedPhrase, token_tensors, tokenize
from .placing import location_weights, rows_to_train, word_weights
from .precision import DTYPES, products_in
from .recipes import TIMES, Recipe, Trained

_KEPT = 320
"""About how many activations of a network's widest level a row keeps for its gradient: measured at the paper's size."""

_CPU_BUDGET, _GPU_SHARE, _MOST_ROWS = 2**30, 4, 64


class Losses(NamedTuple):
    """The means of a step.

    Attributes:
        place: L_loc.
        diversity: L_div; 0 where the recipe has none.
    """

    place: float
    diversity: float


class Tuning:
    """The embeddings that learn, and their steps.

    Attributes:
        vectors: What learns, float32 `[K, D]`, on the model's device.
        ids: The rows of the embedding table that they are; empty of locations.
        locations: Whose vectors they are; empty of rows.
        frozen: Words of places that do not learn.
        layers: The layers whose attention is read.
        batch: Examples of a step.
    """

    def __init__(
        self,
        model: LoadedModel,
        settings: Settings,
        recipe: Recipe,
        examples: Sequence[Example],
        phrases: Collection[str],
        table: PlaceTable,
        seed: int = 0,
    ) -> None:
        """Begin with the model's own embeddings; vectors of locations begin at zero.

        Args:
            model: The model, of which nothing is changed.
            settings: How the method reads it: layers, size and precision.
            recipe: What to train.
            examples: What to learn from, as `usable` has them.
            phrases: All phrases of the data: of words that other words share tokens with none learns.
            table: Where places are.
            seed: Of all draws.

        Raises:
            MethodError: If the network has no such layers, or no embedding could learn.
        """
        layers = [f"middle+{offset}" if offset else "middle" for offset in recipe.from_middle or ()]
        self._grounder = CrossAttentionGrounder(
            model.unet,
            model.vae,
            scheduler=model.scheduler,
            layers=layers or settings.layers or None,
            pixel_range=model.pixel_range,
        )
        self.layers = self._grounder.layers
        self.batch = min(recipe.batch, len(examples))
        self._model, self._recipe, self._table, self._seed = model, recipe, table, seed
        self._examples = examples
        self._size = settings.size or input_size(model.unet, model.vae)
        self._dtype = DTYPES[settings.dtype]

        @cache
        def tokenized(phrase: str) -> TokenizedPhrase:
            return tokenize(model.tokenizer, phrase, "", Tokens.PHRASE, model.max_tokens)

        self._texts = [tokenized(one.phrase) for one in examples]
        self._latents: dict[str, Tensor] = {}
        embeddings = model.text_encoder.get_input_embeddings().weight.detach()
        self.ids: tuple[int, ...] = ()
        self.locations: tuple[str, ...] = ()
        self.frozen: tuple[str, ...] = ()
        if recipe.trained is Trained.LOCATIONS:
            self.locations = tuple(sorted(samples_per_location(examples)))
            self.vectors = torch.zeros(len(self.locations), embeddings.shape[1], device=embeddings.device)
        else:
            texts = [*self._texts, *(tokenized(phrase) for phrase in sorted({*phrases}) if phrase.strip())]
            self.ids, self.frozen = rows_to_train(texts, {one.pathology for one in examples}, recipe.trained)
            self.vectors = embeddings[list(self.ids)].clone().float()
        self.vectors.requires_grad_(True)

    def gradient(self, step: int) -> tuple[Losses, Tensor]:
        """The losses of a step's examples, and where the vectors should go for them.

        What a step draws depends on its number and the seed alone.

        Args:
            step: The step, from 0.

        Returns:
            The losses, and the gradient `[K, D]` of their weighted sum.

        Raises:
            MethodError: If a single example does not fit into memory, or a loss is no number.
        """
        chosen = epoch_order(self._seed, step, self.batch, len(self._examples)).tolist()
        latents = torch.stack([self._latent(index) for index in chosen])
        draws = generator(self._seed, step + 1)
        count = len(self._grounder.schedule.alphas)
        first, stop = (round(part * count) for part in TIMES)
        times = torch.randint(first, max(stop, first + 1), (len(chosen),), generator=draws).tolist()
        noise = torch.randn(latents.shape, generator=draws)
        shifts = (torch.rand(len(chosen), 4, generator=draws) * 2 - 1) * self._recipe.jitter

        def work(start: int, stop: int) -> tuple[Tensor, Tensor]:
            some = slice(start, stop)
            losses = self._losses(chosen[some], latents[some], noise[some], times[some], shifts[some])
            weighted = losses[0] + self._recipe.diversity * losses[1]
            (gradient,) = torch.autograd.grad(weighted.sum() / len(chosen), self.vectors)
            return losses.detach(), gradient

        parts = self._batch_size(latents).run(len(chosen), work)
        place, diversity = torch.cat([losses for losses, _ in parts], dim=1).mean(1).tolist()
        gradient = torch.stack([gradient for _, gradient in parts]).sum(0)
        if not torch.isfinite(gradient).all():
            raise MethodError(f"the losses of step {step} overflow; use dtype=float32, or other weights")
        return Losses(place, diversity), gradient

    def _losses(self, rows: list[int], latents: Tensor, noise: Tensor, times: list[int], shifts: Tensor) -> Tensor:
        """L_loc and L_div of examples, `[2, B]`."""
        model, recipe, forward = self._model, self._recipe, self._grounder.forward
        device = model.unet.device
        texts = [self._texts[row] for row in rows]
        counted = self._counted(texts)
        noised = [self._grounder.schedule.noised(*one) for one in zip(latents, noise, times, strict=True)]
        with products_in(self._dtype, device):
            with torch.no_grad():
                begun = forward.begin(torch.stack(noised).to(device), torch.tensor(times, device=device))
            weights = self._weights(rows, texts)
            context = model.states_with_gradient(
                *token_tensors(texts), change_of(self.vectors, weights, replaces=not self.locations)
            )
            if not recipe.diversity:
                mean = (counted / counted.sum(1, keepdim=True)).to(device)
                maps = forward.attend(forward.for_attention(begun), context, mean)
                alike = torch.zeros(len(rows), device=device)
            else:
                single, used = (one.to(device) for one in _single_tokens(counted))
                _, each = forward.observe(begun, context, single)
                share = used / used.sum(1, keepdim=True)
                maps = tuple(torch.einsum("bkhw,bk->bhw", one, share) for one in each)
                alike = torch.stack([diversity_loss(one, used) for one in each]).mean(0)
        return torch.stack([torch.stack([self._place_loss(one, rows, shifts) for one in maps]).mean(0), alike])

    def _place_loss(self, maps: Tensor, rows: list[int], shifts: Tensor) -> Tensor:
        grid = (maps.shape[1], maps.shape[2])
        examples = [self._examples[row] for row in rows]
        jitter = shifts if self._recipe.jitter else [None] * len(rows)
        gaussians = [
            target(self._table, one.phrase, one.size, grid, shift) for one, shift in zip(examples, jitter, strict=True)
        ]
        return place_loss(maps, torch.stack(gaussians).to(maps.device), self._recipe.alpha)

    def _weights(self, rows: list[int], texts: list[TokenizedPhrase]) -> Tensor:
        if self.locations:
            return location_weights(texts, [self._examples[row].phrase for row in rows], self.locations)
        return word_weights(texts, self.ids)

    def _counted(self, texts: list[TokenizedPhrase]) -> Tensor:
        """The tokens whose attention the losses look at, `[P, L]`, 1 or 0; where none learns, all content words."""
        counted = torch.zeros(len(texts), len(texts[0].ids))
        for row, text in enumerate(texts):
            places = text.chosen if self._recipe.whole_phrase else text.content
            if not self._recipe.whole_phrase and self.ids:
                places = [place for place, token in enumerate(text.ids) if token in self.ids] or places
            counted[row, list(places)] = 1
        return counted

    @torch.no_grad()
    def _latent(self, index: int) -> Tensor:
        """An example's clean latent `[C, h, w]` on the CPU; encoded alone, so that it is the same in every batch."""
        example = self._examples[index]
        if example.key not in self._latents:
            with products_in(torch.float32, self._model.unet.device):
                encoded = self._grounder.encode(network_input([example.open()], self._size))
            self._latents[example.key] = encoded[0].cpu()
        return self._latents[example.key]

    def _batch_size(self, latents: Tensor) -> BatchSize:
        """How many rows at once: of a device always the same, since how rows are grouped changes how they round."""
        device, level = self._model.unet.device, self._model.unet.config["block_out_channels"][0]
        row = _KEPT * 4 * level * latents.shape[-1] * latents.shape[-2]
        budget = _CPU_BUDGET
        if device.type == "cuda":
            budget = torch.cuda.get_device_properties(device).total_memory // _GPU_SHARE
        return BatchSize(min(_MOST_ROWS, budget // row))


def _single_tokens(counted: Tensor) -> tuple[Tensor, Tensor]:
    """Each counted token by itself: weights `[P, L, K]`, and bool `[P, K]` for which of K there is one."""
    most = int(counted.sum(1).max())
    weights, used = torch.zeros(*counted.shape, most), torch.zeros(len(counted), most, dtype=torch.bool)
    for row, tokens in enumerate(counted):
        places = tokens.nonzero()[:, 0]
        weights[row, places, torch.arange(len(places))] = 1
        used[row, : len(places)] = True
    return weights, used
