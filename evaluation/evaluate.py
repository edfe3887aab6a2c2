"""`groundcxr.evaluate`: one method on one data set under one protocol, in one call."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..core import DEFAULT_PROTOCOL, GroundCXRError
from ..core.alterations import Alteration
from ..core.config import STORE, STORE_FOLDER, configured_path, results_folder
from ..core.paths import user_path
from ..core.sizes import counted
from ..datasets import GroundingDataset, load_dataset
from ..methods import GroundingMethod
from ..methods.isolated.method import check_timeout
from ..methods.isolated.place import placed
from ..methods.revision import not_known
from ..metrics import Protocol, get_protocol
from .box_choice import make_choice
from .entry import fitting_protocols, make_entry, title_of
from .plan import select
from .provenance import configured_device
from .reasons import Reasons
from .result import Result
from .run import run_entry
from .run_settings import Run


def evaluate(
    method: str | type[GroundingMethod] | GroundingMethod,
    dataset: str | GroundingDataset = "phantom",
    protocol: str | Protocol = DEFAULT_PROTOCOL,
    *,
    root: str | Path | None = None,
    split: str | None = None,
    settings: Mapping[str, Any] | None = None,
    pathology: str | None = None,
    limit: int | None = None,
    device: str | None = None,
    batch_size: int | None = None,
    python: str | Path | None = None,
    timeout: float | None = None,
    min_score: float | None = None,
    top: int | None = None,
    out: str | Path | None = None,
    store: str | Path | None = None,
    overwrite: bool = False,
    stop_after_failures: int | None = None,
    jobs: int | None = None,
    condition: str | None = None,
    label: str = "",
    dataset_label: str = "",
) -> Result:
    """Measure a method on a data set under a protocol.

    Predictions that are in the store are not computed again, but those of a method that was seen to read files which
    neither `weights` nor an option names. A class of a notebook's cell is known by its code and by what that uses;
    where that is something that has no content to be known by, such as an open connection, nothing of it is stored.
    Warns of failed samples, and where the answers look wrong.

    Args:
        method: A name, a file (``./my_method.py`` or ``./my_method.py:Class``), a class, or an instance.
        dataset: A name, or a loaded data set.
        protocol: A name, or a protocol.
        root: Folder or file of the data, where the data set is given by name; None for what `groundcxr config` shows,
            as of `device`, `out` and `store`.
        split: None for the data set's own default.
        settings: Options of the method by name; not for an instance, which has its options.
        pathology: Only samples of this class; the result is then marked incomplete.
        limit: Only this many samples; the result is then marked incomplete.
        device: "auto", "cpu", "cuda" or "cuda:N"; "auto" by default.
        batch_size: Images in a batch; None for the method's own.
        python: The Python of another environment that the method, given by name or as a file, runs in.
        timeout: Seconds that an answer about one image may take, of a method in another environment; 600 by default.
        min_score: Of a method's boxes only those of at least this score count; the store keeps all.
        top: Then only the best so many of each sample.
        out: Folder of the results; "results" by default.
        store: Folder of the predictions; OUT/store by default.
        overwrite: Make predictions again that are in the store.
        stop_after_failures: End the method after so many failed samples; what it made by then stays in the store.
        jobs: How many processes score; None for one for each processor where that is faster. The result is the same.
        condition: NAME or NAME:LEVEL, by which images or phrases become others, such as "noise:0.1" (see
            docs/conditions.md); None for the data as they are.
        label: What tables and figures call the method, such as "MedRPG (ours)"; no result is another for it.
        dataset_label: What tables call the data set, in the place of its name; no result is another for it.

    Returns:
        The result, saved below `out`.

    Raises:
        StoppedError: If as many samples have failed as may.
        GroundCXRError: If nothing can be run, in one sentence that says why.
    """
    answers = make_choice(min_score, top)
    data = load_dataset(dataset, root, split) if isinstance(dataset, str) else dataset
    altered = None if condition is None else Alteration.condition(condition)
    selection = select(data, pathology=pathology, limit=limit).under(altered)
    if python is not None and not isinstance(method, str):
        raise GroundCXRError("a class or an instance is in this Python already; give its file to run it in another")
    with placed(python, timeout):
        entry = make_entry(method, settings=settings)
    if label:
        if not (title := title_of(label)):
            raise GroundCXRError(f"label={label!r} does not fit: give a text in UTF-8 that is not blank")
        entry = replace(entry, title=title)
    check_timeout(timeout, [entry.method])
    chosen = get_protocol(protocol) if isinstance(protocol, str) else protocol
    place = user_path(out) if out else results_folder()
    folder = _store_for_this_call(entry.method)
    folder = folder or (user_path(store) if store else configured_path(STORE) or place / STORE_FOLDER)
    run = Run(
        selection,
        folder,
        place,
        device or configured_device(),
        batch_size,
        answers,
        overwrite=overwrite,
        stop_after_failures=stop_after_failures,
        jobs=jobs,
        dataset_label=dataset_label,
    )
    (result,) = run_entry(entry, fitting_protocols(entry, [chosen]), run)
    for warning in told_of(result):
        warnings.warn(warning, stacklevel=2)
    return result


def told_of(result: Result) -> Iterator[str]:
    """What to be warned of before a result's numbers are read: failed samples, and doubts about the answers."""
    label = result.info.method.shown
    if result.problems:
        reasons = Reasons()
        for sample_id, message in result.problems.items():
            reasons.add(sample_id, message)
        first = reasons.commonest()[0]
        yield (
            f"{label} failed on {len(result.problems)} of {counted(result.info.dataset.n_samples, 'sample')}; the "
            f"commonest reason, {counted(first.count, 'time')}: {first.message}; result.problems has them all"
        )
    for doubt in result.doubts:
        yield f"{label}: {doubt}"


def _store_for_this_call(method: GroundingMethod) -> Path | None:
    """A store that ends with the process, where nothing would tell a method's predictions from later ones."""
    unknown = not_known(method)
    if unknown is None:
        return None
    warnings.warn(
        f"the predictions of {type(method).__name__} are not stored, since nothing tells them from those of another "
        f"state of it: it uses {unknown}; name what that is made of in an option or in `weights`, or state a "
        "`revision` that changes with it",
        stacklevel=3,
    )
    folder = Path(tempfile.mkdtemp(prefix="groundcxr-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
