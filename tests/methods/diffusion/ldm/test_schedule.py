"""Steps and updates of the inversion, against MONAI core's scheduler."""

from __future__ import annotations

import pytest
import torch
from diffusers import EulerDiscreteScheduler, FlowMatchEulerDiscreteScheduler
from monai.networks.schedulers import DDIMScheduler as MonaiScheduler

from groundcxr.core import MethodError
from groundcxr.methods.diffusion.ldm.schedule import NoiseSchedule, middle_fifth

MONAI_CONFIG = {
    "schedule": "scaled_linear_beta",
    "num_train_timesteps": 1000,
    "beta_start": 0.0015,
    "beta_end": 0.0205,
}


def test_300_steps_are_334_and_the_120th_is_360():
    steps = NoiseSchedule.of().timesteps(300)
    assert len(steps) == 334
    assert (steps[0], steps[120], steps[179], steps[-1]) == (0, 360, 537, 999)


@pytest.mark.parametrize(("steps", "read"), [(300, range(120, 180)), (100, range(40, 60)), (30, range(12, 18))])
def test_the_middle_fifth_is_the_public_codes(steps, read):
    assert middle_fifth(steps) == read


def test_something_is_read_however_few_steps_there_are():
    assert all(len(middle_fifth(steps)) >= 1 and middle_fifth(steps).stop <= steps for steps in range(1, 60))


@pytest.mark.parametrize("prediction", ["epsilon", "sample", "v_prediction"])
@pytest.mark.parametrize("steps", [30, 300])
def test_a_step_is_monais_reversed_step(prediction, steps):
    config = {**MONAI_CONFIG, "prediction_type": prediction}
    reference = MonaiScheduler(**config, clip_sample=False)
    reference.set_timesteps(steps)
    schedule = NoiseSchedule.of(config)
    latents, output = torch.randn(2, 1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    # The last step of 300, from 999, goes past the end; there MONAI core's own value is 0 too for the public code.
    for t in schedule.timesteps(steps)[:-1]:
        expected, _ = reference.reversed_step(output, t, latents)
        torch.testing.assert_close(schedule.advance(latents, output, t, schedule.stride(steps)), expected)


def test_past_the_end_all_is_noise():
    latents, noise = torch.randn(2, 1, 3, 4, 4)
    schedule = NoiseSchedule.of({**MONAI_CONFIG, "prediction_type": "epsilon"})
    torch.testing.assert_close(schedule.advance(latents, noise, 999, 3), noise)


def test_no_scheduler_is_the_papers():
    assert NoiseSchedule.of() == NoiseSchedule.of({**MONAI_CONFIG, "prediction_type": "v_prediction"})


def test_a_diffusers_scheduler_brings_its_betas_and_prediction():
    scheduler = EulerDiscreteScheduler(beta_start=0.001, beta_end=0.01, prediction_type="sample")
    schedule = NoiseSchedule.of(scheduler)
    assert schedule.prediction_type == "sample"
    torch.testing.assert_close(torch.tensor(schedule.alphas), scheduler.alphas_cumprod)


@pytest.mark.parametrize(
    ("scheduler", "message"),
    [
        (FlowMatchEulerDiscreteScheduler(), "no betas"),
        ({**MONAI_CONFIG, "schedule": "cosine"}, "cosine"),
        ({**MONAI_CONFIG, "prediction_type": "score"}, "'score'"),
    ],
)
def test_a_schedule_that_cannot_be_inverted_is_refused(scheduler, message):
    with pytest.raises(MethodError, match=message):
        NoiseSchedule.of(scheduler)


@pytest.mark.parametrize("steps", [0, 1001])
def test_a_number_of_steps_that_cannot_be_is_refused(steps):
    with pytest.raises(MethodError, match="1 to 1000"):
        NoiseSchedule.of().timesteps(steps)
