"""A latent diffusion model, loaded: diffusers pipelines and MONAI's checkpoint, with their text encoders.

`weights` is one of

- a folder with a diffusers pipeline: `unet/` (or `unet_ema/`, which is taken first), `vae/`, `scheduler/`,
  `text_encoder/` and `tokenizer/`, as `save_pretrained` writes them: Stable Diffusion 1.x and 2.x, RoentGen;
- the id of a Hugging Face hub repository with the same content, "owner/name" or "owner/name@revision";
- "monai:FOLDER": `autoencoder` and `diffusion_model`, each as .pth, .pt or .safetensors, and a `config.json` with
  `unet`, `autoencoder` and, if they differ from the paper's, `scheduler` and `scale_factor`; without the file, the
  paper's. `text_encoder/` and `tokenizer/` may lie beside them.

`text_encoder` is a folder or hub id that takes the place of the model's own: a pipeline, or one folder of both encoder
and tokenizer, such as CXR-BERT's. `base` is the pipeline that gives what `weights` lacks, where only a tuned UNet was
published. For `FelixNuetzel/cxr_bert_ldm` both are known; a local copy of it needs both options.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from torch import Tensor, nn

from ....core import WeightsError
from ...hub import unloadable
from ...random_weights import drawing
from ...repository import Part, read_config
from ...state import StateReader, read_weights
from .autoencoder import MonaiAutoencoderKL
from .embedding import Change, changed
from .monai import (
    OFFICIAL_AUTOENCODER,
    OFFICIAL_SCALE_FACTOR,
    OFFICIAL_SCHEDULER,
    OFFICIAL_UNET,
    autoencoder_from_monai,
    unet_from_monai,
)
from .sources import DiffusersSource, MonaiSource, locate
from .text_encoder import load_text

__all__ = ["LoadedModel", "load_checkpoint", "load_network"]

# Stable Diffusion's length; models tuned from it with a BERT were trained at the same one, though BERT reads more.
_MAX_TOKENS = 77
# diffusers' names of an attention block -> those in files written before it renamed them, as Stable Diffusion 1.5's.
_OLD_ATTENTION = (
    (r"\.attentions\.0\.query\.", ".attentions.0.to_q."),
    (r"\.attentions\.0\.key\.", ".attentions.0.to_k."),
    (r"\.attentions\.0\.value\.", ".attentions.0.to_v."),
    (r"\.attentions\.0\.proj_attn\.", ".attentions.0.to_out.0."),
)
# What a UNet may ask for besides latents, time and token states.
_EXTRAS = ("addition_embed_type", "class_embed_type", "encoder_hid_dim")


@dataclass(frozen=True)
class LoadedModel:
    """A latent diffusion model with its text encoder, on one device, for inference.

    Attributes:
        unet: Predicts noise; has the type asked for.
        vae: Images to latents, float32. A grey image is repeated to its `config.in_channels`.
        scheduler: Configuration of the noise schedule: diffusers', or the `scheduler` part of a MONAI configuration.
        text_encoder: A transformers model, float32; `token_states` calls it.
        tokenizer: Its tokenizer.
        pixel_range: What black and white are for `vae`.
        max_tokens: To how many tokens phrases are padded and cut, special tokens included.
        scaling_factor: What latents of `vae` are multiplied by before they meet `unet`.
        masks_padding: Whether the text encoder is told which tokens are padding. BERTs are; CLIP was trained without.
        name: The weights' name, without a path.
    """

    unet: UNet2DConditionModel
    vae: AutoencoderKL
    scheduler: Mapping[str, Any]
    text_encoder: Any
    tokenizer: Any
    pixel_range: tuple[float, float]
    max_tokens: int
    scaling_factor: float
    masks_padding: bool
    name: str

    @torch.inference_mode()
    def token_states(self, input_ids: Tensor, attention_mask: Tensor, change: Change | None = None) -> Tensor:
        """The states of phrases' tokens that the UNet's cross-attention reads.

        Args:
            input_ids: `[P, L]`, padded to `max_tokens`.
            attention_mask: `[P, L]`, 0 for padding.
            change: What is done to the input embeddings; None for nothing.

        Returns:
            float32 `[P, L, D]` on the model's device.
        """
        return self.states_with_gradient(input_ids, attention_mask, change)

    def states_with_gradient(self, input_ids: Tensor, attention_mask: Tensor, change: Change | None) -> Tensor:
        """As `token_states`, and gradients reach what the change is made of."""
        device = self.unet.device
        mask = attention_mask.to(device) if self.masks_padding else None
        with changed(self.text_encoder, change):
            found = self.text_encoder(input_ids=input_ids.to(device), attention_mask=mask, return_dict=True)
        return found.last_hidden_state


def load_checkpoint(
    weights: str,
    *,
    text_encoder: str = "",
    base: str = "",
    seed: int | None = None,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> LoadedModel:
    """Load a latent diffusion model from files or from the Hugging Face hub; no code that lies there is run.

    Args:
        weights: What to load, in one of the module's three forms.
        text_encoder: Text encoder and tokenizer to use instead of the model's own.
        base: The pipeline that gives the parts that `weights` lacks.
        seed: Of weights that are drawn; of the files, configurations and the tokenizer alone are read then.
        dtype: Of the UNet.
        device: Where all networks go.

    Raises:
        WeightsError: If a part is missing, cannot be reached or loaded, or the parts do not fit one another.
        MethodError: If a package is missing.
    """
    source = locate(weights, text_encoder, base)
    unet: Any
    vae: Any
    if isinstance(source, MonaiSource):
        unet, vae, scheduler = _load_monai(source)
    else:
        unet, vae, scheduler = _load_diffusers(source, seed)
    encoder, tokenizer, kind = load_text("ldm", source.text, seed)
    limits = (_MAX_TOKENS, tokenizer.model_max_length, encoder.config.max_position_embeddings)
    _check_fit(weights, unet, vae, encoder, tokenizer)
    # diffusers' own `to` warns of layers that it would have kept in float32, of which a UNet has none.
    nn.Module.to(unet, device=device, dtype=dtype)
    return LoadedModel(
        unet=unet,
        vae=vae.to(device),
        scheduler=scheduler,
        text_encoder=encoder.to(device),
        tokenizer=tokenizer,
        pixel_range=(0.0, 1.0) if isinstance(vae, MonaiAutoencoderKL) else (-1.0, 1.0),
        max_tokens=int(min(limits)),
        scaling_factor=float(vae.config["scaling_factor"]),
        masks_padding=kind != "clip" or bool(getattr(encoder.config, "use_attention_mask", False)),
        name=weights.rstrip("/").rpartition("/")[2],
    )


def _load_monai(source: MonaiSource) -> tuple[UNet2DConditionModel, MonaiAutoencoderKL, Mapping[str, Any]]:
    config: dict[str, Any] = {
        "unet": OFFICIAL_UNET,
        "autoencoder": OFFICIAL_AUTOENCODER,
        "scheduler": OFFICIAL_SCHEDULER,
        "scale_factor": OFFICIAL_SCALE_FACTOR,
    } | (read_config(source.config) if source.config else {})
    unet = unet_from_monai(read_weights(source.unet), config["unet"], file=source.unet)
    vae = autoencoder_from_monai(
        read_weights(source.autoencoder), config["autoencoder"], config["scale_factor"], file=source.autoencoder
    )
    return unet, vae, config["scheduler"]


def _load_diffusers(
    source: DiffusersSource, seed: int | None
) -> tuple[UNet2DConditionModel, AutoencoderKL, Mapping[str, Any]]:
    unet = load_network(source.network, "UNet", {"UNet2DConditionModel": UNet2DConditionModel}, seed)
    for name in _EXTRAS:
        if unet.config[name] is not None:
            raise WeightsError(
                f"the UNet in {source.network.folder} has {name} {unet.config[name]!r}; the method ldm knows networks "
                "that read an image, a time step and one phrase, such as Stable Diffusion 1.x and 2.x"
            )
    vae = load_network(
        source.vae, "autoencoder", {"AutoencoderKL": AutoencoderKL, "MonaiAutoencoderKL": MonaiAutoencoderKL}, seed
    )
    return unet, vae, source.scheduler.config("scheduler_config.json")


def load_network(part: Part, what: str, classes: Mapping[str, Any], seed: int | None, method: str = "ldm") -> Any:
    """A diffusers network in float32 on the CPU, for inference.

    Args:
        part: Where it lies.
        what: What it is, for messages.
        classes: The classes that it may be of, by name.
        seed: Of drawn weights, for which there need not be a file.
        method: The method's name, for messages.

    Raises:
        WeightsError: If it is of another class, or its file is not exactly what its configuration asks for.
    """
    config = part.config()
    name = str(config.get("_class_name"))
    if name not in classes:
        raise WeightsError(
            f"the {what} in {part.folder} is a {name}; the method {method} needs a {' or '.join(classes)}"
        )
    file = None if seed is not None else part.network()
    try:
        with torch.device("meta") if seed is None else drawing(seed):
            network = classes[name].from_config(config)
    except Exception as error:  # diffusers raises many types for a configuration that it cannot build
        raise unloadable(method, f"{part.folder / 'config.json'}", error) from error
    if file is None:
        return network.eval().requires_grad_(False)
    reader = StateReader(read_weights(file), f"the {what} in {file}", _OLD_ATTENTION)
    state = {key: reader.take(key, tuple(tensor.shape)) for key, tensor in network.state_dict().items()}
    reader.finish()
    if not all(buffer in state for buffer, _ in network.named_buffers()):
        # What no file holds, such as PixArt's table of positions, is computed where the network is built.
        with drawing(0):
            network = classes[name].from_config(config)
    network.load_state_dict(state, assign=True)
    return network.eval().requires_grad_(False)


def _check_fit(weights: str, unet: UNet2DConditionModel, vae: AutoencoderKL, encoder: Any, tokenizer: Any) -> None:
    wanted, given = unet.config["cross_attention_dim"], encoder.config.hidden_size
    if wanted != given:
        raise WeightsError(
            f"the UNet of {weights} reads token states of {wanted} numbers, its text encoder gives {given}; name the "
            "text encoder that it was trained with: --set text_encoder=FOLDER-OR-HUB-ID"
        )
    wanted, given = unet.config["in_channels"], vae.config["latent_channels"]
    if wanted != given:
        raise WeightsError(
            f"the UNet of {weights} reads latents of {wanted} channels, its autoencoder gives {given}; they do not "
            "belong together (networks for inpainting or upscaling cannot ground)"
        )
    rows, tokens = encoder.get_input_embeddings().num_embeddings, len(tokenizer)
    if tokens > rows:
        raise WeightsError(
            f"the tokenizer of {weights} has {tokens} tokens, its text encoder knows {rows}; they must belong together"
        )
