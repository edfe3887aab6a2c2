"""Exports of results that somebody else made up: one line each, nothing that runs, nothing that crashes."""

import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from markdown_it import MarkdownIt

from groundcxr.datasets import DATASETS
from groundcxr.evaluation import load_result
from groundcxr.evaluation.invariants import problems_of
from groundcxr.leaderboard.board import board, boards
from groundcxr.leaderboard.citation import bibtex
from groundcxr.leaderboard.citation_safety import is_harmless
from groundcxr.leaderboard.export import export
from groundcxr.leaderboard.formats import Format
from groundcxr.leaderboard.published import published_groups
from groundcxr.methods import METHODS
from groundcxr.metrics import PROTOCOLS, get_protocol

VALUES = {"box_iou": np.linspace(0.1, 0.9, 12)}
NAMES = [
    "a\nb\r\nc\u2028d\u2029e\x0bf",
    "tab\tnull\x00bell\x07escape\x1b[31mred",
    "right\u202eto left\u202c and \u2066isolated\u2069",
    "a\u00adb\u200bc\ufeffd\ue000e",
    "x" * 10_000,
    " ".join("word" for _ in range(2_000)),
    "\u0000",
]


@pytest.fixture
def rewrite(save_run):
    """Saves a run and writes other words into its result.json: `rewrite({"method": {"label": "x"}})`."""

    def rewrite(changes, label="theirs"):
        saved = save_run(label, VALUES)
        content = json.loads(saved.path.read_text())
        for block, words in changes.items():
            content[block].update(words)
        saved.path.write_text(json.dumps(content))
        return saved

    return rewrite


def changed(run, **blocks):
    """The run as its result.json would say it with other words: `changed(run, method={"citation": "x"})`."""
    update = {block: getattr(run.info, block).model_copy(update=words) for block, words in blocks.items()}
    return replace(run, info=run.info.model_copy(update=update))


@pytest.mark.parametrize("name", NAMES)
def test_odd_names_are_one_line_in_every_format(rewrite, save_run, scan, name):
    save_run("ours", VALUES)
    data = {"name": name, "version": name, "split": name}
    rewrite({"method": {"label": name}, "dataset": data, "protocol": {"name": name}})
    one, other = boards(scan().runs, ["box_iou"])
    for form in (Format.LATEX, Format.MARKDOWN, Format.CSV):
        lines = export([one], form).split("\n")
        assert len(lines) == len(export([other], form).split("\n"))
        assert all(map(str.isprintable, [*lines, *export([other], form).split("\n")]))
    json.loads(export([one, other], Format.JSON))
    html = MarkdownIt("commonmark").enable("table").render(export([one, other], Format.MARKDOWN))
    assert html.count("<table>") == html.count("<p>") == 2


def test_half_a_letter_in_a_result_is_told(rewrite, scan):
    saved = rewrite({})
    saved.path.write_text(saved.path.read_text().replace('"label": "theirs"', '"label": "\\ud800"'))
    library = scan()
    assert len(library.problems) + len(library.runs) == 1
    for form in Format:
        export(boards(library.runs), form).encode()


def test_a_caption_is_a_paragraph_whatever_it_begins_with(save_run, scan):
    save_run("a", VALUES)
    table = board(scan().runs, "box_iou")
    for word in ("- a", "+ a", "1. a", "2) a", "=", "---", "> a", "# a", "    a", "<b>"):
        text = export([replace(table, metric=table.metric.model_copy(update={"label": word}))], Format.MARKDOWN)
        below = MarkdownIt("commonmark").enable("table").render(text).split("</table>")[1].strip()
        assert below.startswith("<p>"), word
        assert below.count("<") == 2, word


@pytest.mark.parametrize("label", ["=cmd|'/C calc'!A0", '+HYPERLINK("x")', "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1"])
def test_no_cell_of_a_csv_is_a_formula(rewrite, scan, label):
    rewrite({"method": {"label": label}, "dataset": {"split": label}})
    rows = list(csv.reader(io.StringIO(export(boards(scan().runs, ["box_iou"]), Format.CSV))))
    assert len(rows) > 2
    assert any("'" + label.strip() in cell for cell in rows[1])
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_a_negative_number_stays_a_number(save_run, scan):
    save_run("a", {"cnr": np.full(12, -0.25)}, emits=("heatmap",), protocol="vilouras2024")
    rows = csv.DictReader(io.StringIO(export(boards(scan().runs, ["cnr"]), Format.CSV)))
    assert {row["value"] for row in rows} == {"-0.25"}


EVIL = [
    r"@article{evil, note={\input{/etc/passwd}}}",
    r"@article{evil, note={\immediate\write18{id}}}",
    r"@article{evil, note={\InputIfFileExists{/etc/passwd}{}{}}}",
    r"@article{evil, note={\include{x} \openin5=x \read5 to \x \openout3=y}}",
    r"@article{evil, note={\csname input\endcsname{x}}}",
    r"@article{evil, note={\catcode`\|=0 |input{x}}}",
    r"@article{evil, note={\def\x{} \let\y\x \usepackage{x} \directlua{x}}}",
    r"@article{evil, note={\@input{x}}}",
    r"@article{evil, note={\e^^6dph{x}}}",
    r"@article{evil, note={^^5cinput{x}}}",
    r"@article{evil, note={\\\input{x}}}",
    r"@article{evil, note={\unheardof}}",
    r"@article{\input{x}, note={a}}",
    r"@article{\input|x, note={a}}",
    r'@preamble{"\input{x}"} @article{evil, note={a}}',
    r"@STRING{a = {x}} @article{evil, note=a}",
    r"@comment{x} @article{evil, note={a}}",
    r"@preamble{a, note={\input{x}}}",
    "@article{evil, note={a\\",
]


@pytest.mark.parametrize("block", ["method", "dataset"])
def test_a_citation_that_could_run_is_left_out_with_a_remark(save_run, scan, block):
    save_run("theirs", VALUES)
    (run,) = scan().runs
    name = "theirs" if block == "method" else "made-up"
    for citation in EVIL:
        text = bibtex([changed(run, **{block: {"citation": citation}})])
        assert text.count("@") == 1, citation  # the toolkit's own
        assert "evil" not in text, citation
        assert "\\" not in text, citation
        assert f"% {name}: its citation is left out" in text, citation


def test_a_protocols_name_is_text_in_the_toolkits_entry(save_run, scan):
    save_run("theirs", VALUES)
    (run,) = scan().runs
    text = bibtex([changed(run, protocol={"name": r"\input{x}} @misc{evil,", "version": "1_2 % {\n\n"})])
    assert "evil," in text
    assert r"protocol inputx @miscevil,, version 1\_2 \%, hash" in text
    assert text.count("{") == text.count("}")
    assert list(re.findall(r"^@\w+\{(\w+)", text, re.MULTILINE)) == ["groundcxr"]


@pytest.mark.parametrize(
    "citation",
    [
        r"@article{a, author={Erd{\H o}s and Garc{\'\i}a and M{\"{u}}ller and {\O}by and \v{C}ech}, title={5\% \& x}}",
        r"@inproceedings{b, title={{$\beta$}-VAE: {\emph{x}}}, url={\url{https://x.org/a_b}}, pages={1--2}}",
        "@misc{c, title={Plain}}",
    ],
)
def test_usual_citations_are_passed_on_whole(save_run, scan, citation):
    save_run("theirs", VALUES)
    (run,) = scan().runs
    assert citation in bibtex([changed(run, method={"citation": citation})])


def test_every_citation_of_this_package_is_passed_on():
    methods = [METHODS.get(name).citation for name in METHODS.names()]
    data = [DATASETS.get(name).citation for name in DATASETS.names()]
    protocols = [get_protocol(name).citation for name in PROTOCOLS.names()]
    papers = [row.bibtex for group in published_groups() for row in group.rows]
    assert all(map(is_harmless, [*methods, *data, *protocols, *papers]))


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("taken", ["macro", "micro"])
def test_no_class_is_named_as_an_average(save_run, version, taken):
    result = load_result(save_run("a", VALUES).path)
    first, second = result.info.pathologies
    cells = result.info.pathologies
    info = result.info.model_copy(
        update={"pathologies": {taken: cells[first], second: cells[second]}, "schema_version": version}
    )
    rows = result.samples.assign(prediction_key=None).replace({"pathology": {first: taken}})
    assert any(f"named {taken}" in problem for problem in problems_of(info, rows))
