"""A training from its first step to a whole book, which goes on where a killed run was and ends the same."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ....core import MethodError
from ....core.files import told, write_whole
from ....core.names import printable
from ....core.progress import Advance
from ...state import read_checkpoint
from ...training import save_whole
from .codebook import ABOUT, STATE, Codebook, read_about, read_book, write_book
from .recipes import Recipe
from .tuning import Losses, Tuning

LOG = "log.csv"

_SAVE_SECONDS = 120.0


def refuse_other_files(folder: Path) -> None:
    """Raise where a folder holds no training and no book but other files, which would lie among a book's.

    Args:
        folder: The book's folder, which need not be there; hidden files do not count.

    Raises:
        MethodError: If it holds other files.
        StoreError: If it cannot be looked into.
    """
    with told(folder):
        there = {file.name for file in folder.iterdir()} if folder.is_dir() else set[str]()
    if not there & {ABOUT, STATE} and (others := sorted(name for name in there if not name.startswith("."))):
        raise MethodError(
            f"{folder} holds other files, such as {printable(others[0])}, and no training; give --out a new or an "
            "empty folder"
        )


def finished(folder: Path, identity: str) -> Codebook | None:
    """The book in a folder, where the same training has ended; None where it has not.

    Args:
        folder: The book's folder, which need not be there.
        identity: What tells the training from others.

    Raises:
        MethodError: If the folder holds another training's book.
        WeightsError: If its book is damaged.
    """
    if not (folder / ABOUT).exists():
        return None
    if read_about(str(folder)).get("training") != identity:
        raise _other(folder)
    return read_book(str(folder))


def train(
    tuning: Tuning,
    recipe: Recipe,
    folder: Path,
    *,
    steps: int,
    identity: str,
    about: Mapping[str, Any],
    advance: Advance,
) -> None:
    """Train, and write the book to its folder; steps that an earlier run has done are not done again.

    Args:
        tuning: What learns.
        recipe: How.
        folder: Where the state, the losses of each step (`log.csv`) and the book go.
        steps: How many there are in all.
        identity: What tells this training from others.
        about: What the book says of itself, beside what is known here.
        advance: Is told of each step.

    Raises:
        MethodError: If the folder holds another training.
        StoreError: If the folder cannot be written.
    """
    optimizer = torch.optim.Adam([tuning.vectors], lr=recipe.rate)
    losses: list[Losses] = []
    state = _state(folder, identity)
    if state is not None:
        with torch.no_grad():
            tuning.vectors.copy_(state["vectors"])
        optimizer.load_state_dict(state["optimizer"])
        losses = [Losses(*pair) for pair in state["losses"].tolist()]
        advance(len(losses))

    def save() -> None:
        with told(folder):
            save_whole(
                {
                    "training": identity,
                    "vectors": tuning.vectors.detach().cpu(),
                    "optimizer": optimizer.state_dict(),
                    "losses": torch.tensor(losses, dtype=torch.float64).reshape(-1, len(Losses._fields)),
                },
                folder / STATE,
            )

    if state is None:
        save()  # A folder that cannot be written is told before the work, not after it.
    saved = time.monotonic()
    while len(losses) < steps:
        found, tuning.vectors.grad = tuning.gradient(len(losses))
        optimizer.step()
        losses.append(found)
        advance()
        if time.monotonic() - saved > _SAVE_SECONDS:
            save()
            saved = time.monotonic()
    book = Codebook(
        tuning.vectors.detach().cpu(),
        tuning.ids,
        tuning.locations,
        {**about, "steps": steps, "locations": list(tuning.locations), "training": identity},
    )
    with told(folder):
        write_whole(folder / LOG, _log(losses).encode())
        write_book(folder, book)
        (folder / STATE).unlink(missing_ok=True)


def _state(folder: Path, identity: str) -> Any:
    """Where an earlier run of the same training was; None where there was none."""
    file = folder / STATE
    if not file.exists():
        return None
    state = read_checkpoint(file)
    if not isinstance(state, dict) or state.get("training") != identity:
        raise _other(folder)
    return state


def _other(folder: Path) -> MethodError:
    return MethodError(
        f"{folder} holds a training with another recipe, data or model; choose another --out, or remove it"
    )


def _log(losses: list[Losses]) -> str:
    rows = [f"{step},{one.place:.9g},{one.diversity:.9g}" for step, one in enumerate(losses, 1)]
    return "\n".join(("step,place_loss,diversity_loss", *rows)) + "\n"
