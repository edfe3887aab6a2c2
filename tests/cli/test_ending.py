"""However a terminal, a disk or a method behaves: the exit code is the run's, and nothing is lost without a word."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
EVALUATE = ["evaluate", "--method", "center-prior", "--dataset", "manifest", "--root"]


def script(*arguments, before="", **how):
    """The console script in a process of its own; `before` is run by the shell that becomes it, to change its files."""
    code = "import sys; from groundcxr.cli.main import main; main()"
    command = ["bash", "-c", f'{before} exec "$@"', "bash", sys.executable, "-P", "-c", code, *map(str, arguments)]
    return subprocess.run(command, stderr=subprocess.PIPE, timeout=60, check=False, **how)


def without_reader():
    reading, writing = os.pipe()
    os.close(reading)
    return writing


def test_closed_output_costs_the_table_and_nothing_else(manifest, tmp_path):
    ran = script(*EVALUATE, manifest, "--out", tmp_path / "out", before="exec >&- <&-;")
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.decode().splitlines() == [
        f"warning: standard output could not be written (it is closed); what was made is in {tmp_path / 'out'}"
    ]
    assert list(tmp_path.glob("out/manifest/v2/*/result.json"))


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_full_output_and_a_terminal_without_the_letters(manifest, tmp_path):
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    with FULL.open("w") as full:
        ran = script(*EVALUATE, manifest, "--out", "out_ö", stdout=full, cwd=tmp_path, env=ascii_only)
    assert ran.returncode == 0, ran.stderr
    (line,) = ran.stderr.decode("ascii").splitlines()
    assert os.strerror(errno.ENOSPC) in line
    assert line.endswith(r"out_\xf6")
    assert list(tmp_path.glob("out_ö/manifest/v2/*/result.json"))


def test_neither_output_nor_error_can_be_written(manifest, method_file, tmp_path):
    method = method_file("if phrase == 'opacity 2':\n    raise ValueError('no idea')")
    ran = script(
        *EVALUATE[:2], method, *EVALUATE[3:], manifest, stdout=without_reader(), before="exec 2>&-;", cwd=tmp_path
    )
    assert ran.returncode == 1  # one sample failed
    assert list(tmp_path.glob("results/manifest/v2/*/result.json"))


def test_a_list_that_cannot_be_printed_is_an_error(tmp_path):
    ran = script("list", "protocols", before="exec >&-;")
    assert ran.returncode == 2
    assert ran.stderr.decode() == "error: standard output could not be written (it is closed)\n"


def test_a_list_whose_reader_has_seen_enough_ends_quietly():
    ran = script("list", "protocols", stdout=without_reader())
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_a_thread_of_a_method_does_not_keep_the_process(manifest, method_file, tmp_path):
    method = method_file(
        "import atexit, threading, time\n"
        "atexit.register(print, 'handlers at exit run')\n"
        "threading.Thread(target=time.sleep, args=(1000,)).start()\n"
        "if phrase == 'opacity 2':\n    raise ValueError('no idea')"
    )
    ran = script(*EVALUATE[:2], method, *EVALUATE[3:], manifest, stdout=subprocess.PIPE, cwd=tmp_path)
    assert ran.returncode == 1, ran.stderr
    lines = ran.stdout.decode().splitlines()
    assert lines[-1] == "handlers at exit run"
    assert any(line.endswith("result.json") for line in lines)


@pytest.mark.parametrize(
    ("where", "ending"),
    [
        ("setup", "import os; os._exit(3)"),
        ("ground", "import os; os._exit(3)"),
        ("ground", "import sys; sys.exit(0)"),
        ("ground", "raise GeneratorExit"),
    ],
)
def test_a_method_that_ends_the_program_ends_itself_alone(groundcxr, manifest, method_file, where, ending):
    method = method_file(ending if where == "ground" else "pass")
    if where == "setup":
        method.write_text(method.read_text() + f"\n    def setup(self, device):\n        {ending}\n")
    ran = groundcxr(*EVALUATE[:3], "--method", method, *EVALUATE[3:], manifest)
    assert ran.code == 1
    assert "center-prior on manifest" in ran.out
    assert "Mine" in ran.err
    assert "Traceback" not in ran.err
    alone = groundcxr("check-method", method)
    assert alone.code in (1, 2)
    assert "mine.py" in alone.err  # the author sees where


def test_a_shard_of_one_method_does_not_wait_for_another(groundcxr, manifest, method_file):
    bad = method_file()
    bad.write_text(bad.read_text() + "\n    def setup(self, device):\n        raise SystemExit(0)\n")
    shard = ("--dataset", "manifest", "--root", manifest, "--shard", "1/1")
    ran = groundcxr("evaluate", "--method", bad, "--method", "center-prior", *shard)
    assert ran.code == 1
    assert ran.err.startswith("error: Mine could not be run: ")
    assert "shard 1/1 is in" in ran.out
    assert groundcxr("evaluate", "--method", bad, *shard).code == 2


def test_children_of_a_method_may_end_at_once(groundcxr, manifest, method_file):
    method = method_file(
        "import os\nchild = os.fork()\nif not child:\n    os._exit(7)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7"
    )
    ran = groundcxr(*EVALUATE[:2], method, *EVALUATE[3:], manifest)
    assert ran.code == 0, ran.err


def test_a_method_that_goes_elsewhere_moves_nothing(groundcxr, manifest, method_file, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    method_file("import os; os.chdir('elsewhere' if os.path.exists('elsewhere') else '.')")
    ran = groundcxr("evaluate", "--method", "./mine.py", "--dataset", "manifest", "--root", "data", "--out", "out")
    assert ran.code == 0, ran.err
    assert Path(ran.out.splitlines()[-1]).is_file()
    assert (tmp_path / "out/store").is_dir()
    assert not list((tmp_path / "elsewhere").iterdir())


def test_home_is_home_in_every_path(groundcxr, manifest, method_file, monkeypatch, tmp_path):
    home = tmp_path / "home"
    manifest.parent.rename(home)
    method_file().rename(home / "mine.py")
    monkeypatch.setenv("HOME", str(home))
    data = ("--dataset", "manifest", "--root", "~/manifest.csv")
    mine = ("--method", "it=~/mine.py")
    ran = groundcxr("evaluate", *mine, *data, "--out", "~/out", "--store", "~/store")
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[-1].startswith(str(home / "out"))
    assert groundcxr("score", *mine, *data, "--out", "~/out", "--store", "~/store").code == 0
    ground = ("ground", "--method", "~/mine.py", "--image", "~/0.png", "--phrase", "a", "--out", "~/a.png")
    assert groundcxr(*ground).code == 0
    assert groundcxr("samples", *data, "--out", "~/a.csv").code == 0
    assert groundcxr("export", "~/out", "--out", "~/a.md").code == 0
    assert groundcxr("import", *Path(home / "out").glob("manifest/v2/*"), "--out", "~/other").code == 0
    assert {"out", "store", "a.png", "a.csv", "a.md", "other"} <= {path.name for path in home.iterdir()}
    assert not (tmp_path / "~").exists()
    (tmp_path / "~here").mkdir()  # written as ./~here it is no user's home
    assert groundcxr("samples", *data, "--out", "./~here/a.csv").code == 0
    assert (tmp_path / "~here/a.csv").is_file()
    for unset in (("export", ""), ("evaluate", "--method", "random", *data, "--out", "")):
        assert groundcxr(*unset).err.startswith("error: a path is empty")
    nobody = groundcxr("evaluate", "--method", "~nobody-of-this-name/mine.py")
    assert nobody.code == 2
    assert "there is no user 'nobody-of-this-name'" in nobody.err


def test_words_that_are_not_utf8_are_told_and_paths_that_are_not_work(groundcxr, manifest, tmp_path):
    image = ("--image", manifest.parent / "0.png")
    ran = groundcxr("ground", "--method", "center-prior", *image, "--phrase", "\udcff", "--out", "g.png")
    assert ran.code == 2
    assert ran.err == r"error: --phrase '\udcff' is not UTF-8; write it in the encoding of the terminal" + "\n"
    name = os.fsdecode(b"g\xff.png")
    try:
        manifest.with_name("0.png").rename(tmp_path / name)
    except OSError:
        pytest.skip("the file system takes UTF-8 names alone")
    method = ("ground", "--method", "center-prior", "--phrase", "a")
    # The phrase of a terminal that claims to have ASCII alone, as Python hands it over.
    ran = groundcxr(*method, "--phrase", "\udcc3\udcb6", "--image", name, "--out", f"out{name}")
    assert ran.code == 0, ran.err
    assert (tmp_path / f"out{name}").is_file()


def test_ctrl_c_ends_all_methods_and_keeps_what_is_done(groundcxr, manifest, method_file, tmp_path):
    method = method_file("import signal\nif phrase == 'opacity 2':\n    signal.raise_signal(signal.SIGINT)")
    command = ("evaluate", "--method", method, "--method", "center-prior", "--batch-size", 1, *EVALUATE[3:], manifest)
    ran = groundcxr(*command)
    assert ran.code == 130
    assert not ran.out
    assert ran.err.strip() == (
        "stopped; the predictions of finished batches are kept, and the same command goes on from there"
    )
    assert list(tmp_path.glob("results/store/Mine-*/*/*.batch"))


@pytest.mark.parametrize("end", ["posix._exit(0)", "os.abort()", "os.execlp('true', 'true')"])
def test_no_way_of_ending_the_process_is_a_methods(manifest, method_file, tmp_path, end):
    method = method_file(f"import os, posix\n{end}")
    ran = script(*EVALUATE[:2], method, *EVALUATE[3:], manifest, stdout=subprocess.PIPE, cwd=tmp_path)
    assert ran.returncode == 1, ran.stderr
    assert b"SystemExit: os." in ran.stderr


def test_a_handler_at_exit_does_not_choose_the_exit_code(manifest, method_file, tmp_path):
    method = method_file("import atexit, os\natexit.register(lambda: os._exit(0))\nraise ValueError('no idea')")
    ran = script(*EVALUATE[:2], method, *EVALUATE[3:], manifest, stdout=subprocess.PIPE, cwd=tmp_path)
    assert ran.returncode == 1, ran.stderr
    assert b"Mine on manifest" in ran.stdout


@pytest.mark.parametrize("then", ["", "sys.exit(3)", "raise ValueError('in the child')"])
def test_a_child_that_a_method_forks_is_no_second_run(manifest, method_file, tmp_path, then):
    method = method_file(
        f"import os, sys\nchild = os.fork()\nif not child:\n    {then or 'pass'}\nelse:\n"
        "    with open('codes', 'a') as file:\n        print(os.waitstatus_to_exitcode(os.wait()[1]), file=file)"
    )
    ran = script(*EVALUATE[:2], method, *EVALUATE[3:], manifest, stdout=subprocess.PIPE, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count(b"Mine on manifest") == 1
    code = "3" if "exit" in then else "1" if then else "0"
    assert set((tmp_path / "codes").read_text().split()) == {code}


def test_a_method_that_redirects_output_hides_no_table(manifest, method_file, tmp_path):
    method = method_file("import io, sys\nsys.stdout = io.StringIO()\nsys.stderr = None")
    ran = script(*EVALUATE[:2], method, *EVALUATE[3:], manifest, stdout=subprocess.PIPE, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert b"Mine on manifest" in ran.stdout


def test_every_command_writes_what_a_link_names(groundcxr, manifest, tmp_path):
    image = ("--image", manifest.parent / "0.png", "--phrase", "a")
    (tmp_path / "elsewhere").mkdir()
    for name, command in {
        "a.png": ("ground", "--method", "center-prior", *image),
        "a.csv": ("samples", "--dataset", "manifest", "--root", manifest),
    }.items():
        (tmp_path / name).symlink_to(tmp_path / "elsewhere" / name)
        assert groundcxr(*command, "--out", name).code == 0
        assert (tmp_path / name).is_symlink()
        assert (tmp_path / "elsewhere" / name).stat().st_size > 0


@pytest.mark.parametrize("option", ["--out", "--store"])
def test_a_file_where_a_folder_belongs_is_told_with_the_options(groundcxr, manifest, tmp_path, option):
    (tmp_path / "results.json").write_text("{}")
    ran = groundcxr(*EVALUATE, manifest, option, "results.json")
    assert ran.code == 2
    assert ran.err.endswith("Not a directory; choose another folder with --out or --store\n")


def test_a_command_that_has_no_store_names_none(groundcxr, manifest, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("groundcxr.core.files.os.fsync", full)
    ran = groundcxr("samples", "--dataset", "manifest", "--root", manifest, "--out", "a.csv")
    assert ran.code == 2
    assert ran.err == f"error: cannot write {tmp_path / 'a.csv'}: {os.strerror(errno.ENOSPC)}; choose another --out\n"


@pytest.mark.parametrize("chosen", [None, "ACTIVE"])
def test_threads_that_wait_give_their_core_away_unless_the_user_chose(
    groundcxr, manifest, method_file, monkeypatch, chosen
):
    monkeypatch.setenv("OMP_WAIT_POLICY", "")  # so that it is as before behind the test
    monkeypatch.delenv("OMP_WAIT_POLICY") if chosen is None else monkeypatch.setenv("OMP_WAIT_POLICY", chosen)
    method = method_file("import os; raise ValueError(os.environ['OMP_WAIT_POLICY'])")
    ran = groundcxr("evaluate", "--method", method, "--dataset", "manifest", "--root", manifest, "--limit", 1)
    assert f"ValueError: {chosen or 'PASSIVE'}" in ran.err
