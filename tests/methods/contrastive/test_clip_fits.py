"""Weights of open_clip that do not fit their configuration: nothing half-loaded passes."""

import json

import pytest
import torch
from open_clip.model import CLIP
from safetensors.torch import save_file

from groundcxr.core import WeightsError
from groundcxr.methods.loading import build_method

VISION = {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 32}
TEXT = {"context_length": 16, "vocab_size": 49408, "width": 8, "heads": 2, "layers": 1}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("visual.proj"), r"visual\.proj"),
        (lambda state: state.update(extra=torch.zeros(1)), "extra"),
        (lambda state: state.update({"visual.proj": torch.zeros(2, 2)}), r"visual\.proj"),
    ],
    ids=["missing", "left over", "another shape"],
)
def test_they_are_refused_by_name(tmp_path, change, said):
    state = dict(CLIP(8, VISION, TEXT).state_dict())
    change(state)
    save_file(state, tmp_path / "open_clip_model.safetensors")
    config = {"model_cfg": {"embed_dim": 8, "vision_cfg": VISION, "text_cfg": TEXT}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match=said):
        build_method("clip", {"weights": str(tmp_path)}).setup("cpu")
