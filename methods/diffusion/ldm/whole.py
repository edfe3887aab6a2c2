"""Networks that are not taken apart: called as they are, and left once the last layer was read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from torch import Tensor

from ....core import MethodError
from .attention import attention_maps, block_of
from .compiled import compiled
from .forward import Begun


class WholeForward:
    """A UNet of any build whose cross-attention is diffusers' `Attention`.

    Nothing is shared between phrases but the trajectory.
    """

    def __init__(self, unet: Any, layers: Sequence[str], compile_it: bool) -> None:
        """Find the layers.

        Args:
            unet: A network that is called as a `UNet2DConditionModel` is.
            layers: The layers that `attend` reads.
            compile_it: Compile `predict`; what leaves the network early cannot be compiled.
        """
        self._unet = unet
        self._layers = [block_of(unet, layer).attn2 for layer in layers]
        if compile_it:
            self.predict = compiled(self.predict)

    def begin(self, latents: Tensor, timesteps: Tensor) -> Begun:
        """See `Forward`."""
        latents = latents.to(self._unet.dtype)
        return Begun(latents, latents, timesteps, ())

    def predict(self, begun: Begun, context: Tensor) -> Tensor:
        """See `Forward`."""
        return self._call(begun, context)

    def attend(self, begun: Begun, context: Tensor, token_weights: Tensor) -> tuple[Tensor, ...]:
        """See `Forward`."""
        maps: dict[int, Tensor] = {}
        with suppress(_AllRead), self._capturing(token_weights[..., None], maps, leave=True):
            self._call(begun, context)
        return tuple(one[:, 0] for one in self._grids(begun, maps))

    def observe(self, begun: Begun, context: Tensor, token_weights: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """See `Forward`."""
        maps: dict[int, Tensor] = {}
        with self._capturing(token_weights, maps, leave=False):
            found = self._call(begun, context)
        return found, self._grids(begun, maps)

    def _call(self, begun: Begun, context: Tensor) -> Tensor:
        """The network as it is; another kind of network overrides this."""
        context = context.to(begun.hidden.dtype)
        return self._unet(begun.hidden, begun.time, encoder_hidden_states=context, return_dict=False)[0]

    def for_attention(self, begun: Begun) -> Begun:
        """See `Forward`."""
        return begun

    def _grids(self, begun: Begun, maps: Mapping[int, Tensor]) -> tuple[Tensor, ...]:
        """What was noted of each layer, `[B, K, h, w]`."""
        size = begun.hidden.shape[-2:]
        found = [maps[id(layer)].transpose(1, 2) for layer in self._layers]
        return tuple(one.unflatten(2, _grid(one.shape[2], size[0], size[1])) for one in found)

    @contextmanager
    def _capturing(self, token_weights: Tensor, maps: dict[int, Tensor], *, leave: bool) -> Iterator[None]:
        originals = [layer.processor for layer in self._layers]
        count = len(self._layers) if leave else 0
        try:
            for layer in self._layers:
                layer.processor = _Reading(layer.processor, token_weights, maps, count)
            yield
        finally:
            for layer, original in zip(self._layers, originals, strict=True):
                layer.processor = original


class _AllRead(Exception):  # noqa: N818 - no error
    """Raised in the midst of a forward pass, to leave it."""


class _Reading:
    """An attention processor that notes its maps before it does what the one in its place did.

    Once `layers` are noted, it leaves the pass; 0 for never.
    """

    def __init__(self, original: Any, token_weights: Tensor, maps: dict[int, Tensor], layers: int) -> None:
        self._original = original
        self._token_weights = token_weights
        self._maps = maps
        self._layers = layers

    def __call__(self, attn: Any, hidden: Tensor, encoder_hidden_states: Tensor, *args: Any, **options: Any) -> Any:
        self._maps[id(attn)] = attention_maps(attn, hidden, encoder_hidden_states, self._token_weights)
        if len(self._maps) == self._layers:
            raise _AllRead
        return self._original(attn, hidden, encoder_hidden_states, *args, **options)


def _grid(places: int, height: int, width: int) -> tuple[int, int]:
    """The sides of a layer's map, from how often the latent's must be halved to have as many places."""
    while height * width > places:
        height, width = -(-height // 2), -(-width // 2)
    if height * width != places:
        raise MethodError(f"a layer attends from {places} places, which is no halving of the latent; choose others")
    return height, width
