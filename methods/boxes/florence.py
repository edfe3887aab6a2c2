"""Florence-2 and what was trained from it on chest X-rays (AG-KD, K2Sight): short texts with location tokens."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import numpy as np

from ...core import BOX, Box, Grounding, MethodError, Query, Radiograph
from ...core.definitions import DEFINITIONS, definition_of
from ...core.fingerprint import digest, jsonable
from ...core.input_frame import fit_frame
from ...core.pathologies import common_name
from ...core.paths import user_path
from ..inference import exact_inference
from ..marker import NetworkInput, require_frame
from ..options import require_at_least_one
from ..pretrained import PretrainedMethod
from ..registry import register_method
from ..requirements import require_packages
from .conventions import CONVENTIONS, Convention
from .florence_network import FlorenceNetwork, Settings, load_network
from .pictures import as_rgb, padded_to_square
from .reading import written_answer

if TYPE_CHECKING:
    from PIL.Image import Image

_ASKED = "Locate the phrases in the caption: {}"
"""What the processor makes of the task `<CAPTION_TO_PHRASE_GROUNDING>`."""


@dataclass(frozen=True)
class Preset:
    """How a model of this architecture was trained to be asked.

    Attributes:
        convention: What the numbers of an answer mean.
        side: The image is resized to this longest side and padded at both ends to a square before the processor gets
            it; None where the processor gets it whole.
        defines: Whether the phrase is asked with the definition of its pathology.
        trained_on: As in `GroundingMethod`.
        source: Where all this stands.
    """

    convention: Convention
    side: int | None
    defines: bool
    trained_on: tuple[str, ...]
    source: str


PRESETS: dict[str, Preset] = {
    "florence2": Preset(CONVENTIONS["florence2"], None, False, ("FLD-5B (photographs)",), "arXiv 2311.06242"),
    "agkd": Preset(
        CONVENTIONS["florence2_agkd"],
        512,
        True,
        ("VinDr-CXR", "PadChest"),
        "github.com/LijunRio/AG-KD, src/dataset.py",
    ),
}


class Known(NamedTuple):
    """What is known of a repository of the hub."""

    preset: str
    licence: str


_KNOWN = {
    **{
        f"{owner}/Florence-2-{size}{tuned}": Known("florence2", "MIT")
        for owner in ("florence-community", "microsoft")
        for size in ("base", "large")
        for tuned in ("", "-ft")
    },
    "RioJune/AG-KD": Known("agkd", "openrail"),
    "Anonymous-AC/K2Sight-Lite": Known("agkd", "Apache-2.0"),
}


@dataclass(frozen=True)
class FlorenceOptions:
    """Which model, and how it is asked."""

    weights: str = field(
        default="",
        metadata={
            "help": "Florence-2 in either layout, its authors' too: folder, hub id OWNER/NAME[@REVISION], "
            "or random:SEED:PLACE"
        },
    )
    preset: Literal["", "florence2", "agkd"] = field(
        default="",
        metadata={
            "help": "florence2: the phrase on the whole image; agkd (AG-KD, K2Sight): with its definition, on a padded "
            "square of 512 pixels; empty: that of the hub id, where it is known"
        },
    )
    definitions: str = field(
        default="",
        metadata={
            "help": 'of preset=agkd: FILE.toml with lines "PATHOLOGY" = "DEFINITION" in place of the usual table'
        },
    )
    boxes: int = field(default=1, metadata={"help": "how many of an answer's boxes count, from the first on"})
    num_beams: int = field(default=3, metadata={"help": "width of the beam search; 1 is greedy"})
    max_new_tokens: int = field(default=300, metadata={"help": "the most tokens of an answer"})

    def __post_init__(self) -> None:
        require_at_least_one(self, "boxes", "num_beams", "max_new_tokens")


@register_method("florence")
class Florence(PretrainedMethod):
    """A Florence-2 that is asked to locate a phrase, and writes its boxes as tokens of a grid of 1000 x 1000.

    Checkpoints of the authors' own layout, whose code no longer runs, are converted as they are loaded. A box's score
    is exp(log-probability of the text / its length), the same for all boxes of an answer.
    """

    Options: ClassVar[type[Any]] = FlorenceOptions
    requirements: ClassVar[tuple[str, ...]] = ("torch", "torchvision", "transformers>=5.0")
    kind: ClassVar[str] = "box"
    emits = frozenset({BOX})
    batch_size: ClassVar[int] = 8
    licence = "that of the weights"
    citation = (
        "@inproceedings{xiao2024florence, title = {Florence-2: Advancing a Unified Representation for a Variety of "
        "Vision Tasks}, author = {Xiao, Bin and Wu, Haiping and Xu, Weijian and Dai, Xiyang and Hu, Houdong and "
        "others}, booktitle = {CVPR}, year = {2024}}"
    )
    content: ClassVar[str] = "a Florence-2 with config.json, its weights, tokenizer and preprocessor_config.json"

    def __init__(self, options: Any = None) -> None:
        """Keep the options, and find the preset and its definitions.

        Raises:
            WeightsError: If no weights are named.
            MethodError: If no preset is given and the weights are not known, or the definitions cannot be read.
        """
        super().__init__(options)
        known = _KNOWN.get(str(self._place).partition("@")[0])
        if known is not None:
            self.licence: str = known.licence
        name = self.options.preset or (known.preset if known else "")
        if not name:
            raise MethodError(
                f"method {self.name} does not know how {self._place} was trained to be asked, and a wrong guess would "
                f"be scored as a bad model: --set preset=NAME, one of {', '.join(PRESETS)}"
            )
        self.preset = PRESETS[name]
        # The default stands among the options too, so that it is known and in the fingerprint.
        self.options = replace(self.options, preset=name)
        self.trained_on: tuple[str, ...] = () if self._seed is not None else self.preset.trained_on
        if self.options.definitions and not self.preset.defines:
            raise MethodError(f"preset={name} asks without definitions; leave definitions out, or give preset=agkd")
        self._definitions = read_definitions(self.options.definitions) if self.options.definitions else None
        self._network: FlorenceNetwork | None = None
        self._device = "cpu"

    def setup(self, device: str) -> None:
        """Load the model, converted where it is in the authors' layout, and send a marker through.

        Raises:
            WeightsError: If the weights are missing, unusable or incomplete, or the tokenizer does not belong to them.
            MethodError: If a package is missing, or the preset's frame is not what the network gets.
        """
        require_packages(self.name, *self.requirements)
        if self._network is None:
            self._network = load_network(self)
            require_frame(self, self.name)
        self._network.to(device)

    def fingerprint(self) -> str:
        """As of any method, with the definitions that are asked with."""
        usual = DEFINITIONS if self.preset.defines and self._definitions is None else None
        return digest(super().fingerprint(), jsonable(usual))

    def network_input(self, image: Radiograph) -> NetworkInput:
        """What the network gets of an image, and how boxes there are read; see `methods.marker`."""
        (picture,) = self._loaded().pixels([self._picture(image)]).numpy()
        width, height = picture.shape[2], picture.shape[1]

        def to_image(box: Box) -> Box:
            return self.preset.convention.in_image(box.scaled(1 / width, 1 / height), image.size)

        return NetworkInput(picture, to_image)

    def prompt(self, query: Query) -> str:
        """What is asked.

        Raises:
            MethodError: If it is to be asked with a definition, and there is none.
        """
        if not self.preset.defines:
            return _ASKED.format(query.phrase)
        # Who asks about an image of his own may name a finding and no pathology.
        finding = query.pathology or query.phrase
        definition = self._definition(finding)
        if definition is None:
            raise MethodError(
                f"there is no definition of {finding!r}, with which this model is asked; give one with "
                'definitions=FILE.toml, which holds lines "PATHOLOGY" = "DEFINITION"'
            )
        # Twice, as in training: the authors' own sentence, and that of the processor before it.
        return _ASKED.format(_ASKED.format(f"{query.phrase} means {definition}."))

    def ground_batch(self, queries: Sequence[Query]) -> list[Grounding]:
        """Ask about all queries; each image is encoded once.

        Raises:
            MethodError: If there is no definition of a pathology, or a phrase holds a token of the tokenizer's own.
        """
        network = self._loaded()
        prompts = [self.prompt(query) for query in queries]
        for prompt in prompts:
            network.refuse_special(prompt)
        images: dict[str, Radiograph] = {query.image.sha256: query.image for query in queries}
        place_of = {sha256: place for place, sha256 in enumerate(images)}
        settings = Settings(self.options.num_beams, self.options.max_new_tokens)
        with exact_inference():
            seen = network.encode([self._picture(image) for image in images.values()])
            rows = [place_of[query.image.sha256] for query in queries]
            texts = network.write(seen, rows, prompts, settings)
        return [
            written_answer(
                text.text,
                self.preset.convention,
                query.image.size,
                score=text.score,
                most=self.options.boxes,
                truncated=text.truncated,
            )
            for query, text in zip(queries, texts, strict=True)
        ]

    def _definition(self, pathology: str) -> str | None:
        if self._definitions is None:
            return definition_of(pathology)
        return self._definitions.get(common_name(pathology), self._definitions.get(pathology))

    def _loaded(self) -> FlorenceNetwork:
        if self._network is None:
            raise MethodError(f"method {self.name} has not been set up")
        return self._network

    def _picture(self, image: Radiograph) -> Image:
        """The 8-bit view in colour, in the preset's frame."""
        return as_rgb(image) if self.preset.side is None else padded_square(image, self.preset.side)


def padded_square(image: Radiograph, side: int) -> Image:
    """An image resized to a longest side, small ones too, and padded with black at both ends to a square, in colour.

    As albumentations' LongestMaxSize and PadIfNeeded do it: bilinear without smoothing, sides rounded, the smaller half
    of the padding first.
    """
    import torch
    from PIL import Image

    width, height = fit_frame(image.size, (side, side), "letterbox").resized
    grey = torch.from_numpy(image.as_uint8()).float()[None, None]
    resized = torch.nn.functional.interpolate(grey, (height, width), mode="bilinear", align_corners=False)[0, 0]
    picture = Image.fromarray(resized.round().clamp(0, 255).numpy().astype(np.uint8))
    return padded_to_square(picture).convert("RGB")


def read_definitions(file: str) -> dict[str, str]:
    """A table of definitions by pathology, by its common name where it has one.

    Raises:
        MethodError: If the file cannot be read, or holds other things than texts.
    """
    path = user_path(file)
    step = 'write lines such as "Pleural Effusion" = "fluid around the lung"'
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise MethodError(f"the definitions {path} cannot be read: {reason}; {step}") from error
    wrong = [key for key, value in found.items() if not (isinstance(value, str) and value.strip())]
    if wrong or not found:
        where = f"has no text for {wrong[0]!r}" if wrong else "holds none"
        raise MethodError(f"the file of definitions {path} {where}; {step}")
    return {common_name(key): value.strip().rstrip(".") for key, value in found.items()}
