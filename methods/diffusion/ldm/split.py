"""The forward pass of a plain UNet2DConditionModel as one list of steps, which can begin and end anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .attention import attention_map, attention_maps, block_of
from .compiled import compiled
from .forward import Begun


@dataclass
class _Walk:
    """Where a pass is: features (inside a transformer, tokens), and what later steps need."""

    hidden: Tensor
    residual: Tensor
    time: Tensor
    skips: list[Tensor]
    context: Tensor


class _Step(NamedTuple):
    apply: Callable[[Any, _Walk], None]
    module: Any
    layer: str = ""
    """The name of the cross-attention layer, of one that is read."""


class SplitForward:
    """A plain UNet, step by step."""

    def __init__(self, unet: Any, layers: Sequence[str], compile_it: bool) -> None:
        """List the network's steps.

        Args:
            unet: A network that `is_plain` says yes to.
            layers: The layers that `attend` reads.
            compile_it: Compile each part.
        """
        self._unet = unet
        read = {id(block_of(unet, layer)): layer for layer in layers}
        steps = _steps(unet)
        crossings = [index for index, step in enumerate(steps) if step.apply is _cross_attend]
        for index in crossings:
            steps[index] = steps[index]._replace(layer=read.get(id(steps[index].module), ""))
        last = max(index for index in crossings if steps[index].layer)
        self._before, self._after = steps[: crossings[0]], steps[crossings[0] :]
        self._reading = steps[crossings[0] : last + 1]
        pushed = sum(step.apply is _push for step in self._reading)
        self._skips_read = max(0, sum(step.apply is _pop for step in self._reading) - pushed)
        if compile_it:
            self.begin = compiled(self.begin)
            self.predict = compiled(self.predict)
            self.attend = compiled(self.attend)
            self.observe = compiled(self.observe)

    def begin(self, latents: Tensor, timesteps: Tensor) -> Begun:
        """See `Forward`."""
        unet = self._unet
        latents = latents.to(unet.dtype)
        if unet.config.center_input_sample:
            latents = 2 * latents - 1
        time = unet.time_embedding(unet.get_time_embed(sample=latents, timestep=timesteps))
        if unet.time_embed_act is not None:
            time = unet.time_embed_act(time)
        # No step before the first cross-attention reads the context.
        walk = _Walk(latents, latents, time, [], context=time)
        for step in self._before:
            step.apply(step.module, walk)
        return Begun(walk.hidden, walk.residual, walk.time, tuple(walk.skips))

    def predict(self, begun: Begun, context: Tensor) -> Tensor:
        """See `Forward`."""
        walk = _Walk(begun.hidden, begun.residual, begun.time, list(begun.skips), context.to(begun.hidden.dtype))
        for step in self._after:
            step.apply(step.module, walk)
        return walk.hidden

    def attend(self, begun: Begun, context: Tensor, token_weights: Tensor) -> tuple[Tensor, ...]:
        """See `Forward`."""
        walk = _Walk(begun.hidden, begun.residual, begun.time, list(begun.skips), context.to(begun.hidden.dtype))
        maps: list[Tensor] = []
        for index, step in enumerate(self._reading):
            if step.layer:
                block = step.module
                read = attention_map(block.attn2, block.norm2(walk.hidden), walk.context, token_weights)
                maps.append(read.unflatten(1, walk.residual.shape[-2:]))
            if index + 1 < len(self._reading):
                step.apply(step.module, walk)
        return tuple(maps)

    def observe(self, begun: Begun, context: Tensor, token_weights: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """See `Forward`."""
        walk = _Walk(begun.hidden, begun.residual, begun.time, list(begun.skips), context.to(begun.hidden.dtype))
        maps: list[Tensor] = []
        for step in self._after:
            if step.layer:
                block = step.module
                read = attention_maps(block.attn2, block.norm2(walk.hidden), walk.context, token_weights)
                maps.append(read.transpose(1, 2).unflatten(2, walk.residual.shape[-2:]))
            step.apply(step.module, walk)
        return walk.hidden, tuple(maps)

    def for_attention(self, begun: Begun) -> Begun:
        """Without the skips that only steps after the last layer read take up."""
        return begun._replace(skips=begun.skips[len(begun.skips) - self._skips_read :])


def is_plain(unet: Any) -> bool:
    """Whether a network consists of the steps that are known here, and of nothing else that changes its output."""
    from diffusers.models.transformers.transformer_2d import Transformer2DModel
    from diffusers.models.unets import unet_2d_blocks as blocks
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    if type(unet) is not UNet2DConditionModel or type(unet.mid_block) is not blocks.UNetMidBlock2DCrossAttn:
        return False
    config = unet.config
    extras = ("class_embed_type", "num_class_embeds", "addition_embed_type", "encoder_hid_dim_type", "encoder_hid_dim")
    if any(config.get(extra) is not None for extra in extras) or config.get("attention_type", "default") != "default":
        return False
    known = (blocks.DownBlock2D, blocks.CrossAttnDownBlock2D, blocks.UpBlock2D, blocks.CrossAttnUpBlock2D)
    # s1 and its like are FreeU's, which weighs features before they are joined.
    if any(type(b) not in known or getattr(b, "s1", None) for b in (*unet.down_blocks, *unet.up_blocks)):
        return False
    transformers = [t for b in _all_blocks(unet) for t in getattr(b, "attentions", ())]
    if not all(type(t) is Transformer2DModel and _is_plain_transformer(t) for t in transformers):
        return False
    # Their parts are called here, and they themselves never.
    not_called = (unet, *_all_blocks(unet), *transformers, *(b for t in transformers for b in t.transformer_blocks))
    return not any(map(_is_hooked, not_called))


def _is_hooked(module: Any) -> bool:
    """Whether something stands around a module's own forward pass: a hook of torch's, or a wrapper (accelerate's)."""
    return bool(module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module))


def _is_plain_transformer(transformer: Any) -> bool:
    plain = {"norm_type": "layer_norm", "only_cross_attention": False, "double_self_attention": False}
    return (
        transformer.is_input_continuous
        and transformer.config.num_embeds_ada_norm is None
        and all(transformer.config.get(key) == value for key, value in plain.items())
        and all(b.attn2 is not None and b.pos_embed is None for b in transformer.transformer_blocks)
    )


def _all_blocks(unet: Any) -> list[Any]:
    return [*unet.down_blocks, unet.mid_block, *unet.up_blocks]


def _steps(unet: Any) -> list[_Step]:
    """A plain network as a list, in the order that it is computed in."""
    steps = [_Step(_apply, unet.conv_in), _Step(_push, None)]
    for block in unet.down_blocks:
        transformers = getattr(block, "attentions", [None] * len(block.resnets))
        for resnet, transformer in zip(block.resnets, transformers, strict=True):
            steps += [_Step(_resnet, resnet), *_transformer_steps(transformer), _Step(_push, None)]
        for downsampler in block.downsamplers or ():
            steps += [_Step(_apply, downsampler), _Step(_push, None)]
    first, *resnets = unet.mid_block.resnets
    steps.append(_Step(_resnet, first))
    for transformer, resnet in zip(unet.mid_block.attentions, resnets, strict=True):
        steps += [*_transformer_steps(transformer), _Step(_resnet, resnet)]
    for block in unet.up_blocks:
        transformers = getattr(block, "attentions", [None] * len(block.resnets))
        for resnet, transformer in zip(block.resnets, transformers, strict=True):
            steps += [_Step(_pop, None), _Step(_resnet, resnet), *_transformer_steps(transformer)]
        steps += [_Step(_upsample, upsampler) for upsampler in block.upsamplers or ()]
    if unet.conv_norm_out is not None:
        steps += [_Step(_apply, unet.conv_norm_out), _Step(_apply, unet.conv_act)]
    return [*steps, _Step(_apply, unet.conv_out)]


def _transformer_steps(transformer: Any) -> list[_Step]:
    if transformer is None:
        return []
    inner = [
        _Step(apply, block)
        for block in transformer.transformer_blocks
        for apply in (_self_attend, _cross_attend, _feed_forward)
    ]
    return [_Step(_enter, transformer), *inner, _Step(_leave, transformer)]


def _apply(module: Any, walk: _Walk) -> None:
    walk.hidden = module(walk.hidden)


def _push(_: None, walk: _Walk) -> None:
    walk.skips.append(walk.hidden)


def _pop(_: None, walk: _Walk) -> None:
    walk.hidden = torch.cat([walk.hidden, walk.skips.pop()], dim=1)


def _resnet(resnet: Any, walk: _Walk) -> None:
    walk.hidden = resnet(walk.hidden, walk.time)


def _upsample(upsampler: Any, walk: _Walk) -> None:
    # The size of what is joined next: twice the size but for latents that halve to odd sides.
    walk.hidden = upsampler(walk.hidden, walk.skips[-1].shape[-2:])


def _enter(transformer: Any, walk: _Walk) -> None:
    walk.residual = walk.hidden
    hidden = transformer.norm(walk.hidden)
    if transformer.use_linear_projection:
        walk.hidden = transformer.proj_in(hidden.flatten(2).transpose(1, 2))
    else:
        walk.hidden = transformer.proj_in(hidden).flatten(2).transpose(1, 2)


def _self_attend(block: Any, walk: _Walk) -> None:
    walk.hidden = block.attn1(block.norm1(walk.hidden)) + walk.hidden


def _cross_attend(block: Any, walk: _Walk) -> None:
    walk.hidden = block.attn2(block.norm2(walk.hidden), encoder_hidden_states=walk.context) + walk.hidden


def _feed_forward(block: Any, walk: _Walk) -> None:
    walk.hidden = block.ff(block.norm3(walk.hidden)) + walk.hidden


def _leave(transformer: Any, walk: _Walk) -> None:
    size = walk.residual.shape[-2:]
    if transformer.use_linear_projection:
        hidden = transformer.proj_out(walk.hidden).transpose(1, 2).unflatten(2, size)
    else:
        hidden = transformer.proj_out(walk.hidden.transpose(1, 2).unflatten(2, size))
    walk.hidden = hidden + walk.residual
