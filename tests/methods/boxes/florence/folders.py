"""Tiny Florence-2 models on disk, in the layout of transformers and in that of the authors.

The second is written by the list of what the layouts differ in, forwards, and shares nothing with the converter.
"""

import json

import torch
from safetensors.torch import load_file, save_file
from tokenizers import AddedToken, pre_tokenizers
from transformers import (
    BartTokenizerFast,
    CLIPImageProcessor,
    Florence2Config,
    Florence2ForConditionalGeneration,
    Florence2Processor,
)

SIDE = 96
IMAGE_TOKENS = 1 + (SIDE // 32) ** 2
WORDS = ["<s>", "<pad>", "</s>", "<unk>", *sorted(pre_tokenizers.ByteLevel.alphabet()), "<mask>"]
ADDED = (
    "<od> </od> <ocr> </ocr> " + " ".join(f"<loc_{number}>" for number in range(1000)) + " <cap> </cap> <ncap> </ncap> "
    "<dcap> </dcap> <grounding> </grounding> <seg> </seg> <sep> <region_cap> </region_cap> <region_to_desciption> "
    "</region_to_desciption> <proposal> </proposal> <poly> </poly> <and>"
).split()
SIZES = {
    "depths": [1, 1, 2, 1],
    "num_heads": [1, 2, 2, 4],
    "num_groups": [1, 2, 2, 4],
    "window_size": 3,
    "projection_dim": 24,
    "drop_path_rate": 0.1,
}
TEXT = {
    "d_model": 24,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "max_position_embeddings": 400,
    "bos_token_id": 0,
    "pad_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
    "forced_eos_token_id": 2,
}
WIDTHS = [8, 16, 16, 32]


def tokenizer():
    return BartTokenizerFast(vocab={word: number for number, word in enumerate(WORDS)}, merges=[])


def image_processor():
    size = {"height": SIDE, "width": SIDE}
    return CLIPImageProcessor(
        size=size,
        crop_size=size,
        do_center_crop=False,
        image_mean=[0.485, 0.456, 0.406],
        image_std=[0.229, 0.224, 0.225],
    )


def write_native(folder, seed=0):
    """As `save_pretrained` writes it."""
    vocabulary = len(WORDS) + len(ADDED) + 1
    vision = {**SIZES, "embed_dim": WIDTHS, "max_temporal_embeddings": 10, "max_position_embeddings": 12}
    config = Florence2Config(
        vision_config=vision,
        text_config={**TEXT, "model_type": "bart", "vocab_size": vocabulary},
        image_token_id=vocabulary - 1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = Florence2ForConditionalGeneration(config).eval()
        with torch.no_grad():  # the library's own draw leaves norms at 1 and 0, which a swap would not change
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape))
    model.save_pretrained(folder)
    words = tokenizer()
    words.add_tokens([AddedToken(token, special=True, normalized=False) for token in [*ADDED, "<image>"]])
    words.save_pretrained(folder)
    # Where it is named as the tokenizer is made, it would come first, and all others behind it.
    words = BartTokenizerFast.from_pretrained(folder, extra_special_tokens={"image_token": "<image>"})
    assert words.image_token_id == vocabulary - 1
    pictures = image_processor()
    pictures.image_seq_length = IMAGE_TOKENS
    Florence2Processor(pictures, words, post_processor_config={"phrase_grounding": {}}).save_pretrained(folder)
    return model


def original_name(name):
    """What the authors call a weight of transformers' network."""
    if name == "lm_head.weight":
        return "language_model.lm_head.weight"
    name = name.removeprefix("model.")
    if name.startswith("language_model."):
        return "language_model.model." + name.removeprefix("language_model.")
    if name.startswith("multi_modal_projector."):
        name = name.removeprefix("multi_modal_projector.")
        name = name.replace("image_position_embed", "image_pos_embed")
        return "image_projection" if name == "image_projection.weight" else name
    parts = name.split(".")
    if parts[1] == "convs":
        return name.replace(".conv.", ".proj.")
    kind = "window_attn" if parts[4] == "spatial_block" else "channel_attn"
    inner, rest = parts[5], parts[6:]
    spelled = {
        "conv1": ["conv1", "fn", "dw"],
        "conv2": ["conv2", "fn", "dw"],
        "norm1": [kind, "norm"],
        "norm2": ["ffn", "norm"],
        "ffn": ["ffn", "fn", "net"],
        kind: [kind, "fn"],
    }
    return ".".join([*parts[:5], *spelled[inner], *rest])


def write_original(native, folder, *, names=original_name, transposed=True, added=None):
    """The weights of a native folder as the authors write them; the arguments plant mistakes."""
    folder.mkdir()
    state = {}
    for name, tensor in load_file(native / "model.safetensors").items():
        if tensor.shape[0] == len(WORDS) + len(ADDED) + 1:
            tensor = tensor[:-1]
        if name.endswith("image_projection.weight") and transposed:
            tensor = tensor.T
        state[names(name)] = tensor.contiguous().clone()
    shared = state["language_model.model.shared.weight"]
    for copy in ("model.encoder.embed_tokens", "model.decoder.embed_tokens", "lm_head"):
        state[f"language_model.{copy}.weight"] = shared.clone()
    state["language_model.final_logits_bias"] = torch.zeros(1, len(shared))
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    vision = {
        "model_type": "davit",
        "dim_embed": WIDTHS,
        "enable_checkpoint": False,
        **SIZES,
        "patch_size": [7, 3, 3, 3],
        "patch_stride": [4, 2, 2, 2],
        "patch_padding": [3, 1, 1, 1],
        "patch_prenorm": [False, True, True, True],
        "visual_temporal_embedding": {"type": "COSINE", "max_temporal_embeddings": 10},
        "image_pos_embed": {"type": "learned_abs_2d", "max_pos_embeddings": 12},
        "image_feature_source": ["spatial_avg_pool", "temporal_avg_pool"],
    }
    config = {
        "architectures": ["Florence2ForConditionalGeneration"],
        "auto_map": {"AutoModelForCausalLM": "modeling_florence2.Florence2ForConditionalGeneration"},
        "model_type": "florence2",
        "projection_dim": 24,
        "vocab_size": len(shared),
        "vision_config": vision,
        "text_config": {
            **TEXT,
            "model_type": "florence2_language",
            "vocab_size": len(shared),
            "num_beams": 3,
            "no_repeat_ngram_size": 3,
            "early_stopping": True,
            "forced_bos_token_id": 0,
        },
    }
    (folder / "config.json").write_text(json.dumps(config))
    words = tokenizer()
    if added is not None:
        words.add_tokens([AddedToken(token, special=True, normalized=False) for token in added])
    words.save_pretrained(folder)
    pictures = {
        **image_processor().to_dict(),
        "auto_map": {"AutoProcessor": "processing_florence2.Florence2Processor"},
        "image_seq_length": IMAGE_TOKENS,
        "processor_class": "Florence2Processor",
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(pictures, default=str))
    return folder
