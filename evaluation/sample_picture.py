"""One sample of a result as a figure: the image with what is true, and with what the method answered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..core import GroundCXRError, Radiograph, Sample
from ..datasets import load_dataset
from .picture import draw_answer, draw_film, draw_truth, open_figure
from .plan import USERS_OWN, Selection, select_as
from .prediction import Prediction
from .schema import ResultFile

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def selection_of(info: ResultFile, root: Path | None) -> Selection:
    """A result's samples, from the user's own copy of its data.

    Args:
        info: The result.
        root: Where the data are; None for what `groundcxr config` shows, and for a data set that is drawn.

    Raises:
        GroundCXRError: If they cannot be loaded, or are others than those that the result is of.
    """
    data = info.dataset
    options = {name: value for name, value in data.options.items() if name not in USERS_OWN}
    dataset = load_dataset(data.name, root, data.split, **options)
    selection = select_as(dataset, data, info.pathologies, info.condition)
    if selection is None:
        raise GroundCXRError(
            f"the data at hand (version {dataset.version}) are not those of the result of {info.method.shown} on "
            f"{data.name} {data.version} (fingerprint {data.fingerprint[:12]}); give the folder of those with root="
        )
    return selection


def sample_of(selection: Selection, sample_id: str) -> Sample:
    """The sample of an id.

    Raises:
        GroundCXRError: If there is none.
    """
    for sample in selection.samples:
        if sample.sample_id == sample_id:
            return sample
    raise GroundCXRError(f"the result has no sample {sample_id!r}; the column sample_id of its samples has the ids")


def draw_sample(selection: Selection, sample: Sample, answer: Prediction, label: str) -> Figure:
    """The image with its true boxes or mask, and beside it with the method's map and boxes.

    Args:
        selection: The run's samples.
        sample: One of them.
        answer: What the method answered.
        label: The method's name.

    Raises:
        ImageError: If the image cannot be read.
    """
    radiograph = Radiograph.open(sample.image_path)
    if selection.condition is not None:
        radiograph = selection.condition.image(radiograph)
    figure, axes = open_figure(radiograph.size, 2)
    film = draw_film(radiograph, axes)
    draw_truth(axes[0], sample, film)
    draw_answer(figure, axes[1], answer, film)
    axes[0].set_title("truth" if not sample.negative else "truth: nothing to mark", fontsize=9)
    axes[1].set_title(label, fontsize=9, parse_math=False)
    figure.suptitle(f"{sample.pathology}: {sample.phrase}", fontsize=10, wrap=True, parse_math=False)
    return figure
