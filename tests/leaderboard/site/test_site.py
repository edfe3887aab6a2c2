"""What stands on the pages of a site, against the results that it is of."""

import shutil
from html import unescape
from urllib.parse import urldefrag

import numpy as np
import pytest

import groundcxr
from groundcxr.core import GroundCXRError
from groundcxr.leaderboard.library import Library
from groundcxr.leaderboard.site import build_site
from groundcxr.leaderboard.site.cards import card, markdown
from groundcxr.leaderboard.site.places import slug
from groundcxr.metrics import PROTOCOLS, get_protocol

HOSTILE = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'onmouseover='alert(1)",
    "<!--<script>",
    "{{ 7*7 }}{% raw %}",
    "a\x00b\x1b[31m\u202egnp\u2066\ufdd0",
]


def printed(value):
    """A share with three decimals and no leading zero, by other means than the package's."""
    return f"{round(value, 3):.3f}".replace("0.", ".", 1) if value < 1 else f"{value:.3f}"


def test_numbers_are_those_of_the_results_to_the_printed_digit(two_sets, pages):
    boards = {**pages(two_sets.files, "boards/"), **pages(two_sets.files, "index")}
    seen = 0
    for setting in two_sets.library.settings():
        runs = {run.label: run for run in two_sets.library.of(setting)}
        for page in boards.values():
            # The caption names the samples and the protocol.
            if setting.fingerprint[:8] not in page.text or setting.protocol_hash[:12] not in page.text:
                continue
            (head, *rows), *_ = page.tables
            key = next(metric.key for metric in runs["good"].info.metrics if metric.label == head[0].strip())
            for name, *cells in rows:
                info = next(run for label, run in runs.items() if label in name).info
                for column, shown in zip(head[1:], cells, strict=True):
                    block = info.pathologies.get(column) or getattr(info.overall, column)
                    value = block[key].value
                    expected = "-" if value is None else printed(value)
                    assert shown.strip(" †°△") == expected, (key, name, column)
                    seen += value is not None
    # Three methods on three tables of two metrics of boxes at least, four columns each.
    assert seen >= 72


def test_the_page_of_a_run_has_every_metric(two_sets, pages):
    found = pages(two_sets.files, "methods/")
    assert len(found) == len(two_sets.library.runs)
    for run in two_sets.library.runs:
        (page,) = (page for name, page in found.items() if run.id in name)
        (head, *rows), *facts = page.tables
        assert [row[0].strip("°") for row in rows] == [metric.label for metric in run.info.metrics]
        for metric, row in zip(run.info.metrics, rows, strict=True):
            value = run.info.overall.macro[metric.key].value
            assert row[head.index("macro")] == ("-" if value is None else printed(value))
        known = dict(row for table in facts for row in table)
        assert known["fingerprint"] in (run.info.method.fingerprint, run.info.dataset.fingerprint)
        assert known["protocol hash"] == run.info.protocol.hash
        assert f"evaluate --method METHOD.py:{run.label}" in page.text
        assert "@misc{groundcxr" in page.text


def test_two_methods_are_compared_as_in_python(two_sets, pages):
    for name, page in pages(two_sets.files, "pairs/").items():
        setting = next(one for one in two_sets.library.settings() if f"{one.dataset}-{one.protocol}-" in name)
        runs = two_sets.library.of(setting)
        methods, by_key = page.data["methods"], {metric["key"]: metric for metric in page.data["metrics"]}
        assert methods == [run.label for run in runs]
        metric = "box_iou" if "box_iou" in by_key else "iou"
        assert len(by_key[metric]["pairs"]) == 3
        for pair, rows in by_key[metric]["pairs"].items():
            first, second = (runs[int(place)] for place in pair.split("-"))
            table = groundcxr.compare(first.path, second.path, metrics=[metric])
            assert [row[0] for row in rows] == list(table["pathology"])
            for row, known in zip(rows, table.to_dict("records"), strict=True):
                for shown, key in zip(
                    row[2:7], ("first_value", "second_value", "difference", "low", "high"), strict=True
                ):
                    assert float(shown) == pytest.approx(known[key], abs=5.0001e-4)
                assert row[1] == known["n"]
                assert row[9:] == [known["wins"], known["ties"], known["losses"]]
                assert row[8] == (known["p_corrected"] < 0.05)
                p = known["p_corrected"]
                assert row[7] == "< .001" if p < 0.001 else float(row[7]) == pytest.approx(p, abs=5.0001e-4)


def test_every_link_leads_somewhere_within_the_site(two_sets, read):
    names = set(two_sets.files)
    reached = {"index.html"}
    for name, content in two_sets.files.items():
        if not name.endswith(".html"):
            continue
        folder = name.rpartition("/")[0]
        for tag, attributes in read(content).tags:
            target = attributes.get("href") or attributes.get("src")
            # A card may name a paper; nothing is loaded from there.
            if not target or (tag == "a" and target.startswith("https://")):
                continue
            path = urldefrag(target)[0] or name.rpartition("/")[2]
            path = path.removeprefix("../") if path.startswith("../") else "/".join(filter(None, (folder, path)))
            assert path in names, (name, target)
            reached.add(path)
    assert {name for name in names if name.endswith(".html")} <= reached


def test_equal_results_give_equal_bytes_that_name_no_place(two_sets, tmp_path):
    shutil.copytree(two_sets.folder, tmp_path / "elsewhere/deep/results")
    again = build_site(Library.scan([tmp_path / "elsewhere/deep"]))
    assert again == two_sets.files
    for name, content in again.items():
        assert str(tmp_path.parent).encode() not in content, name


def test_several_data_sets_have_a_table_over_all(two_sets, pages, scan):
    found = pages(two_sets.files, "overview/")
    assert len(found) == len(two_sets.library.runs[0].info.metrics)  # under v1, which two data sets are under
    assert "other" in next(iter(found.values())).text
    alone = build_site(scan(two_sets.folder / "other"))
    assert not [name for name in alone if name.startswith("overview/")]


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_result_says_is_shown_and_never_obeyed(save_run, tmp_path, read, text):
    def site(folder, said):
        for number in (1, 2):
            label = f"{said}{number}"
            method = {
                **dict.fromkeys(("label", "name", "note", "revision", "weights", "licence", "kind"), label),
                "options": {said: said},
                "trained_on": [said],
            }
            data = {"name": said, "version": said, "split": said, "licence": said, "options": {said: said}}
            save_run("x", {"box_iou": np.linspace(0.1, 0.9, 12)}, method=method, data=data, out=tmp_path / folder)
            (tmp_path / folder).rename(tmp_path / f"{folder}{number}")
        return build_site(Library.scan([tmp_path / f"{folder}1", tmp_path / f"{folder}2"]))

    plain, hostile = (site(*one) for one in (("plain", "plain"), ("hostile", text)))
    shape = [
        sorted(tuple(tag for tag, _ in read(content).tags) for name, content in site.items() if name.endswith(".html"))
        for site in (plain, hostile)
    ]
    assert shape[0] == shape[1]
    for name, content in hostile.items():
        if not name.endswith(".html"):
            continue
        for tag, attributes in read(content).tags:
            assert not [key for key in attributes if key.startswith("on")], (name, tag)
            assert (
                tag != "script"
                or attributes.get("type") == "application/json"
                or attributes["src"].startswith("..")
                or (name == "index.html")
            )
        assert not set(content.decode()) & set("\x00\x1b\u202e\u2066\ufdd0")
        assert not any(set(name) & set("<>\"'& :\\") for name in hostile)


def test_images_are_shown_of_no_data_but_free_ones(save_run, scan):
    # What a result says of its data is its author's word.
    save_run("mine", {"box_iou": np.linspace(0.1, 0.9, 12)}, dataset="ms-cxr", data={"credentialed": False})
    files = build_site(scan())
    assert not [name for name in files if name.startswith("images/")]
    assert b"<img" not in b"".join(files.values())


@pytest.fixture(scope="module")
def phantom_results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantom")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GROUNDCXR_CACHE", str(folder / "cache"))
        data = groundcxr.load_dataset("phantom", images=4)
        for method in ("center-prior", "oracle"):
            groundcxr.evaluate(method, data, "v1", out=folder / "results")
    return folder


def test_the_phantom_shows_some_samples_of_each_method(phantom_results, pages, monkeypatch):
    monkeypatch.setenv("GROUNDCXR_CACHE", str(phantom_results / "cache"))
    files = build_site(Library.scan([phantom_results / "results"]))
    pictures = {name for name, content in files.items() if content.startswith(b"RIFF")}
    shown = {
        name: [attributes["src"].removeprefix("../") for tag, attributes in page.tags if tag == "img"]
        for name, page in pages(files, "methods/").items()
    }
    (prior,) = (names for page, names in shown.items() if "center-prior" in page)
    assert 2 <= len(prior) <= 8
    assert set(prior) == pictures
    # What reads the ground truth stores no answers.
    assert [names for page, names in shown.items() if "oracle" in page] == [[]]


def test_every_protocol_has_a_card_whose_links_hold():
    for name in PROTOCOLS.names():
        protocol = get_protocol(name)
        html = card((name, protocol.version, protocol.hash), {"v1": "v1.html"})
        assert html is not None, name
        assert ".md" not in "".join(part.partition('"')[0] for part in html.split('href="')[1:]), name
    assert card(("v1", "1", "another hash"), {}) is None
    assert card(("somebody's", "1", "x"), {}) is None


def test_a_card_keeps_the_links_of_the_site_and_of_the_web():
    html = markdown("[a](v1.md) [b](../x.md#y) [c](https://doi.org/z) [`d`](no.md) <b>", {"v1": "v1-1.html"})
    assert html.strip() == (
        '<p><a href="v1-1.html">a</a> b <a href="https://doi.org/z">c</a> <code>d</code> &lt;b&gt;</p>'
    )
    assert "<b>" in unescape(html)


def test_no_two_names_share_an_address():
    names = ["a b", "a-b", "A-b", "a_b", "", "é", "x" * 50, "x" * 51, "../a-b", "miou", "mIoU"]
    assert len({slug(name) for name in names}) == len(names)
    assert all(slug(name) and set(slug(name)) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_") for name in names)
    assert slug("box_iou") == "box_iou"


def test_without_results_there_is_no_site():
    with pytest.raises(GroundCXRError, match="no result"):
        build_site(Library((), ()))
