"""Grad-CAM against captum on a ResNet, and written out on a vision transformer; batches, names, refusals."""

import copy
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from captum.attr import LayerGradCam
from health_multimodal.image.model.model import ImageModel
from health_multimodal.text.model import CXRBertModel, CXRBertTokenizer
from open_clip.model import CLIP
from safetensors.torch import save_file

from groundcxr.core import Box, MethodError, Query, Radiograph, WeightsError
from groundcxr.methods.contrastive import base
from groundcxr.methods.contrastive.biovil import BioViL, crop_extent
from groundcxr.methods.contrastive.gradcam import GradCam, GradCamOptions
from groundcxr.methods.loading import build_method

STORED = Path(__file__).parents[2] / "data" / "biovil_tall"
PHRASES = ["left basal opacity", "small right pleural effusions"]
VISION = {"image_size": 64, "layers": 3, "width": 64, "patch_size": 16, "head_width": 32}
TEXT = {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
PREPROCESS = {"mean": [0.4] * 3, "std": [0.3] * 3, "interpolation": "bicubic", "resize_mode": "shortest"}


def film(width, height, seed=0):
    return Radiograph.from_array(np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8))


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    """A small CLIP of random weights, whose norms are far from the identity."""
    folder = tmp_path_factory.mktemp("gradcam") / "clip"
    folder.mkdir()
    torch.manual_seed(0)
    model = CLIP(24, VISION, TEXT).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if "ln_" in name:
                value.normal_(1.0 if name.endswith("weight") else 0.0, 0.3)
    config = {"model_cfg": {"embed_dim": 24, "vision_cfg": VISION, "text_cfg": TEXT}, "preprocess_cfg": PREPROCESS}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()}, folder / "open_clip_model.safetensors"
    )
    return folder


@pytest.fixture(scope="module")
def on_clip(clip_folder):
    method = build_method("gradcam", {"method": "clip", "settings": f"weights={clip_folder}"})
    method.setup("cpu")
    return method


@pytest.fixture(scope="module")
def on_biovil():
    """BioViL with a small image network, put in place of the one that gradcam would load."""
    torch.manual_seed(11)
    parts = {
        "text_model": CXRBertModel.from_pretrained(STORED / "cxrbert_tiny"),
        "tokenizer": CXRBertTokenizer.from_pretrained(STORED / "cxrbert_tiny"),
    }
    method = GradCam(GradCamOptions("biovil"))
    method._asked = BioViL(image_model=ImageModel("resnet18", 128), crop_size=240, **parts)
    method.setup("cpu")
    return method


class Similarity(torch.nn.Module):
    """The cosine of the whole image's embedding and a phrase's, as a network of one output for captum."""

    def __init__(self, embed, text):
        super().__init__()
        self.embed, self.text = embed, text

    def forward(self, pixels):
        return torch.nn.functional.cosine_similarity(self.embed(pixels), self.text, dim=-1)


def test_the_last_convolution_as_captum_explains_it(on_biovil):
    images = [film(300, 260), film(260, 300, 1)]
    asked = on_biovil._asked
    network = asked._image_model
    for image in images:
        answers = on_biovil.ground(image, PHRASES)
        texts = asked.embed_phrases(PHRASES).detach()
        for answer, text in zip(answers, texts, strict=True):
            similarity = Similarity(lambda pixels: network(pixels).projected_global_embedding, text[None])
            captum = LayerGradCam(similarity, network.encoder.encoder.layer4)
            pixels = asked._pixels([image]).requires_grad_()
            expected = captum.attribute(pixels, relu_attributions=True)[0, 0].detach().numpy()
            assert expected.max() > 0
            np.testing.assert_allclose(answer.heatmap.values, expected, atol=1e-5 * expected.max(), rtol=0)
            # Not smoothed, unlike the method's own maps, and over the same crop.
            assert answer.heatmap.extent == crop_extent(image.size, 240)


def test_the_tokens_of_a_vision_transformer_by_hand(on_clip):
    image = film(90, 70)
    model = copy.deepcopy(on_clip._asked._model).double()
    block, last = model.visual.transformer.resblocks[-1], model.visual.ln_post
    pixels = on_clip._asked._pixels([image]).double()
    read = []
    hook = block.register_forward_pre_hook(lambda _, args: read.append(args[0]))
    with torch.no_grad():
        embedded = model.encode_image(pixels)
    hook.remove()
    (before,) = read
    tokens = torch.nn.functional.layer_norm(before, (64,), block.ln_1.weight, block.ln_1.bias).detach().requires_grad_()

    # The rest of the network written out: attention, MLP, last norm, class token, projection.
    found = before + block.attn(tokens, tokens, tokens, need_weights=False)[0]
    found = found + block.mlp(torch.nn.functional.layer_norm(found, (64,), block.ln_2.weight, block.ln_2.bias))
    out = torch.nn.functional.layer_norm(found, (64,), last.weight, last.bias)[:, 0] @ model.visual.proj
    torch.testing.assert_close(out.detach(), embedded)
    for text, answer in zip(on_clip.embed_phrases(PHRASES).double(), on_clip.ground(image, PHRASES), strict=True):
        score = torch.nn.functional.cosine_similarity(out[0], text.detach(), dim=0)
        (gradient,) = torch.autograd.grad(score, tokens, retain_graph=True)
        weights = gradient[0, 1:].mean(0)
        expected = (tokens.detach()[0, 1:] @ weights).clamp(min=0).reshape(4, 4).numpy()
        assert expected.max() > 0
        np.testing.assert_allclose(answer.heatmap.values, expected, atol=1e-5 * expected.max(), rtol=0)
        assert answer.heatmap.extent == Box(10, 0, 80, 70)


@pytest.mark.parametrize("name", ["on_clip", "on_biovil"])
def test_neither_neighbours_nor_other_phrases_change_a_map(name, request, same_in_any_batch, monkeypatch):
    method = request.getfixturevalue(name)
    images = [film(80, 64), film(64, 90, 1), film(70, 70, 2)]
    queries = [Query(image, phrase, "") for image in images[:2] for phrase in PHRASES]
    queries.append(Query(images[2], PHRASES[1], ""))
    maps = same_in_any_batch(method, queries)
    assert all(values.min() >= 0 for values in maps)
    assert not np.allclose(maps[0], maps[1])
    # As on a GPU: all in one batch, though some images have fewer phrases.
    monkeypatch.setattr(base, "together", lambda items, device: [items])
    for answer, values in zip(method.ground_batch(queries), maps, strict=True):
        np.testing.assert_allclose(answer.heatmap.values, values, atol=1e-5 * values.max(), rtol=0)


def test_nothing_is_kept_of_what_lies_below_the_features(on_clip):
    assert not any(parameter.requires_grad for parameter in on_clip._asked._model.parameters())
    (answer,) = on_clip.ground(film(64, 64), PHRASES[:1])
    assert isinstance(answer.heatmap.values, np.ndarray)


def test_what_it_is_called_and_told_apart_by(clip_folder, tmp_path):
    one = build_method("gradcam", {"method": "clip", "settings": f"weights={clip_folder}"})
    moved = tmp_path / "copy"
    shutil.copytree(clip_folder, moved)
    assert (
        build_method("gradcam", {"method": "clip", "settings": f"weights={moved}"}).fingerprint() == one.fingerprint()
    )
    other = build_method("gradcam", {"method": "clip-phantom"})
    assert other.fingerprint() != one.fingerprint()
    assert one.weights_id() == "local copy clip"
    assert one.options_dict()["method"] == "clip"
    assert str(tmp_path) not in json.dumps(one.options_dict())
    assert other.trained_on
    assert "Grad-CAM" in one.note


def test_methods_that_cannot_be_explained():
    with pytest.raises(MethodError, match="gradcam needs the method whose model it explains: method=NAME"):
        GradCam()
    with pytest.raises(MethodError, match="cannot explain the method 'center-prior', which compares no images"):
        GradCam(GradCamOptions("center-prior"))
    # Told before anything is loaded: nothing is there.
    with pytest.raises(MethodError, match="cannot explain the method maco, which has no embedding of whole images"):
        build_method("gradcam", {"method": "maco", "settings": "weights=random:0"})
    with pytest.raises(MethodError, match="so dense=sclip changes nothing"):
        build_method("gradcam", {"method": "clip-phantom", "settings": "dense=sclip"}).setup("cpu")
    with pytest.raises(WeightsError, match=r"nowhere.*stands in its own option settings='KEY=VALUE'"):
        build_method("gradcam", {"method": "clip", "settings": "weights=/nowhere"}).setup("cpu")
