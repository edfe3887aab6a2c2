"""What a run would do: what is stored, what is left, and the time and space that earlier runs let expect.

Nothing is loaded, and nothing is written into the store or the results.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from ..core import ImageError, read_header
from ..core.progress import progress
from ..core.threads import mapped
from ..methods.watching import files_read, undeclared_files
from .box_choice import refuse_choice
from .entry import Entry, answers_samples, fitted
from .outstanding import known_samples, to_ask
from .plan import ImageTask, Selection, Shard, make_plan
from .provenance import check_device, resolve_device
from .questions import Questions
from .run_settings import Run, batch_size_of, store_of
from .store import Pace, StoredPredictions, digests
from .store.housekeeping import State, state_folders, state_of

_READERS = 8


@dataclass(frozen=True)
class Experience:
    """What earlier runs tell of a method.

    Attributes:
        pace: How fast it was on the device; None where it was not run there.
        pace_of_this: Whether that was the method in its present state, and not with other code, weights or options.
        bytes_each: What one answer takes in the store; None where there is none.
        devices: What earlier runs were on.
    """

    pace: Pace | None = None
    pace_of_this: bool = False
    bytes_each: float | None = None
    devices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Forecast:
    """What a run of one method would do.

    Attributes:
        label: The method, as tables show it.
        device: What it would be set up on.
        images: How many images it would look at.
        phrases: How many samples ask about them.
        stored: How many of these have an answer in the store.
        failed: How many failed before, and would be asked again.
        asked: How many would be asked now: a batch that lacks an answer is made whole.
        new: How many answers the store would get that it has not.
        batches: How many batches would be made.
        unreadable: The images that are missing or cannot be read, and why.
        refused: How many samples the method has no question for.
        keeps: Whether answers are stored; those of a control that reads the ground truth are not.
        experience: What earlier runs tell.
    """

    label: str
    device: str
    images: int
    phrases: int
    stored: int
    failed: int
    asked: int
    new: int
    batches: int
    unreadable: Mapping[Path, str]
    refused: int
    keeps: bool
    experience: Experience

    @property
    def seconds(self) -> float | None:
        """How long grounding would take, the loading of the method apart; None where no earlier run tells."""
        if not self.asked:
            return 0.0
        return None if self.experience.pace is None else self.asked * self.experience.pace.seconds

    @property
    def bytes(self) -> float | None:
        """What the store would grow by; None where no earlier run tells."""
        if not self.new or not self.keeps:
            return 0.0
        return None if self.experience.bytes_each is None else self.new * self.experience.bytes_each


def dry_run(entry: Entry, run: Run, shard: Shard | None = None) -> Forecast:
    """Look at what a run of a method would do.

    Args:
        entry: The method.
        run: As it would be run; its device need not be in this machine.
        shard: The part that would be grounded; None for all.

    Raises:
        StoreError: If the store cannot be read.
        GroundCXRError: If nothing could be run.
    """
    refuse_choice(entry.method, entry.label, run.answers)
    device = resolve_device("auto", entry.method) if check_device(run.device) == "auto" else run.device
    entry = fitted(entry, run.selection)
    questions = Questions.of(entry.method, run.selection)
    batches = make_plan(questions.selection.samples, batch_size_of(entry, run), shard)
    tasks = [task for batch in batches for task in batch]
    # Read as it is: an older store is not converted.
    store, keeps = StoredPredictions(store_of(entry, run).folder), not answers_samples(entry.method)
    known, unreadable = _look(entry, tasks, questions.selection, store if keeps else None)
    # As the worker has it: what the method reads without declaring it may have changed.
    anew = run.overwrite or bool(store.undeclared() or undeclared_files(entry.method, files_read(entry.method)))
    # A control is asked where all parts are scored, by whoever scores them.
    grounded = batches if keeps or shard is None else []
    left = [to_ask({task: {} if anew else known[task] for task in batch if task in known}) for batch in grounded]
    answered = sum(sum(answers.values()) for answers in known.values())
    failed = sum(len(answers) for answers in known.values()) - answered
    return Forecast(
        label=entry.label,
        device=device,
        images=len(tasks),
        phrases=sum(len(task.samples) for task in tasks),
        stored=answered,
        failed=failed,
        asked=sum(len(group) for groups in left for group in groups),
        new=sum(len(task.samples) for task in known) - answered,
        batches=sum(map(bool, left)),
        unreadable=unreadable,
        refused=len(questions.refused) if shard is None or shard.index == 1 else 0,
        keeps=keeps,
        experience=_experience(entry, run, store, device, only_failed=failed > 0 == answered)
        if keeps
        else Experience(),
    )


def _look(
    entry: Entry, tasks: Sequence[ImageTask], selection: Selection, store: StoredPredictions | None
) -> tuple[dict[ImageTask, dict[int, bool]], dict[Path, str]]:
    """What the store knows of each readable image's samples, and why the other images cannot be read."""
    remembered, lock = digests(), Lock()

    def look(task: ImageTask) -> dict[int, bool] | str:
        try:
            key = selection.image_key(remembered.of(task.path))
            with lock:
                found = {} if store is None else known_samples(store, key, task, selection.samples)
            if not found:
                read_header(task.path)  # what has been grounded could be read
        except ImageError as error:
            return str(error)
        return found

    with progress(f"look for what {entry.label} has answered", len(tasks)) as advance:
        looks = mapped(look, tasks, _READERS, advance)
    remembered.save()
    pairs = list(zip(tasks, looks, strict=True))
    known = {task: found for task, found in pairs if isinstance(found, dict)}
    return known, {task.path: reason for task, reason in pairs if isinstance(reason, str)}


def _experience(entry: Entry, run: Run, store: StoredPredictions, device: str, *, only_failed: bool) -> Experience:
    """What this state of the method tells; where it tells nothing, the other state that tells most."""
    known = _states(run.store, entry)
    mine = [state for state in known if state.folder == store.folder and not only_failed]
    others = [state for state in known if state.folder != store.folder]
    here = store.notes.paces() if mine else {}
    elsewhere = [StoredPredictions(state.folder).notes.paces() for state in others]
    pace = _on(here, device)
    return Experience(
        pace=pace or max(filter(None, (_on(paces, device) for paces in elsewhere)), key=_samples, default=None),
        pace_of_this=pace is not None,
        bytes_each=next(filter(None, map(_bytes_each, (*mine, *others))), None),
        devices=tuple(sorted({device for paces in (here, *elsewhere) for device in paces})),
    )


def _states(root: Path, entry: Entry) -> list[State]:
    """The method with any code, weights and options, by what the folders of the store say of themselves."""
    if not root.is_dir():
        return []
    states = map(state_of, state_folders(root))
    return [state for state in states if state.name == entry.info.name]


def _bytes_each(state: State) -> float | None:
    """What one answer takes on the disk, in the mean, with all that is noted of it; None where there are none."""
    answers = state.predictions - state.failures
    return state.size / answers if answers else None


def _on(paces: Mapping[str, Pace], device: str) -> Pace | None:
    """The pace on a device of the same kind, such as any GPU; of several, that of most samples."""
    kind = device.partition(":")[0]
    return max((pace for on, pace in paces.items() if on.partition(":")[0] == kind), key=_samples, default=None)


def _samples(pace: Pace) -> int:
    return pace.samples
