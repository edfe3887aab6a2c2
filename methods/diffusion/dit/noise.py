"""How much noise is added to latents at fixed times, for networks trained by noise prediction and by flow matching."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..ldm.schedule import NoiseSchedule

_FLOW = "flow_prediction"


@dataclass(frozen=True)
class FlowSchedule:
    """Flow matching: latents and noise on a straight line (Lipman et al., ICLR 2023).

    Attributes:
        train_steps: The time step that is all noise.
        shift: How far noise levels are moved towards noise (Esser et al., ICML 2024, section 5.3.2).
    """

    train_steps: int
    shift: float

    def noised(self, latents: torch.Tensor, noise: torch.Tensor, t: float) -> torch.Tensor:
        """A clean latent with the noise of time step `t`, 0 to `train_steps`."""
        level = t / self.train_steps
        return (1 - level) * latents + level * noise

    def time(self, part: float) -> float:
        """The time step of a part of the way from image to noise, 0 to 1."""
        return self.train_steps * self.shift * part / (1 + (self.shift - 1) * part)


def fixed_times(
    config: Mapping[str, Any], steps: int, read: Sequence[float]
) -> tuple[NoiseSchedule | FlowSchedule, list[float] | list[int]]:
    """The schedule of a checkpoint, and the time steps at which noise is added.

    Args:
        config: Of a diffusers scheduler.
        steps: Levels from none to all of the noise.
        read: The part of them that is taken, two fractions of 0 to 1.

    Raises:
        MethodError: If the schedule has neither betas nor flow matching.
    """
    low, high = read
    count = max(1, round(steps * (high - low)))
    parts = [low + (high - low) * (index + 0.5) / count for index in range(count)]
    flows = (config.get("use_flow_sigmas"), config.get("prediction_type") == _FLOW)
    if "Flow" in str(config.get("_class_name")) or any(flows):
        shift = config.get("shift") or config.get("flow_shift") or 1
        flow = FlowSchedule(int(config.get("num_train_timesteps", 1000)), float(shift))
        return flow, [flow.time(part) for part in parts]
    schedule = NoiseSchedule.of(config)
    return schedule, [round(part * (len(schedule.alphas) - 1)) for part in parts]
