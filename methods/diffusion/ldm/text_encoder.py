"""Text encoders of diffusion models, loaded whole or refused."""

from __future__ import annotations

from typing import Any

from ....core import WeightsError
from ...hub import unloadable
from ...pretrained import check_loaded, quietly
from ...random_weights import drawing
from ...requirements import require_packages
from ...weight_files import check_files, check_values
from .sources import Text

# Heads of a language model that token states do not pass through, and what a whole CLIP or T5 holds beside its text
# encoder.
_HEADS = (r"^cls\.", r"^cls_projection_head\.", r"^lm_head\.", r"(^|\.)pooler\.")
_OTHER_PART = (r"^vision_model\.", r"^(visual|text)_projection\.", r"^logit_scale$", r"^decoder\.")


def load_text(method: str, text: Text, seed: int | None) -> tuple[Any, Any, str]:
    """A text encoder and its tokenizer, on the CPU and for inference.

    Args:
        method: The method's name, for messages.
        text: Where they lie.
        seed: Of drawn weights, for which there need not be a file.

    Returns:
        The encoder in float32, the tokenizer, and the encoder's kind: "clip", "cxr-bert", "t5", or what transformers
        calls it.

    Raises:
        WeightsError: If a file is missing, damaged or half there, or the encoder is of an unknown kind.
        MethodError: If a package is missing.
    """
    from transformers import (
        CONFIG_MAPPING,
        AutoConfig,
        AutoModel,
        AutoTokenizer,
        CLIPTextModel,
        CLIPTokenizer,
        T5EncoderModel,
    )

    kind = str(text.encoder.config().get("model_type")).removesuffix("_text_model")
    if kind == "cxr-bert":
        require_packages(method, "hi-ml-multimodal")
        from health_multimodal.text.model import CXRBertModel, CXRBertTokenizer

        model_class, tokenizer_class = CXRBertModel, CXRBertTokenizer
    elif kind == "clip":
        model_class, tokenizer_class = CLIPTextModel, CLIPTokenizer
    elif kind == "t5":
        # Without the decoder, which AutoModel would make up.
        model_class, tokenizer_class = T5EncoderModel, AutoTokenizer
    elif kind in CONFIG_MAPPING:
        model_class, tokenizer_class = AutoModel, AutoTokenizer
    else:
        raise WeightsError(
            f"the text encoder in {text.encoder.folder} is of the kind {kind}, which neither transformers nor "
            "hi-ml-multimodal knows; code from checkpoints is not run"
        )
    what = f"the text encoder in {text.encoder.folder}"
    if seed is None:
        check_files(text.encoder.language_models(), what)
    try:
        tokenizer = tokenizer_class.from_pretrained(text.tokenizer.folder, trust_remote_code=False)
        loaded: Any
        if seed is not None:
            config_class = getattr(model_class, "config_class", None) or AutoConfig
            build: Any = getattr(model_class, "from_config", None) or getattr(model_class, "_from_config")  # noqa: B009
            config = config_class.from_pretrained(text.encoder.folder, trust_remote_code=False)
            with drawing(seed):
                loaded = build(config), {}
        else:
            with quietly():
                # Shapes that differ are said by `check_loaded`, by name.
                loaded = model_class.from_pretrained(
                    text.encoder.folder,
                    output_loading_info=True,
                    ignore_mismatched_sizes=True,
                    trust_remote_code=False,
                )
    except Exception as error:  # transformers raises many types for files that are damaged or of another model
        raise unloadable(method, what, error, text.tokenizer.folder, text.encoder.folder) from error
    encoder, report = loaded
    check_loaded(report, what, unused=(*_HEADS, *_OTHER_PART), absent=_HEADS)
    check_values(encoder, what)
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        raise WeightsError(f"the tokenizer in {text.tokenizer.folder} knows no words; its vocabulary is missing")
    return encoder.float().eval().requires_grad_(False), tokenizer, kind
