"""PixArt and Sana pipelines of a few kilobytes with random weights, laid out as their real counterparts are."""

import torch
from diffusers import (
    AutoencoderDC,
    AutoencoderKL,
    DPMSolverMultistepScheduler,
    PixArtTransformer2DModel,
    SanaTransformer2DModel,
)
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import Gemma2Config, Gemma2Model, PreTrainedTokenizerFast, T5Config, T5EncoderModel

WORDS = ("small", "left", "right", "basal", "pleural", "effusion", "opacity", "the", "x", "ray")


def save_tokenizer(folder, *, bos):
    """Words by the letter or whole, with an end (T5) or a beginning (Gemma)."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<bos>", 0.0), ("<unk>", 0.0)]
    pieces += [(f"▁{word}", -1.0) for word in WORDS] + [(letter, -5.0) for letter in "▁abcdefghijklmnopqrstuvwxyz,."]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A" if bos else "$A </s>", special_tokens=[("<bos>", 2), ("</s>", 1)]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        bos_token="<bos>",
        unk_token="<unk>",
        padding_side="left" if bos else "right",
    )
    fast.save_pretrained(folder)
    return len(pieces)


def spread(network):
    """Queries and keys far from zero, so that places do not all attend alike; no norm is the identity."""
    with torch.no_grad():
        for name, value in network.named_parameters():
            if "attn2.to_q" in name or "attn2.to_k" in name:
                value.mul_(4)
            elif value.unique().numel() == 1:
                value.add_(0.1 * torch.randn_like(value))
    return network.eval()


def save_pixart(folder):
    """A pipeline like PixArt's: T5, epsilon prediction, an autoencoder of 8 (here 2) pixels a latent."""
    torch.manual_seed(0)
    words = save_tokenizer(folder / "tokenizer", bos=False)
    config = T5Config(vocab_size=words, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2)
    T5EncoderModel(config).save_pretrained(folder / "text_encoder")
    spread(
        PixArtTransformer2DModel(
            num_attention_heads=3,
            attention_head_dim=8,
            num_layers=3,
            cross_attention_dim=24,
            sample_size=8,
            caption_channels=16,
            use_additional_conditions=True,
        )
    ).save_pretrained(folder / "transformer")
    vae = AutoencoderKL(
        block_out_channels=(8, 8),
        norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
    )
    vae.save_pretrained(folder / "vae")
    DPMSolverMultistepScheduler(beta_schedule="linear").save_pretrained(folder / "scheduler")
    return folder


def save_sana(folder):
    """A pipeline like Sana's: Gemma 2, flow prediction, a deep-compression autoencoder."""
    torch.manual_seed(1)
    words = save_tokenizer(folder / "tokenizer", bos=True)
    config = Gemma2Config(
        vocab_size=words,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
    )
    # In shards, as Gemma's is published.
    Gemma2Model(config).save_pretrained(folder / "text_encoder", max_shard_size="5KB")
    spread(
        SanaTransformer2DModel(
            in_channels=4,
            out_channels=4,
            num_attention_heads=2,
            attention_head_dim=8,
            num_layers=2,
            num_cross_attention_heads=2,
            cross_attention_head_dim=8,
            cross_attention_dim=16,
            caption_channels=16,
            sample_size=8,
            qk_norm="rms_norm_across_heads",
            timestep_scale=0.5,
        )
    ).save_pretrained(folder / "transformer")
    vae = AutoencoderDC(
        latent_channels=4,
        attention_head_dim=8,
        encoder_block_types=("ResBlock", "ResBlock"),
        decoder_block_types=("ResBlock", "ResBlock"),
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        encoder_layers_per_block=(1, 1),
        decoder_layers_per_block=(1, 1),
        encoder_qkv_multiscales=((), ()),
        decoder_qkv_multiscales=((), ()),
        scaling_factor=0.4,
    )
    vae.save_pretrained(folder / "vae")
    DPMSolverMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
    ).save_pretrained(folder / "scheduler")
    return folder
