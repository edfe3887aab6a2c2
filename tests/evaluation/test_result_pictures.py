"""A result draws itself, and finds the maps that it rests on."""

import dataclasses
import shutil

import numpy as np
import pytest

from groundcxr import Box, Grounding, GroundingMethod, Heatmap, evaluate
from groundcxr.core import GroundCXRError, StoreError, UnknownNameError
from groundcxr.evaluation import load_result

FAILS, EMPTY = "secret phrase 1 0", "secret phrase 1 1"


class Maps(GroundingMethod):
    """A map that depends on the image, one phrase that fails and one without a map."""

    def ground(self, image, phrases):
        found = []
        for phrase in phrases:
            if phrase == FAILS:
                raise ValueError("not this one")
            values = np.arange(12, dtype=np.float32).reshape(3, 4) + image.size[0]
            found.append(Grounding() if phrase == EMPTY else Grounding(Heatmap.whole(values, image.size)))
        return found


class Boxes(GroundingMethod):
    emits = frozenset({"box"})

    def ground(self, image, phrases):
        return [Grounding(boxes=(Box(0, 0, 9, 9, score=0.5),)) for _ in phrases]


@pytest.fixture
def maps(tiny, tmp_path):
    return evaluate(Maps, tiny, out=tmp_path / "out")


def sample_of(tiny, phrase):
    return next(sample.sample_id for sample in tiny if sample.phrase == phrase)


def test_the_map_is_the_one_that_the_method_answered(maps, tiny, tmp_path):
    sample = next(one for one in tiny if one.phrase == "secret phrase 2 1")
    expected = np.arange(12).reshape(3, 4) + sample.image_size[0]
    for result in (maps, load_result(maps.path)):
        found = result.heatmap(sample.sample_id)
        assert found.values.tolist() == expected.tolist()
        assert found.image_size == sample.image_size
    elsewhere = tmp_path / "elsewhere"
    shutil.move(tmp_path / "out/store", elsewhere)
    with pytest.raises(StoreError, match=r"no predictions of .*Maps in .*out/store.*; give the folder .* with store="):
        maps.heatmap(sample.sample_id)
    assert maps.heatmap(sample.sample_id, elsewhere).values.tolist() == expected.tolist()
    with pytest.raises(StoreError, match="the result is not saved, so its store is not known"):
        dataclasses.replace(maps, path=None, store=None).heatmap(sample.sample_id)


def test_why_there_is_no_map_is_one_sentence(maps, tiny, tmp_path):
    with pytest.raises(GroundCXRError, match="the result has no sample 'x'"):
        maps.heatmap("x")
    with pytest.raises(
        GroundCXRError,
        match=r"failed on sample .* \(ValueError, test_result_pictures.py:\d+ in ground\), so there is no map",
    ):
        maps.heatmap(sample_of(tiny, FAILS))
    with pytest.raises(GroundCXRError, match="answered without a map for sample"):
        maps.heatmap(sample_of(tiny, EMPTY))
    boxes = evaluate(Boxes, tiny, out=tmp_path / "boxes")
    with pytest.raises(GroundCXRError, match="answers with boxes, so there is no map"):
        boxes.heatmap(sample_of(tiny, FAILS))
    control = evaluate("oracle", tiny, out=tmp_path / "control")
    with pytest.raises(StoreError, match="a control that reads the ground truth is never stored"):
        control.heatmap(sample_of(tiny, FAILS))


def test_a_chart_has_a_dot_for_each_number_on_its_interval(maps):
    figure = maps.plot(["auroc", "miou"])
    assert [axis.get_title() for axis in figure.axes] == ["AUROC (higher is better)", "mIoU (higher is better)"]
    rows = [label.get_text().split(" (n=")[0] for label in figure.axes[0].get_yticklabels()]
    assert rows == [*maps.info.pathologies, "macro", "micro"]
    table = maps.table().set_index(["metric", "pathology"])
    for axis, metric in zip(figure.axes, ("auroc", "miou"), strict=True):
        dots = {int(line.get_ydata()[0]): line.get_xdata()[0] for line in axis.lines if line.get_marker() in "oD"}
        ends = {
            int(line.get_ydata()[0]): tuple(line.get_xdata())
            for line in axis.lines
            if line.get_solid_capstyle() == "butt"
        }
        assert dots == {place: table.loc[(metric, row), "value"] for place, row in enumerate(rows)}
        assert ends == {place: tuple(table.loc[(metric, row), ["low", "high"]]) for place, row in enumerate(rows)}
    titles = [axis.get_title().split(" (")[0] for axis in maps.plot().axes]
    assert [title for title in titles if title] == ["mIoU", "CNR", "AUROC", "AP", "Box IoU°", "F1@0.5°"]
    with pytest.raises(UnknownNameError, match="did you mean 'miou'"):
        maps.plot(["mioo"])


def test_what_has_no_place_on_an_axis_is_written(maps):
    cells = maps.info.pathologies["Edema"]
    odd = {"Edema": {**cells, "cnr": cells["cnr"].model_copy(update={"value": 3.4e38, "n": 1})}}
    changed = maps.info.model_copy(update={"pathologies": {**maps.info.pathologies, **odd}})
    (axis,) = dataclasses.replace(maps, info=changed).plot(["cnr"]).axes
    assert [text.get_text() for text in axis.texts] == ["3.4e+38"]
    assert max(abs(end) for end in axis.get_xlim()) < 100


def test_values_of_the_view_that_a_method_does_not_give_are_marked_in_its_chart(tiny, tmp_path):
    result = evaluate(Maps, tiny, protocol="v2", out=tmp_path)
    both = result.plot(["miou", "f1_50"])
    assert [axis.get_title().partition(" (")[0] for axis in both.axes] == ["mIoU", "F1@0.5°"]
    assert "°: derived" in both.get_supxlabel()
    assert "derived" not in result.plot(["miou"]).get_supxlabel()
