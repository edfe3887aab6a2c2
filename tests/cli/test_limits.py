import os
import threading

from groundcxr.cli.limits import spare_threads


def test_numpy_computes_in_one_thread_unless_another_number_was_chosen(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    spare_threads()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    spare_threads()
    assert "OPENBLAS_NUM_THREADS" not in os.environ


def test_where_no_thread_can_be_started_numpy_is_told_to_start_none(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "4")
    spare_threads()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "4"

    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    spare_threads()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
