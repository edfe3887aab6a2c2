"""Segmenters that take text, with tiny networks: places, phrases, one look at an image, published layouts, runs."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from groundcxr.core import Box, MethodError, Query, Radiograph, WeightsError
from groundcxr.evaluation.check_method import run_checks
from groundcxr.methods.loading import build_method
from groundcxr.methods.marker import find_marker

BRIGHT = (0.3, 0.6, 0.5, 0.8)
KINDS = ("sam3", "clipseg")
PHRASES = ["left opacity", "Small effusion", "upper lobe"]


@pytest.fixture(scope="module")
def ready(saved):
    """Gives a method that has been set up, by the kind of its network; each once."""
    methods = {}

    def method(kind):
        if kind not in methods:
            methods[kind] = build_method("segmenter", {"weights": str(saved(kind)), "boxes": "3"})
            methods[kind].setup("cpu")
        return methods[kind]

    return method


@pytest.fixture
def plant(ready, monkeypatch):
    """A network whose map is what it sees, and whose best box is the bright rectangle in that."""

    def sam3(model):
        def forward(vision_embeds, input_ids, attention_mask):
            found = find_marker(vision_embeds[0].mean(0).numpy())
            height, width = vision_embeds.shape[-2:]
            best = [found.x0 / width, found.y0 / height, found.x1 / width, found.y1 / height]
            return {
                "semantic_seg": vision_embeds.mean(1, keepdim=True),
                "pred_boxes": torch.tensor([[[0.0, 0.0, 0.1, 0.1], best]]),
                "pred_logits": torch.tensor([[-1.0, 3.0]]),
                "presence_logits": torch.tensor([[2.0]]),
            }

        monkeypatch.setattr(model, "get_vision_features", lambda pixel_values: pixel_values)
        monkeypatch.setattr(model, "forward", forward)

    def clipseg(model):
        look, seen = model.clip.get_image_features, []

        def watched(pixels, **arguments):
            seen.append(pixels)
            return look(pixels, **arguments)

        monkeypatch.setattr(model.clip, "get_image_features", watched)
        monkeypatch.setattr(
            model.decoder,
            "forward",
            lambda _, phrases: SimpleNamespace(logits=seen[-1].mean(1).expand(len(phrases), -1, -1)),
        )

    def planted(kind):
        method = ready(kind)
        {"sam3": sam3, "clipseg": clipseg}[kind](method._model)
        return method

    return planted


@pytest.mark.parametrize("name", ["portrait.png", "landscape.jpg", "deep.png", "film.dcm"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_network_marks_is_marked_on_the_image(kind, name, plant, films):
    method = plant(kind)
    image = Radiograph.open(films / name)
    x0, y0, x1, y1 = (round(part * side) for part, side in zip(BRIGHT, image.size * 2, strict=True))
    for answer in method.ground(image, PHRASES):
        pixels = answer.heatmap.to_pixels()
        assert not np.isnan(pixels).any()
        cells = answer.heatmap.values.shape
        found = find_marker(pixels)
        for edge, true, side, count in zip(
            found.as_tuple(), (x0, y0, x1, y1), image.size * 2, cells[::-1] * 2, strict=True
        ):
            assert abs(edge - true) <= side / count + 1
        if kind == "sam3":
            best, other = answer.boxes
            for edge, true, side in zip(best.as_tuple(), (x0, y0, x1, y1), image.size * 2, strict=True):
                assert abs(edge - true) <= side / 56
            presence = 1 / (1 + np.exp(-2.0))
            assert [best.score, other.score] == pytest.approx(
                [presence / (1 + np.exp(-3.0)), presence / (1 + np.exp(1.0))]
            )
        else:
            assert not answer.boxes


@torch.inference_mode()
def test_sam3_answers_as_its_processor_and_the_network_alone(ready, saved, films):
    from transformers import Sam3Model, Sam3Processor

    image = Radiograph.open(films / "landscape.jpg")
    rgb = image.as_pil().convert("RGB")
    processor, model = Sam3Processor.from_pretrained(saved("sam3")), Sam3Model.from_pretrained(saved("sam3")).eval()
    answers = ready("sam3").ground(image, PHRASES)
    for phrase, answer in zip(PHRASES, answers, strict=True):
        outputs = model(
            **{k: v for k, v in processor(rgb, phrase, return_tensors="pt").items() if k != "original_sizes"}
        )
        np.testing.assert_allclose(answer.heatmap.values, outputs.semantic_seg[0, 0].numpy(), atol=1e-5)
        (found,) = processor.post_process_instance_segmentation(
            outputs, threshold=0.0, mask_threshold=0.0, target_sizes=[rgb.size[::-1]]
        )
        order = found["scores"].argsort(descending=True)[:3]
        assert [box.score for box in answer.boxes] == pytest.approx(found["scores"][order].tolist(), abs=1e-5)
        for box, edges in zip(answer.boxes, found["boxes"][order].tolist(), strict=True):
            assert box.as_tuple() == pytest.approx(Box(*edges).clipped(image.size).as_tuple(), abs=1e-3)
    assert not np.allclose(answers[0].heatmap.values, answers[1].heatmap.values, atol=1e-4)


@torch.inference_mode()
def test_clipseg_answers_as_its_processor_and_the_network_alone(ready, saved, films):
    from transformers import CLIPSegForImageSegmentation, CLIPSegProcessor

    image = Radiograph.open(films / "landscape.jpg")
    processor = CLIPSegProcessor.from_pretrained(saved("clipseg"))
    model = CLIPSegForImageSegmentation.from_pretrained(saved("clipseg")).eval()
    inputs = processor(PHRASES, [image.as_pil().convert("RGB")] * 3, padding=True, return_tensors="pt")
    for answer, logits in zip(ready("clipseg").ground(image, PHRASES), model(**inputs).logits, strict=True):
        assert answer.heatmap.extent == Box.whole(image.size)
        np.testing.assert_allclose(answer.heatmap.values, logits.numpy(), atol=1e-5)
    assert not torch.allclose(*model(**inputs).logits[:2], atol=1e-4)


@pytest.mark.parametrize("kind", ["sam3", "clipseg"])
def test_other_phrases_change_nothing(kind, ready, films, same_in_any_batch):
    image = Radiograph.open(films / "landscape.jpg")
    same_in_any_batch(ready(kind), [Query(image, phrase, "") for phrase in [*PHRASES, "a", "b", "c d e f"]])


@pytest.mark.parametrize(
    ("kind", "tower"),
    [("sam3", lambda model: model.vision_encoder), ("clipseg", lambda model: model.clip.vision_model)],
)
def test_an_image_is_looked_at_once_for_all_its_phrases(kind, tower, ready, films):
    method, looks = ready(kind), []
    hook = tower(method._model).register_forward_pre_hook(lambda *_: looks.append(1))
    method.ground(Radiograph.open(films / "portrait.png"), PHRASES * 4)
    hook.remove()
    assert len(looks) == 1


@pytest.mark.parametrize(("kind", "letters"), [("sam3", 30), ("clipseg", 75)])
def test_a_phrase_that_is_cut_is_marked(kind, letters, ready, films):
    answers = ready(kind).ground(Radiograph.open(films / "portrait.png"), ["a" * letters, "a" * (letters + 1)])
    assert [answer.truncated for answer in answers] == [False, True]


def test_the_published_layout_of_sam3_is_the_video_models(ready, saved, tmp_path, films):
    """One file holds the image model, with a prefix, and the tracker; the configuration is that of both."""
    for file in saved("sam3").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = {f"detector_model.{name}": one for name, one in load_file(tmp_path / "model.safetensors").items()}
    tracker = {"tracker_model.memory": torch.zeros(2), "tracker_neck.fpn_layers.0.proj1.weight": torch.zeros(2)}
    save_file({**weights, **tracker}, tmp_path / "model.safetensors", metadata={"format": "pt"})
    inner = json.loads((tmp_path / "config.json").read_text())
    outer = {"architectures": ["Sam3VideoModel"], "model_type": "sam3_video", "detector_config": inner}
    (tmp_path / "config.json").write_text(json.dumps(outer))
    image = Radiograph.open(films / "portrait.png")
    found = []
    for place in (str(tmp_path), f"random:3:{tmp_path}"):
        method = build_method("segmenter", {"weights": place, "boxes": "3"})
        method.setup("cpu")
        found.append(method.ground(image, PHRASES[:1])[0])
    (expected,) = ready("sam3").ground(image, PHRASES[:1])
    np.testing.assert_allclose(found[0].heatmap.values, expected.heatmap.values, atol=1e-6)
    assert found[0].boxes == expected.boxes
    assert not np.allclose(found[1].heatmap.values, expected.heatmap.values, atol=1e-3)

    del weights["detector_model.text_projection.weight"]
    save_file({**weights, **tracker}, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"lacks text_projection\.weight"):
        build_method("segmenter", {"weights": str(tmp_path)}).setup("cpu")


def test_the_decoder_of_clipseg_is_not_dropped(saved, tmp_path):
    for file in saved("clipseg").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    kept = {name: one for name, one in weights.items() if not name.startswith("decoder.film_mul")}
    save_file(kept, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(WeightsError, match=r"lacks decoder\.film_mul\.bias \(and 1 more\)"):
        build_method("segmenter", {"weights": str(tmp_path)}).setup("cpu")
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "architectures": ["CLIPSegModel"]}))
    with pytest.raises(WeightsError, match=r"is of CLIPSegModel, which is no segmenter that takes text .*: Sam3Model"):
        build_method("segmenter", {"weights": str(tmp_path)})


def test_a_tokenizer_whose_end_clipseg_does_not_look_at_is_refused(saved, tmp_path):
    for file in saved("clipseg").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    config["text_config"]["eos_token_id"] = 3
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match=r"takes a text's embedding from token 3 \(eos_token_id 3\)"):
        build_method("segmenter", {"weights": str(tmp_path)}).setup("cpu")


@pytest.mark.parametrize("kind", KINDS)
def test_a_crop_is_refused(kind, saved, monkeypatch):
    method = build_method("segmenter", {"weights": str(saved(kind))})
    load = method.processor

    def cropping(one):
        processor = load(one)
        crop = processor.image_processor

        def centre(images, **arguments):
            side = min(images.size)
            left, top = ((length - side) // 2 for length in images.size)
            return crop(images=images.crop((left, top, left + side, top + side)), **arguments)

        processor.image_processor = centre
        return processor

    monkeypatch.setattr(method, "processor", cropping)
    with pytest.raises(
        MethodError, match=r"seems to get the image's centre crop, and .* as if that were the whole image"
    ):
        method.setup("cpu")


@pytest.mark.parametrize("kind", KINDS)
def test_the_contract_is_kept(kind, saved):
    checks = list(run_checks(build_method("segmenter", {"weights": str(saved(kind))}), "cpu"))
    assert [check for check in checks if check.problem] == []
    assert any("marker" in check.name for check in checks)


@pytest.mark.parametrize(("kind", "boxes"), [("sam3", {"ok": 5}), ("clipseg", None)])
def test_runs_on_files_of_all_kinds(kind, boxes, groundcxr, saved, manifest, ms_cxr):
    method = ("--method", "segmenter", "--set", f"weights={saved(kind)}")
    datasets = ("--dataset", "manifest", "--root", f"manifest={manifest}")
    datasets += ("--dataset", "ms-cxr", "--root", f"ms-cxr={ms_cxr}")
    ran = groundcxr("evaluate", *method, *datasets, "--protocol", "v1")
    assert ran.code == 0, ran.err
    results = [json.loads(Path(line).read_text()) for line in ran.out.splitlines() if line.endswith("result.json")]
    assert {one["dataset"]["name"]: one["statuses"]["auroc"] for one in results} == {
        "manifest": {"ok": 5},
        "ms-cxr": {"ok": 2},
    }
    assert results[0]["statuses"].get("box_iou") == boxes
