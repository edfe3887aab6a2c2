"""Predictions made elsewhere become stored predictions, and are scored as any others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from ..core import BOX, HEATMAP, GroundCXRError, Grounding, ImageError, Sample
from ..core.doubts import Tally
from ..core.fingerprint import digest, file_digest
from ..core.names import printable
from ..core.progress import progress
from ..methods import KINDS, GroundingMethod
from ..methods.boxes.presets import Preset
from ..methods.boxes.reading import reread
from ..metrics import Protocol
from .box_choice import refuse_choice
from .entry import Entry
from .foreign_boxes import read_boxes
from .foreign_maps import OF_ANOTHER_IMAGE, find_maps, is_of_another_image, read_map
from .foreign_texts import read_texts
from .imported import IMPORT_FOLDER, ImportFile, revision_of_predictions, write_import
from .plan import Selection, make_plan
from .prediction import Failure, Prediction, encode, query_key
from .result import Result
from .run import score_entry
from .run_settings import Run, store_of
from .schema import AnswersInfo
from .store import PredictionStore, digests

NOTE = "predictions made elsewhere, scored here"


@dataclass(frozen=True)
class _TextOptions:
    """How texts that were written elsewhere are read."""

    preset: str = ""


_TOGETHER = 64
"""Images whose predictions are stored at once."""


class ForeignPredictions:
    """What one method answered elsewhere, as files.

    Attributes:
        entry: The method that stands for it; its revision is its kind and the hash of the files, so other files are
            another method.
        about: What `import.json` will say.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        selection: Selection,
        *,
        name: str,
        kind: str,
        preset: Preset | None = None,
        trained_on: Sequence[str] = (),
    ) -> None:
        """Look at the files; maps are read one by one later.

        Args:
            paths: A folder of maps, a COCO results file, or one of each; with a preset, a file of texts.
            selection: The samples that the predictions are for.
            name: The method's name in tables.
            kind: One of `KINDS`; protocols may treat kinds differently.
            preset: How the texts of a method that answers in words are read.
            trained_on: Data sets whose images, phrases or boxes the method has seen.

        Raises:
            GroundCXRError: If the kind does not exist, or a file does not fit the samples.
        """
        if kind not in KINDS:
            raise GroundCXRError(f"the kind {kind!r} does not exist; choose one of {', '.join(KINDS)}")
        if not name.strip() or name.encode(errors="replace").decode() != name:
            raise GroundCXRError(f"the name '{printable(name)}' does not fit: give some text in UTF-8 with --name")
        folders = [path for path in paths if path.is_dir()]
        files = [path for path in paths if not path.is_dir()]
        if preset is not None and (folders or len(files) != 1):
            raise GroundCXRError("texts of one method are one file of JSON lines; import another method by itself")
        if len(folders) > 1 or len(files) > 1:
            raise GroundCXRError(
                "predictions of one method are one folder of maps, one JSON of boxes, or one of each; import another "
                "method by itself"
            )
        self._selection = selection
        sizes = {sample.sample_id: sample.image_size for sample in selection.samples}
        self._sizes = frozenset(sizes.values())
        self._maps = find_maps(folders[0], sizes) if folders else None
        self._texts = None if preset is None else read_texts(files[0], sizes, preset)
        self._boxes, self._doubts = read_boxes(files[0], sizes) if files and preset is None else ({}, [])
        maps = {sample_id: _digest(file) for sample_id, file in (self._maps or {}).items()}
        # Read in another way, the same texts are another method.
        ways = [] if preset is None else [preset.convention.key]
        sha256 = digest(maps, [_digest(file) for file in files], *ways)
        emits = frozenset({*([HEATMAP] if folders else []), *([BOX] if files else [])})
        attributes = {
            "kind": kind,
            "emits": emits,
            "revision": revision_of_predictions(kind, sha256),
            "note": NOTE,
            "trained_on": tuple(one for one in trained_on if one.strip()),
        }
        if preset is None:
            method = type("ForeignMethod", (GroundingMethod,), {"name": name, **attributes})()
        else:
            attributes["Options"] = _TextOptions
            made = type("ForeignMethod", (GroundingMethod,), {"name": name, **attributes})
            method = made(_TextOptions(preset.name))
        self.entry = Entry(method, name)
        self.about = ImportFile(
            what="predictions",
            source=" and ".join(printable(path.name) for path in (*folders, *files)),
            sha256=sha256,
            imported=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def score(
        self,
        protocols: Sequence[Protocol],
        out: Path,
        store: Path,
        answers: AnswersInfo | None = None,
        jobs: int | None = None,
        dataset_label: str = "",
    ) -> Iterator[Result]:
        """Store all predictions, then score them under each protocol.

        A sample without a map or a text counts as failed; one without boxes as an empty prediction, as COCO has it.

        Args:
            protocols: What to score under.
            out: The folder of results; these go to its folder `imported`.
            store: The prediction store's folder.
            answers: Which boxes count; None for all.
            jobs: How many processes score; see `Run`.
            dataset_label: What tables call the data set; "" for its own name.

        Yields:
            One saved result for each protocol.

        Raises:
            GroundCXRError: If a map cannot be used, or the choice of boxes, or a protocol needs a package that is not
                installed; no result is written then.
        """
        for protocol in protocols:
            protocol.check_installed()
        refuse_choice(self.entry.method, self.entry.label, answers)
        run = Run(self._selection, store, None, answers=answers, jobs=jobs, dataset_label=dataset_label)
        self._fill(store_of(self.entry, run))
        run = replace(run, judged=tuple(self._doubts))
        for result in score_entry(self.entry, protocols, run):
            write_import(result.folder(out / IMPORT_FOLDER), self.about)
            yield result.save(out / IMPORT_FOLDER)

    def _fill(self, store: PredictionStore) -> None:
        samples, tally, known = self._selection.samples, Tally(), digests()
        with progress(f"import {self.entry.label}", len(samples)) as advance:
            for batch in make_plan(samples, _TOGETHER):
                made: dict[str, dict[str, Prediction]] = {}
                for task in batch:
                    try:
                        sha256 = known.of(task.path)
                    except ImageError:  # scoring counts and names it
                        continue
                    for index in task.samples:
                        answer = self._answer(samples[index], tally)
                        self._keep(made.setdefault(sha256, {}), sha256, samples[index], answer)
                store.add(made)
                advance(sum(len(task.samples) for task in batch))
        known.save()
        self._doubts = [*self._doubts, *tally.doubts()]

    def _keep(self, answers: dict[str, Prediction], sha256: str, sample: Sample, answer: Prediction) -> None:
        key = query_key(sha256, sample.phrase, sample.pathology)
        if key in answers and encode(answers[key]) != encode(answer):
            raise GroundCXRError(
                f"the sample {sample.sample_id} asks what another one asks of the same image, and their predictions "
                "differ; give both the same"
            )
        answers[key] = answer

    def _answer(self, sample: Sample, tally: Tally) -> Prediction:
        if self._texts is not None:
            written = self._texts.get(sample.sample_id)
            if written is None:
                return Failure("MissingPrediction", "there is no text of this sample in the imported file")
            return reread(Grounding(written=written), sample.image_size)
        boxes = self._boxes.get(sample.sample_id, ())
        if self._maps is None:
            return Grounding(None, boxes)
        file = self._maps.get(sample.sample_id)
        if file is None:
            return Failure("MissingPrediction", "there is no map of this sample among the imported files")
        heatmap = read_map(file, sample.image_size)
        if is_of_another_image(heatmap, self._sizes):
            tally.add(OF_ANOTHER_IMAGE, printable(file.name))
        return Grounding(heatmap, boxes)


def _digest(file: Path) -> str:
    try:
        return file_digest(file)
    except OSError as error:
        raise GroundCXRError(f"cannot read {file}: {error.strerror or error}") from error
