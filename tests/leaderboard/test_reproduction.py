"""The command of a run makes the same method again, for every bundled method."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from shutil import copytree
from typing import Any

import pytest

from groundcxr.cli.arguments import open_methods
from groundcxr.core import GroundCXRError
from groundcxr.core.place_table import PlaceTable
from groundcxr.evaluation import load_result
from groundcxr.leaderboard.library import Library
from groundcxr.leaderboard.method_again import method_again
from groundcxr.leaderboard.reproduction import command
from groundcxr.methods import METHODS
from groundcxr.methods.bundled import bundled

CLIP, LDM = str(bundled("clip-phantom")), str(bundled("ldm-phantom"))
CHEST = {"weights": "random:0", "text": "FOLDER"}
NEEDED = {
    "ldm": {"weights": LDM},
    "dit": {"weights": "random:0:PIPELINE"},
    "shuffled-phrase": {"method": "clip-phantom"},
    "gradcam": {"method": "clip-phantom"},
    "boxes": {"method": "clip-phantom"},
    "location-prior": {"table": "phantom"},
    "with-prior": {"method": "clip-phantom", "table": "phantom", "width": "2"},
    "average": {"methods": "clip-phantom,random"},
    "sam": {"method": "random", "weights": "FOLDER"},
    "florence": {"preset": "agkd", "weights": "FOLDER"},
    "random-weights": {"method": "florence", "settings": "preset=agkd weights=FOLDER", "seed": "3"},
    "vlm": {"preset": "qwen3_vl", "weights": "FOLDER"},
    "endpoint": {"preset": "qwen3_vl", "model": "mine"},
    "format-ceiling": {"preset": "kosmos2"},
    "detector": {"weights": "OWL"},
    "segmenter": {"weights": "CLIPSEG"},
    "radzero": {"weights": "FOLDER"},
    "siglip": {"weights": "random:0:FOLDER"},
    **dict.fromkeys(("gloria", "carzero", "afloc", "kad", "cxr-clip"), CHEST),
    "maco": {"weights": "random:0", "text": "TOKENIZER"},
    **{name: {"method": "clip-phantom"} for name in ("mirrored", "other-side", "generic-phrase", "blank-image")},
}
"""What a method must be told before it can be built; places in capital letters are those of the fixture."""


@pytest.fixture
def places(tmp_path):
    """Folders and files that are told from others, and never loaded."""

    def folder(name: str, **config: Any) -> str:
        made = tmp_path / name
        made.mkdir(parents=True)
        (made / "config.json").write_text(json.dumps(config))
        (made / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nlung\n")
        for weights in ("model.safetensors", "diffusion_pytorch_model.safetensors"):
            (made / weights).write_bytes(b"")
        return str(made)

    for part in ("transformer", "vae", "text_encoder", "tokenizer", "scheduler"):
        folder(f"pipeline/{part}", _class_name="SanaTransformer2DModel", model_type="gemma2")
    (tmp_path / "pipeline" / "scheduler" / "scheduler_config.json").write_text("{}")
    (tmp_path / "tokenizer.json").write_text("{}")
    return {
        "FOLDER": folder("folder"),
        "OWL": folder("owl", architectures=["Owlv2ForObjectDetection"], model_type="owlv2"),
        "CLIPSEG": folder("clipseg", architectures=["CLIPSegForImageSegmentation"], model_type="clipseg"),
        "PIPELINE": str(tmp_path / "pipeline"),
        "TOKENIZER": str(tmp_path / "tokenizer.json"),
    }


def options_in(line: str, option: str) -> list[str]:
    words = shlex.split(line)
    return [words[place + 1] for place, word in enumerate(words) if word == option]


def line_of(save_run, entry) -> str:
    info = save_run().info
    return command(info.model_copy(update={"method": entry.info}))


def opened(spec: str, label: str, settings: dict[str, str]):
    return open_methods([f"{label}={spec}"], [f"{label}.{key}={value}" for key, value in settings.items()])[0]


def check_again(line: str, entry, places: Mapping[str, str] = {}) -> None:
    """The methods that a command names are the one that it was made of.

    Args:
        places: What DIR stands for, by option.
    """
    settings = []
    for setting in options_in(line, "--set"):
        for option, place in places.items():
            setting = re.sub(rf"\b{option}=([^ ]*)DIR", rf"{option}=\g<1>{place}", setting)
        settings.append(setting)
    (again,) = open_methods(options_in(line, "--method"), settings)
    assert again.info == entry.info


@pytest.mark.parametrize("name", METHODS.names())
def test_every_bundled_method(save_run, places, name):
    settings = dict(NEEDED.get(name, {}))
    for stands, place in places.items():
        settings = {key: value.replace(stands, place) for key, value in settings.items()}
    entry = opened(name, "mine", settings)
    told = " ".join(f"{key}={value}" for key, value in settings.items())
    stood = dict(re.findall(r"\b(weights|text)=(?:random:0:)?(\S+)", told))
    check_again(line_of(save_run, entry), entry, stood)


@pytest.mark.parametrize(
    ("spec", "settings", "said"),
    [
        ("center-prior", {"grid": "7"}, ["mine.grid=7"]),
        ("center-prior", {"grid": "32"}, []),
        ("clip", {"model": "biomedclip"}, ["mine.model=biomedclip"]),
        ("clip", {"weights": CLIP}, ["mine.model=local-dir", "mine.weights=DIR"]),
        ("clip-phantom", {}, []),
        ("ldm", {"weights": LDM, "preset": "vilouras2026-frozen"}, ["mine.steps=100", "mine.weights=DIR"]),
        ("ldm-phantom", {"blur": "1", "read": "0.3,0.7"}, ["mine.blur=1.0", "mine.read=0.3,0.7"]),
        ("shuffled-phrase", {"method": "ldm-phantom"}, ["mine.method=ldm-phantom"]),
        (
            "shuffled-phrase",
            {"method": "ldm-phantom", "settings": "blur=1 tokens=phrase"},
            ["mine.method=ldm-phantom", "mine.settings=blur=1.0 tokens=phrase"],
        ),
        (
            "shuffled-phrase",
            {"method": "ldm", "settings": f"weights={LDM}"},
            ["mine.method=ldm", "mine.settings=weights=DIR"],
        ),
        ("shuffled-phrase", {"method": "biovil-t"}, ["mine.method=biovil-t"]),
        (
            "boxes",
            {"method": "ldm", "settings": f"weights={LDM} blur=1", "rule": "otsu"},
            ["mine.rule=otsu", "mine.method=ldm", "mine.settings=blur=1.0 weights=DIR"],
        ),
        (
            "average",
            {"methods": "clip-phantom,b=random,random", "settings": "b.grid=3 random.grid=5", "normalise": "rank"},
            [
                "mine.normalise=rank",
                "mine.methods=clip-phantom,b=random,random",
                "mine.settings=b.grid=3 random.grid=5",
            ],
        ),
        (
            "mirrored",
            {"method": "boxes", "settings": f"method=ldm rule=otsu 'settings=weights={LDM} blur=1'"},
            ["mine.method=boxes", "mine.settings=rule=otsu method=ldm 'settings=blur=1.0 weights=DIR'"],
        ),
        (
            "shuffled-phrase",
            {"method": "gradcam", "settings": "method=clip-phantom"},
            ["mine.method=gradcam", "mine.settings=method=clip-phantom"],
        ),
        (
            "shuffled-phrase",
            {"method": "average", "settings": "methods=clip-phantom,b=boxes settings=b.method=clip-phantom"},
            ["mine.method=average", "mine.settings=methods=clip-phantom,b=boxes settings=b.method=clip-phantom"],
        ),
    ],
)
def test_options_are_said_as_far_as_they_are_not_the_methods_own(save_run, spec, settings, said):
    entry = opened(spec, "mine", settings)
    line = line_of(save_run, entry)
    assert options_in(line, "--set") == said
    check_again(line, entry, {"weights": CLIP if spec == "clip" else LDM})


@pytest.fixture
def checkpoint(tmp_path):
    """The paper's checkpoint as far as its name goes, and a text encoder and a base beside it."""
    for name in ("diffusion_model.pth", "autoencoder.pth"):
        (tmp_path / name).write_bytes(name.encode())
    copytree(LDM, tmp_path / "pipeline")
    return tmp_path


@pytest.mark.parametrize("shuffled", [False, True])
def test_where_each_part_of_a_model_is_from_is_said(save_run, checkpoint, shuffled):
    # Nothing is taken from `base`: so it is not said, above all not where it would be on this machine.
    options = {
        "weights": f"monai:{checkpoint}",
        "text_encoder": f"{checkpoint}/pipeline",
        "base": "/home/somebody/nowhere",
    }
    spec, settings = "ldm", options
    if shuffled:
        asked = " ".join(f"{key}={value}" for key, value in options.items())
        spec, settings = "shuffled-phrase", {"method": "ldm", "settings": asked}
    entry = opened(spec, "mine", settings)
    assert entry.info.weights == f"monai:local copy {checkpoint.name}; text_encoder=local copy pipeline"
    line = line_of(save_run, entry)
    said = ["weights=monai:DIR", "text_encoder=DIR"]
    if shuffled:
        assert options_in(line, "--set") == ["mine.method=ldm", f"mine.settings={' '.join(said)}"]
    else:
        assert options_in(line, "--set") == [f"mine.{one}" for one in said]
    there = line.replace("monai:DIR", f"monai:{checkpoint}").replace("=DIR", f"={checkpoint}/pipeline")
    check_again(there, entry)


def test_a_shuffled_method_file_stands_in_capitals(save_run, method_file):
    path = method_file()
    entry = opened("shuffled-phrase", "mine", {"method": str(path)})
    line = line_of(save_run, entry)
    (said,) = options_in(line, "--set")
    assert said.startswith("mine.method=METHOD.py:")
    (again,) = open_methods(options_in(line, "--method"), [said.replace("METHOD.py", str(path))])
    assert again.info == entry.info


def test_imported_predictions_are_imported_again(groundcxr, manifest, tmp_path):
    data = ("--dataset", "manifest", "--root", manifest)
    boxes = tmp_path / "boxes.json"
    boxes.write_text("[]")
    ran = groundcxr("import", boxes, "--name", "theirs", "--kind", "box", *data, "--limit", 2, "--out", "a")
    assert ran.code == 0, ran.err
    (run,) = Library.scan([tmp_path / "a"]).runs
    line = command(run.info, run.imported)
    assert line == (
        "groundcxr import FILES --name theirs --kind box --dataset manifest --root ROOT --split all --limit 2"
        " --protocol v2"
    )
    words = line.replace("FILES", str(boxes)).replace("ROOT", str(manifest)).split()
    assert groundcxr(*words[1:], "--out", "b").code == 0
    made, again = (load_result(next((tmp_path / out).rglob("result.json"))).fingerprint for out in "ab")
    assert made == again


def test_no_deep_learning_library_is_loaded_for_a_command():
    code = """
import sys
from groundcxr.leaderboard.reproduction import _said
for name in ("ldm-phantom", "clip-phantom", "biovil", "clip", "ldm"):
    _said(name, {}, None)
loaded = sorted({"torch", "transformers", "diffusers", "open_clip"} & set(sys.modules))
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_the_python_that_a_method_ran_in_is_said_without_its_place(save_run, method_file):
    info = opened(str(method_file()), "mine", {}).info
    there = info.model_copy(update={"environment": {"python": "3.9.1", "numpy": "1.26.4"}})
    line = command(save_run().info.model_copy(update={"method": there}))
    assert options_in(line, "--python") == ["PYTHON"]
    assert "3.9.1" not in line
    assert "--python" not in command(save_run().info.model_copy(update={"method": info}))


@pytest.mark.parametrize("name", ["ldm-phantom", "ldm-phantom-tuned", "with-prior", "shuffled-phrase"])
def test_a_book_of_embeddings_is_asked_for(name, save_run, tmp_path):
    book = copytree(bundled("ldm-phantom-tuned"), tmp_path / "book")
    asks = name in ("with-prior", "shuffled-phrase")
    given = {"settings": f"steps=5 embeddings={book}"} if asks else {"steps": "5", "embeddings": str(book)}
    asked = {"method": "ldm-phantom"} if asks else {}
    entry = opened(name, "mine", asked | given | ({"table": "phantom"} if name == "with-prior" else {}))
    line = line_of(save_run, entry)
    assert "embeddings=DIR" in line
    assert "bundled" not in line
    with pytest.raises(GroundCXRError, match=r"say it with --set .*embeddings=DIR"):
        method_again(entry.info)
    assert method_again(entry.info, settings=given).info == entry.info


def test_a_table_of_places_is_asked_for(save_run, tmp_path):
    table = tmp_path / "places.json"
    table.write_text(PlaceTable.load("phantom").to_json())
    settings = {"method": "clip-phantom", "table": str(table)}
    entry = opened("with-prior", "mine", settings)
    line = line_of(save_run, entry)
    assert "mine.table=TABLE.json" in options_in(line, "--set")
    with pytest.raises(GroundCXRError, match=r"made with a table of places .* say it with --set table=TABLE\.json"):
        method_again(entry.info)
    assert method_again(entry.info, settings={"table": str(table)}).info == entry.info
    data = save_run(data={"options": {"phrases": "location", "table": "1234abcd"}}).info
    assert "dataset.table=TABLE.json" in options_in(command(data), "--set")
