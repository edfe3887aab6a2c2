"""`evaluate --ray` as a user calls it: on a cluster of this machine, which leaves nothing behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import pytest

from groundcxr.cli.evaluate import with_ray_address
from groundcxr.evaluation import make_entry
from groundcxr.evaluation.executors import cluster as cluster_module
from groundcxr.evaluation.executors.cluster import Need

MAIN = [sys.executable, "-c", "from groundcxr.cli.main import evaluate_main; evaluate_main()"]


@pytest.mark.parametrize(
    ("words", "spelt"),
    [
        ([], []),
        (["--ray"], ["--ray=local"]),
        (["--ray", "--workers", "2"], ["--ray=local", "--workers", "2"]),
        (["--ray", "auto", "--workers", "2"], ["--ray", "auto", "--workers", "2"]),
        (["--ray=node:6379"], ["--ray=node:6379"]),
        (["--method", "random", "--ray", "node:6379"], ["--method", "random", "--ray", "node:6379"]),
        (["--workers", "2"], ["--workers", "2"]),
    ],
)
def test_the_address_may_be_left_out(words, spelt):
    assert with_ray_address(words) == spelt


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--workers", "2"], "--workers is an option of --ray"),
        (["--gpus-per-worker", "0"], "--gpus-per-worker is an option of --ray"),
        (["--cpus-per-worker", "2"], "--cpus-per-worker is an option of --ray"),
        (["--ray", "--shard", "1/2"], "--shard and --ray both divide the work"),
        (["--ray", "--workers", "0"], "0 workers do not fit"),
        (["--ray", "--cpus-per-worker", "0"], "0 CPUs a worker do not fit"),
        (["--ray", "--gpus-per-worker", "1.5"], "1.5 GPUs a worker do not fit"),
        (["--ray", "--gpus-per-worker", "nan"], "nan GPUs a worker do not fit"),
        (["--ray", "--gpus-per-worker", "-1"], "-1 GPUs a worker do not fit"),
        (["--ray", ""], "the address '' of a Ray cluster does not fit: write HOST:PORT or auto"),
        (["--ray", "node"], "the address 'node' of a Ray cluster does not fit"),
        (["--ray", "127.0.0.1:1"], "no Ray cluster answers at 127.0.0.1:1"),
    ],
)
def test_what_does_not_fit_is_said_at_once(groundcxr, manifest, words, sentence):
    pytest.importorskip("ray")
    ran = groundcxr("evaluate", "--method", "random", "--dataset", "manifest", "--root", manifest, *words)
    assert ran.code == 2
    assert sentence in ran.err
    assert ran.err.startswith("error: ")
    assert len(ran.err.splitlines()) == 1
    assert ran.out == ""
    assert not Path("results").exists()


def test_without_the_package_the_step_is_named(groundcxr, manifest, monkeypatch):
    monkeypatch.setattr(cluster_module, "find_spec", lambda name: None)
    ran = groundcxr("evaluate", "--method", "random", "--dataset", "manifest", "--root", manifest, "--ray")
    assert ran.code == 2
    assert ran.err.startswith("error: --ray needs the package ray, which is not installed; pip install 'ray")


@pytest.mark.parametrize(
    ("need", "node", "holds"),
    [
        (Need(1, 0), {"CPU": 8.0}, 8),
        (Need(3, 0), {"CPU": 8.0}, 2),
        (Need(1, 1), {"CPU": 64.0, "GPU": 8.0}, 8),
        (Need(16, 1), {"CPU": 64.0, "GPU": 8.0}, 4),
        (Need(1, 0.5), {"CPU": 64.0, "GPU": 2.0}, 4),
        (Need(1, 1 / 3), {"CPU": 64.0, "GPU": 2.0}, 6),
        (Need(1, 0.3), {"CPU": 64.0, "GPU": 2.0}, 6),  # a share does not span two
        (Need(1, 0.7), {"CPU": 64.0, "GPU": 2.0}, 2),
        (Need(1, 2), {"CPU": 64.0, "GPU": 7.0}, 3),
        (Need(1, 1), {"CPU": 64.0}, 0),
    ],
)
def test_how_many_workers_a_node_holds(need, node, holds):
    assert need.fitting(node) == holds


@pytest.fixture
def temporary():
    """A folder of its own for what Ray writes; short, as the path of a socket must be."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def start(work, temporary: Path, *words: object) -> subprocess.Popen[str]:
    command = [*MAIN, "--dataset", "manifest", "--root", work.folder / "data" / "manifest.csv", *words]
    # From a folder with a module that would shadow an installed package, where it were searched.
    trap = work.folder / "trap"
    trap.mkdir(exist_ok=True)
    (trap / "pandas.py").write_text("raise RuntimeError('imported from the working folder')\n")
    environment = os.environ | {"TMPDIR": str(temporary)}
    environment.pop("RAY_ADDRESS", None)
    return subprocess.Popen(
        [str(word) for word in command],
        cwd=trap,
        env=environment | {"PYTHONSAFEPATH": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_of(folder: Path) -> list[str]:
    """Processes that were started for a cluster whose files are in a folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in words and int(process.name) != os.getpid():
            found.append(process.name)
    return found


@pytest.mark.xdist_group("ray")
def test_a_cluster_of_this_machine_is_started_and_leaves_nothing(work, temporary, cluster):
    method = work.method("print('a word of the method')")
    # Beside another cluster that is there.
    running = start(
        work,
        temporary,
        "--method",
        method,
        "--batch-size",
        2,
        "--protocol",
        "v1",
        "--out",
        work.folder / "ray",
        "--ray",
    )
    out, err = running.communicate(timeout=120)
    assert running.returncode == 0, err
    assert "a word of the method" not in out
    assert "a word of the method" in err
    assert list(temporary.iterdir()) == []
    assert processes_of(temporary) == []
    result, expected = work.run(method, "local")
    assert work.answers("ray", make_entry(str(method))) == expected
    (rows,) = (work.folder / "ray").rglob("samples.parquet")
    assert pd.read_parquet(rows).drop(columns="seconds").equals(result.samples.drop(columns="seconds"))


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_leaves_nothing_running(work, temporary, number):
    pytest.importorskip("ray")
    method = work.method("(FOLDER / 'begun').touch()\ntime.sleep(600)")
    running = start(work, temporary, "--method", method, "--out", work.folder / "ray", "--ray")
    while not (work.folder / "begun").exists():
        assert running.poll() is None
        time.sleep(0.05)
    running.send_signal(number)
    _, err = running.communicate(timeout=60)
    if number != signal.SIGKILL:
        assert running.returncode == 130
        assert "the same command goes on from there" in err
        assert list(temporary.iterdir()) == []
    # After SIGKILL, Ray's own agents notice only when they next look for the process that started them.
    patience = time.monotonic() + 180
    while processes_of(temporary) and time.monotonic() < patience:
        time.sleep(0.2)
    assert processes_of(temporary) == []
    # What a killed run could not remove is removed by the next one.
    next_one = start(work, temporary, "--method", "random", "--out", work.folder / "next", "--ray")
    _, err = next_one.communicate(timeout=120)
    assert next_one.returncode == 0, err
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
@pytest.mark.xdist_group("ray")
def test_two_runs_through_ray_and_a_shard_share_a_store(work, temporary, cluster):
    method = work.method()
    out = work.folder / "shared"
    common = ("--method", method, "--batch-size", 2, "--out", out)
    address = cluster.address
    runs = [
        start(work, temporary, *common, "--ray", address, "--workers", 1),
        start(work, temporary, *common, "--ray", address, "--workers", 1),
        start(work, temporary, *common, "--shard", "1/1"),
    ]
    for running in runs:
        _, err = running.communicate(timeout=180)
        assert running.returncode == 0, err
    asked = work.asked()
    assert set(asked) == {f"i{number:02}" for number in range(12)}
    assert max(asked.values()) <= 3
    assert work.answers("shared", make_entry(str(method))) == work.run(method, "local")[1]
