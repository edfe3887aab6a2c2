"""`groundcxr leaderboard` as a user types it; the server itself is tested in tests/leaderboard/pages."""

import socket

import pytest

from groundcxr.core import GroundCXRError
from groundcxr.leaderboard import serve
from groundcxr.leaderboard.options import Options


def test_it_starts_streamlit_with_the_folders(groundcxr, monkeypatch, tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "data").mkdir()
    started = []
    monkeypatch.setattr("groundcxr.cli.leaderboard.become", lambda program, words: started.extend(words))
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    ran = groundcxr("leaderboard", "--results", "results", "--data", "ms-cxr=data", "--port", port)
    assert ran.code == 0, ran.err
    assert f"http://localhost:{port}" in ran.out
    # -P: the folder it is called from must not be on sys.path.
    assert started[1:5] == ["-P", "-m", serve.__name__, str(port)]
    # The server runs in the app's folder, where these paths must mean the same.
    handed = Options.parse(started[5:])
    assert handed == Options((tmp_path / "results",), None, {"ms-cxr": tmp_path / "data"})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--results", "nowhere"], "nowhere (--results)"),
        (["--store", "nowhere"], "(--store)"),
        (["--data", "ms-cxr=nowhere"], "(--data ms-cxr)"),
        (["--data", "ms-cxr"], "write NAME=ROOT"),
        (["--data", "mscxr=."], "there is no dataset 'mscxr'; did you mean 'ms-cxr'?"),
        (["--data", "a=.", "--data", "a=.."], "names a twice"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_sentence(groundcxr, tmp_path, arguments, words):
    (tmp_path / "results").mkdir()
    ran = groundcxr("leaderboard", *arguments)
    assert ran.code == 2
    assert words in ran.err
    assert ran.err.count("\n") == 1


def test_a_port_in_use_is_told(groundcxr, tmp_path):
    (tmp_path / "results").mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = groundcxr("leaderboard", "--port", taken.getsockname()[1])
    assert ran.code == 2
    assert "is taken; give another with --port" in ran.err


def test_an_argument_of_the_app_that_does_not_fit_is_an_error_and_no_exit():
    with pytest.raises(GroundCXRError, match="--nonsense"):
        Options.parse(["--nonsense"])
