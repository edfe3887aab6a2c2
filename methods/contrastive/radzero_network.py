"""RadZero's networks out of plain transformers classes; the repository's own code is not needed, nor run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from transformers import Dinov2Config, Dinov2Model, MPNetConfig, MPNetModel
from transformers.models.dinov2.modeling_dinov2 import Dinov2Encoder

from ...core import WeightsError

# Names of DINOv2's attention in the file -> those that transformers 5 gave them.
RENAMED = (
    (r"\.attention\.attention\.([qkv])\w+\.", r".attention.\1_proj."),
    (r"\.attention\.output\.dense\.", ".attention.o_proj."),
)


class RadZeroNetwork(nn.Module):
    """Image patches and phrases in one space; parameters are named as in the authors' file."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Build it, without its weights.

        Args:
            config: The repository's config.json.

        Raises:
            WeightsError: If the configuration is of another variant than the one that is published.
        """
        super().__init__()
        vision, text, align, loss = _sections(config)
        self.vision_model = Dinov2Model(Dinov2Config(**vision))
        layers = Dinov2Config(**align)
        layers._attn_implementation = self.vision_model.config._attn_implementation
        self.align_transformer = nn.ModuleDict({"transformer_layers": Dinov2Encoder(layers)})
        self.text_model = MPNetModel(MPNetConfig(**text))
        joint = nn.ModuleDict({"layer_norm": nn.LayerNorm(int(loss["hidden_dim"]))})
        # The logarithm, as in the authors' code.
        joint.register_parameter("loss_temperature", nn.Parameter(torch.tensor([loss["loss_temperature"]]).log()))
        self.loss_fns = nn.ModuleDict({"RadZeroLoss": joint})

    @property
    def renaming(self) -> tuple[tuple[str, str], ...]:
        """From the file's names to those of the transformers that is installed."""
        # The text tower's attention is called otherwise in either.
        return RENAMED if any(".attention.q_proj." in name for name in self.state_dict()) else ()

    @property
    def temperature(self) -> float:
        """What the authors divide cosines by."""
        return float(self._joint.loss_temperature.detach().float().exp())

    @property
    def patch_size(self) -> int:
        """The side of a patch, in pixels of the input."""
        return int(cast("int", self.vision_model.config.patch_size))

    @property
    def most_tokens(self) -> int:
        """The most tokens of a phrase; positions are counted from behind the padding's."""
        config = self.text_model.config
        return int(config.max_position_embeddings) - int(config.pad_token_id or 0) - 1

    def patches(self, pixels: Tensor) -> Tensor:
        """Embeddings `[n, h, w, d]` of unit length of the patches of images `[n, 3, H, W]`."""
        tokens = self.vision_model(pixels).last_hidden_state
        tokens = self.align_transformer["transformer_layers"](tokens).last_hidden_state
        found = nn.functional.normalize(self._joint["layer_norm"](tokens)[:, 1:], dim=-1)
        return found.unflatten(1, (pixels.shape[2] // self.patch_size, pixels.shape[3] // self.patch_size))

    def phrases(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Embeddings `[m, d]` of unit length of tokenized phrases `[m, L]`: the mean over tokens, then the norm."""
        states = self.text_model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weights = attention_mask[..., None].to(states.dtype)
        mean = (states * weights).sum(1) / weights.sum(1)
        return nn.functional.normalize(self._joint["layer_norm"](mean), dim=-1)

    @property
    def _joint(self) -> Any:
        return self.loss_fns["RadZeroLoss"]


# What the published model says of itself where the authors' code knows other values, which change the map.
_PUBLISHED = (
    ("vision_config", "model_type", "dinov2"),
    ("text_config", "model_type", "mpnet"),
    ("text_config", "use_cls_token", False),
    ("text_config", "use_text_projection", False),
    ("align_transformer_config", "use_layer_norm", False),
    ("RadZeroLoss", "sim_op", "cos"),
    ("RadZeroLoss", "text_features_l2_norm", False),
    ("RadZeroLoss", "attn_temperature", None),
)


def _sections(config: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The configurations of image tower, text tower, the layers between, and the joint space."""
    losses = config.get("loss")
    found = {name: config.get(name) for name in ("vision_config", "text_config", "align_transformer_config")}
    found["RadZeroLoss"] = losses.get("RadZeroLoss") if isinstance(losses, Mapping) else None
    for name, section in found.items():
        if not isinstance(section, Mapping):
            raise WeightsError(f"config.json has no {name}; give the folder or hub id of a RadZero model")
    for name, key, wanted in _PUBLISHED:
        given = (found[name] or {}).get(key, wanted)
        if given != wanted:
            raise WeightsError(
                f"config.json has {key} {given!r} in {name}; the method radzero knows the published model, which has "
                f"{wanted!r}"
            )
    vision, text, align, joint = (dict(section or {}) for section in found.values())
    for key, section in (("hidden_dim", joint), ("loss_temperature", joint), ("hidden_size", align)):
        if not isinstance(section.get(key), (int, float)):
            raise WeightsError(f"config.json lacks the number {key}; get the file again")
    return vision, text, align, joint
