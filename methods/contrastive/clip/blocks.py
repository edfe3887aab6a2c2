"""The transformer blocks of open_clip, timm and transformers alike: their norm, q, k, v and the way out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Block:
    """One block of a vision transformer, x + attention(norm(x)) and then x + mlp(x).

    Attributes:
        norm: Before the attention.
        projections: Gives weight and bias that make q, k and v of the normed tokens; a bias may be None. Asked for when
            they are used: a part of a weight that was taken before stays on the device where the weight was then.
        after: What q, k and v go through, head by head, before they meet; identities but for models that norm q and k.
        heads: How many there are.
        out: From the heads' values, side by side, to what is added to the tokens.
        mlp: From tokens to what the second half of the block adds to them.
    """

    norm: torch.nn.Module
    projections: Callable[[], dict[str, tuple[torch.Tensor, torch.Tensor | None]]]
    after: dict[str, Callable[[torch.Tensor], torch.Tensor]]
    heads: int
    out: Callable[[torch.Tensor], torch.Tensor]
    mlp: Callable[[torch.Tensor], torch.Tensor]

    def project(self, kind: str, normed: torch.Tensor) -> torch.Tensor:
        """The tokens' q, k or v, `[n, heads, tokens, width]`.

        Args:
            kind: "q", "k" or "v".
            normed: Tokens behind `norm`, `[n, tokens, channels]`.
        """
        from torch.nn.functional import linear

        found = linear(normed, *self.projections()[kind]).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return self.after[kind](found) if kind in self.after else found

    def leave(self, values: torch.Tensor) -> torch.Tensor:
        """What `values`, `[n, heads, tokens, width]`, add to the tokens."""
        return self.out(values.transpose(1, 2).flatten(2))


def blocks_of(modules: Sequence[Any]) -> list[Block] | str:
    """The blocks, or why they are of no kind that is known here.

    Args:
        modules: Blocks of a vision transformer, in order.
    """
    found = []
    for module in modules:
        block = _open_clip(module) or _timm(module) or _transformers(module)
        if block is None:
            return f"its blocks are {type(module).__name__} with attention of a kind of its own"
        found.append(block)
    return found


def _open_clip(module: Any) -> Block | None:
    from open_clip.transformer import ResidualAttentionBlock
    from torch.nn import MultiheadAttention

    if type(module) is not ResidualAttentionBlock or not isinstance(module.attn, MultiheadAttention):
        return None
    attn = module.attn
    if attn.in_proj_weight is None or attn.bias_k is not None or attn.add_zero_attn:
        return None
    return Block(
        module.ln_1,
        lambda: _fused(attn.in_proj_weight, attn.in_proj_bias),
        {},
        attn.num_heads,
        lambda values: module.ls_1(attn.out_proj(values)),
        lambda tokens: module.ls_2(module.mlp(module.ln_2(tokens))),
    )


def _timm(module: Any) -> Block | None:
    from timm.layers.attention import Attention
    from timm.models.vision_transformer import Block as TimmBlock

    if type(module) is not TimmBlock or type(module.attn) is not Attention:
        return None
    attn = module.attn
    if getattr(attn, "gate", None) is not None:
        return None
    return Block(
        module.norm1,
        lambda: _fused(attn.qkv.weight, attn.qkv.bias),
        {"q": attn.q_norm, "k": attn.k_norm},
        attn.num_heads,
        lambda values: module.ls1(attn.proj(attn.norm(values))),
        lambda tokens: module.ls2(module.mlp(module.norm2(tokens))),
    )


def _transformers(module: Any) -> Block | None:
    # Told by its parts: their classes are named anew from one version of transformers to the next.
    attn = getattr(module, "self_attn", None)
    parts = ("layer_norm1", "layer_norm2", "mlp")
    if attn is None or not all(hasattr(module, name) for name in parts):
        return None
    names = {"q": "q_proj", "k": "k_proj", "v": "v_proj"}
    if not all(hasattr(attn, name) for name in (*names.values(), "out_proj", "num_heads")):
        return None
    linears = {kind: getattr(attn, name) for kind, name in names.items()}
    return Block(
        module.layer_norm1,
        lambda: {kind: (linear.weight, linear.bias) for kind, linear in linears.items()},
        {},
        attn.num_heads,
        attn.out_proj,
        lambda tokens: module.mlp(module.layer_norm2(tokens)),
    )


def _fused(weight: torch.Tensor, bias: torch.Tensor | None) -> dict[str, tuple[torch.Tensor, torch.Tensor | None]]:
    biases = (None, None, None) if bias is None else bias.chunk(3)
    return dict(zip("qkv", zip(weight.chunk(3), biases, strict=True), strict=True))
