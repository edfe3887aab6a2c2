"""Drawn images on disk: whole files only, in folders of fifty images, each with an index that is written last.

What is asked of images that nobody opens, their phrases and boxes, is kept beside them; for it no image is drawn.
"""

from __future__ import annotations

import io
import json
import os
import uuid
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path
from typing import Any

from ...core import DatasetError
from ...core.cache import ENVIRONMENT, cache_folder
from ...core.json_text import parse_json
from ...core.processes import in_processes
from ...core.progress import progress
from ...core.regular import read_regular
from .parameters import Parameters
from .phrases import Statement, describe
from .scene import Scene, plan_scene

IN_FOLDER = 50
_INDEX = "index.json"
_MARKS = "marks.json"
"""The records of images that need not be there: what `_INDEX` would hold."""

_WORTH_PROCESSES = 200
"""Images from which on other processes are started: they take about a second to start, fifty images' worth."""
_PROCESSES = -1
"""How many: one for each processor."""
_RUN_LENGTH = 3
"""zlib strategy: on noisy images as small as the others, and faster."""

Record = dict[str, Any]
"""One image: {"patient": number, "samples": [{"pathology", "phrase", "side", "zone", "boxes"}]}, boxes in pixels."""


def cache_root(root: Path | None) -> Path:
    """The folder of all drawn images: the root, else one in the cache folder."""
    return cache_folder("phantom") if root is None else root


class SplitCache:
    """The drawn images of one split, at one size, of one seed.

    Attributes:
        folder: Where they are.
        split: The split's name.
    """

    def __init__(self, root: Path, p: Parameters, seed: int, size: int, split: str) -> None:
        self.folder = root / p.edition / f"seed{seed}" / f"{size}px" / split
        self.split = split
        self._parameters = p
        self._seed = seed
        self._size = size

    def image(self, index: int) -> Path:
        """The file of an image."""
        return self._chunk(index) / f"{index:06d}.png"

    def mask(self, index: int, sample: int) -> Path:
        """The file of a sample's mask."""
        return self._chunk(index) / f"{index:06d}-{sample}.png"

    def records(self, images: int, *, files: bool = True) -> list[Record]:
        """The first images of the split, drawn if they are not there.

        Args:
            images: How many.
            files: Whether the files of images and masks will be read; without them nothing is drawn.

        Raises:
            DatasetError: If the folder cannot be written, or memory runs out.
        """
        known = self._known if files else self._told
        records = [record for start in range(0, images, IN_FOLDER) for record in known(start, images)]
        missing = [index for index, record in enumerate(records) if record is None]
        if not missing:
            return records  # pyright: ignore[reportReturnType]
        what = f"drawing phantom images ({self.split})" if files else f"placing phantom findings ({self.split})"
        try:
            with (
                progress(what, len(missing)) as advance,
                closing(self._made(self._draw if files else self._place, missing)) as made,
            ):
                for start in range(0, images, IN_FOLDER):
                    here = [index for index in missing if start <= index < start + IN_FOLDER]
                    for index in here:
                        records[index] = next(made)
                        advance()
                    if here:
                        name = _INDEX if files else _MARKS
                        self._write_index(start, name, records[start : start + IN_FOLDER])
        except BrokenProcessPool as error:
            raise DatasetError(
                "a process that drew phantom images was ended, probably for lack of memory; what is drawn is kept: run "
                "the same command again with more free memory, or smaller images (option size)"
            ) from error
        except OSError as error:
            raise DatasetError(
                f"cannot write the phantom's images to {self.folder}: {error.strerror or error}; free space, or name "
                f"another folder with --root or the environment variable {ENVIRONMENT}"
            ) from error
        return records  # pyright: ignore[reportReturnType]

    def holds(self, images: int) -> bool:
        """Whether the first images of the split are all drawn."""
        return all(None not in self._known(start, images) for start in range(0, images, IN_FOLDER))

    def _chunk(self, index: int) -> Path:
        return self.folder / f"{index // IN_FOLDER:04d}"

    def _known(self, start: int, images: int) -> list[Record | None]:
        """The records of a folder's images; None for those that are not in its index or whose files are gone."""
        count = min(IN_FOLDER, images - start)
        records: list[Record | None] = [None] * count
        known = read_index(self._chunk(start))
        if known:
            files = _whole_files(self._chunk(start))
            for offset, record in enumerate(known[:count]):
                names = {self.mask(start + offset, k).name for k in range(len(record["samples"]))}
                if files >= {self.image(start + offset).name, *names}:
                    records[offset] = record
        return records

    def _told(self, start: int, images: int) -> list[Record | None]:
        """The records of a folder's images, whether their files are there or not."""
        count = min(IN_FOLDER, images - start)
        folder = self._chunk(start)
        known = max(read_index(folder) or [], read_index(folder, _MARKS) or [], key=len)
        return [*known[:count], *([None] * (count - len(known)))]

    def _write_index(self, start: int, name: str, records: Iterable[Record | None]) -> None:
        listed = list(records)
        # Another process may have drawn more of this folder meanwhile; what both drew is the same.
        more = (read_index(self._chunk(start), name) or [])[len(listed) :]
        text = json.dumps([*listed, *more], separators=(",", ":"))
        _write(self._chunk(start) / name, text.encode())

    def _made(self, make: Callable[[int], Record], indices: Sequence[int]) -> Generator[Record, None, None]:
        """The records of images made now, in order; of many images, on all processors."""
        if len(indices) < _WORTH_PROCESSES:
            yield from map(make, indices)
            return
        # Drawing holds the interpreter's lock most of the time, so threads gain nothing.
        yield from in_processes(make, indices, _PROCESSES)

    def _draw(self, index: int) -> Record:
        import numpy as np

        from .render import render
        from .shapes import tight_box

        scene = plan_scene(self._parameters, self._seed, self.split, index)
        pixels, regions = render(scene, self._size, self._parameters)
        statements = self._statements(scene)
        for number, statement in enumerate(statements):
            _write(self.mask(index, number), _png(np.logical_or.reduce([regions[k] for k in statement.regions])))
        _write(self.image(index), _png(pixels))
        return _record(scene, statements, [tight_box(region) for region in regions])

    def _place(self, index: int) -> Record:
        """What `_draw` answers, without an image."""
        from .render import region_boxes

        scene = plan_scene(self._parameters, self._seed, self.split, index)
        return _record(scene, self._statements(scene), region_boxes(scene, self._size, self._parameters))

    def _statements(self, scene: Scene) -> list[Statement]:
        return describe(scene, self._parameters, held_out=self.split == "test")


def _record(scene: Scene, statements: Sequence[Statement], boxes: Sequence[list[int]]) -> Record:
    samples = [
        {
            "pathology": statement.pathology,
            "phrase": statement.phrase,
            "side": statement.side,
            "zone": statement.zone,
            "boxes": [boxes[k] for k in statement.regions],
        }
        for statement in statements
    ]
    return {"patient": scene.patient, "samples": samples}


def read_index(folder: Path, name: str = _INDEX) -> list[Record] | None:
    """The records of a folder of images; None where there is no whole index."""
    try:
        return parse_json(read_regular(folder / name))
    except (OSError, ValueError):
        return None


def indexed_folders(root: Path, p: Parameters) -> list[Path]:
    """Every folder of images below a root that the present generator has drawn."""
    return sorted(path.parent for path in (root / p.edition).glob(f"seed*/*px/*/*/{_INDEX}"))


def _whole_files(folder: Path) -> set[str]:
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if entry.stat().st_size}


def _png(pixels: Any) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=1, compress_type=_RUN_LENGTH)
    return buffer.getvalue()


def _write(path: Path, content: bytes) -> None:
    # Renamed when whole. Unlike results, a drawn image needs no fsync: what a power cut takes is drawn again.
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
