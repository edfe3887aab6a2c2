"""Answers in words: stored with their texts, read at each scoring, counted, shown; never published or made twice."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from groundcxr.core import Box, Grounding, Heatmap, Written
from groundcxr.evaluation import load_result
from groundcxr.evaluation.prediction import Failure, decode, encode
from groundcxr.methods.boxes import reading
from groundcxr.methods.boxes.parsing import PARSER_VERSION, Parsed, write
from groundcxr.methods.isolated.travel import answers_in, answers_out

METHOD = """
from pathlib import Path
from groundcxr import GroundingMethod
from groundcxr.methods.boxes.reading import written_answer

TEXTS = {
    "opacity 0": '[{"bbox_2d": [100, 100, 500, 500], "label": "a"}]',
    "opacity 1": "There is none.",
    "opacity 2": "It is\\\\n somewhere [left]; secret words, 12 34 and so on, which nobody may find in any file",
    "opacity 3": '[{"bbox_2d": [500, 500, 100, 100]}, {"bbox_2d": [1, 2, 30, 40]}, {"bbox_2d": [5',
    "another one": '[{"bbox_2d": [500, 500, 667, 800]}]',
}


class Say(GroundingMethod):
    emits = {"box"}

    def ground(self, image, phrases):
        with open(LOG, "a") as log:
            log.writelines(f"{phrase}\\\\n" for phrase in phrases)
        return [written_answer(TEXTS[one], "qwen3_vl", image.size, score=-0.25, most=1) for one in phrases]
"""


@pytest.fixture
def data(manifest):
    return ("--dataset", "manifest", "--root", manifest)


@pytest.fixture
def said(tmp_path):
    """The method's file, and what it was asked so far."""
    log = tmp_path / "log"
    (tmp_path / "say.py").write_text(METHOD.replace("\\\\n", "\\n").replace("LOG", repr(str(log))))
    return lambda: log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def ran(groundcxr, data, said):
    return groundcxr("evaluate", "--method", "say.py", *data)


def result_of(ran):
    (path,) = [line for line in ran.out.splitlines() if line.endswith("result.json")]
    return load_result(Path(path))


def test_a_text_that_cannot_be_read_fails_its_sample_alone(ran, said):
    assert ran.code == 1
    result = result_of(ran)
    assert result.info.texts.model_dump() == {
        "parser": PARSER_VERSION, "answers": 5, "refusals": 1, "unparseable": 1, "repaired": 1,
    }  # fmt: skip
    assert result.info.n_failed == 1
    assert result.samples["error"].dropna().tolist() == ["Unparseable"]
    assert result.info.statuses["box_iou"] == {"ok": 3, "failed": 1, "empty_prediction": 1}
    assert len(said()) == 5, "asked once, and not again phrase by phrase"
    assert "Unparseable: It is somewhere [left]; secret words, 12 34 and so on" in ran.err
    assert "any file" not in ran.err, "80 characters of it"
    assert "--unparseable` shows them" in ran.err
    assert f"5 answers in words: 1 refused, 1 unparseable, 1 repaired (parser {PARSER_VERSION})" in " ".join(
        ran.out.split()
    )


def test_no_text_is_in_a_result(ran):
    folder = result_of(ran).path.parent
    for file in folder.iterdir():
        for word in (b"secret words", b"bbox_2d", b"There is none"):
            assert word not in file.read_bytes()


def test_what_was_written_is_not_written_again(groundcxr, data, ran, said):
    again = groundcxr("evaluate", "--method", "say.py", *data)
    assert (again.code, again.err) == (ran.code, ran.err)
    assert len(said()) == 5
    scored = groundcxr("score", "--method", "say.py", *data)
    assert scored.code == 1
    assert "read again" not in scored.err
    assert result_of(scored).info.texts == result_of(ran).info.texts


def test_another_parser_reads_the_stored_texts(groundcxr, data, ran, said, monkeypatch):
    from groundcxr.evaluation import written as evaluated

    before = result_of(ran)
    better = Parsed((Box(7, 4, 27, 14),))

    def parse(text, convention, image_size, input_size):
        return better if "somewhere" in text else was(text, convention, image_size, input_size)

    was = reading.parse
    monkeypatch.setattr(reading, "parse", parse)
    for module in (reading, evaluated):
        monkeypatch.setattr(module, "PARSER_VERSION", "next")
    scored = groundcxr("score", "--method", "say.py", *data, "--protocol", "v2", "--protocol", "vilouras2024")
    said_so = (
        "note: 5 stored texts of Say read again by version next of the parser, "
        f"version {PARSER_VERSION} having read them before"
    )
    assert scored.err.count(said_so) == 1
    assert scored.code == 0
    result = load_result(Path(next(line for line in scored.out.splitlines() if "/v2/" in line)))
    assert result.info.texts.model_dump() == {
        "parser": "next", "answers": 5, "refusals": 1, "unparseable": 0, "repaired": 1,
    }  # fmt: skip
    assert result.info.method.fingerprint == before.info.method.fingerprint
    assert result.path == before.path
    assert result.samples["box_iou"].sum() == pytest.approx(before.samples["box_iou"].sum() + 1)
    assert len(said()) == 5


def test_texts_are_shown_beside_phrases_and_boxes(groundcxr, data, ran, tmp_path):
    result = result_of(ran).path
    shown = groundcxr("answers", result, "--root", data[-1])
    assert shown.code == 0, shown.err
    blocks = re.split(r"\n(?=\S)", shown.out.strip())
    assert len(blocks) == 6
    assert blocks[-1] == f"5 answers in words: 1 refused, 1 unparseable, 1 repaired (parser {PARSER_VERSION})"
    (block,) = [one for one in blocks if "opacity 3" in one]
    assert "Edema  boxes, repaired\n  phrase  opacity 3\n  wrote   [{" in block
    assert block.endswith("box     6.0, 4.0, 30.0, 20.0, score -0.25")
    only = groundcxr("answers", result.parent, "--unparseable", "--root", data[-1])
    blocks = re.split(r"\n(?=\S)", only.out.strip())
    assert len(blocks) == 2
    assert "phrase  opacity 2\n  wrote   It is\n           somewhere [left]; secret" in blocks[0]
    assert "nobody may find in any file" in blocks[0]


def test_texts_of_a_run_under_a_condition_stand_beside_its_own_phrases(groundcxr, data, said):
    Path("say.py").write_text(Path("say.py").read_text().replace("TEXTS[one]", 'TEXTS[one.removesuffix(".")]'))
    under = groundcxr("evaluate", "--method", "say.py", *data, "--condition", "full-stop")
    shown = groundcxr("answers", result_of(under).path, "--root", data[-1])
    assert shown.code == 0, shown.err
    assert "  phrase  opacity 3.\n  wrote   [{" in shown.out


def test_texts_that_cannot_be_shown(groundcxr, data, ran, tmp_path):
    result = result_of(ran).path
    assert groundcxr("answers", tmp_path).code == 2
    for arguments, words in (
        ([result], "say where your copy is with --root DIR"),
        (["nowhere"], "nowhere is no folder of results"),
        ([result, "--store", tmp_path / "data"], "give it with --store DIR"),
        ([result, "--root", tmp_path / "gone"], "gone"),
    ):
        refused = groundcxr("answers", *arguments)
        assert (refused.code, refused.out) == (2, "")
        assert words in refused.err
        assert "Traceback" not in refused.err
    other = groundcxr("evaluate", "--method", "whole-image", *data)
    assert "texts" not in json.loads(result_of(other).path.read_text())
    refused = groundcxr("answers", result_of(other).path, "--root", data[-1])
    assert "whole-image does not answer in words" in refused.err


def test_a_method_whose_texts_are_all_unreadable_is_told_early(groundcxr, data, said, tmp_path):
    file = tmp_path / "say.py"
    file.write_text(file.read_text().replace("TEXTS[one]", "'gibberish'"))
    ran = groundcxr("evaluate", "--method", "say.py", *data)
    assert ran.code == 1
    assert "Say has marked nothing in this run, in 4 images: 5 of 5 samples failed" in ran.err
    assert "the commonest reason, 5 times: Unparseable: gibberish" in ran.err
    stopped = groundcxr("evaluate", "--method", "say.py", *data, "--overwrite", "--stop-after-failures", "2")
    assert "Say was stopped" in stopped.err


def test_one_picture_tells_what_cannot_be_read(groundcxr, manifest, said, tmp_path):
    image = tmp_path / "data" / "0.png"
    arguments = ("--method", "say.py", "--image", image, "--phrase", "opacity 0", "--out", "picture.png")
    assert groundcxr("ground", *arguments).code == 0
    ran = groundcxr("ground", *arguments, "--phrase", "opacity 2")
    assert ran.code == 1
    assert "'opacity 2' failed: Unparseable: It is somewhere [left]" in ran.err


WRITTEN = Written('{"bbox_2d": [1, 2, 3, 4]} \ud800 \u00e9', "qwen2_5_vl", (56, 84), -0.5, 1, "1")


def same(one, other):
    return (one.written, one.boxes, one.truncated) == (other.written, other.boxes, other.truncated)


@pytest.mark.parametrize("written", [WRITTEN, replace(WRITTEN, input_size=None, score=None, most=None, parser="")])
def test_texts_are_stored_and_travel_whole(written):
    answer = Grounding(boxes=(Box(1, 2, 3, 4, -0.5),), truncated=True, written=written)
    assert same(decode(encode(answer)), answer)
    items, arrays = answers_out([answer])
    (arrived,) = answers_in(json.loads(json.dumps(items)), arrays)
    assert same(arrived, answer)


def test_answers_without_a_text_are_stored_as_before():
    assert encode(Grounding(boxes=(Box(1, 2, 3, 4, 0.5),))) == b'\x21\0\0\0{"boxes":[[1.0,2.0,3.0,4.0,0.5]]}'
    heatmap = Heatmap.whole(np.zeros((1, 1), dtype=np.float32), (4, 4))
    assert b"written" not in encode(Grounding(heatmap))
    assert isinstance(decode(encode(Failure("A", "b"))), Failure)


def test_what_is_no_text_is_no_answer(groundcxr, data, said, tmp_path):
    with pytest.raises(TypeError, match="must be a str"):
        Written(b"bytes", "qwen3_vl")
    with pytest.raises(TypeError, match="must be a Written"):
        Grounding(written="text")
    file = tmp_path / "say.py"
    text = file.read_text()
    for convention, words in (("qwen3", "there is no convention 'qwen3'"), ("qwen2_5_vl", "its size is not given")):
        file.write_text(text.replace('"qwen3_vl"', repr(convention)))
        ran = groundcxr("evaluate", "--method", "say.py", *data)
        assert ran.code == 1
        assert words in ran.err


PERFECT = {"opacity 0": Box(5, 4, 25, 14), "opacity 3": Box(8, 4, 28, 14), "another one": Box(30, 20, 40, 32)}


@pytest.fixture
def lines(groundcxr, data, tmp_path):
    """One line for each sample: its true box in the words of MAIRA-2, or that there is none."""
    import csv

    assert groundcxr("samples", *data, "--out", "samples.csv").code == 0
    with (tmp_path / "samples.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    texts = {phrase: write([box], "gemma3", (60, 40)) for phrase, box in PERFECT.items()}
    return [{"sample_id": row["sample_id"], "text": texts.get(row["phrase"], "No finding.")} for row in rows]


def written_to(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8-sig")
    return path


def test_texts_written_elsewhere_are_scored(groundcxr, data, lines, tmp_path):
    lines[0]["extra"] = "is not read"
    file = written_to(tmp_path / "ANSWERS.jsonl", lines)
    ran = groundcxr("import", file, "--preset", "gemma3", *data)
    assert ran.code == 0, ran.err
    result = result_of(ran)
    assert result.info.method.label == "gemma3"
    assert result.info.method.options == {"preset": "gemma3"}
    assert result.info.texts.model_dump(exclude={"parser"}) == {
        "answers": 5, "refusals": 2, "unparseable": 0, "repaired": 0,
    }  # fmt: skip
    values = result.samples["box_iou"].tolist()
    assert sorted(values)[:2] == [0, 0]
    assert min(sorted(values)[2:]) > 0.99
    assert result.path.is_relative_to(tmp_path / "results" / "imported")
    shown = groundcxr("answers", result.path, "--root", data[-1])
    assert shown.out.count("No finding.") == 2
    # The same file read in another way is another method, and not the stored answers of the first.
    mine = tmp_path / "mine.toml"
    mine.write_text('prompt = "{phrase}"\ngrammar = "box_2d"\norder = "xy"\nunit = 1000\n')
    other = groundcxr("import", file, "--preset", mine, "--name", "gemma3", *data)
    assert result_of(other).path != result.path
    assert max(result_of(other).samples["box_iou"]) < 0.9


def test_a_sample_without_a_text_failed(groundcxr, data, lines, tmp_path):
    ran = groundcxr("import", written_to(tmp_path / "a.jsonl", lines[1:]), "--preset", "gemma3", "--name", "g", *data)
    assert ran.code == 1
    assert f"{lines[0]['sample_id']}: MissingPrediction: there is no text of this sample" in ran.err
    assert result_of(ran).info.texts.answers == 4


def changed(**fields):
    return lambda lines: [{**lines[0], **fields}, *lines[1:]]


@pytest.mark.parametrize(
    ("preset", "change", "words"),
    [
        ("gemma3", changed(sample_id="patient7"), "1 lines are no sample ids of this split (patient7)"),
        ("gemma3", lambda lines: [*lines, lines[1]], "lines 2 and 6 are both of the sample"),
        ("gemma3", changed(text=5), "line 1 has no sample_id and text"),
        ("gemma3", lambda lines: [{"text": "a"}], "line 1 has no sample_id and text"),
        ("gemma3", lambda lines: [["a"]], "line 1 has no sample_id and text"),
        ("gemma3", lambda lines: [], "is empty; a file of texts has one JSON object a line"),
        ("gemma3", changed(model_input_size=[3, 0.5]), "line 1: model_input_size is [width, height] in whole pixels"),
        ("qwen2_5_vl", changed(), 'line 1: the convention \'qwen2_5_vl\' counts pixels'),
        ("maira2", changed(), "the preset 'maira2' fits none of the 5 texts"),
        ("gemma", changed(), "there is no preset 'gemma'; did you mean 'gemma3'"),
    ],
)  # fmt: skip
def test_a_file_of_texts_that_does_not_fit_is_named(groundcxr, data, lines, tmp_path, preset, change, words):
    file = written_to(tmp_path / "answers.jsonl", change(lines))
    ran = groundcxr("import", file, "--preset", preset, *data)
    assert (ran.code, ran.out) == (2, "")
    assert words in ran.err
    assert ran.err.count("\n") == 1
    assert not list((tmp_path / "results").glob("imported/**/result.json"))


def test_other_mistakes_with_texts(groundcxr, data, lines, tmp_path):
    file = written_to(tmp_path / "answers.jsonl", lines)
    fits_none = groundcxr("import", file, "--preset", "maira2", *data)
    assert "they can be read by" in fits_none.err
    assert "gemma3" in fits_none.err
    without = groundcxr("import", file, "--name", "a", *data)
    assert without.code == 2
    assert "texts are JSON lines, given with --preset" in without.err
    twice = groundcxr("import", file, file, "--preset", "gemma3", *data)
    assert "texts of one method are one file of JSON lines" in twice.err
    file.write_text("{broken\n")
    broken = groundcxr("import", file, "--preset", "gemma3", *data)
    assert "answers.jsonl, line 1 is not JSON" in broken.err
    file.write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in groundcxr("import", file, "--preset", "gemma3", *data).err
    for line in lines:
        line["model_input_size"] = [56, 84]
        line["text"] = '{"bbox_2d": [28, 42, 56, 84]}'
    pixels = groundcxr("import", written_to(file, lines), "--preset", "qwen2_5_vl", *data)
    assert pixels.code == 0, pixels.err
