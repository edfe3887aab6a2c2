"""The `ldm` method end to end: files in, results out, on small random networks in the hub's own layout."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from groundcxr import Query, Radiograph, evaluate, load_dataset
from groundcxr.core import Box, Grounding, MethodError, UnknownNameError, WeightsError
from groundcxr.evaluation.asking import ground_safely
from groundcxr.evaluation.prediction import Failure
from groundcxr.methods.diffusion.ldm.options import LdmOptions, Tokens
from groundcxr.methods.diffusion.ldm.phrases import tokenize
from groundcxr.methods.loading import build_method

FEW = {"steps": 10}


def radiograph(width, height, seed=0):
    rng = np.random.default_rng(seed)
    return Radiograph.from_array(rng.integers(0, 256, (height, width), dtype=np.uint8))


@pytest.fixture(params=["sd_folder", "cxr_bert_folder"])
def folder(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def ready(sd_folder):
    method = build_method("ldm", {"weights": str(sd_folder), **FEW})
    method.setup("cpu")
    return method


@pytest.fixture
def mixed(tmp_path):
    """A manifest of a landscape JPEG, a portrait 16-bit PNG and a DICOM file."""
    import pydicom
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    data = tmp_path / "data"
    data.mkdir()
    rng = np.random.default_rng(4)
    Image.fromarray(rng.integers(0, 256, (90, 131), dtype=np.uint8)).save(data / "wide.jpg")
    Image.fromarray(rng.integers(0, 60000, (140, 101)).astype(np.uint16)).save(data / "tall.png")
    file = pydicom.Dataset()
    file.file_meta = FileMetaDataset()
    file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    file.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    file.SOPClassUID, file.SOPInstanceUID = (
        file.file_meta.MediaStorageSOPClassUID,
        file.file_meta.MediaStorageSOPInstanceUID,
    )
    file.Rows, file.Columns, file.SamplesPerPixel, file.PixelRepresentation = 120, 77, 1, 0
    file.BitsAllocated, file.BitsStored, file.HighBit = 16, 12, 11
    file.PhotometricInterpretation = "MONOCHROME1"
    file.PixelData = rng.integers(0, 4096, (120, 77), dtype=np.uint16).tobytes()
    file.save_as(data / "film.dcm", enforce_file_format=True)
    (data / "manifest.csv").write_text(
        "image,phrase,pathology,x,y,w,h\n"
        "wide.jpg,small right effusion,Pleural Effusion,30,20,40,30\n"
        "wide.jpg,left lung opacity,Lung Opacity,80,10,30,30\n"
        "tall.png,small right effusion,Pleural Effusion,10,60,40,30\n"
        "film.dcm,left lung opacity,Lung Opacity,5,40,40,30\n"
    )
    return data / "manifest.csv"


def test_both_text_encoders_run_end_to_end(groundcxr, folder, mixed):
    arguments = ["--method", "ldm", "--set", f"weights={folder}", "--set", "steps=10", "--protocol", "v1"]
    ran = groundcxr("evaluate", *arguments, "--protocol", "vilouras2024", "--dataset", "manifest", "--root", mixed)
    assert ran.code == 0, ran.err
    paths = [Path(line) for line in ran.out.splitlines() if line.endswith("result.json")]
    content = json.loads(paths[0].read_text())
    assert content["statuses"]["auroc"] == {"ok": 4}
    assert content["method"]["kind"] == "diffusion"
    assert content["method"]["options"]["steps"] == 10
    assert str(folder) not in paths[0].read_text()
    assert folder.name in content["method"]["weights"]


def test_extents_are_the_centre_squares_to_the_pixel(ready, mixed):
    for sample in load_dataset("manifest", mixed):
        image = Radiograph.open(sample.image_path)
        (answer,) = ready.ground(image, [sample.phrase])
        expected = {
            # The paper's code pads the map by floor(margin / 2) before and the rest behind.
            "wide.jpg": Box(20, 0, 110, 90),
            "tall.png": Box(0, 19, 101, 120),
            "film.dcm": Box(0, 21, 77, 98),
        }[sample.image_path.name]
        assert answer.heatmap.extent == expected
        assert answer.heatmap.image_size == image.size


@pytest.mark.parametrize("extraction", ["inversion", "noise-once", "noise-difference"])
def test_batches_do_not_matter(sd_folder, same_in_any_batch, extraction):
    steps = {} if extraction == "noise-difference" else FEW
    ready = build_method("ldm", {"weights": str(sd_folder), "extraction": extraction, **steps})
    ready.setup("cpu")
    images = [radiograph(64, 64), radiograph(80, 64, 1), radiograph(64, 90, 2)]
    asked = [("right effusion", 0), ("opacity", 0), ("right effusion", 1), ("left lung", 2), ("small opacity", 0)]
    queries = [Query(images[image], phrase, "") for phrase, image in asked]
    maps = same_in_any_batch(ready, queries)
    assert np.abs(maps[0] - maps[1]).max() > 1e-3
    assert np.abs(maps[0] - maps[2]).max() > 1e-3


@pytest.mark.parametrize("extraction", ["noise-once", "noise-difference"])
def test_noised_extractions_repeat_and_differ(sd_folder, extraction):
    maps = []
    for _ in range(2):
        steps = FEW if extraction == "noise-once" else {}
        method = build_method("ldm", {"weights": str(sd_folder), "extraction": extraction, **steps})
        method.setup("cpu")
        answers = method.ground(radiograph(64, 64), ["right effusion", "opacity"])
        maps.append([answer.heatmap.values for answer in answers])
    np.testing.assert_array_equal(maps[0], maps[1])
    assert np.abs(maps[0][0] - maps[0][1]).max() > 1e-4


def test_unusual_input_ends_in_a_result_or_a_status(ready):
    black = Radiograph.from_array(np.zeros((70, 64), dtype=np.uint8))
    long = " ".join(["effusion"] * 200)
    queries = [
        Query(black, "effusion", ""),
        Query(radiograph(40, 40), "effusion", ""),
        Query(radiograph(64, 64), long, ""),
        Query(radiograph(64, 64), "", ""),
        Query(radiograph(64, 64), "  ", ""),
        Query(radiograph(64, 64), "ŋŧ ж", ""),
    ]
    *fine, empty, blank, unknown = ground_safely(ready, queries)
    assert all(isinstance(answer, Grounding) for answer in fine)
    for answer in (empty, blank):
        assert isinstance(answer, Failure)
        assert "no tokens to ground" in answer.message
    assert isinstance(unknown, Grounding | Failure)
    # Cut off where the text encoder's length ends: more of the same words changes nothing.
    longer = ready.ground(radiograph(64, 64), [long + " effusion effusion"])[0]
    np.testing.assert_allclose(longer.heatmap.values, fine[2].heatmap.values, atol=1e-6)
    assert [answer.truncated for answer in (*fine, longer)] == [query.phrase == long for query in queries[:-3]] + [True]


def test_words_unknown_to_a_bert_are_still_words(cxr_bert_folder):
    method = build_method("ldm", {"weights": str(cxr_bert_folder), **FEW})
    method.setup("cpu")
    (answer,) = method.ground(radiograph(64, 64), ["xyzzy"])
    assert np.isfinite(answer.heatmap.values).all()


def test_which_tokens_count(cxr_bert_folder):
    method = build_method("ldm", {"weights": str(cxr_bert_folder), **FEW})
    method.setup("cpu")
    tokenizer, length = method._model.tokenizer, method._model.max_tokens

    def words(phrase, tokens, pathology="Pleural Effusion"):
        found = tokenize(tokenizer, phrase, pathology, tokens, length)
        return tokenizer.convert_ids_to_tokens([found.ids[place] for place in found.chosen])

    phrase = "there is small right pleural effusions."
    whole = words(phrase, Tokens.PHRASE)
    assert whole[0] != tokenizer.cls_token
    assert whole[-1] == "."
    assert set(words(phrase, Tokens.CONTENT)) == set(whole) - {"there", "is", "."}
    assert words(phrase, Tokens.PATHOLOGY) == words("pleural effusions", Tokens.PHRASE)
    with pytest.raises(MethodError, match="no word of 'Edema'"):
        tokenize(tokenizer, phrase, "Edema", Tokens.PATHOLOGY, length)


def test_presets_and_options():
    assert LdmOptions().settings().steps == 300
    assert LdmOptions(preset="vilouras2026-frozen").settings().steps == 100
    assert LdmOptions(preset="vilouras2026-frozen", steps=50).settings().steps == 50
    assert LdmOptions(preset="fast").settings() == LdmOptions(steps=3).settings()
    assert LdmOptions(steps=100, read=(0.4, 0.6)).settings().step_range() == (40, 60)
    same = build_method("ldm", {"preset": "vilouras2026-frozen"}).options_dict()
    assert same == build_method("ldm", {"steps": "100"}).options_dict()
    for wrong, message in (
        ({"read": "0.6,0.4"}, "two fractions of 0 to 1, the first the smaller"),
        ({"blur": "nan"}, "blur must be 0 to 1000"),
        ({"blur": "1e9"}, "blur must be 0 to 1000"),
        ({"size": "3"}, "size must be 8 to 4096, or 0"),
        ({"size": "100000"}, "size must be 8 to 4096, or 0"),
    ):
        with pytest.raises(MethodError, match=message):
            build_method("ldm", wrong)
    with pytest.raises(MethodError, match="'noise-once', 'noise-difference' or 'bimodal'"):
        build_method("ldm", {"extraction": "magic"})
    with pytest.raises(MethodError, match="noise-difference reads no attention: leave out steps and tokens"):
        build_method("ldm", {"extraction": "noise-difference", "steps": "50", "tokens": "phrase"})
    same_maps = {"preset": "vilouras2024", "otsu": "false"}
    one, other = (build_method("ldm-phantom", {"extraction": "noise-difference", **more}) for more in ({}, same_maps))
    assert "steps" not in one.options_dict()
    assert one.fingerprint() == other.fingerprint()
    with pytest.raises(UnknownNameError, match="did you mean 'steps'"):
        build_method("ldm", {"step": 3})


def test_weights_are_known_by_their_content(sd_folder, tmp_path):
    copy = tmp_path / "elsewhere"
    shutil.copytree(sd_folder, copy)
    one, other = (build_method("ldm", {"weights": str(path)}) for path in (sd_folder, copy))
    assert one.fingerprint() == other.fingerprint()
    path = next((copy / "unet").glob("*.safetensors"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert build_method("ldm", {"weights": str(copy)}).fingerprint() != one.fingerprint()


@pytest.mark.parametrize("option", [{"dtype": "bfloat16"}, {"compile": "true"}])
def test_what_only_a_gpu_does_is_refused_on_a_cpu(tiny, tmp_path, option):
    """A result must not say bfloat16 of what was computed in float32."""
    with pytest.raises(MethodError, match="on a CPU: leave dtype and compile out"):
        evaluate("ldm-phantom", tiny, out=tmp_path, settings=option, device="cpu")


def test_weights_that_are_not_there(tmp_path, tiny):
    with pytest.raises(WeightsError, match="--set weights=DIR"):
        evaluate("ldm", tiny, out=tmp_path)
    with pytest.raises(WeightsError, match="nowhere"):
        evaluate("ldm", tiny, out=tmp_path, settings={"weights": str(tmp_path / "nowhere")})


def test_the_papers_checkpoint_runs(monai_folder, tiny, tmp_path):
    settings = {"weights": f"monai:{monai_folder}", **FEW}
    result = evaluate("ldm", tiny, "vilouras2024", out=tmp_path, settings=settings)
    assert result.info.n_failed == 0
    assert result.info.method.weights == f"monai:local copy {monai_folder.name}"
