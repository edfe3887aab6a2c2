"""Latent diffusion models of a few kilobytes with random weights, as folders that their real counterparts look like."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, PNDMScheduler, UNet2DConditionModel
from monai.networks.nets import AutoencoderKL as MonaiAutoencoder
from monai.networks.nets import DiffusionModelUNet
from tokenizers import pre_tokenizers
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

CXR_BERT = Path(__file__).parents[3] / "data" / "biovil_tall" / "cxrbert_tiny"
WORDS = ("small", "left", "right", "basal", "apical", "pleural", "effusion", "pneumothorax", "consolidation", "opacity")
MONAI_CONFIG = {
    "unet": {
        "spatial_dims": 2,
        "in_channels": 3,
        "out_channels": 3,
        "num_res_blocks": 1,
        "num_channels": [32, 32, 32],
        "attention_levels": [False, True, True],
        "with_conditioning": True,
        "cross_attention_dim": 32,
        "num_head_channels": [0, 32, 32],
    },
    "autoencoder": {
        "spatial_dims": 2,
        "in_channels": 1,
        "out_channels": 1,
        "num_channels": [32, 32, 32, 32],
        "latent_channels": 3,
        "num_res_blocks": 1,
        "attention_levels": [False, False, False, False],
        "with_encoder_nonlocal_attn": False,
        "with_decoder_nonlocal_attn": False,
    },
}


def save_sd_pipeline(folder: Path, seed: int = 0) -> Path:
    """A pipeline like Stable Diffusion 1.x: CLIP text encoder, epsilon prediction, 3-channel images."""
    torch.manual_seed(seed)
    _save_networks(folder)
    PNDMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", skip_prk_steps=True, steps_offset=1
    ).save_pretrained(folder / "scheduler")
    save_clip(folder)
    parts = {name: ["diffusers", "AutoencoderKL"] for name in ("unet", "vae")}
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "StableDiffusionPipeline", **parts}))
    return folder


def save_cxr_bert_pipeline(folder: Path, seed: int = 1) -> Path:
    """A pipeline with hi-ml-multimodal's CXR-BERT in the place of CLIP, and v-prediction."""
    torch.manual_seed(seed)
    _save_networks(folder)
    DDIMScheduler(beta_schedule="scaled_linear", prediction_type="v_prediction").save_pretrained(folder / "scheduler")
    for part, names in (("text_encoder", ("config.json", "model.safetensors")), ("tokenizer", ("*token*", "vocab*"))):
        (folder / part).mkdir()
        for name in names:
            for file in CXR_BERT.glob(name):
                shutil.copy(file, folder / part)
    return folder


def save_monai(folder: Path, seed: int = 2) -> Path:
    """A checkpoint of MONAI core, with a configuration and a CLIP text encoder beside it."""
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, part, network in (
        ("diffusion_model.pth", "unet", DiffusionModelUNet),
        ("autoencoder.pth", "autoencoder", MonaiAutoencoder),
    ):
        config = dict(MONAI_CONFIG[part])
        torch.save(filled(network(channels=config.pop("num_channels"), **config)).state_dict(), folder / name)
    (folder / "config.json").write_text(json.dumps(MONAI_CONFIG))
    save_clip(folder)
    return folder


def save_clip(folder: Path) -> Path:
    """`text_encoder/` and `tokenizer/` of a CLIP that knows the letters and `WORDS`."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        pieces = [*word[:-1], f"{word[-1]}</w>"]
        while len(pieces) > 1:
            if (pieces[0], pieces[1]) not in merges:
                merges.append((pieces[0], pieces[1]))
                tokens.append(pieces[0] + pieces[1])
            pieces[:2] = [pieces[0] + pieces[1]]
    vocabulary = {token: index for index, token in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}
    (folder / "tokenizer").mkdir(parents=True)
    (folder / "tokenizer" / "vocab.json").write_text(json.dumps(vocabulary))
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "tokenizer" / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    settings = {"model_max_length": 77, "tokenizer_class": "CLIPTokenizer", "pad_token": "<|endoftext|>"}
    (folder / "tokenizer" / "tokenizer_config.json").write_text(json.dumps(settings))
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    CLIPTextModel(config).save_pretrained(folder / "text_encoder")
    return folder


def filled(network: torch.nn.Module) -> torch.nn.Module:
    """The network with small random numbers where its layers start at zero or one."""
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.unique().numel() == 1:
                parameter.add_(0.05 * torch.randn_like(parameter))
    return network.eval()


def _save_networks(folder: Path) -> None:
    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        block_out_channels=(32, 32, 32),
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=32,
        attention_head_dim=2,
    )
    unet.save_pretrained(folder / "unet")
    vae = AutoencoderKL(
        block_out_channels=(32, 32, 32, 32),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        sample_size=128,
    )
    vae.save_pretrained(folder / "vae")
