"""A manifest for `groundcxr tune` from MIMIC-CXR-JPG and MIMIC-CXR's reports: images of one finding, and where it is.

After the appendix of Vilouras et al. (MIDL 2026): of the train split the frontal images whose study has exactly one of
eight labels, with each sentence that names the finding and its place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..core import DatasetError
from ..core.names import listed
from ..core.regular import is_regular, read_regular
from .leave_out import LeftOut
from .mimic_records import table_rows
from .report_sentences import FINDINGS, says_where, sentences

STEP = (
    "download MIMIC-CXR-JPG (https://physionet.org/content/mimic-cxr-jpg/) with a credentialed PhysioNet account, and "
    "give the folder that holds its tables and files/ as --mimic-cxr-jpg"
)
REPORTS_STEP = (
    "download mimic-cxr-reports.zip of MIMIC-CXR (https://physionet.org/content/mimic-cxr/), unpack it, and give the "
    "folder that holds its files/ as --reports"
)

_LABELS = "mimic-cxr-2.0.0-chexpert.csv"
_METADATA = "mimic-cxr-2.0.0-metadata.csv"
_SPLIT = "mimic-cxr-2.0.0-split.csv"
_FRONTAL = ("PA", "AP")
_PRESENT = 1.0
_MOST_REPORT = 2**20


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the manifest.

    Attributes:
        image: The image file.
        phrase: The sentence.
        pathology: The label.
        patient: The patient's number.
    """

    image: Path
    phrase: str
    pathology: str
    patient: str


@dataclass
class Counted:
    """What was met on the way.

    Attributes:
        images: Frontal images of the train split whose study has exactly one of the labels.
        left_out: Of these, those of patients or images that are left out.
        no_report: Those without a report.
        no_file: Those without an image file.
        no_sentence: Those whose report has no sentence that says where the finding is.
    """

    images: int = 0
    left_out: int = 0
    no_report: int = 0
    no_file: int = 0
    no_sentence: int = 0


def tune_rows(root: Path, reports: Path, apart: LeftOut) -> tuple[list[Row], Counted]:
    """The rows of a manifest for tuning, sorted by image.

    Args:
        root: The folder of MIMIC-CXR-JPG: its three tables, as .csv or .csv.gz, and files/.
        reports: The folder of MIMIC-CXR's reports, which holds files/ or p10 to p19.
        apart: Whose images are left out.

    Raises:
        DatasetError: If a table or all reports are missing, or a table is not in the released format; if no image is
            left.
    """
    tables = {name: _table(root, name) for name in (_LABELS, _METADATA, _SPLIT)}
    trees = _tree(root, STEP), _tree(reports, REPORTS_STEP)
    labels = dict(_single_labels(tables[_LABELS]))
    training = {
        row["dicom_id"] for _, row in table_rows(tables[_SPLIT], ("dicom_id", "split")) if row["split"] == "train"
    }
    rows: list[Row] = []
    counted = Counted()
    frontal = sorted(_frontal(tables[_METADATA], labels, training))
    for subject, study, image in frontal:
        counted.images += 1
        if apart.holds(subject, image):
            counted.left_out += 1
            continue
        place = Path(f"p{subject[:2]}", f"p{subject}")
        report, file = trees[1] / place / f"s{study}.txt", trees[0] / place / f"s{study}" / f"{image}.jpg"
        pathology = labels[study]
        if not is_regular(report):
            counted.no_report += 1
            continue
        found = [one for one in sentences(_text(report)) if says_where(one, pathology)]
        if not found:
            counted.no_sentence += 1
        elif not is_regular(file):
            counted.no_file += 1
        else:
            rows += [Row(file, sentence, pathology, subject) for sentence in dict.fromkeys(found)]
    if not rows:
        raise DatasetError(_nothing(root, reports, counted))
    return rows, counted


def _nothing(root: Path, reports: Path, counted: Counted) -> str:
    asked = counted.images - counted.left_out
    if asked and counted.no_report == asked:
        return f"there is no report of {asked:,} studies in {reports}; {REPORTS_STEP}"
    if counted.no_file:
        return f"there is no image of {counted.no_file:,} studies below {root}; {STEP}"
    return (
        f"of {counted.images:,} frontal images of the train split with exactly one of {len(FINDINGS)} labels "
        f"({counted.left_out:,} left out) no report says where the finding is"
    )


def _single_labels(path: Path) -> Iterator[tuple[str, str]]:
    """(study, label) of each study with exactly one of the labels; what is uncertain is not there."""
    for number, row in table_rows(path, ("study_id", *(name.lower() for name in FINDINGS))):
        named = [name for name in FINDINGS if _value(row[name.lower()], path, number) == _PRESENT]
        if len(named) == 1:
            yield _digits(row["study_id"]), named[0]


def _frontal(path: Path, studies: Collection[str], images: Collection[str]) -> Iterator[tuple[str, str, str]]:
    for _, row in table_rows(path, ("dicom_id", "subject_id", "study_id", "viewposition")):
        study = _digits(row["study_id"])
        if row["dicom_id"] in images and study in studies and row["viewposition"].strip().upper() in _FRONTAL:
            yield _digits(row["subject_id"]), study, row["dicom_id"]


def _value(cell: str, path: Path, number: int) -> float | None:
    try:
        return float(cell) if cell.strip() else None
    except ValueError:
        raise DatasetError(f"{path}, line {number}: a label is {cell!r}, not 1.0, 0.0, -1.0 or empty") from None


def _digits(cell: str) -> str:
    return cell.strip().lstrip("psPS").removesuffix(".0")


def _table(root: Path, name: str) -> Path:
    for path in (root / name, root / f"{name}.gz"):
        if is_regular(path):
            return path
    raise DatasetError(f"there is no {name}.gz in {root}; {STEP}")


def _tree(folder: Path, step: str) -> Path:
    """The folder that holds p10 to p19."""
    if not folder.is_dir():
        raise DatasetError(f"there is no folder {folder}; {step}")
    for tree in (folder, folder / "files", folder / "mimic-cxr-reports" / "files"):
        if any((tree / f"p1{digit}").is_dir() for digit in range(10)):
            return tree
    held = listed(sorted(path.name for path in folder.iterdir())[:5])
    raise DatasetError(f"there are no folders p10 to p19 in {folder} or its files/ (there is {held}); {step}")


def _text(path: Path) -> str:
    try:
        return read_regular(path, _MOST_REPORT).decode("utf-8", "replace")
    except OSError as error:
        raise DatasetError(f"cannot read {path}: {error.strerror or error}; get it again") from error
