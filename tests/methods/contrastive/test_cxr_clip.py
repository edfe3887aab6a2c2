"""CXR-CLIP from a checkpoint in its authors' layout: places by hand, texts, what is refused."""

import json
import shutil
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms
from torchvision.models import resnet50
from transformers import BertConfig, BertModel

from groundcxr.core import Box, Query, Radiograph, WeightsError
from groundcxr.core.seen import seen
from groundcxr.methods.contrastive.cxr_clip import CxrClip, CxrClipOptions
from groundcxr.methods.contrastive.gradcam import GradCam, GradCamOptions

STORED = Path(__file__).parents[2] / "data" / "biovil_tall"
PHRASES = ["small right pleural effusions", "left opacity"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Configuration and vocabulary of a small text encoder, as the hub's repository of Bio_ClinicalBERT holds them."""
    folder = tmp_path_factory.mktemp("cxr_clip")
    config = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertConfig(vocab_size=32, max_position_embeddings=512, **config).save_pretrained(folder / "text")
    for name in ("vocab.txt", "tokenizer_config.json"):
        shutil.copy(STORED / "cxrbert_tiny" / name, folder / "text")
    settings = json.loads((folder / "text/tokenizer_config.json").read_text())
    (folder / "text/tokenizer_config.json").write_text(json.dumps({**settings, "tokenizer_class": "BertTokenizer"}))
    return folder


def networks(folder):
    torch.manual_seed(0)
    image = resnet50()
    with torch.no_grad():
        for module in image.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
    text = BertModel(BertConfig.from_pretrained(folder / "text"))
    return image.eval(), text.eval(), torch.nn.Linear(2048, 24), torch.nn.Linear(32, 24)


def state_of(folder):
    image, text, image_projection, text_projection = networks(folder)
    state = {f"image_encoder.resnet.{name}": value for name, value in image.state_dict().items() if "fc." not in name}
    state |= {f"text_encoder.text_encoder.{name}": value for name, value in text.state_dict().items()}
    state["text_encoder.text_encoder.embeddings.position_ids"] = torch.arange(512)[None]
    state |= {f"image_projection.projection.{name}": value for name, value in image_projection.state_dict().items()}
    state |= {f"text_projection.projection.{name}": value for name, value in text_projection.state_dict().items()}
    return {**state, "logit_scale": torch.tensor(2.6)}


@pytest.fixture(scope="module")
def checkpoint(folder):
    """With the optimiser's state and a pickled configuration beside the weights, as the authors save it."""
    module = types.ModuleType("omegaconf.dictconfig")
    config_class = type("DictConfig", (), {"__module__": module.__name__})
    module.DictConfig = config_class
    config = config_class()
    config.model = {"image_encoder": {"name": "resnet"}}
    parents = {"omegaconf": types.ModuleType("omegaconf"), module.__name__: module}
    before = {name: sys.modules.get(name) for name in parents}
    sys.modules.update(parents)
    try:
        content = {"model": state_of(folder), "optimizer": {"state": {}}, "config": config, "epoch": 15}
        torch.save({**content, "train_loss": 0.3}, folder / "r50_mcc.tar")
    finally:
        for name, value in before.items():
            sys.modules.pop(name)
            if value is not None:
                sys.modules[name] = value
    return folder / "r50_mcc.tar"


@pytest.fixture(scope="module")
def method(folder, checkpoint):
    found = CxrClip(CxrClipOptions(str(checkpoint), str(folder / "text")))
    found.setup("cpu")
    return found


def film(width, height, seed=0):
    return Radiograph.from_array(np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8))


@torch.no_grad()
def test_the_map_by_hand(method, folder):
    image = film(260, 240)
    resnet, bert, image_projection, text_projection = networks(folder)
    transform = transforms.Compose(
        [
            transforms.Resize(224),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    pixels = transform(Image.fromarray(image.pixels).convert("RGB"))[None]
    kept = []
    resnet.layer4.register_forward_hook(lambda _, __, output: kept.append(output))
    resnet.fc = torch.nn.Identity()
    embedded = image_projection(resnet(pixels))[0]
    places = image_projection(kept[0][0].permute(1, 2, 0))
    torch.testing.assert_close(places.mean((0, 1)), embedded, atol=1e-5, rtol=1e-5)
    answers = method.ground(image, PHRASES)
    for phrase, answer in zip(PHRASES, answers, strict=True):
        # Without padding the last token, [SEP], is the last that is attended to.
        tokens = torch.tensor([method._tokenizer(phrase)["input_ids"]])
        text = text_projection(bert(tokens).last_hidden_state[0, -1])
        expected = torch.nn.functional.cosine_similarity(places, text[None, None], dim=-1).numpy()
        np.testing.assert_allclose(answer.heatmap.values, expected, atol=1e-5)
        assert np.ptp(expected) > 1e-3
        assert answer.heatmap.extent == Box(10, 0, 250, 240)


def test_neighbours_change_nothing(method, same_in_any_batch):
    images = [film(240, 260), film(300, 230, 1)]
    same_in_any_batch(method, [Query(image, phrase, "") for image in images for phrase in PHRASES])


def test_long_phrases_are_cut_off_and_say_so(method):
    answers = method.ground(film(230, 230), ["opacity " * 254, "opacity " * 255])
    assert [answer.truncated for answer in answers] == [False, True]


def test_grad_cam_of_its_last_convolution(method):
    explained = GradCam(GradCamOptions("cxr-clip", "weights=random:0"))
    explained._asked = method
    explained.setup("cpu")
    (answer,) = explained.ground(film(230, 230), PHRASES[:1])
    assert answer.heatmap.values.shape == (7, 7)
    assert answer.heatmap.values.min() >= 0


def test_what_it_says_of_itself(folder, checkpoint, method, tmp_path):
    assert seen(method.trained_on, "ms-cxr")
    assert method.weights_id() == "local copy r50_mcc.tar; text=local copy text"
    moved = tmp_path / "other.tar"
    shutil.copy(checkpoint, moved)
    assert CxrClip(CxrClipOptions(str(moved), str(folder / "text"))).fingerprint() == method.fingerprint()
    drawn = [CxrClip(CxrClipOptions(f"random:{seed}", str(folder / "text"))) for seed in (0, 1)]
    assert drawn[0].fingerprint() != drawn[1].fingerprint()
    assert drawn[0].trained_on == ()


def test_other_files_are_refused(folder, checkpoint, tmp_path):
    def with_state(change):
        state = state_of(folder)
        change(state)
        torch.save({"model": state}, tmp_path / "changed.tar")
        return CxrClip(CxrClipOptions(str(tmp_path / "changed.tar"), str(folder / "text")))

    with pytest.raises(WeightsError, match=r"needs the authors' checkpoint .*--set weights=FILE"):
        CxrClip()
    with pytest.raises(WeightsError, match=r"finds no file .*nowhere.tar"):
        CxrClip(CxrClipOptions(str(tmp_path / "nowhere.tar"), str(folder / "text"))).setup("cpu")
    with pytest.raises(WeightsError, match=r"lacks text_projection\.weight"):
        with_state(lambda state: state.pop("text_projection.projection.weight")).setup("cpu")
    with pytest.raises(WeightsError, match=r"holds image_projection\.fc\.weight, which"):
        with_state(lambda state: state.update({"image_projection.fc.weight": torch.zeros(1)})).setup("cpu")
    with pytest.raises(WeightsError, match="no checkpoint of CXR-CLIP with a ResNet-50"):
        with_state(lambda state: state.pop("image_encoder.resnet.conv1.weight")).setup("cpu")


def test_a_checkpoint_that_would_run_code_is_refused_and_writes_nothing(folder, tmp_path):
    target = tmp_path / "RAN"

    class Evil:
        def __reduce__(self):
            return Path.write_text, (target, "ran")

    torch.save({"model": state_of(folder), "config": Evil()}, tmp_path / "evil.tar")
    with pytest.raises(WeightsError, match="asks to run code"):
        CxrClip(CxrClipOptions(str(tmp_path / "evil.tar"), str(folder / "text"))).setup("cpu")
    assert not target.exists()


def test_a_text_encoder_with_fewer_positions_cuts_phrases_sooner(folder, tmp_path):
    shutil.copytree(folder / "text", tmp_path / "text")
    config = json.loads((tmp_path / "text/config.json").read_text())
    (tmp_path / "text/config.json").write_text(json.dumps({**config, "max_position_embeddings": 16}))
    method = CxrClip(CxrClipOptions("random:0", str(tmp_path / "text")))
    method.setup("cpu")
    with torch.inference_mode():
        assert len(method.embed_phrases(["left " * 14, "left " * 300])) == 2
    assert list(method.truncated(["left " * 14, "left " * 15])) == [False, True]
