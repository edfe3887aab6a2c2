"""All of the network's work is done where the network is, on a stand-in for a GPU: no test machine has one.

PyTorch's fake tensors have a device and a shape and no numbers, and refuse, as a GPU does, to be mixed with others.
"""

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch._subclasses.fake_tensor import FakeTensorMode

from groundcxr.methods.diffusion.ldm import CrossAttentionGrounder, bimodal_runs
from groundcxr.methods.diffusion.ldm import grounder as module
from groundcxr.methods.diffusion.ldm.split import SplitForward
from groundcxr.methods.diffusion.ldm.whole import WholeForward


class Derived(UNet2DConditionModel):
    """A network that is not known to be plain, so that it is called as it is."""


ALL = ["inversion", "noise-once", "noise-difference", "bimodal"]


class Enough(Exception):  # noqa: N818 - no error
    """Raised once the network's work is done."""


@pytest.mark.parametrize(
    ("extraction", "network", "forward"),
    [
        *((extraction, UNet2DConditionModel, SplitForward) for extraction in ALL),
        *((extraction, Derived, WholeForward) for extraction in ALL[:-1]),
    ],
)
def test_nothing_is_left_on_the_cpu(monkeypatch, network, forward, extraction):
    gpu = FakeTensorMode(allow_non_fake_inputs=True)
    with gpu, torch.device("cuda"):
        unet = network(
            sample_size=8,
            block_out_channels=(16, 32),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            layers_per_block=1,
            cross_attention_dim=16,
            attention_head_dim=2,
            norm_num_groups=8,
        )
        vae = AutoencoderKL(block_out_channels=(8,), norm_num_groups=4)
    it = CrossAttentionGrounder(unet, vae, num_inversion_steps=10, layers=[0, 1], extraction=extraction)
    assert isinstance(it.forward, forward)
    seen: list[torch.Tensor] = []

    def combined(layers, size, sigma):
        seen.extend(layers)
        raise Enough

    # What looks at numbers stays out: the arguments before the network's work, and the maps after it.
    monkeypatch.setattr(module, "check_image", lambda *_: None)
    monkeypatch.setattr(module, "token_weights", lambda embeds, *_: torch.full(embeds.shape[:2], 1 / 7))
    monkeypatch.setattr(module, "combine", combined)
    monkeypatch.setattr(bimodal_runs.BimodalMeans, "merged", lambda means: means._activation)
    # Which image a phrase asks about is a number, too.
    monkeypatch.setattr(bimodal_runs, "sources_of", lambda _: [0, 1, 1])
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2**33, 2**33))
    images, empty, phrases = torch.rand(2, 1, 8, 8), torch.rand(1, 7, 16), torch.rand(3, 7, 16)
    with gpu, pytest.raises(Enough):
        it.heatmaps(images, empty, phrases, image_index=[0, 1, 1])
    with gpu:
        assert it.trajectory(images, empty).shape == (len(it.timesteps), 2, 4, 8, 8)
    side = 4 if extraction in ("inversion", "noise-once") else 8
    assert [(one.device.type, tuple(one.shape)) for one in seen] == [("cuda", (3, side, side))] * len(seen)
    assert len(seen) == (2 if side == 4 else 1)
