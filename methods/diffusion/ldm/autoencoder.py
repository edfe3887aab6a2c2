"""MONAI's autoencoder as a diffusers network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from diffusers.configuration_utils import register_to_config
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import Tensor, nn

from ....core import WeightsError
from ...state import StateReader, renamed
from .monai_config import ConfigReader

CORE_NAMES = ((r"\.postconv\.conv\.", ".conv.conv."), (r"\.(attn[12])\.out_proj\.", r".\1.to_out.0."))
"""MONAI core's names -> monai-generative's, for both networks."""

_ATTENTION = "versions of MONAI compute its attention differently"
# Arguments that convert at one value only: name, MONAI's default, that value, why no other.
_LIMITS = (
    ("spatial_dims", None, 2, "an image has two dimensions"),
    ("with_encoder_nonlocal_attn", True, False, _ATTENTION),
    ("with_decoder_nonlocal_attn", True, False, _ATTENTION),
    ("use_convtranspose", False, False, "diffusers up-samples by repetition"),
    ("norm_eps", 1e-6, 1e-6, "diffusers fixes it"),
)
_RESNET_NAMES = ((r"^conv([12])\.", r"conv\1.conv."), (r"^conv_shortcut\.", "nin_shortcut.conv."))


class MonaiAutoencoderKL(AutoencoderKL):
    """diffusers' `AutoencoderKL` without the activation before the last convolution of encoder and decoder.

    MONAI goes from group norm to convolution there, diffusers has a SiLU between that no weights can undo. The class
    of its own keeps it away when a saved network is loaded again; `AutoencoderKL.from_pretrained` would bring it back.
    """

    # The whole signature is repeated because diffusers reads the names of a class's configuration from it.
    @register_to_config
    def __init__(
        self,
        in_channels: int = 1,
        out_channels: int = 1,
        down_block_types: tuple[str, ...] = ("DownEncoderBlock2D",),
        up_block_types: tuple[str, ...] = ("UpDecoderBlock2D",),
        block_out_channels: tuple[int, ...] = (64,),
        layers_per_block: int = 1,
        act_fn: str = "silu",
        latent_channels: int = 3,
        norm_num_groups: int = 32,
        sample_size: int = 32,
        scaling_factor: float = 0.3,
        shift_factor: float | None = None,
        latents_mean: tuple[float, ...] | None = None,
        latents_std: tuple[float, ...] | None = None,
        force_upcast: bool = True,
        use_quant_conv: bool = True,
        use_post_quant_conv: bool = True,
        mid_block_add_attention: bool = False,
    ) -> None:
        """Take the arguments of `AutoencoderKL`, whose meaning they keep."""
        super().__init__(
            in_channels=in_channels,
            out_channels=out_channels,
            down_block_types=down_block_types,  # pyright: ignore[reportArgumentType]
            up_block_types=up_block_types,  # pyright: ignore[reportArgumentType]
            block_out_channels=block_out_channels,  # pyright: ignore[reportArgumentType]
            layers_per_block=layers_per_block,
            act_fn=act_fn,
            latent_channels=latent_channels,
            norm_num_groups=norm_num_groups,
            sample_size=sample_size,
            scaling_factor=scaling_factor,
            shift_factor=shift_factor,
            latents_mean=latents_mean,  # pyright: ignore[reportArgumentType]
            latents_std=latents_std,  # pyright: ignore[reportArgumentType]
            force_upcast=force_upcast,
            use_quant_conv=use_quant_conv,
            use_post_quant_conv=use_post_quant_conv,
            mid_block_add_attention=mid_block_add_attention,
        )
        self.encoder.conv_act = nn.Identity()  # pyright: ignore[reportAttributeAccessIssue]
        self.decoder.conv_act = nn.Identity()  # pyright: ignore[reportAttributeAccessIssue]


def autoencoder_from_monai(
    state: Mapping[str, Tensor], config: Mapping[str, Any], scaling_factor: float, *, file: object = None
) -> MonaiAutoencoderKL:
    """MONAI's `AutoencoderKL` as a diffusers network in float32 on the CPU, for inference.

    Args:
        state: Its state dict, with the names of monai-generative or of MONAI core.
        config: Its arguments; `num_channels` may be called `channels`.
        scaling_factor: What latents are multiplied by before they meet the UNet; kept in the network's `config`.
        file: Where the state comes from, for messages.

    Returns:
        The network; means, deviations and decoded images differ from MONAI's by rounding.

    Raises:
        WeightsError: If diffusers cannot express the network, or the state does not fit the configuration.
    """
    what = f"the autoencoder in {file}" if file else "the autoencoder"
    given = ConfigReader(config, what)
    for limit in _LIMITS:
        given.refuse(*limit)
    if any(given.attention_levels):
        raise WeightsError(f"{what} has attention_levels, which cannot be converted: {_ATTENTION}")
    levels, layers = len(given.channels), given.per_level("num_res_blocks", 2)
    with torch.device("meta"):
        vae = MonaiAutoencoderKL(
            in_channels=given.get("in_channels", 1),
            out_channels=given.get("out_channels", 1),
            down_block_types=("DownEncoderBlock2D",) * levels,
            up_block_types=("UpDecoderBlock2D",) * levels,
            block_out_channels=given.channels,
            layers_per_block=max(layers),
            latent_channels=given.get("latent_channels", 3),
            norm_num_groups=given.get("norm_num_groups", 32),
            scaling_factor=scaling_factor,
        )
    reader = StateReader(state, what, CORE_NAMES)
    sources = {**dict(_modules("encoder", "down", layers)), **dict(_modules("decoder", "up", layers[::-1]))}
    sources["post_quant_conv"] = "post_quant_conv.conv"
    shapes = {name: tuple(tensor.shape) for name, tensor in vae.state_dict().items()}
    found = {name: _tensor(reader, sources, name, shape) for name, shape in shapes.items()}
    reader.finish()
    vae.load_state_dict(found, assign=True)
    return vae.eval().requires_grad_(False)


def _modules(side: str, way: str, layers: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    """MONAI's modules by diffusers' names; they lie in one flat list on either side."""
    yield f"{side}.conv_in", f"{side}.blocks.0.conv"
    number = 1
    for level, count in enumerate(layers):
        for layer in range(count):
            yield f"{side}.{way}_blocks.{level}.resnets.{layer}", f"{side}.blocks.{number}"
            number += 1
        if level < len(layers) - 1:
            yield f"{side}.{way}_blocks.{level}.{way}samplers.0.conv", f"{side}.blocks.{number}.conv.conv"
            number += 1
    yield f"{side}.conv_norm_out", f"{side}.blocks.{number}"
    yield f"{side}.conv_out", f"{side}.blocks.{number + 1}.conv"


def _tensor(reader: StateReader, sources: Mapping[str, str], name: str, shape: tuple[int, ...]) -> Tensor:
    """The tensor that diffusers calls `name`, made of MONAI's."""
    inside = re.fullmatch(r"(.+\.resnets\.\d+)\.(.+)", name)
    module, leaf = inside.groups() if inside else name.rsplit(".", 1)
    if module == "encoder.conv_out":
        # diffusers' encoder ends in mean and log-variance; MONAI makes both from one output, in its quant convolutions.
        return torch.cat([reader.take(f"{sources[module]}.{leaf}", (shape[0] // 2, *shape[1:]))] * 2)
    if module == "quant_conv":
        half = tuple(size // 2 for size in shape[:2]) + shape[2:]
        mean, log_variance = (reader.take(f"quant_conv_{part}.conv.{leaf}", half) for part in ("mu", "log_sigma"))
        if leaf == "bias":
            return torch.cat([mean, log_variance])
        none = torch.zeros(half)
        return torch.cat([torch.cat([mean, none], dim=1), torch.cat([none, log_variance], dim=1)])
    if module in sources:
        return reader.take(f"{sources[module]}.{renamed(leaf, _RESNET_NAMES) if inside else leaf}", shape)
    # A residual block that MONAI has not: its last convolution being zero, it passes its input on.
    return torch.zeros(shape)
