"""`sam`: the masks of SamModel, laid on the image; against the same network called by hand."""

import numpy as np
import pytest
import torch
from transformers import SamModel, SamProcessor

from groundcxr import evaluate
from groundcxr.core import Box, GroundCXRError, Query, Radiograph
from groundcxr.datasets import load_dataset
from groundcxr.evaluation.check_method import run_checks
from groundcxr.methods.loading import build_method


@pytest.fixture
def refined(tiny_sam, maps):
    def build(asked):
        method = build_method("sam", {"method": f"{maps}:{asked}", "weights": str(tiny_sam)})
        method.setup("cpu")
        return method

    return build


def film(size, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0]), dtype=np.uint8)
    return Radiograph.from_array(pixels)


def by_hand(folder, image, **prompts):
    """Mask logits on the network's own grid, its padding cut off, and the predicted IoUs."""
    processor, model = SamProcessor.from_pretrained(folder), SamModel.from_pretrained(folder).eval()
    inputs = processor(images=image.as_pil().convert("RGB"), return_tensors="pt", **prompts)
    height, width = inputs["reshaped_input_sizes"][0].tolist()
    with torch.no_grad():
        made = model(
            **{
                key: inputs[key].float() if "input" in key and "labels" not in key else inputs[key]
                for key in ("pixel_values", *prompts, *(["input_labels"] if "input_points" in prompts else []))
            },
            multimask_output="input_points" in prompts,
        )
    return made.pred_masks[0, 0, :, : height // 4, : width // 4].sigmoid().numpy(), made.iou_scores[0, 0].numpy()


@pytest.mark.parametrize("size", [(128, 256), (512, 384)])
def test_masks_of_boxes_are_those_of_the_network(refined, tiny_sam, size):
    image = film(size)
    (answer,) = refined("Boxed").ground_batch([Query(image, "effusion", "")])
    box = [size[0] / 8, size[1] / 8, size[0] / 2, size[1] / 2]
    (mask,), _ = by_hand(tiny_sam, image, input_boxes=[[box]])
    np.testing.assert_allclose(answer.heatmap.values, mask, atol=1e-5)
    assert answer.heatmap.extent == Box.whole(size)
    inside = np.argwhere(mask > 0.5)
    scale = size[0] / mask.shape[1]
    (y0, x0), (y1, x1) = inside.min(axis=0) * scale, (inside.max(axis=0) + 1) * scale
    (found,) = answer.boxes
    assert (found.as_tuple(), found.score) == ((x0, y0, x1, y1), 0.75)


def test_a_map_s_highest_place_asks_for_the_mask_of_the_best_predicted_iou(refined, tiny_sam):
    image = film((384, 288))
    method = refined("Maps")
    (asked,) = method.only().ground_batch([Query(image, "effusion", "")])
    row, column = np.unravel_index(asked.heatmap.values.argmax(), (5, 7))
    full = asked.heatmap.to_pixels()
    rows, columns = np.nonzero(full == asked.heatmap.values[row, column])
    point = [(columns[0] + columns[-1] + 1) / 2, (rows[0] + rows[-1] + 1) / 2]
    masks, ious = by_hand(tiny_sam, image, input_points=[[point]], input_labels=[[1]])
    (answer,) = method.ground_batch([Query(image, "effusion", "")])
    assert len(masks) == 3
    np.testing.assert_allclose(answer.heatmap.values, masks[ious.argmax()], atol=1e-5)


def test_padding_that_ends_within_a_cell_is_cut_off_to_the_pixel(refined):
    (answer,) = refined("Boxed").ground_batch([Query(film((512, 371)), "effusion", "")])
    # 371 of 512 pixels are 185.5, thus 186, of the network's 256: 46.5 of its 64 rows.
    assert answer.heatmap.extent == Box.whole((512, 371))
    assert answer.heatmap.values.shape == (93, 64)


def test_no_box_asks_for_no_mask(refined):
    method = refined("Boxed")
    (answer,) = method.ground_batch([Query(film((64, 64)), "none", "")])
    assert (answer.heatmap, answer.boxes) == (None, ())


def test_it_keeps_the_contract(tiny_sam, maps):
    method = build_method("sam", {"method": f"{maps}:Boxed", "weights": str(tiny_sam)})
    assert [check for check in run_checks(method, "cpu") if check.problem] == []


def test_weights_are_those_of_the_network_and_the_method_asked_counts_too(tiny_sam, maps):
    one, other = (
        build_method("sam", {"method": f"{maps}:Maps", "settings": f"rows={rows}", "weights": str(tiny_sam)})
        for rows in (5, 6)
    )
    assert one.weights_id() == "local copy tiny-sam"
    assert one.weights_fingerprint() == other.weights_fingerprint()
    assert one.fingerprint() != other.fingerprint()
    assert "MIMIC-CXR" in one.trained_on
    drawn = build_method("sam", {"method": f"{maps}:Maps", "weights": f"random:1:{tiny_sam}"})
    drawn.setup("cpu")
    assert drawn.trained_on == ("MIMIC-CXR",)


def test_files_of_all_kinds_are_scored(films, tiny_sam, tmp_path):
    settings = {"method": "boxes", "settings": "method=center-prior", "weights": str(tiny_sam)}
    result = evaluate("sam", load_dataset("manifest", films), settings=settings, out=tmp_path / "out")
    assert (result.info.n_failed, len(result.samples)) == (0, 4)
    assert (result.info.method.kind, result.info.method.emits) == ("control", ["box", "heatmap"])


def test_an_answer_that_cannot_be_read_fails_and_a_refusal_does_not(refined):
    method, image = refined("Wordy"), film((64, 64))
    box, refusal = '[{"bbox_2d": [100, 200, 500, 600]}]', "There is no effusion."
    found = method.ground_batch([Query(image, text, "") for text in (box, refusal)])
    assert [answer.heatmap is None for answer in found] == [False, True]
    with pytest.raises(GroundCXRError, match="what Wordy wrote cannot be read: somewhere on the left"):
        method.ground_batch([Query(image, "somewhere on the left", "")])


def test_masks_of_boxes_that_another_parser_reads_are_others(refined, monkeypatch):
    wordy, maps = refined("Wordy"), refined("Maps")
    before = wordy.fingerprint(), maps.fingerprint()
    monkeypatch.setattr("groundcxr.methods.refine.sam.PARSER_VERSION", "next")
    assert wordy.fingerprint() != before[0]
    assert maps.fingerprint() == before[1]


def test_weights_of_another_network_are_named(tiny_sam, maps, tmp_path):
    for file in tiny_sam.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = (tmp_path / "config.json").read_text()
    (tmp_path / "config.json").write_text(config.replace('"model_type": "sam"', '"model_type": "sam2"'))
    method = build_method("sam", {"method": f"{maps}:Boxed", "weights": str(tmp_path)})
    with pytest.raises(GroundCXRError, match="is of the type sam2, and method sam needs sam; give the weights of"):
        method.setup("cpu")
