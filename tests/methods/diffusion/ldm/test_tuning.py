"""Tuned embeddings: their losses by hand, what learns and what does not, and a training that was killed."""

import dataclasses
import math
import shutil

import numpy as np
import pytest
import torch

from groundcxr import Radiograph
from groundcxr.core import MethodError, StoreError, WeightsError
from groundcxr.core.place_table import PlaceTable
from groundcxr.methods.diffusion.ldm import tuning_run
from groundcxr.methods.diffusion.ldm.checkpoint import load_checkpoint
from groundcxr.methods.diffusion.ldm.codebook import Codebook, read_book, write_book
from groundcxr.methods.diffusion.ldm.embedding import change_of, encoder_digest, network_digest
from groundcxr.methods.diffusion.ldm.examples import Example, target, usable
from groundcxr.methods.diffusion.ldm.losses import diversity_loss, place_loss
from groundcxr.methods.diffusion.ldm.options import Settings, Tokens
from groundcxr.methods.diffusion.ldm.phrases import token_tensors, tokenize
from groundcxr.methods.diffusion.ldm.placing import location_weights, rows_to_train, word_weights
from groundcxr.methods.diffusion.ldm.recipes import RECIPES, RecipeName, Trained
from groundcxr.methods.diffusion.ldm.tuning import Tuning
from groundcxr.methods.loading import build_method

PHRASES = ("left pleural effusion", "small right effusion", "right lower lobe opacity", "left upper opacity", "edema")
LAYERS = ("up_blocks.1.attentions.0", "up_blocks.2.attentions.0")


def image(seed):
    rng = np.random.default_rng(seed)
    return Radiograph.from_array(rng.integers(0, 256, (72, 64), dtype=np.uint8))


@pytest.fixture(params=["sd_folder", "cxr_bert_folder"])
def folder(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def models():
    """Each loaded once: training changes nothing of them, which a test holds."""
    loaded = {}

    def load(folder):
        if folder not in loaded:
            loaded[folder] = load_checkpoint(str(folder))
        return loaded[folder]

    return load


def training(model, name=RecipeName.WORDS, size=32, **changes):
    recipe = dataclasses.replace(RECIPES[name], **changes)
    examples = [
        Example(str(seed), (64, 72), lambda seed=seed: image(seed), phrase, "Pleural Effusion")
        for seed, phrase in enumerate(PHRASES)
    ]
    chosen = usable(examples, recipe)
    settings = Settings(size=size, layers=LAYERS)
    return Tuning(model, settings, recipe, chosen, PHRASES, PlaceTable.load("phantom")), recipe


def finish(model, out, steps=6, name=RecipeName.WORDS, advance=lambda count=1: None):
    tuning, recipe = training(model, name, batch=2)
    about = {
        "encoder": encoder_digest(model.text_encoder, model.tokenizer),
        "unet": network_digest(model.unet),
        "table": "t",
        "data": "d",
        "recipe": recipe.as_json(),
        "tokens": [],
        "trained_on": ["made-up images", "made-up places"],
    }
    tuning_run.train(tuning, recipe, out, steps=steps, identity="one", about=about, advance=advance)
    return out


def test_the_loss_of_places_by_hand():
    """A = (2, 1 | 0, 2), G = (1, .5 | 0, 1e-6): target (2.1, 1.05 | 0, 1e-7), cosine 5.25 / (3 sqrt(5.5125))."""
    maps = torch.tensor([[[2.0, 1.0], [0.0, 2.0]]], requires_grad=True)
    gaussians = torch.tensor([[[1.0, 0.5], [0.0, 1e-6]]])
    loss = place_loss(maps, gaussians, alpha=0.1)
    assert loss.item() == pytest.approx(1 - math.sqrt(5) / 3, abs=1e-6)
    # What is inside is a constant: d(1 - cos(A, T)) / dA = -(T/|T| - cos A/|A|) / |A|.
    (found,) = torch.autograd.grad(loss.sum(), maps)
    a, t = np.array([2.0, 1, 0, 2]), np.array([2.1, 1.05, 0, 1e-7])
    cosine = a @ t / np.linalg.norm(a) / np.linalg.norm(t)
    by_hand = -(t / np.linalg.norm(t) - cosine * a / np.linalg.norm(a)) / np.linalg.norm(a)
    np.testing.assert_allclose(found.flatten(), by_hand, atol=1e-6)
    # Attention that is the Gaussian's already; and attention that is outside alone, where alpha is 0.
    assert place_loss(gaussians, gaussians, alpha=1.0).item() == pytest.approx(0, abs=1e-6)
    outside = torch.tensor([[[0.0, 0.0], [1.0, 0.0]]])
    assert place_loss(outside, gaussians, alpha=0.0).item() == 1


def test_the_loss_of_tokens_that_are_alike_by_hand():
    """Squared cosines of three maps: 1/2, 0 and 1/2; a fourth token does not count."""
    maps = torch.tensor([[[[1.0, 0.0]], [[1.0, 1.0]], [[0.0, 2.0]], [[5.0, 5.0]]]])
    counted = torch.tensor([[True, True, True, False]])
    assert diversity_loss(maps, counted).item() == pytest.approx(1 / 3)
    assert diversity_loss(maps, torch.tensor([[True, False, False, False]])).item() == 0


def test_the_target_lies_on_the_square_that_the_network_sees():
    """Of an image three times as high as wide, the square's rows are the middle third of the image."""
    table = PlaceTable.load("phantom")
    heart = table.gaussians["heart"]
    found = target(table, "cardiomegaly", (100, 300), (8, 8)).double()
    for row, column in ((0, 0), (5, 3), (7, 6)):
        x, y = (column + 0.5) / 8, (1 + (row + 0.5) / 8) / 3
        value = np.exp(-0.5 * (((x - heart.x) / heart.sigma_x) ** 2 + ((y - heart.y) / heart.sigma_y) ** 2))
        assert found[row, column].item() == pytest.approx(value, abs=1e-6)


def test_the_gradient_reaches_the_named_rows_only(folder, models):
    """Both encoders: no parameter of the model gets a gradient, and no embedding of another word changes."""
    model = models(folder)
    before = [parameter.clone() for part in (model.text_encoder, model.unet) for parameter in part.parameters()]
    tuning, _ = training(model)
    words = model.tokenizer.convert_ids_to_tokens(list(tuning.ids))
    assert {"left", "right"} <= {word.removesuffix("</w>") for word in words}
    assert not any("pleural" in word for word in words)
    losses, gradient = tuning.gradient(0)
    assert 0 < losses.place < 1
    assert gradient.abs().max() > 0
    after = [parameter for part in (model.text_encoder, model.unet) for parameter in part.parameters()]
    assert all(parameter.grad is None for parameter in after)
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    texts = [tokenize(model.tokenizer, text, "", Tokens.PHRASE, model.max_tokens) for text in ("left opacity", "edema")]
    table = model.text_encoder.get_input_embeddings()
    plain = table(token_tensors(texts)[0])
    changed = change_of(tuning.vectors.detach() + 1, word_weights(texts, tuning.ids), replaces=True)(plain)
    moved = (changed != plain).any(2)
    assert moved.tolist() == [[token in tuning.ids for token in text.ids] for text in texts]
    assert moved[0].any()
    assert not moved[1].any()


def test_gradients_are_those_of_finite_differences(sd_folder, models):
    tuning, _ = training(models(sd_folder), batch=2)
    _, gradient = tuning.gradient(3)
    row, column = divmod(int(gradient.abs().argmax()), gradient.shape[1])
    step, values = 1e-2, []
    for sign in (1, -1):
        with torch.no_grad():
            tuning.vectors[row, column] += sign * step
        # The target is held: its part inside the place is a constant for the gradient, so only its slope is compared.
        values.append(tuning.gradient(3)[0].place)
        with torch.no_grad():
            tuning.vectors[row, column] -= sign * step
    assert np.sign(values[0] - values[1]) == np.sign(gradient[row, column].item())


@pytest.mark.parametrize(
    ("name", "encoder"),
    [
        (RecipeName.WORDS, "sd_folder"),
        (RecipeName.WORDS, "cxr_bert_folder"),
        (RecipeName.VECTORS, "sd_folder"),
        (RecipeName.VILOURAS2026, "cxr_bert_folder"),
    ],
)
def test_thirty_steps_lower_the_loss(name, encoder, models, request):
    model = models(request.getfixturevalue(encoder))
    tuning, recipe = training(model, name, rate=0.05, batch=4, from_middle=None)
    optimizer = torch.optim.Adam([tuning.vectors], lr=recipe.rate)
    weighted = []
    for step in range(30):
        losses, tuning.vectors.grad = tuning.gradient(step)
        optimizer.step()
        weighted.append(losses.place + recipe.diversity * losses.diversity)
    assert np.mean(weighted[-5:]) < np.mean(weighted[:5]) - 0.005


def test_rows_are_grouped_without_changing_the_gradient(sd_folder, models, monkeypatch):
    tuning, _ = training(models(sd_folder), size=64, batch=4)
    _, together = tuning.gradient(0)
    monkeypatch.setattr("groundcxr.methods.diffusion.ldm.tuning._CPU_BUDGET", 1)
    _, one_by_one = tuning.gradient(0)
    torch.testing.assert_close(one_by_one, together, rtol=1e-4, atol=1e-7)


class KilledError(Exception):
    pass


def test_a_killed_training_ends_as_an_unbroken_one(sd_folder, models, tmp_path, monkeypatch):
    monkeypatch.setattr(tuning_run, "_SAVE_SECONDS", -1)
    model = models(sd_folder)
    unbroken = finish(model, tmp_path / "unbroken")
    done = []

    def kill_at_the_fourth(count=1):
        done.append(count)
        if len(done) == 4:
            raise KilledError

    with pytest.raises(KilledError):
        finish(model, tmp_path / "broken", advance=kill_at_the_fourth)
    with pytest.raises(WeightsError, match=r"its training has not ended.*run the same `groundcxr tune` again"):
        read_book(str(tmp_path / "broken"))
    told = []
    broken = finish(model, tmp_path / "broken", advance=lambda count=1: told.append(count))
    assert told[0] == 3
    names = sorted(file.name for file in unbroken.iterdir())
    assert names == ["codebook.json", "codebook.safetensors", "log.csv"]
    assert sorted(file.name for file in broken.iterdir()) == names
    for name in names:
        assert (broken / name).read_bytes() == (unbroken / name).read_bytes()
    assert len((broken / "log.csv").read_text().splitlines()) == 7
    assert tuning_run.finished(broken, "one") is not None
    with pytest.raises(MethodError, match="holds a training with another recipe, data or model"):
        tuning_run.finished(broken, "another")


def test_a_folder_that_cannot_be_written_is_told_before_the_first_step(sd_folder, models, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot write .*file: File exists; choose another folder"):
        finish(models(sd_folder), tmp_path / "file", advance=pytest.fail)


@pytest.mark.parametrize("name", [RecipeName.WORDS, RecipeName.VECTORS])
def test_a_book_changes_phrases_that_name_its_places_and_no_others(name, folder, models, tmp_path):
    book = finish(models(folder), tmp_path / "book", name=name)
    plain = build_method("ldm", {"weights": str(folder), "steps": "10", "size": "64"})
    tuned = build_method("ldm", {"weights": str(folder), "steps": "10", "size": "64", "embeddings": str(book)})
    phrases, radiograph = ["small right effusion", "edema"], image(7)
    maps = []
    for method in (plain, tuned):
        method.setup("cpu")
        maps.append([answer.heatmap.values for answer in method.ground(radiograph, phrases)])
    assert np.abs(maps[0][0] - maps[1][0]).max() > 1e-4
    np.testing.assert_array_equal(maps[0][1], maps[1][1])
    assert tuned.fingerprint() != plain.fingerprint()
    assert tuned.weights_id() == f"{plain.weights_id()}; embeddings=local copy book"
    assert tuned.trained_on == ("made-up images", "made-up places")
    assert (plain.supervision, tuned.supervision) == (None, "weak: anatomy")


def test_the_mean_of_the_locations_that_a_phrase_names(sd_folder, models):
    model = models(sd_folder)
    phrases = ["left apical pneumothorax and right basal opacity", "opacity", ""]
    texts = [tokenize(model.tokenizer, phrase or "x", "", Tokens.PHRASE, model.max_tokens) for phrase in phrases]
    weights = location_weights(texts, phrases, ["left apical", "right base"])
    assert weights[1:].abs().max() == 0
    content = [place for place, word in enumerate(texts[0].words) if word and word != "and"]
    assert sorted({place for place, *_ in weights[0].nonzero().tolist()}) == content
    assert weights[0, content].unique().tolist() == [0.5]


def test_tokens_that_other_words_are_made_of_stay_frozen(cxr_bert_folder, models):
    """A BERT's unknown words are all one token, which is nobody's."""
    model = models(cxr_bert_folder)

    def rows(*phrases, trained=Trained.WORDS):
        texts = [tokenize(model.tokenizer, phrase, "", Tokens.PHRASE, model.max_tokens) for phrase in phrases]
        found = rows_to_train(texts, ["Pleural Effusion", "Cardiomegaly"], trained)
        return model.tokenizer.convert_ids_to_tokens(list(found.ids)), found.frozen

    assert rows("left apical xyzzy", "cardiomegaly") == (["left", "cardiomegaly"], ("apical",))
    assert rows("left opacity", "cardiomegaly", trained=Trained.PLACE_WORDS)[0] == ["left"]
    with pytest.raises(MethodError, match="take the recipe vectors"):
        rows("apical xyzzy")


@pytest.fixture
def small_book(sd_folder, models, tmp_path):
    model = models(sd_folder)
    about = {
        "encoder": encoder_digest(model.text_encoder, model.tokenizer),
        "unet": network_digest(model.unet),
        **dict.fromkeys(("table", "data"), "x"),
        "recipe": {},
        "tokens": ["left</w>"],
        "locations": [],
        "trained_on": ["made-up images"],
    }
    folder = tmp_path / "book"
    write_book(folder, Codebook(torch.ones(1, 32), (3,), (), about))
    return folder


def read_with(weights, book):
    method = build_method("ldm", {"weights": str(weights), "steps": "10", "embeddings": str(book)})
    method.setup("cpu")


def test_damaged_and_half_written_books_are_refused(small_book):
    about, vectors = small_book / "codebook.json", small_book / "codebook.safetensors"
    assert read_book(str(small_book)).ids == (3,)
    whole = vectors.read_bytes()
    for content in (whole[:-1], whole[:-4] + b"abcd", b""):
        vectors.write_bytes(content)
        with pytest.raises(WeightsError, match=r"is not what codebook.json beside it says"):
            read_book(str(small_book))
    vectors.unlink()
    with pytest.raises(WeightsError, match="cannot be read"):
        read_book(str(small_book))
    vectors.write_bytes(whole)
    text = about.read_text()
    for wrong, message in (
        ("{", "cannot be read"),
        ("[]", "not of the format"),
        (text.replace('"left</w>"', "3"), "lacks 'tokens'"),
        (text.replace('"locations": []', '"locations": ["left"]'), "does not fit"),
    ):
        about.write_text(wrong)
        with pytest.raises(WeightsError, match=message):
            read_book(str(small_book))
    not_a_number = Codebook(torch.full((1, 32), torch.nan), (3,), (), read_json(text))
    write_book(small_book, not_a_number)
    with pytest.raises(WeightsError, match="does not fit"):
        read_book(str(small_book))
    about.unlink()
    with pytest.raises(WeightsError, match="is not whole"):
        build_method("ldm", {"weights": "x", "embeddings": str(small_book)})
    shutil.rmtree(small_book)
    with pytest.raises(WeightsError, match="there is no folder"):
        build_method("ldm", {"weights": "x", "embeddings": str(small_book)})


def read_json(text):
    import json

    return json.loads(text)


def test_another_encoder_is_refused_and_another_unet_warned_of(
    small_book, sd_folder, cxr_bert_folder, tiny_models, tmp_path, capsys
):
    read_with(sd_folder, small_book)
    assert capsys.readouterr().err == ""
    with pytest.raises(WeightsError, match=r"trained for another text encoder or tokenizer .* leave embeddings out"):
        read_with(cxr_bert_folder, small_book)
    other = shutil.copytree(sd_folder, tmp_path / "other-unet")
    shutil.rmtree(other / "unet")
    donor = tiny_models.save_sd_pipeline(tmp_path / "donor", seed=5)
    shutil.copytree(donor / "unet", other / "unet")
    read_with(other, small_book)
    assert "with another UNet than that of other-unet" in capsys.readouterr().err


def test_the_bundled_book_is_of_the_bundled_model(capsys):
    tuned, plain, drawn = (
        build_method(name, settings)
        for name, settings in (
            ("ldm-phantom-tuned", {}),
            ("ldm-phantom", {}),
            ("ldm-phantom-tuned", {"weights": "random:1"}),
        )
    )
    tuned.setup("cpu")
    assert capsys.readouterr().err == ""
    assert tuned.weights_id() == "ldm-phantom-tuned (bundled)"
    assert tuned.fingerprint() != plain.fingerprint()
    assert any("no boxes of findings" in entry for entry in tuned.trained_on)
    assert tuned.supervision == "weak: anatomy"
    assert drawn.supervision is None
    assert drawn.trained_on == ()


def test_a_hub_copy_and_a_local_one_are_one_encoder(sd_folder, models, tmp_path):
    """What an encoder is known by does not depend on where it lies."""
    model = models(sd_folder)
    copy = load_checkpoint(str(shutil.copytree(sd_folder, tmp_path / "copy")))
    assert encoder_digest(copy.text_encoder, copy.tokenizer) == encoder_digest(model.text_encoder, model.tokenizer)
