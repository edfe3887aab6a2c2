"""Vision-language models of every family: transformers' own code, a few thousand drawn weights, saved as on the hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers as tf
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

TEXT = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 4096,
}
VISION = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
ROPE = {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0}
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tokenizer(*special: str, **named: str) -> Any:
    """One token a byte, and special ones; on the right side padded, as Qwen's and LLaVA's are."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    common = ["<pad>", "<bos>", "<eos>", "<unk>"]
    # Kosmos-2 gives its picture the ids that follow <unk>'s.
    vocabulary = {token: number for number, token in enumerate([*common, *alphabet])}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(token, special=True) for token in (*common, *special, *named.values())])
    return tf.PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        padding_side="right",
        extra_special_tokens=named,
    )


def qwen(folder: Path, model: Any, config: Any, vision: dict[str, Any], processor: Any, patch: int, video: Any) -> None:
    tokens = tokenizer(
        "<|im_start|>",
        "<|im_end|>",
        "<|vision_start|>",
        "<|vision_end|>",
        "<|image_pad|>",
        "<|video_pad|>",
        "<|box_start|>",
        "<|box_end|>",
        "<|object_ref_start|>",
        "<|object_ref_end|>",
    )
    ids = tokens.get_vocab()
    built = config(
        text_config={**TEXT, "vocab_size": len(tokens), "rope_parameters": ROPE},
        vision_config=vision,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )
    images = tf.Qwen2VLImageProcessor(
        patch_size=patch, merge_size=2, size={"shortest_edge": 56 * 56, "longest_edge": 12_845_056}
    )
    chat = CHAT.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    save(folder, model(built), processor(images, tokens, video(), chat_template=chat))


def qwen2_vl(folder: Path) -> None:
    vision = {"depth": 1, "embed_dim": 32, "hidden_size": 32, "num_heads": 2, "mlp_ratio": 1}
    parts = (tf.Qwen2VLForConditionalGeneration, tf.Qwen2VLConfig, vision, tf.Qwen2VLProcessor, 14)
    qwen(folder, *parts, tf.Qwen2VLVideoProcessor)


def qwen2_5_vl(folder: Path) -> None:
    vision = {"depth": 2, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 32}
    parts = (tf.Qwen2_5_VLForConditionalGeneration, tf.Qwen2_5_VLConfig, {**vision, "fullatt_block_indexes": [1]})
    qwen(folder, *parts, tf.Qwen2_5_VLProcessor, 14, tf.Qwen2VLVideoProcessor)


def qwen3_vl(folder: Path) -> None:
    vision = {"depth": 1, "hidden_size": 32, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 32}
    parts = (tf.Qwen3VLForConditionalGeneration, tf.Qwen3VLConfig, {**vision, "deepstack_visual_indexes": [0]})
    qwen(folder, *parts, tf.Qwen3VLProcessor, 16, tf.Qwen3VLVideoProcessor)


def gemma3(folder: Path) -> None:
    tokens = tokenizer(
        "<start_of_turn>",
        "<end_of_turn>",
        image_token="<image_soft_token>",
        boi_token="<start_of_image>",
        eoi_token="<end_of_image>",
    )
    built = tf.Gemma3Config(
        text_config={**TEXT, "vocab_size": len(tokens), "query_pre_attn_scalar": 16},
        vision_config={**VISION, "image_size": 224, "patch_size": 28, "vision_use_head": False},
        mm_tokens_per_image=16,
        image_token_index=tokens.image_token_id,
        boi_token_index=tokens.boi_token_id,
        eoi_token_index=tokens.eoi_token_id,
    )
    images = tf.Gemma3ImageProcessor(size={"height": 224, "width": 224})
    chat = "<bos>" + CHAT.replace("IMAGE", "<start_of_image>").replace("<|im_start|>", "<start_of_turn>").replace(
        "<|im_end|>", "<end_of_turn>"
    )
    save(
        folder,
        tf.Gemma3ForConditionalGeneration(built),
        tf.Gemma3Processor(images, tokens, chat_template=chat, image_seq_length=16),
    )


def paligemma(folder: Path) -> None:
    tokens = tokenizer(image_token="<image>")
    images = tf.SiglipImageProcessor(size={"height": 224, "width": 224})
    images.image_seq_length = 64
    processor = tf.PaliGemmaProcessor(images, tokens)
    built = tf.PaliGemmaConfig(
        text_config={**TEXT, "vocab_size": len(tokens), "model_type": "gemma", "num_image_tokens": 64},
        vision_config={**VISION, "image_size": 224, "patch_size": 28, "vision_use_head": False, "projection_dim": 32},
        image_token_index=tokens.image_token_id,
        projection_dim=32,
        hidden_size=32,
        vocab_size=len(tokens),
    )
    save(folder, tf.PaliGemmaForConditionalGeneration(built), processor)


def kosmos2(folder: Path) -> None:
    tokens = tokenizer()
    images = tf.CLIPImageProcessor(
        size={"shortest_edge": 224}, crop_size={"height": 224, "width": 224}, use_square_size=True
    )
    processor = tf.Kosmos2Processor(images, tokens)
    built = tf.Kosmos2Config(
        text_config={
            "vocab_size": len(tokens),
            "embed_dim": 32,
            "layers": 1,
            "ffn_dim": 32,
            "attention_heads": 2,
            "pad_token_id": 0,
            "bos_token_id": 1,
            "eos_token_id": 2,
        },
        vision_config={**VISION, "image_size": 224, "patch_size": 28},
        latent_query_num=64,
    )
    save(folder, tf.Kosmos2ForConditionalGeneration(built), processor)


def internvl(folder: Path) -> None:
    tokens = tokenizer(
        "<|im_start|>",
        "<|im_end|>",
        "<box>",
        "</box>",
        "<ref>",
        "</ref>",
        start_image_token="<img>",
        end_image_token="</img>",
        context_image_token="<IMG_CONTEXT>",
        video_token="<video>",
    )
    built = tf.InternVLConfig(
        text_config={**TEXT, "vocab_size": len(tokens), "model_type": "qwen2"},
        vision_config={**VISION, "image_size": [112, 112], "patch_size": [28, 28]},
        image_token_id=tokens.context_image_token_id,
        image_seq_length=4,
    )
    images = tf.GotOcr2ImageProcessor(size={"height": 112, "width": 112})
    processor = tf.InternVLProcessor(
        images,
        tokens,
        tf.InternVLVideoProcessor(),
        image_seq_length=4,
        chat_template=CHAT.replace("IMAGE", "<IMG_CONTEXT>\n"),
    )
    save(folder, tf.InternVLForConditionalGeneration(built), processor)


def llava_onevision(folder: Path) -> None:
    tokens = tokenizer("<|im_start|>", "<|im_end|>", image_token="<image>", video_token="<video>")
    pinpoints = [[height, width] for height in (112, 224, 336) for width in (112, 224, 336)]
    built = tf.LlavaOnevisionConfig(
        text_config={**TEXT, "vocab_size": len(tokens), "model_type": "qwen2"},
        vision_config={
            **VISION,
            "model_type": "siglip_vision_model",
            "image_size": 112,
            "patch_size": 28,
            "vision_use_head": False,
        },
        image_token_index=tokens.image_token_id,
        video_token_index=tokens.video_token_id,
        image_grid_pinpoints=pinpoints,
        vision_aspect_ratio="anyres_max_9",
    )
    images = tf.LlavaOnevisionImageProcessor(size={"height": 112, "width": 112}, image_grid_pinpoints=pinpoints)
    processor = tf.LlavaOnevisionProcessor(
        images,
        tokens,
        tf.LlavaOnevisionVideoProcessor(),
        num_image_tokens=16,
        vision_feature_select_strategy="full",
        chat_template=CHAT.replace("IMAGE", "<image>\n"),
    )
    save(folder, tf.LlavaOnevisionForConditionalGeneration(built), processor)


FAMILIES: dict[str, Callable[[Path], None]] = {
    build.__name__: build
    for build in (qwen2_vl, qwen2_5_vl, qwen3_vl, gemma3, paligemma, kosmos2, internvl, llava_onevision)
}


def save(folder: Path, model: Any, processor: Any) -> None:
    # Drawn weights are so small that all tokens are about as likely; larger ones make answers that depend on the input.
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() > 1:
                weight.mul_(4) if weight.any() else weight.normal_()  # Gemma's projection begins as zeros
    # What a checkpoint says of generation must not act.
    model.generation_config.repetition_penalty = 1.3
    model.generation_config.do_sample = True
    model.generation_config.eos_token_id = 2
    model.generation_config.pad_token_id = 0
    model.save_pretrained(folder)
    processor.save_pretrained(folder)


@pytest.fixture(scope="session")
def vlm_folder(tmp_path_factory) -> Callable[[str], Path]:
    """The folder of a family's tiny model, made when it is first asked for."""
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            made[family] = tmp_path_factory.mktemp("vlm") / family
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                FAMILIES[family](made[family])
        return made[family]

    return folder
