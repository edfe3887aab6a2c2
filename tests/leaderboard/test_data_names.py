"""Data sets are told apart by what a reader knows of them, and the one with the most to see comes first."""

import numpy as np

from groundcxr.core.fingerprint import digest
from groundcxr.leaderboard.board import board
from groundcxr.leaderboard.caption import caption
from groundcxr.leaderboard.data_names import data_names


def names_of(library):
    names = data_names(library.runs)
    return [names[setting] for setting in library.settings()]


def data(seed, n, **more):
    return {"options": {"seed": seed, "size": 256}, "fingerprint": digest(seed, n), **more}


def test_the_differing_option_is_said_and_no_hash(save_run, scan):
    save_run("a", n=12, data=data(0, 12))
    save_run("b", n=12, data=data(0, 12))
    save_run("a", n=10, data=data(1, 10))
    assert names_of(scan()) == ["made-up 2.0 (test), seed 0, 12 samples", "made-up 2.0 (test), seed 1, 10 samples"]


def test_what_differs_in_nothing_that_is_known_is_told_by_its_fingerprint(save_run, scan):
    for number in (1, 2):
        save_run("a", n=12, data={"fingerprint": digest(number)})
    assert {name.removeprefix("made-up 2.0 (test) ") for name in names_of(scan())} == {
        digest(1)[:8],
        digest(2)[:8],
    }


def test_a_name_that_nothing_shares_stays_as_it_is(save_run, scan):
    save_run("a", n=12, data=data(0, 12))
    save_run("a", n=10, data=data(1, 10))
    save_run("a", dataset="another")
    assert "another 2.0 (test)" in names_of(scan())


def test_the_most_methods_come_first_then_the_most_samples(save_run, scan):
    save_run("a", dataset="alphabet", n=40)
    save_run("a", dataset="small", n=12)
    save_run("b", dataset="small", n=12)
    save_run("a", dataset="zebra", n=50)
    save_run("a", dataset="part", n=60, complete=False)
    save_run("b", dataset="part", n=60, complete=False)
    save_run("c", dataset="part", n=60, complete=False)
    # A method under two protocols is one method.
    save_run("a", dataset="alphabet", n=40, protocol="vilouras2024", emits=("heatmap",))
    assert [name.split()[0] for name in names_of(scan())] == ["small", "zebra", "alphabet", "alphabet", "part"]


def test_a_label_of_ones_own_is_the_name_and_tells_nothing_apart(save_run, scan):
    save_run("a", {"box_iou": np.linspace(0, 1, 12)})
    save_run("b", {"box_iou": np.linspace(0, 1, 12)}, data={"label": "Ward 7\n<b>"})
    library = scan()
    assert set(data_names(library.runs).values()) == {"Ward 7 <b> (test)"}
    assert len(library.settings()) == 1
    assert "Box IoU on Ward 7 <b> (made-up 2.0) (split test, 12 samples" in caption(
        board(library.runs, "box_iou"), intervals=True
    )
