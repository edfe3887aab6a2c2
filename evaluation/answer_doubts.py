"""What looks wrong in a method's answers though they score: boxes and maps in another frame, phrases that were cut.

Asked of the stored predictions each time they are scored, so that a later scoring says it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..core import Grounding, Heatmap, ImageSize
from ..core.doubts import TRANSPOSED, Doubt, Placed, Tally, frame_doubts, is_transposed

if TYPE_CHECKING:
    from .answers import Answer
    from .schema import GroundedWith

TRUNCATED = "phrases are longer than the method's text encoder reads, so that their ends have no say in the answers"
EMPTY = "boxes cover no pixel of their image; x0, y0, x1, y1 in pixels of the original image are wanted"
UNDECLARED = (
    "the method reads files that no option or `weights` names, so a change of them would not be noticed: name them in "
    "`weights` or in an option of type Path; until then its predictions are made again in every run"
)
SEVERAL_MODELS = (
    "samples were answered by a server that called itself by several models' names: the averages are over all of them; "
    "have it serve one, and run again with --overwrite"
)
SERVED = "served model"
"""What a method that asks a server tells of the model, as the beginning of a key of its provenance."""

_SHOWN = 60


class AnswerDoubts:
    """Collects what looks wrong in answers, one after another."""

    def __init__(self, *, frames: bool = True) -> None:
        """Nothing is seen yet.

        Args:
            frames: Whether boxes are held against their images; those of an import were, as they were written.
        """
        self._frames = frames
        self._tally = Tally()
        self._boxes: list[Placed] = []
        self._turned = Tally()
        self._certain = False
        self._upright = False

    def add(self, answer: Grounding, image_size: ImageSize, where: str, phrase: str = "") -> None:
        """Look at one answer.

        Args:
            answer: The answer.
            image_size: (width, height) of its image.
            where: Its place, for messages: "sample 3".
            phrase: What was asked.
        """
        if answer.truncated:
            shown = phrase if len(phrase) <= _SHOWN else f"{phrase[:_SHOWN]}..."
            self._tally.add(TRUNCATED, f"{where}: {shown!r}")
        if answer.heatmap is not None:
            self._add_map(answer.heatmap, where)
        for box in answer.boxes if self._frames else ():
            placed = Placed(box, image_size, where)
            (x0, x1), (y0, y1) = box.columns(image_size[0]), box.rows(image_size[1])
            if (x0 == x1 or y0 == y1) and not frame_doubts([placed], "corners"):
                self._tally.add(EMPTY, f"{where}: {box.as_tuple()} in {image_size[0]}x{image_size[1]}")
            else:
                self._boxes.append(placed)

    def passing(self, answers: Iterable[Answer]) -> Iterator[Answer]:
        """The answers of a run, each looked at as it passes."""
        for answer in answers:
            if isinstance(answer.prediction, Grounding):
                sample = answer.sample
                self.add(answer.prediction, sample.image_size, f"sample {sample.sample_id}", sample.phrase)
            yield answer

    def join(self, other: AnswerDoubts) -> None:
        """Count what another has seen of the answers that come next."""
        self._tally.join(other._tally)
        self._boxes += other._boxes
        self._turned.join(other._turned)
        self._certain = self._certain or other._certain
        self._upright = self._upright or other._upright

    def doubts(self) -> list[Doubt]:
        """What looks wrong: each kind with its count and first example."""
        # Some grids have another shape than their image by chance; a method that turns its maps turns them all.
        turned = self._turned.doubts() if self._certain or not self._upright else []
        return [*frame_doubts(self._boxes, "corners"), *turned, *self._tally.doubts()]

    def _add_map(self, heatmap: Heatmap, where: str) -> None:
        rows, columns = heatmap.values.shape
        x0, y0, x1, y1 = (int(edge) for edge in heatmap.extent.as_tuple())
        width, height = x1 - x0, y1 - y0
        if rows == columns or width == height:
            return
        certain = is_transposed((rows, columns), (width, height))
        if not certain and _has_square_cells((rows, columns), (width, height)):
            self._upright = True
        elif certain or _has_square_cells((columns, rows), (width, height)):
            self._turned.add(TRANSPOSED, f"{where}: a map [{rows}, {columns}] of {width}x{height} pixels")
            self._certain = self._certain or certain
        else:
            self._upright = True


def _has_square_cells(shape: tuple[int, int], size: ImageSize) -> bool:
    """Whether a grid `shape` (rows, columns) on `size` (width, height) has square cells, as far as it can."""
    (rows, columns), (width, height) = shape, size
    return rows == round(columns * height / width) or columns == round(rows * width / height)


def undeclared_doubt(files: Sequence[str]) -> list[Doubt]:
    """The doubt about files that a method read without declaring them; none where there are none."""
    return [Doubt(UNDECLARED, len(files), files[0])] if files else []


def served_doubt(ways: Iterable[GroundedWith]) -> list[Doubt]:
    """The doubt about answers of one method by several models behind its server; none where there was one.

    Args:
        ways: Where and with what the answers were made.
    """
    models: dict[str, set[str]] = {}
    samples: dict[str, int] = {}
    for way in ways:
        for key, names in way.packages.items():
            if key.startswith(SERVED):
                models.setdefault(key, set()).update(names.split(", "))
                samples[key] = samples.get(key, 0) + way.n_samples
    return [
        Doubt(SEVERAL_MODELS, samples[key], ", ".join(sorted(found))) for key, found in models.items() if len(found) > 1
    ]
