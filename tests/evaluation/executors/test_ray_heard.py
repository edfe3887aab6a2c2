"""What becomes of samples on the workers is heard where the run was started: warnings, and the end of a bad method."""

from __future__ import annotations

import time

import pytest

from groundcxr.core import StoppedError

pytestmark = pytest.mark.xdist_group("ray")


def test_a_method_that_fails_everywhere_is_told_of_and_ended_at_the_limit(work, ray, capsys):
    import ray as ray_package

    method = work.method("raise ValueError('no kernel')")
    with pytest.raises(StoppedError, match=r"and the limit is 20, .*ValueError: no kernel") as caught:
        work.run(method, "ray", ray, stop_after_failures=20)
    early = [line for line in capsys.readouterr().err.splitlines() if "has marked nothing so far" in line]
    assert len(early) == 1
    assert "in 8 images: 16 of 16 samples failed" in early[0]
    assert not list((work.folder / "ray").rglob("result.json"))
    # What is kept of the end, as by a run of several methods, keeps no worker: the next one has the whole cluster.
    assert caught.tb is not None
    patience = time.monotonic() + 20
    while ray_package.available_resources().get("CPU") != 2:
        assert time.monotonic() < patience
        time.sleep(0.05)
