"""Every metric, kind, tier and protocol of the toolkit is explained where it is chosen."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import groundcxr
from groundcxr import methods
from groundcxr.core import Status
from groundcxr.evaluation.schema import MetricInfo
from groundcxr.leaderboard.blind import never_looks
from groundcxr.leaderboard.board import board
from groundcxr.leaderboard.board_html import board_table
from groundcxr.leaderboard.words import KINDS, TIERS, metric_sentence, metric_words, protocol_card, status_words
from groundcxr.methods import METHODS, ControlMethod
from groundcxr.metrics.registry import PROTOCOLS

DOCS = Path(groundcxr.__file__).parent / "docs"


def test_every_protocol_has_a_page_and_every_metric_words():
    names = [name for name in PROTOCOLS.names() if PROTOCOLS.is_builtin(name)]
    assert {"v1", "v2", "agkd2025"} <= set(names)
    for name in names:
        card = protocol_card(name)
        assert card is not None
        assert (DOCS / "protocols" / Path(card).name).is_file()
        for metric in PROTOCOLS.get(name).metrics:
            words = metric_words(info_of(metric), name)
            assert "a number of" not in words, (name, metric.key)
            assert ("lower" if not metric.higher_is_better else "higher") in words


def info_of(metric):
    fields = ("key", "label", "needs", "low", "high", "higher_is_better", "headline")
    return MetricInfo(**{field: getattr(metric, field) for field in fields})


def test_a_metric_of_somebody_elses_protocol_is_not_explained_as_ours():
    words = metric_words(info_of(PROTOCOLS.get("v1").metrics[0]), "somebodys")
    assert words == "a number of a map of scores, 0 to 1, higher is better"
    assert protocol_card("somebodys") is None


def test_every_kind_and_tier_is_explained():
    assert set(KINDS) == set(methods.KINDS)
    assert set(TIERS) == {"measured here", "reproduced", "imported", "published"}


def test_the_sentence_has_the_best_guess_that_never_looks(save_run, scan):
    save_run("method", {"box_iou": np.linspace(0.5, 0.6, 12)})
    save_run("whole-image", {"box_iou": np.full(12, 0.263)}, kind="control")
    save_run("random", {"box_iou": np.full(12, 0.1)}, kind="control")
    save_run("oracle", {"box_iou": np.ones(12)}, kind="control")
    said = metric_sentence(board(scan().runs, "box_iou"))
    assert said.startswith("Box IoU: overlap (intersection over union) of the method's boxes")
    assert "0 to 1, higher is better." in said
    assert said.endswith("The best guess that never looks at the image reaches .263 (whole-image).")
    alone = metric_sentence(board([run for run in scan().runs if run.label == "method"], "box_iou"))
    assert "guess" not in alone


def test_every_status_is_explained():
    for status in Status:
        assert status_words(status).startswith(f"{status}: ")
    assert status_words("somebodys") == "somebodys"


def test_heads_call_cells_means_only_where_they_are(save_run, scan):
    save_run("method", {"box_iou": np.linspace(0.5, 0.6, 12)})
    shown = board(scan().runs, "box_iou")
    assert 'title="mean over samples"' in board_table(shown, str)
    cells = {"kind": "ranking", "rule": "auroc"}
    together = board_table(replace(shown, metric=shown.metric.model_copy(update={"cells": cells})), str)
    assert 'title="over samples together"' in together
    assert "Edema, over its samples together" in together


def test_the_table_has_the_average_first_places_and_controls_apart(save_run, scan):
    rng = np.random.default_rng(0)
    for place, name in enumerate(("first", "second", "third")):
        save_run(name, {"box_iou": rng.uniform(0.5, 0.6, 40) - 0.1 * place})
    save_run("oracle", {"box_iou": np.ones(40)}, kind="control")
    shown = board(scan().runs, "box_iou")
    html = board_table(shown, lambda run: f"run?method={run.label}")
    head, body, controls = html.partition("<tbody")[0], *html.split("<tbody")[1:]
    order = ["method", "macro", "Edema", "Pneumonia", "micro"]
    assert [part.partition('"')[0] for part in head.split('data-name="')[1:]] == order
    assert head.count("aria-sort") == 1
    assert 'data-name="macro" data-first="descending" aria-sort="descending"' in head
    assert [part.partition("<")[0] for part in body.split('gx-rank" title="place by the macro average">')[1:]] == [
        "1",
        "2",
        "3",
    ]
    assert "oracle" in controls
    assert "gx-rank" not in controls
    assert controls.startswith(' class="gx-controls"')
    value = shown.rows[0].cells["macro"].value
    assert f'data-key="{value}"' in body


def test_names_are_text(save_run, scan):
    evil = '"><script>alert(1)</script>'
    save_run(evil, {"box_iou": np.linspace(0, 1, 12)})
    html = board_table(board(scan().runs, "box_iou"), lambda run: "x")
    assert "<script" not in html
    assert evil not in html


LOOK = {"format-ceiling", "generic-phrase", "mirrored", "oracle", "other-side", "random-weights", "second-reader"}
"""Controls that see the image, or what is true of it."""


def test_every_control_is_known_to_look_or_not_to():
    controls = {name for name in METHODS.names() if METHODS.is_builtin(name) and METHODS.get(name).kind == "control"}
    asking = {name for name in METHODS.names() if issubclass(METHODS.get(name), ControlMethod)}
    blind = {name for name in controls | asking if never_looks(SimpleNamespace(control=True, name=name))}
    assert controls | asking == blind | LOOK | {"shuffled-phrase"}
    assert not blind & LOOK
