"""What data sets of one release have in common: rows of one annotation file, images found by their ids, one task."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from ..core import DatasetError, ImageError, Sample, unknown_name
from ..core.doubts import Tally
from .annotations import Annotation, by_image
from .base import Absence, Finding, GroundingDataset
from .checks import check_files
from .ids import release_key
from .image_search import FoundImages, Wanted, search_images
from .phrases import DEFAULT, PhraseTemplate
from .published import like, otherwise_counted
from .release import Release
from .release_files import Looked, find_files
from .samples import apart_from, build_samples, none_readable


class ReleasedDataset(GroundingDataset):
    """A data set of regions, as it was released; phrases are made from the classes, unless it has its own.

    A subclass reads its files (`read`) and says what its options are (`load`, `check`), if it has any but `phrases`.

    Attributes:
        title: The name in messages.
        classes: The classes, in the order in which tables show them, as the release spells them; none where the release
            has no list of them.
        splits: The release's own.
        split_files: By split, the file that says what is in it, where it is not the annotations' own.
        training_split: The one that controls are fitted on, where there is one.
        suffixes: Of image files, those of the release first.
        avoided: A word in the path of copies that are used only where there are no others.
        named: What image files are named by, for messages.
        get: How the data set is got, for messages.
    """

    title: ClassVar[str]
    classes: ClassVar[tuple[str, ...]] = ()
    splits: ClassVar[tuple[str, ...]] = ()
    split_files: ClassVar[Mapping[str, str]] = {}
    training_split: ClassVar[str | None] = None
    suffixes: ClassVar[tuple[str, ...]] = (".png", ".jpg", ".jpeg", ".dcm", ".dicom")
    avoided: ClassVar[str] = ""
    named: ClassVar[str] = "image id"
    get: ClassVar[str]

    @classmethod
    @abstractmethod
    def read(cls, root: Path | None, template: PhraseTemplate, **options: Any) -> Release:
        """The annotations, without looking for images.

        Args:
            root: The folder that the user gave.
            template: How phrases are made of classes.
            **options: The data set's own options.

        Raises:
            DatasetError: If files are missing or not in the released format.
        """

    @classmethod
    def find(
        cls, root: Path | None, patterns: Mapping[str, str], needed: Collection[str], called: str
    ) -> tuple[Path, dict[str, Path]]:
        """The root and the release's files below it; see `find_files`."""
        return find_files(root, Looked(cls.name, cls.title, cls.get, patterns, needed, called))

    @classmethod
    def inspect(cls, annotations: Sequence[Annotation], samples: Sequence[Sample]) -> list[str]:
        """What the user should know once the sizes of the images are known, a sentence each.

        Raises:
            DatasetError: If the images are not those that were annotated.
        """
        return []

    @classmethod
    def key(cls, row: Annotation) -> tuple[str, ...]:
        """What makes rows of one image one sample."""
        return row.phrase, row.pathology

    @classmethod
    def load(  # pyright: ignore[reportIncompatibleMethodOverride]  # `load_dataset` explains other options
        cls, root: Path | None, split: str, *, phrases: str = DEFAULT
    ) -> Self:
        """Read the data set.

        Args:
            root: A folder that holds the annotation files, itself or up to six folders deeper, and the images, in any
                folders below it and of any size.
            split: "all" or one of the release's splits.
            phrases: How to make phrases of the classes: "class", or a text in which ``{class}`` is filled in.

        Raises:
            DatasetError: If annotations or all images are missing, or a file is not in the released format.
            UnknownNameError: For another split.
        """
        return cls._load(root, split, phrases)

    @classmethod
    def check(cls, root: Path | None, *, phrases: str = DEFAULT) -> list[Finding]:
        """Everything that is missing or wrong below `root`; decodes every image with an annotation."""
        return cls._check(root, phrases)

    @classmethod
    def _load(cls, root: Path | None, split: str, phrases: str | None, **options: Any) -> Self:
        if split != "all" and split not in cls.splits:
            raise unknown_name("split", split, ["all", *cls.splits])
        release = cls.read(root, PhraseTemplate.of(DEFAULT if phrases is None else phrases), **options)
        chosen = cls._of_split(release, split)
        found = cls._find_images(release)
        salt = release_key(release.annotations)

        def build(rows: Sequence[Annotation]) -> tuple[list[Sample], list[str]]:
            try:
                return build_samples(rows, found.paths, group_by=cls.key, salt=salt, written=release.written)
            except ImageError as error:
                what = f"{cls.title}'s annotated images of the split {split!r}"
                raise none_readable(what, rows, found.paths, error, cls.get) from error

        samples, defects = build(chosen)
        doubts = [*cls._doubts(release), *found.doubts, *cls.inspect(chosen, samples), *defects]
        training = cls.training_split
        is_read_again = {row.split for row in chosen} <= {row.split for row in release.second or ()}
        asked = {(row.image_id, *cls.key(row)) for row in chosen if not row.negative}
        second = [row for row in release.second or () if (row.image_id, *cls.key(row)) in asked]
        has_training = split not in ("all", training) and any(row.split == training for row in release.annotations)
        return cls(
            samples,
            version=release.version,
            split=split,
            pathologies=cls._in_order(row.pathology for row in release.annotations),
            salt=salt,
            options={**({} if phrases is None else {"phrases": phrases}), **options},
            warnings=doubts,
            training=(
                (lambda: apart_from(build(cls._of_split(release, str(training)))[0], samples)) if has_training else None
            ),
            absent=_absences(release, found, split),
            second=(lambda: build(second)[0]) if is_read_again else None,
        )

    @classmethod
    def _check(cls, root: Path | None, phrases: str | None, **options: Any) -> list[Finding]:
        try:
            release = cls.read(root, PhraseTemplate.of(DEFAULT if phrases is None else phrases), **options)
        except DatasetError as error:
            return [Finding("error", str(error))]
        findings = [Finding("warning", text, "compare with the release") for text in cls._doubts(release)]
        paths: dict[str, Path] = {}
        try:
            found = cls._find_images(release)
        except DatasetError as error:
            findings.append(Finding("error", str(error)))
        else:
            paths = {image: found.paths[image] for image in by_image(release.annotations)}
            findings += [Finding("warning", text) for text in found.doubts]
            findings += cls._inspected(release, paths)
        return [
            *findings,
            *check_files(
                release.annotations,
                paths,
                place=str(release.place),
                step=cls.get,
                written=release.written,
                released=True,
            ),
        ]

    @classmethod
    def _inspected(cls, release: Release, paths: Mapping[str, Path]) -> list[Finding]:
        try:
            samples, _ = build_samples(release.annotations, paths, group_by=cls.key, written=release.written)
            return [Finding("warning", text) for text in cls.inspect(release.annotations, samples)]
        except ImageError:  # not one can be read, which is said of each
            return []
        except DatasetError as error:
            return [Finding("error", str(error))]

    @classmethod
    def _of_split(cls, release: Release, split: str) -> list[Annotation]:
        chosen = [row for row in release.annotations if split in ("all", row.split)]
        if not chosen:
            of_split = "" if split == "all" else f" of the split {split!r}"
            step = f"use another split, or get the whole release: {cls.get}"
            if split in cls.split_files:
                file = cls.split_files[split]
                step = f"{file} says what is in it: put that file below {release.root} if it is not there, or {step}"
            raise DatasetError(f"{release.place} has no annotations{of_split}; {step}")
        return chosen

    @classmethod
    def _find_images(cls, release: Release) -> FoundImages:
        images = {image: record.path for image, record in release.images.items()}
        wanted = Wanted(cls.name, cls.title, images, cls.get, cls.named)
        return search_images(release.root, wanted, cls.suffixes, cls.avoided)

    @classmethod
    def _in_order(cls, names: Iterable[str]) -> list[str]:
        there = dict.fromkeys(names if cls.classes else sorted(names))
        return [*(name for name in cls.classes if name in there), *(name for name in there if name not in cls.classes)]

    @classmethod
    def _doubts(cls, release: Release) -> list[str]:
        """What the files have otherwise than published: counts, classes, and what their reader says."""
        called = f"{cls.title} ({release.version})"
        tally = Tally()
        for row in release.annotations:
            if cls.classes and row.pathology not in cls.classes:
                tally.add(
                    f"annotations are of the class {row.pathology!r}, none of {cls.title}'s"
                    f"{like(row.pathology, cls.classes)}",
                    row.where,
                )
        return [
            *otherwise_counted(release.place, called, release.counts, release.published),
            *tally.sentences(),
            *release.said,
        ]


def _absences(release: Release, found: FoundImages, split: str) -> list[Absence]:
    return [
        Absence(image, record.patient, found.paths[image], record.absent)
        for image, record in release.images.items()
        if record.absent and split in ("all", record.split) and image not in found.missing
    ]
