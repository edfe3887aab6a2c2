"""The grounder against the public code's run, the published procedure written plainly, and itself."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from monai.networks.schedulers import DDIMScheduler as MonaiScheduler
from scipy.ndimage import gaussian_filter
from torchvision.transforms import Resize

from groundcxr.core import MethodError, WeightsError
from groundcxr.methods.diffusion.ldm import grounder as grounder_module
from groundcxr.methods.diffusion.ldm.grounder import CrossAttentionGrounder
from groundcxr.methods.diffusion.ldm.options import Extraction
from groundcxr.methods.diffusion.ldm.schedule import NoiseSchedule
from groundcxr.methods.diffusion.ldm.split import is_plain

FIXTURE = Path(__file__).parents[3] / "data" / "ldm_tiny"
UNET = FIXTURE / "unet.safetensors"
SPANS = [(1, 3), (2, 5), (1, 6), (4, 5), (1, 2), (1, 6), (2, 3), (1, 4)]


def stored(name: str) -> torch.Tensor:
    return torch.from_numpy(np.load(FIXTURE / f"{name}.npy"))


@pytest.fixture(scope="module")
def public(stored_autoencoder):
    return CrossAttentionGrounder.from_monai(UNET, stored_autoencoder, FIXTURE / "config.json")


@pytest.fixture(scope="module")
def networks():
    """A UNet and an autoencoder like Stable Diffusion's, with several heads."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(16, 32, 32),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        layers_per_block=1,
        cross_attention_dim=16,
        attention_head_dim=2,
        norm_num_groups=8,
    )
    vae = AutoencoderKL(
        block_out_channels=(8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        latent_channels=4,
        norm_num_groups=4,
        scaling_factor=10,
    )
    with torch.no_grad():
        # Untrained queries and keys are so small that all places attend alike, and min-max would show rounding.
        for name, parameter in unet.named_parameters():
            if "attn2.to_q" in name or "attn2.to_k" in name:
                parameter.mul_(4)
    return unet.eval(), vae.eval()


@pytest.fixture(scope="module")
def inputs():
    """Three portrait images, the states of the empty phrase and of eight phrases, and whose phrases they are."""
    generator = torch.Generator().manual_seed(3)
    blocks = torch.rand(3, 1, 5, 4, generator=generator)
    images = blocks.repeat_interleave(8, 2).repeat_interleave(7, 3)
    empty, phrases = torch.randn(1, 7, 16, generator=generator), torch.randn(8, 7, 16, generator=generator)
    return images, empty, phrases, [0, 2, 0, 1, 1, 0, 2, 2]


def grounder(networks, **options):
    return CrossAttentionGrounder(
        *networks, **{"num_inversion_steps": 10, "step_range": (3, 6), "gaussian_sigma": 1.0, **options}
    )


def all_maps(it, inputs, **options):
    images, empty, phrases, index = inputs
    return it.heatmaps(images, empty, phrases, SPANS, index, **options)


def published(networks, image, empty, phrase, span, steps=(3, 6), total=10, prediction="v_prediction"):
    """The published procedure: both phrases at every step, all attention kept; its last step is MONAI core's."""
    unet, vae = networks
    kept: dict[str, list[torch.Tensor]] = {}

    class Keep(AttnProcessor):
        def __init__(self, name):
            self.name = name

        def __call__(self, attn, hidden_states, encoder_hidden_states=None, **options):
            text = hidden_states if encoder_hidden_states is None else encoder_hidden_states
            query, key = (attn.head_to_batch_dim(x) for x in (attn.to_q(hidden_states), attn.to_k(text)))
            probabilities = attn.get_attention_scores(query, key).unflatten(0, (-1, attn.heads)).mean(1)
            kept.setdefault(self.name, []).append(probabilities)
            return super().__call__(attn, hidden_states, encoder_hidden_states, **options)

    scheduler = MonaiScheduler(
        schedule="scaled_linear_beta", beta_start=0.0015, beta_end=0.0205, clip_sample=False, prediction_type=prediction
    )
    scheduler.set_timesteps(total)
    before = unet.attn_processors
    unet.set_attn_processor({name: Keep(name) for name in before})
    try:
        with torch.no_grad():
            latents = vae.encode(image.expand(1, 3, -1, -1)).latent_dist.mean * vae.config.scaling_factor
            for t in range(99, 900, 100):
                output = unet(torch.cat([latents] * 2), t, torch.cat([empty, phrase])).sample
                latents, _ = scheduler.reversed_step(output[:1], t, latents)
    finally:
        unet.set_attn_processor(before)
    per_layer = []
    for layer in ("down_blocks.2.attentions.0", "mid_block.attentions.0", "up_blocks.0.attentions.1"):
        per_step = torch.stack(kept[f"{layer}.transformer_blocks.0.attn2.processor"])[slice(*steps), 1]
        maps = per_step[..., slice(*span)].mean(-1).unflatten(1, (3, 2))
        low, high = maps.amin((1, 2), keepdim=True), maps.amax((1, 2), keepdim=True)
        per_layer.append(Resize(list(image.shape[-2:]), antialias=True)((maps - low) / (high - low)))
    return torch.from_numpy(gaussian_filter(torch.stack(per_layer).mean((0, 1)).numpy(), (1.0, 1.0)))


LAYERS = ["down_blocks.2.attentions.0", "mid_block.attentions.0", "up_blocks.0.attentions.1"]


def test_the_public_codes_raw_map_within_1e_5(public):
    embeds = stored("prompt_embeds")
    raw = public.heatmaps(stored("image"), embeds[:1], embeds[1:], [(1, 6)], postprocess=False)
    assert raw.shape == (1, 128, 128)
    assert raw.dtype is torch.float32
    assert (raw[0] - stored("heatmap_raw")).abs().max() <= 1e-5


def test_the_public_codes_map_within_1e_4_but_for_a_pixel_at_the_threshold(public):
    embeds = stored("prompt_embeds")
    found = public.heatmaps(stored("image"), embeds[:1], embeds[1:], [(1, 6)])
    assert ((found[0] - stored("heatmap_post")).abs() <= 1e-4).float().mean() >= 0.999


def test_the_public_codes_latents_within_1e_4(public):
    config = json.loads((FIXTURE / "config.json").read_text())
    assert public.timesteps == config["inversion_timesteps"]
    latents = public.trajectory(stored("image"), stored("prompt_embeds")[:1])
    torch.testing.assert_close(latents[:, 0], stored("latents")[:-1], atol=1e-4, rtol=0)
    last = NoiseSchedule.of().advance(stored("latents")[-2], stored("model_outputs")[-1], public.timesteps[-1], 33)
    torch.testing.assert_close(last, stored("latents")[-1], atol=1e-4, rtol=0)


@pytest.mark.parametrize("prediction", ["v_prediction", "epsilon"])
def test_every_shortcut_leaves_the_map_of_the_plain_procedure(networks, inputs, prediction):
    images, empty, phrases, index = inputs
    scheduler = DDIMScheduler(
        beta_schedule="scaled_linear", beta_start=0.0015, beta_end=0.0205, prediction_type=prediction
    )
    it = grounder(networks, layers=LAYERS, scheduler=scheduler)
    found = all_maps(it, inputs, postprocess=False)
    for number in range(8):
        image, phrase = images[index[number]][None], phrases[number][None]
        expected = published(networks, image, empty, phrase, SPANS[number], prediction=prediction)
        assert (expected.max() - expected.min()) > 0.05
        torch.testing.assert_close(found[number], expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("extraction", ["inversion", "noise-once", "noise-difference"])
def test_a_phrase_has_the_same_map_alone_as_in_a_batch_of_eight(networks, inputs, extraction):
    images, empty, phrases, index = inputs
    it = grounder(networks, layers=LAYERS, extraction=extraction)
    together = all_maps(it, inputs, postprocess=False, seeds=index)
    for number in range(8):
        alone = it.heatmaps(
            images[index[number]][None],
            empty,
            phrases[number][None],
            [SPANS[number]],
            postprocess=False,
            seeds=[index[number]],
        )
        torch.testing.assert_close(together[number], alone[0], atol=1e-5, rtol=0)
    assert (together[0] - together[2]).abs().max() > 1e-3


@pytest.mark.parametrize("extraction", ["inversion", "noise-once", "noise-difference"])
@pytest.mark.parametrize("rows", [1, 5, 100])
def test_the_size_of_a_batch_leaves_the_map(networks, inputs, extraction, rows):
    options = {"layers": LAYERS, "extraction": extraction}
    usual = all_maps(grounder(networks, **options), inputs, postprocess=False)
    other = all_maps(grounder(networks, max_batch=rows, **options), inputs, postprocess=False)
    torch.testing.assert_close(other, usual, atol=1e-5, rtol=0)


def test_running_out_of_memory_halves_the_batch_and_goes_on(networks, inputs):
    it = grounder(networks, layers=LAYERS)
    expected = all_maps(it, inputs, postprocess=False)
    sizes = []
    for name in ("attend", "predict"):
        part = getattr(it.forward, name)

        def limited(begun, *rest, part=part):
            sizes.append(len(begun.hidden))
            if sizes[-1] > 2:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory")
            return part(begun, *rest)

        setattr(it.forward, name, limited)
    torch.testing.assert_close(all_maps(it, inputs, postprocess=False), expected, atol=1e-5, rtol=0)
    # The first step's three images do not fit, one does; nothing larger is tried again.
    assert sizes[:4] == [3, 1, 1, 1]
    assert max(sizes[1:]) == 1


def test_one_row_that_does_not_fit_is_said(networks, inputs):
    it = grounder(networks, layers=LAYERS)

    def full(*_):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")

    it.forward.begin = full
    with pytest.raises(MethodError, match="does not fit into memory"):
        all_maps(it, inputs)


def test_an_image_is_inverted_once_for_all_its_phrases_and_only_as_far_as_is_read(networks, inputs):
    it = grounder(networks, layers=LAYERS)
    calls = {"begin": 0, "predict": 0, "attend": 0}
    for name in calls:
        part = getattr(it.forward, name)

        def counted(first, *rest, name=name, part=part):
            calls[name] += len(first[0] if isinstance(first, tuple) else first)
            return part(first, *rest)

        setattr(it.forward, name, counted)
    all_maps(it, inputs)
    # Steps 0 to 5 of 3 images; the last one needs no prediction; 8 phrases at 3 steps.
    assert calls == {"begin": 18, "predict": 15, "attend": 24}


def test_images_without_a_phrase_cost_nothing_and_change_nothing(networks, inputs):
    images, empty, phrases, _ = inputs
    it = grounder(networks, layers=LAYERS)
    some = it.heatmaps(images, empty, phrases[:2], SPANS[:2], [2, 2], postprocess=False)
    alone = it.heatmaps(images[2:], empty, phrases[:2], SPANS[:2], postprocess=False)
    torch.testing.assert_close(some, alone, atol=1e-5, rtol=0)
    assert it.heatmaps(images, empty, phrases[:0], [], []).shape == (0, 40, 28)


def test_each_image_may_have_its_own_empty_phrase(networks, inputs):
    images, empty, phrases, index = inputs
    it = grounder(networks, layers=LAYERS)
    empties = torch.cat([empty, 2 * empty, 3 * empty])
    found = it.heatmaps(images, empties, phrases, SPANS, index, postprocess=False)
    expected = it.heatmaps(images[1:2], 2 * empty, phrases[3:5], SPANS[3:5], postprocess=False)
    torch.testing.assert_close(found[3:5], expected, atol=1e-5, rtol=0)


def test_a_mask_chooses_tokens_that_spans_cannot(networks, inputs):
    images, empty, phrases, _ = inputs
    it = grounder(networks, layers=LAYERS)
    mask = torch.zeros(1, 7, dtype=torch.bool)
    mask[0, 1:3] = True
    given = (images[:1], empty, phrases[:1])
    torch.testing.assert_close(it.heatmaps(*given, token_mask=mask), it.heatmaps(*given, [(1, 3)]))
    mask[0, 5] = True
    assert (it.heatmaps(*given, token_mask=mask) - it.heatmaps(*given, [(1, 3)])).abs().max() > 1e-3


def test_a_network_that_is_not_taken_apart_gives_the_same_map(networks, inputs):
    class Subclass(UNet2DConditionModel):
        pass

    unet, vae = networks
    other = Subclass.from_config(unet.config)
    other.load_state_dict(unet.state_dict())
    found = all_maps(grounder((other, vae), layers=LAYERS), inputs, postprocess=False)
    expected = all_maps(grounder(networks, layers=LAYERS), inputs, postprocess=False)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_noise_depends_on_the_seed_alone(networks, inputs):
    it = grounder(networks, layers=LAYERS, extraction="noise-once")
    first = all_maps(it, inputs, seeds=[7] * 8)
    assert torch.equal(first, all_maps(it, inputs, seeds=[7] * 8))
    assert (first - all_maps(it, inputs, seeds=[8] * 8)).abs().max() > 1e-3


def test_noise_once_reads_the_latent_with_that_steps_noise(networks, inputs):
    vae = networks[1]
    images, empty, phrases, _ = inputs
    it = grounder(networks, layers=LAYERS[:1], step_range=(4, 5), extraction="noise-once", gaussian_sigma=0)
    found = it.heatmaps(images[:1], empty, phrases[:1], [(1, 3)], seeds=[5], postprocess=False)
    alpha = NoiseSchedule.of().alphas[499]
    with torch.no_grad():
        clean = vae.encode(images[:1].expand(1, 3, -1, -1)).latent_dist.mean * vae.config.scaling_factor
        noise = torch.randn(1, *clean.shape[1:], generator=torch.Generator().manual_seed(5))
        begun = it.forward.begin(alpha**0.5 * clean + (1 - alpha) ** 0.5 * noise, torch.tensor([499]))
        weights = torch.tensor([[0, 0.5, 0.5, 0, 0, 0, 0]])
        one = it.forward.attend(it.forward.for_attention(begun), phrases[:1], weights)[0]
    one = (one - one.min()) / (one.max() - one.min())
    torch.testing.assert_close(found, Resize([40, 28], antialias=True)(one), atol=1e-5, rtol=0)


def test_noise_difference_is_where_the_phrase_changes_the_prediction(networks, inputs):
    unet, vae = networks
    images, empty, phrases, _ = inputs
    it = grounder(networks, extraction="noise-difference", gaussian_sigma=0)
    found = it.heatmaps(images[:1], empty, phrases[:1], [(1, 3)], seeds=[5], postprocess=False)
    alphas = NoiseSchedule.of().alphas
    halfway = round(999 * 0.5)
    with torch.no_grad():
        clean = vae.encode(images[:1].expand(1, 3, -1, -1)).latent_dist.mean * vae.config.scaling_factor
        noises = torch.randn(5, *clean.shape[1:], generator=torch.Generator().manual_seed(5))
        total = torch.zeros(1, *clean.shape[2:])
        for noise in noises:
            noisy = alphas[halfway] ** 0.5 * clean + (1 - alphas[halfway]) ** 0.5 * noise
            total += (unet(noisy, halfway, phrases[:1]).sample - unet(noisy, halfway, empty).sample).abs().mean(1) / 5
    torch.testing.assert_close(found, Resize([40, 28], antialias=True)(total), atol=1e-5, rtol=0)
    assert found.std() > 0


def test_an_all_black_image_has_a_finite_map(networks, inputs):
    _, empty, phrases, _ = inputs
    found = grounder(networks, layers=LAYERS).heatmaps(torch.zeros(1, 1, 40, 28), empty, phrases, SPANS)
    assert found.isfinite().all()
    assert found.min() >= 0
    assert found.max() <= 1


def test_attention_that_is_equal_everywhere_is_a_map_of_zeros(networks, inputs):
    unet, vae = networks
    blind = UNet2DConditionModel.from_config(unet.config).eval()
    with torch.no_grad():
        for name, parameter in blind.named_parameters():
            if "attn2.to_q" in name:
                parameter.zero_()
    assert all_maps(grounder((blind, vae), layers=LAYERS), inputs).eq(0).all()


@pytest.mark.parametrize("extraction", ["inversion", "noise-difference"])
def test_numbers_that_overflow_are_said_not_scored(networks, inputs, extraction):
    it = grounder(networks, layers=LAYERS, extraction=extraction)
    predict = it.forward.predict
    it.forward.predict = lambda *given: predict(*given) * float("inf")
    with pytest.raises(MethodError, match="overflow in float32"):
        all_maps(it, inputs)


def test_white_is_what_pixel_range_says(networks):
    image = torch.rand(1, 1, 40, 28)
    wide = grounder(networks, pixel_range=(-1, 1)).encode(image)
    with torch.no_grad():
        expected = networks[1].encode((2 * image - 1).expand(1, 3, -1, -1)).latent_dist.mean
    torch.testing.assert_close(wide, expected * networks[1].config.scaling_factor)


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("extraction", list(Extraction))
def test_half_precision_is_close(networks, inputs, monkeypatch, extraction, plain):
    monkeypatch.setattr(grounder_module, "is_plain", lambda unet: plain and is_plain(unet))
    images, *rest = inputs
    squares = torch.nn.functional.interpolate(images, (32, 32))

    def maps(dtype):
        it = grounder(networks, extraction=extraction, layers=LAYERS, dtype=dtype)
        return all_maps(it, (squares, *rest), postprocess=False)

    exact, half = maps("float32"), maps("bfloat16")
    assert half.dtype is torch.float32
    assert 0 < (half - exact).abs().mean() < 0.05
    assert networks[0].dtype is torch.float32


def test_a_network_given_in_half_precision_computes_in_the_one_asked_for(networks, inputs):
    half = torch.nn.Module.to(copy.deepcopy(networks[0]), torch.bfloat16)
    wide = torch.nn.Module.to(copy.deepcopy(half), torch.float32)
    found, expected = (
        all_maps(grounder((unet, networks[1]), layers=LAYERS), inputs, postprocess=False) for unet in (half, wide)
    )
    torch.testing.assert_close(found, expected, atol=0, rtol=0)
    assert half.dtype is torch.bfloat16


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"extraction": "magic"}, "noise-difference"),
        ({"dtype": "int8"}, "bfloat16"),
        ({"gaussian_sigma": -1.0}, "negative"),
        ({"gaussian_sigma": float("nan")}, "negative"),
        ({"max_batch": 0}, "at least 1"),
        ({"pixel_range": (1, 0)}, "black and white"),
        ({"pixel_range": 1}, "black and white"),
        ({"step_range": (5, 5)}, "cannot be read"),
        ({"step_range": (0, 11)}, "numbered 0 to 9"),
        ({"num_inversion_steps": 0}, "1 to 1000"),
        ({"layers": [42]}, "no layer 42"),
    ],
)
def test_an_option_that_cannot_be_is_refused(networks, options, message):
    with pytest.raises(MethodError, match=message):
        grounder(networks, **options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": torch.rand(2, 1, 40, 28)}, "image_index must give"),
        ({"image": torch.rand(1, 2, 40, 28)}, r"must be \[B, 3, H, W\]"),
        ({"image": np.zeros((1, 1, 40, 28), np.float32)}, "the image is a ndarray"),
        ({"image": torch.rand(40, 28)}, r"must be \[B, 3, H, W\]"),
        ({"image": 255 * torch.ones(1, 1, 40, 28)}, "outside 0 to 1"),
        ({"image": torch.full((1, 1, 40, 28), float("nan"))}, "outside 0 to 1"),
        ({"image_index": [1]}, "names image 1"),
        ({"image_index": [0, 0]}, "2 entries for 1"),
        ({"token_spans": [(3, 3)]}, "tokens 3 to 3"),
        ({"token_spans": [(3, 8)]}, "there are 7"),
        ({"token_spans": None}, "token_spans must give"),
        ({"token_mask": torch.zeros(1, 7, dtype=torch.bool)}, "no token"),
        ({"token_mask": torch.ones(1, 6, dtype=torch.bool)}, "token_mask is"),
        ({"uncond_embeds": torch.rand(3, 7, 16)}, "uncond_embeds is"),
        ({"phrase_embeds": torch.rand(7, 16)}, "phrase_embeds is"),
        ({"phrase_embeds": torch.rand(1, 7, 24)}, "token states of the phrases are 24 wide; the network takes 16"),
        ({"uncond_embeds": torch.rand(1, 7, 24)}, "token states of the empty phrase are 24 wide; the network takes 16"),
        ({"image": torch.rand(1, 1, 4, 4)}, "as a single point"),
        ({"seeds": [1, 2]}, "2 seeds for 1"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(networks, changes, message):
    arguments = {
        "image": torch.rand(1, 1, 40, 28),
        "uncond_embeds": torch.rand(1, 7, 16),
        "phrase_embeds": torch.rand(1, 7, 16),
        "token_spans": [(1, 2)],
    }
    with pytest.raises(MethodError, match=message):
        grounder(networks).heatmaps(**{**arguments, **changes})


def test_a_configuration_without_a_network_is_refused(stored_autoencoder):
    config = json.loads((FIXTURE / "config.json").read_text())
    del config["unet"]
    with pytest.raises(WeightsError, match="'unet'"):
        CrossAttentionGrounder.from_monai(UNET, stored_autoencoder, config)
