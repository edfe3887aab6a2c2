"""Diffusion transformers with cross-attention, loaded from pipelines of diffusers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_dc import AutoencoderDC
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.transformers.pixart_transformer_2d import PixArtTransformer2DModel
from diffusers.models.transformers.sana_transformer import SanaTransformer2DModel
from torch import Tensor

from ....core import WeightsError
from ..ldm.checkpoint import load_network
from ..ldm.sources import DiffusersSource
from ..ldm.text_encoder import load_text

TRANSFORMERS = {
    "PixArtTransformer2DModel": PixArtTransformer2DModel,
    "SanaTransformer2DModel": SanaTransformer2DModel,
}
"""The networks whose blocks have a cross-attention, `attn2`, by the names that configurations give them."""
_AUTOENCODERS = {"AutoencoderKL": AutoencoderKL, "AutoencoderDC": AutoencoderDC}
# Those that attend over image and phrase together, of which nothing says where the one looks for the other.
_JOINT = ("SD3", "Flux", "Lumina2", "AuraFlow", "CogView", "HunyuanVideo", "QwenImage", "Chroma", "HiDream", "OmniGen")
# The length that PixArt-Sigma and Sana were trained with.
_MAX_TOKENS = 300


@dataclass(frozen=True)
class LoadedTransformer:
    """A diffusion transformer with its text encoder, on one device, for inference.

    Attributes:
        transformer: One of `TRANSFORMERS`.
        vae: Images in -1..1 to latents.
        scheduler: The configuration of its scheduler.
        text_encoder: A transformers model.
        tokenizer: Its tokenizer.
        max_tokens: To how many tokens phrases are cut, special tokens included.
    """

    transformer: Any
    vae: Any
    scheduler: Mapping[str, Any]
    text_encoder: Any
    tokenizer: Any
    max_tokens: int

    @torch.inference_mode()
    def token_states(self, input_ids: tuple[int, ...]) -> Tensor:
        """The states `[L, D]` of a phrase's tokens, without padding.

        Attention to padding is masked in these networks, so that without it they compute the same.
        """
        ids = torch.tensor([input_ids], device=self.transformer.device)
        found = self.text_encoder(input_ids=ids, attention_mask=torch.ones_like(ids), return_dict=True)
        return found.last_hidden_state[0]


def load_transformer(source: DiffusersSource, seed: int | None, device: str | torch.device) -> LoadedTransformer:
    """Load a diffusion transformer; no code that lies beside it is run.

    Args:
        source: Where its parts are.
        seed: Of drawn weights; None to read them.
        device: Where all networks go.

    Raises:
        WeightsError: If a part cannot be loaded, the parts do not fit, or the network has no cross-attention.
    """
    _refuse_joint(source)
    where = f"the transformer in {source.network.folder}"
    transformer = load_network(source.network, "transformer", TRANSFORMERS, seed, "dit")
    if transformer.config.get("guidance_embeds"):
        raise WeightsError(
            f"{where} asks for a guidance scale (guidance_embeds), as distilled ones do; the method dit knows those "
            "trained without"
        )
    vae = load_network(source.vae, "autoencoder", _AUTOENCODERS, seed, "dit")
    encoder, tokenizer, _ = load_text("dit", source.text, seed)
    # Padding is cut off again; on the left, positions would depend on it.
    tokenizer.padding_side = "right"
    wanted, given = transformer.config["caption_channels"], encoder.config.hidden_size
    if wanted != given:
        raise WeightsError(
            f"{where} reads token states of {wanted} numbers, its text encoder gives {given}; name the text encoder "
            "that it was trained with: --set text_encoder=FOLDER-OR-HUB-ID"
        )
    wanted, given = transformer.config["in_channels"], vae.config["latent_channels"]
    if wanted != given:
        raise WeightsError(
            f"{where} reads latents of {wanted} channels, its autoencoder gives {given}; they do not belong together"
        )
    return LoadedTransformer(
        transformer=transformer.to(device),
        vae=vae.to(device),
        scheduler=source.scheduler.config("scheduler_config.json"),
        text_encoder=encoder.to(device),
        tokenizer=tokenizer,
        max_tokens=int(min(_MAX_TOKENS, tokenizer.model_max_length)),
    )


def _refuse_joint(source: DiffusersSource) -> None:
    name = str(source.network.config().get("_class_name"))
    if name.startswith(_JOINT):
        raise WeightsError(
            f"the transformer in {source.network.folder} is a {name}, whose blocks attend to image and phrase jointly, "
            f"so that there is no cross-attention to read; the method dit reads a {' or '.join(TRANSFORMERS)}"
        )
