"""The built-in data set."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Self

from ...core import Box, DatasetError, Mask, Sample
from ...core.cache import ENVIRONMENT
from ...core.fingerprint import digest, generator_from
from ..base import Absence, Finding, GroundingDataset
from ..ids import opaque_id
from ..registry import DATASETS
from .cache import SplitCache, cache_root, indexed_folders
from .check import damaged_images
from .parameters import DEFAULT, PATHOLOGIES, VERSION, Parameters
from .phrases import name_alone
from .request import SIZE, Request

_EDITION = re.compile(r"\d+\.\d+-[0-9a-f]+")
_MEANT = ": did you mean --dataset ms-cxr or --dataset manifest?"


@DATASETS.register("phantom")
class Phantom(GroundingDataset):
    """Procedurally drawn chest radiographs: no download, no licence, any number of images.

    Eight findings, one to three in an image, with phrases as in reports, masks, and a box around each connected region.
    The same seed, split and number give the same image everywhere. About one in five patients has two images; no
    patient is in two splits. In the test split a share of the phrases uses wordings that the other splits never use.

    Images are drawn when they are first needed and kept in a folder: `root`, or else ``phantom`` in the folder that the
    environment variable GROUNDCXR_CACHE names, or else the user's cache folder.

    It is a demonstration and a regression test: it ranks code paths, not clinical ability.
    """

    name = "phantom"
    licence = "CC0-1.0 (synthetic)"
    default_split = "test"
    credentialed = False

    @classmethod
    def load(  # pyright: ignore[reportIncompatibleMethodOverride]  # `load_dataset` explains other options
        cls,
        root: Path | None,
        split: str,
        *,
        seed: int = 0,
        size: int = SIZE,
        images: int | None = None,
    ) -> Self:
        """Draw or read a split.

        Args:
            root: Folder in which drawn images are kept; None for the cache folder.
            split: "train" (4,000 images), "val" (400), "test" (400), or "all".
            seed: Another seed is another data set of the same kind.
            size: Width and height of the images in pixels, 64 to 4096; the scenes do not depend on it.
            images: Number of images of each split; the first ones are the same whatever the number.

        Raises:
            DatasetError: If an option is impossible, or the folder cannot be written or holds anything but phantoms.
            UnknownNameError: For another split.
        """
        request = Request.of(split, seed=seed, size=size, images=images)
        seed, size = request.seed, request.size
        folder = cache_root(root)
        if unfit := _unfit(folder, given=root is not None):
            raise DatasetError(unfit)
        samples: list[Sample] = []
        for name in request.splits:
            samples.extend(_samples(DEFAULT, folder, seed, size, name, request.images_of(name)))
        training = partial(_samples, DEFAULT, folder, seed, size, "train", request.images_of("train"))
        apart = split not in ("train", "all")
        return cls(
            samples,
            version=VERSION,
            split=split,
            pathologies=PATHOLOGIES,
            salt="",
            options={"seed": seed, "size": size, "images": request.images},
            training=training if apart else None,
            marks=partial(training, files=False) if apart else None,
            absent=_absences(samples),
        )

    def phrase_of_absent(self, image_id: str, pathology: str) -> str:
        """The finding alone, in words that every split uses."""
        return name_alone(pathology, generator_from("phantom", VERSION, "negative", image_id, pathology))

    @classmethod
    def check(cls, root: Path | None) -> list[Finding]:
        """Damaged or missing drawn images below the root, or a root that cannot be written."""
        folder = cache_root(root)
        if unfit := _unfit(folder, given=root is not None):
            return [Finding("error", unfit, "name another folder for the drawn images, or the data set")]
        parent = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not os.access(parent, os.W_OK) and not indexed_folders(folder, DEFAULT):
            step = f"name another folder with --root or the environment variable {ENVIRONMENT}"
            return [Finding("error", f"{parent} cannot be written, so no image can be drawn there", step)]
        return damaged_images(folder, DEFAULT)


def _unfit(folder: Path, *, given: bool) -> str | None:
    """Why images must not be drawn in a folder; whoever forgets --dataset gives the folder of other data."""
    if not folder.exists():
        return None
    if not folder.is_dir():
        return f"{folder} is a file; the phantom's root is the folder that keeps its drawn images{_MEANT}"
    try:
        names = [entry.name for entry in folder.iterdir()] if given else []
    except OSError:  # that it cannot be written is said with the reason when the first image is drawn
        return None
    if names and not any(_EDITION.fullmatch(name) for name in names):
        return f"{folder} holds other files; the phantom's root is the folder that keeps its drawn images{_MEANT}"
    return None


def _samples(
    p: Parameters, folder: Path, seed: int, size: int, split: str, images: int, *, files: bool = True
) -> list[Sample]:
    cache = SplitCache(folder, p, seed, size, split)
    samples: list[Sample] = []
    for index, record in enumerate(cache.records(images, files=files)):
        image_path = cache.image(index)
        image_id = f"{seed}-{split}-{index:06d}"
        for number, statement in enumerate(record["samples"]):
            key = digest("phantom", p.edition, seed, split, index, number, size)
            samples.append(
                Sample(
                    sample_id=opaque_id("", "phantom", VERSION, seed, split, index, number),
                    image_id=image_id,
                    patient_id=f"{seed}-{split}-patient-{record['patient']:06d}",
                    image_path=image_path,
                    phrase=statement["phrase"],
                    pathology=statement["pathology"],
                    boxes=tuple(Box(*box) for box in statement["boxes"]),
                    mask=Mask.file(cache.mask(index, number), key),
                    image_size=(size, size),
                    side=statement["side"],
                    zone=statement["zone"],
                )
            )
    return samples


def _absences(samples: Iterable[Sample]) -> list[Absence]:
    """Of each image the findings that were not drawn: all that were have a phrase."""
    shown: dict[str, list[Sample]] = {}
    for sample in samples:
        shown.setdefault(sample.image_id, []).append(sample)
    return [
        Absence(
            image_id,
            mine[0].patient_id,
            mine[0].image_path,
            tuple(name for name in PATHOLOGIES if all(sample.pathology != name for sample in mine)),
        )
        for image_id, mine in shown.items()
    ]
