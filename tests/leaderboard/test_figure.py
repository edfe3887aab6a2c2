"""Figures for a paper: what is drawn, how it is laid out, and what is refused."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from groundcxr import Box, Grounding, Heatmap, evaluate, load_dataset
from groundcxr.core import Mask, Sample
from groundcxr.leaderboard.answered import Answer
from groundcxr.leaderboard.board import board
from groundcxr.leaderboard.figure import FigureRow, draw_figure, title_of, wrapped
from groundcxr.leaderboard.figure_file import written
from groundcxr.leaderboard.film import Film
from groundcxr.leaderboard.forest import forest, forest_caption
from groundcxr.leaderboard.overlays import METHOD, TRUTH, Style

CYAN, WHITE = ("#{:02x}{:02x}{:02x}".format(*colour) for colour in (TRUTH, METHOD))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """`results/` of a method, and of controls that are stored and that are not, on a small phantom."""
    place = tmp_path_factory.mktemp("figure")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROUNDCXR_CACHE", str(place / "cache"))
        phantom = load_dataset("phantom", images=4)
        for method in ("center-prior", "oracle"):
            evaluate(method, phantom, out=place / "results")
        yield SimpleNamespace(path=place, ids=[sample.sample_id for sample in phantom][:2])


@pytest.fixture
def run_in(folder, groundcxr, monkeypatch):
    monkeypatch.setenv("GROUNDCXR_CACHE", str(folder.path / "cache"))
    return lambda *words: groundcxr("figure", folder.path / "results", *words)


@pytest.fixture
def row(tmp_path):
    """A row of one made-up image: `row(size, phrase, answers)`."""

    def make(size=(40, 50), phrase="small left nodule", answers=None, values=None, **more):
        file = tmp_path / f"{size[0]}x{size[1]}.png"
        Image.fromarray(np.full(size[::-1], 90, np.uint8)).save(file)
        fields = {"boxes": (Box(5, 6, 20, 24),), "mask": None, **more}
        sample = Sample("0" * 16, "image", None, file, phrase, "Nodule", image_size=size, **fields)
        return FigureRow(sample, Film.open(file, size[0]), answers or {"mine": boxes_answer()}, values or {})

    return make


def boxes_answer(*boxes):
    grounding = Grounding(None, boxes or (Box(8, 8, 30, 30),))
    return Answer(grounding, (0.0, 1.0), grounding, None)


def map_answer(values, size, scale=(0.0, 1.0)):
    grounding = Grounding(Heatmap(np.asarray(values, np.float32), Box(0, 0, *size), size), ())
    return Answer(grounding, scale, grounding, None)


def lines(axes, colour):
    """The extents (x0, x1, y0, y1) of the lines of a colour."""
    found = [line for line in axes.lines if line.get_color() == colour]
    return [
        (min(line.get_xdata()), max(line.get_xdata()), min(line.get_ydata()), max(line.get_ydata())) for line in found
    ]


def test_truth_is_solid_and_on_all_but_the_image_and_answers_are_dashed(row):
    image, truth, method, *_ = draw_figure([row()], Style()).axes
    assert not image.lines
    assert lines(truth, CYAN) == lines(method, CYAN) == [(5, 20, 6, 24)]
    assert not lines(truth, WHITE)
    assert lines(method, WHITE) == [(8, 30, 8, 30)]
    styles = {line.get_color(): line.get_linestyle() for line in method.lines}
    assert (styles[CYAN], styles[WHITE]) == ("-", "--")


def test_every_map_is_on_the_protocols_scale_and_its_contour_at_the_threshold(row):
    values = np.zeros((5, 4))
    values[1:3, 1:3] = 8
    answers = {"mine": map_answer(values, (40, 50), (0.0, 10.0)), "flat": map_answer(values * 0, (40, 50), (0.0, 0.0))}
    figure = draw_figure([row(answers=answers)], Style(opacity=0.4, threshold=0.75))
    mine, flat = figure.axes[2:4]
    drawn = mine.images[-1]
    assert drawn.get_clim() == flat.images[-1].get_clim() == (0, 1)
    assert drawn.get_array().max() == pytest.approx(0.8)
    assert flat.images[-1].get_array().max() == 0
    assert drawn.get_alpha() == 0.4
    (found,) = lines(mine, WHITE)
    # Cells of 10 x 10 pixels: the four in the middle.
    assert found == pytest.approx((10, 30, 10, 30), abs=0.6)
    above = draw_figure([row(answers=answers)], Style(threshold=0.85)).axes[2]
    assert not lines(above, WHITE)


def test_a_mask_is_outlined_where_there_are_no_boxes(row):
    inside = np.zeros((50, 40), bool)
    inside[20:40, 10:30] = True
    shown = row(boxes=(), mask=Mask.of(inside))
    (found,) = lines(draw_figure([shown], Style()).axes[1], CYAN)
    assert found == pytest.approx((10, 30, 20, 40), abs=0.6)


@pytest.mark.parametrize("width", [85.0, 174.0])
def test_nothing_overlaps_whatever_the_shapes_and_the_words(row, width):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    words = "a small apical pneumothorax on the left, unchanged, with $x^2$ and 50 % & <b> " * 4
    answers = {"MedRPG (ours)": boxes_answer(), "n" * 80: "failed: ValueError"}
    values = {"MedRPG (ours)": "mIoU .333"}
    rows = [row(size, words, answers, values) for size in ((300, 900), (900, 300), (64, 64))]
    figure = draw_figure(rows, Style(), width)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    page = figure.bbox
    assert page.width / figure.dpi * 25.4 == pytest.approx(width)
    texts = [text.get_window_extent() for text in figure.texts]
    for box in texts:
        assert page.x0 - 1 <= box.x0
        assert box.x1 <= page.x1 + 1
        assert page.y0 - 1 <= box.y0
        assert box.y1 <= page.y1 + 1
    pictures = [axes.get_position().transformed(figure.transFigure) for axes in figure.axes]
    inner = {"failed: ValueError"}
    for text, box in zip(figure.texts, texts, strict=True):
        if " ".join(text.get_text().split()) not in inner:
            assert not any(overlap(box, picture) for picture in pictures), text.get_text()
    for place, box in enumerate(texts):
        assert not any(overlap(box, other) for other in texts[place + 1 :]), figure.texts[place].get_text()


def overlap(one, other):
    return min(one.x1, other.x1) - max(one.x0, other.x0) > 1 and min(one.y1, other.y1) - max(one.y0, other.y0) > 1


def test_words_are_wrapped_by_their_width_and_never_lost():
    text = "iiii WWWW " * 5 + "x" * 90
    found = wrapped(text, 30, 8)
    assert len(found) > 3
    assert "".join(found).replace(" ", "") == text.replace(" ", "")
    assert len(wrapped("i" * 20, 15, 8)) < len(wrapped("W" * 20, 15, 8))


def test_a_phrase_that_is_the_pathology_is_said_once(row):
    assert title_of(row(phrase="nodule").sample) == "nodule"
    assert title_of(row(phrase="a nodule").sample) == "Nodule: a nodule"


def test_letters_are_embedded_and_bytes_are_the_same_again(row):
    made = {
        suffix: [written(draw_figure([row()], Style()), suffix) for _ in range(2)]
        for suffix in (".pdf", ".svg", ".png")
    }
    for first, second in made.values():
        assert first == second
    pdf, svg = made[".pdf"][0], made[".svg"][0].decode()
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert "<text" not in svg


def test_the_command_draws_what_is_stored_and_what_controls_answer(run_in, folder, tmp_path):
    words = ("--methods", "oracle", "center-prior", "--sample", *folder.ids, "--metric", "mIoU", "--protocol", "v2")
    for suffix, magic in ((".pdf", b"%PDF"), (".png", b"\x89PNG"), (".SVG", b"<?xml")):
        ran = run_in(*words, "--out", f"fig{suffix}")
        assert ran.code == 0, ran.err
        assert (tmp_path / f"fig{suffix}").read_bytes().startswith(magic)
        assert ran.out.strip().endswith(f"fig{suffix}")
        assert "oracle and center-prior" in ran.err
        assert all(sample_id in ran.err for sample_id in folder.ids)
        assert "credentialed" not in ran.err
        assert "°" not in ran.err
    # What a method does not give itself is marked below its picture, and the caption says what the mark means.
    ran = run_in(*words[:5], "--metric", "box_iou", "--out", "fig.pdf")
    assert "°: derived" in ran.err
    assert "of the sample alone. Higher is better." in ran.err


def test_a_figure_of_credentialed_data_says_so(run_in, folder, monkeypatch):
    from groundcxr.leaderboard import library

    def credentialed(result):
        info = result.info
        return info.model_copy(update={"dataset": info.dataset.model_copy(update={"credentialed": True})})

    load = library.load_result
    monkeypatch.setattr(library, "load_result", lambda path: SimpleNamespace(info=credentialed(load(path)), path=path))
    library._checked.cache_clear()
    ran = run_in("--methods", "oracle", "--sample", folder.ids[0], "--out", "fig.png")
    library._checked.cache_clear()
    assert ran.code == 0, ran.err
    assert "credentialed users; their terms say" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--methods", "oracl", "--sample", "ID", "--out", "f.pdf"], "did you mean 'oracle'"),
        (["--methods", "oracle", "--sample", "0123", "--out", "f.pdf"], "there is no sample 0123 in phantom"),
        (["--methods", "oracle", "--out", "f.pdf"], "say what to draw: --sample ID..."),
        (["--sample", "ID", "--out", "f.pdf"], "say what to draw: --methods NAME..."),
        (["--methods", "oracle", "--sample", "ID", "--out", "f.jpg"], "a PDF, PNG or SVG"),
        (["--methods", "oracle", "--sample", "ID", "--out", "no/f.pdf"], "make it, or choose another --out"),
        (["--methods", "oracle", "--sample", "ID", "--metric", "mio", "--out", "f.pdf"], "did you mean 'miou'"),
        (["--methods", "oracle", "--sample", "ID", "--protocol", "v7", "--out", "f.pdf"], "no protocol"),
        (["--forest", "--sample", "ID", "--out", "f.pdf"], "leave out --sample"),
        (["--forest", "--columns", "Edemo", "--out", "f.pdf"], "did you mean 'Edema'"),
        (["--columns", "macro", "--out", "f.pdf"], "--columns is an option of --forest"),
    ],
)
def test_mistakes_are_one_sentence(run_in, folder, tmp_path, words, said):
    ran = run_in(*(folder.ids[0] if word == "ID" else word for word in words))
    assert ran.code == 2
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert not list(tmp_path.glob("f.*"))


def test_a_method_without_predictions_says_where_they_may_be(run_in, folder, tmp_path):
    (tmp_path / "empty").mkdir()
    ran = run_in("--methods", "center-prior", "--sample", folder.ids[0], "--store", "empty", "--out", "f.pdf")
    assert ran.code == 2
    assert "center-prior cannot be drawn" in ran.err
    assert "--store" in ran.err


def test_a_forest_has_the_numbers_of_the_board(save_run, scan):
    values = np.linspace(0.2, 0.8, 40)
    save_run("a", {"box_iou": values})
    save_run("b", {"box_iou": values / 2})
    save_run("prior", {"box_iou": values / 4}, kind="control")
    table = board(scan().runs, "box_iou")
    figure = forest(table, ["b", "a", "prior"], ["macro", "EDEMA"], 85)
    figure.draw_without_rendering()
    macro, edema = figure.axes
    assert [text.get_text() for text in macro.get_yticklabels()] == ["b", "a", "prior (control)"]
    assert macro.get_title() == "Macro\nn = 40"
    shown = [(line.get_xdata()[0], line.get_ydata()[0]) for line in edema.lines if len(line.get_xdata()) == 1]
    cells = {row.run.label: row.cells["Edema"].value for row in table.rows}
    assert shown == [(cells["b"], 0), (cells["a"], 1), (cells["prior"], 2)]
    ends = [
        sorted(line.get_xdata()) for line in edema.lines if line.get_color() == "#0b6b75" and len(line.get_xdata()) == 2
    ]
    lows = {row.run.label: [row.cells["Edema"].low, row.cells["Edema"].high] for row in table.rows}
    assert ends == [lows["b"], lows["a"]]
    assert re.search("higher is better", figure.get_supxlabel())


def test_a_forest_marks_derived_values_and_says_what_a_table_says(save_run, scan):
    save_run("maps", columns={"error": [None] * 11 + ["no"]})
    save_run("prior", kind="control")
    table = board(scan().runs, "box_iou")
    table = replace(table, rows=tuple(replace(row, derived=row.run.label == "maps") for row in table.rows))
    (axes,) = forest(table, columns=["macro"]).axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["maps°", "prior (control)"]
    said = forest_caption(table)
    assert "Failed samples, which count as the protocol says: maps 1." in said
    assert "°: derived" in said
    assert "Below the line: controls" in said


def test_the_command_draws_a_forest(run_in, tmp_path):
    ran = run_in("--forest", "--metric", "auroc", "--columns", "macro", "--width", "85", "--out", "forest.pdf")
    assert ran.code == 0, ran.err
    assert (tmp_path / "forest.pdf").read_bytes().startswith(b"%PDF")
    assert "caption: AUROC on phantom" in ran.err
    assert "Macro: mean over pathologies; micro: mean over samples." in ran.err
