"""Florence-2 checkpoints in the authors' own layout, converted as they are loaded; no code of the repository is run.

What differs from transformers' own Florence-2: the names of most weights, one matrix that is transposed, the spelling
of the configuration, and a tokenizer whose 1,024 further tokens the authors' processor adds when it is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...core import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

LOCATIONS = 1000
"""How many bins a side of the image has; `<loc_0>` stands for the first."""


def _tags(*names: str) -> tuple[str, ...]:
    return tuple(form for name in names for form in (f"<{name}>", f"</{name}>"))


# In the order of the authors' processor; "desciption" is its spelling.
FURTHER_TOKENS: tuple[str, ...] = (
    *_tags("od", "ocr"),
    *(f"<loc_{number}>" for number in range(LOCATIONS)),
    *_tags("cap", "ncap", "dcap", "grounding", "seg"),
    "<sep>",
    *_tags("region_cap", "region_to_desciption", "proposal", "poly"),
    "<and>",
)
IMAGE_TOKEN = "<image>"  # noqa: S105  (no secret)

RENAMING: tuple[tuple[str, str], ...] = (
    (r"^language_model\.lm_head\.", "lm_head."),
    (r"^language_model\.model\.", "model.language_model."),
    (r"^image_pos_embed\.", "model.multi_modal_projector.image_position_embed."),
    (r"^(image_proj_norm|visual_temporal_embed)\.", r"model.multi_modal_projector.\1."),
    (r"^image_projection$", "model.multi_modal_projector.image_projection.weight"),
    (r"^vision_tower\.", "model.vision_tower."),
    (r"(\.convs\.\d+)\.proj\.", r"\1.conv."),
    (r"\.(conv[12])\.fn\.dw\.", r".\1."),
    (r"\.(?:window|channel)_attn\.norm\.", ".norm1."),
    (r"\.(window_attn|channel_attn)\.fn\.", r".\1."),
    (r"\.ffn\.norm\.", ".norm2."),
    (r"\.ffn\.fn\.net\.", ".ffn."),
)
"""From the authors' names to those of transformers, applied one after another."""

_GENERATION = ("early_stopping", "forced_bos_token_id", "forced_eos_token_id", "no_repeat_ngram_size", "num_beams")
"""What the authors keep of generation among the settings of the language model."""

_TRANSPOSED = "model.multi_modal_projector.image_projection.weight"
_DROPPED = ("language_model.final_logits_bias",)
_TIED = ("model.language_model.encoder.embed_tokens.weight", "model.language_model.decoder.embed_tokens.weight",
         "lm_head.weight")  # fmt: skip
_SHARED = "model.language_model.shared.weight"


def is_original(config: Mapping[str, Any]) -> bool:
    """Whether a configuration is of the authors' own layout: its vision tower is called after its architecture."""
    vision = config.get("vision_config")
    return isinstance(vision, dict) and (vision.get("model_type") == "davit" or "dim_embed" in vision)


def native_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration for transformers' own classes.

    Args:
        config: The authors', as it lies there.

    Raises:
        WeightsError: If a part is missing, or the network has a feature that transformers' does not have.
    """
    vision, text = dict(config.get("vision_config") or {}), dict(config.get("text_config") or {})
    try:
        vision["embed_dim"] = vision.pop("dim_embed")
        temporal, position = vision.pop("visual_temporal_embedding"), vision.pop("image_pos_embed")
        vision["max_temporal_embeddings"] = temporal["max_temporal_embeddings"]
        vision["max_position_embeddings"] = position["max_pos_embeddings"]
        vocabulary = text["vocab_size"]
    except (KeyError, TypeError) as error:
        raise WeightsError(
            f"the configuration is of an original Florence-2, and {error} is missing in it; get config.json again"
        ) from error
    _require(temporal.get("type"), "COSINE", "visual_temporal_embedding.type")
    _require(position.get("type"), "learned_abs_2d", "image_pos_embed.type")
    source = vision.pop("image_feature_source", ["spatial_avg_pool", "temporal_avg_pool"])
    _require(source, ["spatial_avg_pool", "temporal_avg_pool"], "image_feature_source")
    for name in ("model_type", "enable_checkpoint"):
        vision.pop(name, None)
    for name in (*_GENERATION, "architectures", "auto_map", "torch_dtype", "transformers_version", "_name_or_path"):
        text.pop(name, None)
    text["model_type"] = "bart"
    # One more than the authors', for the token that stands for the image.
    text["vocab_size"] = vocabulary + 1
    return {
        "model_type": "florence2",
        "vision_config": {**vision, "model_type": "florence_vision"},
        "text_config": text,
        "image_token_id": vocabulary,
        "is_encoder_decoder": True,
        "tie_word_embeddings": True,
    }


def generation_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """What the authors' configuration says of generation, and by which tokens a text begins and ends."""
    text = config.get("text_config") or {}
    tokens = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
    usual = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2, "decoder_start_token_id": 2}
    return {**usual, **{name: text[name] for name in (*_GENERATION, *tokens) if text.get(name) is not None}}


def native_state(state: Mapping[str, Tensor], vocabulary: int) -> dict[str, Tensor]:
    """The weights under transformers' names.

    Args:
        state: The authors' weights.
        vocabulary: Words of the native network, one more than the authors', whose embedding no text asks for.

    Raises:
        WeightsError: If the shared embedding is missing, or its copies differ.
    """
    import torch

    from ..state import new_names

    kept = [name for name in state if name not in _DROPPED]
    found = {new: state[name] for new, name in new_names(kept, "the model", RENAMING).items()}
    if _TRANSPOSED in found:
        found[_TRANSPOSED] = found[_TRANSPOSED].T.contiguous()
    copies = [name for name in (_SHARED, *_TIED) if name in found]
    if not copies:
        raise WeightsError(
            "the weights lack language_model.model.shared.weight, the embedding of Florence-2's words; give the "
            "weights and the configuration that belong together"
        )
    for name in copies:
        if not torch.equal(found[name], found[copies[0]]):
            raise WeightsError(f"{copies[0]} and {name}, which are one embedding in Florence-2, differ in the weights")
    shared = found[copies[0]]
    more = shared.new_zeros((vocabulary - shared.shape[0], shared.shape[1])) if len(shared) < vocabulary else None
    grown = shared if more is None else torch.cat([shared, more])
    found |= dict.fromkeys((_SHARED, *_TIED), grown)
    return found


def add_tokens(tokenizer: Any, vocabulary: int) -> None:
    """Give a tokenizer the tokens that the authors' processor adds, then that for the image.

    Args:
        tokenizer: Of the repository, with or without them.
        vocabulary: Words of the authors' network, all of their tokens included.

    Raises:
        WeightsError: If a token gets another number than the network knows it by: each answer would be another.
    """
    tokenizer.add_tokens([_token(token) for token in FURTHER_TOKENS], special_tokens=True)
    tokenizer.add_tokens([_token(IMAGE_TOKEN)], special_tokens=True)
    first = vocabulary - len(FURTHER_TOKENS)
    for place, token in enumerate((*FURTHER_TOKENS, IMAGE_TOKEN)):
        number = tokenizer.convert_tokens_to_ids(token)
        if number != first + place:
            raise WeightsError(
                f"the tokenizer numbers {token} {number}, and the network of {vocabulary} words knows it as "
                f"{first + place}; give the tokenizer and the weights that belong together"
            )


def _token(token: str) -> Any:
    from tokenizers import AddedToken

    return AddedToken(token, special=True, normalized=False)


def _require(value: Any, wanted: Any, what: str) -> None:
    if value != wanted:
        raise WeightsError(
            f"the configuration says {what} {value!r}, and transformers' Florence-2 knows {wanted!r} only; give "
            "another checkpoint"
        )
