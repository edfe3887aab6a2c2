"""The method `vlm` on tiny models of eight families: frames, batches, generation, memory."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from groundcxr.core import GroundCXRError, MethodError, Query, Radiograph, WeightsError
from groundcxr.core.seen import seen
from groundcxr.methods.loading import build_method
from groundcxr.methods.marker import frame_problem

PRESET = {
    "qwen2_vl": "qwen2_vl",
    "qwen2_5_vl": "qwen2_5_vl",
    "qwen3_vl": "qwen3_vl",
    "gemma3": "gemma3",
    "paligemma": "paligemma",
    "kosmos2": "kosmos2",
    "internvl": "internvl",
    "llava_onevision": "llava_fractions",
}
PHRASES = ["left basal opacity", "small right apical pneumothorax, no shift", "effusion"]


def radiograph(size, seed=0):
    width, height = size
    return Radiograph.from_array(np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8))


@pytest.fixture(scope="session")
def vlm(vlm_folder):
    """A method that is set up, with few tokens to write unless a test says otherwise."""

    def build(family, **options):
        settings = {"preset": PRESET[family], "dtype": "float32", "max_new_tokens": 6, **options}
        settings.setdefault("weights", str(vlm_folder(family)))
        method = build_method("vlm", settings)
        method.setup("cpu")
        return method

    return build


@pytest.fixture(scope="session")
def ready(vlm):
    """One method of each family for all tests that change nothing of it."""
    made = {}

    def get(family):
        if family not in made:
            made[family] = vlm(family)
        return made[family]

    return get


@pytest.mark.parametrize("family", PRESET)
def test_a_marker_is_read_at_its_place(ready, family):
    assert frame_problem(ready(family)) is None


def queries():
    images = [radiograph(size, seed) for seed, size in enumerate([(90, 140), (160, 100)])]
    return [Query(image, phrase, "") for image in images for phrase in PHRASES]


@pytest.mark.parametrize("family", PRESET)
def test_a_batch_is_answered_as_its_phrases_are_alone(ready, family):
    method, asked = ready(family), queries()
    together = method.ground_batch(asked)
    alone = [method.ground_batch([query])[0] for query in asked]
    assert [answer.text for answer in together] == [answer.text for answer in alone]
    likely = [answer.written.score for answer in together]
    assert likely == pytest.approx([answer.written.score for answer in alone], abs=1e-4)
    assert len(set(likely)) == len(asked)  # that the input matters at all


@pytest.mark.parametrize("family", PRESET)
def test_logits_of_a_batch_are_those_of_single_calls(ready, family):
    """Padding on the right, which these tokenizers do by themselves, moves them by more than a tenth."""
    method = ready(family)
    asked = method._asker.asked(queries())

    def last(some):
        inputs, _ = method._asker.inputs(some)
        with torch.inference_mode():
            return method._model(**inputs).logits[:, -1]

    torch.testing.assert_close(last(asked), torch.cat([last([one]) for one in asked]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("family", ["qwen2_5_vl", "kosmos2"])
def test_what_a_checkpoint_says_of_generation_does_not_act(ready, family):
    """Greedy decoding by hand, one forward pass a token, gives the text and its mean log-probability."""
    method, query = ready(family), queries()[0]
    (answer,) = method.ground_batch([query])
    inputs, _ = method._asker.inputs(method._asker.asked([query]))
    ids, logs = inputs["input_ids"], []
    for _ in range(6):
        grown = {
            name: torch.nn.functional.pad(
                value, (0, ids.shape[1] - value.shape[1]), value=int(name == "attention_mask")
            )
            if value.dim() == 2 and value.shape[1] == inputs["input_ids"].shape[1]
            else value
            for name, value in inputs.items()
        }
        with torch.inference_mode():
            found = method._model(**{**grown, "input_ids": ids}).logits[0, -1].log_softmax(-1)
        logs.append(float(found.max()))
        ids = torch.cat([ids, found.argmax().reshape(1, 1)], dim=1)
        if ids[0, -1] == 2:
            break
    written = ids[0, inputs["input_ids"].shape[1] :].tolist()
    skip = method.preset.skip_special_tokens
    assert answer.text == method._asker.tokenizer.decode([i for i in written if i != 2], skip_special_tokens=skip)
    assert answer.written.score == pytest.approx(np.mean(logs), abs=1e-4)


def test_what_a_user_says_of_generation_acts(ready, vlm):
    query = [queries()[0]]
    (greedy,) = ready("qwen3_vl").ground_batch(query)
    for options in ({"repetition_penalty": 1.5}, {"num_beams": 3}, {"do_sample": True}):
        method = vlm("qwen3_vl", **options)
        (found,) = method.ground_batch(query)
        assert found.text != greedy.text
        assert method.ground_batch(query)[0].text == found.text
        assert -20 < found.written.score < 0
        assert method.fingerprint() != ready("qwen3_vl").fingerprint()


@pytest.mark.parametrize(("family", "options"), [("qwen3_vl", {}), ("internvl", {}), ("internvl", {"num_beams": 2})])
def test_a_score_is_the_mean_of_transformers_own_transition_scores(vlm, family, options):
    method, query = vlm(family, **options), queries()[:1]
    (answer,) = method.ground_batch(query)
    inputs, _ = method._asker.inputs(method._asker.asked(query))
    found = method._model.generate(**inputs, return_dict_in_generate=True, output_scores=True)
    beams = getattr(found, "beam_indices", None)
    scores = method._model.compute_transition_scores(found.sequences, found.scores, beams, normalize_logits=True)[0]
    tokens = found.sequences[0, inputs["input_ids"].shape[1] :].tolist()
    counted = tokens.index(2) + 1 if 2 in tokens else len(tokens)
    assert answer.written.score == pytest.approx(float(scores[:counted].mean()), abs=1e-4)


def test_an_answer_ends_where_the_model_ends_it(ready, monkeypatch):
    method = ready("qwen2_vl")
    text = method._asker.tokenizer("box", add_special_tokens=False)["input_ids"]

    def generate(input_ids, logits_processor, **_):
        for token in (*text, 2, 0):
            scores = torch.full((1, method._model.config.get_text_config().vocab_size), -5.0)
            scores[0, token] = 5.0 if token else -50.0  # padding, whose probability must not count
            logits_processor[0](input_ids, scores)
            input_ids = torch.cat([input_ids, torch.tensor([[token]])], dim=1)
        return SimpleNamespace(sequences=input_ids)

    monkeypatch.setattr(method._model, "generate", generate)
    (answer,) = method.ground_batch(queries()[:1])
    vocabulary = method._model.config.get_text_config().vocab_size
    assert answer.text == "box"
    assert answer.written.score == pytest.approx(-np.log1p((vocabulary - 1) * np.exp(-10)), rel=1e-3)


def test_a_batch_that_does_not_fit_into_the_memory_is_halved_for_good(vlm, monkeypatch):
    method, asked = vlm("qwen2_vl"), queries()
    expected = [answer.text for answer in method.ground_batch(asked)]
    tried, generate = [], method._model.generate

    def small(input_ids, **others):
        tried.append(len(input_ids))
        if len(input_ids) > limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB")
        return generate(input_ids=input_ids, **others)

    limit = 2
    monkeypatch.setattr(method._model, "generate", small)
    assert [answer.text for answer in method.ground_batch(asked)] == expected
    assert tried == [6, 3, 1, 1, 1, 1, 1, 1]
    tried.clear()
    method.ground_batch(asked[:2])
    assert tried == [1, 1]
    limit = 0
    with pytest.raises(MethodError, match=r"does not fit into memory \(CUDA out of memory\); give fewer image_tokens"):
        method.ground_batch(asked[:1])


def test_a_prompt_beyond_what_the_model_reads_loses_the_phrases_end(vlm):
    method = vlm("kosmos2")
    image = radiograph((90, 140))
    words = "opacity " * 400
    short, long = method.ground_batch([Query(image, "opacity", ""), Query(image, words, "")])
    assert (short.truncated, long.truncated) == (False, True)
    inputs, _ = method._asker.inputs(method._asker.asked([Query(image, words, "")]))
    assert 2000 < inputs["input_ids"].shape[1] <= 2048 - 6
    method._asker._most_tokens = 60
    with pytest.raises(MethodError, match=r"image and prompt take \d+ tokens more than the 60"):
        method.ground_batch([Query(image, "opacity", "")])


def test_a_phrase_with_a_reserved_token_fails_alone(ready):
    with pytest.raises(MethodError, match=r"holds <\|image_pad\|>, which the model reserves"):
        ready("qwen2_vl").ground(radiograph((60, 60)), ["what <|image_pad|> is"])


@pytest.mark.parametrize(
    ("family", "cap", "wanted"),
    [
        ("qwen2_5_vl", 20, lambda one: int(one["image_grid_thw"].prod()) // 4),
        ("internvl", 20, lambda one: 4 * len(one["pixel_values"])),
    ],
)
def test_the_cap_on_image_tokens_is_kept(vlm, ready, family, cap, wanted):
    one = [Query(radiograph((300, 410)), "x", "")]
    method = vlm(family, image_tokens=cap)
    capped, full = (wanted(each._asker.inputs(each._asker.asked(one))[0]) for each in (method, ready(family)))
    assert cap / 2 < capped <= cap < full
    assert frame_problem(method) is None
    assert method.fingerprint() != ready(family).fingerprint()


def test_a_cap_that_the_model_does_not_know_is_refused(vlm):
    with pytest.raises(MethodError, match="cannot keep image_tokens=20 with Gemma3ImageProcessor"):
        vlm("gemma3", image_tokens=20)


def test_sixteen_bits_become_eight(ready):
    method = ready("gemma3")
    pixels = np.random.default_rng(0).integers(0, 256, (80, 60))
    eight, sixteen = (Radiograph.from_array((pixels * times).astype(kind)) for times, kind in ((1, "u1"), (257, "u2")))
    object.__setattr__(sixteen, "windowed", True)  # all of its range is meant
    np.testing.assert_allclose(method.network_input(sixteen).pixels, method.network_input(eight).pixels)


def test_drawn_weights_need_none_and_depend_on_their_seed(vlm, vlm_folder, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    for file in vlm_folder("qwen2_vl").iterdir():
        if file.suffix != ".safetensors":
            (bare / file.name).write_bytes(file.read_bytes())
    one, other = (vlm("qwen2_vl", weights=f"random:{seed}:{bare}") for seed in (1, 2))
    query = queries()[:1]
    assert one.ground_batch(query)[0].written.score != other.ground_batch(query)[0].written.score
    assert one.weights_id() == "random:1:local copy bare (drawn)"
    assert one.trained_on == ()


def test_half_a_model_is_refused(vlm, vlm_folder, tmp_path):
    from safetensors.torch import load_file, save_file

    for file in vlm_folder("paligemma").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    del weights[next(name for name in weights if "patch_embedding.weight" in name)]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"lacks .*patch_embedding\.weight"):
        vlm("paligemma", weights=str(tmp_path))


def test_what_a_checkpoint_lacks_to_be_asked_is_said(vlm, vlm_folder, tmp_path):
    for file in vlm_folder("qwen2_vl").iterdir():
        if "chat_template" not in file.name:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(MethodError, match="no chat template beside the weights"):
        vlm("qwen2_vl", weights=str(tmp_path))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('{"model_type": "llama"}', "is of the type llama, which transformers .* does not know as a vision-language"),
        ("[]", "holds no JSON object"),
        ('{"model_type"', "cannot be read as JSON"),
    ],
)
def test_a_configuration_of_something_else_is_named(vlm, vlm_folder, tmp_path, config, said):
    for file in vlm_folder("qwen2_vl").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(WeightsError, match=said):
        vlm("qwen2_vl", weights=str(tmp_path))


def test_an_answer_as_long_as_all_that_is_read_is_refused_before_anything_is_asked(vlm):
    with pytest.raises(MethodError, match="max_new_tokens is 5000, and the model reads 4096 tokens in all"):
        vlm("qwen2_vl", max_new_tokens=5000)


def test_a_size_that_would_not_act_is_refused(vlm, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        'prompt = "{phrase}"\ngrammar = "bbox_2d"\norder = "xy"\nunit = 1000\n'
        "processor = {size = {shortest_edge = 3136, longest_edge = 3136}}"
    )
    with pytest.raises(MethodError, match="give the area as max_pixels in its place"):
        vlm("qwen2_vl", preset=str(file))


def test_the_preset_of_a_known_model_is_taken_and_told():
    method = build_method("vlm", {"weights": "StanfordAIMI/CheXOne@abc"})
    assert method.options_dict()["preset"] == "chexagent2"
    assert seen(method.trained_on, "ms-cxr") == "MS-CXR"
    drawn = build_method("vlm", {"weights": "random:0:StanfordAIMI/CheXOne"})
    assert drawn.options_dict()["preset"] == "chexagent2"
    assert drawn.trained_on == ()


def test_a_folder_is_known_by_its_name_and_needs_a_preset(tmp_path):
    folder = tmp_path / "medgemma-1.5-4b-it"
    folder.mkdir()
    with pytest.raises(MethodError, match=r"does not know how .*medgemma-1\.5-4b-it writes boxes.*--set preset=NAME"):
        build_method("vlm", {"weights": str(folder)})
    method = build_method("vlm", {"weights": str(folder), "preset": "medgemma"})
    assert seen(method.trained_on, "ms-cxr")
    assert method.licence == "Health AI Developer Foundations terms"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"preset": "qwen"}, "no preset 'qwen'; did you mean 'qwen"),
        ({"preset": "maira2"}, "maira2 is for answers that were made elsewhere: groundcxr import"),
        ({"preset": "gemma3", "prompt": "Where is it?"}, r"has no \{phrase\} in it"),
        ({"preset": "gemma3", "boxes": "0"}, "boxes is 0; it must be at least 1"),
        ({"preset": "gemma3", "dtype": "float16"}, "'bfloat16' or 'float32'"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_once(settings, said):
    with pytest.raises(GroundCXRError, match=said):
        build_method("vlm", {"weights": "owner/name", **settings})


def test_the_prompt_and_all_of_a_preset_file_count_for_the_fingerprint(vlm_folder, tmp_path):
    file = tmp_path / "mine.toml"
    head = 'grammar = "bbox_2d"\norder = "xy"\nunit = 1000\n'
    found = set()
    for prompt, tokens in (("Where is {phrase}?", 64), ("Show {phrase}.", 64), ("Show {phrase}.", 65)):
        file.write_text(f'prompt = "{prompt}"\nmax_new_tokens = {tokens}\n{head}')
        settings = {"weights": str(vlm_folder("qwen3_vl")), "preset": str(file)}
        found |= {build_method("vlm", {**settings, **more}).fingerprint() for more in ({}, {"prompt": "{phrase}!"})}
    assert len(found) == 6
