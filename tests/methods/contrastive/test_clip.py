"""CLIP on small random models in open_clip's own folder layout: projections by hand, extents, refusals, errors."""

import json
import shutil
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from open_clip.model import CLIP, CustomTextCLIP
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import BertConfig, CLIPImageProcessor, SiglipImageProcessor

from groundcxr.core import Box, Heatmap, MethodError, Query, Radiograph, UnknownNameError, WeightsError
from groundcxr.core.input_frame import fit_frame
from groundcxr.core.seen import seen
from groundcxr.methods.contrastive import base
from groundcxr.methods.contrastive.clip.frame import RESIZE_MODES
from groundcxr.methods.contrastive.clip.method import Clip
from groundcxr.methods.contrastive.clip.options import ClipOptions
from groundcxr.methods.contrastive.clip.presets import PRESETS
from groundcxr.methods.contrastive.clip.towers import patch_tower
from groundcxr.methods.contrastive.clip.transformers_models import ProcessorFrame
from groundcxr.methods.inference import together
from groundcxr.methods.loading import build_method
from groundcxr.methods.marker import find_marker, frame_problem, marker_image

STORED = Path(__file__).parents[2] / "data" / "biovil_tall"
VISION = {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16, "head_width": 32}
TIMM = {"timm_model_name": "test_vit", "image_size": 160, "timm_pool": "", "timm_proj": "linear"}
TEXT = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
PREPROCESS = {
    "mean": [0.4, 0.4, 0.4],
    "std": [0.3, 0.3, 0.3],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}
PHRASES = ["Small right pleural effusion.", "left basal opacity", "no pneumothorax"]


def random_model(vision, text=TEXT, embed=24, resize_mode="shortest"):
    """An open_clip model with random weights, whose norms are far from the identity."""
    torch.manual_seed(0)
    model = (CustomTextCLIP if "timm_model_name" in vision else CLIP)(embed, vision, text).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "ln_" in name or "norm" in name:
                value.normal_(1.0 if name.endswith("weight") else 0.0, 0.3)
    size = model.visual.image_size
    preprocess = {**PREPROCESS, "size": size, "mode": "RGB", "fill_color": 0, "resize_mode": resize_mode}
    open_clip.model.set_model_preprocess_cfg(model, preprocess)
    return model


def save(folder, model, vision, text=TEXT, embed=24):
    """Write a model as open_clip's local-dir: takes it."""
    config = {"model_cfg": {"embed_dim": embed, "vision_cfg": vision, "text_cfg": text}, "preprocess_cfg": PREPROCESS}
    config["model_cfg"]["custom_text"] = isinstance(model, CustomTextCLIP)
    folder.mkdir(exist_ok=True)
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    state = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(state, folder / "open_clip_model.safetensors")
    return folder


def from_parts(vision=VISION, resize_mode="shortest"):
    method = Clip(
        model=random_model(vision, resize_mode=resize_mode), tokenizer=open_clip.SimpleTokenizer(context_length=16)
    )
    method.setup("cpu")
    return method


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("clip"), random_model(VISION), VISION)


@pytest.fixture(scope="module")
def clip(folder):
    method = build_method("clip", {"weights": str(folder)})
    method.setup("cpu")
    return method


def film(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)


@torch.no_grad()
def test_the_map_by_hand(clip, tmp_path):
    Image.fromarray(film(90, 70)).save(tmp_path / "film.png")
    answers = clip.ground(Radiograph.open(tmp_path / "film.png"), PHRASES)

    model = random_model(VISION)
    visual = model.visual
    kept = []
    hook = visual.transformer.register_forward_hook(lambda module, args, output: kept.append(output))
    transform = image_transform_v2(PreprocessCfg(**visual.preprocess_cfg), is_train=False)
    embedded = model.encode_image(transform(Image.open(tmp_path / "film.png").convert("RGB"))[None])
    hook.remove()
    (tokens,) = kept
    normed = torch.nn.functional.layer_norm(tokens, (64,), visual.ln_post.weight, visual.ln_post.bias)
    projected = normed[0] @ visual.proj
    torch.testing.assert_close(projected[0], embedded[0], atol=1e-6, rtol=0)
    patches = projected[1:] / projected[1:].norm(dim=-1, keepdim=True)
    for phrase, answer in zip(PHRASES, answers, strict=True):
        text = model.encode_text(open_clip.tokenize([phrase], context_length=16))[0]
        expected = (patches @ (text / text.norm())).reshape(4, 4).numpy()
        np.testing.assert_allclose(answer.heatmap.values, expected, atol=1e-5)
        assert expected.std() > 1e-3


@torch.no_grad()
def test_a_timm_tower_by_hand():
    method = from_parts(TIMM)
    image = Radiograph.from_array(film(200, 160))
    (answer,) = method.ground(image, PHRASES[:1])

    model = random_model(TIMM)
    transform = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
    pixels = transform(Image.fromarray(image.pixels).convert("RGB"))[None]
    projected = model.visual.head(model.visual.trunk.forward_features(pixels))[0]
    torch.testing.assert_close(projected[0], model.encode_image(pixels)[0], atol=1e-6, rtol=0)
    text = model.encode_text(open_clip.tokenize(PHRASES[:1], context_length=16))[0]
    expected = torch.nn.functional.cosine_similarity(projected[1:], text[None]).reshape(10, 10).numpy()
    np.testing.assert_allclose(answer.heatmap.values, expected, atol=1e-5)
    assert answer.heatmap.extent == Box(20, 0, 180, 160)


@pytest.mark.parametrize(
    ("vision", "pool"),
    [
        ({**VISION, "pool_type": "avg"}, "mean"),
        ({**VISION, "final_ln_after_pool": True}, "token"),
        ({**VISION, "output_tokens": True}, "token"),
        ({**TIMM, "timm_proj": "mlp"}, "token"),
        ({**TIMM, "timm_pool": "avg"}, "mean"),
    ],
)
@torch.no_grad()
def test_towers_that_project_patches_exactly(vision, pool):
    model = random_model(vision)
    tower = patch_tower(model, "small")
    assert tower.pool == pool
    pixels = torch.rand((2, 3, *model.visual.image_size))
    patches = tower(pixels)
    expected = model.encode_image(pixels)
    if pool == "mean":
        torch.testing.assert_close(patches.mean(dim=(1, 2)), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("vision", "reason"),
    [
        ({"layers": [1, 1, 1, 1], "width": 16, "image_size": 64, "head_width": 16}, "pools with attention"),
        ({**VISION, "attentional_pool": True}, "pools with attention"),
        ({**TIMM, "timm_pool": "map", "timm_proj": "none"}, "pools with attention"),
        ({**VISION, "pool_type": "none"}, "pool type 'none'"),
        # The norm follows the mean, and so does the MLP: neither is a mean over patches.
        ({**VISION, "pool_type": "avg", "final_ln_after_pool": True}, "mean of its patches does not give its image"),
        ({**TIMM, "timm_pool": "avg", "timm_proj": "mlp"}, "mean of its patches does not give its image"),
        ({**TIMM, "timm_model_name": "test_resnet"}, "ResNet of timm, not a vision transformer"),
    ],
)
def test_other_towers_are_refused_with_the_reason(vision, reason):
    embed = 64 if vision.get("timm_proj") == "none" else 24
    with pytest.raises(MethodError, match=rf"cannot ground phrases: .*{reason}"):
        patch_tower(random_model(vision, embed=embed), "small")


def test_models_are_refused_before_their_weights_are_fetched(tmp_path):
    with pytest.raises(MethodError, match=r"RN50/openai cannot ground phrases: .*pools with attention"):
        Clip(ClipOptions("RN50/openai")).setup("cpu")
    with pytest.raises(MethodError, match="pools with attention"):
        Clip(ClipOptions("ViT-B-16-SigLIP/webli")).setup("cpu")
    config = {"model_cfg": {"embed_dim": 8, "vision_cfg": {"layers": [1, 1, 1, 1]}, "text_cfg": TEXT}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    (tmp_path / "open_clip_model.safetensors").write_bytes(b"")
    with pytest.raises(MethodError, match="pools with attention"):
        Clip(ClipOptions(f"local-dir:{tmp_path}")).setup("cpu")


def test_batches_agree_and_encode_each_image_once(clip, same_in_any_batch):
    images = [Radiograph.from_array(film(*size, seed)) for seed, size in enumerate([(80, 64), (64, 90), (40, 40)])]
    queries = [Query(image, phrase, "Edema") for image in images for phrase in PHRASES]
    encoded = []
    hook = clip._model.visual.register_forward_pre_hook(lambda module, args: encoded.append("direct"))
    inner = clip._model.visual.transformer.register_forward_pre_hook(lambda module, args: encoded.append("direct"))
    first = clip._model.visual.conv1.register_forward_hook(lambda module, args, output: encoded.append(len(output)))
    answers = clip.ground_batch([*queries, queries[0]])
    for one in (hook, inner, first):
        one.remove()
    # One at a time, since kernels round otherwise for several.
    assert encoded == [1, 1, 1]
    assert [answer.heatmap.image_size for answer in answers] == [one.image.size for one in (*queries, queries[0])]
    same_in_any_batch(clip, [*queries, queries[0]])


@pytest.mark.parametrize("gpu", ["cuda", "cuda:1"])
def test_on_a_gpu_a_batch_is_encoded_together(gpu, clip, monkeypatch):
    """With the networks where they are: a test has no GPU."""
    images = [Radiograph.from_array(film(80, 64, seed)) for seed in range(3)]
    queries = [Query(image, phrase, "Edema") for image in images for phrase in PHRASES]
    encoded = []
    first = clip._model.visual.conv1.register_forward_hook(lambda module, args, output: encoded.append(len(output)))
    monkeypatch.setattr(base, "together", lambda items, device: together(items, gpu))
    found = clip.ground_batch(queries)
    monkeypatch.undo()
    first.remove()
    assert encoded == [3]
    for query, answer, other in zip(queries, found, clip.ground_batch(queries), strict=True):
        assert answer.heatmap.image_size == query.image.size
        np.testing.assert_allclose(answer.heatmap.values, other.heatmap.values, atol=1e-5, rtol=0)


def test_extents_by_hand(clip):
    # Shorter side to 64, centre 64x64: of 96x64, columns 16..80, which are 50..250 of 300.
    expected = {
        (300, 200): Box(50, 0, 250, 200),
        (200, 300): Box(0, 50, 200, 250),
        (64, 64): Box(0, 0, 64, 64),
        # 301 -> int(64 * 301 / 200) = 96; columns 16..80 of 96 are 50.2..250.8 of 301.
        (301, 200): Box(50, 0, 251, 200),
        # 303 -> 96: 50.5 and 252.5, rounded up. 310 -> 99, whose 35 spare columns leave 18 on the left: 56.4, 256.8.
        (303, 200): Box(51, 0, 253, 200),
        (310, 200): Box(56, 0, 257, 200),
        (40, 40): Box(0, 0, 40, 40),
        (30, 300): Box(0, 135, 30, 165),
        (1, 1): Box(0, 0, 1, 1),
    }
    for size, box in expected.items():
        (answer,) = clip.ground(Radiograph.from_array(film(*size)), ["opacity"])
        assert answer.heatmap.extent == box, size
        assert answer.heatmap.image_size == size


def spot_in_input(transform, size, x, y):
    """Where open_clip's own transform puts a bright spot of the original, `(u, v)`; None where it crops it away."""
    spot = np.zeros((size[1], size[0]), dtype=np.uint8)
    spot[max(y - 2, 0) : y + 3, max(x - 2, 0) : x + 3] = 255
    seen = transform(Image.fromarray(spot))[0].numpy()
    weight = np.clip(seen - np.median(seen), 0, None)
    if weight.sum() == 0:
        return None
    centre = np.arange(weight.shape[0]) + 0.5
    return float(weight.sum(axis=0) @ centre / weight.sum()), float(weight.sum(axis=1) @ centre / weight.sum())


@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("size", [(211, 130), (130, 211), (97, 97), (45, 240), (333, 64)])
def test_each_pixel_belongs_to_the_patch_that_sees_it(mode, size):
    cells, patch = 6, 12
    side = cells * patch + 5  # the last 5 rows and columns belong to no patch
    transform = image_transform_v2(PreprocessCfg(size=side, resize_mode=mode), is_train=False)
    numbered = np.arange(cells * cells, dtype=np.float32).reshape(cells, cells)
    heatmap = fit_frame(size, (side, side), RESIZE_MODES[mode]).heatmap(numbered, (patch, patch))
    pixels = heatmap.to_pixels()
    x0, y0, x1, y1 = (int(edge) for edge in heatmap.extent.as_tuple())
    rng = np.random.default_rng(3)
    followed = 0
    for x, y in zip(rng.integers(x0, x1, 80), rng.integers(y0, y1, 80), strict=True):
        u, v = spot_in_input(transform, size, x, y)
        # A spot that lies across patches, or is cut by an edge, does not say which it belongs to.
        if all(2.5 < z % patch < patch - 2.5 and z < cells * patch for z in (u, v)):
            assert pixels[y, x] == numbered[int(v // patch), int(u // patch)]
            followed += 1
    assert followed > 8
    for x, y in ((x0 - 4, y0), (x0, y0 - 4)):
        if x >= 0 and y >= 0:
            assert np.isnan(pixels[y, x])
            assert spot_in_input(transform, size, x, y) is None


def test_padding_is_cut_off_and_the_whole_image_is_kept():
    # 100x50 in 64x64: resized to 64x32, padded by 16 above and below: exactly one patch of 16 each.
    heatmap = fit_frame((100, 50), (64, 64), "letterbox").heatmap(np.arange(16.0).reshape(4, 4), (16, 16))
    np.testing.assert_array_equal(heatmap.values, [[4, 5, 6, 7], [8, 9, 10, 11]])
    assert heatmap.extent == Box(0, 0, 100, 50)
    # 64x40: padded by 12, so patches keep 4, 16, 16 and 4 rows: cells of 4 rows, 10 of them.
    heatmap = fit_frame((64, 40), (64, 64), "letterbox").heatmap(np.arange(16.0).reshape(4, 4), (16, 16))
    np.testing.assert_array_equal(heatmap.values[:, 0], [0, 4, 4, 4, 4, 8, 8, 8, 8, 12])
    assert heatmap.values.shape == (10, 4)
    assert heatmap.extent == Box(0, 0, 64, 40)
    with pytest.raises(MethodError, match="1x1000 pixels is too narrow"):
        fit_frame((1, 1000), (64, 64), "letterbox")
    with pytest.raises(MethodError, match="by 'stretch'"):
        fit_frame((10, 10), (64, 64), "stretch")


def test_padded_and_squashed_images_through_the_method():
    image = Radiograph.from_array(film(120, 60))
    (padded,) = from_parts(resize_mode="longest").ground(image, ["opacity"])
    (squashed,) = from_parts(resize_mode="squash").ground(image, ["opacity"])
    assert padded.heatmap.values.shape == (2, 4)
    assert squashed.heatmap.values.shape == (4, 4)
    assert padded.heatmap.extent == squashed.heatmap.extent == Box(0, 0, 120, 60)
    with pytest.raises(MethodError, match="1x1000 pixels is too narrow"):
        from_parts(resize_mode="longest").ground(Radiograph.from_array(film(1, 1000)), ["opacity"])


def test_sixteen_bit_files_and_long_phrases(clip, tmp_path):
    wide = (film(80, 64).astype(np.uint16) << 4) + 900
    Image.fromarray(wide).save(tmp_path / "wide.png")
    long = "opacity " * 100
    answers = clip.ground(Radiograph.open(tmp_path / "wide.png"), ["opacity", long, long + "and effusion", ""])
    assert all(isinstance(answer.heatmap, Heatmap) for answer in answers)
    # Cut off at the context length of 16 tokens, as open_clip does.
    np.testing.assert_allclose(answers[1].heatmap.values, answers[2].heatmap.values, atol=1e-6)
    assert [answer.truncated for answer in answers] == [False, True, True, False]
    # 14 words and the start and the end are 16 tokens.
    edge = clip.ground(Radiograph.open(tmp_path / "wide.png"), ["left " * 14, "left " * 15])
    assert [answer.truncated for answer in edge] == [False, True]


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("strip", [False, True])
def test_hugging_face_tokenizers_tell_what_they_cut(side, strip):
    """Padding on either side, and with the separator taken away, as some of open_clip's configurations ask for."""
    tokenizer = open_clip.tokenizer.HFTokenizer(
        str(STORED / "cxrbert_tiny"), context_length=8, strip_sep_token=strip, padding_side=side
    )
    method = Clip(model=random_model(VISION), tokenizer=tokenizer)
    phrases = ["", "right pleural effusion", "right " * 6, "right " * 7, "right " * 70]
    assert method.truncated(phrases) == [False, False, False, True, True]


@torch.no_grad()
def test_a_biomedclip_like_folder_loads_offline(tmp_path, monkeypatch):
    """BiomedCLIP's layout: timm tower, Hugging Face text tower and tokenizer; the text configuration lies inside."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    BertConfig(
        vocab_size=32, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    ).save_pretrained(tmp_path / "tiny-bert")
    for name in ("vocab.txt", "tokenizer_config.json"):
        shutil.copy(STORED / "cxrbert_tiny" / name, tmp_path)
    shape = {"hf_proj_type": "mlp", "hf_pooler_type": "cls_last_hidden_state_pooler", "context_length": 20}
    text = {"hf_model_name": "someone/tiny-bert", "hf_tokenizer_name": "someone/tiny-bert", **shape}
    local = {**text, "hf_model_name": str(tmp_path / "tiny-bert"), "hf_model_pretrained": False}
    model = random_model(TIMM, local)
    save(tmp_path, model, TIMM, text)
    method = Clip(ClipOptions("biomedclip", str(tmp_path)))
    method.setup("cpu")
    (answer,) = method.ground(Radiograph.from_array(film(160, 160)), ["small right pleural effusions"])
    ids = torch.tensor([[2, 13, 5, 11, 12, 30, 3, *[0] * 13]])
    expected = torch.nn.functional.normalize(model.encode_text(ids))
    found = method.embed_phrases(["small right pleural effusions"])
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    assert answer.heatmap.values.shape == (10, 10)

    # Code that lies with the weights is neither run nor offered at a prompt, whatever the configuration says.
    mine = json.loads((tmp_path / "open_clip_config.json").read_text())
    for trust in (None, True):
        monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("the user was asked"))
        (tmp_path / "evil.py").write_text("open('RAN', 'w')\n")
        config = json.loads((tmp_path / "tokenizer_config.json").read_text())
        config |= {"tokenizer_class": "Evil", "auto_map": {"AutoTokenizer": ["evil.Evil", None]}}
        (tmp_path / "evil").mkdir(exist_ok=True)
        for name in ("open_clip_pytorch_model.bin", "open_clip_model.safetensors", "vocab.txt"):
            if (tmp_path / name).exists():
                shutil.copy(tmp_path / name, tmp_path / "evil")
        shutil.copytree(tmp_path / "tiny-bert", tmp_path / "evil/tiny-bert", dirs_exist_ok=True)
        shutil.copy(tmp_path / "evil.py", tmp_path / "evil/evil.py")
        (tmp_path / "evil/tokenizer_config.json").write_text(json.dumps(config))
        if trust:
            mine["model_cfg"]["text_cfg"]["tokenizer_kwargs"] = {"trust_remote_code": True}
        (tmp_path / "evil/open_clip_config.json").write_text(json.dumps(mine))
        monkeypatch.chdir(tmp_path)
        with pytest.raises(WeightsError, match=r"_config\.json asks to run code that comes with"):
            Clip(ClipOptions("biomedclip", str(tmp_path / "evil"))).setup("cpu")
        assert not (tmp_path / "RAN").exists()

    shutil.rmtree(tmp_path / "tiny-bert")
    with pytest.raises(WeightsError, match=r"config.json of someone/tiny-bert \(or .*tiny-bert\)"):
        Clip(ClipOptions("biomedclip", str(tmp_path))).setup("cpu")


def test_fingerprints_are_of_the_content(folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "README.md").write_text("notes")
    here, there = build_method("clip", {"weights": str(folder)}), build_method("clip", {"model": f"local-dir:{copy}"})
    assert here.fingerprint() == there.fingerprint()
    assert str(tmp_path) not in json.dumps(there.options_dict()) + str(there.weights_id())
    config = copy / "open_clip_config.json"
    config.write_text(config.read_text().replace("shortest", "squash"))
    assert build_method("clip", {"weights": str(copy)}).fingerprint() != here.fingerprint()
    assert from_parts().weights_fingerprint() == from_parts().weights_fingerprint()
    assert from_parts().weights_fingerprint() != from_parts(resize_mode="squash").weights_fingerprint()


def test_presets_are_pinned_and_described():
    for name, preset in PRESETS.items():
        method = Clip(ClipOptions(name))
        assert method.trained_on
        assert "@" in method.citation
        assert method.licence == "MIT"
        if preset.hub is None:  # a file that the authors give out
            continue
        assert len(preset.hub.revision) == 40
        assert method.weights_fingerprint().startswith(f"{preset.hub.repo_id}@{preset.hub.revision}+sha256:")
    architecture = PRESETS["openai-vit-b-16"].architecture
    assert open_clip.get_pretrained_cfg(architecture, "openai")["hf_hub"] == "timm/vit_base_patch16_clip_224.openai/"
    # Weights of one's own say nothing of what they have seen.
    assert Clip(ClipOptions("biomedclip", "/somewhere")).trained_on == ()


def test_an_unreachable_hub_names_file_repository_and_option(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    cases = {
        "openai-vit-b-16": ("open_clip_model.safetensors", "timm/vit_base_patch16_clip_224.openai"),
        "biomedclip": ("open_clip_pytorch_model.bin", "microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224"),
        "hf-hub:someone/model": ("open_clip_config.json", "someone/model"),
        "ViT-B-32/laion2b_s34b_b79k": ("laion/CLIP-ViT-B-32-laion2B-s34B-b79K",),
    }
    for model, parts in cases.items():
        with pytest.raises(WeightsError) as caught:
            Clip(ClipOptions(model)).setup("cpu")
        message = str(caught.value)
        for part in (*parts, "--set weights=DIR"):
            assert part in message
        assert "\n" not in message


def test_names_that_do_not_exist():
    with pytest.raises(UnknownNameError, match="did you mean 'ViT-B-16'"):
        Clip(ClipOptions("ViT-B-61/openai")).setup("cpu")
    with pytest.raises(UnknownNameError, match="did you mean 'openai'"):
        Clip(ClipOptions("ViT-B-16/opnai")).setup("cpu")
    with pytest.raises(MethodError, match="is none of openai-vit-b-16, biomedclip, chexzero, NAME/PRETRAINED"):
        Clip(ClipOptions("ViT-B-16"))


def test_folders_that_cannot_be_used(folder, tmp_path):
    with pytest.raises(WeightsError, match=r"no folder .*nowhere.*--set weights=DIR.*open_clip_config.json"):
        Clip(ClipOptions(weights=str(tmp_path / "nowhere"))).setup("cpu")
    with pytest.raises(WeightsError, match=r"no open_clip_config.json in the folder"):
        Clip(ClipOptions(weights=str(tmp_path))).setup("cpu")
    shutil.copy(folder / "open_clip_config.json", tmp_path)
    with pytest.raises(WeightsError, match=r"no weights \(\*.safetensors"):
        Clip(ClipOptions(weights=str(tmp_path))).setup("cpu")
    # Weights of another shape are not loaded in part.
    other = {**VISION, "width": 32}
    save(tmp_path, random_model(other), VISION)
    with pytest.raises(WeightsError, match="cannot load the model"):
        Clip(ClipOptions(weights=str(tmp_path))).setup("cpu")
    (tmp_path / "open_clip_config.json").write_text("{}")
    with pytest.raises(WeightsError, match=r"open_clip_config.json is no open_clip configuration"):
        Clip(ClipOptions(weights=str(tmp_path))).setup("cpu")


def test_parts_come_together():
    with pytest.raises(MethodError, match="model and tokenizer together"):
        Clip(model=random_model(VISION))
    bare = random_model(VISION)
    del bare.visual.preprocess_cfg
    with pytest.raises(MethodError, match="preprocess_cfg"):
        Clip(model=bare, tokenizer=open_clip.SimpleTokenizer(context_length=16))


def test_a_folders_weights_are_not_made_to_fit_its_configuration(tmp_path):
    def refused(said, *, vision=VISION, text=TEXT, change=None):
        copy = save(tmp_path / "copy", random_model(VISION), vision, text)
        file = copy / "open_clip_model.safetensors"
        if change is not None:
            save_file(load_file(file) | change(load_file(file)), file)
        with pytest.raises(WeightsError, match=said):
            Clip(ClipOptions(weights=str(copy))).setup("cpu")

    # open_clip resamples both without a word.
    refused(
        "size mismatch for visual.positional_embedding: .* that belong together", vision={**VISION, "image_size": 96}
    )
    refused("size mismatch for positional_embedding: .* that belong together", text={**TEXT, "context_length": 24})
    for said, change in (
        (" as int8", lambda weight: (weight * 9).to(torch.int8)),
        ("NaN in", lambda weight: weight / 0),
    ):
        refused(said, change=lambda state, change=change: {"visual.proj": change(state["visual.proj"])})


CHEXZERO = {"image_size": 64, "layers": 2, "width": 64, "patch_size": 32, "head_width": 64}
CHEXZERO_TEXT = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 1, "layers": 1}


@pytest.fixture(scope="module")
def chexzero(tmp_path_factory):
    """A plain state dict in OpenAI's layout, with the numbers that OpenAI's own files hold."""
    torch.manual_seed(4)
    model = CLIP(24, CHEXZERO, CHEXZERO_TEXT, quick_gelu=True).eval()
    path = tmp_path_factory.mktemp("chexzero") / "best_64.pt"
    numbers = {name: torch.tensor(1) for name in ("input_resolution", "context_length", "vocab_size")}
    torch.save({**model.state_dict(), **numbers}, path)
    return path, model


@torch.no_grad()
def test_a_chexzero_file_by_hand(chexzero):
    path, model = chexzero
    method = build_method("clip", {"model": "chexzero", "weights": str(path)})
    method.setup("cpu")
    image = Radiograph.from_array(film(100, 50))
    (answer,) = method.ground(image, PHRASES[:1])
    # The authors pad to a square, take grey values in 0..255, and resize; padding is black.
    resized = Image.fromarray(image.pixels).convert("RGB").resize((64, 32), Image.Resampling.BICUBIC)
    square = np.zeros((64, 64, 3), dtype=np.float32)
    square[16:48] = np.asarray(resized)
    pixels = torch.from_numpy((square - 101.48761) / 83.43944).permute(2, 0, 1)[None]
    kept = []
    hook = model.visual.transformer.register_forward_hook(lambda module, args, output: kept.append(output))
    model.encode_image(pixels)
    hook.remove()
    patches = (model.visual.ln_post(kept[0])[0, 1:] @ model.visual.proj).reshape(2, 2, -1)
    text = model.encode_text(open_clip.tokenize(PHRASES[:1]))
    expected = torch.nn.functional.cosine_similarity(patches, text[None], dim=-1)
    # Each row of patches is half padding, and only the other half is of the image.
    np.testing.assert_allclose(answer.heatmap.values, expected.numpy(), atol=1e-5)
    assert answer.heatmap.extent == Box(0, 0, 100, 50)
    assert seen(method.trained_on, "ms-cxr")
    assert method.weights_id() == "local copy best_64.pt"
    assert method.options_dict()["model"] == "local-dir"


def test_mean_and_std_can_be_given(chexzero):
    path, _ = chexzero
    plain = build_method("clip", {"weights": str(path)})
    other = build_method("clip", {"weights": str(path), "mean": "0.5", "std": "0.25"})
    for method in (plain, other):
        method.setup("cpu")
    grey = Radiograph.from_array(np.full((64, 64), 51, dtype=np.uint8))
    assert other.network_input(grey).pixels.mean() == pytest.approx((51 / 255 - 0.5) / 0.25)
    assert plain.network_input(grey).pixels[0].mean() == pytest.approx((51 / 255 - 0.48145466) / 0.26862954)
    assert plain.fingerprint() != other.fingerprint()
    preset = build_method("clip", {"model": "chexzero", "weights": str(path)})
    assert preset.fingerprint() != plain.fingerprint()
    assert plain.trained_on == ()


def test_files_that_are_no_such_state_dict(chexzero, tmp_path):
    _, model = chexzero
    with pytest.raises(
        WeightsError, match=r"needs the file of the model chexzero from its authors: --set weights=FILE"
    ):
        Clip(ClipOptions("chexzero")).setup("cpu")
    with pytest.raises(WeightsError, match=r"finds no file .*nowhere.pt, given with --set weights=FILE"):
        Clip(ClipOptions("chexzero", str(tmp_path / "nowhere.pt"))).fingerprint()
    with pytest.raises(WeightsError, match=r"there is no weights file .*nowhere.pt"):
        Clip(ClipOptions("chexzero", str(tmp_path / "nowhere.pt"))).setup("cpu")
    changes = {
        r"holds no visual\.proj; give such a file": {"visual.proj": None},
        r"lacks ln_final\.bias": {"ln_final.bias": None},
        r"holds classifier\.weight, which": {"classifier.weight": torch.zeros(1)},
        r"weight has 3 axes \(4\)": {"visual.conv1.weight": torch.zeros(64, 3, 32)},
        r"embedding 7 places \(a square and 1\)": {"visual.positional_embedding": torch.zeros(7, 64)},
        # Ids of OpenAI's tokenizer would not be found, or be other words.
        r"weight 100 words \(49408\); give such a file": {"token_embedding.weight": torch.zeros(100, 64)},
    }
    for said, change in changes.items():
        state = {name: value for name, value in {**model.state_dict(), **change}.items() if value is not None}
        torch.save(state, tmp_path / "other.pt")
        with pytest.raises(WeightsError, match=said):
            Clip(ClipOptions(weights=str(tmp_path / "other.pt"))).setup("cpu")
    target = tmp_path / "RAN"

    class Evil:
        def __reduce__(self):
            return Path.write_text, (target, "ran")

    torch.save({**model.state_dict(), "config": Evil()}, tmp_path / "evil.pt")
    with pytest.raises(WeightsError, match="asks to run code"):
        Clip(ClipOptions(weights=str(tmp_path / "evil.pt"))).setup("cpu")
    assert not target.exists()


def test_drawn_weights_in_place_of_a_folders(folder, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    shutil.copy(folder / "open_clip_config.json", bare)
    image = Radiograph.from_array(film(64, 64))
    maps, methods = [], []
    for seed, where in ((1, bare), (1, folder), (2, bare)):
        method = build_method("clip", {"weights": f"random:{seed}:{where}"})
        method.setup("cpu")
        methods.append(method)
        maps.append(method.ground(image, PHRASES[:1])[0].heatmap.values)
    np.testing.assert_array_equal(maps[0], maps[1])
    assert not np.allclose(maps[0], maps[2], atol=1e-3)
    assert methods[0].fingerprint() == methods[1].fingerprint() != methods[2].fingerprint()
    assert methods[0].weights_id() == "random:1:local copy bare (drawn)"
    assert methods[0].declared_places() == [bare]
    assert Clip(ClipOptions("biomedclip", "random:0")).trained_on == ()
    with pytest.raises(WeightsError, match=r"does not know the architecture of the model biomedclip without its files"):
        Clip(ClipOptions("biomedclip", "random:0")).setup("cpu")


@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
def test_a_marker_is_read_at_its_place(mode):
    assert frame_problem(from_parts(resize_mode=mode)) is None


def test_the_frame_of_transformers_processors():
    """Its crop rounds its corner down where torchvision rounds to the nearest; a marker is found at its place."""
    crop = CLIPImageProcessor(size={"shortest_edge": 64}, crop_size={"height": 64, "width": 64})
    squash = SiglipImageProcessor(size={"height": 64, "width": 64})
    for processor, size in ((crop, (103, 70)), (squash, (103, 70)), (crop, (70, 103))):
        frame = ProcessorFrame(processor, "here")
        image, marker = marker_image((size[0] * 8, size[1] * 8))
        found = find_marker(frame.pixels(image.as_pil()).numpy().mean(axis=0))
        read = frame.placement(image.size).box(found)
        unit = min(image.size) / 64
        assert max(abs(a - b) for a, b in zip(read.as_tuple(), marker.as_tuple(), strict=True)) < 0.4 * unit
    with pytest.raises(WeightsError, match=r"resizes to .* and crops to .*; this package reads those"):
        ProcessorFrame(CLIPImageProcessor(size={"shortest_edge": 80}, crop_size={"height": 64, "width": 64}), "here")
