"""`dit` on tiny Sana and PixArt pipelines of diffusers' own classes: attention written out, refusals, extents."""

import json
import shutil

import numpy as np
import pytest
import torch
from diffusers import SD3Transformer2DModel

from groundcxr import Query, Radiograph
from groundcxr.core import Box, MethodError, WeightsError
from groundcxr.core.fingerprint import seed_from
from groundcxr.methods.diffusion.dit.noise import FlowSchedule, fixed_times
from groundcxr.methods.diffusion.ldm.frame import network_input
from groundcxr.methods.diffusion.ldm.postprocess import combine, min_max
from groundcxr.methods.loading import build_method

from .tiny import save_pixart, save_sana

FEW = {"steps": 10}
PHRASE = "small right effusion"


@pytest.fixture(scope="session")
def pixart(tmp_path_factory):
    return save_pixart(tmp_path_factory.mktemp("models") / "pixart")


@pytest.fixture(scope="session")
def sana(tmp_path_factory):
    return save_sana(tmp_path_factory.mktemp("models") / "sana")


@pytest.fixture(params=["pixart", "sana"])
def folder(request):
    return request.getfixturevalue(request.param)


def ready(folder, **options):
    method = build_method("dit", {"weights": str(folder), **FEW, **options})
    method.setup("cpu")
    return method


def radiograph(width=64, height=64, seed=0):
    return Radiograph.from_array(np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8))


class Noting:
    """An attention processor written out, which keeps its probabilities."""

    def __init__(self):
        self.seen = []

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, **_):
        q, k, v = attn.to_q(hidden_states), attn.to_k(encoder_hidden_states), attn.to_v(encoder_hidden_states)
        q, k = (q, k) if attn.norm_q is None else (attn.norm_q(q), attn.norm_k(k))
        q, k, v = (part.unflatten(-1, (attn.heads, -1)).transpose(1, 2) for part in (q, k, v))
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        mask = attention_mask.view(len(q), attn.heads, 1, -1) if attention_mask.shape[0] > len(q) else attention_mask
        weights = (scores + mask).softmax(-1)
        self.seen.append(weights.mean(1))
        return attn.to_out[0]((weights @ v).transpose(1, 2).flatten(2))


def test_maps_are_the_attention_of_the_networks_own_forward_with_padding_and_mask(folder):
    """As the pipelines call them: padded phrases with a mask, and every step through the whole network."""
    method, image = ready(folder), radiograph()
    (found,) = method.ground(image, [PHRASE])
    model, grounder = method._model, method._grounder
    encoded = model.tokenizer(PHRASE, padding="max_length", max_length=20, return_tensors="pt")
    mask = encoded["attention_mask"]
    chosen = [place for place, kept in enumerate(mask[0]) if kept and encoded["input_ids"][0, place] > 3]
    assert len(chosen) == 3
    is_sana = "Sana" in type(model.transformer).__name__
    more = (
        {}
        if is_sana
        else {"added_cond_kwargs": {"resolution": torch.tensor([[16.0, 16.0]]), "aspect_ratio": torch.ones(1, 1)}}
    )
    side = 8 if is_sana else 4
    processors_ = [Noting() for _ in model.transformer.transformer_blocks]
    totals = [torch.zeros(side, side) for _ in processors_]
    with torch.no_grad():
        states = model.text_encoder(**{key: encoded[key] for key in ("input_ids", "attention_mask")}).last_hidden_state
        for block, processor in zip(model.transformer.transformer_blocks, processors_, strict=True):
            block.attn2.processor = processor
        latents = grounder.encode(network_input([image], 16))
        generator = torch.Generator().manual_seed(seed_from(image.sha256))
        noise = torch.randn(len(grounder.times), *latents.shape[1:], generator=generator)
        for t, one in zip(grounder.times, noise, strict=True):
            time = torch.tensor([t * (0.5 if is_sana else 1)])
            noised = grounder.schedule.noised(latents, one, t)
            model.transformer(noised, encoder_hidden_states=states, timestep=time, encoder_attention_mask=mask, **more)
            for total, processor in zip(totals, processors_, strict=True):
                total += min_max(processor.seen[-1][0][:, chosen].mean(-1).view(side, side))
    raw = combine([total[None] / len(grounder.times) for total in totals], (16, 16), 2.5)
    np.testing.assert_allclose(found.heatmap.values, min_max(raw)[0], atol=2e-3)
    assert np.ptp(found.heatmap.values) == 1


def test_noise_levels_are_fixed_and_shifted_as_the_checkpoint_says():
    flow, times = fixed_times({"use_flow_sigmas": True, "flow_shift": 3.0}, 10, (0.4, 0.6))
    assert flow == FlowSchedule(1000, 3.0)
    # sigma = 3 s / (1 + 2 s) at s = .45 and .55
    assert times == pytest.approx([1350 / 1.9, 1650 / 2.1])
    clean, noise = torch.ones(2), torch.full((2,), 5.0)
    assert flow.noised(clean, noise, 250).tolist() == [2.0, 2.0]
    schedule, times = fixed_times({"beta_start": 0.0001, "beta_end": 0.02, "beta_schedule": "linear"}, 10, (0.4, 0.6))
    assert times == [450, 549]
    assert schedule.alphas[450] == pytest.approx(np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))[450], rel=1e-4)
    with pytest.raises(MethodError, match="no betas"):
        fixed_times({"_class_name": "Something"}, 10, (0.4, 0.6))


def test_answers_repeat_and_do_not_depend_on_the_batch(folder, same_in_any_batch):
    method = ready(folder)
    images = [radiograph(), radiograph(80, 64, 1)]
    asked = [(PHRASE, 0), ("the left opacity, basal", 0), (PHRASE, 1), ("opacity", 1)]
    queries = [Query(images[image], phrase, "") for phrase, image in asked]
    same_in_any_batch(method, queries)
    together = method.ground_batch(queries)
    for other in (1, 2):
        assert np.abs(together[0].heatmap.values - together[other].heatmap.values).max() > 1e-2
    assert together[0].heatmap.extent == Box(0, 0, 64, 64)
    assert together[2].heatmap.extent == Box(8, 0, 72, 64)


@pytest.mark.parametrize("name", ["SD3Transformer2DModel", "FluxTransformer2DModel", "Lumina2Transformer2DModel"])
def test_networks_with_joint_attention_are_refused_with_the_reason(pixart, tmp_path, name):
    copy = tmp_path / "joint"
    shutil.copytree(pixart, copy, ignore=shutil.ignore_patterns("transformer"))
    if name.startswith("SD3"):
        small = {"num_layers": 1, "attention_head_dim": 8, "num_attention_heads": 2, "sample_size": 8}
        SD3Transformer2DModel(**small, pooled_projection_dim=16).save_pretrained(copy / "transformer")
    else:
        (copy / "transformer").mkdir()
        (copy / "transformer" / "config.json").write_text(json.dumps({"_class_name": name}))
    with pytest.raises(WeightsError, match=f"is a {name}, whose blocks attend to image and phrase jointly"):
        ready(copy)


def test_what_does_not_fit_is_refused_by_name(pixart, sana, tmp_path):
    copy = tmp_path / "mixed"
    shutil.copytree(pixart, copy, ignore=shutil.ignore_patterns("vae"))
    with pytest.raises(WeightsError, match=r"finds no vae/config.json in .*; give the pipeline .* --set base="):
        ready(copy)
    mixed = ready(copy, base=str(pixart))
    assert mixed.weights_id() == "local copy mixed; base=local copy pixart"
    config = json.loads((copy / "transformer" / "config.json").read_text()) | {"_class_name": "Other"}
    (copy / "transformer" / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="is a Other; the method dit needs a PixArtTransformer2DModel or Sana"):
        ready(copy, base=str(pixart))
    with pytest.raises(MethodError, match=r"there is no layer 3; the network has 0 to 2: transformer_blocks\.0"):
        ready(pixart, layers=("3",))
    with pytest.raises(MethodError, match="read must be two fractions"):
        ready(sana, read="")
    with pytest.raises(WeightsError, match="method dit needs to be told its weights"):
        build_method("dit").setup("cpu")


def test_drawn_weights_need_configurations_and_a_tokenizer_alone(folder, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(folder, bare, ignore=shutil.ignore_patterns("*.safetensors*"))
    maps = [ready(f"random:{seed}:{bare}").ground(radiograph(), [PHRASE])[0].heatmap.values for seed in (1, 1, 2)]
    np.testing.assert_array_equal(maps[0], maps[1])
    assert np.abs(maps[0] - maps[2]).max() > 1e-2


def test_it_is_checked_and_evaluated_from_the_command_line(checked_and_evaluated, sana):
    assert checked_and_evaluated("dit", f"weights={sana}", "steps=10")["statuses"]["auroc"] == {"ok": 2}
