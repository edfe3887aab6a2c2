"""Exported tables: the numbers of result.json to the printed digit, marks, captions, and hostile names as text."""

import csv
import errno
import io
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from markdown_it import MarkdownIt

from groundcxr.evaluation.numbers import write_number
from groundcxr.leaderboard.board import board, boards
from groundcxr.leaderboard.citation import bibtex
from groundcxr.leaderboard.export import export
from groundcxr.leaderboard.formats import SUFFIXES, Format
from groundcxr.leaderboard.table_style import TableStyle

HOSTILE = r"""a|b _c_ *d* <script>alert("x")</script> & 50% #1 $x^2$ {~} \end{table*} `rm` [l](http://x) @article{k,"""


@pytest.fixture
def table(three):
    return board([three.good, three.twin, three.poor], "box_iou")


def printed(value):
    """Three decimals, no leading zero; what a reader sees of a share."""
    text = f"{value:.3f}"
    return text[1:] if text.startswith("0.") else text


def expected_cells(table):
    """Method -> column -> (value, low, high) as printed, from the result files."""
    found = {}
    for row in table.rows:
        content = json.loads((row.run.path / "result.json").read_text())
        cells = {**content["pathologies"], **content["overall"]}
        found[row.run.label] = {
            column: [printed(cells[column]["box_iou"][key]) for key in ("value", "low", "high")]
            for column in table.columns
        }
    return found


def html_rows(markdown):
    """The cells of a rendered Markdown table, as HTML."""
    html = MarkdownIt("commonmark").enable("table").render(markdown)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)]


def test_markdown_renders_to_the_numbers_of_the_result(table):
    head, *rows = html_rows(export([table], Format.MARKDOWN))
    assert head == ["Method", "Edema (n=20)", "Pneumonia (n=20)", "macro (n=40)", "micro (n=40)"]
    expected = expected_cells(table)
    for cells, row in zip(rows, table.rows, strict=True):
        assert cells[0] == row.run.label
        for shown, column in zip(cells[1:], table.columns, strict=True):
            value, low, high = expected[row.run.label][column]
            cell = row.cells[column]
            marked = f"<strong>{value}</strong>" if cell.best else value + ("†" if cell.tied else "")
            assert shown == f"{marked} [{low}, {high}]"
    assert any("<strong>" in cell for row in rows for cell in row)
    assert any("†" in cell for row in rows for cell in row)
    without = html_rows(export([table], Format.MARKDOWN, TableStyle(intervals=False)))
    assert not any("[" in cell for row in without for cell in row)


def test_latex_holds_the_numbers_of_the_result(table):
    text = export([table], Format.LATEX)
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
    lines = [re.sub(r" \\\\(\[2pt\])?$", "", line).split(" & ") for line in body.splitlines()[1:]]
    expected = expected_cells(table)
    for values, intervals, row in zip(lines[::2], lines[1::2], table.rows, strict=True):
        assert values[0] == row.run.label
        for shown, interval, column in zip(values[1:], intervals[1:], table.columns, strict=True):
            value, low, high = expected[row.run.label][column]
            cell = row.cells[column]
            assert shown == (rf"\textbf{{{value}}}" if cell.best else value + (r"$^{\dagger}$" if cell.tied else ""))
            assert interval == rf"{{\scriptsize [{low}, {high}]}}"
    for begun in ("table*", "adjustbox", "tabular"):
        assert text.count(rf"\begin{{{begun}}}") == text.count(rf"\end{{{begun}}}") == 1
    assert r"\scriptsize" not in export([table], Format.LATEX, TableStyle(intervals=False))


@pytest.mark.parametrize("form", [Format.LATEX, Format.MARKDOWN])
def test_caption_says_what_was_measured(table, form):
    text = export([table], form).replace("\\", "")
    setting = table.setting
    for said in (
        "Box IoU on made-up 2.0",
        "split test",
        "40 samples",
        f"fingerprint {setting.fingerprint[:8]}",
        "protocol v1 (version 1",
        f"hash {setting.protocol_hash[:12]}",
        "measured 2026-11-20",
        "95 % interval",
        "not distinguishable from the best",
    ):
        assert said in text, said
    assert "Phantom" not in text


def test_captions_of_special_cases(save_run, scan):
    save_run("a", {"box_iou": np.full(12, 0.5)}, dataset="phantom", kind="control", complete=False)
    save_run("b", {"box_iou": np.full(12, 0.4)}, dataset="phantom", complete=False, created="2026-11-22T00:00:00+00:00")
    text = export([board(scan().runs, "box_iou")], Format.MARKDOWN)
    assert "measured 2026-11-20 to 2026-11-22" in text
    assert "nothing is ranked" in text
    assert "Bold" not in text
    assert "**" not in text
    assert "a (control)" in text
    assert "Phantoms rank code paths, not clinical ability." in text


def test_fewer_samples_are_said_in_the_cell(save_run, scan):
    values = np.linspace(0.2, 0.8, 40)
    save_run("all", {"box_iou": values})
    save_run("some", {"box_iou": np.where(np.arange(40) == 0, np.nan, values)})
    save_run("none", {"box_iou": np.where(np.arange(40) % 2, np.nan, values)})
    table = board(scan().runs, "box_iou")
    rows = {cells[0]: cells for cells in html_rows(export([table], Format.MARKDOWN))}
    assert "(n=19)" in rows["some"][1]
    assert "(n=" not in rows["some"][2]
    assert rows["none"][2] == "-"
    assert "($n$=19)" in export([table], Format.LATEX)


def test_csv_and_json_hold_every_digit(table):
    text = export([table], Format.CSV)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 3 * len(table.columns)
    (content,) = json.loads(export([table], Format.JSON))
    by_method = {row["method"]: row for row in content["rows"]}
    for row in rows:
        stated = json.loads(
            (next(r for r in table.rows if r.run.label == row["method"]).run.path / "result.json").read_text()
        )
        cell = {**stated["pathologies"], **stated["overall"]}[row["column"]]["box_iou"]
        for key in ("value", "low", "high", "n"):
            assert row[key] == str(cell[key])
            assert by_method[row["method"]]["cells"][row["column"]][key] == cell[key]
        assert row["protocol_hash"] == stated["protocol"]["hash"]
    assert {row["best"] for row in rows} == {"True", "False"}
    assert all(row["p"] == "" for row in rows if row["best"] == "True")


def test_hostile_names_are_text(save_run, scan):
    save_run("x", {"box_iou": np.linspace(0.1, 0.9, 12)})
    saved = save_run("y", {"box_iou": np.linspace(0.2, 1, 12)})
    content = json.loads(saved.path.read_text())
    content["method"]["label"] = HOSTILE + "\n| extra | row |"
    content["method"]["citation"] = "see @article{broken"
    saved.path.write_text(json.dumps(content))
    table = board(scan().runs, "box_iou")
    label = " ".join(content["method"]["label"].split())
    rows = html_rows(export([table], Format.MARKDOWN))
    assert len(rows) == 3
    shown = next(cells[0] for cells in rows if cells[0].startswith("a|b"))
    assert shown == label.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    latex = export([table], Format.LATEX)
    assert latex.count(r"\end{table*}") == 1
    assert "<" not in latex
    (line,) = [line for line in latex.splitlines() if line.startswith(r"a\textbar")]
    assert line.startswith(
        r"a\textbar{}b \_c\_ *d* \textless{}script\textgreater{}alert(''x'')\textless{}/script\textgreater{} "
        r"\& 50\% \#1 \$x\textasciicircum{}2\$ \{\textasciitilde{}\} \textbackslash{}end\{table*\}"
    )
    assert line.count(" & ") == len(table.columns)
    entries = export([table], Format.BIBTEX)
    assert entries.count("@") == 1


def test_a_row_that_begins_with_a_bracket_or_a_star_is_no_argument_of_the_row_above(save_run, scan):
    for label in ("[1pt] a", "*b", "c*"):
        saved = save_run(label.strip("[]* "), {"box_iou": np.linspace(0.1, 0.9, 12)})
        content = json.loads(saved.path.read_text())
        content["method"]["label"] = label
        saved.path.write_text(json.dumps(content))
    text = export([board(scan().runs, "box_iou")], Format.LATEX)
    begun = sorted(line.split(" & ")[0] for line in text.splitlines() if re.match(r"\W*(\w+\] a|b|c\*) &", line))
    assert begun == ["c*", "{}*b", "{}[1pt] a"]


def test_latex_writes_what_pdflatex_would_refuse_or_change(save_run, scan):
    # Checked once with pdfLaTeX: each of these alone stops it, or comes out as another sign.
    written = {
        "\N{GREEK SMALL LETTER ALPHA}-CLIP Ω": r"$\alpha$-CLIP $\Omega$",
        "n ≥ 5 → ∞": r"n $\ge$ 5 $\to$ $\infty$",
        "x\N{MINUS SIGN}2": "x$-$2",
        "cafe\u0301": "café",
        "a--b---c": "a-{}-b-{}-{}-c",
    }
    for place, label in enumerate(written):
        saved = save_run(f"m{place}", {"box_iou": np.linspace(0.1, 0.9, 12)})
        content = json.loads(saved.path.read_text())
        content["method"]["label"] = label
        saved.path.write_text(json.dumps(content))
    text = export([board(scan().runs, "box_iou")], Format.LATEX)
    names = {line.split(" & ")[0] for line in text.splitlines() if " & " in line}
    assert set(written.values()) <= names
    assert re.search(r"\\label\{.*\}\n\\par\\smallskip\n\\begin\{adjustbox\}", text), "the caption touches the table"


def test_labels_of_a_whole_and_of_a_limited_run_differ(save_run, scan):
    save_run("a")
    save_run("a", n=6, complete=False)
    text = export(boards(scan().runs, ["box_iou"]), Format.LATEX)
    labels = re.findall(r"\\label\{(.*?)\}", text)
    assert len(labels) == len(set(labels)) == 2
    assert all(label.startswith("tab:made-up-v1-box-iou-") for label in labels)


def test_huge_and_negative_numbers():
    assert [write_number(value, 2) for value in (3.05123e38, -0.021, -0.001, 12.344, -1234.6)] == [
        "3.051e+38",
        "-.02",
        ".00",
        "12.34",
        "-1235",
    ]


def test_latex_writes_powers_and_minus_signs(save_run, scan):
    save_run("a", {"miou": np.full(12, 0.5), "cnr": np.full(12, 3.05e38)}, emits=("heatmap",), protocol="vilouras2024")
    save_run("b", {"miou": np.full(12, 0.4), "cnr": np.full(12, -0.25)}, emits=("heatmap",), protocol="vilouras2024")
    text = export([board(scan().runs, "cnr")], Format.LATEX)
    assert r"\textbf{\boldmath $3.05\times10^{38}$}" in text
    assert r"$-$.25" in text


def test_bibtex_has_each_entry_once(save_run, scan):
    one = "@article{same, title={One}, year={2024}}"
    save_run("a", citation=one, dataset_citation="@misc{data, title={Data {X}}}")
    save_run("b", citation=one + "\n@article{other, title={Two}}")
    save_run("c", citation="@article{same, title={Quite Another}}")
    save_run("d", citation="Smith, personal communication")
    save_run("e")
    save_run("f", kind="control")
    save_run("g", protocol="vilouras2024", emits=("heatmap",))
    text = bibtex(scan().runs)
    keys = re.findall(r"^@\w+\{([^,]+),", text, re.MULTILINE)
    assert sorted(keys) == ["data", "groundcxr", "other", "same", "same-2", "vilouras2024"]
    assert "title={Quite Another}" in text
    assert "% d: Smith, personal communication" in text
    assert "% e: no citation is known" in text
    assert "% f" not in text
    assert "protocol v1, version 1, hash" in text
    assert text.count("{") == text.count("}")


def test_toolkits_entry_agrees_with_the_citation_file():
    import groundcxr
    from groundcxr.leaderboard.citation import RELEASED

    cff = (Path(groundcxr.__file__).parent / "CITATION.cff").read_text()
    assert re.search(r"^version: (.*)$", cff, re.MULTILINE)[1] == groundcxr.__version__
    assert re.search(r'^date-released: "(\d{4})', cff, re.MULTILINE)[1] == RELEASED


def test_several_tables_follow_one_another(save_run, scan):
    save_run("a", emits=("heatmap", "box"))
    save_run("a", emits=("heatmap",), protocol="vilouras2024")
    tables = boards(scan().runs, ["miou"])
    assert len(tables) == 2
    assert export(tables, Format.LATEX).count(r"\begin{table*}") == 2
    assert len(json.loads(export(tables, Format.JSON))) == 2
    assert {row["protocol"] for row in csv.DictReader(io.StringIO(export(tables, Format.CSV)))} == {
        "v1",
        "vilouras2024",
    }
    assert set(SUFFIXES) == set(Format)


def test_the_command(groundcxr, save_run, tmp_path):
    saved = save_run("mine", {"box_iou": np.linspace(0, 1, 12)})
    ran = groundcxr("export", tmp_path / "results", "--format", "latex", "--metric", "box_iou", "--out", "t.tex")
    assert (ran.code, ran.err) == (0, "")
    assert Path(ran.out.rstrip("\n")) in (Path("t.tex"), tmp_path / "t.tex")
    assert r"\toprule" in (tmp_path / "t.tex").read_text()
    ran = groundcxr("export", saved.path, "--no-intervals")
    assert ran.code == 0
    assert ran.out.count("| Method |") == 2  # the headline metrics
    (saved.path.parent / "samples.parquet").unlink()
    save_run("whole")
    ran = groundcxr("export", tmp_path / "results", "--format", "csv")
    assert ran.code == 1
    assert "samples.parquet" in ran.err
    assert "whole" in ran.out


def test_an_old_table_stays_where_the_disk_is_full(groundcxr, save_run, tmp_path, monkeypatch):
    save_run("mine")
    (tmp_path / "t.md").write_text("last year's")
    there = sorted(tmp_path.iterdir())

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    ran = groundcxr("export", "results", "--out", "t.md")
    assert (ran.code, ran.out) == (2, "")
    assert "cannot write" in ran.err
    assert (tmp_path / "t.md").read_text() == "last year's"
    assert sorted(tmp_path.iterdir()) == there


def test_out_may_be_in_the_home_folder_a_link_or_a_pipe(groundcxr, save_run, tmp_path, monkeypatch):
    save_run("mine")
    monkeypatch.setenv("HOME", str(tmp_path))
    ran = groundcxr("export", "~/results", "--out", "~/t.md")
    assert (ran.code, ran.out) == (0, f"{tmp_path / 't.md'}\n")
    table = (tmp_path / "t.md").read_bytes()
    (tmp_path / "link.md").symlink_to("there.md")
    assert groundcxr("export", "results", "--out", "link.md").code == 0
    assert (tmp_path / "link.md").is_symlink()
    assert (tmp_path / "there.md").read_bytes() == table
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert groundcxr("export", "results", "--out", "pipe").code == 0
    assert os.read(reader, 100_000) == table
    os.close(reader)
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere; evaluate makes results"),
        (["results", "--metric", "box_io"], "did you mean 'box_iou'"),
        (
            ["results", "--out", "no/such/t.md"],
            "no/such; make it, or choose another --out",
        ),
        (["results", "--out", "results"], "choose another --out"),
        (["results", "--out", "~no-such-user/t.md"], "there is no user 'no-such-user'"),
        (["results", "--format", "word"], "latex"),
    ],
)
def test_mistakes_are_one_sentence(groundcxr, save_run, arguments, words):
    save_run("mine")
    ran = groundcxr("export", *arguments)
    assert ran.code == 2
    assert words in ran.err
    assert "Traceback" not in ran.err
