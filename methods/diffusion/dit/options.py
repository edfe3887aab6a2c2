"""The options of `dit`."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from ..ldm.options import Extraction, Precision, Settings, Tokens


@dataclass(frozen=True)
class DitOptions:
    """What `--set` takes. No paper reads these networks this way: the values are this project's."""

    weights: str = field(default="", metadata={"help": "diffusers folder or hub id, or random:SEED:PLACE"})
    text_encoder: str = field(
        default="", metadata={"help": "folder or hub id of text encoder and tokenizer; empty: the checkpoint's own"}
    )
    base: str = field(
        default="", metadata={"help": "pipeline that gives the parts that a tuned transformer was published without"}
    )
    steps: int = field(default=50, metadata={"help": "noise levels from none to all, of which `read` are taken"})
    read: tuple[float, ...] = field(default=(0.4, 0.6), metadata={"help": "the part of the levels that is read"})
    layers: tuple[str, ...] = field(default=("all",), metadata={"help": "transformer blocks, by number, or all"})
    tokens: Tokens = field(
        default=Tokens.PHRASE,
        metadata={"help": "whose attention: phrase, content, content-first or pathology, as of ldm"},
    )
    otsu: bool = field(default=False, metadata={"help": "set what is below Otsu's threshold to 0"})
    blur: float = field(
        default=2.5, metadata={"help": "standard deviation of the Gaussian blur, in pixels of the network's input"}
    )
    size: int = field(default=0, metadata={"help": "side of the network's input in pixels; 0 for the model's own"})
    dtype: Precision = field(default=Precision.FLOAT32, metadata={"help": "float32, bfloat16 or float16, on a GPU"})

    def __post_init__(self) -> None:
        self.settings().check()
        if not self.read:
            raise ValueError("read must be two fractions of 0 to 1, the first the smaller, as in 0.4,0.6")

    def settings(self) -> Settings:
        """The values as `ldm` has them: the attention of latents with noise added."""
        given = {f.name: getattr(self, f.name) for f in fields(Settings) if hasattr(self, f.name)}
        return Settings(extraction=Extraction.NOISE_ONCE, **given)
