"""SigLIP: stored maps of transformers' own network, equal patches, towers of timm, what is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from open_clip.model import CLIP, CustomTextCLIP
from safetensors.torch import load_file, save_file
from transformers import SiglipModel

from groundcxr.core import Box, MethodError, Query, Radiograph, WeightsError
from groundcxr.core.seen import seen
from groundcxr.methods.contrastive.siglip import Siglip, SiglipOptions, pooled_tower
from groundcxr.methods.loading import build_method

STORED = Path(__file__).parents[2] / "data" / "clip_maps"
EXPECTED = dict(np.load(STORED / "siglip_patch_expected.npz"))
TIMM = {"timm_model_name": "test_vit", "image_size": 160, "timm_pool": "map", "timm_proj": "none"}
TEXT = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}


@pytest.fixture(scope="module")
def siglip(siglip_folder):
    method = build_method("siglip", {"weights": str(siglip_folder)})
    method.setup("cpu")
    return method


def stored_images():
    return [Radiograph.open(STORED / f"siglip_patch_image{number}.png") for number in range(2)]


def phrases():
    """Texts whose token ids are the stored ones, without the padding at their end."""
    return [" ".join(f"w{token:02}" for token in row) for row in EXPECTED["input_ids"]]


def test_stored_maps(siglip):
    for number, image in enumerate(stored_images()):
        for phrase, answer in enumerate(siglip.ground(image, phrases())):
            expected = EXPECTED["map"][number, phrase]
            error = np.abs(answer.heatmap.values - expected).max() / np.abs(expected).max()
            assert error < 1e-5
            assert answer.heatmap.extent == Box(0, 0, *image.size)
            assert not answer.truncated


@torch.no_grad()
def test_an_image_of_equal_patches_pools_to_the_embedding_of_one(siglip_folder, siglip):
    model = SiglipModel.from_pretrained(siglip_folder).eval()
    patches = torch.randn((4, 48), generator=torch.Generator().manual_seed(1))
    for patch, found in zip(patches, siglip._own.head(patches), strict=True):
        pooled = model.vision_model.head(patch.expand(1, 25, 48))[0]
        torch.testing.assert_close(found, pooled, atol=1e-5, rtol=1e-5)
    # And the stored embedding of a whole image is the same head over all its patches.
    pixels = siglip._pixels(stored_images())
    whole = torch.nn.functional.normalize(model.get_image_features(pixels).pooler_output, dim=-1)
    stored = EXPECTED["image_embeds"] / np.linalg.norm(EXPECTED["image_embeds"], axis=-1, keepdims=True)
    np.testing.assert_allclose(whole.numpy(), stored, atol=1e-5)


def test_long_texts_are_cut_off_and_say_so(siglip):
    answers = siglip.ground(stored_images()[0], ["w05 " * 16, "w05 " * 17])
    assert [answer.truncated for answer in answers] == [False, True]


def test_texts_are_in_lower_case_as_in_training(siglip):
    """The tokenizers in SigLIP 2's repositories keep capitals, which its training never saw."""
    small, capital = siglip.ground(stored_images()[0], [phrases()[0], phrases()[0].upper()])
    np.testing.assert_array_equal(small.heatmap.values, capital.heatmap.values)


def test_neighbours_change_nothing(siglip, same_in_any_batch):
    same_in_any_batch(siglip, [Query(image, phrase, "") for image in stored_images() for phrase in phrases()])


@torch.no_grad()
def test_a_tower_of_timm_by_hand():
    torch.manual_seed(0)
    model = CustomTextCLIP(64, TIMM, TEXT).eval()
    tower = pooled_tower(model, "small")
    pixels = torch.randn(2, 3, 160, 160)
    found = tower(pixels)
    tokens = model.visual.trunk.forward_features(pixels)[0, 1:]
    pool = model.visual.trunk.attn_pool
    value = pool.kv(tokens).chunk(2, dim=-1)[1]
    hidden = pool.proj(value)
    expected = hidden + pool.mlp(pool.norm(hidden))
    torch.testing.assert_close(found[0].flatten(0, 1), expected, atol=1e-5, rtol=1e-5)
    assert found.shape == (2, 10, 10, 64)


def test_models_without_such_a_head_are_refused(siglip_folder, tmp_path):
    vision = {"image_size": 32, "layers": 1, "width": 16, "patch_size": 16, "head_width": 16}
    with pytest.raises(MethodError, match=r"siglip model small cannot ground phrases: .*no pooling head"):
        pooled_tower(CLIP(8, vision, TEXT).eval(), "small")
    with pytest.raises(MethodError, match="no pooling head"):
        pooled_tower(CustomTextCLIP(8, {**TIMM, "timm_pool": "", "timm_proj": "linear"}, TEXT).eval(), "small")
    with pytest.raises(MethodError, match=r"siglip model 'small' is none of NAME/PRETRAINED"):
        Siglip(SiglipOptions("small"))
    (tmp_path / "x.safetensors").write_bytes(b"")
    with pytest.raises(WeightsError, match=r"siglip reads no single file such as .*x.safetensors: give weights=FOLDER"):
        build_method("siglip", {"weights": str(tmp_path / "x.safetensors")})
    # clip refuses these the other way round.
    with pytest.raises(MethodError, match=r"clip model .* cannot ground phrases: .*pools with attention"):
        build_method("clip", {"weights": str(siglip_folder)}).setup("cpu")
    shutil.copytree(siglip_folder, tmp_path / "naflex")
    config = json.loads((siglip_folder / "config.json").read_text())
    (tmp_path / "naflex/config.json").write_text(json.dumps({**config, "model_type": "siglip2"}))
    with pytest.raises(
        MethodError, match="is of the type 'siglip2'; method siglip reads those of the types clip and siglip"
    ):
        Siglip(SiglipOptions(weights=str(tmp_path / "naflex"))).setup("cpu")


def test_half_loaded_weights_are_refused(siglip_folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(siglip_folder, copy)
    state = load_file(siglip_folder / "model.safetensors")
    probe = state.pop("vision_model.head.probe")
    save_file(state, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"lacks vision_model\.head\.probe"):
        Siglip(SiglipOptions(weights=str(copy))).setup("cpu")
    save_file(
        {**state, "vision_model.head.probe": probe, "extra": probe.clone()},
        copy / "model.safetensors",
        metadata={"format": "pt"},
    )
    with pytest.raises(WeightsError, match="holds extra, which"):
        Siglip(SiglipOptions(weights=str(copy))).setup("cpu")


def test_drawn_weights(siglip_folder):
    maps = []
    for seed in (1, 1, 2):
        method = Siglip(SiglipOptions(weights=f"random:{seed}:{siglip_folder}"))
        method.setup("cpu")
        assert method.weights_id() == f"random:{seed}:local copy tiny-siglip (drawn)"
        maps.append(method.ground(stored_images()[0], phrases())[0].heatmap.values)
    np.testing.assert_array_equal(maps[0], maps[1])
    assert not np.allclose(maps[0], maps[2], atol=1e-3)


def test_medsiglip_counts_as_having_seen_mimic():
    method = Siglip(SiglipOptions(weights="google/medsiglip-448"))
    assert seen(method.trained_on, "ms-cxr")
    assert not Siglip(SiglipOptions()).trained_on
    assert "not an authors' map" in method.note


def test_a_pointer_of_git_lfs_in_place_of_the_weights_is_called_one(siglip_folder, tmp_path):
    """What `git clone` of a hub repository leaves where Git LFS is not installed."""
    copy = tmp_path / "cloned"
    shutil.copytree(siglip_folder, copy)
    (copy / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n")
    with pytest.raises(WeightsError, match=r"cloned/model\.safetensors is not what it is called: .*`git lfs pull`"):
        build_method("siglip", {"weights": str(copy)}).setup("cpu")
