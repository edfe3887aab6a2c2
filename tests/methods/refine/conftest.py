"""Methods to be refined, and a tiny SAM in the hub's layout."""

import pytest
import torch
from transformers import (
    SamConfig,
    SamImageProcessor,
    SamMaskDecoderConfig,
    SamModel,
    SamProcessor,
    SamPromptEncoderConfig,
    SamVisionConfig,
)

MAPS = """
import numpy as np
from pathlib import Path
from dataclasses import dataclass
from groundcxr import Box, Grounding, GroundingMethod, Heatmap

@dataclass(frozen=True)
class Options:
    rows: int = 5
    columns: int = 7

class Maps(GroundingMethod):
    Options = Options
    kind = "contrastive"
    trained_on = ("MIMIC-CXR",)

    def ground(self, image, phrases):
        with open(Path(__file__).with_name("asked.txt"), "a") as log:
            log.write("".join(phrase + "\\n" for phrase in phrases))
        return [self.one(image, phrase) for phrase in phrases]

    def one(self, image, phrase):
        rng = np.random.default_rng(len(phrase) + image.size[0])
        values = rng.normal(size=(self.options.rows, self.options.columns))
        return Grounding(Heatmap.whole(values, image.size))

class Boxed(GroundingMethod):
    emits = frozenset({"box"})

    def ground(self, image, phrases):
        w, h = image.size
        return [Grounding(boxes=[Box(w / 8, h / 8, w / 2, h / 2, .75)] * (phrase != "none")) for phrase in phrases]

class Wordy(GroundingMethod):
    emits = frozenset({"box"})

    def ground(self, image, phrases):
        from groundcxr.methods.boxes.reading import written_answer

        return [written_answer(phrase, "qwen3_vl", image.size) for phrase in phrases]
"""


@pytest.fixture
def maps(tmp_path):
    """A method file with `Maps`, whose answers are heatmaps, and `Boxed`, whose answers are boxes."""
    path = tmp_path / "maps.py"
    path.write_text(MAPS)
    return path


@pytest.fixture(scope="session")
def tiny_sam(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny-sam"
    vision = SamVisionConfig(
        hidden_size=16,
        output_channels=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=256,
        patch_size=16,
        mlp_dim=16,
        num_pos_feats=4,
        window_size=4,
        global_attn_indexes=[1],
    )
    prompts = SamPromptEncoderConfig(hidden_size=8, image_size=256, patch_size=16, mask_input_channels=4)
    decoder = SamMaskDecoderConfig(
        hidden_size=8, mlp_dim=8, num_hidden_layers=1, num_attention_heads=2, iou_head_hidden_dim=8
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = SamModel(
            SamConfig(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder)
        ).eval()
    for parameter in model.parameters():  # the library's own draw leaves biases at 0, and masks all but flat
        generator = torch.Generator().manual_seed(parameter.numel())
        with torch.no_grad():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    model.save_pretrained(folder)
    SamProcessor(
        SamImageProcessor(
            size={"longest_edge": 256},
            pad_size={"height": 256, "width": 256},
            mask_size={"longest_edge": 64},
            mask_pad_size={"height": 64, "width": 64},
        )
    ).save_pretrained(folder)
    return folder
