"""A method in another Python is the same method: answers, options, what is known of it, and what it may not do."""

import json
import subprocess
import sys

import numpy as np
import pytest

from groundcxr import GroundCXRError, Query, Radiograph, evaluate
from groundcxr.core import MethodError
from groundcxr.evaluation import load_result, make_entry
from groundcxr.evaluation.asking import ground_safely, set_up
from groundcxr.evaluation.prediction import Failure
from groundcxr.evaluation.provenance import memory_used, packages, resolve_device
from groundcxr.methods.isolated.method import IsolatedMethod
from groundcxr.methods.isolated.place import placed
from groundcxr.methods.loading import build_method, load_method_class

EVERYTHING = '''
import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Literal, Optional, Tuple

import numpy as np
import beside_everything
from groundcxr import Box, GroundCXRError, Grounding, GroundingMethod, Heatmap, Query, Radiograph, register_method
from groundcxr.core.fingerprint import generator_from


class Mode(enum.Enum):
    FAST = "fast"
    SLOW = "slow"


@dataclass(frozen=True)
class Options:
    weights: str = field(default="", metadata={"help": "where they are"})
    size: int = field(default=4, metadata={"help": "cells of the map"})
    mode: Mode = Mode.FAST
    how: Literal["a", "b"] = "a"
    layers: Tuple[float, ...] = (1.0, 2.5)
    table: Optional[Path] = None
    names: Dict[str, int] = field(default_factory=lambda: {"x": 1})
    late: bool = field(default=False, metadata={"since": "1.1"})

    def __post_init__(self):
        if self.size < 1:
            raise ValueError("size must be at least 1")


@register_method("every-thing")
class Everything(GroundingMethod):
    """Tells all that it is given."""

    kind = "contrastive"
    emits = {"heatmap", "box"}
    trained_on = ("mimic-cxr",)
    licence = "MIT"
    citation = "@misc{x}"
    batch_size = 3
    requirements = ("NumPy>=1.17", "not-there; python_version < '3'")
    Options = Options

    def setup(self, device):
        print("set up on", device)

    def ground(self, image, phrases):
        return [self.one(image, phrase) for phrase in phrases]

    def one(self, image, phrase):
        noise = generator_from(image.sha256, phrase).random((self.options.size, 3))
        told = [image.pixels.sum(), image.pixels.dtype.itemsize, image.as_uint8().mean(), *image.size, image.bits]
        told += [image.as_unit_float().mean(), image.windowed, -1 if image.padding is None else image.padding.sum()]
        told += [len(image.path.name), len(image.notes), image.pixels.flags.writeable, beside_everything.VALUE]
        values = np.concatenate([noise.ravel(), np.array(told, dtype=np.float64)]).astype(np.float32)
        extent = Box(1, 2, image.size[0], image.size[1])
        return Grounding(
            Heatmap(values[None], extent, image.size),
            [Box(0.1, 0.2, 3.3, 4.4, 0.7), Box.whole(image.size)],
            truncated="long" in phrase,
        )
'''


def images():
    rng = np.random.default_rng(0)
    wide = Radiograph.from_array(rng.integers(0, 4000, (30, 40), dtype=np.uint16), "sixteen.png")
    odd = Radiograph(wide.pixels, wide.path, wide.sha256, False, 12, padding=wide.pixels > 3000, notes=("odd", "ü"))
    return [Radiograph.from_array(rng.integers(0, 256, (20, 16), dtype=np.uint8)), wide, odd]


def queries():
    return [Query(image, phrase, "Edema") for image in images() for phrase in ("opacity", "a long Erguß \U0001f600")]


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    folder = tmp_path_factory.mktemp("everything")
    (folder / "beside_everything.py").write_text("VALUE = 3.0\n")
    (folder / "everything.py").write_text(EVERYTHING)
    return folder / "everything.py"


def bytes_of(answer):
    boxes = [(*box.as_tuple(), box.score) for box in answer.boxes]
    heatmap = answer.heatmap
    shape = None if heatmap is None else (heatmap.values.shape, heatmap.extent, heatmap.image_size)
    return None if heatmap is None else heatmap.values.tobytes(), shape, boxes, answer.truncated


def test_answers_and_descriptions_are_those_of_the_method_in_process(everything, isolated, tmp_path, capsys):
    (tmp_path / "table.csv").write_text("1")
    settings = {"size": "5", "mode": "slow", "how": "b", "layers": "1,7", "table": tmp_path / "table.csv", "late": "1"}
    settings["weights"] = str(tmp_path / "table.csv")
    here, there = build_method(str(everything), settings), isolated(everything, settings)
    assert isinstance(there, IsolatedMethod)
    for method in (here, there):
        set_up(method, "cpu")
    assert [bytes_of(a) for a in here.ground_batch(queries())] == [bytes_of(a) for a in there.ground_batch(queries())]
    differ = {"fingerprint", "environment"}
    about, elsewhere = (make_entry(method).info.model_dump(exclude=differ) for method in (here, there))
    assert about == elsewhere
    assert about["options"]["table"].startswith("table.csv sha256:")
    assert (there.batch_size, load_method_class(str(everything)).__doc__) == (3, type(there).__doc__)
    there.end()
    assert "every-thing: set up on cpu" in capsys.readouterr().err.splitlines()


def test_defaults_are_the_methods_own(everything, isolated):
    here, there = build_method(str(everything)), isolated(everything)
    assert here.options_dict() == there.options_dict()
    assert there.options.layers == (1.0, 2.5)
    assert there.options.names == {"x": 1}


def test_the_fingerprint_holds_what_the_answers_rest_on_there(everything, isolated, monkeypatch, elsewhere):
    method = isolated(everything)
    asked = "import sys, numpy; print(numpy.__version__, '.'.join(map(str, sys.version_info[:3])))"
    numpy, python = subprocess.run([elsewhere, "-c", asked], capture_output=True, text=True).stdout.split()
    assert method._found == {"python": python, "requirements": {"numpy": numpy, "not-there": None}}
    assert method.packages == {"python": python, "numpy": numpy}
    first = method.fingerprint()
    assert first == isolated(everything).fingerprint()
    for other in ({"python": "3.8.1"}, {"requirements": {"numpy": "1.17.0", "not-there": None}}):
        monkeypatch.setattr(type(method), "_found", {**method._found, **other})
        assert method.fingerprint() != first
        monkeypatch.undo()


def test_the_host_never_imports_the_file(write, isolated):
    method = isolated(
        write("""
import sys
from groundcxr import Grounding, GroundingMethod, Heatmap
import only_there

class Far(GroundingMethod):
    note = "; ".join(name for name in ("pandas", "PIL", "pydantic", "pydicom", "scipy") if name in sys.modules)
    def ground(self, image, phrases):
        return [Grounding(Heatmap.whole([[only_there.VALUE]], image.size)) for _ in phrases]
""")
    )
    method.setup("cpu")
    assert method.ground_batch(queries()[:1])[0].heatmap.values == 7
    assert method.note == ""
    assert "only_there" not in sys.modules
    with pytest.raises(MethodError, match="No module named 'only_there'"):
        build_method(str(method._spec))


def test_settings_are_refused_in_the_same_words(everything, elsewhere):
    here = load_method_class(str(everything))
    with placed(elsewhere):
        there = load_method_class(str(everything))
    for settings, words in (
        ({"sise": "3"}, "no option 'sise' of the method 'every-thing'; did you mean 'size'"),
        ({"size": "many"}, "the option size='many' of the method 'every-thing' does not fit: write a whole number"),
        ({"mode": "medium"}, "it must be 'fast' or 'slow'"),
        ({"how": "c"}, "it must be 'a' or 'b'"),
        ({"weights": "/not/there.pt"}, "the weights of the method 'every-thing' are not there: /not/there.pt"),
        ({"size": "0"}, "the options of the method 'every-thing' do not fit: size must be at least 1"),
    ):
        refusals = []
        for method in (here, there):
            with pytest.raises(GroundCXRError) as refusal:
                build_method(method, settings).fingerprint()
            refusals.append((type(refusal.value), str(refusal.value)))
        assert refusals[0] == refusals[1]
        assert words in refusals[0][1]


ONE = """
import sys, os
import numpy as np
from dataclasses import dataclass
from groundcxr import *

{top}
class One({base}):
    {inside}
    def ground(self, image, phrases):
        {body}
        return [Grounding(Heatmap.whole([[1.0]], image.size)) for _ in phrases]
"""


def one(write, body="pass", base="GroundingMethod", top="", inside="pass", name="mine.py"):
    return write(ONE.format(body=body, base=base, top=top, inside=inside).replace("import *", IMPORTS), name)


IMPORTS = "import Box, ControlMethod, Grounding, GroundingMethod, Heatmap"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"base": "ControlMethod"}, "reads the samples of a data set, so it runs in this Python only"),
        ({"inside": "kind = 'good'"}, "One.kind is 'good'; it must be one of"),
        (
            {"top": "raise OSError('no licence file')"},
            "mine.py cannot be imported: mine.py:7 in <module>: OSError: no licence file",
        ),
        ({"top": "print('on my way'); os._exit(4)"}, "ended: exit status 4; the last that it wrote: on my way"),
        (
            {"top": "@dataclass(frozen=True)\nclass O:\n    x: np.ndarray = None\n", "inside": "Options = O"},
            "the option 'x' of the method 'One' has the type ndarray, which cannot travel to another environment",
        ),
    ],
)
def test_what_cannot_be_loaded_is_one_sentence(write, isolated, change, words):
    with pytest.raises(MethodError) as refusal:
        isolated(one(write, **change))
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_failures_have_the_names_and_words_that_they_have_in_process(write, isolated):
    body = """
        if "raise" in phrases[0]: raise ZeroDivisionError("by zero")
        if "exit" in phrases[0]: sys.exit("enough")
        if "nan" in phrases[0]: return [Grounding(Heatmap.whole([[np.nan]], image.size)) for _ in phrases]
        if "few" in phrases[0]: return []
        if "thing" in phrases[0]: return [7 for _ in phrases]
        if "box" in phrases[0]: return [Grounding(boxes=[Box(0, 0, 1, 1)]) for _ in phrases]
        if "size" in phrases[0]: return [Grounding(Heatmap.whole([[1.0]], (9, 9))) for _ in phrases]
        if "pillow" in phrases[0] and "PIL" not in sys.modules: image.as_pil()"""
    file = one(write, body)
    asked = [Query(images()[0], word, "") for word in ("raise", "exit", "nan", "few", "thing", "box", "size", "fine")]
    here, there = build_method(str(file)), isolated(file)
    there.setup("cpu")
    found = [[ground_safely(method, [query])[0] for query in asked] for method in (here, there)]
    assert [str(answer) for answer in found[0][:-1]] == [str(answer) for answer in found[1][:-1]]
    assert all(isinstance(answer, Failure) for answer in found[1][:-1])
    assert not isinstance(found[1][-1], Failure)
    (pillow,) = ground_safely(there, [Query(images()[0], "pillow", "")])
    assert pillow.kind == "MethodError"
    assert pillow.message.startswith("image.as_pil() needs the package pillow; install it for ")


def test_a_bundled_method_runs_there(isolated, elsewhere):
    old = subprocess.run([elsewhere, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]).returncode
    if old:
        with pytest.raises(
            MethodError, match=r"the method 'random' of groundcxr needs Python >= 3\.11, and this is 3\."
        ):
            isolated("random")
        return
    here, there = build_method("random", {"grid": 5}), isolated("random", {"grid": "5"})
    there.setup("cpu")
    assert [bytes_of(a) for a in here.ground_batch(queries())] == [bytes_of(a) for a in there.ground_batch(queries())]
    assert make_entry(there).info.revision == make_entry(here).info.revision


def test_what_a_control_asks_runs_there(write, isolated, tiny, tmp_path, elsewhere):
    file = one(write, "import only_there")
    method = isolated("shuffled-phrase", {"method": str(file)})
    (asked,) = method.answering()
    assert isinstance(asked, IsolatedMethod)
    usual = evaluate("shuffled-phrase", tiny, out=tmp_path / "usual", settings={"method": "center-prior"})
    result = evaluate("shuffled-phrase", tiny, out=tmp_path / "out", settings={"method": str(file)}, python=elsewhere)
    assert result.problems == usual.problems
    with pytest.raises(MethodError, match="the control 'oracle' reads the samples"):
        isolated("oracle")


def test_what_an_average_asks_runs_there_each_in_its_own_process(write, tiny, tmp_path, elsewhere):
    files = [one(write, "import only_there", name=f"{name}.py").replace(tmp_path / f"{name}.py") for name in "ab"]
    settings = {"methods": ",".join(f"{file.stem}={file}" for file in files)}
    there = evaluate("average", tiny, out=tmp_path / "out", settings=settings, python=elsewhere)
    usual = evaluate("average", tiny, out=tmp_path / "usual", settings={"methods": "a=center-prior,b=center-prior"})
    assert there.problems == usual.problems == {}
    assert sum(key.startswith("python") for key in there.info.method.environment) == 2
    (grounded,) = there.info.provenance.grounding
    assert any(package.startswith("numpy of ") for package in grounded.packages)


def test_a_result_names_the_versions_that_it_rests_on_there_and_no_place(write, tiny, tmp_path, elsewhere):
    file = one(write, inside="""requirements = ("numpy>=1", "not-there; python_version < '3'")""")
    here = evaluate(str(one(write, name="usual.py")), tiny, out=tmp_path / "here")
    there = evaluate(str(file), tiny, out=tmp_path / "there", python=elsewhere)
    text = there.path.read_text()
    version = subprocess.run(
        [elsewhere, "-c", "import platform, numpy; print(platform.python_version(), numpy.__version__)"],
        check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert json.loads(text)["method"]["environment"] == dict(zip(("python", "numpy"), version, strict=True))
    assert str(elsewhere.parent) not in text
    assert load_result(there.path).info == there.info
    assert "environment" not in here.path.read_text()


def test_a_plug_in_stays_here(elsewhere, monkeypatch):
    from groundcxr.methods import METHODS

    monkeypatch.setattr(METHODS, "_plugins", lambda: {"theirs": None})
    with (
        placed(elsewhere),
        pytest.raises(MethodError, match="'theirs' comes with a package that is installed for this"),
    ):
        load_method_class("theirs")


def test_files_that_are_read_undeclared_are_told(write, isolated, tmp_path):
    (tmp_path / "secret.json").write_text("1")
    file = one(write, f"open({str(tmp_path / 'secret.json')!r}).read()")
    from groundcxr.methods.watching import files_read, undeclared_files

    method = isolated(file)
    method.setup("cpu")
    assert not files_read(method)
    ground_safely(method, queries()[:1])
    assert undeclared_files(method, files_read(method)) == [tmp_path / "secret.json"]


def test_the_gpus_that_count_are_those_there(write, isolated):
    write(
        "class cuda:\n    device_count = staticmethod(lambda: 2)\n    is_available = staticmethod(bool)\n", "torch.py"
    )
    method = isolated(one(write, top="import torch"))
    assert resolve_device("cuda:1", method) == "cuda:1"
    with pytest.raises(GroundCXRError, match=r"the device 'cuda:2' is not there \(2 GPUs found\)"):
        resolve_device("cuda:2", method)


def test_the_memory_that_is_told_is_its_own(write, isolated):
    method = isolated(one(write, top="kept = bytearray(300 * 2**20)"))
    method.setup("cpu")
    method.ground_batch(queries()[:1])
    assert 300 < memory_used(method)["host"] < 600
    assert list(packages(method)) == ["groundcxr", "python", "numpy"]


def test_the_environment_of_the_host_does_not_leak(write, isolated, monkeypatch, tmp_path):
    (tmp_path / "leak").mkdir()
    (tmp_path / "leak/leaked.py").write_text("")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "leak"))
    monkeypatch.setenv("HF_HOME", "/somewhere")
    monkeypatch.chdir(tmp_path)
    top = "told = [os.environ.get('HF_HOME'), os.getcwd(), 'PYTHONPATH' in os.environ, *sys.path]"
    told = isolated(one(write, top=top, inside="note = '|'.join(map(str, told))")).note.split("|")
    assert told[:3] == ["/somewhere", str(tmp_path), "False"]
    assert not {str(tmp_path / "leak"), str(tmp_path), ""} & set(told[3:])
    assert not any("groundcxr" in folder or "isolated" in folder for folder in told[3:])


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ("requirements = ('NumPy<1', 'Not_There>=2')", "needs NumPy<1 ({numpy} is installed there), the package Not_"),
        ("requires_python = '<3'", "needs Python <3 (it is 3."),
        ("requirements = ('numpy>=1', 'numpy<1; python_version < \"3\"', 'nowhere; python_version < \"3\"')", None),
    ],
)  # fmt: skip
def test_what_is_lacking_there_is_told_before_the_file_is_run(write, isolated, elsewhere, stated, words):
    end = "import nosuchmodule" if words else ""
    path = write(f"{end}\nfrom groundcxr import GroundingMethod\nclass Wants(GroundingMethod):\n    {stated}\n")
    if words is None:
        assert isolated(path).name == "Wants"
        return
    with pytest.raises(MethodError) as refusal:
        isolated(path)
    asked = [elsewhere, "-c", "import numpy; print(numpy.__version__, end='')"]
    numpy = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    told = str(refusal.value)
    assert told.startswith(f"method mine.py in {elsewhere} {words.format(numpy=numpy)}")
    assert told.endswith(f"install it there, or make an environment for it with: groundcxr env create {path}")


def test_an_interpreter_that_is_none_is_one_sentence(everything, isolated, tmp_path, elsewhere):
    def refused(python):
        with pytest.raises(MethodError) as refusal:
            isolated(everything, python=python)
        return str(refusal.value)

    assert "is a folder; its interpreter is" in refused(elsewhere.parents[1])
    assert "is not there; give the path of an environment's Python" in refused(tmp_path / "python")
    assert "cannot be run; give the path" in refused(everything)
    broken = tmp_path / "broken"
    broken.write_text("no program")
    broken.chmod(0o755)
    step = "; give the path of an environment's Python"
    assert "cannot be started: " in refused(broken)
    assert refused(broken).endswith(step)
    assert refused("/bin/true").endswith(f"ended: exit status 0{step}")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    assert "NumPy cannot be imported here" in refused(tmp_path / "bare/bin/python")
