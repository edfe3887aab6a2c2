"""Controls that ask a method about altered images and phrases, or with weights that have learnt nothing."""

import numpy as np
import pytest

from groundcxr import Box, GroundCXRError, Grounding, GroundingMethod, Heatmap, evaluate, load_dataset
from groundcxr.core import Query, Radiograph
from groundcxr.leaderboard.reproduction import command
from groundcxr.methods.loading import build_method

METHODS = """
from dataclasses import dataclass
import numpy as np
from groundcxr import Box, Grounding, GroundingMethod, Heatmap
from groundcxr.core.fingerprint import generator_from
from groundcxr.methods.random_weights import drawn_id, random_weights

NOTES = {notes!r}

def note(image, phrase, pathology):
    with open(NOTES, "a") as file:
        file.write(f"{{image.size}} {{image.pixels.max()}} {{phrase}} ({{pathology}})\\n")

class Sided(GroundingMethod):
    '''Looks at the image on the side that the phrase names; knows left from right and nothing else.'''
    emits = frozenset({{"heatmap", "box"}})

    def ground_batch(self, queries):
        return [self.one(one.image, one.phrase, one.pathology) for one in queries]

    def one(self, image, phrase, pathology):
        note(image, phrase, pathology)
        width, height = image.size
        words = phrase.lower().replace("-", " ").split()
        # The patient's right is the image's left; the centre column is on neither side.
        half, whole = width // 2, image.as_uint8().astype(int)
        grid = np.zeros((5, 7))
        if ("right" in words) == ("left" in words):
            grid[:, 2:5] = whole.sum()
            return Grounding(Heatmap.whole(grid, image.size), (Box(2, 5, width - 2, height),))
        if "right" in words:
            grid[:, :3] = whole[:, :half].sum() + np.arange(3)
            return Grounding(Heatmap.whole(grid, image.size), (Box(3, 5, half, height),))
        grid[:, 4:] = whole[:, width - half :].sum() + np.arange(3)[::-1]
        return Grounding(Heatmap.whole(grid, image.size), (Box(width - half, 5, width - 3, height),))

@dataclass(frozen=True)
class Where:
    weights: str = "trained"

class Net(GroundingMethod):
    '''A network of one number, trained or drawn.'''
    Options = Where

    def ground(self, image, phrases):
        drawn = random_weights(self.weights)
        values = generator_from(0 if drawn is None else drawn.seed).random((4, 4))
        return [Grounding(Heatmap.whole(values, image.size)) for _ in phrases]

    def weights_fingerprint(self):
        return self.weights

    def weights_id(self):
        drawn = random_weights(self.weights)
        return "trained" if drawn is None else drawn_id(drawn.seed, drawn.place or "usual")
"""


@pytest.fixture
def methods(tmp_path):
    file = tmp_path / "methods.py"
    file.write_text(METHODS.format(notes=str(tmp_path / "asked.txt")))
    return file


@pytest.fixture
def asked(tmp_path):
    return lambda: (tmp_path / "asked.txt").read_text().splitlines()


@pytest.fixture
def sided(write_manifest):
    """Images with phrases of a side, of both and of none."""
    phrases = ["Left effusion", "right-sided effusion", "bilateral effusions left > right", "effusion"]
    rows = ["image,phrase,pathology,x,y,w,h,patient_id"]
    rows += [f"{n}.png,{phrase},Edema,{4 + 9 * n},6,17,23,p{n}" for n, phrase in enumerate(phrases)]
    return load_dataset("manifest", write_manifest(range(4), rows))


METRICS = ["miou", "cnr", "auroc", "ap", "pointing", "energy", "box_iou"]


def test_who_understands_sides_keeps_its_score_to_the_last_digit(methods, sided, tmp_path, asked):
    """On a grid of 5 x 7 cells on 60 x 40 pixels, whose cells are of different widths."""
    spec = f"{methods}:Sided"
    plain = evaluate(spec, sided, out=tmp_path)
    count = len(asked())
    mirrored = evaluate("mirrored", sided, settings={"method": spec}, out=tmp_path)
    assert mirrored.samples[METRICS].equals(plain.samples[METRICS])
    assert len(asked()) == 2 * count == 8
    assert [line.split(") ")[1].partition(" ")[2].rpartition(" (")[0] for line in asked()[count:]] == [
        "Right effusion", "left-sided effusion", "bilateral effusions right > left", "effusion",
    ]  # fmt: skip
    info = mirrored.info.method
    assert info.control
    assert "mirrored image with the sides in the phrase swapped" in info.note
    evaluate("mirrored", sided, settings={"method": spec}, out=tmp_path)
    assert len(asked()) == 8


def test_a_mirrored_map_lies_where_it_was_seen(methods):
    pixels = np.zeros((30, 41), dtype=np.uint16)
    pixels[:, :20] = 40_000
    image = Radiograph.from_array(pixels)

    class Bright(GroundingMethod):
        emits = frozenset({"heatmap", "box"})

        def ground(self, image, phrases):
            unit, (width, height) = image.as_unit_float(), image.size
            extent = Box(1, 2, width - 4, height)
            columns = np.flatnonzero(unit[0] > 0.5)
            return [
                Grounding(
                    Heatmap(unit[2:, 1 : width - 4], extent, image.size), (Box(columns[0], 0, columns[-1] + 1, 9),)
                )
                for _ in phrases
            ]

    control = build_method("mirrored", {"method": "random"})
    control.asked = {"bright": Bright()}
    control.setup("cpu")
    (answer,) = control.ground_batch([Query(image, "left", "Edema")])
    assert answer.heatmap.extent == Box(4, 2, 40, 30)
    assert answer.boxes == (Box(0, 0, 20, 9),)
    np.testing.assert_array_equal(answer.heatmap.to_pixels()[2:, 4:40] > 0.5, pixels[2:, 4:40] > 0)


def test_the_other_side_is_asked_about_where_there_is_one(methods, sided, tmp_path, asked):
    spec = f"{methods}:Sided"
    plain = evaluate(spec, sided, out=tmp_path / "plain")
    other = evaluate("other-side", sided, settings={"method": spec}, out=tmp_path)
    assert (other.info.dataset.n_samples, other.info.dataset.n_skipped, other.info.n_failed) == (4, 2, 0)
    assert other.info.dataset.fingerprint == plain.info.dataset.fingerprint
    assert other.samples["sample_id"].tolist() == plain.samples["sample_id"].tolist()[:2]
    assert [line.partition(") ")[2].split(" ", 1)[1] for line in asked()[4:]] == [
        "Right effusion (Edema)", "left-sided effusion (Edema)",
    ]  # fmt: skip
    assert (other.samples["box_iou"] != plain.samples["box_iou"][:2]).any()


def test_without_any_side_there_is_nothing_to_ask(groundcxr, manifest):
    data = ["--dataset", "manifest", "--root", manifest]
    ran = groundcxr("evaluate", "--method", "other-side", "--set", "method=random", *data)
    assert ran.code == 2
    assert "none of the 5 samples is one that other-side asks about: their phrases name no side, or both" in ran.err


def test_nothing_is_said_of_what_to_look_for_or_nothing_is_shown(methods, sided, tmp_path, asked):
    for control in ("generic-phrase", "blank-image"):
        result = evaluate(control, sided, settings={"method": f"{methods}:Sided"}, out=tmp_path)
        assert result.info.n_failed == 0
        assert len(result.samples) == 4
    assert {line.partition(") ")[2].split(" ", 1)[1] for line in asked()[:4]} == {"abnormal finding ()"}
    assert [line.partition(") ")[0] + ")" for line in asked()[4:]] == ["(60, 40)"] * 4
    assert {line.partition(") ")[2].split(" ", 1)[0] for line in asked()[4:]} == {"0"}
    assert asked()[4].endswith("Left effusion (Edema)")


def test_weights_are_drawn_from_the_seed(methods, sided, tmp_path):
    net = f"{methods}:Net"
    trained = evaluate(net, sided, out=tmp_path)
    one, again, other, placed = (
        evaluate("random-weights", sided, settings={"method": net, "seed": seed, **more}, out=tmp_path / out)
        for seed, out, more in [(1, "a", {}), (1, "b", {}), (2, "a", {}), (1, "c", {"settings": "weights=small"})]
    )
    assert one.info.n_failed == 0, one.problems
    assert one.samples["auroc"].equals(again.samples["auroc"])
    assert not one.samples["auroc"].equals(other.samples["auroc"])
    assert not one.samples["auroc"].equals(trained.samples["auroc"])
    assert one.info.method.weights == "random:1:usual (drawn)"
    assert placed.info.method.weights == "random:1:small (drawn)"
    assert "drawn from the seed 1" in one.info.method.note
    line = command(placed.info)
    assert "random-weights.seed=1" in line
    assert "random-weights.settings=weights=small" in line


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "needs the method that it asks, its option method=NAME"),
        ({"method": "center-prior"}, r"cannot ask center-prior: it needs a method that draws weights from a seed"),
        ({"method": "oracle"}, "weights from a seed|reads samples and not phrases"),
        ({"method": "random", "settings": "weights=random:3"}, "give its option seed"),
    ],
)
def test_what_draws_no_weights_is_refused(settings, said):
    with pytest.raises(GroundCXRError, match=said):
        build_method("random-weights", settings)


def test_who_takes_the_seed_for_a_path_is_refused(sided, tmp_path):
    file = tmp_path / "other.py"
    file.write_text(
        "from dataclasses import dataclass\nfrom groundcxr import GroundingMethod\n\n"
        "@dataclass(frozen=True)\nclass Where:\n    weights: str = ''\n\n"
        "class Other(GroundingMethod):\n    Options = Where\n"
    )
    with pytest.raises(GroundCXRError, match=r"random-weights cannot ask Other.*does not say that it does"):
        evaluate("random-weights", sided, settings={"method": str(file)}, out=tmp_path)
