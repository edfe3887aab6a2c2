"""The rows of VinDr-CXR's files: PhysioNet's annotations and labels of whole images, and Kaggle's one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...core import Box, DatasetError, ImageSize
from ...core.doubts import Tally
from ...core.names import listed
from ..annotations import frame_size, number
from ..tables import read_columns, read_table

NO_BOX = "rows of a finding have no box and are left out"

_NO_FINDING = "no finding"
_SIDES = ("x_min", "y_min", "x_max", "y_max")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A box that a reader drew.

    Attributes:
        image: The image's id.
        reader: The reader's id; None for a consensus.
        finding: The class.
        box: In the pixels of `frame`.
        frame: (width, height) of the image that it was drawn on; None where no file says it.
        split: "train" or "test".
        where: Its place in the files.
    """

    image: str
    reader: str | None
    finding: str
    box: Box
    frame: ImageSize | None
    split: str
    where: str


@dataclass
class Content:
    """What the files hold.

    Attributes:
        drawn: The boxes, in file order.
        images: The split of every image, by its id.
        readers: Who has read an image, by its id; nobody where there is a consensus.
        labelled: The findings that a label of the whole image says are there, by anybody, by its id.
        denied: The findings that all labels of the whole image say are not there.
        with_finding: Images that some row has a finding for.
        counts: How many of what there are.
        tally: What is odd about the rows.
    """

    drawn: list[Drawn] = field(default_factory=list)
    images: dict[str, str] = field(default_factory=dict)
    readers: dict[str, set[str]] = field(default_factory=dict)
    labelled: dict[str, frozenset[str]] = field(default_factory=dict)
    denied: dict[str, frozenset[str]] = field(default_factory=dict)
    with_finding: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    def read(self, path: Path, split: str, sizes: Mapping[str, ImageSize], step: str) -> None:
        """Read a table of boxes.

        Args:
            path: With or without the readers' ids, and the images' sizes.
            split: Which part of the data it is.
            sizes: (width, height) of the images that boxes were drawn on, for rows that do not say it.
            step: How the data set is got, for messages.

        Raises:
            DatasetError: If it is no such table.
        """
        required = ("image_id", "class_name", *_SIDES)
        n_rows = n_boxes = 0
        images: set[str] = set()
        for index, cells in read_table(path, required, ("rad_id", "width", "height"), step=step):
            image, finding = cells["image_id"].strip(), cells["class_name"].strip()
            if not image or not finding:
                empty = "image_id" if not image else "class_name"
                raise DatasetError(f"{path}, row {index}: {empty} is empty; get {path.name} again")
            n_rows += 1
            images.add(image)
            if self.images.setdefault(image, split) != split:
                raise DatasetError(
                    f"{path}, row {index}: the image {image} is in both train and test; get the files again"
                )
            reader = cells.get("rad_id", "").strip() or None
            if reader is not None:
                self.readers.setdefault(image, set()).add(reader)
            if finding.lower() == _NO_FINDING:
                continue
            self.with_finding.add(image)
            where = f"{path.name}, row {index}"
            if not any(cells[side].strip() for side in _SIDES):
                self.tally.add(NO_BOX, where)
                continue
            place = f"{path}, row {index}"
            box = Box(*[number(cells[side], side, place) for side in _SIDES])
            frame = sizes.get(image) or _frame(cells, place)
            self.drawn.append(Drawn(image, reader, finding, box, frame, split, where))
            n_boxes += 1
        self.counts |= {
            f"rows of {split}": n_rows,
            f"boxes of {split}": n_boxes,
            f"images of {split}": len(images),
        }

    def read_labels(self, path: Path, findings: Sequence[str]) -> None:
        """Read the labels of whole images, a row for each image and reader.

        Args:
            path: The table.
            findings: The columns to read; others are passed over.

        Raises:
            DatasetError: If it is no such table.
        """
        names, rows = read_columns(path, ("image_id", "rad_id", *findings))
        by_name = {finding.lower(): finding for finding in findings}
        columns = [(index, by_name[name]) for index, name in enumerate(names) if name in by_name]
        if "image_id" not in names or not columns:
            raise DatasetError(f"{path} lacks the columns image_id and those of findings; found {listed(names)}")
        place = names.index("image_id")
        read: dict[tuple[str, ...], tuple[frozenset[str], frozenset[str]]] = {}  # most of the 45,000 rows are alike
        for _, cells in rows:
            image, values = cells[place].strip(), tuple(cells[index] for index, _ in columns)
            if values not in read:
                found = {finding: value.strip() for (_, finding), value in zip(columns, values, strict=True)}
                read[values] = (
                    frozenset(finding for finding, value in found.items() if value in ("1", "1.0")),
                    frozenset(finding for finding, value in found.items() if value in ("0", "0.0")),
                )
            present, absent = read[values]
            self.labelled[image] = self.labelled.get(image, frozenset()) | present
            self.denied[image] = self.denied.get(image, absent) & absent

    def absent(self, findings: Sequence[str], drawn_here: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The findings that are known not to be in each image: no label and no row has them.

        Labels of whole images name every finding; without them, the row "No finding" alone says so, of those that it
        could have stood beside.

        Args:
            findings: Those that samples may be of.
            drawn_here: Those of them that this form of the release has boxes of.
        """
        drawn: dict[str, set[str]] = {}
        for one in self.drawn:
            drawn.setdefault(one.image, set()).add(one.finding)
        known: dict[str, tuple[str, ...]] = {}
        for image in self.images:
            if image in self.denied:
                there = drawn.get(image, set())
                names = [*findings, *sorted(self.denied[image].difference(findings))]
                known[image] = tuple(name for name in names if name in self.denied[image] and name not in there)
            elif image not in self.with_finding:
                known[image] = tuple(drawn_here)
        return known


def read_sizes(path: Path) -> dict[str, ImageSize]:
    """(width, height) of the images that boxes were drawn on, by id: `image_id,dim0,dim1`, dim0 being the height.

    Raises:
        DatasetError: If the table is none of these.
    """
    sizes: dict[str, ImageSize] = {}
    for index, cells in read_table(path, ("image_id", "dim0", "dim1")):
        place = f"{path}, row {index}"
        height, width = number(cells["dim0"], "dim0", place), number(cells["dim1"], "dim1", place)
        sizes[cells["image_id"].strip()] = frame_size(width, height, place)
    return sizes


def _frame(cells: Mapping[str, str], place: str) -> ImageSize | None:
    width, height = cells.get("width", "").strip(), cells.get("height", "").strip()
    if not width or not height:
        return None
    return frame_size(number(width, "width", place), number(height, "height", place), place)
