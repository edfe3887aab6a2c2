"""These data sets, and what a second reader is worth, from the command line."""

import json

import pytest

from groundcxr import load_dataset
from groundcxr.core import DatasetError

NAMES = ("vindr-cxr", "padchest-gr", "chest-imagenome")


def evaluate(groundcxr, out, *arguments):
    ran = groundcxr("evaluate", *arguments, "--out", out)
    return ran, [json.loads(file.read_text()) for file in sorted(out.rglob("result.json"))]


@pytest.mark.parametrize("name", NAMES)
def test_a_data_set_is_evaluated_without_a_failure(name, made, tmp_path, groundcxr):
    root = made(name, tmp_path / "data")
    controls = ["--method", "center-prior", "--method", "class-mean-box"]
    ran, results = evaluate(groundcxr, tmp_path / "out", *controls, "--dataset", name, "--root", root)
    assert ran.code == 0, ran.err
    assert [(result["complete"], result["n_failed"]) for result in results] == [(True, 0)] * 2
    assert [result["dataset"].get("task") for result in results] == [{"chest-imagenome": "anatomy"}.get(name)] * 2
    written = json.dumps(results)
    for sample in load_dataset(name, root):
        assert sample.image_id not in written
        assert sample.patient_id is None or f'"{sample.patient_id}"' not in written


@pytest.mark.parametrize("name", NAMES)
def test_doctor(name, made, tmp_path, groundcxr):
    ran = groundcxr("doctor", "--dataset", name, "--root", made(name, tmp_path / "data"))
    assert (ran.code, ran.out.splitlines()[-1].partition(",")[0]) == (0, f"{name}: 0 errors"), ran.out


class TestSecondReader:
    def test_agreement_is_what_the_two_readers_share(self, made, tmp_path, groundcxr):
        root = made("padchest-gr", tmp_path / "data")
        ran, (result,) = evaluate(
            groundcxr, tmp_path / "out", "--method", "second-reader", "--dataset", "padchest-gr", "--root", root
        )
        assert ran.code == 0, ran.err
        assert result["method"]["control"]
        assert result["method"]["note"] == "answers with what another reader marked; nothing for 0 of 3 samples"
        # Cardiomegaly: (60, 100, 160, 180) and (60, 100, 150, 180).
        assert result["pathologies"]["cardiomegaly"]["miou"]["value"] == pytest.approx(90 / 100)
        # Two boxes of 30x20 and 30x20, of which the second reader has one.
        assert result["pathologies"]["nodule"]["miou"]["value"] == pytest.approx(1 / 2)

    def test_what_he_did_not_mark_counts_as_an_empty_answer(self, made, tmp_path, groundcxr):
        root = made("vindr-cxr", tmp_path / "data")
        of_r9 = ["--dataset", "vindr-cxr", "--root", root, "--split", "train", "--set", "dataset.readers=R9"]
        ran, (result,) = evaluate(groundcxr, tmp_path / "out", "--method", "second-reader", *of_r9)
        assert ran.code == 0, ran.err
        assert result["method"]["note"].endswith("nothing for 1 of 3 samples")
        assert (result["n_failed"], result["dataset"]["n_samples"]) == (0, 3)
        # (100.5, 80, 200.5, 180) and (106.5, 82, 206.5, 182), of whose pixels 94 x 98 are shared.
        shared = 94 * 98
        heart = result["pathologies"]["Cardiomegaly"]["miou"]["value"]
        assert heart == pytest.approx(shared / (2 * 10_000 - shared))
        assert result["pathologies"]["Pleural effusion"]["miou"] == result["pathologies"]["Nodule/Mass"]["miou"] | {
            "n": 1
        }
        assert result["pathologies"]["Pleural effusion"]["miou"]["value"] == 0

    @pytest.mark.parametrize("arguments", [("vindr-cxr",), ("chest-imagenome",)])
    def test_a_data_set_without_one(self, made, tmp_path, groundcxr, arguments):
        (name,) = arguments
        root = made(name, tmp_path / "data")
        ran, results = evaluate(
            groundcxr, tmp_path / "out", "--method", "second-reader", "--dataset", name, "--root", root
        )
        assert (ran.code, results) == (2, [])
        assert "error: second-reader needs a data set whose images another reader has read too" in ran.err

    def test_chexlocalizes_human_benchmark(self, made, tmp_path):
        root = made("chexlocalize", tmp_path / "data")
        assert not load_dataset("chexlocalize", root, "test").has_second_reader
        other = json.loads((root / "CheXlocalize/gt_segmentations_val.json").read_text())
        one = json.loads((root / "CheXlocalize/gt_segmentations_test.json").read_text())
        (key,) = one
        drawn = {"img_size": [40, 70], "Pleural Effusion": [[[50, 20], [60, 20], [60, 30], [50, 30]]]}
        (root / "CheXlocalize/hb_annotations_test.json").write_text(json.dumps({key: drawn}))
        dataset = load_dataset("chexlocalize", root, "test")
        mask = dataset.second_reader(dataset[0]).mask.load()
        assert mask.shape == (40, 70)
        assert (mask == made.pillow_mask(drawn["Pleural Effusion"], [40, 70])).all()
        assert other
        # Nobody has read the validation images again.
        assert not load_dataset("chexlocalize", root, "all").has_second_reader


@pytest.mark.parametrize("name", ["nih-boxes", "vindr-cxr", "chest-imagenome"])
def test_an_empty_way_to_make_phrases_is_none(name, made, tmp_path):
    root = made(name, tmp_path / "data")
    with pytest.raises(DatasetError, match=r"the option phrases='' is no way to make phrases: it has no \{class\}"):
        load_dataset(name, root, phrases="")
