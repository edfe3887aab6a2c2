"""The page of exports: the choices of the command line, how the table will look, and the command that writes it."""

import re
import shlex

import pytest


def preview_rows(shown):
    """The cells of the tables that the page shows, as text."""
    rows = re.findall(r"<tr>(.*?)</tr>", shown.html)
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    return [[re.sub(r"<small>.*?</small>|<[^>]+>", "", cell).strip() for cell in row] for row in cells]


@pytest.fixture
def results(save_run, tmp_path):
    save_run("a", {"box_iou": [0.4] * 12, "miou": [0.5] * 12}, emits=("box", "heatmap"))
    save_run("b", {"box_iou": [0.2] * 12, "miou": [0.3] * 12}, emits=("box", "heatmap"))
    return tmp_path / "results"


def test_every_choice_is_in_the_code_in_its_look_and_in_the_command(open_page, results, groundcxr):
    shown = open_page("cite", "--results", results, metric="Box IoU", transpose="true", percent="true", short="true")
    shown.widget("multiselect", "rows").set_value(["b", "a"])
    shown.widget("multiselect", "columns-pathologies").set_value(["macro", "Edema"])
    shown.widget("text_area", "names").set_value("a=MedRPG (ours)\nEdema=Oedema <1>")
    shown.run().choose("digits", "2")
    content, line = (block.value for block in shown.app.code)
    assert preview_rows(shown) == [
        ["Pathology", "b", "MedRPG (ours)"],
        ["macro", "20.00", "40.00"],
        ["Oedema &lt;1&gt;", "20.00", "40.00"],
    ]
    assert "Box IoU (%) by pathology on made-up 2.0 (test)." in shown.text
    ran = groundcxr(*shlex.split(line)[1:])
    assert ran.code == 0, ran.err
    assert ran.out.strip() == content
    assert "Oedema" in content


def test_methods_by_metrics(open_page, results, groundcxr):
    shown = open_page("cite", "--results", results, layout="metrics", format="Markdown", intervals="false")
    head, *rows = preview_rows(shown)
    assert head[:2] == ["Method", "mIoU"]
    assert "Box IoU" in head
    assert [row[0] for row in rows] == ["a", "b"]
    content, line = (block.value for block in shown.app.code)
    assert groundcxr(*shlex.split(line)[1:]).out.strip() == content


def test_what_does_not_fit_is_said_in_words(open_page, results):
    shown = open_page("cite", "--results", results)
    shown.widget("text_area", "names").set_value("nobody=x")
    assert "There is no row or column in these tables 'nobody'" in shown.run().text
    shown.widget("text_area", "names").set_value("a=b")
    assert "would be called 'b'" in shown.run().text


def test_what_has_no_look_shows_none(open_page, results):
    for form in ("JSON", "BibTeX"):
        assert not preview_rows(open_page("cite", "--results", results, format=form))
