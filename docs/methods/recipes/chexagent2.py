"""CheXagent-2 as a method of groundcxr, for a Python environment of its own.

Written from the authors' code (github.com/Stanford-AIMI/CheXagent, model_chexagent/chexagent.py) and public wrappers of
it. It never ran with the real weights: docs/methods/chexagent2.md says what a first run should look at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Literal

from groundcxr import Grounding, GroundingMethod
from groundcxr.core import MethodError, Written
from groundcxr.methods.pretrained import check_loaded

CONVENTION = "chexagent2"
PROMPT = "Please locate the following phrase: "


@dataclass(frozen=True)
class CheXagent2Options:
    """Which weights, and how they are run."""

    weights: str = field(
        default="StanfordAIMI/CheXagent-2-3b",
        metadata={"help": "a folder or a hub id; OWNER/NAME@COMMIT pins the weights and code"},
    )
    trust_remote_code: bool = field(
        default=False, metadata={"help": "run the code that the weights' repository brings along; read it before"}
    )
    dtype: Literal["bfloat16", "float32"] = field(
        default="bfloat16", metadata={"help": "bfloat16, as the authors run it, or float32"}
    )
    max_new_tokens: int = field(default=512, metadata={"help": "the most tokens of an answer, as the authors have it"})
    boxes: int = field(
        default=0, metadata={"help": "how many of an answer's boxes count, from the first on; 0 for all"}
    )


class CheXagent2(GroundingMethod):
    """CheXagent-2 (Chen et al., 2024), asked to locate the phrase.

    The image goes to it as a file, which its own code opens and squashes, so that the frame is the whole image.
    """

    Options: ClassVar[type[Any]] = CheXagent2Options
    # With newer versions of transformers it is reported to load and to write fluently without attending to the image.
    requirements: ClassVar[tuple[str, ...]] = (
        "torch",
        "torchvision",
        "transformers>=4.40,<4.41",
        "numpy<2",
        "pillow",
        "einops",
        "requests",
    )
    requires_python: ClassVar[str | None] = ">=3.10,<3.13"
    kind: ClassVar[str] = "box"
    emits = frozenset({"box"})
    batch_size: ClassVar[int] = 1
    trained_on = (
        "MS-CXR",
        "MIMIC-CXR",
        "CheXpert",
        "PadChest",
        "NIH ChestX-ray14",
        "RSNA",
        "SIIM",
        "VinDr-CXR",
        "others of CheXinstruct",
    )
    licence = "cc-by-nc-4.0"
    citation = """@article{chen2024chexagent,
  title = {{CheXagent}: Towards a Foundation Model for Chest X-Ray Interpretation},
  author = {Chen, Zhihong and Varma, Maya and Delbrouck, Jean-Benoit and others},
  journal = {arXiv preprint arXiv:2401.12208},
  year = {2024}
}"""

    def setup(self, device: str) -> None:
        """Load model and tokenizer, and refuse half-loaded weights."""
        options = self.options
        if not options.trust_remote_code:
            raise MethodError(
                f"chexagent2 runs code that {options.weights} brings along; read it there, then say --set "
                "trust_remote_code=true"
            )
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        name, place = _name_and_revision(options.weights)
        self._tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=True, **place)
        model, report = AutoModelForCausalLM.from_pretrained(
            name,
            trust_remote_code=True,
            torch_dtype=getattr(torch, options.dtype),
            output_loading_info=True,
            **place,
        )
        check_loaded(report, f"the model in {options.weights}")
        self._device = device
        self._model = model.to(device).eval()

    def ground(self, image: Any, phrases: Any) -> list[Grounding]:
        """What the model writes to each phrase; groundcxr reads the boxes out of it."""
        # The path stands in the prompt and may not be long.
        with TemporaryDirectory(prefix="cx") as folder:
            file = Path(folder, "i.png")
            image.as_pil().convert("RGB").save(file)
            return [self._answer(str(file), phrase) for phrase in phrases]

    def _answer(self, file: str, phrase: str) -> Grounding:
        import torch

        query = self._tokenizer.from_list_format([{"image": file}, {"text": PROMPT + phrase}])
        talk = [{"from": "system", "value": "You are a helpful assistant."}, {"from": "human", "value": query}]
        asked = self._tokenizer.apply_chat_template(talk, add_generation_prompt=True, return_tensors="pt")
        with torch.inference_mode():
            found = self._model.generate(
                asked.to(self._device),
                max_new_tokens=self.options.max_new_tokens,
                use_cache=True,
                do_sample=False,
                num_beams=1,
                repetition_penalty=1.0,
            )
        # Special tokens stay: the boxes are made of them. A text without a box is answered with none; the authors'
        # script repeats the one of the sample before.
        text = self._tokenizer.decode(found[0][asked.shape[1] :])
        return Grounding(written=Written(text, CONVENTION, most=self.options.boxes or None))


def _name_and_revision(weights: str) -> tuple[str, dict[str, str]]:
    folder = Path(weights).expanduser()
    name, _, revision = weights.partition("@")
    if folder.exists() or not revision:
        return str(folder) if folder.exists() else weights, {}
    return name, {"revision": revision}
