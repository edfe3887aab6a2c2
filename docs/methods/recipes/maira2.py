"""MAIRA-2 as a method of groundcxr, for a Python environment of its own.

Written from the model card (huggingface.co/microsoft/maira-2) and the code of its processor. It never ran with the real
weights: docs/methods/maira2.md says what a first run should look at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from groundcxr import Grounding, GroundingMethod
from groundcxr.core import MethodError, Written
from groundcxr.methods.boxes.conventions import convention_of
from groundcxr.methods.marker import NetworkInput, require_frame
from groundcxr.methods.pretrained import check_loaded

CONVENTION = "maira2"


@dataclass(frozen=True)
class Maira2Options:
    """Which weights, and how they are run."""

    weights: str = field(
        default="microsoft/maira-2",
        metadata={"help": "a folder or a hub id; OWNER/NAME@COMMIT pins the weights and code"},
    )
    trust_remote_code: bool = field(
        default=False, metadata={"help": "run the code that the weights' repository brings along; read it before"}
    )
    dtype: Literal["float32", "bfloat16", "float16"] = field(
        default="float32", metadata={"help": "float32, as in the model card, or bfloat16 or float16"}
    )
    max_new_tokens: int = field(default=150, metadata={"help": "the most tokens of an answer, as in the model card"})
    boxes: int = field(
        default=0, metadata={"help": "how many of an answer's boxes count, from the first on; 0 for all"}
    )


class Maira2(GroundingMethod):
    """MAIRA-2 (Bannur et al., 2024), asked to ground the phrase; it may answer with several boxes.

    Its processor makes the prompt and crops the centre of the longer side, so that it cannot see, nor name, what lies
    beyond: `--method ceiling=format-ceiling --set ceiling.preset=maira2` says what that costs.
    """

    Options: ClassVar[type[Any]] = Maira2Options
    requirements: ClassVar[tuple[str, ...]] = (
        "torch",
        "transformers>=4.48,<4.52",
        "pillow",
        "protobuf",
        "sentencepiece",
    )
    requires_python: ClassVar[str | None] = ">=3.10,<3.14"
    kind: ClassVar[str] = "box"
    emits = frozenset({"box"})
    batch_size: ClassVar[int] = 1
    trained_on = ("MS-CXR", "MIMIC-CXR", "PadChest-GR", "USMix (private)")
    licence = "MSRLA (research only), gated on the hub"
    citation = """@article{bannur2024maira2,
  title = {{MAIRA-2}: Grounded Radiology Report Generation},
  author = {Bannur, Shruthi and Bouzid, Kenza and Castro, Daniel C. and others},
  journal = {arXiv preprint arXiv:2406.04449},
  year = {2024}
}"""

    def setup(self, device: str) -> None:
        """Load model and processor, refuse half-loaded weights, and try the frame on a marker image."""
        options = self.options
        if not options.trust_remote_code:
            raise MethodError(
                f"maira2 runs code that {options.weights} brings along; read it there, then say --set "
                "trust_remote_code=true"
            )
        import torch
        from transformers import AutoModelForCausalLM, AutoProcessor

        name, place = _name_and_revision(options.weights)
        self._dtype = getattr(torch, options.dtype)
        self._processor = AutoProcessor.from_pretrained(name, trust_remote_code=True, **place)
        require_frame(self, self.name)
        model, report = AutoModelForCausalLM.from_pretrained(
            name, trust_remote_code=True, torch_dtype=self._dtype, output_loading_info=True, **place
        )
        check_loaded(report, f"the model in {options.weights}")
        self._device = device
        self._model = model.to(device).eval()

    def network_input(self, image: Any) -> NetworkInput:
        """What the network gets of an image, and how its answers are read, for the marker test."""
        pixels = self._inputs(image.as_pil().convert("RGB"), "marker")["pixel_values"][0].float().cpu().numpy()
        convention, side = convention_of(CONVENTION), pixels.shape[-1]
        return NetworkInput(pixels, lambda box: convention.in_image(box.scaled(1 / side, 1 / side), image.size))

    def ground(self, image: Any, phrases: Any) -> list[Grounding]:
        """What the model writes to each phrase; groundcxr reads the boxes out of it."""
        import torch

        picture = image.as_pil().convert("RGB")
        answers = []
        for phrase in phrases:
            inputs = self._inputs(picture, phrase).to(self._device, self._dtype)
            with torch.inference_mode():
                found = self._model.generate(
                    **inputs,
                    max_new_tokens=self.options.max_new_tokens,
                    use_cache=True,
                    do_sample=False,
                    num_beams=1,
                    repetition_penalty=1.0,
                )
            prompt = inputs["input_ids"].shape[-1]
            # Its tags are no special tokens: they stay.
            text = self._processor.decode(found[0][prompt:], skip_special_tokens=True)
            answers.append(Grounding(written=Written(text, CONVENTION, most=self.options.boxes or None)))
        return answers

    def _inputs(self, picture: Any, phrase: str) -> Any:
        return self._processor.format_and_preprocess_phrase_grounding_input(
            frontal_image=picture, phrase=phrase, return_tensors="pt"
        )


def _name_and_revision(weights: str) -> tuple[str, dict[str, str]]:
    folder = Path(weights).expanduser()
    name, _, revision = weights.partition("@")
    if folder.exists() or not revision:
        return str(folder) if folder.exists() else weights, {}
    return name, {"revision": revision}
