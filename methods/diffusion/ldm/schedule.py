"""Noise schedules: which steps an inversion takes, and how a latent moves along them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ....core import MethodError

_PREDICTIONS = ("epsilon", "sample", "v_prediction")
_BETAS_OF_MONAI = {"linear_beta": "linear", "scaled_linear_beta": "scaled_linear"}
_PAPER = {
    "num_train_timesteps": 1000,
    "beta_start": 0.0015,
    "beta_end": 0.0205,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
}


@dataclass(frozen=True)
class NoiseSchedule:
    """How much of a latent is signal at each of the training's time steps.

    Attributes:
        alphas: The cumulative products of 1 - beta, one for each time step, falling from nearly 1.
        prediction_type: What the network predicts: "epsilon", "sample" or "v_prediction".
    """

    alphas: tuple[float, ...]
    prediction_type: str

    @classmethod
    def of(cls, scheduler: Any = None) -> NoiseSchedule:
        """The schedule of a diffusers scheduler.

        Args:
            scheduler: A diffusers scheduler, or the configuration of one as a mapping; the `scheduler` part of a MONAI
                configuration will do. None is the paper's: scaled linear betas from 0.0015 to 0.0205 over 1000 steps,
                v-prediction.

        Raises:
            MethodError: If diffusers cannot build it, or the prediction is of another kind.
        """
        built = sampler_of(scheduler)
        prediction = built.config.prediction_type
        if prediction not in _PREDICTIONS:
            raise MethodError(f"the network predicts {prediction!r}; the inversion knows {', '.join(_PREDICTIONS)}")
        return cls(tuple(built.alphas_cumprod.tolist()), prediction)

    def stride(self, num_steps: int) -> int:
        """Time steps from one inversion step to the next.

        Raises:
            MethodError: If there are more steps than the network was trained with, or none.
        """
        if not 1 <= num_steps <= len(self.alphas):
            raise MethodError(f"num_inversion_steps is {num_steps}; it must be from 1 to {len(self.alphas)}")
        return len(self.alphas) // num_steps

    def timesteps(self, num_steps: int) -> list[int]:
        """The time steps of an inversion, ascending, spaced "trailing" as in the paper's code.

        The stride is whole, so there may be more than asked for: 300 of 1000 gives 0, 3, ..., 999, which are 334.
        """
        return [t - 1 for t in range(len(self.alphas), 0, -self.stride(num_steps))][::-1]

    def advance(self, latents: torch.Tensor, prediction: torch.Tensor, t: int, stride: int) -> torch.Tensor:
        """A latent's next step towards noise: `reversed_step` of monai-generative's DDIMScheduler, without clipping.

        Signal and noise are taken apart at t and put together again at t + stride; past the end all is noise.
        """
        signal, noise = self._parts(latents, prediction, t)
        alpha = self.alphas[t + stride] if t + stride < len(self.alphas) else 0.0
        return alpha**0.5 * signal + (1 - alpha) ** 0.5 * noise

    def noised(self, latents: torch.Tensor, noise: torch.Tensor, t: int) -> torch.Tensor:
        """A clean latent with the noise of time step t."""
        return self.alphas[t] ** 0.5 * latents + (1 - self.alphas[t]) ** 0.5 * noise

    def _parts(self, latents: torch.Tensor, prediction: torch.Tensor, t: int) -> tuple[torch.Tensor, torch.Tensor]:
        a, b = self.alphas[t] ** 0.5, (1 - self.alphas[t]) ** 0.5
        if self.prediction_type == "epsilon":
            return (latents - b * prediction) / a, prediction
        if self.prediction_type == "sample":
            return prediction, (latents - a * prediction) / b
        return a * latents - b * prediction, a * prediction + b * latents


def middle_fifth(num_steps: int) -> range:
    """The steps whose attention the paper's code reads: 120 to 179 of 300; the middle one where there are under 10.

    They count inversion steps asked for, so of the 334 that 300 become they are not quite the middle.
    """
    start, stop = num_steps // 2 - 10 * num_steps // 100, num_steps // 2 + 10 * num_steps // 100
    return range(start, max(stop, start + 1))


def last_four_fifths(num_steps: int) -> range:
    """The generation steps whose attention Bimodal Bias Merging reads: the last 40 of 50."""
    return range(num_steps // 5, num_steps)


def sampler_of(scheduler: Any = None, num_steps: int | None = None) -> Any:
    """The diffusers `DDIMScheduler` of a checkpoint, without clipping.

    Args:
        scheduler: As of `NoiseSchedule.of`.
        num_steps: The steps from noise to image that it is set to; None to leave them.

    Raises:
        MethodError: If diffusers cannot build it, or the training has not as many steps.
    """
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    config = dict(_PAPER if scheduler is None else getattr(scheduler, "config", scheduler))
    if "schedule" in config:
        name = config.pop("schedule")
        config["beta_schedule"] = _BETAS_OF_MONAI.get(name, name)
    # What only other schedulers know may be worded in ways that DDIM does not.
    shaping = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas")
    stepping = ("set_alpha_to_one", "steps_offset", "timestep_spacing")
    known = (*shaping, *stepping, "prediction_type", "rescale_betas_zero_snr")
    if not set(config) & set(shaping[1:]):
        raise MethodError("the scheduler's configuration has no betas; the inversion needs a scheduler with betas")
    try:
        built: Any = DDIMScheduler(**{key: config[key] for key in known if key in config}, clip_sample=False)
        if num_steps is not None:
            built.set_timesteps(num_steps)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise MethodError(f"the noise schedule cannot be built: {error}") from error
    # Spacings that start behind the first step end behind the last one where every step is taken.
    if num_steps is not None and not all(0 <= t < len(built.alphas_cumprod) for t in built.timesteps.tolist()):
        raise MethodError(f"{num_steps} steps do not fit into the {len(built.alphas_cumprod)} of the noise schedule")
    return built
