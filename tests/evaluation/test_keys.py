"""What a fingerprint and a published name must cover, and must not."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from groundcxr import Grounding, GroundingMethod, Heatmap, evaluate
from groundcxr.core import MethodError
from groundcxr.core.fingerprint import file_digest
from groundcxr.evaluation.prediction import query_key
from groundcxr.methods import ControlMethod
from groundcxr.methods.loading import build_method

TWO = """
import numpy as np
from groundcxr import Grounding, GroundingMethod, Heatmap


class First(GroundingMethod):
    sign = 1

    def ground(self, image, phrases):
        values = self.sign * np.arange(12.0).reshape(3, 4)
        return [Grounding(Heatmap.whole(values, image.size)) for _ in phrases]


class Second(First):
    sign = -1
"""


def test_classes_of_one_file_do_not_share_predictions(tiny, tmp_path):
    (tmp_path / "two.py").write_text(TWO)
    first, second = (evaluate(f"{tmp_path}/two.py:{name}", tiny, out=tmp_path) for name in ("First", "Second"))
    assert (first.info.method.label, second.info.method.label) == ("First", "Second")
    macro = [result.info.overall.macro["auroc"].value for result in (first, second)]
    assert macro[0] + macro[1] == pytest.approx(1)
    assert macro[0] != pytest.approx(macro[1])


def test_a_file_edited_in_one_session_is_another_method(tiny, tmp_path):
    path = tmp_path / "edited.py"
    path.write_text(TWO.partition("class Second")[0])
    before = evaluate(str(path), tiny, out=tmp_path)
    path.write_text(path.read_text().replace("sign = 1", "sign = -1"))
    after = evaluate(str(path), tiny, out=tmp_path)
    assert before.path != after.path
    macro = [result.info.overall.macro["auroc"].value for result in (before, after)]
    assert macro[0] + macro[1] == pytest.approx(1)


@dataclass(frozen=True)
class Files:
    weights: str = ""
    lookup: Path = Path()


class FromFile(GroundingMethod):
    revision = "1"
    Options = Files

    def ground(self, image, phrases):
        sign = float(Path(self.options.weights).read_text())
        return [Grounding(Heatmap.whole(sign * np.arange(12.0).reshape(3, 4), image.size)) for _ in phrases]


def test_weights_given_as_an_option_are_known_by_content_and_named_without_path(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, sign in (("pos.txt", "1"), ("neg.txt", "-1")):
        (tmp_path / name).write_text(sign)
    results = [
        evaluate(
            FromFile,
            tiny,
            out=tmp_path / "out",
            settings={"weights": str(tmp_path / name), "lookup": str(tmp_path / name)},
        )
        for name in ("pos.txt", "neg.txt")
    ]
    macro = [result.info.overall.macro["auroc"].value for result in results]
    assert macro[0] + macro[1] == pytest.approx(1)
    assert results[0].info.method.weights == "local copy pos.txt"
    assert results[0].info.method.options == {"lookup": f"pos.txt sha256:{file_digest(tmp_path / 'pos.txt')}"}
    assert str(tmp_path) not in results[0].path.read_text()
    # A copy elsewhere is the same weights; the home folder's sign is no secret's way out.
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/pos.txt").write_text("1")
    copy = build_method(FromFile, {"weights": "~/sub/pos.txt", "lookup": "~/sub/pos.txt"})
    assert copy.fingerprint() == results[0].info.method.fingerprint
    assert copy.weights_id() == "local copy pos.txt"


def test_a_query_is_named_by_all_that_a_method_reads():
    names = [query_key(sha, phrase, pathology) for sha in "ab" for phrase in "cd" for pathology in "ef"]
    assert len(set(names)) == 8


class Fitted(ControlMethod):
    seen = ()

    def fit(self, reference, *, held_out):
        type(self).seen = (len(reference), held_out)

    def ground_samples(self, samples):
        if any("3 1" in sample.phrase for sample in samples):
            raise ZeroDivisionError("by zero")
        return [Grounding(Heatmap.whole(np.eye(3), sample.image_size)) for sample in samples]


def test_a_control_is_fitted_on_the_training_split_where_there_is_one(tiny, tmp_path):
    alone = evaluate(Fitted, tiny, out=tmp_path, batch_size=3)
    assert Fitted.seen == (10, False)
    # One sample that cannot be answered takes no other along.
    assert alone.info.n_failed == 1
    train = [sample for sample in tiny if sample.patient_id == "secret-patient-0"]
    tiny._training = lambda: train
    fitted = evaluate(Fitted, tiny, out=tmp_path)
    assert Fitted.seen == (4, True)
    # Fitted on other samples it is another method.
    assert fitted.path != alone.path


@pytest.mark.parametrize("method", ["class-mean-box", "text-prior", "oracle", Fitted])
def test_train_images_are_made_for_a_control_of_ones_own_alone(tiny, tmp_path, method):
    train, asked = [sample for sample in tiny if sample.patient_id == "secret-patient-0"], []
    tiny._training = lambda: asked.append("files") or train
    tiny._marks = lambda: asked.append("marks") or train
    evaluate(method, tiny, out=tmp_path)
    assert asked == ["files" if method is Fitted else "marks"]


class Homeless(ControlMethod):
    def fit(self, reference, *, held_out):
        raise OSError("no table")


def test_what_a_methods_own_code_raises_is_one_sentence(tiny, tmp_path):
    with pytest.raises(
        MethodError, match=r"'Homeless' could not be fitted: test_keys\.py:\d+ in fit: OSError: no table"
    ):
        evaluate(Homeless, tiny, out=tmp_path)


def test_a_method_does_not_learn_where_the_image_lies(tiny, tmp_path):
    seen = []

    class Nosy(GroundingMethod):
        revision = "1"

        def ground(self, image, phrases):
            seen.append(image.path)
            return [Grounding(Heatmap.whole(np.eye(3), image.size)) for _ in phrases]

    evaluate(Nosy, tiny, out=tmp_path)
    assert {path.parent for path in seen} == {Path()}


def test_patients_that_are_unknown_are_told_apart_by_image(tiny, tmp_path):
    from dataclasses import replace

    tiny._samples = tuple(replace(sample, patient_id=None) for sample in tiny)
    result = evaluate("center-prior", tiny, out=tmp_path)
    assert result.samples["patient_key"].nunique() == 6


def test_the_device_reaches_the_method(tiny, tmp_path, monkeypatch):
    devices = []

    class Placed(GroundingMethod):
        revision = "1"

        def setup(self, device):
            devices.append(device)

        def ground(self, image, phrases):
            return [Grounding(Heatmap.whole(np.eye(3), image.size)) for _ in phrases]

    monkeypatch.setattr("groundcxr.evaluation.provenance.gpu_count", lambda: 2)
    first = evaluate(Placed, tiny, out=tmp_path, device="cuda:1")
    assert devices == ["cuda:1"]
    assert first.info.run.device == "cuda:1"
    again = evaluate(Placed, tiny, out=tmp_path, device="cpu")
    assert devices == ["cuda:1"]
    # Where the predictions were made, not where they were scored.
    assert again.info.run.device == "cuda:1"


LOOKUP = """
from dataclasses import dataclass, field
from pathlib import Path
import numpy as np
from groundcxr import Grounding, GroundingMethod, Heatmap

CALLS = []


@dataclass(frozen=True)
class Options:
    config: str = ""
    files: tuple[Path, ...] = ()
    cache: str = ""


class Lookup(GroundingMethod):
    Options = Options

    def ground(self, image, phrases):
        CALLS.append(len(phrases))
        path = self.options.config or next(iter(self.options.files), "") or Path(__file__).with_name("beside.txt")
        sign = float(Path(path).read_text())
        return [Grounding(Heatmap.whole(sign * np.arange(12.0).reshape(3, 4), image.size)) for _ in phrases]
"""


@pytest.mark.parametrize("settings", [{"config": "cfg.txt"}, {"config": "./cfg.txt"}, {"files": "cfg.txt"}])
def test_an_edited_file_that_an_option_names_never_meets_old_predictions(tiny, tmp_path, monkeypatch, settings):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lookup.py").write_text(LOOKUP)
    macro = []
    for sign in ("1", "-1"):
        (tmp_path / "cfg.txt").write_text(sign)
        result = evaluate("lookup.py", tiny, out=tmp_path / "out", settings=settings)
        assert result.doubts == ()
        macro.append(result.info.overall.macro["auroc"].value)
    assert macro[0] + macro[1] == pytest.approx(1)
    assert macro[0] != pytest.approx(macro[1])


def test_a_file_that_nobody_declared_is_told_and_predictions_are_made_again(tiny, tmp_path):
    (tmp_path / "lookup.py").write_text(LOOKUP)
    beside = tmp_path / "beside.txt"
    macro = []
    for sign in ("1", "-1"):
        beside.write_text(sign)
        result = evaluate(str(tmp_path / "lookup.py"), tiny, out=tmp_path / "out")
        macro.append(result.info.overall.macro["auroc"].value)
        (doubt,) = result.doubts
        assert (doubt.count, doubt.example) == (1, str(beside))
        # The result says so as well, but not which file.
        assert [(note.text, note.count) for note in result.info.notes] == [(doubt.kind, 1)]
        assert "beside" not in result.path.read_text()
    assert macro[0] + macro[1] == pytest.approx(1)
    assert result.info.run.device != "none (stored predictions)"


def test_a_method_may_open_the_image_itself(tiny, tmp_path, monkeypatch):
    (tmp_path / "lookup.py").write_text(LOOKUP.replace("sign =", "open(image.path, 'rb').read()\n        sign ="))
    (tmp_path / "cfg.txt").write_text("1")
    monkeypatch.chdir(tiny[0].image_path.parent)  # methods are told the name alone
    settings = {"config": str(tmp_path / "cfg.txt")}
    result = evaluate(str(tmp_path / "lookup.py"), tiny, out=tmp_path / "out", settings=settings)
    assert result.doubts == ()
    assert not result.samples["error"].notna().any()


def test_predictions_are_made_again_when_that_is_asked_for(tiny, tmp_path, stored):
    class Counted(GroundingMethod):
        revision = "1"
        calls = 0

        def ground(self, image, phrases):
            type(self).calls += len(phrases)
            return [Grounding(Heatmap.whole(type(self).calls + np.eye(3), image.size)) for _ in phrases]

    evaluate(Counted, tiny, out=tmp_path)
    evaluate(Counted, tiny, out=tmp_path)
    assert Counted.calls == 10
    before = stored(tmp_path)
    evaluate(Counted, tiny, out=tmp_path, overwrite=True)
    assert Counted.calls == 20
    after = stored(tmp_path)
    assert after.keys() == before.keys()
    assert all(after[key] != content for key, content in before.items())


@dataclass(frozen=True)
class Nested:
    inner: dict = field(default_factory=lambda: {"to": "/home/jdoe/inner.txt"})


@dataclass(frozen=True)
class Paths:
    cache: str = "/home/jdoe/not_there"
    windows: str = r"C:\Users\jdoe\x.pt"
    uri: str = "file:///home/jdoe/x.pt"
    several: tuple[Path, ...] = (Path("/home/jdoe/a"), Path("/home/jdoe/b"))
    nested: Nested = Nested()
    weights: str = "jdoe/runs/x.pt"


class Leaky(GroundingMethod):
    revision = "made from /home/jdoe/git/leaky"
    trained_on = ("a list in /home/jdoe/list.txt",)
    licence = "as in /home/jdoe/LICENCE"
    citation = "@misc{x, file = {:/home/jdoe/x.pdf:PDF}}"
    note = "/home/jdoe/readme"
    Options = Paths

    def ground(self, image, phrases):
        return [Grounding(Heatmap.whole(np.eye(3), image.size)) for _ in phrases]


def test_results_publish_no_folder_in_any_form(tiny, tmp_path):
    text = evaluate(Leaky, tiny, out=tmp_path).path.read_text()
    assert "jdoe" not in text
    assert "not_there" in text
    # Where a path leads to nothing, its whole text tells one state of a method from another all the same.
    elsewhere = build_method(Leaky, {"cache": "/home/other/not_there"})
    assert elsewhere.fingerprint() != build_method(Leaky).fingerprint()


@pytest.mark.parametrize(
    ("statement", "kind"),
    [("sys.exit(0)", "SystemExit"), ("raise Silent()", "Silent"), ("raise GeneratorExit", "GeneratorExit")],
)
def test_a_method_that_ends_the_program_fails_alone(groundcxr, manifest, method_file, statement, kind):
    silent = "class Silent(BaseException):\n    def __str__(self): raise ValueError"
    body = f"import sys\n{silent}\nif '1' in phrase: {statement}"
    ran = groundcxr(
        "evaluate",
        "--method",
        "center-prior",
        "--method",
        method_file(body),
        "--dataset",
        "manifest",
        "--root",
        manifest,
    )
    assert ran.code == 1
    assert "1 of 5 samples failed with Mine (v2):\n  " in ran.err
    assert f": {kind}" in ran.err
    assert "center-prior" in ran.out
    assert "macro averages" in ran.out
