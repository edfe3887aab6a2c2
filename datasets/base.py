"""The contract of a data set: files on disk become samples in original-image pixels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, overload

from ..core import DatasetError, Sample
from ..core.fingerprint import digest
from .ids import opaque_id
from .phrases import DEFAULT, PhraseTemplate

_AVERAGES = ("macro", "micro")


@dataclass(frozen=True)
class Finding:
    """One thing that `groundcxr doctor` has to say about a data set's files.

    Attributes:
        level: "error" blocks a run; "warning" does not.
        problem: What is wrong, with the file or row it is about and the path that was tried.
        step: What to do about it.
    """

    level: Literal["error", "warning"]
    problem: str
    step: str = ""


@dataclass(frozen=True, slots=True)
class Absence:
    """An image and the classes that are known not to be in it, because the labels about it are exhaustive.

    Attributes:
        image_id: The data set's own name of the image.
        patient_id: The data set's own name of the patient, None where it has none.
        image_path: The image file, which is there.
        classes: As the data set spells them. What was simply not annotated is not among them.
    """

    image_id: str
    patient_id: str | None
    image_path: Path
    classes: tuple[str, ...]


class GroundingDataset(Sequence[Sample], ABC):
    """Samples of one split of a data set.

    Attributes:
        name: The name on the command line.
        pathologies: Every class of the loaded samples, in the data set's order.
        licence: Of the data.
        citation: BibTeX.
        default_split: What `split=None` means.
        credentialed: Whether images and phrases must not leave the user's disk.
        task: What is looked for: "findings", or "anatomy" where phrases name regions that every chest has. Numbers of
            the two are never averaged.
        private_ids: Whether ids are keyed with a random secret of the owner's (`groundcxr.datasets.ids`), so that
            nothing that is random may depend on them.
        version: Of the data as found.
        split: The split that was loaded.
        options: What else was chosen (grouping, seed, size), as plain JSON values.
        warnings: One sentence for each kind of defect met while loading, with counts.
        absent: Of images of the split, also of such as have no sample, the classes that are known not to be in them;
            empty where no labels are exhaustive.
    """

    name: ClassVar[str]
    licence: ClassVar[str]
    citation: ClassVar[str] = ""
    default_split: ClassVar[str] = "all"
    credentialed: ClassVar[bool] = True
    task: ClassVar[Literal["findings", "anatomy"]] = "findings"
    private_ids: ClassVar[bool] = False

    def __init__(
        self,
        samples: Iterable[Sample],
        *,
        version: str,
        split: str,
        pathologies: Sequence[str],
        salt: str,
        options: dict[str, Any] | None = None,
        warnings: Sequence[str] = (),
        training: Callable[[], Sequence[Sample]] | None = None,
        absent: Sequence[Absence] = (),
        second: Callable[[], Iterable[Sample]] | None = None,
        marks: Callable[[], Sequence[Sample]] | None = None,
    ) -> None:
        """Hold loaded samples.

        Args:
            samples: The samples, those of one image following one another.
            version: Of the data as found.
            split: The split that they are.
            pathologies: All classes, in the order in which tables show them.
            salt: What keys published hashes, so that short identifiers cannot be found by trying: of a released data
                set a digest over its annotations (`release_key`), of one's own a random secret (`owners_secret`); ""
                where nothing is confidential.
            options: What else was chosen.
            warnings: What was wrong with the files but did not stop loading.
            training: Loads samples of the training split, whose patients are not among `samples`; None where there is
                no such split.
            absent: What is known not to be in images.
            second: Loads what another reader marked, under the ids of the samples that he was asked about too; None
                where nobody has read all images of the split again.
            marks: Loads the samples of `training` for whoever opens neither their images nor the masks of those that
                have boxes, so that a data set that makes these files need not; `training` by default.

        Raises:
            DatasetError: If a class has the name of an average.
        """
        refuse_reserved(pathologies)
        self._samples = tuple(samples)
        self.version = version
        self.split = split
        self.pathologies = tuple(pathologies)
        self.options = dict(options or {})
        self.warnings = tuple(warnings)
        self._salt = salt
        self._training = training
        self._marks = marks
        self.absent = tuple(absent)
        self._second = second
        self._readings: dict[str, Sample] | None = None

    @classmethod
    @abstractmethod
    def load(cls, root: Path | None, split: str, **options: Any) -> Self:
        """Read a split.

        Args:
            root: The data set's folder or file; None where the user gave none.
            split: A split's name, or "all".
            **options: The data set's own options.

        Raises:
            DatasetError: One sentence that names what is missing, the path tried and the step that gets it.
        """

    @classmethod
    def secret_file(cls, root: Path | None) -> Path | None:
        """The file that keeps the owner's secret, of a data set with `private_ids`; None where there is none yet.

        Args:
            root: As for `load`.
        """
        return None

    @classmethod
    @abstractmethod
    def check(cls, root: Path | None) -> list[Finding]:
        """Everything that is missing or wrong in the files below `root`; never raises for a defect of the data.

        Options of `load` that change what is looked at may be further keyword arguments.
        """

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | Sequence[Sample]:
        return self._samples[index]

    def __len__(self) -> int:
        return len(self._samples)

    def training_samples(self, *, files: bool = True) -> Sequence[Sample] | None:
        """Samples that controls may be fitted on; None where no other patients than the loaded ones are set aside.

        Negatives are none of them: nobody drew where they are.

        Args:
            files: Whether their images may be opened, and masks beside boxes; otherwise these need not be there.
        """
        load = self._training if files or self._marks is None else self._marks
        return None if load is None else [sample for sample in load() if not sample.negative]

    @property
    def has_second_reader(self) -> bool:
        """Whether another reader than the one whose marks are the ground truth has read the images of the split."""
        return self._second is not None

    def second_reader(self, sample: Sample) -> Sample | None:
        """A sample with the boxes and the mask of another reader.

        Args:
            sample: One of the data set's.

        Returns:
            None where he marked nothing, or there is no other reader (`has_second_reader`).
        """
        if self._readings is None:
            readings = [] if self._second is None else self._second()
            self._readings = {reading.sample_id: reading for reading in readings}
        return self._readings.get(sample.sample_id)

    def phrase_of_absent(self, image_id: str, pathology: str) -> str:
        """The phrase of a negative: made as the option `phrases` says, or else as data sets of classes make theirs.

        Args:
            image_id: The image, for a data set that words each phrase for itself.
            pathology: A class that the image does not have.
        """
        return PhraseTemplate.of(self.options.get("phrases") or DEFAULT).fill(pathology)

    def with_samples(self, samples: Iterable[Sample], **options: Any) -> Self:
        """The same data set with other samples.

        Args:
            samples: Those of one image following one another.
            **options: What was chosen beside the options that it has.
        """
        other = copy(self)
        other._samples = tuple(samples)
        other.pathologies = tuple(dict.fromkeys([*self.pathologies, *(sample.pathology for sample in other)]))
        other.options = {**self.options, **options}
        return other

    def reworded(self, phrase_of: Callable[[Sample], str | None], **options: Any) -> Self:
        """The same data set with other phrases, in the training samples too; all ids stay.

        Args:
            phrase_of: The phrase of a sample; None where there is none, so that the sample is left out.
            **options: What was chosen beside the options that it has.
        """
        other = self.with_samples(_reworded(self._samples, phrase_of), **options)
        if (training := self._training) is not None:
            other._training = lambda: _reworded(training(), phrase_of)
        if (marks := self._marks) is not None:
            other._marks = lambda: _reworded(marks(), phrase_of)
        return other

    def opaque(self, *parts: object) -> str:
        """A short hash of identifiers that may be published."""
        return opaque_id(self._salt, *parts)

    def fingerprint(self, samples: Iterable[Sample] | None = None) -> str:
        """SHA-256 over ids, patients, phrases, pathologies, boxes, masks and sizes; the paths of files do not count.

        It is published, so it is keyed as the ids are.

        Args:
            samples: The samples to cover; all of them by default.
        """
        opaque = cache(self.opaque)
        return digest(
            *([self._salt] if self._salt else []),
            self.name,
            [
                (
                    sample.sample_id,
                    sample.phrase,
                    sample.pathology,
                    [box.as_tuple() for box in sample.boxes],
                    sample.mask.key if sample.mask else None,
                    sample.image_size,
                    opaque("patient", sample.patient_id),
                    # Said of negatives alone, so that data without any keep their fingerprints.
                    *(["negative"] if sample.negative else []),
                )
                for sample in (self._samples if samples is None else samples)
            ],
        )


def _reworded(samples: Iterable[Sample], phrase_of: Callable[[Sample], str | None]) -> list[Sample]:
    return [replace(sample, phrase=phrase) for sample in samples if (phrase := phrase_of(sample)) is not None]


def refuse_reserved(pathologies: Iterable[str]) -> None:
    """Refuse classes that tables could not tell from their averages.

    Raises:
        DatasetError: If a class is named "macro" or "micro", in any case.
    """
    for name in pathologies:
        if name.strip().lower() in _AVERAGES:
            raise DatasetError(
                f"a class is named {name!r}, which is reserved: tables show averages under that name; rename the class"
            )
