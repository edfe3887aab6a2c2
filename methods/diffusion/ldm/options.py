"""The options of `ldm`, and the presets that give them their values."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import StrEnum


class Extraction(StrEnum):
    """How a map is read out of the network."""

    INVERSION = "inversion"
    NOISE_ONCE = "noise-once"
    NOISE_DIFFERENCE = "noise-difference"
    BIMODAL = "bimodal"


class Tokens(StrEnum):
    """Whose attention is averaged."""

    PHRASE = "phrase"
    CONTENT = "content"
    CONTENT_FIRST = "content-first"
    PATHOLOGY = "pathology"


class Precision(StrEnum):
    """The number type of the network on a GPU: what `ldm` holds it in, and `dit` computes its products in."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


class Preset(StrEnum):
    """Named sets of values."""

    VILOURAS2024 = "vilouras2024"
    VILOURAS2026_FROZEN = "vilouras2026-frozen"
    VILOURAS2026_TUNED = "vilouras2026-tuned"
    NUETZEL2025 = "nuetzel2025"
    FAST = "fast"
    PHANTOM = "phantom"


MOST_BLUR, MOST_SIZE = 1000, 4096


@dataclass(frozen=True)
class Settings:
    """All that decides how a map is made; the default values are those of `Preset.VILOURAS2024`, the public code.

    Attributes:
        extraction: How the map is read out.
        steps: Inversion steps asked for; the public code's spacing makes 334 of 300. Of `Extraction.BIMODAL`, steps
            from noise to image.
        read: The part of the steps whose attention is read, as two fractions; empty for the middle fifth as the public
            code rounds it, 120 to 179 of 300; of `Extraction.BIMODAL`, for the last four fifths.
        layers: Cross-attention layers; empty for the paper's places, counted from the middle block; "all" for all.
        tokens: Whose attention is averaged.
        otsu: Whether the map is 0 up to Otsu's threshold.
        blur: Standard deviation of the Gaussian blur, in pixels of the network's input.
        size: Side of the network's input in pixels; 0 for the model's own.
        dtype: Precision of the network; on a CPU, float32 only.
        compile: Whether the network is compiled on a GPU.
    """

    extraction: Extraction = Extraction.INVERSION
    steps: int = 300
    read: tuple[float, ...] = ()
    layers: tuple[str, ...] = ()
    tokens: Tokens = Tokens.PHRASE
    otsu: bool = True
    blur: float = 2.5
    size: int = 0
    dtype: Precision = Precision.FLOAT32
    compile: bool = False

    def check(self) -> None:
        """Refuse values that no map can be made with.

        Raises:
            ValueError: Saying which.
        """
        if not 1 <= self.steps <= 1000:
            raise ValueError(f"steps must be 1 to 1000, got {self.steps}")
        read = self.read
        if read and (len(read) != 2 or not 0 <= read[0] < read[1] <= 1):
            raise ValueError(f"read must be two fractions of 0 to 1, the first the smaller, as in 0.4,0.6, got {read}")
        if not 0 <= self.blur <= MOST_BLUR:
            raise ValueError(f"blur must be 0 to {MOST_BLUR}, got {self.blur}")
        if self.size and not 8 <= self.size <= MOST_SIZE:
            raise ValueError(f"size must be 8 to {MOST_SIZE}, or 0 for the model's own, got {self.size}")

    def step_range(self) -> tuple[int, int] | None:
        """First step read and the one after the last; None for the extraction's own."""
        if not self.read:
            return None
        first, stop = (round(self.steps * part) for part in self.read)
        return first, max(stop, first + 1)


PRESETS = {
    # The public code; its attention is of steps 120 to 179 of 300.
    Preset.VILOURAS2024: Settings(),
    # The frozen baseline of the 2026 paper (arXiv:2506.10633): 100 steps, of which 40 to 59 are read.
    Preset.VILOURAS2026_FROZEN: Settings(steps=100),
    # How that paper reads its tuned embeddings: the middle block and the three behind it, 4 to 7 there, unmasked.
    Preset.VILOURAS2026_TUNED: Settings(steps=100, layers=("middle", "middle+1", "middle+2", "middle+3"), otsu=False),
    # Bimodal Bias Merging: the last 40 of 50 steps, all layers, the first piece of each word that says something.
    Preset.NUETZEL2025: Settings(
        Extraction.BIMODAL, steps=50, layers=("all",), tokens=Tokens.CONTENT_FIRST, otsu=False, blur=0
    ),
    # As few as keep the bundled model's macro AUROC on the phantom within .005 of 300 steps; docs/ldm.md has the curve.
    Preset.FAST: Settings(steps=3),
    # For the bundled model, which localises in its last layers; the mask would lower its AUROC (docs/phantom.md).
    Preset.PHANTOM: Settings(
        steps=30, layers=("up_blocks.1.attentions.0", "up_blocks.1.attentions.1"), tokens=Tokens.CONTENT, otsu=False
    ),
}


PRESET_HELP = "a named set of values: " + ", ".join(Preset)
OF_ATTENTION = ("steps", "read", "layers", "tokens")
"""The options that say nothing about a map of `Extraction.NOISE_DIFFERENCE`."""


@dataclass(frozen=True)
class MapOptions:
    """How maps are made. An option left out has the preset's value."""

    preset: Preset | None = field(
        default=None,
        metadata={"help": f"{PRESET_HELP}; otherwise vilouras2024, of bimodal nuetzel2025"},
    )
    extraction: Extraction | None = field(
        default=None, metadata={"help": "inversion, noise-once, noise-difference or bimodal"}
    )
    steps: int | None = field(default=None, metadata={"help": "DDIM steps, 1 to 1000"})
    read: tuple[float, ...] | None = field(
        default=None,
        metadata={
            "help": "the part of the steps that is read, such as 0.4,0.6; otherwise the middle fifth, of bimodal 0.2,1"
        },
    )
    layers: tuple[str, ...] | None = field(
        default=None,
        metadata={
            "help": "cross-attention layers, by name, by number (3,4,6,7), from the middle (middle,middle+1), or all"
        },
    )
    tokens: Tokens | None = field(
        default=None,
        metadata={
            "help": "whose attention: phrase, content (no function words), content-first (their first pieces) or "
            "pathology (its words)"
        },
    )
    otsu: bool | None = field(default=None, metadata={"help": "set what is below Otsu's threshold to 0"})
    blur: float | None = field(
        default=None, metadata={"help": "standard deviation of the Gaussian blur, in pixels of the network's input"}
    )
    size: int | None = field(
        default=None, metadata={"help": "side of the network's input in pixels; 0 for the model's own"}
    )
    dtype: Precision | None = field(default=None, metadata={"help": "float32, bfloat16 or float16, on a GPU"})
    compile: bool | None = field(default=None, metadata={"help": "torch.compile the network, on a GPU"})
    embeddings: str = field(
        default="", metadata={"help": "folder of tuned word embeddings, as `groundcxr tune` makes them"}
    )

    def __post_init__(self) -> None:
        settings = self.settings()
        if settings.extraction is Extraction.NOISE_DIFFERENCE:
            given = [name for name in OF_ATTENTION if getattr(self, name) is not None]
            if given:
                raise ValueError(f"noise-difference reads no attention: leave out {' and '.join(given)}")
        settings.check()

    def settings(self) -> Settings:
        """The preset's values, and those given."""
        given = {f.name: getattr(self, f.name) for f in fields(Settings)}
        usual = Preset.NUETZEL2025 if self.extraction == Extraction.BIMODAL else Preset.VILOURAS2024
        preset = PRESETS[self.preset or usual]
        found = replace(preset, **{name: value for name, value in given.items() if value is not None})
        if found.extraction is Extraction.NOISE_DIFFERENCE:
            return replace(found, **{f.name: f.default for f in fields(Settings) if f.name in OF_ATTENTION})
        return found


@dataclass(frozen=True)
class LdmOptions(MapOptions):
    """What `--set` takes."""

    weights: str = field(
        default="",
        metadata={"help": "diffusers folder or hub id, monai:DIR (the paper's), or random:SEED[:PLACE]"},
    )
    text_encoder: str = field(
        default="", metadata={"help": "folder or hub id of text encoder and tokenizer; empty: the checkpoint's own"}
    )
    base: str = field(
        default="", metadata={"help": "pipeline that gives the parts that a tuned UNet was published without"}
    )
