"""`florence`: both layouts, its frames and prompts, and its answers as boxes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import Florence2ForConditionalGeneration, Florence2Processor

from groundcxr import evaluate
from groundcxr.core import Box, GroundCXRError, Query, Radiograph
from groundcxr.core.definitions import DEFINITIONS
from groundcxr.datasets import load_dataset
from groundcxr.evaluation.check_method import run_checks
from groundcxr.methods.boxes.florence_network import FlorenceNetwork, Text
from groundcxr.methods.boxes.parsing import write
from groundcxr.methods.loading import build_method

from .folders import ADDED, original_name, write_native, write_original


@pytest.fixture(scope="session")
def native(tmp_path_factory):
    folder = tmp_path_factory.mktemp("florence") / "native"
    write_native(folder)
    return folder


@pytest.fixture(scope="session")
def original(native):
    return write_original(native, native.with_name("original"))


def florence(folder, **settings):
    return build_method("florence", {"weights": str(folder), "preset": "florence2", "max_new_tokens": 12, **settings})


@pytest.fixture(scope="session")
def ready(native, original):
    """The method on the weights in the authors' layout."""
    method = florence(original)
    method.setup("cpu")
    return method


def film(size=(60, 80), seed=0):
    return Radiograph.from_array(np.random.default_rng(seed).integers(0, 256, size[::-1], dtype=np.uint8))


def logits(model, processor_or_tokenizer, pixels, ids):
    with torch.no_grad():
        return model(input_ids=ids, pixel_values=pixels, decoder_input_ids=torch.tensor([[2, 0, 50, 60, 400]])).logits


def both(native, method):
    """The logits of the native model, and those of one that the method has loaded, for one image and prompt."""
    processor = Florence2Processor.from_pretrained(native)
    model = Florence2ForConditionalGeneration.from_pretrained(native).eval()
    picture = film().as_pil().convert("RGB")
    made = processor(images=picture, text="<CAPTION_TO_PHRASE_GROUNDING>right <loc_7>", return_tensors="pt")
    theirs = logits(model, processor, made["pixel_values"], made["input_ids"])
    network = method._network
    ids = network.tokenizer(processor.batch_decode(made["input_ids"])[0], add_special_tokens=False)["input_ids"]
    ours = logits(network.model, network.tokenizer, network.pixels([picture]), torch.tensor([ids]))
    # The word more has no weights in the authors' layout.
    return theirs[..., :-1], ours[..., :-1]


def test_the_authors_layout_gives_the_same_logits(native, ready):
    theirs, ours = both(native, ready)
    assert theirs.std() > 0.1
    torch.testing.assert_close(ours, theirs, atol=5e-7, rtol=0)


def swapped_norms(name):
    return original_name(name.replace("norm1", "norm0").replace("norm2", "norm1").replace("norm0", "norm2"))


@pytest.mark.parametrize(
    "mistake", [{"names": swapped_norms}, {"transposed": False}], ids=["norm1 and norm2", "no transpose"]
)
def test_a_planted_mistake_is_noticed(native, tmp_path, mistake):
    method = florence(write_original(native, tmp_path / "wrong", **mistake))
    if mistake == {"transposed": False}:
        with pytest.raises(GroundCXRError, match=r"image_projection\.weight in another shape"):
            method.setup("cpu")
        return
    method.setup("cpu")
    theirs, ours = both(native, method)
    assert (theirs - ours).abs().max() > 1e-3


def test_tokens_in_another_order_are_refused(native, tmp_path):
    method = florence(write_original(native, tmp_path / "wrong", added=["<image>", *ADDED]))
    with pytest.raises(GroundCXRError, match=r"the tokenizer numbers <od> 262, .* knows it as 261"):
        method.setup("cpu")


def test_a_tokenizer_that_was_saved_with_its_tokens_is_taken_as_it_is(native, ready, tmp_path):
    method = florence(write_original(native, tmp_path / "saved", added=ADDED))
    method.setup("cpu")
    torch.testing.assert_close(*both(native, method), atol=5e-7, rtol=0)


def test_a_checkpoint_that_lacks_a_weight_is_refused_by_name(native, tmp_path):
    def names(name):
        return "extra" if name.endswith("blocks.0.0.channel_block.ffn.fc1.bias") else original_name(name)

    method = florence(write_original(native, tmp_path / "lacking", names=names))
    with pytest.raises(GroundCXRError, match=r"lacks model\.vision_tower\.blocks\.0\.0\.channel_block\.ffn\.fc1\.bias"):
        method.setup("cpu")


def test_weights_of_another_network_are_refused_in_a_sentence(native, tmp_path):
    folder = write_original(native, tmp_path / "other")
    save_file({"other.weight": torch.zeros(2)}, folder / "model.safetensors", metadata={"format": "pt"})
    method = florence(folder)
    with pytest.raises(GroundCXRError, match=r"the weights lack language_model\.model\.shared\.weight"):
        method.setup("cpu")
    (folder / "config.json").write_text('{"model_type": "qwen2_vl"}')
    with pytest.raises(GroundCXRError, match="is of the type qwen2_vl, and method florence needs florence2; give"):
        florence(folder).setup("cpu")


def test_both_layouts_write_the_same(native, ready):
    other = florence(native)
    other.setup("cpu")
    queries = [Query(film(), phrase, "Edema") for phrase in ("a", "right lower opacity")]
    other._network.model.generation_config = ready._network.model.generation_config
    for one, two in zip(ready.ground_batch(queries), other.ground_batch(queries), strict=True):
        assert one.text == two.text
        assert one.written.score == pytest.approx(two.written.score, abs=1e-4)


@pytest.mark.parametrize("beams", [1, 3])
def test_the_score_is_the_mean_probability_of_the_text(ready, beams):
    """Against the log-probabilities of one forward pass over the text."""
    options, ready.options = ready.options, replace(ready.options, num_beams=beams)
    try:
        (answer,) = ready.ground_batch([Query(film(), "opacity", "Edema")])
    finally:
        ready.options = options
    network = ready._network
    seen = network.encode([film().as_pil().convert("RGB")])
    ids = network.tokenizer("<s>Locate the phrases in the caption: opacity</s>", add_special_tokens=False)["input_ids"]
    words = network.model.get_input_embeddings()(torch.tensor([ids]))
    with torch.no_grad():
        states = network.model.model.language_model.encoder(inputs_embeds=torch.cat([seen, words], dim=1))
    text = torch.tensor([network.tokenizer(answer.text, add_special_tokens=False)["input_ids"]])
    with torch.no_grad():
        steps = network.model(encoder_outputs=states, decoder_input_ids=text[:, :-1]).logits.log_softmax(-1)
    chosen = steps.gather(-1, text[:, 1:, None])[0, :, 0]
    # The first word and, at the end of the room, the last are forced, and so certain.
    wanted = float((chosen[1:-1].sum() / len(chosen)).exp())
    # Greedy search leaves out of the sum what the search itself excludes, such as the image's own token.
    assert answer.written.score == pytest.approx(wanted, rel=1e-4 if beams > 1 else 1e-2)


@pytest.mark.parametrize("preset", ["florence2", "agkd"])
@pytest.mark.parametrize("size", [(1272, 1528), (700, 400)])
def test_perfect_answers_are_read_at_their_place(native, monkeypatch, preset, size):
    method = florence(native, preset=preset)
    method.setup("cpu")
    box = Box(size[0] * 0.2, size[1] * 0.3, size[0] * 0.6, size[1] * 0.7)
    text = write([box], method.preset.convention, size)
    monkeypatch.setattr(method._network, "write", lambda *_: [Text(f"</s><s>{text}</s>", 0.5, truncated=False)])
    (answer,) = method.ground_batch([Query(film(size), "opacity", "Edema")])
    (found,) = answer.boxes
    assert found.as_tuple() == pytest.approx(box.as_tuple(), abs=max(size) / 1000)
    assert found.score == 0.5


def test_no_box_was_trained_as_four_zeros(ready, monkeypatch):
    text = "</s><s>opacity<loc_0><loc_0><loc_0><loc_0></s>"
    monkeypatch.setattr(ready._network, "write", lambda *_: [Text(text, 0.5, truncated=False)])
    (answer,) = ready.ground_batch([Query(film(), "opacity", "Edema")])
    assert (answer.boxes, answer.text) == ((), text)


def test_prompts_are_as_trained(native, tmp_path):
    query = Query(film(), "small left effusion", "pleural effusion")
    assert florence(native).prompt(query) == "Locate the phrases in the caption: small left effusion"
    twice = "Locate the phrases in the caption: Locate the phrases in the caption: small left effusion means {}."
    agkd = florence(native, preset="agkd")
    assert agkd.prompt(query) == twice.format(DEFINITIONS["Pleural Effusion"])
    assert agkd.prompt(Query(film(), "edema", "")).endswith(f"edema means {DEFINITIONS['Edema']}.")
    table = tmp_path / "mine.toml"
    table.write_text('"Pleural Effusion" = "water in the chest."\n')
    mine = florence(native, preset="agkd", definitions=str(table))
    assert mine.prompt(query) == twice.format("water in the chest")
    assert len({method.fingerprint() for method in (florence(native), agkd, mine)}) == 3
    with pytest.raises(GroundCXRError, match=r"no definition of 'Edema', .*definitions=FILE\.toml"):
        mine.prompt(Query(film(), "edema", "Edema"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds none"),
        ("Edema = 3", "has no text for 'Edema'"),
        ("Edema", "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_wrong_definitions_are_said(native, tmp_path, text, said):
    path = tmp_path / "table.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(GroundCXRError, match=said):
        florence(native, preset="agkd", definitions=str(path))


def test_what_is_asked_without_definitions_takes_none(native, tmp_path):
    (tmp_path / "table.toml").write_text('Edema = "water"')
    with pytest.raises(GroundCXRError, match="asks without definitions"):
        florence(native, definitions=str(tmp_path / "table.toml"))


def test_the_preset_must_be_said_where_the_weights_are_not_known(native):
    with pytest.raises(GroundCXRError, match="--set preset=NAME, one of florence2, agkd"):
        build_method("florence", {"weights": str(native)})
    known = build_method("florence", {"weights": "RioJune/AG-KD@main"})
    assert (known.options.preset, known.licence, known.trained_on) == ("agkd", "openrail", ("VinDr-CXR", "PadChest"))


def test_a_wrong_frame_is_refused(native, monkeypatch):
    method = florence(native, preset="agkd")
    method.preset = replace(method.preset, convention=florence(native).preset.convention)
    with pytest.raises(GroundCXRError, match="the image padded at both ends"):
        method.setup("cpu")


def test_a_phrase_with_a_token_of_its_own_is_refused(ready):
    with pytest.raises(GroundCXRError, match="a phrase holds <loc_3>"):
        ready.ground_batch([Query(film(), "at <loc_3>", "Edema")])


def test_a_long_phrase_is_cut_and_said_to_be(ready):
    long, short = ready.ground_batch([Query(film(), "opacity " * 100, "Edema"), Query(film(), "opacity", "Edema")])
    assert (long.truncated, short.truncated) == (True, False)


def test_it_keeps_the_contract(original):
    method = florence(original, num_beams=2, max_new_tokens=4)
    assert [check for check in run_checks(method, "cpu") if check.problem] == []


def test_drawn_weights_of_either_layout(native, original):
    for folder in (native, original):
        method = florence(f"random:3:{folder}")
        method.setup("cpu")
        assert method.trained_on == ()
        assert method.ground_batch([Query(film(), "opacity", "Edema")])[0].text


def test_it_is_scored(native, tiny, tmp_path):
    settings = {"weights": str(native), "preset": "agkd", "max_new_tokens": 8, "num_beams": 1}
    result = evaluate("florence", tiny, settings=settings, out=tmp_path)
    assert result.info.texts.answers == len(tiny)
    assert result.info.method.options["preset"] == "agkd"


@pytest.mark.parametrize("preset", ["florence2", "agkd"])
def test_perfect_answers_about_files_of_all_kinds_score_the_ceiling(native, films, tmp_path, monkeypatch, preset):
    convention = florence(native, preset=preset).preset.convention
    dataset = load_dataset("manifest", films)
    texts = {one.phrase: write(one.boxes, convention, one.image_size) for one in dataset}

    def written(self, seen, rows, prompts, settings):
        said = [next(texts[phrase] for phrase in texts if phrase in prompt) for prompt in prompts]
        return [Text(f"</s><s>{text}</s>", 0.5, truncated=False) for text in said]

    monkeypatch.setattr(FlorenceNetwork, "write", written)
    result = evaluate("florence", dataset, settings={"weights": str(native), "preset": preset}, out=tmp_path / "out")
    assert len(result.samples) == 4
    assert result.samples["box_iou"].min() > 0.97
