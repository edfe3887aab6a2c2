"""Dense modes: the maps of their authors' own code, each kind of tower, batches, presets, what is refused."""

import json
import shutil
import zlib
from copy import deepcopy
from math import prod
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from open_clip.model import CLIP, CustomTextCLIP
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

from groundcxr.core import Box, MethodError, Query, Radiograph, UnknownNameError, WeightsError
from groundcxr.methods.contrastive.clip.dense import MODE_NAMES
from groundcxr.methods.contrastive.clip.method import Clip
from groundcxr.methods.contrastive.clip.options import ClipOptions
from groundcxr.methods.contrastive.clip.presets import ensemble
from groundcxr.methods.loading import build_method

STORED = Path(__file__).parents[2] / "data" / "clip_maps"
EXPECTED = dict(np.load(STORED / "clip_dense_expected.npz"))
GAINS = (("in_proj_weight", 0.8), ("positional_embedding", 6.0), ("conv1", 3.0))
SEED = 15
PHRASES = ["first phrase", "second phrase"]
TEXT = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
VISION = {"width": 128, "layers": 8, "head_width": 64, "patch_size": 16, "image_size": 224}
SMALL = {"width": 32, "layers": 7, "head_width": 16, "patch_size": 8, "image_size": 32}
DENSE = [name for name in MODE_NAMES if name != "projection"]


def uniform(name, shape):
    """The rule by which the fixtures' weights are made: of a counter, hashed; in [-1, 1)."""
    u = np.uint64
    z = (
        u(SEED) * u(0x9E3779B97F4A7C15)
        + (u(zlib.crc32(name.encode())) << u(32))
        + np.arange(1, prod(shape) + 1, dtype=u)
    )
    z = z * u(0x9E3779B97F4A7C15)
    z = (z ^ (z >> u(30))) * u(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> u(27))) * u(0x94D049BB133111EB)
    z = z ^ (z >> u(31))
    return ((z >> u(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)).reshape(shape)


def made(name, shape):
    drawn = uniform(name, shape)
    if len(shape) > 1:
        gain = next((gain for text, gain in reversed(GAINS) if text in name), 1.0)
        return drawn * np.float32(gain * (3 / prod(shape[1:])) ** 0.5)
    return 1 + np.float32(0.1) * drawn if name.endswith("weight") else np.float32(0.1) * drawn


@np.errstate(over="ignore")
def authors_model(quick):
    """The network that the authors' codes were run on, with the texts' embeddings looked up."""
    model = CLIP(64, VISION, TEXT, quick_gelu=quick).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if name.startswith("visual."):
                value.copy_(torch.from_numpy(made(name, tuple(value.shape))))
    preprocess = {"size": 224, "mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}
    open_clip.model.set_model_preprocess_cfg(
        model, {**preprocess, "interpolation": "bicubic", "resize_mode": "shortest"}
    )
    model.encode_text = lambda ids: torch.from_numpy(EXPECTED["text"])[ids[:, 0]]
    return model


def looked_up(texts):
    """Token ids that stand for the phrases; any other text is the empty phrase under a template."""
    return torch.tensor([[PHRASES.index(text) if text in PHRASES else 2] for text in texts])


def dense(name, model, tokenizer, device="cpu", **options):
    method = Clip(ClipOptions(dense=name, **options), model=model, tokenizer=tokenizer)
    method.setup(device)
    return method


@pytest.mark.parametrize(
    ("stored", "name", "quick"),
    [
        ("plain", "projection", True),
        ("maskclip_residual", "maskclip", True),
        ("maskclip_noresidual", "maskclip-noresidual", True),
        ("sclip", "sclip", True),
        ("clearclip_noresidual", "clearclip", True),
        ("naclip", "naclip", True),
        ("surgery_empty_prompt", "surgery", True),
        ("gem", "gem", True),
        ("gem_gelu", "gem", False),
    ],
)
def test_maps_of_the_authors_code(stored, name, quick):
    method = dense(name, authors_model(quick), looked_up)
    for number in range(2):
        image = Radiograph.open(STORED / f"clip_dense_image{number}.png")
        answers = method.ground(image, PHRASES)
        # Asked alone, a phrase has the same map.
        (alone,) = method.ground(image, PHRASES[1:])
        np.testing.assert_allclose(alone.heatmap.values, answers[1].heatmap.values, atol=1e-6, rtol=0)
        for phrase, answer in enumerate(answers):
            expected = EXPECTED[stored][number, phrase]
            error = np.abs(answer.heatmap.values - expected).max() / np.abs(expected).max()
            assert error < 1e-5
            assert np.ptp(expected) > 0.03


def randomised(model):
    """Norms far from the identity, so that one left out shows."""
    torch.manual_seed(2)
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "norm" in name or "ln_" in name:
                value.normal_(1.0 if name.endswith("weight") else 0.0, 0.3)
    return model.eval()


def prepared(model, size=32):
    model.visual.image_size = (size, size)
    preprocess = {"size": size, "mean": (0.4,) * 3, "std": (0.3,) * 3, "interpolation": "bicubic"}
    open_clip.model.set_model_preprocess_cfg(model, {**preprocess, "resize_mode": "squash"})
    return model


@pytest.fixture(scope="module")
def native():
    torch.manual_seed(0)
    return prepared(randomised(CLIP(24, SMALL, TEXT, quick_gelu=True)))


@pytest.fixture(scope="module")
def timm_twin(native):
    """The same network as a tower of timm, with q, k and v in one layer, as BiomedCLIP's."""
    import timm

    trunk = timm.create_model(
        "vit_base_patch16_clip_quickgelu_224",
        img_size=32,
        patch_size=8,
        embed_dim=32,
        depth=7,
        num_heads=2,
        num_classes=0,
    )
    vision = {"timm_model_name": "test_vit", "image_size": 160, "timm_pool": "", "timm_proj": "linear"}
    model = CustomTextCLIP(24, vision, TEXT)
    state, source = trunk.state_dict(), native.visual.state_dict()
    names = {
        "cls_token": "class_embedding",
        "pos_embed": "positional_embedding",
        "patch_embed.proj.weight": "conv1.weight",
        "norm_pre": "ln_pre",
        "norm.": "ln_post.",
        "blocks.": "transformer.resblocks.",
        "norm1": "ln_1",
        "norm2": "ln_2",
        "attn.qkv.": "attn.in_proj_",
        "attn.proj": "attn.out_proj",
        "mlp.fc1": "mlp.c_fc",
        "mlp.fc2": "mlp.c_proj",
    }
    for name, value in state.items():
        other = name
        for mine, theirs in names.items():
            other = other.replace(mine, theirs)
        value.copy_(source[other].reshape(value.shape))
    trunk.load_state_dict(state)
    model.visual.trunk = trunk
    proj = torch.nn.Linear(32, 24, bias=False)
    with torch.no_grad():
        proj.weight.copy_(native.visual.proj.T)
    model.visual.head = torch.nn.Sequential(proj)
    return prepared(model.eval())


@pytest.fixture(scope="module")
def checkpoint(native, tmp_path_factory):
    """The same network as `save_pretrained` of transformers writes it."""
    folder = tmp_path_factory.mktemp("transformers") / "tiny-clip"
    wide = {"hidden_size": 32, "intermediate_size": 128, "num_attention_heads": 2, "hidden_act": "quick_gelu"}
    vision = {**wide, "num_hidden_layers": 7, "image_size": 32, "patch_size": 8}
    text = {"hidden_size": 16, "intermediate_size": 64, "num_attention_heads": 2, "num_hidden_layers": 1}
    text |= {"vocab_size": 49408, "max_position_embeddings": 16, "hidden_act": "quick_gelu"}
    text |= {"bos_token_id": 49406, "eos_token_id": 49407}
    model = CLIPModel(CLIPConfig(vision_config=vision, text_config=text, projection_dim=24))
    source = {**native.state_dict()}
    for side, layers in (
        ("vision", "visual.transformer.resblocks"),
        ("text", "transformer.resblocks"),
    ):
        for number in range(len(getattr(model, f"{side}_model").encoder.layers)):
            weights = source.pop(f"{layers}.{number}.attn.in_proj_weight").chunk(3)
            biases = source.pop(f"{layers}.{number}.attn.in_proj_bias").chunk(3)
            for kind, weight, bias in zip("qkv", weights, biases, strict=True):
                source[f"{layers}.{number}.attn.{kind}_proj.weight"] = weight
                source[f"{layers}.{number}.attn.{kind}_proj.bias"] = bias
    names = {
        "vision_model.embeddings.class_embedding": "visual.class_embedding",
        "vision_model.embeddings.patch_embedding": "visual.conv1",
        "vision_model.embeddings.position_embedding.weight": "visual.positional_embedding",
        "vision_model.pre_layrnorm": "visual.ln_pre",
        "vision_model.post_layernorm": "visual.ln_post",
        "vision_model.encoder.layers": "visual.transformer.resblocks",
        "text_model.embeddings.token_embedding": "token_embedding",
        "text_model.embeddings.position_embedding.weight": "positional_embedding",
        "text_model.final_layer_norm": "ln_final",
        "text_model.encoder.layers": "transformer.resblocks",
        "layer_norm": "ln_",
        "self_attn": "attn",
        "fc1": "c_fc",
        "fc2": "c_proj",
    }
    state = model.state_dict()
    for name, value in state.items():
        other = name
        for theirs, ours in names.items():
            other = other.replace(theirs, ours)
        found = {
            "visual_projection.weight": lambda: source["visual.proj"].T,
            "text_projection.weight": lambda: source["text_projection"].T,
        }
        value.copy_(found[name]() if name in found else source[other])
    model.load_state_dict(state)
    model.save_pretrained(folder)
    CLIPImageProcessor(
        size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}, image_mean=[0.4] * 3, image_std=[0.3] * 3
    ).save_pretrained(folder)
    vocabulary = open_clip.tokenizer.SimpleTokenizer()
    renamed = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
    encoder = {renamed.get(token, token): number for token, number in vocabulary.encoder.items()}
    (folder / "vocab.json").write_text(json.dumps(encoder))
    ranks = sorted(vocabulary.bpe_ranks, key=vocabulary.bpe_ranks.get)
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(" ".join(pair) for pair in ranks) + "\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "CLIPTokenizer", "model_max_length": 16})
    )
    return folder


def film(width, height, seed=0):
    return Radiograph.from_array(np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8))


TOKENIZER = open_clip.SimpleTokenizer(context_length=16)
WORDS = ["small left effusion", "opacity"]


@pytest.mark.parametrize("name", MODE_NAMES)
def test_every_kind_of_tower_gives_the_same_maps(native, timm_twin, checkpoint, name):
    image = film(64, 64)
    expected = [answer.heatmap.values for answer in dense(name, native, TOKENIZER).ground(image, WORDS)]
    twin = dense(name, timm_twin, TOKENIZER)
    twin._model.encode_text = native.encode_text
    hub = Clip(ClipOptions(weights=str(checkpoint), dense=name))
    hub.setup("cpu")
    # transformers resizes by another kernel: a grey value in a hundred differs by one.
    hub._frame = type(twin._frame)({**twin._frame.preprocess})
    for method in (twin, hub):
        for answer, values in zip(method.ground(image, WORDS), expected, strict=True):
            np.testing.assert_allclose(answer.heatmap.values, values, atol=2e-6, rtol=0)
    assert np.ptp(expected[0]) > 1e-3


def test_a_network_that_moves_takes_its_projections_along(native, timm_twin, checkpoint):
    """A GPU is only one place to move to: in another precision, too, what stayed behind does not fit any more."""
    hub = Clip(ClipOptions(weights=str(checkpoint), dense="sclip"))
    hub.setup("cpu")
    for method in (*(dense("sclip", deepcopy(model), TOKENIZER) for model in (native, timm_twin)), hub):
        pixels = method._pixels([film(64, 64)])
        with torch.no_grad():
            before = method._tower(pixels)
            method._model.to(torch.float64)
            torch.testing.assert_close(method._tower(pixels.double()), before.double(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", DENSE)
def test_neither_neighbours_nor_other_phrases_change_a_map(native, name, same_in_any_batch):
    method = dense(name, native, TOKENIZER)
    images = [film(64, 64, seed) for seed in range(3)]
    maps = same_in_any_batch(method, [Query(image, phrase, "") for image in images for phrase in WORDS])
    plain = dense("projection", native, TOKENIZER).ground(images[0], WORDS)[0].heatmap.values
    assert np.abs(maps[0] - plain).max() > 1e-3


@pytest.mark.parametrize(("number", "end"), [(3, 3), (49406, 49406), (2, None)])
def test_a_text_is_read_at_the_end_that_its_tokenizer_writes(checkpoint, tmp_path, number, end):
    # At another token the embedding is that of the beginning: every phrase would have the same map.
    shutil.copytree(checkpoint, tmp_path / "copy")
    file = tmp_path / "copy" / "config.json"
    config = json.loads(file.read_text())
    config["text_config"]["eos_token_id"] = number
    file.write_text(json.dumps(config))
    method = build_method("clip", {"weights": str(tmp_path / "copy")})
    if end is None:  # an old configuration, which transformers reads as the highest token's number
        method.setup("cpu")
        one, other = method.ground(film(64, 64), ["left opacity", "right effusion"])
        assert np.abs(one.heatmap.values - other.heatmap.values).max() > 1e-3
        return
    with pytest.raises(WeightsError, match=rf"ends a text with token 49407, .* embedding from token {end} \(eos"):
        method.setup("cpu")


def test_a_processor_of_another_size_than_its_model_is_refused(checkpoint, tmp_path):
    shutil.copytree(checkpoint, tmp_path / "copy")
    file = next((tmp_path / "copy").glob("*processor_config.json"))
    text = json.loads(file.read_text())
    settings = text.get("image_processor", text)
    settings |= {"size": {"shortest_edge": 48}, "crop_size": {"height": 48, "width": 48}}
    file.write_text(json.dumps(text))
    with pytest.raises(WeightsError, match="gives 48x48 pixels, and the model reads 32x32; give the processor and"):
        build_method("clip", {"weights": str(tmp_path / "copy")}).setup("cpu")


def test_a_preset_is_the_published_input_and_prompt(checkpoint):
    method = Clip(ClipOptions(weights=str(checkpoint), preset="gem"))
    method.setup("cpu")
    (answer,) = method.ground(film(90, 60), WORDS[:1])
    # 448 pixels in patches of 8, the whole image.
    assert answer.heatmap.values.shape == (56, 56)
    assert answer.heatmap.extent == Box(0, 0, 90, 60)
    same = Clip(ClipOptions(weights=str(checkpoint)))
    same.setup("cpu")
    torch.testing.assert_close(method.embed_phrases(["lung"]), same.embed_phrases(["a photo of a lung."]))


def test_surgery_takes_the_published_templates(checkpoint):
    method = Clip(ClipOptions(weights=str(checkpoint), preset="surgery"))
    method.setup("cpu")
    plain = Clip(ClipOptions(weights=str(checkpoint)))
    plain.setup("cpu")
    with torch.no_grad():
        embedded = [
            plain.embed_phrases([template.replace("{}", word) for template in ensemble()]).mean(0)
            for word in ("lung", "")
        ]
        lung, empty = (one / one.norm() for one in embedded)
        torch.testing.assert_close(method.embed_phrases(["lung"])[0], lung - empty, atol=1e-6, rtol=0)
    assert len(set(ensemble())) == 85
    # The longest template leaves fewer of the 16 tokens to the phrase.
    assert method.truncated(["lung " * 6, "lung " * 14]) == [False, True]
    assert plain.truncated(["lung " * 14, "lung " * 15]) == [False, True]


def test_modes_and_presets_that_do_not_fit(native):
    with pytest.raises(UnknownNameError, match="no dense mode 'naclipp' of clip; did you mean 'naclip'"):
        Clip(ClipOptions(dense="naclipp"))
    with pytest.raises(UnknownNameError, match="no preset 'gems' of clip; did you mean 'gem'"):
        Clip(ClipOptions(preset="gems"))
    with pytest.raises(MethodError, match="preset=gem is dense=gem, but dense=sclip is set too"):
        Clip(ClipOptions(preset="gem", dense="sclip"))
    with pytest.raises(MethodError, match=r"mean=101.488 is not of grey values in 0..1"):
        Clip(ClipOptions(mean=101.488))
    shallow = prepared(CLIP(24, {**SMALL, "layers": 4}, TEXT).eval())
    with pytest.raises(MethodError, match=r"dense=gem reads the last 6 blocks of the image tower, .* has 4"):
        Clip(ClipOptions(dense="gem"), model=shallow, tokenizer=TOKENIZER)
    custom = prepared(CLIP(24, {**SMALL, "qk_norm": True, "block_type": "custom"}, TEXT).eval())
    with pytest.raises(MethodError, match="its blocks are CustomResidualAttentionBlock with attention of a kind"):
        Clip(ClipOptions(dense="sclip"), model=custom, tokenizer=TOKENIZER)
