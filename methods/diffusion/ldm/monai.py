"""Latent diffusion checkpoints of MONAI (monai-generative 0.2, MONAI core 1.4 and later) as diffusers networks.

The conversion is exact but for rounding: both sides compute the same layers in the same order. What diffusers cannot
express is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor

from ....core import WeightsError
from ...state import StateReader, read_weights, renamed
from .autoencoder import CORE_NAMES, autoencoder_from_monai
from .monai_config import ConfigReader

__all__ = [
    "OFFICIAL_AUTOENCODER",
    "OFFICIAL_SCALE_FACTOR",
    "OFFICIAL_SCHEDULER",
    "OFFICIAL_UNET",
    "autoencoder_from_monai",
    "layers_in_monai_order",
    "read_weights",
    "unet_from_monai",
]

OFFICIAL_UNET: Mapping[str, Any] = {
    "spatial_dims": 2,
    "in_channels": 3,
    "out_channels": 3,
    "num_res_blocks": 2,
    "num_channels": (256, 512, 768),
    "attention_levels": (False, True, True),
    "with_conditioning": True,
    "cross_attention_dim": 1024,
    "num_head_channels": (0, 512, 768),
}
"""The UNet of the paper's checkpoint: 263.6 million parameters."""

OFFICIAL_AUTOENCODER: Mapping[str, Any] = {
    "spatial_dims": 2,
    "in_channels": 1,
    "out_channels": 1,
    "num_channels": (64, 128, 128, 128),
    "latent_channels": 3,
    "num_res_blocks": 2,
    "attention_levels": (False, False, False, False),
    "with_encoder_nonlocal_attn": False,
    "with_decoder_nonlocal_attn": False,
}
"""The autoencoder of the paper's checkpoint: a grey image in [0, 1] to 3 channels of an eighth of its side."""

OFFICIAL_SCHEDULER: Mapping[str, Any] = {
    "schedule": "scaled_linear_beta",
    "num_train_timesteps": 1000,
    "beta_start": 0.0015,
    "beta_end": 0.0205,
    "prediction_type": "v_prediction",
}
"""The noise schedule of the paper's checkpoint."""

OFFICIAL_SCALE_FACTOR = 0.3
"""What the paper's latents are multiplied by before they meet the UNet."""

# Arguments that convert at one value only: name, MONAI's default, that value, why no other.
_LIMITS = (
    ("spatial_dims", None, 2, "an image has two dimensions"),
    ("with_conditioning", False, True, "a network that reads no phrase cannot ground one"),
    ("resblock_updown", False, False, "diffusers has no such layers between levels with cross-attention"),
    ("num_class_embeds", None, None, "there is no class label to give it"),
    ("include_fc", True, True, "diffusers' attention ends in a linear layer"),
    ("use_combined_linear", False, False, "diffusers keeps query, key and value apart"),
)

# diffusers' names -> monai-generative's; what no rule meets is called the same.
_NAMES = (
    (r"^conv_in\.", "conv_in.conv."),
    (r"^time_embedding\.linear_1\.", "time_embed.0."),
    (r"^time_embedding\.linear_2\.", "time_embed.2."),
    (r"^conv_norm_out\.", "out.0."),
    (r"^conv_out\.", "out.2.conv."),
    (r"^mid_block\.resnets\.0\.", "middle_block.resnet_1."),
    (r"^mid_block\.resnets\.1\.", "middle_block.resnet_2."),
    (r"^mid_block\.attentions\.0\.", "middle_block.attention."),
    (r"\.downsamplers\.0\.conv\.", ".downsampler.op.conv."),
    (r"\.upsamplers\.0\.conv\.", ".upsampler.conv.conv."),
    (r"\.conv([12])\.", r".conv\1.conv."),
    (r"\.conv_shortcut\.", ".skip_connection.conv."),
    (r"\.proj_(in|out)\.", r".proj_\1.conv."),
    (r"\.ff\.net\.0\.proj\.", ".ff.linear1."),
    (r"\.ff\.net\.2\.", ".ff.linear2."),
)


def unet_from_monai(
    state: Mapping[str, Tensor], config: Mapping[str, Any], *, file: object = None
) -> UNet2DConditionModel:
    """MONAI's `DiffusionModelUNet` as a diffusers network in float32 on the CPU, for inference.

    Args:
        state: Its state dict, with the names of monai-generative or of MONAI core.
        config: Its arguments; `num_channels` may be called `channels`.
        file: Where the state comes from, for messages.

    Returns:
        The network; its output differs from MONAI's by rounding (3e-6 where outputs are about 2).

    Raises:
        WeightsError: If diffusers cannot express the network, or the state does not fit the configuration.
    """
    what = f"the UNet in {file}" if file else "the UNet"
    given = ConfigReader(config, what)
    for limit in _LIMITS:
        given.refuse(*limit)
    attention = given.attention_levels
    norm_eps = float(given.get("norm_eps", 1e-6))
    with torch.device("meta"):
        arguments: dict[str, Any] = {
            "sample_size": 64,
            "in_channels": given.required("in_channels"),
            "out_channels": given.required("out_channels"),
            "down_block_types": tuple("CrossAttnDownBlock2D" if here else "DownBlock2D" for here in attention),
            "mid_block_type": "UNetMidBlock2DCrossAttn",
            "up_block_types": tuple("CrossAttnUpBlock2D" if here else "UpBlock2D" for here in attention[::-1]),
            "block_out_channels": given.channels,
            "layers_per_block": given.per_level("num_res_blocks", 2),
            "norm_num_groups": given.get("norm_num_groups", 32),
            "norm_eps": norm_eps,
            "cross_attention_dim": given.required("cross_attention_dim"),
            "transformer_layers_per_block": given.get("transformer_num_layers", 1),
            "attention_head_dim": _heads(given, what),  # diffusers' name for the number of heads
            "upcast_attention": given.get("upcast_attention", False),
        }
        unet = UNet2DConditionModel(**arguments)
    reader = StateReader(state, what, CORE_NAMES)
    shapes = {name: tuple(tensor.shape) for name, tensor in unet.state_dict().items()}
    found = {name: reader.take(renamed(name, _NAMES), shape) for name, shape in shapes.items()}
    reader.finish()
    unet.load_state_dict(found, assign=True)
    for module in unet.modules():
        if isinstance(module, Transformer2DModel):
            module.norm.eps = norm_eps  # its constructor takes none and says 1e-6
    return unet.eval().requires_grad_(False)


def layers_in_monai_order(unet: UNet2DConditionModel) -> list[str]:
    """The cross-attention layers of a UNet, numbered as the paper's code does: down, middle, up.

    diffusers registers the middle last, so the order of `unet.attn_processors` is another.

    Returns:
        Names below `unet`; the index is the paper's. "down_blocks.2.attentions.1" is a `Transformer2DModel` and stands
        for its only transformer block; where it has more, each cross-attention is a layer of its own, as in the
        paper's code, and the name goes on: "down_blocks.2.attentions.1.transformer_blocks.0".
    """
    names: list[str] = []
    for part in ("down_blocks", "mid_block", "up_blocks"):
        for name, module in unet.get_submodule(part).named_modules(prefix=part):
            if isinstance(module, Transformer2DModel):
                blocks = [f"{name}.transformer_blocks.{index}" for index in range(len(module.transformer_blocks))]
                names.extend([name] if len(blocks) == 1 else blocks)
    return names


def _heads(given: ConfigReader, what: str) -> tuple[int, ...]:
    """Attention heads at each level; 1, without effect, where there is no attention."""
    heads: list[int] = []
    last = len(given.channels) - 1
    widths = zip(given.channels, given.per_level("num_head_channels", 8), strict=True)
    for level, (channels, head_channels) in enumerate(widths):
        # The middle block takes the last level's heads, whether or not that level has attention.
        if not given.attention_levels[level] and level != last:
            heads.append(1)
        elif head_channels < 1 or channels % head_channels:
            raise WeightsError(
                f"the configuration of {what} has num_head_channels {head_channels} for {channels} channels at level "
                f"{level}; it must divide them"
            )
        else:
            heads.append(channels // head_channels)
    return tuple(heads)
