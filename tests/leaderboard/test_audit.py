"""The page of a method for a paper's appendix, against what one computes by hand."""

from dataclasses import replace

import numpy as np
import pytest

from groundcxr.evaluation.imported import ImportFile
from groundcxr.evaluation.schema import ConditionInfo, MethodInfo
from groundcxr.leaderboard.audit import audit
from groundcxr.leaderboard.audit_pairs import asks
from groundcxr.leaderboard.differences import smallest_difference
from groundcxr.methods.loading import build_method
from groundcxr.metrics import summarise

OPTIONS = {"steps": 3}
RNG = np.random.default_rng(1)
GOOD = RNG.uniform(0.5, 0.9, 50)
WRONG = GOOD * 0.4


@pytest.fixture
def results(save_run):
    """A method, its control by another phrase, that of another method, and a prior; Edema has 26 samples, not 25."""
    columns = {"pathology": ["Edema"] * 31 + ["Pneumonia"] * 19}
    method = {"options": OPTIONS, "weights_fingerprint": "w", "weights": "owner/name"}

    def wrong(options, weights="w"):
        return {
            "name": "shuffled-phrase",
            "options": options,
            "weights_fingerprint": weights,
            "note": "asked otherwise",
        }

    def save(label, values, **options):
        return save_run(label, {"box_iou": values}, columns=columns, **options)

    save("mine", GOOD, method=method)
    save("wrong", WRONG, control=True, method=wrong({"method": "mine", **OPTIONS}))
    save("other-options", WRONG, control=True, method=wrong({"method": "mine", "steps": 4}))
    save("other-weights", WRONG, control=True, method=wrong({"method": "mine", **OPTIONS}, "v"))
    drawn = wrong({"method": "mine", **OPTIONS}, "drawn") | {"name": "random-weights"}
    save("drawn", WRONG, control=True, method=drawn)
    save("prior", GOOD - 0.3, control=True)
    return save


def sections(page):
    return {section.title: section for section in page.sections}


def test_a_page_has_only_its_own_controls(results, scan):
    (page,) = audit(scan().runs)
    beside = sections(page)["Beside controls and other methods"]
    assert {row[0] for row in beside.rows} == {"prior (control)", "wrong (control)", "drawn (control)"}
    assert "wrong: asked otherwise." in beside.sentences
    row = next(row for row in beside.rows if row[:2] == ["prior (control)", "Box IoU"])
    assert row[3].startswith(".300 [.300, .300]")


@pytest.mark.parametrize("refiner", [{"gradcam": ""}, {"boxes": "rule=otsu"}])
def test_a_control_of_a_method_that_asks_another_is_that_ones_alone(refiner):
    ((name, own),) = refiner.items()
    asked = {"method": "clip-phantom"} | dict(one.split("=") for one in own.split())
    settings = " ".join(f"{key}={value}" for key, value in asked.items())
    told = [("clip-phantom", {}), (name, asked), ("shuffled-phrase", {"method": name, "settings": settings})]
    plain, refined, control = (
        MethodInfo(
            name=method.name,
            label=method.name,
            kind=method.kind,
            emits=sorted(method.emits),
            control=method.name == "shuffled-phrase",
            revision="",
            weights=None,
            weights_fingerprint=method.weights_fingerprint(),
            options=method.options_dict(),
            fingerprint=method.fingerprint(),
            trained_on=[],
            licence="",
            citation="",
            note="",
        )
        for method in (build_method(one, options) for one, options in told)
    )
    assert asks(control, refined)
    assert not asks(control, plain)


def test_what_the_wrong_phrase_keeps(results, scan):
    (page,) = audit(scan().runs)
    part = sections(page)["What of the score survives the wrong phrase"]
    (row,) = (row for row in part.rows if row[0] == "Box IoU")
    assert row[-1] == "40 %"


def test_pathologies_on_few_samples_are_named(results, scan):
    (page,) = audit(scan().runs)
    part = sections(page)["By pathology"]
    assert "fewer than 20 samples rest: Pneumonia (19)." in part.sentences[0]
    assert [row[:2] for row in part.rows] == [["Edema", "31"], ["Pneumonia", "19 (few)"]]


def test_many_samples_of_few_patients_are_few(save_run, scan):
    columns = {"pathology": ["Edema"] * 26 + ["Pneumonia"] * 24}
    columns["patient_key"] = [f"{i // 2 if i < 26 else i:016d}" for i in range(50)]
    save_run("mine", {"box_iou": GOOD}, columns=columns)
    (page,) = audit(scan().runs)
    part = sections(page)["By pathology"]
    assert "None rests on fewer than 20 samples. Of fewer than 20 patients: Edema (13)." in part.sentences[0]
    assert [row[:3] for row in part.rows] == [["Edema", "26", "13 (few)"], ["Pneumonia", "24", "24"]]


def test_a_metric_that_leaves_samples_out_does_not_make_a_pathology_a_rare_one(save_run, scan):
    cnr = np.where(np.arange(50) < 5, GOOD, np.nan)
    cnr[31:] = np.nan
    columns = {"pathology": ["Edema"] * 31 + ["Pneumonia"] * 19}
    save_run("mine", {"box_iou": GOOD, "cnr": cnr}, emits=("heatmap", "box"), columns=columns)
    (page,) = audit(scan().runs)
    part = sections(page)["By pathology"]
    # Pneumonia has no CNR at all: nothing is printed that could rest on too few.
    assert "fewer than 20 samples rest: CNR of Edema (5), Pneumonia (19)." in part.sentences[0]
    assert [row[:2] for row in part.rows] == [["Edema", "31"], ["Pneumonia", "19 (few)"]]


def test_derived_values_are_marked_and_the_mark_is_explained(save_run, scan):
    derived = {"maps": ["box_iou"], "boxes": ["ap"]}
    for label in derived:
        save_run(label, {"box_iou": GOOD, "ap": GOOD}, emits=("heatmap", "box"))
    runs = [replace(run, info=run.info.model_copy(update={"derived": derived[run.label]})) for run in scan().runs]
    pages = {page.title.split()[0]: sections(page) for page in audit(runs)}
    for mine, other, own, derived in (("maps", "boxes", "AP", "Box IoU"), ("boxes", "maps", "Box IoU", "AP")):
        rows = {row[0]: row for row in pages[mine]["Values"].rows}
        assert "°" not in "".join(rows[own])
        assert rows[derived][1].split()[0].endswith("°")
        assert any(sentence.startswith("°: derived") for sentence in pages[mine]["Values"].sentences)
        beside = {row[1]: row[2] for row in pages[mine]["Beside controls and other methods"].rows if row[0] == other}
        assert "°" in beside[own]
        assert "°" not in beside[derived]


def test_a_condition_stands_beside_the_plain_run(results, scan):
    plain = next(run for run in scan().runs if run.label == "mine")
    blurred = replace(plain, label="mine blurred")
    condition = ConditionInfo(name="blur", level=0.01, version="1", plain=plain.info.dataset.fingerprint)
    info = plain.info.model_copy(update={"condition": condition})
    info = info.model_copy(update={"dataset": info.dataset.model_copy(update={"fingerprint": "0" * 64})})
    blurred = replace(blurred, info=info)
    (page,) = audit([plain, blurred])
    part = sections(page)["Under changed inputs"]
    row = next(row for row in part.rows if row[1] == "Box IoU")
    assert row[0] == "a Gaussian blur (blur:0.01)"
    assert row[3].startswith(".000 [.000, .000]")
    assert (
        "no result of this method under a condition" in sections(audit([plain])[0])["Under changed inputs"].sentences[0]
    )


def test_without_anything_beside_it_a_page_says_what_is_lacking(save_run, scan):
    save_run("mine", {"box_iou": GOOD})
    (page,) = audit(scan().runs)
    parts = sections(page)
    assert "--method center-prior" in parts["Beside controls and other methods"].sentences[0]
    assert "--set wrong.method=METHOD.py:mine" in parts["What of the score survives the wrong phrase"].sentences[0]
    assert "second method's result" in parts["What this data set could show"].sentences[0]


def test_what_shares_no_sample_is_said_to_share_none(save_run, scan):
    first = np.arange(50) % 2 == 0
    save_run("mine", {"box_iou": GOOD}, keep=first)
    save_run("theirs", {"box_iou": GOOD}, keep=~first)
    for page in audit(scan().runs):
        part = sections(page)["Beside controls and other methods"]
        assert not part.head
        assert part.sentences == [
            f"No sample has a value of {page.title.split()[0]} and of another result that was given."
        ]


def test_a_metric_says_which_end_is_good(save_run, scan):
    save_run("mine", {"box_iou": GOOD})
    (run,) = scan().runs
    lower = [metric.model_copy(update={"higher_is_better": metric.key != "box_iou"}) for metric in run.info.metrics]
    (page,) = audit([replace(run, info=run.info.model_copy(update={"metrics": lower}))])
    said = "Macro: mean over pathologies; micro: mean over samples. Higher is better, of Box IoU lower."
    assert sections(page)["Values"].sentences[0].startswith(said)


def test_the_command_for_the_wrong_phrase_asks_just_this_method(save_run, scan):
    asked = {"normalise": "rank", "methods": {"a": {"method": "clip-phantom", "settings": {}}}}
    save_run("both", {"box_iou": GOOD}, method={"name": "average", "options": asked})
    (page,) = audit(scan().runs)
    (said,) = sections(page)["What of the score survives the wrong phrase"].sentences
    assert (
        "evaluate --method wrong=shuffled-phrase --set wrong.method=average "
        "--set 'wrong.settings=normalise=rank methods=a=clip-phantom'," in said
    )


def test_predictions_made_elsewhere_are_given_no_command(save_run, scan):
    save_run("mine", {"box_iou": GOOD})
    (run,) = scan().runs
    what = ImportFile(what="predictions", source="answers.jsonl", sha256="0" * 64, imported="2026-01-01T00:00:00+00:00")
    (page,) = audit([replace(run, imported=what)])
    (said,) = sections(page)["What of the score survives the wrong phrase"].sentences
    assert "evaluate" not in said


def test_the_smallest_difference_is_seen_four_times_in_five():
    patients = [f"{i // 2:03d}" for i in range(120)]
    names = ["Edema", "Pneumonia"]
    pathology = [names[i % 2] for i in range(120)]
    rng = np.random.default_rng(7)

    def macro(values):
        cell = summarise(values, pathology, patients, pathologies=names, draws=400).macro[0]
        return cell.low, cell.high

    def drawn(shift):
        # Samples of one patient go together.
        return (shift + np.repeat(rng.normal(0, 0.1, 60), 2) + rng.normal(0, 0.1, 120))[:, None]

    smallest = float(np.mean([smallest_difference(*macro(drawn(0.0))) for _ in range(40)]))
    seen = np.mean([macro(drawn(smallest))[0] > 0 for _ in range(300)])
    assert 0.73 < seen < 0.87


def test_the_command_writes_both_forms(groundcxr, results, tmp_path):
    ran = groundcxr("audit", tmp_path / "results")
    assert ran.code == 0, ran.err
    assert ran.out.startswith("# mine on made-up 2.0 (test), protocol v1\n")
    assert "| Pneumonia | 19 (few) |" in ran.out
    assert "| samples | 50, of 25 patients, 0 failed |" in ran.out
    assert groundcxr("audit", tmp_path / "results", "--format", "html", "--out", "a.html").code == 0
    page = (tmp_path / "a.html").read_text()
    assert page.count("<article>") == 1
    assert "<td>Pneumonia</td><td>19 (few)</td>" in page
    (tmp_path / "none").mkdir()
    none = groundcxr("audit", tmp_path / "none")
    assert none.code == 2
    assert "there is no result to audit" in none.err


def test_names_in_others_results_are_text(groundcxr, save_run, tmp_path):
    save_run("<b>|x|</b>", {"box_iou": GOOD})
    assert "<b>" not in groundcxr("audit", tmp_path / "results", "--format", "html").out
    assert "\\<b\\>\\|x\\|" in groundcxr("audit", tmp_path / "results").out
