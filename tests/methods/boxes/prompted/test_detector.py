"""Open-vocabulary detectors with tiny networks: places, phrases, scores, weights that do not fit, runs."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file

from groundcxr.core import Box, MethodError, Query, Radiograph, WeightsError
from groundcxr.evaluation.check_method import run_checks
from groundcxr.methods.loading import build_method
from groundcxr.methods.marker import find_marker

BRIGHT = (0.3, 0.6, 0.5, 0.8)
KINDS = ("grounding_dino", "mm_grounding_dino", "owl_vit", "owlv2", "omdet_turbo")
PHRASES = ["left opacity", "Small base", "upper lobe"]  # short: a token a letter, of which OWL reads 14


@pytest.fixture(scope="module")
def ready(saved):
    """Gives a method that has been set up, by the kind of its network; each once."""
    methods = {}

    def method(kind):
        if kind not in methods:
            methods[kind] = build_method("detector", {"weights": str(saved(kind)), "boxes": "3"})
            methods[kind].setup("cpu")
        return methods[kind]

    return method


def answered(kind, boxes, logits, count):
    """What a network of a kind answers: boxes x0, y0, x1, y1 in fractions of its input `[q, 4]`, their logits `[q]`."""
    x0, y0, x1, y1 = torch.tensor(boxes).unbind(1)
    centred = torch.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], 1).expand(count, -1, -1)
    logits = torch.tensor(logits)[None, :, None].expand(count, -1, -1)
    if kind == "omdet_turbo":
        return SimpleNamespace(
            decoder_coord_logits=centred, decoder_class_logits=logits, classes_structure=torch.ones(count)
        )
    return SimpleNamespace(pred_boxes=centred, logits=logits, input_ids=torch.zeros(count, 3, dtype=torch.int64))


class Planted:
    """A network that answers with the bright rectangle which it sees, and two others of lower scores."""

    def __init__(self, kind, config, others=((0.0, 0.0, 0.1, 0.1), (0.2, 0.1, 0.4, 0.3))):
        self.kind, self.config, self.others = kind, config, [list(box) for box in others]

    def __call__(self, pixel_values, input_ids=None, **inputs):
        self.seen = pixel_values
        found = find_marker(pixel_values[0].mean(0).numpy())
        height, width = pixel_values.shape[-2:]
        boxes = [*self.others, [found.x0 / width, found.y0 / height, found.x1 / width, found.y1 / height]]
        outputs = answered(self.kind, boxes, [-1.0, -2.0, 3.0], len(pixel_values))
        if self.kind in ("owl_vit", "owlv2"):  # all phrases are queries about one image
            outputs.logits = outputs.logits.expand(-1, -1, len(input_ids))
        return outputs


@pytest.fixture
def plant(ready, monkeypatch):
    def planted(kind, **arguments):
        method = ready(kind)
        monkeypatch.setattr(method, "_model", Planted(kind, method._model.config, **arguments))
        return method

    return planted


@pytest.mark.parametrize("name", ["portrait.png", "landscape.jpg", "deep.png", "film.dcm"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_network_marks_is_marked_on_the_image(kind, name, plant, films):
    method = plant(kind)
    image = Radiograph.open(films / name)
    for answer in method.ground(image, PHRASES):
        best, *others = answer.boxes
        wanted = Box(*(round(part * side) for part, side in zip(BRIGHT, image.size * 2, strict=True)))
        network = method._model.seen.shape[-1], method._model.seen.shape[-2]
        frame = (max(image.size),) * 2 if kind == "owlv2" else image.size
        for found, true, side, pixels in zip(best.as_tuple(), wanted.as_tuple(), frame * 2, network * 2, strict=True):
            assert abs(found - true) <= side / pixels
        assert [round(box.score, 6) for box in (best, *others)] == [0.952574, 0.268941, 0.119203]


def test_boxes_are_clipped_and_those_without_a_pixel_dropped(plant, films):
    # The lower part of what OWLv2 sees of a landscape is padding: of 140 rows those from 100 on.
    method = plant("owlv2", others=((0.1, 0.8, 0.5, 0.9), (0.2, 0.5, 1.2, 0.9)))
    (answer,) = method.ground(Radiograph.open(films / "landscape.jpg"), ["opacity"])
    assert len(answer.boxes) == 2
    assert answer.boxes[1].as_tuple() == pytest.approx((28, 70, 140, 100))


@pytest.mark.parametrize(
    ("options", "count"), [({}, 1), ({"boxes": 2}, 2), ({"boxes": 9}, 3), ({"boxes": 9, "min_score": 0.2}, 2)]
)
def test_so_many_boxes_count_as_the_options_say(saved, films, options, count, monkeypatch):
    method = build_method("detector", {"weights": str(saved("owl_vit")), **options})
    method.setup("cpu")
    monkeypatch.setattr(method, "_model", Planted("owl_vit", method._model.config))
    (answer,) = method.ground(Radiograph.open(films / "portrait.png"), ["opacity"])
    scores = [box.score for box in answer.boxes]
    assert len(scores) == count
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("options", [{"boxes": 0}, {"min_score": 1.5}])
def test_options_that_leave_no_answer_are_refused(saved, options):
    with pytest.raises(MethodError, match="options of the method 'detector' do not fit"):
        build_method("detector", {"weights": str(saved("owl_vit")), **options})


@torch.inference_mode()
@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_those_of_the_processor_and_the_network_alone(kind, ready, saved, films):
    """As the model cards show it: one phrase, one image, no batch."""
    import transformers

    method = ready(kind)
    image = Radiograph.open(films / "landscape.jpg")
    rgb = image.as_pil().convert("RGB")
    processor = transformers.AutoProcessor.from_pretrained(saved(kind))
    model = transformers.AutoModelForZeroShotObjectDetection.from_pretrained(saved(kind)).eval()
    answers = method.ground(image, PHRASES * 4)  # more than go through the network at once
    assert any(answer.boxes for answer in answers)
    for phrase, answer in zip(PHRASES * 4, answers, strict=True):
        inputs = processor(images=rgb, text=[[phrase]], return_tensors="pt", truncation=True)
        (found,) = processor.post_process_grounded_object_detection(
            outputs=model(**inputs), threshold=0.0, target_sizes=[rgb.size[::-1]]
        )
        boxes = [Box(*edges).clipped(image.size) for edges in found["boxes"].tolist()]
        held = [number for number, box in enumerate(boxes) if box.width >= 2 and box.height >= 2]
        expected = sorted((found["scores"][number].item() for number in held), reverse=True)[:3]
        scores = [box.score for box in answer.boxes if box.width >= 2 and box.height >= 2]
        assert scores == pytest.approx(expected[: len(scores)], abs=1e-5)
        assert not answer.truncated


@pytest.mark.parametrize("kind", ["grounding_dino", "mm_grounding_dino", "omdet_turbo"])
def test_other_phrases_change_nothing(kind, ready, films, same_in_any_batch):
    image = Radiograph.open(films / "landscape.jpg")
    same_in_any_batch(ready(kind), [Query(image, phrase, "") for phrase in [*PHRASES, "a", "b", "c d e f"]])


@pytest.mark.parametrize("kind", ["grounding_dino", "mm_grounding_dino"])
def test_the_dinos_are_asked_about_one_thing_in_lower_case(kind, ready, films, monkeypatch):
    method = ready(kind)
    seen = []
    forward = method._model.forward
    monkeypatch.setattr(
        method._model, "forward", lambda **inputs: seen.append(inputs["input_ids"]) or forward(**inputs)
    )
    image = Radiograph.open(films / "portrait.png")
    method.ground(image, ["Right. lower lobe? Small effusion.", "left\nlower lobe"])
    tokens = [[method._processor.tokenizer.convert_ids_to_tokens(ids) for ids in rows] for rows in seen]
    assert tokens == [
        [["[CLS]", "right", "lower", "lobe", "small", "effusion", ".", "[SEP]"]],
        [["[CLS]", "left", "lower", "lobe", ".", "[SEP]"]],
    ]
    # By these ids the network parts a text into blocks that do not see each other.
    assert [((ids == 1012) | (ids == 1029)).sum(1).tolist() for ids in seen] == [[1], [1]]


@pytest.mark.parametrize(
    ("kind", "fits"),
    # In tokens: the DINOs' 32 hold [CLS], the dot and [SEP]; OWL's 16 and OmDet's 77 a start and an end, and of OmDet
    # "Detect", here a token a letter, and the dot.
    [
        ("grounding_dino", " ".join(["lobe"] * 29)),
        ("owl_vit", "a" * 14),
        ("owlv2", "b" * 14),
        ("omdet_turbo", "c" * 68),
    ],
)
def test_a_phrase_that_is_cut_is_marked(kind, fits, ready, films):
    longer = f"{fits} lobe" if kind == "grounding_dino" else f"{fits}x"
    method = ready(kind)
    image = Radiograph.open(films / "portrait.png")
    assert [one.truncated for one in method.ground(image, [fits, longer])] == [False, True]


@pytest.mark.parametrize("kind", ["owl_vit", "owlv2"])
def test_owl_looks_at_an_image_once(kind, ready, films):
    method, looks = ready(kind), []
    tower = getattr(method._model, method._model.base_model_prefix).vision_model
    hook = tower.register_forward_pre_hook(
        lambda _, inputs, named: looks.append(len(named["pixel_values"])), with_kwargs=True
    )
    method.ground(Radiograph.open(films / "portrait.png"), PHRASES)
    hook.remove()
    assert looks == [1]


def test_a_phrase_with_the_tokenizers_own_tokens_is_refused(ready, films):
    with pytest.raises(MethodError, match=r"holds \[SEP\], which the tokenizer of detector reserves"):
        ready("grounding_dino").ground(Radiograph.open(films / "portrait.png"), ["left [SEP] right"])


@pytest.mark.parametrize("kind", KINDS)
def test_the_contract_is_kept(kind, saved):
    checks = list(run_checks(build_method("detector", {"weights": str(saved(kind))}), "cpu"))
    assert [check for check in checks if check.problem] == []
    assert any("marker" in check.name for check in checks)


def crop(processor):
    processor.image_processor.do_center_crop = True
    processor.image_processor.crop_size = {"height": 48, "width": 48}


def read_otherwise(change):
    """Plants an error in what the processor makes of boxes, `[n, 4]` in pixels of the image."""

    def plant(processor):
        read = processor.post_process_grounded_object_detection

        def changed(**arguments):
            found = read(**arguments)
            return [{**one, "boxes": change(one["boxes"], arguments["target_sizes"][0])} for one in found]

        processor.post_process_grounded_object_detection = changed

    return plant


swap = read_otherwise(lambda boxes, size: boxes[:, [1, 0, 3, 2]])
sides_as_corner = read_otherwise(lambda boxes, size: torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1))
thousandths = read_otherwise(lambda boxes, size: boxes * 1000 / torch.tensor([*size[::-1], *size[::-1]]))
resized = read_otherwise(lambda boxes, size: boxes * 64 / torch.tensor([*size[::-1], *size[::-1]]))
unpadded = read_otherwise(lambda boxes, size: boxes * max(size) / torch.tensor([*size[::-1], *size[::-1]]))


@pytest.mark.parametrize(
    ("kind", "error", "said"),
    [
        ("owl_vit", crop, "read as if that were the whole image"),
        ("omdet_turbo", swap, "with x and y swapped"),
        ("grounding_dino", sides_as_corner, "with its width and height as a corner"),
        ("omdet_turbo", thousandths, "in another unit"),
        ("owl_vit", resized, "as if that were the image in its own pixels"),
        ("owl_vit", unpadded, "as if that were the image padded on the right or at the bottom"),
    ],
)
def test_a_wrong_frame_is_refused(kind, error, said, saved, monkeypatch):
    method = build_method("detector", {"weights": str(saved(kind))})
    load = method.processor
    monkeypatch.setattr(method, "processor", lambda one: (processor := load(one), error(processor))[0])
    with pytest.raises(MethodError, match=f"reads places in another frame than its network sees.*{said}"):
        method.setup("cpu")


def test_owlv2_boxes_by_width_and_height_are_refused(saved, monkeypatch):
    from transformers.models.owlv2 import image_processing_owlv2 as library

    def by_sides(boxes, sizes):
        return boxes * torch.tensor([[size[1], size[0], size[1], size[0]] for size in sizes])[:, None]

    monkeypatch.setattr(library, "_scale_boxes", by_sides)
    with pytest.raises(MethodError, match=r"padded on the right or at the bottom.*as if that were the whole image"):
        build_method("detector", {"weights": str(saved("owlv2"))}).setup("cpu")


def copied(folder, tmp_path, change):
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    weights = load_file(copy / "model.safetensors")
    change(weights)
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    return copy


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda weights: weights.pop("class_head.dense0.weight"), r"lacks class_head\.dense0\.weight"),
        (lambda weights: weights.update(extra=torch.zeros(1)), "holds extra"),
    ],
)
def test_half_loaded_weights_are_refused_by_name(saved, tmp_path, change, said):
    copy = copied(saved("owl_vit"), tmp_path, change)
    with pytest.raises(WeightsError, match=said):
        build_method("detector", {"weights": str(copy)}).setup("cpu")


def test_positions_that_older_files_hold_are_no_left_over(saved, tmp_path):
    name = "owlvit.text_model.embeddings.position_ids"
    copy = copied(saved("owl_vit"), tmp_path, lambda weights: weights.update({name: torch.arange(16)[None]}))
    build_method("detector", {"weights": str(copy)}).setup("cpu")


@pytest.mark.parametrize("kind", ["grounding_dino", "owl_vit"])
def test_a_tokenizer_without_its_vocabulary_is_refused(kind, saved, tmp_path):
    for file in saved(kind).iterdir():
        if not file.name.startswith(("tokenizer", "vocab", "merges")):
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(WeightsError, match=rf"the tokenizer in {tmp_path} knows no words; its vocabulary is missing"):
        build_method("detector", {"weights": str(tmp_path)}).setup("cpu")


def test_another_kind_of_model_is_refused(saved):
    with pytest.raises(
        WeightsError, match=r"is of CLIPSegForImageSegmentation, which is no detector .*: GroundingDino"
    ):
        build_method("detector", {"weights": str(saved("clipseg"))}).setup("cpu")


@pytest.mark.parametrize("stated", ["5", "[]", "null"])
def test_a_configuration_that_names_no_network_is_refused(tmp_path, stated):
    (tmp_path / "config.json").write_text(f'{{"architectures": {stated}}}')
    with pytest.raises(WeightsError, match="is of no architecture, which is no detector known here; give the weights"):
        build_method("detector", {"weights": str(tmp_path)})


def test_published_weights_say_what_they_have_seen_and_what_is_cited(saved, tmp_path):
    copy = shutil.copytree(saved("mm_grounding_dino"), tmp_path / "LLMDet_tiny")
    method = build_method("detector", {"weights": str(copy)})
    assert "GroundingCap-1M" in method.trained_on
    assert method.licence == "Apache-2.0"
    assert "zhao2024mmgroundingdino" in method.citation
    assert "liu2024groundingdino" not in method.citation
    assert build_method("detector", {"weights": f"random:0:{copy}"}).trained_on == ()
    assert build_method("detector", {"weights": str(saved("owlv2"))}).trained_on == ()


def test_drawn_weights_need_no_file_and_depend_on_the_seed(saved, tmp_path, films):
    for file in saved("grounding_dino").iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    image = Radiograph.open(films / "portrait.png")
    answers = []
    for seed in (1, 1, 2):
        method = build_method("detector", {"weights": f"random:{seed}:{tmp_path}"})
        method.setup("cpu")
        answers.append(method.ground(image, ["opacity"])[0].boxes)
    assert answers[0] == answers[1]
    assert answers[0] != answers[2]


@pytest.mark.parametrize("kind", KINDS)
def test_runs_on_files_of_all_kinds(kind, groundcxr, saved, manifest, ms_cxr):
    method = ("--method", "detector", "--set", f"weights={saved(kind)}", "--set", "boxes=9")
    datasets = ("--dataset", "manifest", "--root", f"manifest={manifest}")
    datasets += ("--dataset", "ms-cxr", "--root", f"ms-cxr={ms_cxr}")
    ran = groundcxr("evaluate", *method, *datasets, "--protocol", "v1")
    assert ran.code == 0, ran.err
    results = [json.loads(Path(line).read_text()) for line in ran.out.splitlines() if line.endswith("result.json")]
    assert {one["dataset"]["name"]: one["statuses"]["box_iou"] for one in results} == {
        "manifest": {"ok": 5},
        "ms-cxr": {"ok": 2},
    }
    assert results[0]["method"]["kind"] == "box"
