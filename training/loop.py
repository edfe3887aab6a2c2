"""The training loop that both scripts share: it logs to a file, and goes on where a killed run was."""

from __future__ import annotations

import argparse
import logging
import math
import time
from collections.abc import Callable, Iterable
from copy import deepcopy
from pathlib import Path

import torch
from torch import Tensor, nn

from groundcxr.methods.training import epoch_order, generator, save_whole

__all__ = ["LOG", "begin", "epoch_order", "generator", "save_whole", "train"]

LOG = logging.getLogger("training")

_SAVE_SECONDS = 120
_LOG_EVERY = 50


def begin(description: str, log: str) -> Path:
    """Read the command line, and send the log to a file beside the terminal.

    Args:
        description: What the script does, for its help.
        log: Name of the log file.

    Returns:
        The folder for checkpoints, the log and the model.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints, the log and the model")
    parser.add_argument("--threads", type=int, default=2, help="processor cores to use")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    work: Path = arguments.work
    work.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(message)s",
        datefmt="%H:%M:%S",
        handlers=[logging.StreamHandler(), logging.FileHandler(work / log)],
    )
    return work


def cosine(step: int, steps: int, warmup: int) -> float:
    """Factor on the learning rate: up over the warm-up, then along a half cosine down to 0."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def train(
    stage: str,
    model: nn.Module,
    loss: Callable[[int], Tensor],
    folder: Path,
    *,
    steps: int,
    rate: float,
    planned: int | None = None,
    decay: float = 0.0,
    warmup: int = 100,
    ema: float = 0.0,
    check: Callable[[], str] | None = None,
    check_every: int = 500,
) -> nn.Module:
    """Minimise a loss with AdamW; a checkpoint in `folder` is gone on from, and a finished one is returned at once.

    Args:
        stage: Name of the stage: of its checkpoint and in the log.
        model: What is trained.
        loss: The loss of a step's batch, by the step's number.
        folder: Where checkpoints go.
        steps: How many steps there are.
        rate: Highest learning rate.
        planned: Steps over which the rate falls to 0; all of them, unless training is to end earlier.
        decay: Weight decay of matrices.
        warmup: Steps over which the rate rises.
        ema: Decay of the moving average of the weights that is returned; 0 for the last weights.
        check: What to say of the model's progress now and then.
        check_every: Steps between checks.

    Returns:
        The trained model, or its moving average, in evaluation mode.
    """
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    others = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    groups: Iterable[dict[str, object]] = [
        {"params": matrices, "weight_decay": decay},
        {"params": others, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))
    average = deepcopy(model).eval().requires_grad_(False) if ema else model
    file = folder / f"{stage}.pt"
    step, spent = 0, 0.0
    if file.is_file():
        state = torch.load(file, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        if ema:
            average.load_state_dict(state["average"])
        step, spent = state["step"], state["seconds"]
        LOG.info("%s: goes on at step %d of %d", stage, step, steps)

    def save() -> None:
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step, "seconds": spent}
        if ema:
            state["average"] = average.state_dict()
        save_whole(state, file)

    begun = saved = time.monotonic()
    recent: list[float] = []
    while step < steps:
        model.train()
        for group in optimizer.param_groups:
            group["lr"] = rate * cosine(step, planned or steps, warmup)
        value = loss(step)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        if ema:
            _follow(average, model, min(ema, step / (step + 10)))
        recent.append(float(value.detach()))
        now = time.monotonic()
        spent += now - begun
        begun = now
        if step % _LOG_EVERY == 0:
            LOG.info("%s: step %d of %d, loss %.4f, %.0f s", stage, step, steps, sum(recent) / len(recent), spent)
            recent.clear()
        if check is not None and (step % check_every == 0 or step == steps):
            LOG.info("%s: step %d, %s", stage, step, check())
        if now - saved > _SAVE_SECONDS or step == steps:
            save()
            saved = now
    LOG.info("%s: done, %d steps in %.0f s", stage, steps, spent)
    return average.eval()


@torch.no_grad()
def _follow(average: nn.Module, model: nn.Module, ema: float) -> None:
    for mine, its in zip(average.parameters(), model.parameters(), strict=True):
        mine.lerp_(its, 1 - ema)
