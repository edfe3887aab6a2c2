"""BioViL and BioViL-T against stored maps and against hi-ml-multimodal itself; weights from parts and folders."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from health_multimodal.image import ImageInferenceEngine
from health_multimodal.image.data import io as himl_io
from health_multimodal.image.data.transforms import create_chest_xray_transform_for_inference
from health_multimodal.image.model import pretrained
from health_multimodal.image.model.model import BaseImageModel, ImageModel
from health_multimodal.text import TextInferenceEngine
from health_multimodal.text.model import CXRBertModel, CXRBertTokenizer
from health_multimodal.vlp import ImageTextInferenceEngine
from PIL import Image
from safetensors.torch import load_file, save_file

from groundcxr.core import Box, MethodError, Query, Radiograph, WeightsError
from groundcxr.methods.contrastive.biovil import BioViL, BioViLOptions, BioViLT, crop_extent, remap_to_uint8
from groundcxr.methods.loading import build_method

STORED = Path(__file__).parents[2] / "data" / "biovil_tall"
META = json.loads((STORED / "meta.json").read_text())
CASES = [(BioViL, "biovil_tall", "resnet18"), (BioViLT, "biovil_t_tall", "resnet18_multi_image")]
PHRASES = ["Small right pleural effusions.", "left basal opacity", "No pneumothorax in the upper lobe!"]


class StoredPatches(BaseImageModel):
    """Answers with stored patch embeddings, which stand in for an image model too large to store."""

    def __init__(self, name):
        super().__init__()
        self.register_buffer("patches", torch.from_numpy(np.load(STORED / f"{name}_patch_embeddings.npy")))
        self.seen = []

    def forward(self, pixels):
        raise NotImplementedError

    def get_patchwise_projected_embeddings(self, pixels, normalize):
        assert normalize
        self.seen.append(pixels)
        return self.patches.expand(len(pixels), -1, -1, -1)


class Counting(ImageModel):
    """hi-ml's image model; counts what it encodes."""

    batches = None

    def get_patchwise_projected_embeddings(self, input_img, normalize):
        if self.batches is not None:
            self.batches.append(len(input_img))
        return super().get_patchwise_projected_embeddings(input_img, normalize)


@pytest.fixture(scope="module")
def text():
    tokenizer = CXRBertTokenizer.from_pretrained(STORED / "cxrbert_tiny")
    return {"text_model": CXRBertModel.from_pretrained(STORED / "cxrbert_tiny"), "tokenizer": tokenizer}


def random_image_model(encoder):
    torch.manual_seed(11)
    return Counting(encoder, 128)


@pytest.fixture(scope="module")
def biovil(text):
    """BioViL with a small random image encoder and a small crop."""
    method = BioViL(image_model=random_image_model("resnet18"), crop_size=240, **text)
    method.setup("cpu")
    return method


def films(tmp_path):
    """Made-up files: portrait JPEG, landscape 16-bit PNG whose values do not start at 0, small 8-bit PNG."""
    rng = np.random.default_rng(5)
    wide = (rng.random((180, 300)) * 3000 + 700).astype(np.uint16)
    Image.fromarray(wide).save(tmp_path / "wide.png")
    Image.fromarray(rng.integers(30, 200, (40, 40), dtype=np.uint8)).save(tmp_path / "tiny.png")
    return [STORED / "tall.jpg", tmp_path / "wide.png", tmp_path / "tiny.png"]


@pytest.mark.parametrize(("kind", "name", "_"), CASES)
def test_stored_maps(kind, name, _, text):
    model = StoredPatches(name)
    method = kind(image_model=model, **text)
    method.setup("cpu")
    (answer,) = method.ground(Radiograph.open(STORED / "tall.jpg"), [META["phrase"]])

    facts = META["models"][name]
    assert answer.heatmap.values.shape == tuple(facts["patch_grid"])
    assert answer.heatmap.extent == Box(*facts["finite_box_xyxy"])
    pixels = answer.heatmap.to_pixels()
    expected = np.load(STORED / "maps_nearest.npz")[name]
    assert np.isnan(pixels).sum() == facts["nan_pixels"]
    np.testing.assert_array_equal(np.isnan(pixels), np.isnan(expected))
    np.testing.assert_allclose(pixels, expected, atol=1e-5, rtol=0)
    assert model.seen[0].shape == (1, 3, facts["crop"], facts["crop"])


def test_the_phrase_is_tokenised_as_stored(text):
    method = BioViL(image_model=StoredPatches("biovil_tall"), **text)
    method.setup("cpu")
    found = method.embed_phrases([META["phrase"]]).detach().numpy()
    np.testing.assert_allclose(found, np.load(STORED / "text_embedding.npy"), atol=1e-6)


@pytest.mark.parametrize(("kind", "_", "encoder"), CASES)
def test_maps_of_himl_itself(kind, _, encoder, text, tmp_path, monkeypatch):
    tokenizer = text["tokenizer"]
    # transformers 5 took the name away that hi-ml calls.
    monkeypatch.setattr(
        type(tokenizer),
        "batch_encode_plus",
        lambda self, batch_text_or_text_pairs, **kwargs: self(batch_text_or_text_pairs, **kwargs),
        raising=False,
    )
    model = random_image_model(encoder).eval()
    method = kind(image_model=model, **text)
    method.setup("cpu")
    reference = ImageTextInferenceEngine(
        ImageInferenceEngine(model, create_chest_xray_transform_for_inference(512, method.crop_size)),
        TextInferenceEngine(tokenizer, text["text_model"].eval()),
    )
    for path, phrase in zip(films(tmp_path), PHRASES, strict=True):
        (answer,) = method.ground(Radiograph.open(path), [phrase])
        expected = reference.get_similarity_map_from_raw_data(path, phrase)
        np.testing.assert_allclose(answer.heatmap.to_pixels(), expected, atol=1e-5, rtol=0)
        assert np.nanstd(expected) > 1e-4


def test_batches_agree_and_encode_each_image_once(biovil, tmp_path, same_in_any_batch):
    images = [Radiograph.open(path) for path in films(tmp_path)]
    queries = [Query(image, phrase, "Edema") for image in images for phrase in PHRASES]
    queries.append(Query(images[0], PHRASES[0], "Edema"))
    biovil._image_model.batches = []
    together = biovil.ground_batch(queries)
    # One at a time, since kernels round otherwise for several.
    assert biovil._image_model.batches == [1, 1, 1]
    assert [answer.heatmap.image_size for answer in together] == [query.image.size for query in queries]
    same_in_any_batch(biovil, queries)
    assert not np.allclose(together[0].heatmap.values, together[1].heatmap.values, atol=1e-3)


@pytest.mark.parametrize("size", [(40, 40), (30, 300), (300, 30), (3, 3)])
def test_odd_sizes_give_a_map(biovil, size):
    width, height = size
    image = Radiograph.from_array(np.arange(width * height, dtype=np.uint16).reshape(height, width))
    (answer,) = biovil.ground(image, ["opacity"])
    assert answer.heatmap.values.shape == (8, 8)
    assert answer.heatmap.extent.inside(size)


def test_an_image_of_one_pixel_is_refused(biovil):
    with pytest.raises(MethodError, match="1x1 pixels is too small"):
        biovil.ground(Radiograph.from_array(np.zeros((1, 1), dtype=np.uint8)), ["opacity"])


def test_crop_by_hand():
    # 300x200: 480/512 of 200 is 187.5, so 187 pixels; margins of 113 and 13, the smaller half first.
    assert crop_extent((300, 200), 480) == Box(56, 6, 243, 193)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_grey_values_as_himl_maps_them(kind):
    pixels = np.random.default_rng(1).integers(7, np.iinfo(kind).max - 3, (61, 53)).astype(kind)
    np.testing.assert_array_equal(remap_to_uint8(pixels), himl_io.remap_to_uint8(pixels))
    assert not remap_to_uint8(np.full((3, 3), 9, dtype=kind)).any()


def test_phrases_that_cannot_be_encoded(biovil):
    image = Radiograph.open(STORED / "tall.jpg")
    with pytest.raises(MethodError, match=r"\[CLS\]"):
        biovil.ground(image, ["opacity", "effusion [CLS]"])
    (answer,) = biovil.ground(image, ["[MASK] opacity"])
    assert answer.heatmap is not None


def test_a_phrase_beyond_the_text_encoders_length_is_cut_and_says_so(biovil):
    image = Radiograph.open(STORED / "tall.jpg")
    # 62 words and two special tokens are the 64 that this encoder reads.
    fits, cut, other = biovil.ground(image, ["opacity " * 62, "opacity " * 63, "opacity " * 62 + "effusion"])
    assert [answer.truncated for answer in (fits, cut, other)] == [False, True, True]
    np.testing.assert_array_equal(cut.heatmap.values, other.heatmap.values)


def test_published_names_and_checksums():
    assert str(BioViL.hub) == f"{pretrained.BIOMED_VLP_CXR_BERT_SPECIALIZED}@{pretrained.CXR_BERT_COMMIT_TAG}"
    assert dict(BioViL.hub.checksums) == {
        pretrained.BIOVIL_IMAGE_WEIGHTS_NAME: f"md5:{pretrained.BIOVIL_IMAGE_WEIGHTS_MD5}"
    }
    assert str(BioViLT.hub) == f"{pretrained.BIOMED_VLP_BIOVIL_T}@{pretrained.BIOVIL_T_COMMIT_TAG}"
    assert dict(BioViLT.hub.checksums) == {
        pretrained.BIOVIL_T_IMAGE_WEIGHTS_NAME: f"md5:{pretrained.BIOVIL_T_IMAGE_WEIGHTS_MD5}"
    }
    # Known before anything is downloaded.
    assert BioViL().weights_fingerprint() == (
        "microsoft/BiomedVLP-CXR-BERT-specialized@v1.1+md5:02ce6ee460f72efd599295f440dbb453"
    )
    assert BioViL().weights_fingerprint() != BioViLT().weights_fingerprint()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A local copy as a user would have it, with random image weights."""
    path = tmp_path_factory.mktemp("copy")
    shutil.copytree(STORED / "cxrbert_tiny", path, dirs_exist_ok=True)
    torch.manual_seed(3)
    torch.save(ImageModel("resnet50", 128).state_dict(), path / BioViL.image_file)
    return path


def test_a_local_folder_loads(folder, text):
    method = build_method("biovil", {"weights": str(folder)})
    method.setup("cpu")
    image = Radiograph.open(STORED / "tall.jpg")
    torch.manual_seed(3)
    same = BioViL(image_model=ImageModel("resnet50", 128), **text)
    same.setup("cpu")
    found, expected = method.ground(image, PHRASES[:1])[0], same.ground(image, PHRASES[:1])[0]
    np.testing.assert_allclose(found.heatmap.values, expected.heatmap.values, atol=1e-6)


def test_the_fingerprint_is_of_the_content(folder, tmp_path, text):
    small = tmp_path / "small"
    shutil.copytree(STORED / "cxrbert_tiny", small)
    (small / BioViL.image_file).write_bytes(b"1")
    moved = tmp_path / "moved"
    shutil.copytree(small, moved)
    (moved / "README.md").write_text("notes")
    fingerprints = [build_method("biovil", {"weights": str(path)}).fingerprint() for path in (small, moved)]
    assert fingerprints[0] == fingerprints[1]
    (moved / BioViL.image_file).write_bytes(b"2")
    assert build_method("biovil", {"weights": str(moved)}).fingerprint() != fingerprints[0]

    one = BioViL(image_model=StoredPatches("biovil_tall"), **text)
    other = StoredPatches("biovil_tall")
    other.patches[0, 0, 0] += 1
    assert one.weights_fingerprint() == BioViL(image_model=StoredPatches("biovil_tall"), **text).weights_fingerprint()
    assert one.weights_fingerprint() != BioViL(image_model=other, **text).weights_fingerprint()


def test_drawn_weights_need_configuration_and_vocabulary_alone(tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(STORED / "cxrbert_tiny", bare, ignore=shutil.ignore_patterns("*.safetensors", "*.bin"))
    image = Radiograph.from_array(np.random.default_rng(0).integers(0, 256, (64, 80), dtype=np.uint8))
    maps = []
    for seed in (1, 1, 2):
        method = build_method("biovil", {"weights": f"random:{seed}:{bare}"})
        method.setup("cpu")
        maps.append(method.ground(image, PHRASES[:1])[0].heatmap.values)
    np.testing.assert_array_equal(maps[0], maps[1])
    assert np.abs(maps[0] - maps[2]).max() > 1e-3
    assert method.trained_on == ()
    assert method.weights_id() == "random:2:local copy bare (drawn)"
    assert bare in method.declared_places()
    fingerprints = {build_method("biovil", {"weights": f"random:{seed}"}).fingerprint() for seed in (1, 2)}
    assert len({*fingerprints, BioViL().fingerprint(), method.fingerprint()}) == 4


def test_files_that_are_missing_or_damaged(folder, tmp_path):
    with pytest.raises(WeightsError, match=r"no folder .*nowhere.*--set weights=DIR.*BiomedVLP-CXR-BERT-specialized"):
        BioViL(BioViLOptions(str(tmp_path / "nowhere"))).setup("cpu")
    with pytest.raises(WeightsError, match=rf"no {BioViLT.image_file} in the folder.*microsoft/BiomedVLP-BioViL-T@v1"):
        BioViLT(BioViLOptions(str(folder))).setup("cpu")

    broken = tmp_path / "broken"
    shutil.copytree(STORED / "cxrbert_tiny", broken)
    (broken / BioViL.image_file).write_bytes(b"<html>not found</html>")
    with pytest.raises(WeightsError, match=rf"{BioViL.image_file} cannot be read as weights: it is a web page"):
        BioViL(BioViLOptions(str(broken))).setup("cpu")
    # A file that would run code when unpickled is refused rather than run.
    torch.save({"hook": print}, broken / BioViL.image_file)
    with pytest.raises(WeightsError, match="asks to run code"):
        BioViL(BioViLOptions(str(broken))).setup("cpu")
    state = torch.load(folder / BioViL.image_file, weights_only=True)
    changes = {"as int8": lambda weight: (weight * 9).to(torch.int8), "NaN in": lambda weight: weight / 0}
    for said, change in changes.items():
        torch.save(state | {(name := next(iter(state))): change(state[name])}, broken / BioViL.image_file)
        with pytest.raises(WeightsError, match=said):
            BioViL(BioViLOptions(str(broken))).setup("cpu")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda state: state.pop("cls_projection_head.dense_to_output.weight"),
            r"lacks cls_projection_head\.dense_to_o",
        ),
        (
            lambda state: state.update({"bert.encoder.layer.9.extra": torch.zeros(1)}),
            r"holds bert\.encoder\.layer\.9\.",
        ),
        (
            lambda state: state.update({"cls_projection_head.dense_to_hidden.weight": torch.zeros(2, 2)}),
            r"has cls_projection_head\.dense_to_hidden\.weight in another shape",
        ),
    ],
    ids=["missing", "left over", "another shape"],
)
def test_text_weights_that_do_not_fit_the_network_are_refused_by_name(tmp_path, change, said):
    copy = tmp_path / "other_bert"
    shutil.copytree(STORED / "cxrbert_tiny", copy)
    state = load_file(copy / "model.safetensors")
    change(state)
    save_file(state, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=said):
        BioViL()._load_text_model(copy)


def test_what_no_answer_depends_on_may_lack_or_be_left_over(tmp_path, text):
    copy = tmp_path / "bert"
    shutil.copytree(STORED / "cxrbert_tiny", copy)
    state = load_file(copy / "model.safetensors")
    for name in [name for name in state if name.startswith("cls.")]:
        del state[name]
    state |= {"bert.pooler.dense.bias": torch.zeros(3), "bert.embeddings.position_ids": torch.zeros(1, 3)}
    save_file(state, copy / "model.safetensors", metadata={"format": "pt"})
    model, _ = BioViL()._load_text_model(copy)
    found, expected = (dict(one.named_parameters()) for one in (model, text["text_model"]))
    assert all(torch.equal(found[name], expected[name]) for name in expected if not name.startswith("cls."))


def test_parts_come_together(text):
    with pytest.raises(MethodError, match="image_model, text_model and tokenizer together"):
        BioViL(**text)
    with pytest.raises(MethodError, match="crop_size with them"):
        BioViL(crop_size=448)
    # The trap of transformers 5: a vocabulary of special tokens only, without an error.
    empty = CXRBertTokenizer(vocab_file=str(STORED / "cxrbert_tiny" / "vocab.txt"))
    if len(empty) == 5:
        with pytest.raises(MethodError, match="knows no words"):
            BioViL(image_model=StoredPatches("biovil_tall"), text_model=text["text_model"], tokenizer=empty)
