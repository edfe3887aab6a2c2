"""Runs on a Ray cluster: what a local run gives, whatever becomes of workers and nodes."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from groundcxr.core import GroundCXRError, MethodError
from groundcxr.evaluation import Run, make_entry, run_entry
from groundcxr.evaluation.executors.ray import RayExecutor
from groundcxr.evaluation.executors.ray_worker import Order, RayWorker, versions
from groundcxr.evaluation.prediction import Failure
from groundcxr.methods.isolated.place import placed
from groundcxr.metrics import get_protocol

pytestmark = pytest.mark.xdist_group("ray")


@pytest.fixture
def one_worker(cluster):
    with RayExecutor(cluster.address, workers=1) as executor:
        yield executor


def statuses(result):
    return sorted(set(result.samples["miou_status"]))


def test_answers_and_scores_are_those_of_a_local_run(work, ray):
    method = work.method()
    there, answers = work.run(method, "ray", ray)
    assert work.asked() == {f"i{number:02}": 1 for number in range(12)}
    here, expected = work.run(method, "local")
    assert len(answers) == 24
    assert answers == expected
    columns = [name for name in here.samples.columns if name != "seconds"]
    assert there.samples[columns].equals(here.samples[columns])
    assert there.info.run.device == "cpu"
    assert there.info.run.batch_size == 2
    # Nothing is left to do, for the workers neither.
    work.asked()
    again, same = work.run(method, "ray", ray)
    assert same == answers
    assert not work.asked()
    assert again.samples.equals(there.samples)


def test_a_lost_workers_batch_is_given_out_once_more_and_then_fails(work, one_worker):
    # i05 ends its worker once, i07 and i09 always; batches are of two images.
    method = work.method(
        "if name == 'i05' and first_time('died'): os.kill(os.getpid(), signal.SIGKILL)\n"
        "if name in ('i07', 'i09') and not (FOLDER / 'mended').exists(): os._exit(3)"
    )
    result, answers = work.run(method, "ray", one_worker)
    assert work.asked() == {f"i{number:02}": 2 if 4 <= number <= 9 else 1 for number in range(12)}
    failures = {(name, str(one)) for (name, _), one in answers.items() if isinstance(one, Failure)}
    assert {name for name, _ in failures} == {"i06", "i07", "i08", "i09"}
    assert {reason for _, reason in failures} == {
        "WorkerLost: the worker was lost 2 times with this batch: its process ended (killed, out of memory, or crashed "
        "in native code)"
    }
    counts = result.samples["miou_status"].value_counts()
    assert (counts["ok"], counts["failed"]) == (16, 8)
    # The next run asks what failed, and nothing else.
    (work.folder / "mended").touch()
    _, mended = work.run(method, "ray")
    assert set(work.asked()) == {"i06", "i07", "i08", "i09"}
    assert mended == work.run(method, "local")[1]


@pytest.mark.slow
def test_a_node_is_removed_in_mid_run(work, ray, cluster):
    # Its worker waits with its first batch to be lost; the other one begins when that is so.
    (work.folder / "doomed").write_text(cluster.second.node_id)
    method = work.method(
        "import ray\n"
        "if (FOLDER / 'doomed').exists():\n"
        "    if ray.get_runtime_context().get_node_id() == (FOLDER / 'doomed').read_text():\n"
        "        (FOLDER / 'waits').touch()\n"
        "        while True: time.sleep(60)\n"
        "    while not (FOLDER / 'waits').exists(): time.sleep(0.01)"
    )

    def remove():
        while not (work.folder / "waits").exists():
            time.sleep(0.01)
        cluster.remove_node(cluster.second, allow_graceful=False)

    remover = threading.Thread(target=remove, daemon=True)
    remover.start()
    try:
        result, answers = work.run(method, "ray", ray)
    finally:
        remover.join(30)
        cluster.second = cluster.add_node(num_cpus=1)
    asked = work.asked()
    assert set(asked) == {f"i{number:02}" for number in range(12)}
    assert sorted(asked.values()) == [1] * 11 + [2]  # the first image of the lost node's batch
    assert statuses(result) == ["ok"]
    (work.folder / "doomed").unlink()
    assert answers == work.run(method, "local")[1]


def test_a_method_that_kills_every_worker_ends_the_run(work, one_worker):
    method = work.method(setup="os._exit(1)")
    with pytest.raises(GroundCXRError, match=r"4 workers in a row were lost before one had done anything: its process"):
        work.run(method, "ray", one_worker)


def test_a_setup_that_fails_is_told_as_in_a_local_run(work, one_worker):
    method = work.method(setup="raise ValueError('no weights')")
    with pytest.raises(MethodError) as there:
        work.run(method, "ray", one_worker)
    with pytest.raises(MethodError) as here:
        work.run(method, "local")
    assert str(there.value) == str(here.value)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"versions": {"numpy": "1.26.4"}}, r"^the node .* has numpy .* started with numpy 1\.26\.4; every node needs"),
        ({"info": {"fingerprint": "0" * 64}}, "^Mine is another method on the node"),
    ],
)
def test_a_node_with_other_packages_or_another_method_of_that_name_is_refused(work, changed, sentence):
    pytest.importorskip("ray")
    entry = make_entry(str(work.method()))
    order = Order(
        recipe=entry.recipe,
        info=entry.info.model_copy(update=changed.get("info", {})),
        fitted_on=entry.fitted_on,
        samples=work.selection.samples,
        batches=[],
        root=work.folder / "store",
        device="cpu",
        batch_size=2,
        overwrite=False,
        versions=versions() | changed.get("versions", {}),
        folder=Path.cwd(),
    )
    with pytest.raises(GroundCXRError, match=sentence):
        RayWorker(order).prepare()


def test_a_control_that_reads_samples_stays_with_the_driver(work):
    with RayExecutor("127.0.0.1:1") as nowhere:
        result, _ = work.run("oracle", "ray", nowhere)
    assert statuses(result) == ["ok"]


def test_a_control_that_asks_another_phrase_is_asked_on_the_workers(work, ray):
    work.method()
    settings = {"method": str(work.folder / "mine.py")}
    found = []
    for out, more in (("ray", {"executor": ray}), ("local", {})):
        entry = make_entry("shuffled-phrase", settings=settings)
        run = Run(work.selection, work.folder / out / "store", None, batch_size=2, **more)
        (result,) = run_entry(entry, [get_protocol("v1")], run)
        assert statuses(result) == ["ok"]
        assert len(work.asked()) == 12
        found.append(result.samples.drop(columns="seconds"))
    assert found[0].equals(found[1])


@pytest.mark.parametrize(
    ("options", "device", "sentence"),
    [
        ({"workers": 3}, "auto", "3 workers with 1 CPU each are more than the Ray cluster holds; write --workers 2"),
        ({"cpus": 2}, "auto", "no node of the Ray cluster has 2 CPUs for a worker; the largest has 1 CPU"),
        ({"gpus": 0.5}, "auto", "no node of the Ray cluster has 1 CPU and 0.5 GPU for a worker"),
        ({}, "cuda", "no node of the Ray cluster has 1 CPU and 1 GPU for a worker"),
        ({"gpus": 1}, "cpu", "--device cpu and 1 GPUs a worker exclude each other"),
        ({"gpus": 0}, "cuda", "--device cuda and 0 GPUs a worker exclude each other"),
        ({}, "cuda:1", "which chooses the GPU"),
    ],
)
def test_what_the_cluster_does_not_have_is_said(work, cluster, options, device, sentence):
    with RayExecutor(cluster.address, **options) as executor, pytest.raises(GroundCXRError) as caught:
        work.run(work.method(), "ray", executor, device=device)
    assert sentence in str(caught.value)
    assert not work.asked()


def test_a_method_in_another_python_is_run_by_the_workers_and_ends_with_them(work, ray):
    method = work.method(
        "(FOLDER / f'{os.getppid()}-{os.getpid()}.process').touch()\n"
        "if name == 'i05' and not (FOLDER / 'mended').exists(): os._exit(3)"
    )
    with placed(Path(sys.executable), None):
        _, answers = work.run(method, "ray", ray)
    failed = {name: str(one) for (name, _), one in answers.items() if isinstance(one, Failure)}
    assert failed == {"i05": "ProcessEnded: the method's process ended: exit status 3"}
    families = [file.stem.split("-") for file in work.folder.glob("*.process")]
    assert families
    assert str(os.getpid()) not in {parent for parent, _ in families}
    patience = time.monotonic() + 20
    while any(Path("/proc", child).exists() for _, child in families):
        assert time.monotonic() < patience
        time.sleep(0.05)
    (work.folder / "mended").touch()
    with placed(Path(sys.executable), None):
        _, mended = work.run(method, "ray")
    assert mended == work.run(method, "here")[1]
