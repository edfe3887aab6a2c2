"""Dense modes of a CLIP tower: other ways than its own from its last blocks to patches in the joint space.

They are of papers that found that the last attention of CLIP carries patches to places that they are not of. With h the
tokens that a block reads, q, k and v those of its norm's output, s = head width ** -.5:

- maskclip (Zhou et al., ECCV 2022): of the last block's attention each token's own v; skip and MLP kept.
- maskclip-noresidual: the same, without skip and MLP.
- sclip (Wang et al., ECCV 2024): (softmax(qq's) + softmax(kk's)) v, whose rows sum to 2; skip and MLP kept.
- clearclip (Lan et al., ECCV 2024): softmax(qq's) v; neither skip nor MLP.
- naclip (Hajimiri et al., WACV 2025): softmax(kk's + G) v with G = exp(-d^2 / (2 5^2)) between patches d cells apart;
  neither.
- surgery (Li et al., 2023): over the last six blocks, h of the first plus softmax(vv's) v of each, without MLPs, each
  computed from the tower's own path. With it goes the difference to the empty phrase; see `Clip.embed_phrases`.
- gem (Bousselham et al., CVPR 2024): as surgery, with the mean of three attentions, of v, k and q each: unit vectors y, once
  replaced by softmax(c yy) y of unit length, then softmax(c yy) v; c = s times the image's mean norm of tokens behind
  the block's norm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ....core import ImageSize, MethodError, unknown_name
from .blocks import Block, blocks_of
from .towers import PatchTower

if TYPE_CHECKING:
    import torch

PROJECTION = "projection"
"""The mode that leaves the tower as it is."""
_DEEP = 6
_NEIGHBOURS = 5.0


def _own_value(block: Block, normed: torch.Tensor, _prefix: int, _grid: tuple[int, int]) -> torch.Tensor:
    return block.project("v", normed)


def _queries_and_keys(block: Block, normed: torch.Tensor, _prefix: int, _grid: tuple[int, int]) -> torch.Tensor:
    queries, keys, values = (block.project(kind, normed) for kind in "qkv")
    return _self_attention(queries, values) + _self_attention(keys, values)


def _queries(block: Block, normed: torch.Tensor, _prefix: int, _grid: tuple[int, int]) -> torch.Tensor:
    return _self_attention(block.project("q", normed), block.project("v", normed))


def _near_keys(block: Block, normed: torch.Tensor, prefix: int, grid: tuple[int, int]) -> torch.Tensor:
    keys, values = block.project("k", normed), block.project("v", normed)
    return _self_attention(keys, values, _nearness(prefix, grid, keys))


def _values(block: Block, normed: torch.Tensor, _prefix: int, _grid: tuple[int, int]) -> torch.Tensor:
    values = block.project("v", normed)
    return _self_attention(values, values)


def _grouping(block: Block, normed: torch.Tensor, _prefix: int, _grid: tuple[int, int]) -> torch.Tensor:
    from torch.nn.functional import normalize, scaled_dot_product_attention

    values = block.project("v", normed)
    sharpness = normed.norm(dim=-1).mean(dim=-1)[:, None, None, None] * values.shape[-1] ** -0.5
    total: Any = 0
    for found in (values, block.project("k", normed), block.project("q", normed)):
        unit = normalize(found, dim=-1)
        unit = normalize(scaled_dot_product_attention(unit * sharpness, unit, unit, scale=1.0), dim=-1)
        total = total + scaled_dot_product_attention(unit * sharpness, unit, values, scale=1.0)
    return total / 3


def _self_attention(tokens: torch.Tensor, values: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    from torch.nn.functional import scaled_dot_product_attention

    return scaled_dot_product_attention(tokens, tokens, values, attn_mask=bias)


def _nearness(prefix: int, grid: tuple[int, int], like: torch.Tensor) -> torch.Tensor:
    """G between all tokens `[t, t]`; 0 where one is no patch."""
    import torch

    rows, columns = (torch.arange(side, dtype=like.dtype, device=like.device) for side in grid)
    places = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), dim=-1).flatten(0, 1)
    apart = (places[:, None] - places[None]).square().sum(dim=-1)
    near = torch.exp(-apart / (2 * _NEIGHBOURS**2))
    return torch.nn.functional.pad(near, (prefix, 0, prefix, 0))


@dataclass(frozen=True)
class Mode:
    """One dense mode.

    Attributes:
        attend: From a block and its normed tokens to `[n, heads, tokens, width]`.
        whole: Whether skip and MLP of the block are kept.
        depth: How many of the last blocks it is applied to; of several, what they add is summed.
        differs_from_empty: Whether it goes with the phrase's difference to the empty phrase.
    """

    attend: Callable[[Block, torch.Tensor, int, tuple[int, int]], torch.Tensor]
    whole: bool = False
    depth: int = 1
    differs_from_empty: bool = False


MODES = {
    "maskclip": Mode(_own_value, whole=True),
    "maskclip-noresidual": Mode(_own_value),
    "sclip": Mode(_queries_and_keys, whole=True),
    "clearclip": Mode(_queries),
    "naclip": Mode(_near_keys),
    "surgery": Mode(_values, depth=_DEEP, differs_from_empty=True),
    "gem": Mode(_grouping, depth=_DEEP),
}
MODE_NAMES = (PROJECTION, *MODES)


def check_mode(name: str) -> None:
    """Raise unless there is such a mode.

    Raises:
        UnknownNameError: Naming those that there are.
    """
    if name not in MODE_NAMES:
        raise unknown_name("dense mode of clip", name, MODE_NAMES)


@dataclass(frozen=True)
class DenseTower:
    """An image tower whose patches take a dense mode's way into the joint space.

    Attributes:
        tower: The tower.
        mode: The mode.
        blocks: The last blocks of the tower, as many as the mode reads.
    """

    tower: PatchTower
    mode: Mode
    blocks: Sequence[Block]

    @property
    def patch_size(self) -> ImageSize:
        """(width, height) of a patch in the input's pixels."""
        return self.tower.patch_size

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """Patch embeddings `[n, h, w, d]` of preprocessed images `[n, 3, H, W]`; not normalised."""
        read: list[torch.Tensor] = []
        hooks = [
            module.register_forward_pre_hook(lambda _, args: read.append(args[0]))
            for module in self.tower.blocks[-self.mode.depth :]
        ]
        try:
            own = self.tower(pixels)
        finally:
            for hook in hooks:
                hook.remove()
        grid = (own.shape[1], own.shape[2])
        tokens = self._tokens(read, grid)[:, self.tower.prefix :]
        return self.tower.head(self.tower.norm(tokens)).unflatten(1, grid)

    def _tokens(self, read: Sequence[torch.Tensor], grid: tuple[int, int]) -> torch.Tensor:
        added = [
            block.leave(self.mode.attend(block, block.norm(tokens), self.tower.prefix, grid))
            for block, tokens in zip(self.blocks, read, strict=True)
        ]
        if self.mode.depth > 1:
            return read[0] + sum(added)
        if not self.mode.whole:
            return added[0]
        tokens = read[0] + added[0]
        return tokens + self.blocks[0].mlp(tokens)


def dense_tower(tower: PatchTower, name: str, model: str) -> DenseTower:
    """A tower in a dense mode.

    Args:
        tower: The tower.
        name: One of `MODES`.
        model: What the user calls the model, for messages.

    Raises:
        MethodError: If the tower has too few blocks, or of a kind that is not known.
    """
    mode = MODES[name]
    if len(tower.blocks) < mode.depth:
        raise MethodError(
            f"dense={name} reads the last {mode.depth} blocks of the image tower, and that of the clip model {model} "
            f"has {len(tower.blocks)}; choose another mode or model"
        )
    blocks = blocks_of(tower.blocks[-mode.depth :])
    if isinstance(blocks, str):
        raise MethodError(
            f"dense={name} cannot be computed for the clip model {model}: {blocks}; take dense={PROJECTION}, or a "
            "plain vision transformer such as openai-vit-b-16 or biomedclip"
        )
    return DenseTower(tower, mode, blocks)
