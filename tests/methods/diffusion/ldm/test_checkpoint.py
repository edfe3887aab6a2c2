"""Latent diffusion models loaded from folders and from the hub's cache; clear words where their parts do not fit."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from health_multimodal.text.model import CXRBertModel
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, BertTokenizer, CLIPConfig, CLIPModel, CLIPTextModel

from groundcxr.core import GroundCXRError, WeightsError
from groundcxr.core.fingerprint import digest
from groundcxr.methods.diffusion.ldm.autoencoder import MonaiAutoencoderKL
from groundcxr.methods.diffusion.ldm.checkpoint import load_checkpoint
from groundcxr.methods.diffusion.ldm.monai import (
    OFFICIAL_SCHEDULER,
    autoencoder_from_monai,
    read_weights,
    unet_from_monai,
)
from groundcxr.methods.diffusion.ldm.sources import locate

PHRASES = ["small left effusion", "", "zzz"]
NETWORK = "diffusion_pytorch_model.safetensors"


def weights_digest(weights, **others):
    return digest(locate(weights, **others).identity())


@pytest.fixture
def copy(tmp_path):
    """A pipeline's copy that a test may change."""

    def make(folder: Path, name: str = "copy") -> Path:
        return Path(shutil.copytree(folder, tmp_path / name))

    return make


def edit(path: Path, **values) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def states(model, phrases=PHRASES):
    """Token ids, mask and states of phrases."""
    tokens = model.tokenizer(
        phrases, padding="max_length", max_length=model.max_tokens, truncation=True, return_tensors="pt"
    )
    return tokens.input_ids, tokens.attention_mask, model.token_states(tokens.input_ids, tokens.attention_mask)


@torch.inference_mode()
def test_a_pipeline_is_loaded_as_diffusers_loads_it(sd_folder):
    model = load_checkpoint(str(sd_folder))
    latents, time = torch.randn(2, 4, 16, 16), torch.tensor([7, 700])
    ids, _, words = states(model)
    assert ids.shape == (3, 77)
    assert torch.equal(words, CLIPTextModel.from_pretrained(sd_folder / "text_encoder")(ids).last_hidden_state)
    unet = UNet2DConditionModel.from_pretrained(sd_folder / "unet")
    assert torch.equal(model.unet(latents, time, words[:2]).sample, unet(latents, time, words[:2]).sample)
    image = torch.rand(1, 3, 32, 32)
    vae = AutoencoderKL.from_pretrained(sd_folder / "vae")
    assert torch.equal(model.vae.encode(image).latent_dist.mean, vae.encode(image).latent_dist.mean)
    assert (model.pixel_range, model.scaling_factor, model.name) == ((-1, 1), 0.18215, sd_folder.name)
    assert model.scheduler["prediction_type"] == "epsilon"
    assert (model.scheduler["beta_start"], model.scheduler["beta_end"]) == (0.00085, 0.012)
    assert not model.unet.training
    assert load_checkpoint(str(sd_folder), dtype=torch.bfloat16).unet.dtype is torch.bfloat16


@torch.inference_mode()
def test_cxr_bert_gives_its_token_states_and_does_not_see_padding(cxr_bert_folder):
    model = load_checkpoint(str(cxr_bert_folder))
    ids, mask, found = states(model)
    encoder = CXRBertModel.from_pretrained(cxr_bert_folder / "text_encoder").eval()
    assert torch.equal(found, encoder(ids, mask).last_hidden_state)
    used = int(mask[0].sum())
    alone = encoder(ids[:1, :used], mask[:1, :used]).last_hidden_state
    assert torch.allclose(found[:1, :used], alone, atol=1e-5)
    assert model.max_tokens == 64  # as many as this encoder has positions
    assert model.scheduler["prediction_type"] == "v_prediction"


@torch.inference_mode()
def test_monai_checkpoint_is_converted_with_the_papers_schedule(monai_folder, tmp_path):
    model = load_checkpoint(f"monai:{monai_folder}")
    config = json.loads((monai_folder / "config.json").read_text())
    unet = unet_from_monai(read_weights(monai_folder / "diffusion_model.pth"), config["unet"])
    latents, words = torch.randn(1, 3, 16, 16), states(model)[2][:1]
    assert torch.equal(model.unet(latents, 5, words).sample, unet(latents, 5, words).sample)
    assert isinstance(model.vae, MonaiAutoencoderKL)
    assert (model.pixel_range, model.scaling_factor) == ((0, 1), 0.3)
    assert model.scheduler == OFFICIAL_SCHEDULER

    for name in ("diffusion_model", "autoencoder"):
        save_file(torch.load(monai_folder / f"{name}.pth"), tmp_path / f"{name}.safetensors")
    edited = config | {"scheduler": dict(OFFICIAL_SCHEDULER) | {"beta_end": 0.03}, "scale_factor": 0.5}
    (tmp_path / "config.json").write_text(json.dumps(edited))
    again = load_checkpoint(f"monai:{tmp_path}", text_encoder=str(monai_folder))
    assert torch.equal(again.unet(latents, 5, words).sample, unet(latents, 5, words).sample)
    assert (again.scheduler["beta_end"], again.scaling_factor) == (0.03, 0.5)


@torch.inference_mode()
def test_a_converted_monai_model_saved_as_a_pipeline_keeps_its_pixels_and_its_activation(monai_folder, sd_folder, copy):
    folder = copy(sd_folder)
    config = json.loads((monai_folder / "config.json").read_text())
    vae = autoencoder_from_monai(read_weights(monai_folder / "autoencoder.pth"), config["autoencoder"], 0.3)
    shutil.rmtree(folder / "vae")
    vae.save_pretrained(folder / "vae")
    shutil.rmtree(folder / "unet")
    unet_from_monai(read_weights(monai_folder / "diffusion_model.pth"), config["unet"]).save_pretrained(folder / "unet")
    model = load_checkpoint(str(folder))
    image = torch.rand(1, 1, 32, 32)
    assert torch.equal(model.vae.encode(image).latent_dist.mean, vae.encode(image).latent_dist.mean)
    assert (model.pixel_range, model.scaling_factor) == ((0, 1), 0.3)


@torch.inference_mode()
def test_older_files_load_alike(sd_folder, copy):
    """Pickled weights, and the names that attention had when Stable Diffusion 1.5 was published."""
    folder = copy(sd_folder)
    state = load_file(folder / "vae" / NETWORK)
    old = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}
    for new_name, old_name in old.items():
        state = {re.sub(rf"\.{re.escape(new_name)}\.", f".{old_name}.", name): value for name, value in state.items()}
    assert any("proj_attn" in name for name in state)
    (folder / "vae" / NETWORK).unlink()
    torch.save(state, folder / "vae" / "diffusion_pytorch_model.bin")
    torch.save(load_file(folder / "unet" / NETWORK), folder / "unet" / "diffusion_pytorch_model.bin")
    (folder / "unet" / NETWORK).unlink()
    new, found = load_checkpoint(str(sd_folder)), load_checkpoint(str(folder))
    for part in ("unet", "vae"):
        theirs = getattr(found, part).state_dict()
        assert all(torch.equal(value, theirs[name]) for name, value in getattr(new, part).state_dict().items())


@torch.inference_mode()
def test_a_unet_published_alone_takes_the_rest_from_its_base(sd_folder, cxr_bert_folder, tmp_path):
    shutil.copytree(sd_folder / "unet", tmp_path / "unet")
    with pytest.raises(WeightsError, match=r"no vae/config\.json in .*--set base=FOLDER-OR-HUB-ID"):
        load_checkpoint(str(tmp_path))
    # The averaged weights of training are those that such a checkpoint is published for.
    shutil.copytree(cxr_bert_folder / "unet", tmp_path / "unet_ema")
    flat = tmp_path / "flat"
    shutil.copytree(cxr_bert_folder / "text_encoder", flat)
    shutil.copytree(cxr_bert_folder / "tokenizer", flat, dirs_exist_ok=True)
    model = load_checkpoint(str(tmp_path), base=str(sd_folder), text_encoder=str(flat))
    pipeline = load_checkpoint(str(cxr_bert_folder))
    assert torch.equal(states(model)[2], states(pipeline)[2])
    assert torch.equal(model.unet.conv_in.weight, pipeline.unet.conv_in.weight)
    assert model.scheduler["prediction_type"] == "epsilon"
    assert load_checkpoint(str(tmp_path), base=str(sd_folder)).max_tokens == 77


def test_the_text_tower_of_a_whole_clip_is_taken(sd_folder, copy):
    folder = copy(sd_folder)
    tower = CLIPTextModel.from_pretrained(folder / "text_encoder")
    vision = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    whole = CLIPModel(CLIPConfig(text_config=tower.config.to_dict(), vision_config={**vision, "image_size": 32}))
    whole.text_model.load_state_dict(tower.state_dict(), strict=False)
    whole.save_pretrained(folder / "text_encoder")
    found = load_checkpoint(str(folder)).text_encoder.state_dict()
    assert all(torch.equal(found[name], tensor) for name, tensor in tower.state_dict().items())


@torch.inference_mode()
def test_a_plain_bert_is_a_text_encoder_too(sd_folder, tmp_path):
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "small", "left", "effusion"]
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n")
    BertTokenizer.from_pretrained(tmp_path).save_pretrained(tmp_path)
    config = BertConfig(
        vocab_size=len(words), hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2
    )
    BertModel(config).save_pretrained(tmp_path)
    model = load_checkpoint(str(sd_folder), text_encoder=str(tmp_path))
    ids, mask, found = states(model)
    assert ids.shape == (3, 77)
    assert torch.equal(found, BertModel.from_pretrained(tmp_path)(ids, mask).last_hidden_state)


def test_code_that_lies_with_a_checkpoint_is_neither_run_nor_offered_at_a_prompt(sd_folder, tmp_path, monkeypatch):
    tokenizer = tmp_path / "text/tokenizer"
    tokenizer.mkdir(parents=True)
    (tokenizer / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "left"]) + "\n")
    BertModel(
        BertConfig(vocab_size=6, hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2)
    ).save_pretrained(tmp_path / "text/text_encoder")
    config = {"tokenizer_class": "Evil", "auto_map": {"AutoTokenizer": ["evil.Evil", None]}}
    (tokenizer / "tokenizer_config.json").write_text(json.dumps(config))
    (tokenizer / "evil.py").write_text("open('RAN', 'w')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("the user was asked"))
    with pytest.raises(WeightsError, match=r"tokenizer_config.json asks to run code .* never done; use others$"):
        load_checkpoint(str(sd_folder), text_encoder=str(tmp_path / "text"))
    assert not (tmp_path / "RAN").exists()


def test_parts_that_do_not_fit_are_refused_with_the_numbers(sd_folder, copy):
    wide = copy(sd_folder, "wide")
    config = CLIPTextModel.from_pretrained(wide / "text_encoder").config
    config.hidden_size = 48
    CLIPTextModel(config).save_pretrained(wide / "text_encoder")
    with pytest.raises(
        WeightsError, match=r"reads token states of 32 numbers, its text encoder gives 48.*text_encoder="
    ):
        load_checkpoint(str(sd_folder), text_encoder=str(wide))

    short = copy(sd_folder, "short")
    config.hidden_size, config.vocab_size = 32, 100
    CLIPTextModel(config).save_pretrained(short / "text_encoder")
    with pytest.raises(WeightsError, match=r"has 576 tokens, its text encoder knows 100"):
        load_checkpoint(str(short))

    inpainting = copy(sd_folder, "inpainting")
    unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(sd_folder / "unet"), in_channels=9)
    unet.save_pretrained(inpainting / "unet")
    with pytest.raises(WeightsError, match=r"reads latents of 9 channels, its autoencoder gives 4"):
        load_checkpoint(str(inpainting))


def test_a_network_that_is_not_what_its_configuration_says_is_refused(sd_folder, copy):
    folder = copy(sd_folder)
    file = folder / "unet" / NETWORK
    state = load_file(file)
    save_file({name: value for name, value in state.items() if name != "conv_in.bias"}, file)
    with pytest.raises(WeightsError, match=rf"^the UNet in {re.escape(str(file))} lacks conv_in\.bias"):
        load_checkpoint(str(folder))
    save_file(state | {"conv_in.bias": torch.zeros(7)}, file)
    with pytest.raises(WeightsError, match=r"conv_in\.bias has shape 7, the configuration asks for 32"):
        load_checkpoint(str(folder))
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(WeightsError, match=r"cannot be read as weights"):
        load_checkpoint(str(folder))
    file.unlink()
    with pytest.raises(WeightsError, match=r"no unet/diffusion_pytorch_model\.safetensors or .*\.bin in the folder"):
        load_checkpoint(str(folder))


def test_other_kinds_of_models_are_refused(sd_folder, copy):
    folder = copy(sd_folder)
    sdxl = {
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 8,
        "projection_class_embeddings_input_dim": 64,
    }
    edit(folder / "unet" / "config.json", **sdxl)
    unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(folder / "unet"))
    unet.save_pretrained(folder / "unet")
    with pytest.raises(WeightsError, match=r"addition_embed_type 'text_time'.*Stable Diffusion 1\.x and 2\.x"):
        load_checkpoint(str(folder))
    edit(folder / "unet" / "config.json", _class_name="SanaTransformer2DModel")
    with pytest.raises(WeightsError, match=r"is a SanaTransformer2DModel; the method ldm needs a UNet2DConditionModel"):
        load_checkpoint(str(folder))
    folder = copy(sd_folder, "other-text")
    edit(folder / "text_encoder" / "config.json", model_type="own-thing", auto_map={"AutoModel": "code.Own"})
    (folder / "text_encoder" / "code.py").write_text("raise SystemExit('ran')")
    with pytest.raises(WeightsError, match=r"of the kind own-thing.*code from checkpoints is not run"):
        load_checkpoint(str(folder))


def test_damaged_text_encoders_are_refused(sd_folder, copy):
    folder = copy(sd_folder)
    file = folder / "text_encoder" / "model.safetensors"
    state = load_file(file)
    lost = next(name for name in state if name.endswith("layers.0.mlp.fc1.weight"))
    save_file({name: value for name, value in state.items() if name != lost}, file, metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=rf"lacks \S*{re.escape('layers.0.mlp.fc1.weight')}"):
        load_checkpoint(str(folder))
    extra = lost.replace("layers.0", "layers.7")
    save_file({**state, extra: state[lost].clone()}, file, metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=rf"holds \S*{re.escape('layers.7.mlp.fc1.weight')}"):
        load_checkpoint(str(folder))
    save_file({**state, lost: state[lost][:-1].clone()}, file, metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=rf"has \S*{re.escape('layers.0.mlp.fc1.weight')} in another shape"):
        load_checkpoint(str(folder))
    file.unlink()
    with pytest.raises(WeightsError, match=r"no text_encoder/model\.safetensors or text_encoder/pytorch_model\.bin"):
        load_checkpoint(str(folder))
    for damaged in ("{", "[" * 100_000):
        (folder / "text_encoder" / "config.json").write_text(damaged)
        with pytest.raises(WeightsError, match=r"config\.json cannot be read as JSON"):
            load_checkpoint(str(folder))


@pytest.mark.parametrize(
    ("weights", "options", "says"),
    [
        ("", {}, r"--set weights=FOLDER.*OWNER/NAME.*monai:FOLDER"),
        ("nowhere", {}, r"no folder nowhere, given with --set weights=DIR"),
        ("someone/model", {}, r"unet/config\.json of .* someone/model@main, .*--set weights=DIR"),
        ("{sd}", {"text_encoder": "someone/bert@v1"}, r"config\.json of .* someone/bert@v1, .*--set text_encoder=DIR"),
        ("{sd}/unet", {}, r"no unet_ema/config\.json or unet/config\.json in the folder .*unet"),
        ("monai:nowhere", {}, r"no folder nowhere, given with --set weights=monai:DIR"),
        ("monai:{sd}", {}, r"no diffusion_model\.pth, \.pt or \.safetensors in the folder"),
    ],
)
def test_what_cannot_be_had_is_named_with_the_option_that_helps(sd_folder, weights, options, says):
    with pytest.raises(WeightsError, match=says):
        load_checkpoint(weights.format(sd=sd_folder), **options)


@pytest.mark.parametrize("weights", ["~nosuchuser/w", "monai:~nosuchuser/w"])
def test_a_home_folder_that_is_not_there_is_told_in_a_sentence(weights):
    with pytest.raises(GroundCXRError, match="no user 'nosuchuser' with a home folder"):
        load_checkpoint(weights)


def test_the_papers_text_encoder_is_asked_of_the_hub_where_there_is_no_copy(monai_folder, copy):
    folder = copy(monai_folder)
    shutil.rmtree(folder / "text_encoder")
    with pytest.raises(WeightsError, match=r"stabilityai/stable-diffusion-2-1-base@main, .*--set text_encoder=DIR"):
        load_checkpoint(f"monai:{folder}")
    (folder / "config.json").unlink()
    with pytest.raises(
        WeightsError, match=r"diffusion_model\.pth does not fit: .*conv_in.* the configuration asks for 256"
    ):
        load_checkpoint(f"monai:{folder}", text_encoder=str(monai_folder))


@pytest.fixture
def hub(sd_folder, tmp_path, monkeypatch):
    """An offline hub cache that holds `someone/model` at one commit; answers with the commit."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    model, commit = tmp_path / "models--someone--model", "0123456789abcdef0123456789abcdef01234567"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text(commit)
    shutil.copytree(sd_folder, model / "snapshots" / commit)
    return commit


@torch.inference_mode()
def test_a_hub_repository_is_loaded_from_the_cache_and_known_by_its_commit(hub, sd_folder, tmp_path):
    model = load_checkpoint("someone/model")
    assert torch.equal(states(model)[2], states(load_checkpoint(str(sd_folder)))[2])
    assert model.name == "model"
    known = weights_digest("someone/model")
    assert known == weights_digest(f"someone/model@{hub}")
    snapshot = tmp_path / "models--someone--model" / "snapshots" / hub
    (snapshot / "unet" / NETWORK).unlink()
    assert weights_digest("someone/model") == known  # no download for a fingerprint
    with pytest.raises(WeightsError, match=r"unet/diffusion_pytorch_model\.safetensors of .* someone/model@main"):
        load_checkpoint("someone/model")


def test_the_digest_covers_what_is_read_and_nothing_else(sd_folder, monai_folder, copy):
    folder = copy(sd_folder)
    first = weights_digest(str(folder))
    assert first == weights_digest(str(sd_folder))
    (folder / "README.md").write_text("anything")
    (folder / "safety_checker").mkdir()
    (folder / "safety_checker" / "model.safetensors").write_bytes(b"not read")
    assert weights_digest(str(folder)) == first
    seen = {first, weights_digest(str(folder), text_encoder=str(monai_folder)), weights_digest(f"monai:{monai_folder}")}
    for part, name in (("scheduler", "scheduler_config.json"), ("tokenizer", "vocab.json"), ("vae", "config.json")):
        path = folder / part / name
        path.write_text(path.read_text() + "\n")
        seen.add(weights_digest(str(folder)))
    with (folder / "unet" / NETWORK).open("ab") as file:
        file.write(b"\0")
    seen.add(weights_digest(str(folder)))
    assert len(seen) == 7
