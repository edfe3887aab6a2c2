"""Train `ldm-phantom`: a latent diffusion model of phantoms, told what a phrase says and never where.

    python training/train_ldm.py --work DIR

writes a diffusers pipeline to DIR/ldm-phantom: first the autoencoder is trained, then the UNet together with its text
encoder (as in Rombach et al., CVPR 2022). Run again after a kill, it goes on from its last checkpoint.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from data import Images, load_images
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from loop import LOG, begin, epoch_order, generator, save_whole, train
from safetensors.torch import save_file
from tokenizer import MAX_TOKENS, build_tokenizer
from torch import Tensor, nn
from torch.nn.functional import l1_loss, mse_loss
from transformers import CLIPTextConfig, CLIPTextModel

SEED = 2
IMAGES = 12_000
VAE_STEPS, VAE_BATCH, VAE_RATE = 1_000, 4, 1.5e-3
EDGES, DIVERGENCE = 1.0, 1e-7
"""Weights of the loss of edges, which a plain loss blurs, and of the divergence that keeps latents near a Gaussian."""
STEPS, BATCH, RATE, EMA = 2_668, 32, 8e-4, 0.998
PLANNED = 4_500
"""Steps over which the rate falls. Training ends earlier: what was left changed the maps little (README.md)."""
WITHOUT_TEXT = 0.12
"""Share of images whose phrase is left out: the unconditional half of the model."""
MIDDLE = 0.7
"""Share of time steps drawn from 300 to 900, where a phrase decides most; the others are drawn from all."""

VAE: dict[str, Any] = {
    "in_channels": 1, "out_channels": 1, "latent_channels": 4, "sample_size": 256, "layers_per_block": 1,
    "block_out_channels": (16, 32, 64, 64), "norm_num_groups": 8, "mid_block_add_attention": False,
    "down_block_types": ("DownEncoderBlock2D",) * 4, "up_block_types": ("UpDecoderBlock2D",) * 4,
}  # fmt: skip
UNET: dict[str, Any] = {
    "in_channels": 4, "out_channels": 4, "sample_size": 32, "layers_per_block": 1, "block_out_channels": (32, 64, 128),
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "cross_attention_dim": 128, "norm_num_groups": 16,
    # diffusers' name for the number of heads.
    "attention_head_dim": (1, 1, 1),
}  # fmt: skip
TEXT: dict[str, Any] = {
    "hidden_size": 128, "intermediate_size": 512, "num_attention_heads": 4, "max_position_embeddings": MAX_TOKENS,
    "hidden_act": "gelu",
    # With layers, the padding learns what the phrase before it says, and the attention goes there: see README.md.
    "num_hidden_layers": 0,
}  # fmt: skip
SCHEDULER: dict[str, Any] = {
    "num_train_timesteps": 1000, "beta_schedule": "scaled_linear", "beta_start": 0.0015, "beta_end": 0.0205,
    "prediction_type": "v_prediction", "clip_sample": False, "set_alpha_to_one": False, "timestep_spacing": "trailing",
}  # fmt: skip


def main() -> None:
    """Train both networks, and write the pipeline."""
    work = begin(str(__doc__), "ldm.log")
    out = work / "ldm-phantom"
    images = load_images("train", IMAGES)
    tokenizer = build_tokenizer(images.phrases, out / "tokenizer")
    vae = train_autoencoder(images, work)
    latents = encode_all(vae, images, work / "latents.pt")
    denoiser = train_denoiser(images, latents, tokenizer, work)
    save(vae, denoiser, out)


class Denoiser(nn.Module):
    """The UNet and the text encoder that it reads, trained as one."""

    def __init__(self, tokenizer: Any) -> None:
        super().__init__()
        self.unet = UNet2DConditionModel(**UNET)
        special = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("bos", "eos", "pad")}
        self.text = CLIPTextModel(CLIPTextConfig(vocab_size=len(tokenizer), **special, **TEXT))

    def forward(self, latents: Tensor, times: Tensor, ids: Tensor) -> Tensor:
        """The prediction for noised latents `[B, 4, h, w]` at time steps `[B]`, told phrases `[B, L]`."""
        return self.unet(latents, times, self.text(input_ids=ids).last_hidden_state).sample


def train_autoencoder(images: Images, work: Path) -> AutoencoderKL:
    """The autoencoder, with the factor that gives its latents a deviation of 1."""
    torch.manual_seed(SEED)
    vae = AutoencoderKL(**VAE)
    LOG.info("autoencoder: %d images, %d parameters", len(images.pixels), vae.num_parameters())

    def loss(step: int) -> Tensor:
        pixels = as_input(images, epoch_order(SEED, step, VAE_BATCH, len(images.pixels)))
        with torch.autocast("cpu", torch.bfloat16):
            posterior = vae.encode(pixels).latent_dist
            noise = torch.randn(posterior.mean.shape, generator=generator(SEED, step))
            drawn = vae.decode(posterior.mean + posterior.std * noise).sample.float()
        edges = sum(l1_loss(drawn.diff(dim=axis), pixels.diff(dim=axis)) for axis in (-1, -2))
        return l1_loss(drawn, pixels) + EDGES * edges + DIVERGENCE * posterior.kl().float().mean()

    trained: Any = train("autoencoder", vae, loss, work, steps=VAE_STEPS, rate=VAE_RATE)
    return trained.requires_grad_(False)


@torch.no_grad()
def encode_all(vae: AutoencoderKL, images: Images, file: Path) -> Tensor:
    """The means of all images' latents `[N, 4, 32, 32]`, each channel with mean 0 and deviation 1.

    The autoencoder is changed to give such latents and to read them: as trained, its faintest channel has a quarter of
    the deviation of its strongest, and noise hides it long before.
    """
    if file.is_file():
        means = torch.load(file, weights_only=True)
    else:
        rows = torch.arange(len(images.pixels)).split(8)
        means = torch.cat([vae.encode(as_input(images, some)).latent_dist.mode() for some in rows])
        save_whole(means, file)
    mean, std = means.mean((0, 2, 3)), means.std((0, 2, 3))
    LOG.info("latents: deviations of the channels %s", [round(value, 3) for value in std.tolist()])
    out, back = vae.quant_conv, vae.post_quant_conv
    count = len(mean)
    out.weight[:count] /= std[:, None, None, None]
    out.bias[:count] = (out.bias[:count] - mean) / std
    out.bias[count:] -= 2 * std.log()
    back.bias += back.weight[:, :, 0, 0] @ mean
    back.weight *= std[:, None, None]
    vae.register_to_config(scaling_factor=1.0)
    return (means - mean[:, None, None]) / std[:, None, None]


def train_denoiser(images: Images, latents: Tensor, tokenizer: Any, work: Path) -> Denoiser:
    """The denoising network, told one phrase of each image or none."""
    torch.manual_seed(SEED)
    denoiser = Denoiser(tokenizer)
    LOG.info("denoiser: %d images, %d parameters", len(latents), sum(p.numel() for p in denoiser.parameters()))
    alphas = DDIMScheduler(**SCHEDULER).alphas_cumprod
    phrases = ["", *images.phrases]
    number = {phrase: index for index, phrase in enumerate(phrases)}
    said = [[number[one.phrase] for one in mine] for mine in images.statements]
    ids = tokenizer(
        phrases, padding="max_length", max_length=MAX_TOKENS, truncation=True, return_tensors="pt"
    ).input_ids

    def loss(step: int) -> Tensor:
        draws = generator(SEED, step)
        rows = epoch_order(SEED, step, BATCH, len(latents))
        clean = latents[rows]
        choice = torch.rand(BATCH, generator=draws).tolist()
        kept = (torch.rand(BATCH, generator=draws) >= WITHOUT_TEXT).tolist()
        texts = [
            said[row][int(share * len(said[row]))] if keep else 0
            for row, share, keep in zip(rows.tolist(), choice, kept, strict=True)
        ]
        middle = torch.rand(BATCH, generator=draws) < MIDDLE
        everywhere = torch.randint(0, 1000, (BATCH,), generator=draws)
        times = torch.where(middle, torch.randint(300, 900, (BATCH,), generator=draws), everywhere)
        noise = torch.randn(clean.shape, generator=draws)
        a, b = alphas[times].sqrt()[:, None, None, None], (1 - alphas[times]).sqrt()[:, None, None, None]
        with torch.autocast("cpu", torch.bfloat16):
            predicted = denoiser(a * clean + b * noise, times, ids[texts])
        return mse_loss(predicted.float(), a * noise - b * clean)

    trained: Any = train("denoiser", denoiser, loss, work, steps=STEPS, planned=PLANNED, rate=RATE, warmup=200, ema=EMA)
    return trained


def as_input(images: Images, rows: Tensor) -> Tensor:
    """Images as the autoencoder takes them, `[B, 1, H, W]` in -1 to 1."""
    return torch.from_numpy(images.pixels[rows.numpy()]).float().div_(127.5).sub_(1)[:, None]


def save(vae: AutoencoderKL, denoiser: Denoiser, out: Path) -> None:
    """Write all networks, in half precision, and the scheduler, beside the tokenizer."""
    vae.half().save_pretrained(out / "vae")
    denoiser.half().unet.save_pretrained(out / "unet")
    DDIMScheduler(**SCHEDULER).save_pretrained(out / "scheduler")
    folder = out / "text_encoder"
    denoiser.text.config.architectures = ["CLIPTextModel"]
    denoiser.text.config.save_pretrained(folder)
    # The names that published pipelines use; transformers has dropped the prefix inside, and loads both.
    state = {f"text_model.{name}": value.contiguous() for name, value in denoiser.text.state_dict().items()}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


if __name__ == "__main__":
    main()
