"""PadChest-GR: sentences of Spanish radiology reports, in English too, with the boxes of two readers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

from ...core import unknown_name
from ..annotations import Annotation
from ..base import Finding
from ..phrases import PhraseTemplate
from ..registry import DATASETS
from ..release import Release
from ..released import ReleasedDataset
from .rows import SPLITS, Sentences, Studies, read_reports

LANGUAGES = ("en", "es")
READERS = {"first": ("boxes",), "second": ("extra_boxes",), "both": ("boxes", "extra_boxes")}
"""Whose boxes are the target: keys of the release."""

NO_BOX = "sentences about something abnormal have no box of this reader and are left out"
NO_TABLE = "master_table.csv is not there, so splits and patients are not known"

_FILES = {
    "reports": r"grounded_reports.*\.json",
    "table": r"master_table\.csv",
    "packed": r"master_table\.csv\.(zip|gz)",
}
_PUBLISHED = {"studies": 4555, "boxes": 7733}
_PUBLISHED_SPLITS = {"studies of train": 3185, "studies of validation": 455, "studies of test": 915}
_OTHERS = {"first": "second", "second": "first"}


@DATASETS.register("padchest-gr")
class PadChestGR(ReleasedDataset):
    """PadChest-GR's findings: a sentence, its labels, and the boxes of the reader that is asked for.

    A sample is a sentence on an image: where it is there twice, the boxes are put together. Its class is the first of
    its labels.
    """

    name = "padchest-gr"
    title = "PadChest-GR"
    licence: ClassVar[str] = "PadChest-GR Research Use Agreement (BIMCV)"
    citation: ClassVar[str] = """@article{castro2025padchest,
  title   = {{PadChest-GR}: A Bilingual Chest {X}-ray Dataset for Grounded Radiology Report Generation},
  author  = {Castro, Daniel C. and Bustos, Aurelia and Bannur, Shruthi and Hyland, Stephanie L. and Bouzid, Kenza and
             Wetscherek, Maria Teodora and S{\\'a}nchez-Valverde, Maria Dolores and Jaques-P{\\'e}rez, Lara and
             P{\\'e}rez-Rodr{\\'i}guez, Lourdes and Takeda, Kenji and Salinas, Jos{\\'e} Mar{\\'i}a and
             Alvarez-Valle, Javier and Herrero, Joaqu{\\'i}n Galant and Pertusa, Antonio},
  journal = {NEJM AI},
  year    = {2025}
}"""
    splits = SPLITS
    split_files: ClassVar[Mapping[str, str]] = dict.fromkeys(SPLITS, "master_table.csv")
    training_split = "train"
    suffixes = (".png", ".jpg", ".jpeg", ".dcm", ".dicom")
    avoided = "prior"
    named = "ImageID"
    get = (
        "ask for PadChest-GR (https://bimcv.cipf.es/bimcv-projects/padchest-gr/), join the parts of its archive (`cat "
        "PadChest_GR.zip.* > PadChest_GR.zip`) and unpack it, and give the folder that holds the images, "
        "grounded_reports_*.json and master_table.csv as --root"
    )

    @classmethod
    def key(cls, row: Annotation) -> tuple[str, ...]:
        """A sentence is one sample, whatever its labels."""
        return (row.phrase,)

    @classmethod
    def load(  # pyright: ignore[reportIncompatibleMethodOverride]  # `load_dataset` explains other options
        cls,
        root: Path | None,
        split: str,
        *,
        language: str = "en",
        readers: str = "first",
        negatives: str = "0",
    ) -> Self:
        """Read the data set; see `ReleasedDataset.load`.

        Args:
            root: The folder of the JSON file, the table and the images.
            split: "all", "train", "validation" or "test".
            language: Of the sentences, "en" or "es".
            readers: Whose boxes are the target: "first", "second" (the release's `extra_boxes`) or "both".
            negatives: "released" for the sentences about what is normal or not there as well.

        Raises:
            DatasetError: If files are missing or not in the released format.
            UnknownNameError: For another split, language or sentences.
        """
        chosen = {"language": language, "readers": readers}
        return cls._load(root, split, None, **chosen, **({"negatives": negatives} if negatives != "0" else {}))

    @classmethod
    def check(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls, root: Path | None, *, language: str = "en", readers: str = "first"
    ) -> list[Finding]:
        """Everything that is missing or wrong below `root`; decodes every image with an annotation."""
        return cls._check(root, None, language=language, readers=readers)

    @classmethod
    def read(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls, root: Path | None, template: PhraseTemplate, *, language: str, readers: str, negatives: str = "0"
    ) -> Release:
        """The sentences with boxes of the reader, and perhaps those about what is not there."""
        if language not in LANGUAGES:
            raise unknown_name("language", language, LANGUAGES)
        if readers not in READERS:
            raise unknown_name("readers", readers, READERS)
        root, files = cls.find(root, _FILES, ["reports"], "grounded_reports_*.json")
        place = files["reports"]
        studies = Studies.read(files["table"]) if "table" in files else Studies()
        sentences = Sentences(place, language, studies)
        reports = read_reports(place, cls.get)
        for index, report in enumerate(reports):
            sentences.add(report, f"record {index}")
        rows = sentences.marked(READERS[readers])
        others = sentences.marked(READERS[_OTHERS[readers]]) if readers in _OTHERS else None
        left_out = sentences.abnormal - len({row.where for row in rows})
        said = [*sentences.tally.sentences(), *([f"{NO_BOX}: {left_out:,}"] if left_out else [])]
        if "table" not in files:
            said.append(f"{NO_TABLE}; unpack {files['packed']}" if "packed" in files else NO_TABLE)
        there = {(row.image_id, row.phrase) for row in rows}
        absent = [row for row in sentences.negatives if (row.image_id, row.phrase) not in there]
        return Release(
            root=root,
            place=place,
            version=_version(place),
            annotations=[*rows, *(absent if negatives != "0" else [])],
            images=sentences.images,
            counts={
                "studies": len(reports),
                "boxes": len(sentences.marked(READERS["first"])),
                **{f"studies of {split}": count for split, count in studies.counts().items()},
            },
            published=_PUBLISHED | (_PUBLISHED_SPLITS if studies.splits else {}),
            written="corners",
            said=said,
            second=others,
        )


def _version(place: Path) -> str:
    return place.stem.rpartition("_")[2]
