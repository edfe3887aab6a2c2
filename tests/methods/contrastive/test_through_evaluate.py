"""Dense modes, SigLIP and Grad-CAM through the command line: check-method, and films of every kind."""

import json

import pytest


@pytest.mark.parametrize("named", ["clip-phantom", "siglip", "gradcam"])
def test_they_keep_the_contract(groundcxr, siglip_folder, named):
    options = {
        "clip-phantom": ("dense=naclip",),
        "siglip": (f"weights={siglip_folder}",),
        "gradcam": ("method=clip-phantom",),
    }[named]
    ran = groundcxr("check-method", named, *(part for option in options for part in ("--set", option)))
    assert ran.code == 0, ran.out
    assert "a marker in its network's input read at its place" in ran.out


def test_films_of_every_kind_are_scored(groundcxr, siglip_folder, films, ms_cxr, tmp_path):
    options = ("sclip=clip-phantom", "siglip", "gradcam")
    settings = (f"siglip.weights={siglip_folder}", "sclip.dense=sclip", "gradcam.method=clip-phantom")
    datasets = ("--dataset", "manifest", "--root", f"manifest={films}")
    datasets += ("--dataset", "ms-cxr", "--root", f"ms-cxr={ms_cxr}")
    methods = [part for name in options for part in ("--method", name)]
    for setting in settings:
        methods += ["--set", setting]
    ran = groundcxr("evaluate", *methods, *datasets, "--protocol", "v1", "--out", tmp_path / "results")
    assert ran.code == 0, ran.err
    found = [json.loads(path.read_text()) for path in (tmp_path / "results").rglob("result.json")]
    scored = sorted((one["method"]["label"], one["dataset"]["name"], one["statuses"]["auroc"]["ok"]) for one in found)
    counts = {"manifest": 8, "ms-cxr": 2}
    assert scored == [(name, data, count) for name in ("gradcam", "sclip", "siglip") for data, count in counts.items()]
    assert any("not an authors' map" in json.dumps(one) for one in found)
    assert str(tmp_path) not in json.dumps(found)
