"""The page over all data sets: its table, its choices, and where its links lead."""

import re
import shlex
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

SETS = ("vindr-cxr", "padchest-gr", "chexlocalize")


MADE: list[Path] = []


@pytest.fixture
def results(save_run, tmp_path_factory):
    """Three methods on three data sets, and a phantom; `c` has seen CheXpert. Made once."""
    if MADE:
        return MADE[0]
    folder = tmp_path_factory.mktemp("several")
    for number, name in enumerate((*SETS, "phantom")):
        for place, method in enumerate("abc"):
            rng = np.random.default_rng([number, place])
            trained = ["CheXpert"] if method == "c" else []
            values = rng.uniform(0.1, 0.3, 40) + (0.2 * place + 0.6 * (method == "a" and name == SETS[0])) / 2
            save_run(method, {"box_iou": values}, dataset=name, method={"trained_on": trained}, out=folder)
    MADE.append(folder)
    return folder


def tables(page):
    """Each table's rows of cells, as a reader sees them."""

    def seen(cell):
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", cell)).split())

    return [
        [[seen(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in table.split("</tr>")[:-1]]
        for table in re.findall(r"<table[^>]*>(.*?)</table>", page.html, re.DOTALL)
    ]


def test_methods_by_data_sets_with_ranks_below(open_page, results):
    shown = open_page("overview", "--results", results, metric="Box IoU")
    (head, *rows), (_, *ranks) = tables(shown)
    assert [cell.split()[0] for cell in head] == ["Box", *sorted(SETS), "mean", "mean", "phantom"]
    assert "apart: drawn, not clinical" in head[-1]
    c = next(row for row in rows if row[0] == "c")
    assert [" seen " in cell for cell in c[1:4]] == [name == "chexlocalize" for name in sorted(SETS)]
    assert [row[0] for row in ranks] == ["c", "b", "a"] or ranks[0][1] <= ranks[1][1] <= ranks[2][1]
    assert "Friedman's test" in shown.text
    assert "critical difference" in shown.text


def test_only_zero_shot_holds_on_the_board_too(open_page, results):
    shown = open_page("overview", "--results", results, metric="Box IoU", zero_shot="true")
    c = next(row for row in tables(shown)[0] if row[0] == "c")
    assert c[1] == "seen"
    assert c[4:6] == ["-", "-"]
    chosen = {"metric": "Box IoU", "data": "chexlocalize 2.0 (test)"}
    every = open_page("leaderboard", "--results", results, **chosen)
    assert "c seen" in every.text
    few = open_page("leaderboard", "--results", results, **chosen, zero_shot="true")
    assert "2 of 3 methods" in few.text
    assert "c seen" not in few.text


def test_a_cell_leads_to_its_board(open_page, results):
    shown = open_page("overview", "--results", results, metric="Box IoU", kind=["other"])
    (url,) = {unescape(one) for one in re.findall(r'href="([^"]*)"', shown.html) if "vindr" in one}
    assert url.startswith("./?")
    query = parse_qs(urlsplit(url).query)
    assert query["kind"] == ["other"]
    opened = open_page("leaderboard", "--results", results, **{key: value[0] for key, value in query.items()})
    assert "Box IoU on vindr-cxr 2.0" in opened.text


def test_the_choice_of_a_set_does_not_change_it(open_page, results):
    first, other = (
        open_page("overview", "--results", results, metric="Box IoU", data=f"{name} 2.0 (test)") for name in SETS[:2]
    )
    assert tables(first) == tables(other)
    assert first.widget("selectbox", "data").disabled


def test_another_protocol_has_a_table_of_its_own(open_page, results, save_run, tmp_path):
    save_run("d", {"box_iou": np.linspace(0, 1, 40)}, dataset="nih-boxes", protocol="vilouras2024", emits=("heatmap",))
    more = ("--results", tmp_path / "results")
    shown = open_page("overview", "--results", results, *more, data="vindr-cxr 2.0 (test)")
    shown.choose("protocol", "vilouras2024")
    assert [row[0] for row in tables(shown)[0][1:]] == ["d"]
    assert "here is 1 data set" in shown.text


@pytest.mark.parametrize("url", [{"format": "LaTeX"}, {"format": "CSV", "zero_shot": "true"}, {"every": "true"}])
def test_cite_has_its_table_and_the_command_that_writes_it(open_page, results, groundcxr, url):
    shown = open_page("cite", "--results", results, metric="Box IoU", all_data="true", **url)
    content, line = (block.value for block in shown.app.code)
    assert "--layout datasets" in line
    assert all(name in content for name in SETS)
    # Switched off and on again, it is the table of one data set and of all.
    assert shown.widget("selectbox", "data").disabled
    shown.widget("toggle", "all_data").set_value(False)
    assert not shown.run().widget("selectbox", "data").disabled
    assert "--layout" not in shown.app.code[1].value
    shown.widget("toggle", "all_data").set_value(True)
    assert shown.run().app.code[0].value == content
    ran = groundcxr(*shlex.split(line)[1:])
    assert ran.code == 0, ran.err
    assert ran.out[:20_000].strip() == content
