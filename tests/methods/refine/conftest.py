"""Methods to be refined, and a tiny SAM in the hub's layout."""

import pytest

from .tiny import save_sam

MAPS = """
import numpy as np
from pathlib import Path
from dataclasses import dataclass
from groundcxr import Box, Grounding, GroundingMethod, Heatmap

@dataclass(frozen=True)
class Options:
    rows: int = 5
    columns: int = 7

class Maps(GroundingMethod):
    Options = Options
    kind = "contrastive"
    trained_on = ("MIMIC-CXR",)

    def ground(self, image, phrases):
        with open(Path(__file__).with_name("asked.txt"), "a") as log:
            log.write("".join(phrase + "\\n" for phrase in phrases))
        return [self.one(image, phrase) for phrase in phrases]

    def one(self, image, phrase):
        rng = np.random.default_rng(len(phrase) + image.size[0])
        values = rng.normal(size=(self.options.rows, self.options.columns))
        return Grounding(Heatmap.whole(values, image.size))

class Boxed(GroundingMethod):
    emits = frozenset({"box"})

    def ground(self, image, phrases):
        w, h = image.size
        return [Grounding(boxes=[Box(w / 8, h / 8, w / 2, h / 2, .75)] * (phrase != "none")) for phrase in phrases]

class Wordy(GroundingMethod):
    emits = frozenset({"box"})

    def ground(self, image, phrases):
        from groundcxr.methods.boxes.reading import written_answer

        return [written_answer(phrase, "qwen3_vl", image.size) for phrase in phrases]
"""


@pytest.fixture
def maps(tmp_path):
    """A method file with `Maps`, whose answers are heatmaps, and `Boxed`, whose answers are boxes."""
    path = tmp_path / "maps.py"
    path.write_text(MAPS)
    return path


@pytest.fixture(scope="session")
def tiny_sam(tmp_path_factory):
    return save_sam(tmp_path_factory.mktemp("models") / "tiny-sam")
