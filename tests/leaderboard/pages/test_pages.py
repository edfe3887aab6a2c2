"""Every page as its reader sees it: what is on it, what the URL decides, and what it says when something is missing."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from html import escape
from pathlib import Path

import numpy as np
import pytest

from groundcxr.datasets import load_dataset
from groundcxr.evaluation import evaluate, load_result
from groundcxr.leaderboard import serve
from groundcxr.leaderboard.library import Library
from groundcxr.leaderboard.reproduction import command

from .conftest import APP, PAGES

RESULTS = "results"


@pytest.fixture
def copy(demo, tmp_path) -> Path:
    """A copy of the demo's results that a test may damage."""
    shutil.copytree(demo / RESULTS, tmp_path / RESULTS)
    return tmp_path / RESULTS


def results_of(folder: Path, protocol: str = "v1") -> dict[str, dict]:
    found = (json.loads(path.read_text()) for path in folder.glob(f"phantom/{protocol}/*/result.json"))
    return {content["method"]["label"]: content for content in found}


def written(value: float, digits: int) -> str:
    return re.sub(r"^(-?)0\.", r"\1.", f"{value:.{digits}f}")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_something_real(open_page, demo, page):
    shown = open_page(page, "--results", demo / RESULTS)
    assert "Phantoms rank code paths" in shown.text
    assert "d48d9d025b7b" in shown.text
    content = shown.text + " ".join(block.value for block in shown.app.code)
    assert "center-prior" in content


def test_a_page_does_not_disturb_what_another_is_importing(open_page, demo, monkeypatch):
    """Several users' pages run in threads of one process, and the import system goes through `sys.path` as it is."""
    places = [str(APP.parent), *(place for place in sys.path if place != str(APP.parent))]
    monkeypatch.setattr(sys, "path", [*places])
    going = iter(sys.path)
    assert next(going) == places[0]
    open_page("leaderboard", "--results", demo / RESULTS)
    assert list(going) == places[1:]
    assert str(APP.parent) not in sys.path


def test_a_session_has_one_run_at_a_time(monkeypatch):
    """Two would change one session at once: the server that `groundcxr leaderboard` starts must not allow it."""
    from streamlit import config

    monkeypatch.setattr(config, "get_config_files", config.get_config_files)
    serve.read_own_configuration()
    try:
        assert config.get_config_options(force_reparse=True)["runner.fastReruns"].value is False
    finally:
        monkeypatch.undo()
        config.get_config_options(force_reparse=True)


@pytest.mark.parametrize("page", PAGES)
def test_an_empty_folder_says_how_to_get_results(open_page, tmp_path, page):
    shown = open_page(page, "--results", tmp_path)
    assert "No results yet" in shown.text
    assert "make demo" in shown.text
    assert f"There is no result in {tmp_path}." in shown.text
    assert "`" not in shown.text


def test_a_missing_folder_and_a_wrong_argument_are_told(open_page, tmp_path):
    assert f"{tmp_path / 'nowhere'} is no folder" in open_page("leaderboard", "--results", tmp_path / "nowhere").text
    assert "write NAME=ROOT" in open_page("leaderboard", "--data", "ms-cxr").text


@pytest.mark.parametrize("page", PAGES)
def test_damaged_results_are_named_and_the_others_shown(open_page, copy, page):
    broken = next(copy.glob("phantom/v1/random-*/result.json"))
    broken.write_text(broken.read_text()[:100])
    half = copy / "phantom" / "v1" / "half-written"
    half.mkdir()
    (half / "samples.parquet").write_bytes(b"PAR1")
    shown = open_page(page, "--results", copy)
    assert "2 things in the result folders are left out" in shown.text
    assert str(broken) in shown.text
    assert str(half) in shown.text
    assert "3 methods" in shown.text


def test_new_results_appear_on_the_next_run(open_page, copy):
    gone = next(copy.glob("phantom/v1/random-*"))
    kept = gone.rename(copy.parent / "elsewhere")
    shown = open_page("leaderboard", "--results", copy)
    assert "random" not in shown.text
    kept.rename(gone)
    assert "random" in shown.run().text


def test_the_board_has_the_results_own_numbers(open_page, demo):
    shown = open_page("leaderboard", "--results", demo / RESULTS, metric="AUROC")
    for content in results_of(demo / RESULTS).values():
        cells = content["overall"]["macro"]
        if "auroc" in cells:
            ends = (written(cells["auroc"][end], 3) for end in ("low", "high"))
            assert "{} [{}, {}]".format(written(cells["auroc"]["value"], 3), *ends) in shown.text.replace(" †", "")
    # Boxes alone have no AUROC, which is said of them by name.
    assert "4 methods, without AUROC: whole-image" in shown.text
    assert "whole-image" not in rows_of(shown)


def rows_of(page) -> list[str]:
    board = next(element for element in page.html.split("</table>") if "gx-board" in element)
    return re.findall(r'<a href="run\?[^"]*">([^<]*)</a>', board)


def test_the_board_is_filtered_and_kept_in_the_url(open_page, save_run, tmp_path):
    rng = np.random.default_rng(0)
    values = rng.uniform(0.3, 0.6, 40)
    save_run("b", {"box_iou": values}, kind="diffusion")
    save_run("a", {"box_iou": values - 0.2}, kind="contrastive")
    save_run("c", {"box_iou": values - 0.1 + np.arange(40) % 2 * 0.25}, kind="diffusion")
    folder = tmp_path / RESULTS
    metric = "Box IoU"
    assert rows_of(open_page("leaderboard", "--results", folder, metric=metric)) == ["c", "b", "a"]
    # An address may have a metric's key, and any case.
    for other in ("box_iou", "BOX IOU"):
        shown = open_page("leaderboard", "--results", folder, metric=other)
        assert "in vain" not in shown.text
        assert "Box IoU on made-up" in shown.text
    shown.widget("multiselect", "kind").set_value(["diffusion"])
    assert rows_of(shown.run()) == ["c", "b"]
    again = open_page("leaderboard", "--results", folder, metric=metric, kind=["contrastive"])
    assert rows_of(again) == ["a"]
    assert "1 of 3 methods" in again.text
    none = open_page("leaderboard", "--results", folder, metric=metric, tier=["nonsense"])
    assert rows_of(none) == ["c", "b", "a"]
    # A control that asks a method has that method's kind.
    save_run("d", {"box_iou": values}, kind="diffusion", control=True)
    assert rows_of(open_page("leaderboard", "--results", folder, metric=metric, kind=["control"])) == ["d"]


def test_the_best_and_what_cannot_be_told_from_it_are_marked(open_page, save_run, tmp_path):
    values = np.linspace(0.5, 0.9, 40)
    save_run("good", {"box_iou": values})
    # A little worse, by much less than it differs from patient to patient.
    save_run("twin", {"box_iou": values - 0.001 + 0.05 * (-1) ** (np.arange(40) // 2)})
    save_run("poor", {"box_iou": values - 0.3})
    shown = open_page("leaderboard", "--results", tmp_path / RESULTS, metric="Box IoU")
    rows = {
        name: row
        for row in re.findall(r"<tr>.*?</tr>", shown.html)
        for name in ("good", "twin", "poor")
        if f">{name}</a>" in row
    }
    assert rows["good"].count('gx-best"') == 4
    assert rows["twin"].count("†") == 4
    assert "†" not in rows["poor"]
    assert 'gx-best"' not in rows["poor"]


def test_published_numbers_stand_apart_with_source_and_caveat(open_page, save_run, tmp_path):
    save_run("mine", {"box_iou": np.linspace(0, 1, 12)}, dataset="ms-cxr")
    shown = open_page("leaderboard", "--results", tmp_path / RESULTS)
    assert "must not be ranked against one another" in shown.text
    assert rows_of(shown) == ["mine"]
    assert "Maps, whole set of 1,043 pairs, standardised prompts" in shown.text
    assert "Read in: PMLR v315" in shown.text
    assert "Caveat: " in shown.text
    shown.widget("multiselect", "tier").set_value(["measured here"])
    assert "Read in:" not in shown.run().text


def test_compare_shows_the_picture_of_every_method_and_the_protocols_iou(open_page, demo):
    shown = open_page(
        "compare", "--results", demo / RESULTS, methods=["random", "center-prior"], threshold="0.3", metric="mIoU"
    )
    pictures = shown.pictures
    assert len(pictures) == 4 * 3
    iou = re.findall(r"IoU above 0\.30: ([\d.]+)", shown.text)
    first = load_dataset("phantom", images=8)[0]
    assert first.phrase in shown.text
    assert iou[0] == written(full_size_iou(demo, "random", first, 0.3), 3)
    shown.widget("slider", "threshold").set_value(0.6)
    moved = shown.run()
    assert "IoU above 0.60: " + written(full_size_iou(demo, "random", first, 0.6), 3) in moved.text
    # The image alone stays as it is, what is drawn on it does not.
    assert moved.pictures[0] == pictures[0]
    assert not {moved.pictures[1], moved.pictures[2]} & set(pictures)


def full_size_iou(demo: Path, method: str, sample, threshold: float) -> float:
    """IoU over the pixels of the full-size, min-max normalised map."""
    run = next(run for run in Library.scan([demo / RESULTS]).runs if run.label == method)
    pixels = run.prediction(sample.sample_id).heatmap.to_pixels().astype(np.float64)
    marked = (pixels - pixels.min()) / (pixels.max() - pixels.min()) > threshold
    true = np.zeros(marked.shape, dtype=bool)
    for box in sample.boxes:
        true[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = True
    return float((marked & true).sum() / (marked | true).sum())


@pytest.mark.parametrize(
    ("page", "url"),
    [
        ("run", {"method": "gone"}),
        ("compare", {"methods": ["random", "gone"]}),
        ("leaderboard", {"metric": "gone"}),
        ("leaderboard", {"kind": ["gone"]}),
        ("leaderboard", {"tier": ["gone"]}),
    ],
)
def test_what_a_url_asks_for_in_vain_is_said(open_page, demo, page, url):
    """A link to a method that has gone must not show another one's numbers as if they were meant."""
    said = "The address asks for “gone”, which cannot be chosen here."
    shown = open_page(page, "--results", demo / RESULTS, **url)
    assert said in shown.text
    # Said once: what a user chooses afterwards was not asked for in vain.
    assert said not in shown.run().text
    assert said not in open_page(page, "--results", demo / RESULTS).text


def test_what_a_url_asks_for_is_text(open_page, demo):
    shown = open_page("run", "--results", demo / RESULTS, method="<img src=http://elsewhere> ![a](http://elsewhere)")
    assert "“&lt;img src=http://elsewhere&gt; ![a](http://elsewhere)”" in shown.html
    assert not shown.app.markdown


@pytest.mark.parametrize("page", ["compare", "failures"])
def test_a_picture_of_another_phrase_says_so(open_page, demo, tmp_path, page):
    """Above it stands the sample's own phrase, about which the method was not asked."""
    evaluate("shuffled-phrase", load_dataset("phantom", images=8), "v1", settings={"method": "random"}, out=tmp_path)
    shown = open_page(page, "--results", tmp_path, "--store", tmp_path / "store")
    assert shown.pictures
    assert "Random asked about another phrase." in shown.text


def test_pages_offer_methods_before_controls_and_pictures_before_none(open_page, demo):
    shown = open_page("compare", "--results", demo / RESULTS)
    assert list(shown.widget("multiselect", "methods").options) == ["center-prior", "random", "whole-image", "oracle"]


def test_compare_searches_filters_and_orders(open_page, demo):
    samples = load_dataset("phantom", images=8)
    word = samples[0].phrase.split()[0]
    shown = open_page("compare", "--results", demo / RESULTS, search=word.upper())
    expected = [sample for sample in samples if word.lower() in sample.phrase.lower()]
    assert f"{len(expected)} samples" in shown.text
    assert all(sample.phrase in shown.text for sample in expected[:4])
    pathology = samples[0].pathology
    shown = open_page("compare", "--results", demo / RESULTS, pathology=pathology)
    assert f"{sum(sample.pathology == pathology for sample in samples)} samples" in shown.text
    one = samples[5]
    shown = open_page("compare", "--results", demo / RESULTS, sample=one.sample_id)
    assert one.phrase in shown.text
    assert re.search(r"\b1 sample\b", shown.text)
    shown = open_page("compare", "--results", demo / RESULTS, sample="nonsense")
    assert "No sample fits" in shown.text
    largest = max(samples, key=lambda sample: sum(box.area for box in sample.boxes))
    shown = open_page("compare", "--results", demo / RESULTS, order="largest target")
    assert shown.text.index(largest.phrase) < shown.text.index("IoU above")


def test_random_samples_are_others_each_time_but_the_same_for_one_url(open_page, demo):
    def ids(page):
        return re.findall(r"sample ([0-9a-f]{16})", page.text)

    once, again = (open_page("compare", "--results", demo / RESULTS, order="at random", seed="4") for _ in range(2))
    other = open_page("compare", "--results", demo / RESULTS, order="at random", seed="5")
    assert ids(once) == ids(again) != ids(other)


def test_a_missing_image_leaves_an_empty_frame_and_says_so(open_page, demo, tmp_path):
    shutil.copytree(demo / "cache" / "phantom", tmp_path / "drawn")
    shown = open_page("compare", "--results", demo / RESULTS, "--data", f"phantom={tmp_path / 'drawn'}")
    pictures = shown.pictures
    # The phantom draws a missing image again when it is loaded, so the files go after that.
    first = load_dataset("phantom", tmp_path / "drawn", images=8)[0]
    first.image_path.write_bytes(b"<html>login</html>")
    shown.run()
    assert "it is a web page, not an image" in shown.text
    first.image_path.unlink()
    shown.run()
    assert f"There is no image file {first.image_path}" in shown.text
    assert len(shown.pictures) == len(pictures)
    assert not set(shown.pictures[:3]) & set(pictures)


@pytest.mark.parametrize("page", PAGES)
def test_credentialed_data_without_a_root_is_told_and_survived(open_page, demo, tmp_path, page):
    relabel(demo / RESULTS, tmp_path / RESULTS, dataset={"name": "ms-cxr", "credentialed": True, "options": {}})
    shown = open_page(page, "--results", tmp_path / RESULTS, "--store", demo / RESULTS / "store")
    if page in ("compare", "failures"):
        assert "start with --data ms-cxr=ROOT" in shown.text
        assert shown.pictures
        assert "IoU above" not in shown.text


def test_another_copy_of_the_data_is_refused(open_page, demo, tmp_path):
    relabel(demo / RESULTS, tmp_path / RESULTS, dataset={"fingerprint": "0" * 64})
    shown = open_page("compare", "--results", tmp_path / RESULTS)
    assert "is not the data of this run" in shown.text
    assert load_dataset("phantom", images=8)[0].phrase not in shown.text


def relabel(source: Path, out: Path, *, dataset=None, method=None) -> None:
    """Copies of v1 results whose data set or method is said to be another."""
    from dataclasses import replace

    for path in source.glob("phantom/v1/*"):
        result = load_result(path)
        info = result.info
        parts = {"dataset": info.dataset.model_copy(update=dataset or {})}
        parts["method"] = info.method.model_copy(update=method or {})
        replace(result, info=info.model_copy(update=parts)).save(out)


EVIL = "<img src=x onerror=alert(1)> **bold** $x$ & <script>alert(2)</script>"


@pytest.mark.parametrize("page", PAGES)
def test_markup_in_names_and_phrases_is_text(open_page, save_run, tmp_path, page, manifest):
    lines = manifest.read_text().replace("another one", f'"{EVIL}"')
    manifest.write_text(lines)
    save_run(EVIL, {"box_iou": np.linspace(0, 1, 12)}, dataset=EVIL)
    save_run("other", {"box_iou": np.linspace(0, 1, 12)}, dataset=EVIL)
    from groundcxr.evaluation import evaluate

    for method in ("random", "center-prior"):
        evaluate(method, load_dataset("manifest", manifest), "v1", out=tmp_path / RESULTS)
    for data in ("manifest 1 (all)", f"{EVIL} 2.0 (test)"):
        shown = open_page(page, "--results", tmp_path / RESULTS, "--data", f"manifest={manifest}", data=data)
        assert "<img" not in shown.html.replace('<img alt="', "")
        assert "<script" not in shown.html
        (script,) = shown.scripts
        assert EVIL not in script
        # Markdown would set it bold.
        assert not any(EVIL in element.value for element in shown.app.markdown)
    if page == "compare":
        shown = open_page(page, "--results", tmp_path / RESULTS, "--data", f"manifest={manifest}", search="onerror")
        assert escape(EVIL) in shown.html


def test_head_to_head_needs_two_methods(open_page, save_run, tmp_path):
    save_run("only", {"box_iou": np.linspace(0, 1, 12)})
    assert "It takes two methods" in open_page("head_to_head", "--results", tmp_path / RESULTS).text


def test_head_to_head_counts_wins_and_names_the_better(open_page, save_run, tmp_path):
    values = np.linspace(0.2, 0.8, 40)
    save_run("better", {"box_iou": values + 0.1})
    save_run("worse", {"box_iou": values})
    shown = open_page("head_to_head", "--results", tmp_path / RESULTS, metric="Box IoU")
    assert "better minus worse" in shown.text
    assert "On the macro average better is better: difference +.100, p < .001" in shown.text
    assert "40 / 0 / 0" in shown.text
    turned = open_page(
        "head_to_head", "--results", tmp_path / RESULTS, metric="Box IoU", first="worse", second="better"
    )
    assert "0 / 0 / 40" in turned.text


def test_head_to_head_calls_nothing_better_on_the_whole_by_a_part_of_it(open_page, save_run, tmp_path):
    values = np.linspace(0.2, 0.8, 40)
    for label, gain in (("better", 0.1), ("worse", 0.0)):
        save_run(label, {"box_iou": values + gain}, complete=False)
    shown = open_page("head_to_head", "--results", tmp_path / RESULTS, metric="Box IoU")
    assert "On the macro average of this part of the split better is better" in shown.text


def test_the_largest_differences_are_of_either_side(open_page, save_run, tmp_path):
    rng = np.random.default_rng(0)
    first = rng.random(40)
    second = np.clip(first + np.linspace(-0.05, 0.4, 40), 0, 1)
    save_run("first", {"box_iou": first})
    save_run("second", {"box_iou": second})
    shown = open_page("head_to_head", "--results", tmp_path / RESULTS, metric="Box IoU", first="first", second="second")
    higher = shown.html.split("first higher")[-1].split("second higher")
    rows = load_result(next((tmp_path / RESULTS).glob("*/v1/first*"))).samples["sample_id"].to_numpy()
    difference = first - second
    for part, order in zip(higher, (np.argsort(-difference), np.argsort(difference)), strict=True):
        ids = re.findall(r"sample=([0-9a-f]{16})", part)
        wanted = [place for place in order[:6] if (difference[place] > 0) == (part is higher[0]) and difference[place]]
        assert ids == rows[wanted].tolist()
    (chart,) = shown.app.get("vega_lite_chart")
    tooltip = json.loads(chart.proto.spec)["layer"][1]["encoding"]["tooltip"]
    assert [one.get("title") for one in tooltip[2:]] == ["Box IoU of first", "Box IoU of second"]


def test_a_chart_is_drawn_only_where_it_is_looked_at(open_page, demo):
    """A browser loads 2.5 MB for its first one."""
    first = open_page("leaderboard", "--results", demo / RESULTS)
    assert "The darker the cell" in first.text
    assert not first.app.get("vega_lite_chart")
    speed = open_page("leaderboard", "--results", demo / RESULTS, chart="Speed against quality")
    assert "The time is that of grounding" in speed.text
    assert "The darker the cell" not in speed.text
    (chart,) = speed.app.get("vega_lite_chart")
    assert "milliseconds per sample" in chart.proto.spec


def test_failures_lead_with_the_worst_sample_and_count_statuses(open_page, save_run, tmp_path):
    values = np.linspace(0.2, 0.8, 40)
    values[[3, 5]] = 0.01, np.nan
    save_run("mine", {"box_iou": values})
    shown = open_page("failures", "--results", tmp_path / RESULTS, metric="Box IoU")
    worst = load_result(next((tmp_path / RESULTS).glob("*/v1/*"))).samples["sample_id"].iloc[3]
    assert shown.text.index(worst) < shown.text.index(".2")
    assert "empty_target" in shown.text
    assert "under 1 %" in shown.text
    assert "left" in open_page("failures", "--results", tmp_path / RESULTS, metric="Box IoU", slices="side").text


@pytest.mark.parametrize("label", ["center-prior", "oracle", "mine"])
def test_the_command_on_the_page_makes_the_run_again(open_page, demo, tmp_path, groundcxr, method_file, label):
    path = method_file()
    settings = ("--set", "dataset.images=8", "--method", "center-prior", "--set", "center-prior.grid=7")
    first = groundcxr("evaluate", "--out", tmp_path / "a", *settings, "--method", "oracle", "--method", f"mine={path}")
    assert first.code == 0, first.err
    shown = open_page("run", "--results", tmp_path / "a", method=label)
    (line,) = [block.value for block in shown.app.code]
    assert line == command(next(run for run in Library.scan([tmp_path / "a"]).runs if run.label == label).info)
    words = shlex.split(line.replace("METHOD.py", str(path)))
    again = groundcxr(*words, "--out", tmp_path / "b")
    assert again.code == 0, again.err
    made = {load_result(path.parent).fingerprint for path in (tmp_path / "b").rglob("result.json")}
    assert made == {load_result(path.parent).fingerprint for path in (tmp_path / "a").rglob(f"{label}-*/result.json")}


def test_cite_gives_what_the_command_line_gives(open_page, demo, groundcxr):
    results = [path.parent for path in (demo / RESULTS).glob("phantom/v1/*/result.json")]
    for form, url in (("latex", {}), *((name.lower(), {"format": name}) for name in ("Markdown", "CSV", "JSON"))):
        shown = open_page("cite", "--results", demo / RESULTS, metric="AUROC", **url)
        ran = groundcxr("export", *results, "--format", form, "--metric", "auroc")
        assert ran.code == 0, ran.err
        # A long one is cut on the page; Streamlit strips what it shows.
        assert shown.app.code[0].value == ran.out[:20_000].strip()
    shown = open_page("cite", "--results", demo / RESULTS, intervals="false")
    assert "scriptsize" not in shown.app.code[0].value


@pytest.mark.parametrize(
    "url",
    [
        {"metric": "AUROC"},
        {"metric": "AUROC", "intervals": "false"},
        {"metric": "AUROC", "format": "Markdown", "kind": ["other"], "every": "true"},
        {"metric": "mIoU", "format": "BibTeX"},
    ],
)
def test_the_command_on_cite_gives_what_it_shows(open_page, demo, save_run, groundcxr, tmp_path, url):
    shutil.copytree(demo / RESULTS, tmp_path / RESULTS)
    save_run("not shown", dataset="another")
    shown = open_page("cite", "--results", tmp_path / RESULTS, data="phantom 1.0 (test)", **url)
    content, line = (block.value for block in shown.app.code)
    ran = groundcxr(*shlex.split(line)[1:])
    assert ran.code == 0, ran.err
    assert ran.out[:20_000].strip() == content


def test_no_deep_learning_library_is_loaded_with_all_pages():
    code = """
import sys, pkgutil, importlib
import groundcxr.leaderboard.views as views
for module in pkgutil.iter_modules(views.__path__):
    importlib.import_module(f"{views.__name__}.{module.name}")
from groundcxr.leaderboard import export, joining, reproduction
loaded = sorted({"torch", "transformers", "diffusers", "open_clip"} & set(sys.modules))
assert not loaded, loaded
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_the_board_shows_what_conditions_change(open_page, demo, copy):
    phantom = load_dataset("phantom", images=8)
    evaluate("random", phantom, "v1", out=copy, condition="crop:0.1")
    shown = open_page("leaderboard", "--results", copy)
    assert "Under conditions" in shown.text
    assert "crop:0.1" in shown.text
    assert "the edges cut off (crop:0.1)" in shown.text
    altered = open_page("compare", "--results", copy, data="phantom 1.0 (test), crop:0.1")
    assert len(altered.pictures) > 4
    plain = open_page("compare", "--results", copy, methods=["random"])
    assert not set(altered.pictures) & set(plain.pictures)


def test_what_is_chosen_stays_where_the_order_changes_and_what_is_not_follows_it(open_page, save_run, tmp_path):
    rising = np.linspace(0.1, 0.5, 12)
    save_run("maps", {"miou": rising + 0.3, "auroc": rising}, emits=("heatmap",))
    save_run("more maps", {"miou": rising, "auroc": rising + 0.4}, emits=("heatmap",))
    shown = open_page("failures", "--results", tmp_path / RESULTS, metric="mIoU")
    assert "Worst samples of maps, mIoU" in shown.text
    shown.choose("metric", "AUROC")
    assert "Worst samples of more maps, AUROC" in shown.text
    shown.choose("whose", "maps")
    assert "Worst samples of maps, AUROC" in shown.text
    # The first of the list by now, and the same one.
    shown.choose("metric", "mIoU")
    assert "Worst samples of maps, mIoU" in shown.text
    shown.choose("whose", "more maps").choose("metric", "CNR")
    assert "Worst samples of more maps, CNR" in shown.text
