"""Partial forward passes against the network's own."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor

from groundcxr.core import MethodError
from groundcxr.methods.batch_size import BatchSize
from groundcxr.methods.diffusion.ldm.attention import choose_layers
from groundcxr.methods.diffusion.ldm.compiled import compiled
from groundcxr.methods.diffusion.ldm.forward import join
from groundcxr.methods.diffusion.ldm.options import PRESETS, Preset
from groundcxr.methods.diffusion.ldm.split import SplitForward, is_plain
from groundcxr.methods.diffusion.ldm.whole import WholeForward

PLAIN = {
    "paper": {
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        "layers_per_block": 2,
        "attention_head_dim": 1,
    },
    "stable-diffusion": {
        "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        "up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
        "layers_per_block": 1,
        "attention_head_dim": 2,
        "use_linear_projection": True,
        "transformer_layers_per_block": 2,
    },
    "other options": {
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "block_out_channels": (32, 32),
        "layers_per_block": (1, 2),
        "attention_head_dim": (4, 2),
        "cross_attention_norm": "layer_norm",
        "center_input_sample": True,
        "time_embedding_act_fn": "silu",
        "resnet_time_scale_shift": "scale_shift",
        "upcast_attention": True,
    },
}
ODD = {
    "class labels": {"num_class_embeds": 3},
    "two attentions": {"dual_cross_attention": True},
    "no middle": {"mid_block_type": None},
    "simple blocks": {"mid_block_type": "UNetMidBlock2DSimpleCrossAttn"},
}


def network(**changes):
    torch.manual_seed(0)
    settings = {
        "sample_size": 8,
        "in_channels": 3,
        "out_channels": 3,
        "block_out_channels": (32, 32, 32),
        "cross_attention_dim": 16,
        "norm_num_groups": 8,
    }
    return UNet2DConditionModel(**{**settings, **changes}).eval()


def inputs(rows: int = 2, size: tuple[int, int] = (8, 8)):
    generator = torch.Generator().manual_seed(1)
    latents = torch.randn(rows, 3, *size, generator=generator)
    times = torch.randint(0, 1000, (rows,), generator=generator)
    context = 3 * torch.randn(rows, 7, 16, generator=generator)
    mask = torch.zeros(rows, 7)
    mask[:, 1:4] = 1 / 3
    return latents, times, context, mask


@pytest.fixture(autouse=True)
def _no_gradients():
    with torch.no_grad():
        yield


def maps_of_the_whole_network(unet, layers, latents, times, context, mask):
    """Attention as diffusers' own processor computes it, kept by name."""
    kept = {}

    class Keep(AttnProcessor):
        def __init__(self, name):
            self.name = name

        def __call__(self, attn, hidden_states, encoder_hidden_states=None, **options):
            if encoder_hidden_states is not None:
                text = encoder_hidden_states
                if attn.norm_cross:
                    text = attn.norm_encoder_hidden_states(text)
                query, key = (attn.head_to_batch_dim(x) for x in (attn.to_q(hidden_states), attn.to_k(text)))
                probabilities = attn.get_attention_scores(query, key)
                kept[self.name] = probabilities.unflatten(0, (-1, attn.heads)).mean(1)
            return super().__call__(attn, hidden_states, encoder_hidden_states, **options)

    before = unet.attn_processors
    unet.set_attn_processor({name: Keep(name) for name in before})
    output = unet(latents, times, context).sample
    unet.set_attn_processor(before)
    names = [name if "transformer_blocks" in name else f"{name}.transformer_blocks.0" for name in layers]
    return output, [(kept[f"{name}.attn2.processor"] * mask[:, None]).sum(-1) for name in names]


@pytest.mark.parametrize("size", [(8, 8), (12, 8), (5, 7)])
@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("how", [SplitForward, WholeForward])
def test_the_parts_are_the_whole(name, size, how):
    unet = network(**PLAIN[name])
    assert is_plain(unet)
    layers = choose_layers(unet, [1, 2, 3])
    latents, times, context, mask = inputs(size=size)
    output, maps = maps_of_the_whole_network(unet, layers, latents, times, context, mask)
    forward = how(unet, layers, compile_it=False)
    begun = forward.begin(latents, times)
    torch.testing.assert_close(forward.predict(begun, context), output, atol=2e-6, rtol=1e-5)
    found = forward.attend(forward.for_attention(begun), context, mask)
    assert [one.shape[-2:].numel() for one in found] == [one.shape[1] for one in maps]
    for one, expected in zip(found, maps, strict=True):
        torch.testing.assert_close(one.flatten(1), expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("layers", [[0], [10], [4, 10]])
def test_any_layer_may_be_the_last_one_read(layers):
    unet = network(**PLAIN["paper"])
    layers = choose_layers(unet, layers)
    given = inputs()
    _, maps = maps_of_the_whole_network(unet, layers, *given)
    forward = SplitForward(unet, layers, compile_it=False)
    found = forward.attend(forward.for_attention(forward.begin(*given[:2])), *given[2:])
    for one, expected in zip(found, maps, strict=True):
        torch.testing.assert_close(one.flatten(1), expected, atol=1e-6, rtol=1e-5)


def test_layers_counted_from_the_middle_block():
    unet = network(**PLAIN["paper"])
    tuned = PRESETS[Preset.VILOURAS2026_TUNED]
    assert choose_layers(unet, tuned.layers) == choose_layers(unet, [4, 5, 6, 7])
    assert choose_layers(unet, ["middle-1", "middle"]) == choose_layers(unet, [3, 4])
    assert (tuned.steps, tuned.otsu, tuned.read) == (100, False, PRESETS[Preset.VILOURAS2026_FROZEN].read)
    for layer in ("middle+7", "middle-5", "middle7", "middle+"):
        with pytest.raises(MethodError, match="there is no layer"):
            choose_layers(unet, [layer])


@pytest.mark.parametrize("how", [SplitForward, WholeForward])
def test_nothing_is_computed_after_the_last_layer_read(how):
    unet = network(**PLAIN["paper"])
    layers = choose_layers(unet, None)
    forward = how(unet, layers, compile_it=False)
    begun = forward.begin(*inputs()[:2])
    called = []
    last = unet.get_submodule(layers[-1]).transformer_blocks[0]
    for after in (last.ff, unet.up_blocks[1].resnets[0], unet.conv_out):
        after.register_forward_hook(lambda module, *_: called.append(module))
    forward.attend(begun, *inputs()[2:])
    assert not called


def test_the_second_phrase_does_not_compute_the_first_level_again():
    unet = network(**PLAIN["paper"])
    forward = SplitForward(unet, choose_layers(unet, None), compile_it=False)
    begun = forward.for_attention(forward.begin(*inputs()[:2]))
    called = []
    for before in (unet.conv_in, unet.down_blocks[0], unet.down_blocks[1].resnets[0]):
        before.register_forward_hook(lambda module, *_: called.append(module))
    forward.attend(begun, *inputs()[2:])
    assert not called
    assert begun.skips == ()


def test_rows_are_taken_and_joined_in_order():
    unet = network(**PLAIN["stable-diffusion"])
    forward = SplitForward(unet, choose_layers(unet, [0, 4]), compile_it=False)
    latents, times, context, mask = inputs(rows=4)
    begun = forward.for_attention(forward.begin(latents, times))
    parts = [forward.for_attention(forward.begin(latents[i : i + 2], times[i : i + 2])) for i in (0, 2)]
    order = torch.tensor([3, 0, 0, 2])
    expected = forward.attend(begun, context, mask)
    found = forward.attend(join(parts).take(order), context[order], mask)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other[order], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", ODD)
def test_a_network_with_more_to_it_is_not_taken_apart(name):
    kinds = {**PLAIN["paper"], "layers_per_block": 1}
    assert not is_plain(network(**kinds, **ODD[name]))


@pytest.mark.parametrize(
    "place", ["", "down_blocks.1", "mid_block.attentions.0", "mid_block.attentions.0.transformer_blocks.0"]
)
def test_what_stands_around_a_part_has_its_say(place):
    unet = network(**PLAIN["paper"])
    hook = unet.get_submodule(place).register_forward_hook(lambda *_: None)
    assert not is_plain(unet)
    hook.remove()
    assert is_plain(unet)
    module = unet.get_submodule(place)
    module.forward = partial(module.forward)
    assert not is_plain(unet)
    unet = network(**PLAIN["paper"])
    unet.conv_in.register_forward_hook(lambda *_: None)  # is called as it is
    assert is_plain(unet)


def test_feature_reweighting_is_seen():
    unet = network(**PLAIN["paper"])
    unet.enable_freeu(s1=0.9, s2=0.2, b1=1.2, b2=1.4)
    assert not is_plain(unet)


def test_the_papers_layers_are_counted_down_middle_up():
    names = choose_layers(network(**PLAIN["paper"]), None)
    assert names == choose_layers(network(**PLAIN["paper"]), [3, 4, 6, 7])
    assert names == choose_layers(network(**PLAIN["paper"]), ["7", "6", "4", "down_blocks.2.attentions.1"])
    assert names == [
        "down_blocks.2.attentions.1",
        "mid_block.attentions.0",
        "up_blocks.0.attentions.1",
        "up_blocks.0.attentions.2",
    ]


@pytest.mark.parametrize(("layers", "message"), [([99], "no layer 99"), (["nose"], "'nose'"), ([], "no layer was")])
def test_a_layer_that_is_not_there_is_refused(layers, message):
    with pytest.raises(MethodError, match=message):
        choose_layers(network(**PLAIN["paper"]), layers)


def test_a_compiled_part_is_one_graph(monkeypatch):
    usual = torch.compile
    monkeypatch.setattr(torch, "compile", partial(usual, backend="eager", fullgraph=True))
    unet = network(**PLAIN["other options"])
    layers = choose_layers(unet, [0, 1])
    forward = SplitForward(unet, layers, compile_it=True)
    given = inputs()
    _, maps = maps_of_the_whole_network(unet, layers, *given)
    found = forward.attend(forward.for_attention(forward.begin(*given[:2])), *given[2:])
    torch.testing.assert_close(found[-1].flatten(1), maps[-1], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(
    ("how", "counts", "times_compiled"), [(SplitForward, (4, 1, 3), 3), (WholeForward, (3, 4, 1), 2)]
)
def test_only_a_larger_batch_is_compiled_for_anew(monkeypatch, how, counts, times_compiled):
    usual, graphs = torch.compile, []

    def backend(graph, _):
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", partial(usual, backend=backend, fullgraph=True))
    unet = network(**PLAIN["paper"])
    layers = choose_layers(unet, None)
    forward, plain = (how(unet, layers, compile_it=compile_it) for compile_it in (True, False))
    latents, times, context, weights = (part.repeat_interleave(2, 0) for part in inputs())
    for count in counts:
        begun, expected = (one.begin(latents[:count], times[:count]) for one in (forward, plain))
        torch.testing.assert_close(begun.hidden, expected.hidden)
        torch.testing.assert_close(
            forward.predict(begun, context[:count]), plain.predict(expected, context[:count]), atol=1e-5, rtol=1e-5
        )
        maps = forward.attend(begun, context[:count], weights[:count])
        for one, other in zip(maps, plain.attend(expected, context[:count], weights[:count]), strict=True):
            torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)
    assert len(graphs) == times_compiled


def test_after_memory_ran_out_fewer_rows_are_not_filled_up(monkeypatch):
    asked, fit = [], [2]

    def part(rows):
        asked.append(len(rows))
        if len(rows) > fit[0]:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return rows * 2

    monkeypatch.setattr(torch, "compile", lambda function, dynamic: function)
    double, batch = compiled(part), BatchSize(4)
    rows = torch.arange(7.0)
    found = torch.cat(batch.run(7, lambda start, stop: double(rows[start:stop])))
    assert found.tolist() == (rows * 2).tolist()
    assert asked == [4, 2, 2, 2, 2]  # the last one alone, filled up
    fit[0] = 1
    assert batch.run(1, lambda start, stop: double(rows[start:stop]))[0].tolist() == [0]
    assert asked[5:] == [2, 1]
