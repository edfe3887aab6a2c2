"""Every method leaves no tensor behind when it moves to a GPU, and brings back what NumPy reads; without a GPU."""

import dataclasses
import importlib
from pathlib import Path

import pytest
import torch

from groundcxr import Query, Radiograph, load_dataset

from .pretended_gpu import OnGpu, pretended

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU says it itself: benchmarks/gpu.sh")
LARGE = {"biovil", "biovil-t", "clip ViT-B/16", "gloria", "carzero", "afloc", "kad", "maco", "cxr-clip"}
"""Of their real size, which takes seconds each; they have run on a GPU."""


def cases():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
        return importlib.import_module("gpu_models")


ALIKE = {"vlm, Qwen2.5-VL", "vlm, Qwen3-VL", "vlm, PaliGemma", "vlm, Kosmos-2", "vlm, InternVL", "vlm, LLaVA-OneVision"}
"""Of which all but the network, which is transformers', is as of others."""
CASES = {name: case for name, case in cases().CASES.items() if name not in LARGE | ALIKE}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpu") / "models"
    cases().save_models(folder, tuple(CASES))
    CASES["siglip"].build(folder).setup("cpu")  # transformers loads wrongly where its first loading is watched
    return folder


@pytest.fixture(scope="module")
def queries():
    first, *others = load_dataset("phantom")
    phrases = [first.phrase, next(one.phrase for one in others if one.phrase != first.phrase)]
    return [Query(Radiograph.open(first.image_path), phrase, first.pathology) for phrase in phrases]


@pytest.mark.parametrize("name", CASES)
def test_a_method_keeps_to_its_device(models, queries, name):
    case = CASES[name]
    settings = {key: "2" if key == "steps" else value for key, value in case.settings.items()}
    method = dataclasses.replace(case, settings=settings).build(models)
    with pretended(gradients=case.method == "gradcam"):
        method.setup("cuda")
        assert len(method.ground_batch(queries)) == len(queries)


@pytest.mark.parametrize("gradients", [False, True])
def test_what_a_gpu_refuses_is_refused(gradients):
    with pretended(gradients=gradients):
        here, there = torch.ones(3), torch.ones(3, device="cuda")
        layer = torch.nn.Linear(3, 3)
        half, moved = layer.weight.detach()[:2], layer.to("cuda")
        assert isinstance(there * 2 + here.sum(), OnGpu)
        assert isinstance(moved(there), OnGpu)
        assert isinstance(there[torch.tensor([1])], OnGpu)
        assert (there.cpu() + here).numpy().tolist() == [2, 2, 2]
        for mixed in (
            lambda: here + there,
            lambda: torch.cat([here, there]),
            lambda: there @ half.T,
            lambda: here[torch.tensor([1], device="cuda")],
            lambda: torch.randn(3, generator=torch.Generator(), device="cuda"),
        ):
            with pytest.raises(RuntimeError, match=r"same device|device type for generator"):
                mixed()
        with pytest.raises(TypeError, match=r"use Tensor\.cpu"):
            there.numpy()
