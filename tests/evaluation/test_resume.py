"""Kill -9 in the middle, run again: only what was missing is computed, and every byte is as if nothing had happened."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

# The method notes what it is asked, and kills its own process at the ninth phrase while the file `fuse` is there.
METHOD = """
import os, signal
from pathlib import Path
import numpy as np
from groundcxr import Grounding, GroundingMethod, Heatmap
from groundcxr.core.fingerprint import generator_from

HERE = Path(__file__).parent


class Mine(GroundingMethod):
    def ground_batch(self, queries):
        with (HERE / "asked").open("a") as file:
            file.writelines(query.phrase + "\\n" for query in queries)
        if (HERE / "fuse").exists() and len((HERE / "asked").read_text().splitlines()) >= 9:
            (HERE / "fuse").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        # What one answer is depends on the whole batch, a little, as it does with real kernels.
        drift = 1e-7 * len(queries)
        return [self.one(query, drift) for query in queries]

    def one(self, query, drift):
        values = generator_from(query.image.sha256, query.phrase).random((6, 5)) + drift
        return Grounding(Heatmap.whole(values, query.image.size))
"""


@pytest.fixture
def work(tmp_path):
    (tmp_path / "mine.py").write_text(METHOD)
    return tmp_path


def run(work: Path, manifest: Path, out: str, *more: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", "from groundcxr.cli.main import evaluate_main; evaluate_main()"]
    command += ["--method", "./mine.py", "--dataset", "manifest", "--root", str(manifest), "--out", out, *more]
    return subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=120)


def values(folder: Path) -> pd.DataFrame:
    (path,) = folder.rglob("samples.parquet")
    return pd.read_parquet(path).drop(columns="seconds")


@pytest.fixture
def many(write_manifest):
    """Twelve images with one phrase each, two with two."""
    rows = ["image,phrase,pathology,x,y,w,h"]
    rows += [f"{number}.png,opacity {number},Edema,{number},4,15,10" for number in range(12)]
    rows += ["0.png,second,Pneumonia,3,3,9,9", "7.png,second,Pneumonia,3,3,9,9"]
    return write_manifest(range(12), rows)


def test_killed_run_goes_on_where_it_was(work, many, stored):
    undisturbed = run(work, many, "undisturbed", "--batch-size", "3")
    assert undisturbed.returncode == 0, undisturbed.stderr
    (work / "asked").unlink()

    (work / "fuse").touch()
    killed = run(work, many, "killed", "--batch-size", "3")
    assert killed.returncode == -signal.SIGKILL
    assert 0 < len(stored(work / "killed")) < 14
    assert not list((work / "killed").rglob("result.json"))

    (work / "asked").unlink()
    resumed = run(work, many, "killed", "--batch-size", "3")
    assert resumed.returncode == 0, resumed.stderr
    asked = (work / "asked").read_text().splitlines()
    assert len(asked) == 14 - sum(len(batch) for batch in (["0", "0b", "1", "2"], ["3", "4", "5"]))
    assert stored(work / "killed") == stored(work / "undisturbed")
    pd.testing.assert_frame_equal(values(work / "killed"), values(work / "undisturbed"), check_exact=True)

    (work / "asked").unlink()
    assert run(work, many, "killed", "--batch-size", "3").returncode == 0
    assert not (work / "asked").exists()


def test_a_batch_of_which_a_part_is_lost_is_computed_whole(work, many, stored):
    assert run(work, many, "whole", "--batch-size", "4").returncode == 0
    before = stored(work / "whole")
    for path in sorted((work / "whole").rglob("*.batch"))[::2]:
        path.write_bytes(path.read_bytes()[:-9])
    assert run(work, many, "whole", "--batch-size", "4").returncode == 0
    assert stored(work / "whole") == before


def test_batch_sizes_agree(work, many):
    for size in ("1", "5"):
        assert run(work, many, size, "--batch-size", size).returncode == 0
    pd.testing.assert_frame_equal(values(work / "1"), values(work / "5"), rtol=0, atol=1e-5)


def test_shards_fill_the_store_and_score_ends_it(work, many, stored):
    assert run(work, many, "whole", "--batch-size", "2").returncode == 0
    for part in ("1/3", "3/3"):
        done = run(work, many, "parts", "--batch-size", "2", "--shard", part)
        assert done.returncode == 0, done.stderr
        assert part in done.stdout
    assert not list((work / "parts").rglob("result.json"))
    command = [sys.executable, "-c", "from groundcxr.cli.main import main; main()", "score", "--method", "./mine.py"]
    command += ["--dataset", "manifest", "--root", str(many), "--out", "parts"]
    early = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=120)
    assert early.returncode == 2
    assert "lacks predictions" in early.stderr
    assert run(work, many, "parts", "--batch-size", "2", "--shard", "2/3").returncode == 0
    (work / "asked").unlink()
    late = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=120, env={**os.environ})
    assert late.returncode == 0, late.stderr
    assert not (work / "asked").exists()
    assert stored(work / "parts") == stored(work / "whole")
    pd.testing.assert_frame_equal(values(work / "parts"), values(work / "whole"), check_exact=True)
