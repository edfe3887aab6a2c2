"""What a run still has to ask: which of an image's samples the store knows, and what of a batch is asked then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core import Sample
from .plan import ImageTask
from .prediction import query_key
from .store import StoredPredictions


def known_samples(
    store: StoredPredictions, image_sha256: str, task: ImageTask, samples: Sequence[Sample]
) -> dict[int, bool]:
    """Which of an image's samples the store knows, by index, and whether it has an answer and not a failure.

    Args:
        store: The method's answers.
        image_sha256: Of the image's file.
        task: The image.
        samples: All samples of the run.

    Raises:
        StoreError: If the store cannot be read.
    """
    known = store.known(image_sha256)
    keys = {index: query_key(image_sha256, samples[index].phrase, samples[index].pathology) for index in task.samples}
    return {index: known[key] for index, key in keys.items() if key in known}


def to_ask(known: Mapping[ImageTask, Mapping[int, bool]]) -> list[list[tuple[ImageTask, int]]]:
    """What of a batch is asked, in groups that are asked together: images and indices of samples.

    Where anything lacks, it is all of it. Where everything has been answered before, what failed then is asked again,
    alone as it was.

    Args:
        known: Of each image of the batch that can be read, what `known_samples` says.
    """
    if any(len(found) < len(task.samples) for task, found in known.items()):
        return [[(task, index) for task in known for index in task.samples]]
    return [[(task, index)] for task, found in known.items() for index, answered in found.items() if not answered]
