"""Bimodal Bias Merging against a run of the authors' code, and as an extraction of `ldm`."""

import json
import shutil
import zlib
from math import prod
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from skimage.metrics import structural_similarity as skimage_similarity

from groundcxr import Query, Radiograph
from groundcxr.core import MethodError, WeightsError
from groundcxr.core.seen import seen
from groundcxr.methods.diffusion.ldm import CrossAttentionGrounder, bimodal_runs
from groundcxr.methods.diffusion.ldm.bimodal import BimodalMeans, merge, structural_similarity
from groundcxr.methods.diffusion.ldm.options import LdmOptions, Tokens
from groundcxr.methods.diffusion.ldm.phrases import tokenize
from groundcxr.methods.loading import build_method

STORED = Path(__file__).parents[3] / "data" / "bimodal_bias_merging"
CASE = json.loads((STORED / "case.json").read_text())
FEW = {"extraction": "bimodal", "steps": 4}


@pytest.fixture(scope="module")
def expected():
    return {name: np.asarray(values) for name, values in np.load(STORED / "expected.npz").items()}


def uniform(name, shape):
    """The rule of the stored run: numbers in [-1, 1) from a seed and a name."""
    mix, u = np.uint64(0x9E3779B97F4A7C15), np.uint64
    with np.errstate(over="ignore"):
        z = u(CASE["seed"]) * mix + (u(zlib.crc32(name.encode())) << u(32)) + np.arange(1, prod(shape) + 1, dtype=u)
        z = z * mix
        z = (z ^ (z >> u(30))) * u(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> u(27))) * u(0x94D049BB133111EB)
    z = z ^ (z >> u(31))
    return ((z >> u(40)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)).reshape(shape)


def weight(name, shape):
    values = uniform(name, shape)
    if len(shape) < 2:
        return np.float32(name.endswith(".weight")) + np.float32(0.1) * values
    gain = next((gain for part, gain in reversed(CASE["gains"]) if part in name), 1.0)
    return values * np.float32(gain * (3 / prod(shape[1:])) ** 0.5)


def on_grid(values):
    return torch.from_numpy(np.asarray(values)).repeat_interleave(8, -1).repeat_interleave(8, -2)


@pytest.mark.parametrize("broken", range(4))
def test_what_overflowed_is_no_map(broken):
    maps = [torch.rand(8, 8) for _ in range(4)]
    assert merge(*maps).isfinite().all()
    maps[broken][2, 3] = torch.nan
    assert merge(*maps).isnan().any()


class Stored:
    """Stands for the sampler: the latents of the stored run, which followed no schedule."""

    timesteps = torch.tensor(CASE["timesteps"])

    def __init__(self, latent):
        self.latent = latent

    def noise(self, run, t):
        return on_grid(np.float32(1.7) * uniform(f"{run}{t}", (4, 8, 8)))

    def add_noise(self, latents, noise, times):
        rows = zip(latents, times.tolist(), strict=True)
        return torch.stack(
            [(1 - t / 1000) ** 0.5 * one + (t / 1000) ** 0.5 * self.noise("image", t) for one, t in rows]
        )

    def dreamt(self, t):
        return 0.6 * self.latent + 0.8 * self.noise("text", t)

    def step(self, prediction, t, latents):
        later = CASE["timesteps"][CASE["timesteps"].index(t) + 1 :]
        return SimpleNamespace(prev_sample=self.dreamt(later[0])[None].expand_as(latents) if later else latents)


def test_the_merging_is_the_authors_to_the_last_bit(expected):
    images, texts = on_grid(expected["given_image_run"]), on_grid(expected["given_text_run"])
    means = BimodalMeans()
    for step, (image, text) in enumerate(zip(images, texts, strict=True)):
        # [layers, tokens, n, n]; tokens 1 and 3 count, and the last two of three steps are read.
        chosen = image[:, [1, 3]].mean(1)
        means.add(image[None, :, 0], chosen[None], text[None, :, [1, 3]].mean(2), read=step > 0)
    np.testing.assert_allclose(means.merged()[0], expected["given_bbm"], atol=4e-4)


def test_maps_of_a_network_are_those_of_the_authors_code(expected, monkeypatch):
    unet = UNet2DConditionModel(**json.loads((STORED / "unet_config.json").read_text()))
    shapes = {name: tuple(tensor.shape) for name, tensor in unet.state_dict().items()}
    unet.load_state_dict({name: torch.from_numpy(weight(name, shape)) for name, shape in shapes.items()})
    sampler = Stored(on_grid(expected["latent"]))
    monkeypatch.setattr(
        np.random, "default_rng", lambda _: SimpleNamespace(standard_normal=lambda shape, dtype: np.zeros(shape, dtype))
    )
    usual = bimodal_runs.dream

    def begin(forward, sampler, start, *others):
        return usual(forward, sampler, sampler.dreamt(CASE["timesteps"][0])[None], *others)

    monkeypatch.setattr(bimodal_runs, "dream", begin)
    vae = AutoencoderKL(block_out_channels=(8,), norm_num_groups=4)
    it = CrossAttentionGrounder(
        unet, vae, extraction="bimodal", layers=["all"], num_inversion_steps=4, step_range=(1, 4), gaussian_sigma=0
    )
    assert len(it.layers) == 16
    it._sampler = sampler
    posterior = bimodal_runs.Posterior(sampler.latent[None], torch.zeros(1, 4, 64, 64))
    monkeypatch.setattr(it, "_posterior", lambda image: posterior)
    # The stored latents follow no prediction.
    monkeypatch.setattr(it.forward, "predict", lambda begun, context: torch.zeros(len(begun.hidden), 4, 64, 64))
    text = torch.from_numpy(expected["text"])
    mask = torch.zeros(1, 9, dtype=torch.bool)
    mask[0, CASE["tokens"]["a"]] = True
    (found,) = it.heatmaps(torch.zeros(1, 3, 64, 64), text[:1], text[1:], token_mask=mask, postprocess=False).numpy()
    error = np.abs(found - expected["bbm_a"])
    # In float16 and 8 bits a rounding error may lift single places by a whole level.
    assert np.mean(error > 2e-3) < 1e-3
    assert error.max() < 1 / 255


def test_structural_similarity_is_scikit_images():
    rng = np.random.default_rng(0)
    one = rng.integers(0, 256, (16, 19), dtype=np.uint8)
    for other in (one, 255 - one, rng.integers(0, 256, one.shape, dtype=np.uint8), one // 2 + 60):
        assert structural_similarity(one, other) == pytest.approx(skimage_similarity(one, other), abs=1e-12)


def test_the_text_run_is_the_pipelines_own_sampling(expected):
    """Against diffusers' guided sampling of the same network, written out."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(**json.loads((STORED / "unet_config.json").read_text())).eval()
    config = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012, "steps_offset": 1}
    config |= {"set_alpha_to_one": False, "clip_sample": False}
    vae = AutoencoderKL(block_out_channels=(8,), norm_num_groups=4)
    it = CrossAttentionGrounder(unet, vae, scheduler=config, extraction="bimodal", num_inversion_steps=5)
    reference = DDIMScheduler(**config)
    reference.set_timesteps(5)
    assert it.timesteps == reference.timesteps.tolist() == [801, 601, 401, 201, 1]
    text = torch.from_numpy(expected["text"])
    start = torch.randn(1, 4, 16, 16)
    with torch.no_grad():
        *_, (found, _) = bimodal_runs.dream(
            it.forward, it._sampler, start, text[:1], text[1:], torch.full((1, 9), 1 / 9)
        )
        latents = start
        for t in it.timesteps:
            untold, told = unet(latents.expand(2, -1, -1, -1), t, text).sample.chunk(2)
            latents = reference.step(untold + 16 * (told - untold), t, latents).prev_sample
    np.testing.assert_allclose(found, latents, rtol=1e-4, atol=1e-4 * latents.abs().max().item())


@pytest.fixture(scope="module")
def ready(sd_folder):
    method = build_method("ldm", {"weights": str(sd_folder), **FEW})
    method.setup("cpu")
    return method


def radiograph(seed):
    return Radiograph.from_array(np.random.default_rng(seed).integers(0, 256, (70, 64), dtype=np.uint8))


def test_answers_repeat_and_do_not_depend_on_the_batch(ready):
    asked = [("small right effusion", 0), ("opacity", 0), ("small right effusion", 1)]
    queries = [Query(radiograph(image), phrase, "") for phrase, image in asked]
    together = [answer.heatmap.values for answer in ready.ground_batch(queries)]
    for query, values in zip(queries, together, strict=True):
        (alone,) = ready.ground(query.image, [query.phrase])
        np.testing.assert_array_equal(alone.heatmap.values, values)
    np.testing.assert_array_equal(together, [answer.heatmap.values for answer in ready.ground_batch(queries)])
    assert np.abs(together[0] - together[1]).max() > 0.05
    assert np.abs(together[0] - together[2]).max() > 0.05


def test_the_paper_s_values_come_with_the_extraction(ready):
    settings = LdmOptions(extraction="bimodal").settings()
    assert settings == LdmOptions(preset="nuetzel2025").settings()
    assert (settings.steps, settings.tokens, settings.layers, settings.blur) == (50, Tokens.CONTENT_FIRST, ("all",), 0)
    assert ready._grounder.steps_read == range(4)
    usual = CrossAttentionGrounder(ready._model.unet, ready._model.vae, extraction="bimodal", num_inversion_steps=50)
    assert usual.steps_read == range(10, 50)


def test_the_first_piece_of_each_word_that_says_something_counts(ready):
    tokenizer = ready._model.tokenizer
    phrase = "there is a small xray, of the effusion"
    first, all_of_them = (
        tokenize(tokenizer, phrase, "", tokens, 77) for tokens in (Tokens.CONTENT_FIRST, Tokens.CONTENT)
    )
    pieces = [tokenizer.convert_ids_to_tokens(first.ids[position]) for position in first.chosen]
    assert pieces == ["small</w>", "x", "effusion</w>"]
    assert set(first.chosen) < set(all_of_them.chosen)


def test_it_passes_check_method(groundcxr, sd_folder):
    options = [f"weights={sd_folder}", "extraction=bimodal", "steps=3"]
    ran = groundcxr("check-method", "ldm", *(part for option in options for part in ("--set", option)))
    assert ran.code == 0, ran.out + ran.err


def test_steps_and_sizes_that_do_not_fit_are_told(ready, sd_folder):
    with pytest.raises(MethodError, match="1000 steps do not fit into the 1000 of the noise schedule"):
        build_method("ldm", {"weights": str(sd_folder), "extraction": "bimodal", "steps": 1000}).setup("cpu")
    small = build_method("ldm", {"weights": str(sd_folder), **FEW, "size": 48})
    small.setup("cpu")
    with pytest.raises(MethodError, match="at least 7x7 places, not 6x6; give a larger one"):
        small.ground(radiograph(0), ["effusion"])


def test_drawn_weights_need_configurations_and_a_tokenizer_alone(sd_folder, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(sd_folder, bare, ignore=shutil.ignore_patterns("*.safetensors"))
    maps = []
    for seed in (1, 1, 2):
        method = build_method("ldm", {"weights": f"random:{seed}:{bare}", "steps": 10, "otsu": False})
        before = torch.random.get_rng_state()
        method.setup("cpu")
        assert torch.equal(before, torch.random.get_rng_state())
        maps.append(method.ground(radiograph(0), ["effusion"])[0].heatmap.values)
    np.testing.assert_array_equal(maps[0], maps[1])
    assert np.abs(maps[0] - maps[2]).max() > 1e-3
    assert method.weights_id() == "random:2:local copy bare (drawn)"
    assert bare in method.declared_places()
    other = build_method("ldm", {"weights": f"random:1:{bare}"})
    assert other.weights_fingerprint() != method.weights_fingerprint()
    with pytest.raises(WeightsError, match="of a diffusers pipeline, not of monai:DIR"):
        build_method("ldm", {"weights": f"random:1:monai:{bare}"}).fetch()


def test_models_that_are_known_to_have_seen_mimic_cxr_say_so(tmp_path):
    for place in ("FelixNuetzel/cxr_bert_ldm", "raman07/CheXGenBench-Models-SDV-2-1@main", f"monai:{tmp_path}"):
        assert seen(build_method("ldm", {"weights": place}).trained_on, "ms-cxr")
    assert build_method("ldm", {"weights": "random:0"}).trained_on == ()
    # A network of another architecture than the paper's is not the paper's.
    (tmp_path / "config.json").write_text("{}")
    assert build_method("ldm", {"weights": f"monai:{tmp_path}"}).trained_on == ()
