"""Tables as a paper wants them: layout, rows, columns, names, percent, digits, captions; in LaTeX, Markdown and CSV."""

import csv
import io
import json
import re

import numpy as np
import pytest

from groundcxr.cli.lists import spelt_out
from groundcxr.leaderboard.export_latex import smallest_type

VALUES = np.linspace(0.2, 0.8, 40)


@pytest.fixture
def results(save_run, tmp_path):
    """Two methods and a control, two metrics; `b` answers with boxes alone and so lacks mIoU."""
    both = ("box", "heatmap")
    save_run("a", {"miou": VALUES, "box_iou": VALUES, "cnr": VALUES * 2}, emits=both)
    save_run("b", {"box_iou": VALUES / 2})
    save_run("prior", {"miou": VALUES / 4, "box_iou": VALUES / 4}, emits=both, kind="control")
    return tmp_path / "results"


def cells(markdown):
    """The cells of the Markdown tables, line by line."""
    lines = [line for line in markdown.replace("\\", "").splitlines() if line.startswith("| ")]
    return [line.strip("| ").split(" | ") for line in lines if ":--" not in line]


def test_methods_by_metrics_is_one_table_of_the_macro_averages(groundcxr, results):
    words = ("export", results, "--layout", "metrics", "--metric", "box_iou", "miou", "--no-intervals")
    ran = groundcxr(*words)
    assert ran.code == 0, ran.err
    assert cells(ran.out) == [
        ["Method", "Box IoU (n=40)", "mIoU (n=40)"],
        ["a", "**.500**", "**.500**"],
        ["b", ".250", "-"],
        ["prior (control)", ".125", ".125"],
    ]
    turned = groundcxr(*words, "--transpose")
    assert cells(turned.out) == [
        ["Metric", "a", "b", "prior (control)"],
        ["Box IoU (n=40)", "**.500**", ".250", ".125"],
        ["mIoU (n=40)", "**.500**", "-", ".125"],
    ]
    assert "best of the column" in ran.out
    assert "best of the row" in turned.out
    assert "column" not in turned.out
    (record,) = json.loads(groundcxr(*words[:-1], "--format", "json").out)
    assert [(row["method"], sorted(row["cells"])) for row in record["rows"]] == [
        ("a", ["box_iou", "miou"]),
        ("b", ["box_iou"]),
        ("prior", ["box_iou", "miou"]),
    ]


def test_rows_columns_and_names_are_the_users(groundcxr, results):
    words = ("export", results, "--metric", "box_iou", "--no-intervals", "--rows", "prior", "a")
    words += ("--columns", "macro", "edema", "--rename", "a=MedRPG (ours)", "Edema=Oedema", "prior=a")
    ran = groundcxr(*words)
    assert ran.code == 0, ran.err
    table = cells(ran.out)
    assert table[0] == ["Method", "macro (n=40)", "Oedema (n=20)"]
    assert [row[0] for row in table[1:]] == ["a (control)", "MedRPG (ours)"]
    # LaTeX: the same, turned.
    latex = groundcxr(*words, "--format", "latex", "--transpose").out
    assert r"Pathology & $n$ & \shortstack[r]{a\\(control)} & \shortstack[r]{MedRPG\\(ours)} \\" in latex
    body = latex.partition(r"\midrule")[2].partition(r"\bottomrule")[0].strip().splitlines()
    assert [line.split(" & ")[:2] for line in body] == [["Macro", "40"], ["Oedema", "20"]]
    rows = list(csv.DictReader(io.StringIO(groundcxr(*words, "--format", "csv").out)))
    assert [(row["method"], row["column"]) for row in rows] == [
        ("a", "macro"),
        ("a", "Oedema"),
        ("MedRPG (ours)", "macro"),
        ("MedRPG (ours)", "Oedema"),
    ]


def test_latex_headings_are_stacked_no_higher_than_need_be(groundcxr, results):
    names = ("--rename", "a=a_b & 50% #1", "b=as it is", "prior=[x] *y anatomical")
    ran = groundcxr("export", results, "--metric", "box_iou", "--format", "latex", "--transpose", *names)
    (heads,) = (line for line in ran.out.splitlines() if line.startswith("Pathology & "))
    assert heads.split(" & ")[2:] == [
        # None begins with what the end of the line above it would take for its own.
        r"\shortstack[r]{a\_b \& 50\%\\\#1}",
        "as it is",
        r"\shortstack[r]{{}[x] *y\\anatomical\\(control)} \\",
    ]


def test_marks_go_by_the_methods_that_are_shown(groundcxr, results):
    shown = groundcxr("export", results, "--metric", "box_iou", "--no-intervals", "--rows", "b", "prior")
    assert cells(shown.out)[1][0] == "b"
    assert cells(shown.out)[1][-1] == "**.250**"


def test_percent_and_digits(groundcxr, results):
    words = ("export", results, "--layout", "metrics", "--metric", "miou", "cnr", "--no-intervals", "--rows", "a")
    percent = cells(groundcxr(*words, "--percent").out)
    assert percent == [["Method", "mIoU (%) (n=40)", "CNR (n=40)"], ["a", "50.0", "1.00"]]
    assert cells(groundcxr(*words, "--digits", "1").out)[1] == ["a", ".5", "1.0"]
    assert cells(groundcxr(*words, "--percent", "--digits", "2").out)[1] == ["a", "50.00", "1.00"]
    words = (*words[:4], "--metric", "miou", "cnr", "--rows", "a", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(groundcxr(*words, "--percent", "--digits", "2").out)))
    assert [(row["metric"], row["value"], row["unit"]) for row in rows] == [("miou", "50.00", "%"), ("cnr", "1.00", "")]
    whole, _ = csv.DictReader(io.StringIO(groundcxr(*words).out))
    assert "unit" not in whole
    assert float(whole["value"]) == pytest.approx(VALUES.mean())


def test_captions_speak_of_what_is_shown_as_it_is_called_there(groundcxr, save_run, results):
    save_run("text-prior", {"box_iou": VALUES + 0.2}, kind="control")
    words = ("export", results, "--metric", "box_iou")
    assert "the macro average and the micro average a guess" in groundcxr(*words).out
    wishes = ("--rename", "text-prior=Prior of words", "Edema=Wet lung", "macro=All")
    renamed = groundcxr(*words, *wishes, "--columns", "Edema", "macro").out
    assert "For Wet lung and All a guess that never looks at the image (Prior of words) beats every method" in renamed
    assert "text-prior" not in renamed
    # Of metrics that are not shown nothing is said.
    layout = ("export", results, "--layout", "metrics")
    assert "Box IoU: for the macro average a guess that never looks" in groundcxr(*layout).out
    assert "a guess" not in groundcxr(*layout, "--columns", "miou").out
    said = groundcxr(*layout, *wishes[:2], "box_iou=Boxes").out
    assert "Boxes: for the macro average a guess that never looks at the image (Prior of words) beats" in said


def test_what_must_be_known_of_a_method_is_said_below_every_table(groundcxr, save_run, results):
    save_run("Mine", {"box_iou": VALUES}, columns={"error": [None] * 37 + ["no"] * 3}, supervision="boxes")
    for layout in ("pathologies", "metrics", "datasets"):
        ran = groundcxr("export", results, "--layout", layout, "--metric", "box_iou", "--rename", "Mine=Ours")
        assert "Failed samples, which count as the protocol says: Ours 3." in ran.out, layout
        assert "Learnt from boxes or masks: Ours." in ran.out, layout


def test_a_short_caption_has_a_note_with_all_else(groundcxr, results):
    words = ("export", results, "--metric", "box_iou", "--format", "latex")
    long = re.search(r"\\caption\{(.*)\}\n", groundcxr(*words).out)[1]
    short = groundcxr(*words, "--caption", "short").out
    assert r"\caption{Box IoU by pathology on made-up 2.0 (test).}" in short
    assert rf"\par\smallskip\parbox{{\textwidth}}{{\footnotesize {long}}}" in short
    above, _, below = groundcxr("export", results, "--metric", "box_iou", "--caption", "short").out.partition(
        "| Method"
    )
    assert above.strip() == "Box IoU by pathology on made-up 2.0 (test)."
    assert "fingerprint" in below


def test_all_data_sets_and_conditions_take_the_same_wishes(groundcxr, save_run, results):
    save_run("a", {"box_iou": VALUES}, dataset="other")
    ran = groundcxr(
        *(
            "export",
            results,
            "--layout",
            "datasets",
            "--metric",
            "box_iou",
            "--no-intervals",
            "--transpose",
            "--percent",
        ),
        *("--rows", "b", "a", "--columns", "mean", "other", "--rename", "other=Theirs", "a=Ours"),
    )
    assert ran.code == 0, ran.err
    assert cells(ran.out) == [["Data set", "b", "Ours"], ["mean", "-", "50.0"], ["Theirs (n=40)", "-", "50.0"]]


def test_a_reader_is_told_where_intervals_would_be_too_small(groundcxr, save_run, results):
    many = "export", results, "--metric", "box_iou", "--format", "latex"
    assert groundcxr(*many).err == ""
    latex = groundcxr(*many).out
    assert smallest_type(latex) == 7.0
    wide = latex.replace("Edema & ", "Edema & " + "Head & " * 9).replace(
        r"& {\scriptsize [", r"& {\scriptsize [.123, .456]} " * 6 + r"& {\scriptsize ["
    )
    assert smallest_type(wide) < 5


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rows", "aa"], "there is no method in these results 'aa'"),
        (["--rows", "priore"], "did you mean 'prior'"),
        (["--columns", "Edemo"], "did you mean 'Edema'"),
        (["--columns", "prior"], "--rows chooses methods"),
        (["--rename", "nobody=x"], "row or column in these tables 'nobody'"),
        (["--rename", "a"], "write OLD=NEW"),
        (["--rename", "a=x", "b=x"], "would be called 'x'"),
        (["--rename", "a=x", "a=y"], "names 'a' twice"),
        (["--format", "json", "--percent"], "leave out --percent"),
        (["--format", "bibtex", "--columns", "macro", "--transpose"], "leave out --transpose and --columns"),
        (["--format", "csv", "--caption", "short"], "csv has no caption"),
    ],
)
def test_mistakes_are_one_sentence(groundcxr, results, words, said):
    ran = groundcxr("export", results, *words)
    assert ran.code == 2
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert ran.out == ""


def test_options_of_several_words():
    lists = {"--rows", "--rename"}
    words = ["export", "results", "--rows", "a", "b c", "--percent", "--rename", "a=-x", "-y=z", "--out", "t.md"]
    assert spelt_out(words, lists) == [
        *("export", "results", "--rows", "a", "--rows", "b c", "--percent"),
        *("--rename", "a=-x", "--rename", "-y=z", "--out", "t.md"),
    ]
    assert spelt_out(["--rows", "a", "--", "results", "--rows"], lists) == ["--rows", "a", "--", "results", "--rows"]
    assert spelt_out(["--rows=a", "b"], lists) == ["--rows=a", "b"]


def test_a_comparison_calls_the_data_as_their_owner_does(groundcxr, save_run):
    paths = [
        save_run(name, {"box_iou": VALUES * scale}, data={"label": "Ward 7"}).path
        for name, scale in (("a", 1), ("b", 0.5))
    ]
    ran = groundcxr("compare", *paths, "--metric", "Box IoU")
    assert "a minus b, Box IoU on Ward 7 (test), protocol v1" in ran.out, ran.err
