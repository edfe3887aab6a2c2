"""What `groundcxr doctor` finds in the phantom's cache."""

from __future__ import annotations

from pathlib import Path

from ..base import Finding
from .cache import IN_FOLDER, indexed_folders, read_index
from .parameters import Parameters


def damaged_images(root: Path, p: Parameters) -> list[Finding]:
    """Files that are gone or cannot be read, one finding for each folder of images."""
    folders = indexed_folders(root, p)
    if not folders:
        step = "nothing to do: they are drawn when they are first needed, the test split in a few seconds"
        return [Finding("warning", f"no phantom image is kept in {root} yet", step)]
    return [finding for folder in folders if (finding := _damage(folder)) is not None]


def _damage(folder: Path) -> Finding | None:
    step = f"delete the folder {folder}; it is drawn again"
    records = read_index(folder)
    if records is None:
        return Finding("warning", f"the index of {folder} cannot be read; its images will be drawn again", step)
    first = int(folder.name) * IN_FOLDER
    bad: list[str] = []
    for offset, record in enumerate(records):
        stem = f"{first + offset:06d}"
        names = [f"{stem}.png", *(f"{stem}-{k}.png" for k in range(len(record["samples"])))]
        bad.extend(name for name in names if not _readable(folder / name))
    if not bad:
        return None
    others = f" and {len(bad) - 1} other files of the folder" if len(bad) > 1 else ""
    return Finding("error", f"{folder / bad[0]}{others}: missing or damaged", step)


def _readable(path: Path) -> bool:
    from PIL import Image

    try:
        with Image.open(path) as image:
            image.load()
    except (OSError, SyntaxError, ValueError):
        return False
    return True
