"""The recipes of docs/methods/recipes, each in a Python that has NumPy, Pillow and stand-ins of the other packages.

The stand-ins treat images as the real processors do, and their model writes where it sees a white rectangle, in the
real model's words. They tell nothing of the real weights.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from groundcxr import Query, Radiograph
from groundcxr.core import GroundCXRError
from groundcxr.evaluation.asking import checked_answers

RECIPES = Path(__file__).parents[3] / "docs/methods/recipes"

STAND_INS = {
    "torch": """
from contextlib import nullcontext as inference_mode
float32, bfloat16, float16 = "float32", "bfloat16", "float16"

class cuda:
    is_available = staticmethod(lambda: False)

class Tensor:
    def __init__(self, array): self.array = array
    def __getitem__(self, place): return Tensor(self.array[place])
    def to(self, *where): return self
    def float(self): return self
    def cpu(self): return self
    def numpy(self): return self.array
    def size(self, axis): return self.array.shape[axis]
    shape = property(lambda self: self.array.shape)
""",
    "transformers": """
import re
import numpy as np
from PIL import Image
from torch import Tensor

class Inputs(dict):
    def to(self, *where): return self

class AutoProcessor:
    @classmethod
    def from_pretrained(cls, name, trust_remote_code, **place):
        assert trust_remote_code
        self = cls(); self.name, self.place = name, place
        return self

    def format_and_preprocess_phrase_grounding_input(self, frontal_image, phrase, return_tensors):
        assert frontal_image.mode == "RGB" and return_tensors == "pt"
        if "squash" in self.name:
            picture = frontal_image.resize((518, 518), Image.BICUBIC)
        else:
            scale = 518 / min(frontal_image.size)
            picture = frontal_image.resize([round(side * scale) for side in frontal_image.size], Image.BICUBIC)
            x, y = ((side - 518) // 2 for side in picture.size)
            picture = picture.crop((x, y, x + 518, y + 518))
        self.phrase = phrase
        pixels = np.asarray(picture, dtype=np.float32).transpose(2, 0, 1)[None]
        return Inputs(pixel_values=Tensor(pixels), input_ids=Tensor(np.zeros((1, 3), dtype=int)))

    def decode(self, found, skip_special_tokens):
        assert skip_special_tokens
        return "<obj>" + self.phrase + "<box>" + "".join(
            f"<{axis}{value}>" for axis, value in zip("xyxy", found.array.tolist())) + "</box></obj>"

class AutoTokenizer:
    @classmethod
    def from_pretrained(cls, name, trust_remote_code, **place):
        assert trust_remote_code
        return cls()

    def from_list_format(self, parts):
        return "Picture 1: <|img|>" + parts[0]["image"] + "<|/img|>\\n" + parts[1]["text"]

    def apply_chat_template(self, talk, add_generation_prompt, return_tensors):
        assert [one["from"] for one in talk] == ["system", "human"]
        assert add_generation_prompt and return_tensors == "pt"
        return Tensor(np.array([[ord(letter) for letter in talk[1]["value"]]]))

    def decode(self, found):
        x0, y0, x1, y1 = found.array.tolist()[-4:]
        said = "".join(map(chr, found.array.tolist()[:-4]))
        return f"<|ref|>{said}<|/ref|><|box|>({x0},{y0}),({x1},{y1})<|/box|><|endoftext|>"

def seen(pixels):
    bright = pixels > 127
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    found = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
    return [int(100 * value / side) for value, side in zip(found, (pixels.shape[1], pixels.shape[0]) * 2)]

class AutoModelForCausalLM:
    @classmethod
    def from_pretrained(cls, name, trust_remote_code, torch_dtype, output_loading_info, **place):
        assert trust_remote_code and output_loading_info
        missing = ["vision.norm.weight"] if "half" in name else []
        assert place == ({"revision": "abc"} if name == "owner/pinned" else {})
        return cls(), {"missing_keys": missing, "unexpected_keys": [], "mismatched_keys": []}

    def to(self, device): return self
    def eval(self): return self

    def generate(self, asked=None, pixel_values=None, input_ids=None, **settings):
        wanted = dict(use_cache=True, do_sample=False, num_beams=1, repetition_penalty=1.0)
        assert {key: settings[key] for key in wanted} == wanted, settings
        if pixel_values is not None:
            assert settings["max_new_tokens"] == 150
            return Tensor(np.array([[0, 0, 0, *seen(pixel_values.array[0, 0])]]))
        assert settings["max_new_tokens"] == 512
        text = "".join(map(chr, asked.array[0].tolist()))
        file = re.search(r"<\\|img\\|>(.*)<\\|/img\\|>", text)[1]
        words = [ord(letter) for letter in text.partition("\\n")[2]]
        return Tensor(np.array([[*asked.array[0].tolist(), *words, *seen(np.asarray(Image.open(file).convert("L")))]]))
""",
}
VERSIONS = {"torch": "2.6.0", "torchvision": "0.21.0", "protobuf": "5.0", "sentencepiece": "0.2.0", "einops": "0.8.0"}
VERSIONS |= {"requests": "2.32.0"}


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Makes an environment with a version of transformers and of NumPy, and returns its interpreter."""

    def make(transformers, numpy):
        folder = tmp_path_factory.mktemp("recipe")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "env"], check=True)
        (site,) = (folder / "env").glob("lib/*/site-packages")
        packages = Path(np.__file__).parents[1]
        for name in ("numpy", "numpy.libs", "PIL", "pillow.libs"):
            if (packages / name).exists():
                (site / name).symlink_to(packages / name)
        for name, version in {**VERSIONS, "transformers": transformers, "numpy": numpy, "pillow": "11.0"}.items():
            (site / f"{name}-{version}.dist-info").mkdir()
            metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            (site / f"{name}-{version}.dist-info/METADATA").write_text(metadata)
        for name, text in STAND_INS.items():
            (site / f"{name}.py").write_text(text)
        return folder / "env/bin/python"

    return make


@pytest.fixture(scope="module")
def maira2(environment):
    return environment("4.51.3", np.__version__)


@pytest.fixture(scope="module")
def chexagent2(environment):
    return environment("4.40.0", "1.26.4")


def with_rectangle(width, height):
    pixels = np.zeros((height, width), dtype=np.uint8)
    pixels[150:260, 120:200] = 255
    return Radiograph.from_array(pixels)


@pytest.mark.parametrize("size", [(300, 400), (421, 300)])
def test_maira2_reads_its_crop_at_its_place(isolated, maira2, size):
    method = isolated(
        RECIPES / "maira2.py", {"trust_remote_code": "true", "weights": "owner/pinned@abc"}, python=maira2
    )
    method.setup("cpu")
    image = with_rectangle(*size)
    first, second = checked_answers(method, [Query(image, phrase, "Edema") for phrase in ("small opacity", "other")])
    # Cells of a hundredth of the crop's side, read at their centres.
    np.testing.assert_allclose(first.boxes[0].as_tuple(), (120, 150, 200, 260), atol=0.51 * 3 + 1)
    assert "small opacity" in first.text
    assert second.boxes == first.boxes
    assert "MS-CXR" in method.trained_on


@pytest.mark.parametrize("size", [(300, 400), (421, 300)])
def test_chexagent2_reads_the_whole_image(isolated, chexagent2, size):
    method = isolated(RECIPES / "chexagent2.py", {"trust_remote_code": "true"}, python=chexagent2)
    method.setup("cpu")
    (answer,) = checked_answers(method, [Query(with_rectangle(*size), "small opacity", "Edema")])
    np.testing.assert_allclose(answer.boxes[0].as_tuple(), (120, 150, 200, 260), atol=max(size) / 100 + 1)
    assert "Please locate the following phrase: small opacity" in answer.text


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "trust_remote_code=true"),
        ({"trust_remote_code": "true", "weights": "owner/half"}, "lacks vision.norm.weight"),
        ({"trust_remote_code": "true", "weights": "owner/squash"}, "the whole image, resized"),
    ],
)
def test_maira2_refuses(isolated, maira2, settings, said):
    with pytest.raises(GroundCXRError, match=said):
        isolated(RECIPES / "maira2.py", settings, python=maira2).setup("cpu")


def test_chexagent2_refuses(isolated, chexagent2):
    with pytest.raises(GroundCXRError, match="trust_remote_code=true"):
        isolated(RECIPES / "chexagent2.py", python=chexagent2).setup("cpu")


def test_another_version_of_transformers_is_told_before_the_file_is_loaded(isolated, chexagent2):
    with pytest.raises(GroundCXRError, match=r"transformers>=4\.48,<4\.52 \(4\.40\.0 is installed there\)"):
        isolated(RECIPES / "maira2.py", python=chexagent2)
