"""Predictions made elsewhere score as the same predictions made here, and a file that does not fit is named."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from groundcxr.evaluation import load_result
from groundcxr.evaluation.prediction import Failure
from groundcxr.leaderboard.library import Library
from groundcxr.leaderboard.reproduction import command
from groundcxr.leaderboard.zero_shot import only_zero_shot

METHOD = """
import numpy as np
from groundcxr import Box, Grounding, GroundingMethod, Heatmap
from groundcxr.core.fingerprint import generator_from


class Here(GroundingMethod):
    emits = {"heatmap", "box"}

    def ground(self, image, phrases):
        answers = []
        for phrase in phrases:
            rng = generator_from(image.sha256, phrase)
            values = rng.random((9, 7), dtype=np.float32)
            x, y = rng.integers(0, 20, 2)
            box = Box(x, y, x + 15, y + 12, score=0.5)
            answers.append(Grounding(Heatmap(values, Box(10, 0, 50, 40), image.size), (box,)))
        return answers
"""


@pytest.fixture
def data(manifest):
    return ("--dataset", "manifest", "--root", manifest)


@pytest.fixture
def ids(groundcxr, data, tmp_path):
    """Sample ids as `groundcxr samples` writes them, in the data set's order."""
    assert groundcxr("samples", *data, "--out", "samples.csv").code == 0
    with (tmp_path / "samples.csv").open(encoding="utf-8") as file:
        return [row["sample_id"] for row in csv.DictReader(file)]


@pytest.fixture
def here(groundcxr, data, tmp_path):
    """A method evaluated here: its result, and its answers by sample id."""
    (tmp_path / "here.py").write_text(METHOD)
    ran = groundcxr("evaluate", "--method", "here.py", *data, "--protocol", "v1", "--protocol", "vilouras2024")
    assert ran.code == 0, ran.err
    path = Path(ran.out.splitlines()[-2])
    run = next(run for run in Library.scan([tmp_path / "results"]).runs if run.path == (tmp_path / path).parent)
    rows = run.samples()
    answers = {row.sample_id: run.prediction(row.sample_id) for row in rows.itertuples()}
    return load_result(tmp_path / path), answers


@pytest.fixture
def maps(tmp_path):
    folder = tmp_path / "maps"
    folder.mkdir()
    (folder / "README.txt").write_text("maps of a method")
    return folder


def write_boxes(path, answers):
    entries = [
        {"image_id": key, "category_id": 1, "bbox": [b.x0, b.y0, b.width, b.height], "score": b.score}
        for key, answer in answers.items()
        for b in answer.boxes
    ]
    path.write_text(json.dumps(entries))


def results(ran, tmp_path):
    return [load_result(tmp_path / line) for line in ran.out.splitlines() if line.endswith("result.json")]


def test_maps_and_boxes_score_as_the_method_itself(groundcxr, data, here, maps, tmp_path):
    expected, answers = here
    for number, (key, answer) in enumerate(answers.items()):
        heatmap = answer.heatmap
        if number % 2:
            np.savez(maps / f"{key}.npz", heatmap=heatmap.values, extent=heatmap.extent.as_tuple())
        else:  # the same at the image's size, NaN where not looked
            np.save(maps / f"{key}.npy", heatmap.to_pixels())
    write_boxes(tmp_path / "boxes.json", answers)
    protocols = ("--protocol", "v1", "--protocol", "vilouras2024")
    ran = groundcxr("import", maps, "boxes.json", "--name", "theirs", *data, *protocols)
    assert ran.code == 0, ran.err
    assert "theirs on manifest" in ran.out
    found, other = results(ran, tmp_path)
    assert other.info.protocol.name == "vilouras2024"
    assert found.path.is_relative_to(tmp_path / "results" / "imported")
    assert found.info.metrics == expected.info.metrics
    for metric in found.info.metrics:
        assert found.samples[metric.key].tolist() == pytest.approx(expected.samples[metric.key].tolist(), abs=1e-12)
    assert found.info.complete
    assert found.info.method.note == "predictions made elsewhere, scored here"
    assert found.info.run.seconds == 0
    library = Library.scan([tmp_path / "results"])
    run = next(run for run in library.runs if run.label == "theirs" and run.info.protocol.name == "v1")
    assert (run.tier, run.imported.what, run.imported.source) == ("imported", "predictions", "maps and boxes.json")
    assert run.prediction(run.samples(["sample_id"])["sample_id"][1]).heatmap.values.shape == (9, 7)


@pytest.mark.parametrize(("mode", "levels"), [("uint8", 255), ("uint16", 65535)])
def test_png_maps_become_zero_to_one(groundcxr, data, ids, maps, tmp_path, mode, levels):
    values = np.random.default_rng(0).integers(0, levels + 1, (len(ids), 6, 9)).astype(mode)
    values[:, 0, :2] = 0, levels
    for key, array in zip(ids, values, strict=True):
        Image.fromarray(array).save(maps / f"{key}.png")
    ran = groundcxr("import", maps, "--name", "png", *data)
    assert ran.code == 0, ran.err
    (run,) = Library.scan([tmp_path / "results"]).runs
    for row in run.samples().itertuples():
        stored = run.prediction(row.sample_id).heatmap.values
        assert stored == pytest.approx(values[ids.index(row.sample_id)] / levels, abs=1e-6)
    assert {"box_iou", "f1_50"} <= set(run.info.derived)
    assert not {"miou", "auroc"} & set(run.info.derived)


def test_what_has_no_box_is_an_empty_prediction(groundcxr, data, ids, tmp_path):
    entries = [{"image_id": ids[0], "bbox": [5, 4, 20, 10]}, {"image_id": ids[0], "bbox": [0, 0, 2.5, 2], "score": 1}]
    (tmp_path / "boxes.json").write_text(json.dumps(entries))
    ran = groundcxr("import", "boxes.json", "--name", "boxes", "--kind", "box", *data)
    assert ran.code == 0, ran.err
    (found,) = results(ran, tmp_path)
    assert found.info.method.kind == "box"
    assert found.info.statuses["box_iou"] == {"ok": 1, "empty_prediction": 4}
    rows = found.samples.set_index("sample_id")
    assert rows.loc[ids[0], "box_iou"] == pytest.approx(200 / 204)  # box 0 is the truth; the other covers 2 x 2 pixels


def test_what_has_no_map_failed_and_is_told(groundcxr, data, ids, maps, tmp_path):
    for key in ids[1:]:
        np.save(maps / f"{key}.npy", np.eye(4))
    ran = groundcxr("import", maps, "--name", "maps", *data)
    assert ran.code == 1
    assert f"1 of 5 samples failed with maps (v2):\n  {ids[0]}: MissingPrediction" in ran.err
    (run,) = Library.scan([tmp_path / "results"]).runs
    assert run.info.n_failed == 1
    row = run.samples().set_index("sample_id").loc[ids[0]]
    assert isinstance(run.prediction(row.name), Failure)
    assert row["auroc"] == 0.5


def test_only_predictions_of_which_it_is_stated_count_as_zero_shot(groundcxr, data, ids, maps, tmp_path):
    for sample_id in ids:
        np.save(maps / f"{sample_id}.npy", np.eye(3))
    for name, words in {"silent": (), "open": ("--trained-on", "PMC-15M", "--trained-on", "my ward")}.items():
        assert groundcxr("import", maps, "--name", name, *words, *data).code == 0
    runs = {run.label: run for run in Library.scan([tmp_path / "results"]).runs}
    assert [run.label for run in only_zero_shot(list(runs.values()))] == ["open"]
    assert runs["open"].info.method.trained_on == ["PMC-15M", "my ward"]
    assert "--trained-on PMC-15M --trained-on 'my ward'" in command(runs["open"].info, runs["open"].imported)
    # Silence about it was no other method, and saying it later is none either.
    assert groundcxr("import", maps, "--name", "silent", "--trained-on", "PMC-15M", *data).code == 0
    assert len(Library.scan([tmp_path / "results"]).runs) == 2
    of_result = groundcxr("import", runs["open"].path, "--trained-on", "PMC-15M", "--out", "other")
    assert (of_result.code, of_result.out) == (2, "")
    assert "leave out --trained-on" in of_result.err


def test_part_of_a_split_is_never_ranked(groundcxr, data, ids, maps, tmp_path):
    for key in ids[:2]:
        np.save(maps / f"{key}.npy", np.eye(4))
    ran = groundcxr("import", maps, "--name", "maps", *data, "--limit", 2)
    assert ran.code == 0, ran.err
    assert not results(ran, tmp_path)[0].info.complete


def test_other_files_are_another_method(groundcxr, data, ids, maps, tmp_path):
    for key in ids:
        np.save(maps / f"{key}.npy", np.eye(4))
    first = groundcxr("import", maps, "--name", "maps", *data)
    np.save(maps / f"{ids[0]}.npy", 1 - np.eye(4))
    second = groundcxr("import", maps, "--name", "maps", *data)
    one, two = results(first, tmp_path)[0], results(second, tmp_path)[0]
    assert one.path != two.path
    assert one.info.overall.macro != two.info.overall.macro
    third = groundcxr("import", maps, "--name", "maps", "--kind", "diffusion", *data)
    assert results(third, tmp_path)[0].path != two.path
    assert len({run.label for run in Library.scan([tmp_path / "results"]).runs}) == 3


def array(content, suffix="npy", **options):
    def write(folder, key):
        file = folder / f"{key}.{suffix}"
        np.savez(file, **content) if suffix == "npz" else np.save(file, content, **options)

    return write


def raw(content, suffix="npy"):
    return lambda folder, key: (folder / f"{key}.{suffix}").write_bytes(content)


def picture(mode):
    return lambda folder, key: Image.new(mode, (4, 4)).save(folder / f"{key}.png")


def both(folder, key):
    picture("L")(folder, key)
    array(np.eye(3))(folder, key)


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (array(np.ones((3, 4, 5))), "must have shape [h, w]"),
        (array(np.full((4, 4), np.nan)), "must be finite"),
        (array(np.ones((60, 40))), "transpose it"),
        (array(np.array([["a"]])), "not numbers"),
        (array(np.array([{}]), allow_pickle=True), "it holds object, not numbers"),
        (array({"attention": np.eye(3)}, "npz"), "name the map heatmap"),
        (array({"heatmap": np.eye(3), "extent": [0, 0, 99, 9]}, "npz"), "inside its 60x40"),
        (array({"heatmap": np.eye(3), "extent": [0, 9]}, "npz"), "x0, y0, x1, y1"),
        (raw(b"not an array"), "cannot be used"),
        (raw(b"PK\x03\x04 not an archive", "npz"), "cannot be used"),
        (raw(b"\x89PNG not a picture", "png"), "cannot be used"),
        (picture("RGB"), "grey PNG"),
        (both, "of one sample"),
        (lambda folder, key: array(np.eye(3))(folder, "patient7"), "patient7"),
        (lambda folder, key: None, "holds neither a result.json nor maps"),
    ],
)
def test_a_map_that_does_not_fit_is_named(groundcxr, data, ids, maps, tmp_path, write, words):
    write(maps, ids[0])
    ran = groundcxr("import", maps, "--name", "maps", *data)
    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert words in ran.err
    assert str(maps) in ran.err
    assert not list((tmp_path / "results").glob("imported/**/result.json"))


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ("[", "is neither a result.json nor a file of boxes: it is not JSON"),
        ("[1, 2]", "a list of other things than objects; a file of boxes is one JSON list of {"),
        ([{"image_id": 7, "bbox": [0, 0, 1, 1]}], "no sample ids of this split (7)"),
        ([{"bbox": [0, 0, 1, 1]}], "no sample ids of this split (None)"),
        ([{"image_id": "ID", "bbox": [0, 0, 1]}], "entry 0: it needs bbox"),
        ([{"image_id": "ID", "bbox": [0, 0, 1, "2"]}], "entry 0: it needs bbox"),
        ([{"image_id": "ID"}], "entry 0: it needs bbox"),
        ([{"image_id": "ID", "bbox": [0, 0, -1, 2]}], "negative size"),
        ([{"image_id": "ID", "bbox": [0, 0, 1, 2], "score": "high"}], "a number as score"),
        ('[{"image_id": "ID", "bbox": [0, 0, 1, NaN]}]', "entry 0: a box needs four finite numbers"),
    ],
)
def test_boxes_that_do_not_fit_are_named(groundcxr, data, ids, tmp_path, entries, words):
    text = entries if isinstance(entries, str) else json.dumps(entries)
    (tmp_path / "boxes.json").write_text(text.replace('"ID"', json.dumps(ids[0])))
    ran = groundcxr("import", "boxes.json", "--name", "boxes", *data)
    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert words in ran.err
    assert "boxes.json" in ran.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.json"], "nowhere.json: No such file"),
        (["maps"], "say whose they are with --name NAME"),
        (["maps", "--name", "a", "--kind", "magic"], "the kind 'magic' does not exist"),
        (["maps", "maps", "--name", "a"], "one folder of maps"),
        (["image.bin", "--name", "a"], "neither a result.json nor a file of boxes: it is not text"),
        (["other.json"], "neither a result.json nor a file of boxes: it holds an object (a) instead of a list"),
    ],
)
def test_mistakes_are_one_sentence(groundcxr, data, ids, maps, tmp_path, arguments, words):
    np.save(maps / f"{ids[0]}.npy", np.eye(3))
    (tmp_path / "image.bin").write_bytes(bytes(range(128, 256)))
    (tmp_path / "other.json").write_text('{"a": 1}')
    ran = groundcxr("import", *arguments, *data)
    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert words in ran.err
