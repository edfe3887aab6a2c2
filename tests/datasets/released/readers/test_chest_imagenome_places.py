"""The table of places from made-up gold boxes, against means worked out from the file itself."""

import csv
import gzip

import numpy as np
import pytest

from groundcxr import Sample, load_dataset
from groundcxr.core import Box, DatasetError, GroundCXRError
from groundcxr.core.anatomy import REGIONS, Gaussian
from groundcxr.core.place_table import PlaceTable
from groundcxr.datasets.chest_imagenome_places import SOURCE, chest_imagenome_places
from groundcxr.datasets.place_phrases import location_phrase, standard_phrase

SIDED = {
    "lung": "",
    "apical zone": "apical",
    "upper lung zone": "upper",
    "mid lung zone": "middle",
    "lower lung zone": "lower",
    "costophrenic angle": "costophrenic",
}
NAMES = {f"{side} {name}": f"{side} {ours}".strip() for side in ("left", "right") for name, ours in SIDED.items()}
NAMES["cardiac silhouette"] = "heart"
OTHERS = ["trachea", "left clavicle", "mediastinum", "right hilar structures"]
COLUMNS = (
    "image_id,x1,y1,x2,y2,width,height,bbox_name,annot_id,original_x1,original_x2,original_y1,original_y2,"
    "original_width,original_height,annotator,coord224,coord_original"
)
SIZES = {"0a-1": (2500, 3000), "0b-2": (3056, 2544), "0c-3": (1000, 1500)}


def gold(root, drop=(), more=()):
    """The gold file with boxes of all regions and others on three images, and MIMIC's list of their sizes."""
    rng = np.random.default_rng(5)
    folder = root / "chest-imagenome/gold_dataset"
    folder.mkdir(parents=True)
    rows = []
    for image, (width, height) in SIZES.items():
        for name in [*NAMES, *OTHERS]:
            x = sorted(rng.integers(0, width, 2).tolist())
            y = sorted(rng.integers(0, height, 2).tolist())
            rows.append((image, name, x[0], y[0], x[1] + 1, y[1] + 1))
    rows = [row for row in rows if row[1] not in drop] + list(more)
    with (folder / "gold_bbox_coordinate_annotations_1000images.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS.split(","))
        for image, name, x0, y0, x1, y1 in rows:
            resized = [9, 9, 99, 99, 90, 90]
            original = [x0, x1, y0, y1, x1 - x0, y1 - y0]
            writer.writerow([f"{image}.dcm", *resized, name, f"{image}_{name}", *original, 1, "[]", "[]"])
    lines = ["dicom_id,subject_id,study_id,Rows,Columns"]
    lines += [f"{image},1000000{n},5000000{n},{h},{w}" for n, (image, (w, h)) in enumerate(SIZES.items())]
    (root / "mimic-cxr-2.0.0-metadata.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    return rows


def direct(rows, name):
    """Mean centre and a sixth of the mean sides of a name's boxes, in shares of each image."""
    values = []
    for image, other, x0, y0, x1, y1 in rows:
        if other == name:
            w, h = SIZES[image]
            values.append(((x0 + x1) / 2 / w, (y0 + y1) / 2 / h, (x1 - x0) / 6 / w, (y1 - y0) / 6 / h))
    return np.mean(values, axis=0)


def test_gaussians_are_the_means_of_the_files_boxes(tmp_path):
    rows = gold(tmp_path)
    table, left_out = chest_imagenome_places(tmp_path)
    assert (table.source, table.images, left_out) == (SOURCE, 3, [])
    assert set(table.gaussians) == set(NAMES.values())
    for name, region in NAMES.items():
        assert table.gaussians[region].as_tuple() == pytest.approx(direct(rows, name), abs=1e-6), name


def test_the_command_writes_the_table(groundcxr, tmp_path):
    rows = gold(tmp_path / "data")
    ran = groundcxr("anatomy", "--chest-imagenome", tmp_path / "data", "--out", "anatomy.json")
    assert (ran.code, ran.out) == (0, "")
    assert "13 places, from 3 images" in ran.err
    table = PlaceTable.load(tmp_path / "anatomy.json")
    assert table.gaussians["left lower"].as_tuple() == pytest.approx(direct(rows, "left lower lung zone"), abs=1e-6)
    ran = groundcxr("anatomy", "--chest-imagenome", tmp_path / "data", "--out", "none/anatomy.json")
    assert ran.code == 2
    assert "there is no folder" in ran.err
    (tmp_path / "empty").mkdir()
    ran = groundcxr("anatomy", "--chest-imagenome", tmp_path / "empty", "--out", "anatomy.json")
    assert ran.code == 2
    assert "--root" not in ran.err
    assert ran.err.rstrip().endswith("as --chest-imagenome")


def test_boxes_that_are_none_are_told(tmp_path, groundcxr):
    more = [("0a-1", "left lung", 50, 60, 50, 90), ("0b-2", "left lung", 4000, 0, 4100, 90)]
    rows = gold(tmp_path, more=more)
    table, left_out = chest_imagenome_places(tmp_path)
    assert table.gaussians["left"].as_tuple() == pytest.approx(direct(rows[: -len(more)], "left lung"), abs=1e-6)
    assert len(left_out) == 1
    assert left_out[0].startswith("boxes without an area inside their image were left out of the means: 2,")
    ran = groundcxr("anatomy", "--chest-imagenome", tmp_path, "--out", "a.json")
    assert ran.code == 0
    assert "warning: boxes without an area" in ran.err


def test_a_region_that_no_box_is_of(tmp_path):
    gold(tmp_path, drop=["cardiac silhouette", "left lung"])
    with pytest.raises(GroundCXRError, match="has no box of left, heart; a table of places needs all 13 regions"):
        chest_imagenome_places(tmp_path)


def test_sizes_are_of_the_images_where_no_list_has_them(tmp_path, made):
    rows = gold(tmp_path)
    (tmp_path / "mimic-cxr-2.0.0-metadata.csv.gz").unlink()
    with pytest.raises(DatasetError, match=r"sizes of 3 of the images .*put mimic-cxr-2\.0\.0-metadata\.csv\.gz of"):
        chest_imagenome_places(tmp_path)
    for image, size in SIZES.items():
        made.picture(tmp_path / f"files/{image}.jpg", size)
    table, _ = chest_imagenome_places(tmp_path)
    assert table.gaussians["heart"].as_tuple() == pytest.approx(direct(rows, "cardiac silhouette"), abs=1e-6)


def sample(phrase, pathology, boxes=()):
    return Sample("s", "i", None, None, phrase, pathology, tuple(boxes), None, (200, 100))


@pytest.mark.parametrize(
    ("phrase", "pathology", "standard"),
    [
        ("Haze at the left base, possibly infected", "Pneumonia", "left base pneumonia"),
        ("fluid on both sides", "Pleural Effusion", "bilateral pleural effusion"),
        ("small right pleural effusion", "Pleural Effusion", "right pleural effusion"),
        ("pulmonary edema", "Edema", "pulmonary edema"),
        ("right apical and left basal haze", "Lung Opacity", "right apical and left base lung opacity"),
        ("the heart is big", "Cardiomegaly", "cardiomegaly"),
        ("the heart is big, haze on the left", "Cardiomegaly", "cardiomegaly"),
        ("the heart is big, haze on the left", "Edema", "left edema"),
        ("the heart is big", "Edema", None),
        ("enlarged, to the left", "Cardiomegaly", "left cardiomegaly"),
        ("apical air", "Pneumothorax", None),
        ("air", "Pneumothorax", None),
    ],
)
def test_standard_phrases(phrase, pathology, standard):
    assert standard_phrase(sample(phrase, pathology)) == standard


def of_regions(**places):
    """A table with some regions at places of their own, and all others far away."""
    far = Gaussian(9, 9, 1, 1)
    return PlaceTable({one: places.get(one.replace(" ", "_"), far) for one in REGIONS}, "made up", 1)


def test_phrases_of_the_places_of_true_boxes(made, tmp_path):
    table = of_regions(
        right_lower=Gaussian(0.15, 0.85, 0.04, 0.03),
        left=Gaussian(0.7, 0.5, 0.05, 0.1),
        heart=Gaussian(0.5, 0.6, 0.06, 0.08),
    )
    low, left, heart = Box(10, 75, 60, 95), Box(110, 20, 170, 80), Box(62, 36, 138, 84)
    assert location_phrase(sample("", "Pleural effusion", [low]), table) == "right lower pleural effusion"
    twice = sample("", "Consolidation", [left, low, Box(11, 74, 62, 95)])
    assert location_phrase(twice, table) == "right lower and left consolidation"
    assert location_phrase(sample("", "ILD", [heart]), table) == "heart ild"
    assert location_phrase(sample("", "Cardiomegaly", [heart]), table) == "cardiomegaly"


def test_vindr_with_places(made, tmp_path):
    root = made("vindr-cxr", tmp_path / "vindr")
    (tmp_path / "places.json").write_text(PlaceTable.load("phantom").to_json())
    plain = load_dataset("vindr-cxr", root, "test", phrases="class")
    dataset = load_dataset("vindr-cxr", root, "test", phrases="location", table=str(tmp_path / "places.json"))
    assert dataset.options["phrases"] == "location"
    assert dataset.options["table"] == PlaceTable.load("phantom").digest[:8]
    assert [one.sample_id for one in dataset] == [one.sample_id for one in plain]
    assert [one.boxes for one in dataset] == [one.boxes for one in plain]
    assert dataset.fingerprint() != plain.fingerprint()
    table = PlaceTable.load("phantom")
    assert [one.phrase for one in dataset] == [location_phrase(one, table) for one in plain]
    assert dataset.phrase_of_absent("x", "Nodule/Mass") == "nodule/mass"
    # What controls are fitted on has such phrases too.
    training = dataset.training_samples()
    assert training
    assert [one.phrase for one in training] == [location_phrase(one, table) for one in training]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            {"phrases": "location"},
            r"phrases=location needs the table of places, the option table=FILE: `groundcxr",
        ),
        ({"table": "x.json"}, r"table=x\.json is of phrases=location alone"),
        ({"phrases": "class", "table": "x.json"}, r"table=x\.json is of phrases=location alone"),
        ({"phrases": "location", "table": "x.json"}, r"x\.json cannot be read"),
    ],
)
def test_options_that_do_not_fit(made, tmp_path, options, said):
    root = made("vindr-cxr", tmp_path / "vindr")
    with pytest.raises(GroundCXRError, match=said):
        load_dataset("vindr-cxr", root, "test", **options)


def test_a_run_on_places_of_true_boxes_asks_for_the_prior(made, tmp_path, groundcxr):
    root = made("vindr-cxr", tmp_path / "vindr")
    table = tmp_path / "places.json"
    table.write_text(PlaceTable.load("phantom").to_json())
    run = ["evaluate", "--dataset", "vindr-cxr", "--root", root, "--split", "test", "--out", tmp_path / "out"]
    located = [*run, "--set", "dataset.phrases=location", "--set", f"dataset.table={table}"]
    said = "the phrases of vindr-cxr name the places of the true boxes: run --method location-prior"
    alone = groundcxr(*located, "--method", "center-prior")
    assert alone.code == 0
    assert said in alone.err
    prior = ["--method", "location-prior", "--set", f"location-prior.table={table}"]
    both = groundcxr(*located, "--method", "center-prior", *prior)
    assert both.code == 0
    assert said not in both.err
    # It lies beside the next result.
    assert said not in groundcxr(*located, "--method", "random").err
    assert said not in groundcxr(*run, "--method", "random").err
    # A result has no file's name, so the table is asked for when it is made again.
    (made_before,) = (file for file in tmp_path.glob("out/**/random-*/result.json") if "location" in file.read_text())
    again = ["reproduce", made_before, "--root", root]
    assert "give the file: --set dataset.table=FILE" in groundcxr(*again).err
    other = of_regions(heart=Gaussian(0.5, 0.5, 0.1, 0.1))
    (tmp_path / "other.json").write_text(other.to_json())
    refused = groundcxr(*again, "--set", f"dataset.table={tmp_path / 'other.json'}")
    assert refused.code == 2
    assert f"(of made up, digest {other.digest[:8]}) is not the one that the phrases were made with" in refused.err
    found = groundcxr(*again, "--set", f"dataset.table={table}")
    assert found.out.splitlines()[1].startswith("identical: ")
