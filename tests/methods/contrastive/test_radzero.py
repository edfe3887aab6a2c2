"""RadZero from the authors' own layout: their scores, what is refused, and that answers depend on nothing else."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from groundcxr import Query, Radiograph
from groundcxr.core import Box, MethodError, WeightsError
from groundcxr.core.seen import seen
from groundcxr.methods.loading import build_method

STORED = Path(__file__).parents[2] / "data" / "radzero"
PHRASES = json.loads((STORED / "case.json").read_text())["phrases"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The files as the authors' hub repository holds them; random weights, run by their code."""
    folder = tmp_path_factory.mktemp("models") / "RadZero"
    folder.mkdir()
    for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
        shutil.copy(STORED / name, folder)
    words = json.loads((STORED / "vocab.json").read_text())
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    return folder


@pytest.fixture(scope="session")
def radzero(folder):
    method = build_method("radzero", {"weights": str(folder)})
    method.setup("cpu")
    return method


@pytest.fixture(scope="session")
def images():
    stored = np.load(STORED / "inputs.npz")
    return [Radiograph.from_array(stored[name]) for name in ("image0", "image1")]


def changed(folder, tmp_path, *, config=None, weights=None):
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    if config:
        content = json.loads((copy / "config.json").read_text())
        config(content)
        (copy / "config.json").write_text(json.dumps(content))
    if weights:
        state = load_file(copy / "model.safetensors")
        weights(state)
        save_file(state, copy / "model.safetensors")
    return build_method("radzero", {"weights": str(copy)})


def test_scores_are_those_of_the_authors_code(radzero, images):
    expected = np.load(STORED / "expected.npz")
    for number, image in enumerate(images):
        answers = radzero.ground(image, PHRASES)
        scores = expected[f"scores{number}"]
        found = np.stack([answer.heatmap.values for answer in answers])
        np.testing.assert_allclose(found, scores, rtol=0, atol=1e-5 * np.abs(scores).max())
        # Squashed, so the map is of the whole image, whatever its shape.
        assert answers[0].heatmap.extent == Box(0, 0, *image.size)


def test_the_tokens_are_those_of_the_authors_code(radzero):
    stored = np.load(STORED / "expected.npz")["input_ids"]
    padding = radzero._tokenizer.pad_token_id
    for phrase, expected in zip(PHRASES, stored, strict=True):
        assert radzero._tokens(phrase, 64)[0] == [token for token in expected if token != padding]


def test_answers_do_not_depend_on_the_batch(radzero, images, same_in_any_batch):
    same_in_any_batch(radzero, [Query(one, phrase, "") for one in images for phrase in [*PHRASES, "a b c d e f g h"]])


def test_a_phrase_beyond_the_text_encoders_length_is_cut_and_said(radzero, images):
    # 66 positions of which two are kept for padding; two tokens are special.
    fits, long = radzero.ground(images[0], [" ".join(["lung"] * 62), " ".join(["lung"] * 63)])
    assert not fits.truncated
    assert long.truncated
    np.testing.assert_array_equal(fits.heatmap.values, long.heatmap.values)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("vision_model.layernorm.weight"), r"lacks vision_model\.layernorm\.weight"),
        (lambda state: state.update({"text_projector.bias": torch.zeros(96)}), r"holds text_projector\.bias, which"),
        (
            lambda state: state.update({"loss_fns.RadZeroLoss.layer_norm.bias": torch.zeros(3)}),
            r"RadZeroLoss\.layer_norm\.bias has shape 3, the configuration asks for 48",
        ),
    ],
    ids=["missing", "unknown", "another shape"],
)
def test_weights_that_do_not_fit_are_refused_by_name(folder, tmp_path, change, said):
    with pytest.raises(WeightsError, match=said):
        changed(folder, tmp_path, weights=change).setup("cpu")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda config: config.pop("text_config"), r"has no text_config; give"),
        (lambda config: config["vision_config"].update(model_type="m3ae"), r"model_type 'm3ae' in vision_config"),
        (lambda config: config["loss"]["RadZeroLoss"].update(sim_op="dot"), r"sim_op 'dot' .* which has 'cos'"),
    ],
)
def test_another_variant_is_refused_before_its_weights_are_read(folder, tmp_path, change, said):
    with pytest.raises(WeightsError, match=said):
        changed(folder, tmp_path, config=change).setup("cpu")


def test_files_saved_by_transformers_5_are_the_same_model(folder, tmp_path, radzero, images):
    def rename(state):
        names = {name: name.replace(".attention.output.dense.", ".attention.o_proj.") for name in list(state)}
        for part in ("query", "key", "value"):
            old, new = f".attention.attention.{part}.", f".attention.{part[0]}_proj."
            names = {name: found.replace(old, new) for name, found in names.items()}
        for name, new in names.items():
            state[new] = state.pop(name)
        assert "vision_model.encoder.layer.0.attention.q_proj.weight" in state

    method = changed(folder, tmp_path, weights=rename)
    method.setup("cpu")
    (found,), (expected,) = (one.ground(images[0], PHRASES[:1]) for one in (method, radzero))
    np.testing.assert_array_equal(found.heatmap.values, expected.heatmap.values)


def test_drawn_weights_need_no_weights_and_depend_on_their_seed(folder, tmp_path, images):
    bare = tmp_path / "bare"
    shutil.copytree(folder, bare, ignore=shutil.ignore_patterns("*.safetensors"))
    maps = []
    for seed in (1, 1, 2):
        method = build_method("radzero", {"weights": f"random:{seed}:{bare}"})
        method.setup("cpu")
        maps.append(method.ground(images[0], PHRASES[:1])[0].heatmap.values)
    np.testing.assert_array_equal(maps[0], maps[1])
    assert np.abs(maps[0] - maps[2]).max() > 0.1
    assert method.trained_on == ()


def test_a_lacking_vocabulary_or_preparation_is_told(folder, tmp_path):
    for name, said in (("vocab.txt", "vocabulary|processor"), ("preprocessor_config.json", "preprocessor_config.json")):
        copy = tmp_path / name
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns(name))
        with pytest.raises((WeightsError, MethodError), match=said):
            build_method("radzero", {"weights": str(copy)}).setup("cpu")
    with pytest.raises(WeightsError, match="is a file; give the folder that it lies in with --set weights"):
        build_method("radzero", {"weights": str(folder / "model.safetensors")}).setup("cpu")


def test_it_has_seen_the_images_of_ms_cxr(radzero):
    assert seen(radzero.trained_on, "ms-cxr")


def test_it_is_checked_and_evaluated_from_the_command_line(checked_and_evaluated, folder):
    assert checked_and_evaluated("radzero", f"weights={folder}")["statuses"]["auroc"] == {"ok": 2}
