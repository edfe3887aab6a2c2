"""Networks converted from MONAI against MONAI core's own, and against what the paper's code computed."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from monai.networks.nets import AutoencoderKL, DiffusionModelUNet

from groundcxr.core import WeightsError
from groundcxr.methods.diffusion.ldm.autoencoder import MonaiAutoencoderKL
from groundcxr.methods.diffusion.ldm.monai import (
    OFFICIAL_AUTOENCODER,
    OFFICIAL_UNET,
    autoencoder_from_monai,
    layers_in_monai_order,
    read_weights,
    unet_from_monai,
)

STORED = Path(__file__).parents[3] / "data" / "ldm_tiny"
CONFIG = json.loads((STORED / "config.json").read_text())
TINY = {
    "spatial_dims": 2,
    "in_channels": 3,
    "out_channels": 3,
    "num_res_blocks": 2,
    "num_channels": (32, 64, 96),
    "attention_levels": (False, True, True),
    "with_conditioning": True,
    "cross_attention_dim": 24,
    "num_head_channels": (0, 64, 96),
}
TOPOLOGIES = {
    "as the paper's": TINY,
    "heads, two layers in a transformer": TINY | {"num_head_channels": (0, 32, 24), "transformer_num_layers": 2},
    "uneven residual blocks, other norms": TINY
    | {"num_res_blocks": (1, 2, 3), "norm_eps": 1e-3, "norm_num_groups": 16},
    "four levels, attention in the middle two": TINY
    | {"num_channels": (32, 64, 32, 64), "attention_levels": (False, True, True, False), "num_head_channels": 16},
    "attention everywhere": TINY | {"attention_levels": (True, True, True), "num_head_channels": 32},
}
AUTOENCODERS = {
    "the fixture's sizes": CONFIG["autoencoder"],
    "three levels, four latents, one residual block": CONFIG["autoencoder"]
    | {"num_channels": (32, 64, 32), "attention_levels": (False,) * 3, "latent_channels": 4, "num_res_blocks": 1},
    "uneven residual blocks": CONFIG["autoencoder"]
    | {"num_channels": (32, 32, 64), "attention_levels": (False,) * 3, "num_res_blocks": (1, 3, 2)},
}


def core(network, config):
    """MONAI core's own network, which calls `num_channels` by another name."""
    config = dict(config)
    return network(channels=config.pop("num_channels"), **config)


def old_names(state):
    """MONAI core's names turned into monai-generative's."""
    return {
        name.replace(".postconv.conv.", ".conv.conv.").replace(".out_proj.", ".to_out.0."): tensor
        for name, tensor in state.items()
    }


def difference(a, b):
    return float((a - b).abs().max())


@pytest.fixture(scope="module")
def unet_pair(tiny_models):
    """A topology's reference network and configuration, with random weights in every layer."""

    def build(name):
        torch.manual_seed(0)
        return tiny_models.filled(core(DiffusionModelUNet, TOPOLOGIES[name])), TOPOLOGIES[name]

    return build


@torch.inference_mode()
@pytest.mark.parametrize("name", TOPOLOGIES)
def test_unet_equals_monai_core(unet_pair, name):
    reference, config = unet_pair(name)
    converted = unet_from_monai(reference.state_dict(), config)
    latents, words = torch.randn(2, 3, 16, 16), torch.randn(2, 7, 24)
    for t in (0, 1, 499, 999):
        expected = reference(latents, timesteps=torch.tensor([t, t]), context=words)
        assert expected.std() > 0.05  # a network that answers nothing proves nothing
        assert difference(converted(latents, t, words).sample, expected) < 1e-5


@torch.inference_mode()
@pytest.mark.xdist_group("large")
def test_unet_of_the_papers_size_equals_monai_core(tiny_models):
    torch.manual_seed(0)
    reference = core(DiffusionModelUNet, OFFICIAL_UNET)
    for parameter in reference.out.parameters():
        parameter.normal_(std=0.15)
    for module in reference.modules():
        if hasattr(module, "proj_out"):
            module.proj_out.conv.weight.normal_(std=0.02)
        if hasattr(module, "conv2"):
            module.conv2.conv.weight.normal_(std=0.01)
    converted = unet_from_monai(reference.state_dict(), OFFICIAL_UNET)
    assert sum(parameter.numel() for parameter in converted.parameters()) == 263_636_995
    latents, words = torch.randn(1, 3, 16, 16), torch.randn(1, 77, 1024)
    expected = reference.eval()(latents, timesteps=torch.tensor([501]), context=words)
    assert expected.std() > 0.5
    assert difference(converted(latents, 501, words).sample, expected) < 1e-5


def test_names_of_monai_generative_give_the_same_network(unet_pair):
    reference, config = unet_pair("as the paper's")
    old = old_names(reference.state_dict())
    assert old.keys() != reference.state_dict().keys()
    again = core(DiffusionModelUNet, config)
    again.load_old_state_dict(dict(old))  # MONAI's own word that these are the old names
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in reference.state_dict().items())
    new, converted = unet_from_monai(reference.state_dict(), config), unet_from_monai(old, config)
    assert all(torch.equal(tensor, converted.state_dict()[name]) for name, tensor in new.state_dict().items())


@torch.inference_mode()
@pytest.mark.parametrize("name", AUTOENCODERS)
@pytest.mark.parametrize("naming", [dict, old_names])
def test_autoencoder_equals_monai_core_also_after_saving(tiny_models, tmp_path, name, naming):
    torch.manual_seed(0)
    config = AUTOENCODERS[name]
    reference = tiny_models.filled(core(AutoencoderKL, config))
    converted = autoencoder_from_monai(naming(reference.state_dict()), config, 0.3)
    image = torch.rand(1, 1, 64, 48)
    mean, deviation = reference.encode(image)
    found = converted.encode(image).latent_dist
    assert difference(found.mean, mean) < 1e-5
    assert difference(found.std, deviation) < 1e-5
    assert difference(converted.decode(mean).sample, reference.decode(mean)) < 1e-5

    converted.save_pretrained(tmp_path)
    again = MonaiAutoencoderKL.from_pretrained(tmp_path)
    assert torch.equal(again.encode(image).latent_dist.parameters, found.parameters)
    assert torch.equal(again.decode(mean).sample, converted.decode(mean).sample)
    assert again.config["scaling_factor"] == 0.3


@torch.inference_mode()
def test_fixture_networks_give_what_the_papers_code_computed(stored_autoencoder):
    latents, outputs, words = (
        torch.from_numpy(np.load(STORED / f"{name}.npy")) for name in ("latents", "model_outputs", "prompt_embeds")
    )
    vae = autoencoder_from_monai(read_weights(stored_autoencoder), CONFIG["autoencoder"], CONFIG["scale_factor"])
    image = torch.from_numpy(np.load(STORED / "image.npy"))
    assert difference(vae.encode(image).latent_dist.mean * CONFIG["scale_factor"], latents[:1]) < 1e-5
    unet = unet_from_monai(read_weights(STORED / "unet.safetensors"), CONFIG["unet"])
    times = torch.tensor(CONFIG["inversion_timesteps"])
    found = unet(latents[: len(times)], times, words[:1].expand(len(times), -1, -1)).sample
    assert difference(found, outputs) < 1e-5


def test_layers_are_numbered_as_in_the_papers_code():
    def papers_order(module, prefix=""):
        """Cross-attentions in the order in which MONAI registers its blocks."""
        for name, child in module.named_children():
            if name == "attn2":
                yield f"{prefix}{name}"
            else:
                yield from papers_order(child, f"{prefix}{name}.")

    for config in TOPOLOGIES.values():
        reference = core(DiffusionModelUNet, config)
        found = layers_in_monai_order(unet_from_monai(reference.state_dict(), config))
        blocks = [name if ".transformer_blocks." in name else f"{name}.transformer_blocks.0" for name in found]
        as_monai = [f"{name}.attn2".replace("mid_block.attentions.0", "middle_block.attention") for name in blocks]
        assert as_monai == list(papers_order(reference))
    found = layers_in_monai_order(unet_from_monai(core(DiffusionModelUNet, TINY).state_dict(), TINY))
    chosen = ["down_blocks.2.attentions.1", "mid_block.attentions.0", "up_blocks.0.attentions.1"]
    assert [found[index] for index in (3, 4, 6, 7)] == [*chosen, "up_blocks.0.attentions.2"]


def test_layers_of_a_diffusers_network_are_numbered_alike():
    unet = UNet2DConditionModel(block_out_channels=(32, 32, 32, 32), layers_per_block=1, cross_attention_dim=8)
    downs = [f"down_blocks.{level}.attentions.0" for level in range(3)]
    ups = [f"up_blocks.{level}.attentions.{layer}" for level in (1, 2, 3) for layer in (0, 1)]
    assert layers_in_monai_order(unet) == [*downs, "mid_block.attentions.0", *ups]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"resblock_updown": True}, "resblock_updown True"),
        ({"num_class_embeds": 3}, "num_class_embeds 3"),
        ({"with_conditioning": False}, "with_conditioning False.*reads no phrase"),
        ({"spatial_dims": 3}, "spatial_dims 3"),
        ({"num_head_channels": (0, 48, 96)}, "num_head_channels 48 for 64 channels at level 1"),
        ({"num_res_blocks": (1, 2)}, "2 num_res_blocks for 3 levels"),
    ],
)
def test_a_unet_that_cannot_be_converted_is_refused_with_the_reason(change, says):
    with pytest.raises(WeightsError, match=says):
        unet_from_monai({}, TINY | change)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"attention_levels": (False, False, False, True)}, "attention_levels"),
        ({"with_encoder_nonlocal_attn": True}, "with_encoder_nonlocal_attn True"),
        ({"use_convtranspose": True}, "use_convtranspose True"),
    ],
)
def test_an_autoencoder_that_cannot_be_converted_is_refused_with_the_reason(change, says):
    with pytest.raises(WeightsError, match=says):
        autoencoder_from_monai({}, OFFICIAL_AUTOENCODER | change, 0.3)


def test_a_checkpoint_that_does_not_fit_is_refused_by_key_or_shape(stored_autoencoder):
    state = read_weights(STORED / "unet.safetensors")
    key = "middle_block.attention.proj_in.conv.weight"
    with pytest.raises(WeightsError, match=rf"^the UNet in some\.pth lacks {key}"):
        unet_from_monai(
            {name: tensor for name, tensor in state.items() if name != key}, CONFIG["unet"], file="some.pth"
        )
    with pytest.raises(WeightsError, match="has shape 32x32, the configuration asks for 32x64"):
        unet_from_monai(state, CONFIG["unet"] | {"cross_attention_dim": 64})
    with pytest.raises(WeightsError, match=r"holds extra\.weight, which the configuration has no place for"):
        unet_from_monai(state | {"extra.weight": torch.zeros(1)}, CONFIG["unet"])
    state = read_weights(stored_autoencoder)
    with pytest.raises(WeightsError, match=r"encoder\.blocks\.13\.conv\.weight has shape 3x64x3x3, .* 4x64x3x3"):
        autoencoder_from_monai(state, CONFIG["autoencoder"] | {"latent_channels": 4}, 0.3)


def test_weights_are_read_from_every_format_and_from_inside_a_training_checkpoint(tmp_path):
    state = {"a.weight": torch.arange(4.0)}
    torch.save(state, tmp_path / "plain.pth")
    torch.save({"epoch": 3, "state_dict": state, "optimizer": {"lr": 1e-4}}, tmp_path / "nested.pt")
    for name in ("plain.pth", "nested.pt"):
        assert torch.equal(read_weights(tmp_path / name)["a.weight"], state["a.weight"])


class Surprise:
    def __reduce__(self):
        return print, ("code of a weights file ran",)


def test_a_weights_file_runs_no_code_and_bad_files_are_named(tmp_path, capsys):
    torch.save({"a": Surprise()}, tmp_path / "evil.pth")
    with pytest.raises(WeightsError, match=r"evil\.pth cannot be read as weights"):
        read_weights(tmp_path / "evil.pth")
    assert "ran" not in capsys.readouterr().out
    (tmp_path / "cut.safetensors").write_bytes((STORED / "unet.safetensors").read_bytes()[:1000])
    with pytest.raises(WeightsError, match=r"cut\.safetensors cannot be read as weights.*get the file again"):
        read_weights(tmp_path / "cut.safetensors")
    torch.save({"epoch": 3}, tmp_path / "none.pth")
    with pytest.raises(WeightsError, match=r"none\.pth holds no state dict"):
        read_weights(tmp_path / "none.pth")
    with pytest.raises(WeightsError, match=r"no weights file .*absent\.pth"):
        read_weights(tmp_path / "absent.pth")
