"""A CLIP tokenizer whose words are those of the training phrases; anything else is spelt in bytes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

MAX_TOKENS = 24
"""Start and end included; the longest phrase has 11 words."""

_START, _END = "<|startoftext|>", "<|endoftext|>"
_WORD_END = "</w>"


def build_tokenizer(phrases: Sequence[str], folder: Path) -> CLIPTokenizer:
    """Learn byte-pair merges until every word of the phrases is one token, and save them in CLIP's file format.

    Args:
        phrases: The training phrases.
        folder: Where `vocab.json`, `merges.txt` and the configuration go.
    """
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    alphabet = [*letters, *(letter + _WORD_END for letter in letters)]
    words = sorted({word for phrase in phrases for word in phrase.lower().split()})
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix=_WORD_END))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.BPEDecoder(suffix=_WORD_END)
    # A word of n letters takes n - 1 merges at most, so there is room for all.
    room = len(alphabet) + sum(len(word) for word in words)
    trainer = trainers.BpeTrainer(
        vocab_size=room, initial_alphabet=letters, end_of_word_suffix=_WORD_END, show_progress=False, min_frequency=1
    )
    tokenizer.train_from_iterator(words, trainer)
    merges = [tuple(merge) for merge in json.loads(tokenizer.to_str())["model"]["merges"]]
    # The order of merges with equal counts differs from one process to the next; numbers that a checkpoint's embeddings
    # belong to must not.
    tokens = [*alphabet, *sorted({"".join(merge) for merge in merges}), _START, _END]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({token: index for index, token in enumerate(tokens)}))
    lines = ["#version: 0.2", *(" ".join(merge) for merge in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    config = {
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": MAX_TOKENS,
        "bos_token": _START,
        "eos_token": _END,
        "unk_token": _END,
        "pad_token": _END,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
    built = CLIPTokenizer.from_pretrained(folder)
    split = [word for word in words if len(built(word)["input_ids"]) != 3]
    if split:
        raise RuntimeError(f"the words {', '.join(split)} are not one token each")
    return built
