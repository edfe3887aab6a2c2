"""Runs under a condition: what the method sees, what it is scored against, and that nothing is mixed up."""

import json

import numpy as np
import pytest

from groundcxr import evaluate, load_dataset
from groundcxr.core.alterations import KINDS, Alteration
from groundcxr.evaluation import Run, make_entry, score_entry, select
from groundcxr.metrics import get_protocol

FINDER = """
from pathlib import Path
import numpy as np
from groundcxr import Box, Grounding, GroundingMethod, Heatmap

class Finder(GroundingMethod):
    '''Finds the bright rectangle, and notes what it was asked.'''
    emits = frozenset({"heatmap", "box"})

    def ground(self, image, phrases):
        with open(ASKED, "a") as file:
            file.writelines(f"{image.sha256[:8]} {image.size} {phrase}\\n" for phrase in phrases)
        unit = image.as_unit_float()
        bright = unit > (unit.max() + unit.min()) / 2
        rows, columns = np.flatnonzero(bright.mean(axis=1) > 0.1), np.flatnonzero(bright.mean(axis=0) > 0.1)
        box = Box(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        return [Grounding(Heatmap.whole(bright, image.size), (box,)) for _ in phrases]
"""

SIZES = {"portrait.png": (100, 140), "landscape.jpg": (140, 100), "deep.png": (120, 96), "film.dcm": (96, 120)}
BOX = (24, 32, 40, 28)


@pytest.fixture
def films(write_film, tmp_path):
    """A portrait, a landscape, a 16-bit and a DICOM image, a bright rectangle on each where its box is."""
    folder = tmp_path / "films"
    folder.mkdir()
    rows = ["image,phrase,pathology,x,y,w,h,patient_id"]
    x, y, w, h = BOX
    for number, (name, (width, height)) in enumerate(SIZES.items()):
        pixels = np.random.default_rng(number).integers(700, 1100, (height, width)).astype(np.uint16)
        pixels[y : y + h, x : x + w] += 2000
        write_film(folder / name, pixels)
        rows.append(f"{name},Small LEFT effusion,Edema,{x},{y},{w},{h},p{number}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    (folder / "groundcxr-secret").write_text("0123456789abcdef" * 4 + "\n")
    return load_dataset("manifest", folder / "manifest.csv")


@pytest.fixture
def finder(tmp_path):
    """The method's file, and what it has been asked so far."""
    file, asked = tmp_path / "finder.py", tmp_path / "asked.txt"
    asked.touch()
    file.write_text(FINDER.replace("ASKED", repr(str(asked))))
    return str(file), lambda: asked.read_text().splitlines()


@pytest.mark.parametrize("condition", ["brightness:-0.15", "contrast:0.5", "noise:0.03", "jpeg:40", "crop:0.125"])
def test_the_truth_is_where_it_is_in_the_altered_image(films, finder, tmp_path, condition):
    """A method that finds the rectangle of an image keeps its score, whatever becomes of the image."""
    spec, asked = finder
    result = evaluate(spec, films, out=tmp_path / "out", condition=condition)
    assert result.samples["box_iou"].tolist() == [1.0] * 4
    assert result.samples["miou"].min() > 0.85
    assert len(asked()) == 4
    assert result.info.condition.label == condition


def test_every_condition_is_a_state_of_its_own(films, finder, tmp_path):
    """Stored beside the others, resumed, scored again without the method, and never taken for the plain one."""
    spec, asked = finder
    plain = evaluate(spec, films, out=tmp_path / "out")
    assert plain.info.condition is None
    results = {}
    for name in (name for name, kind in KINDS.items() if kind.condition):
        before = len(asked())
        results[name] = evaluate(spec, films, out=tmp_path / "out", condition=name)
        # There is no abbreviation in the phrases, so that nothing new is asked.
        assert len(asked()) - before == (0 if name == "abbreviations" else 4), name
        assert results[name].info.condition.plain == plain.info.dataset.fingerprint
        assert results[name].samples["box_iou"].min() > 0.9, name
    everything = [plain, *results.values()]
    assert len({one.info.dataset.fingerprint for one in everything}) == len({one.path for one in everything}) == 12
    assert all(one.samples["sample_id"].equals(plain.samples["sample_id"]) for one in everything)
    spoken = {line.partition(") ")[2] for line in asked()}
    assert spoken == {"Small LEFT effusion", "small left effusion", "Small LEFT effusion.", "Minor LEFT pleural fluid"}

    before = len(asked())
    evaluate(spec, films, out=tmp_path / "out", condition="noise")
    evaluate(spec, films, out=tmp_path / "out", condition="lower-case")
    selection = select(films).under(Alteration.condition("noise"))
    run = Run(selection, tmp_path / "out/store", tmp_path / "again")
    (scored,) = score_entry(make_entry(spec), [get_protocol("v1")], run)
    assert len(asked()) == before
    assert scored.samples["miou"].equals(results["noise"].samples["miou"])
    note = "phrases are as they were: the condition finds nothing to change in them"
    assert [(one.text, one.count) for one in results["abbreviations"].info.notes] == [(note, 4)]


def test_boxes_that_a_crop_clips_or_loses_are_counted(films, finder, tmp_path):
    result = evaluate(finder[0], films, out=tmp_path / "out", condition="crop:0.3")
    counts = {one.text: one.count for one in result.info.notes}
    assert counts == {"boxes reach into what the condition cuts off, and are clipped": 4}
    assert result.samples["box_iou"].tolist() == [1.0] * 4
    lost = evaluate("oracle", films, out=tmp_path / "out", condition="crop:0.4")
    # Of the landscape's 32..60 rows 40..60 are left; of the 24..64 columns 56..64.
    assert lost.samples["box_area"].iloc[1] == pytest.approx(8 * 20 / (28 * 20))


@pytest.mark.parametrize("method", ["class-mean-box", "shuffled-phrase"])
def test_controls_are_asked_under_conditions_as_methods_are(tiny, tmp_path, finder, method):
    settings = {"method": "center-prior"} if method == "shuffled-phrase" else None
    result = evaluate(method, tiny, settings=settings, out=tmp_path / "out", condition="half-resolution")
    plain = evaluate(method, tiny, settings=settings, out=tmp_path / "out")
    assert result.info.n_failed == plain.info.n_failed
    for metric in ("auroc", "miou"):
        np.testing.assert_allclose(result.samples[metric], plain.samples[metric], atol=0.12)


def test_a_control_asks_its_question_in_the_words_of_the_condition(films, finder, tmp_path):
    spec, asked = finder
    result = evaluate("mirrored", films, settings={"method": spec}, out=tmp_path / "out", condition="lower-case")
    assert {line.partition(") ")[2] for line in asked()} == {"small right effusion"}
    assert result.samples["box_iou"].tolist() == [1.0] * 4


def test_on_the_command_line(groundcxr, manifest, tmp_path):
    arguments = ["--method", "center-prior", "--dataset", "manifest", "--root", manifest, "--out", tmp_path / "out"]
    ran = groundcxr("evaluate", *arguments, "--condition", "noise:0.1", "--condition", "crop")
    assert ran.code == 0, ran.err
    assert "center-prior on manifest" in ran.out
    assert ", noise:0.1, v2" in ran.out
    assert "the edges cut off (crop:0.05)" in " ".join(ran.out.split())
    found = [json.loads(path.read_text())["condition"] for path in (tmp_path / "out").rglob("result.json")]
    assert sorted((one["name"], one["level"]) for one in found) == [("crop", 0.05), ("noise", 0.1)]
    again = groundcxr("score", *arguments, "--condition", "noise:0.1")
    assert again.code == 0, again.err
    for condition, expected in {"jpeg:11": ["4", "5", "0", "0", "5"], "noise:0.1": ["4", "5", "5", "0", "0"]}.items():
        ahead = groundcxr("evaluate", *arguments, "--condition", condition, "--dry-run")
        assert next(line.split()[1:6] for line in ahead.out.splitlines() if "center-prior" in line) == expected
    for wrong in ("nois", "crop:5"):
        refused = groundcxr("evaluate", *arguments, "--condition", wrong)
        assert refused.code == 2
        assert refused.err.startswith("error: ")
    twice = groundcxr("evaluate", *arguments, "--condition", "crop", "--condition", "crop:0.05")
    assert twice.code == 2
    assert "crop:0.05 is given twice" in twice.err
    missing = groundcxr("score", *arguments, "--condition", "blur")
    assert missing.code == 2
    assert "lacks predictions" in missing.err
