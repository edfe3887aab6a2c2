"""A SAM of a few kilobytes with random weights, as a folder that its real counterpart looks like."""

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


def save_sam(folder):
    """A SAM in the hub's layout."""
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
