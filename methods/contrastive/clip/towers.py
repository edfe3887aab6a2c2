"""Which CLIP image towers project each patch into the joint space exactly, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ....core import ImageSize, MethodError

if TYPE_CHECKING:
    import torch

_TOLERANCE = 1e-5
_ATTENTION_POOLS = ("map", "abs_attn", "rot_attn")
_ATTENTION_REASON = "its image tower pools with attention, so its patches have no projection of their own"


@dataclass(frozen=True)
class PatchTower:
    """An image tower whose patches go through the same layers into the joint space as its pooled token.

    Attributes:
        tokens: From the input `[n, 3, H, W]` to patches `[n, h, w, c]` and prefix tokens `[n, prefix, c]`, both behind
            the last norm.
        head: The layers after the last norm, which act on the last axis alone.
        pool: "token" (the class token is projected) or "mean" (the patches are averaged).
        patch_size: (width, height) of a patch in the input's pixels.
        norm: The last norm.
        blocks: The transformer's blocks, in order.
        prefix: How many tokens stand before the patches.
    """

    tokens: Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]
    head: Callable[[torch.Tensor], torch.Tensor]
    pool: str
    patch_size: ImageSize
    norm: Callable[[torch.Tensor], torch.Tensor]
    blocks: Sequence[Any]
    prefix: int

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """Patch embeddings `[n, h, w, d]` of preprocessed images `[n, 3, H, W]`; not normalised."""
        return self.head(self.tokens(pixels)[0])

    def check(self, model: Any, pixels: torch.Tensor) -> str | None:
        """Why the pooled token of this path is not the model's image embedding; None when it is.

        Args:
            model: The model.
            pixels: Any input, `[n, 3, H, W]`.
        """
        from torch.nn.functional import normalize

        patches, prefix = self.tokens(pixels)
        pooled = self.head(patches).mean(dim=(1, 2)) if self.pool == "mean" else self.head(prefix[:, 0])
        grid = (pixels.shape[3] // self.patch_size[0], pixels.shape[2] // self.patch_size[1])
        if (patches.shape[2], patches.shape[1]) != grid:
            return f"its grid of {patches.shape[2]}x{patches.shape[1]} is not one of {self.patch_size} pixel patches"
        error = float((normalize(pooled, dim=-1) - normalize(image_embedding(model, pixels), dim=-1)).abs().max())
        if error <= _TOLERANCE:
            return None
        what = "the mean of its patches" if self.pool == "mean" else "its class token"
        return f"projecting {what} does not give its image embedding (they differ by {error:.2g})"


def image_embedding(model: Any, pixels: torch.Tensor) -> torch.Tensor:
    """A model's own embedding of images, `[n, d]`; not normalised."""
    found = model.encode_image(pixels)
    return found[0] if isinstance(found, tuple) else found


def patch_tower(model: Any, name: str) -> PatchTower:
    """The per-patch projection of a model's image tower, proven on a random input.

    Args:
        model: A model of open_clip, or a `TransformersModel`; in evaluation mode.
        name: What the user calls the model, for messages.

    Raises:
        MethodError: If the tower has no exact per-patch projection, with the reason.
    """
    import torch
    from open_clip.timm_model import TimmModel
    from open_clip.transformer import VisionTransformer

    from .transformers_models import TransformersModel

    visual = model.visual
    if isinstance(model, TransformersModel):
        tower, reason = _transformers(model)
    elif isinstance(visual, VisionTransformer):
        tower, reason = _native(visual)
    elif isinstance(visual, TimmModel):
        tower, reason = _timm(visual)
    elif hasattr(visual, "attnpool"):
        tower, reason = None, _ATTENTION_REASON
    else:
        tower, reason = None, f"its image tower is a {type(visual).__name__}, not a vision transformer"
    if tower is not None:
        with torch.inference_mode():
            reason = tower.check(model, any_input(visual))
    if tower is None or reason:
        raise refusal(name, str(reason))
    return tower


def any_input(visual: Any) -> torch.Tensor:
    """A random input of an image tower, `[1, 3, H, W]`, the same in every run."""
    import torch

    weight = next(visual.parameters())
    height, width = pair(visual.image_size)
    pixels = torch.randn((1, 3, height, width), generator=torch.Generator().manual_seed(0))
    return pixels.to(weight.device, weight.dtype)


def unsuited_config(model_cfg: Mapping[str, Any]) -> str | None:
    """Why a model of this open_clip configuration is refused, as far as that shows before its weights are there."""
    vision = model_cfg.get("vision_cfg", {})
    if isinstance(vision.get("layers"), (list, tuple)) or vision.get("attentional_pool"):
        return _ATTENTION_REASON
    if vision.get("timm_model_name") and vision.get("timm_pool") in _ATTENTION_POOLS:
        return _ATTENTION_REASON
    return None


def refusal(name: str, reason: str) -> MethodError:
    """The error for a model without an exact per-patch projection."""
    return MethodError(
        f"the clip model {name} cannot ground phrases: {reason}; choose a vision transformer with a projected class "
        "token or a plain mean over patches, such as openai-vit-b-16 or biomedclip"
    )


def library_tokens(visual: Any) -> Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]:
    """`PatchTower.tokens` of a tower of open_clip or timm."""

    def tokens(pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = visual.forward_intermediates(
            pixels, indices=1, normalize_intermediates=True, output_fmt="NCHW", output_extra_tokens=True
        )
        patches = found["image_intermediates"][-1].permute(0, 2, 3, 1)
        prefix = found.get("image_intermediates_prefix")
        return patches, prefix[-1] if prefix else patches.new_zeros((len(patches), 0, patches.shape[-1]))

    return tokens


def timm_head(visual: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    """The layers of a tower of timm between its pooling and the joint space."""
    trunk = visual.trunk

    def head(pooled: torch.Tensor) -> torch.Tensor:
        return visual.head(trunk.head(trunk.head_drop(trunk.fc_norm(pooled))))

    return head


def _native(visual: Any) -> tuple[PatchTower | None, str | None]:
    if visual.attn_pool is not None:
        return None, _ATTENTION_REASON
    pool = {"tok": "token", "avg": "mean"}.get(visual.pool_type)
    if pool is None:
        return None, f"its image tower has the pool type {visual.pool_type!r}"

    def head(tokens: torch.Tensor) -> torch.Tensor:
        return tokens if visual.proj is None else tokens @ visual.proj

    height, width = visual.patch_size
    blocks = visual.transformer.resblocks
    return PatchTower(library_tokens(visual), head, pool, (width, height), visual.ln_post, blocks, 1), None


def _timm(visual: Any) -> tuple[PatchTower | None, str | None]:
    trunk = visual.trunk
    if getattr(trunk, "attn_pool", None) is not None or "pool" in dict(visual.head.named_children()):
        return None, _ATTENTION_REASON
    parts = ("patch_embed", "num_prefix_tokens", "norm", "fc_norm", "head_drop", "head", "blocks")
    if not all(hasattr(trunk, name) for name in parts):
        return None, f"its image tower is a {type(trunk).__name__} of timm, not a vision transformer"
    pool = {"token": "token", "avg": "mean"}.get(trunk.global_pool)
    if pool is None:
        return None, f"its image tower has the pool type {trunk.global_pool!r}"
    height, width = pair(trunk.patch_embed.patch_size)
    tokens, head, prefix = library_tokens(visual), timm_head(visual), trunk.num_prefix_tokens
    return PatchTower(tokens, head, pool, (width, height), trunk.norm, trunk.blocks, prefix), None


def _transformers(model: Any) -> tuple[PatchTower | None, str | None]:
    if model.kind != "clip":
        return None, _ATTENTION_REASON
    visual = model.visual
    width = visual.patch_size
    tower = PatchTower(visual.tokens, model.project, "token", (width, width), visual.norm, visual.blocks, visual.prefix)
    return tower, None


def pair(value: Any) -> tuple[int, int]:
    """Of one number both sides of a square, of two themselves."""
    return (value, value) if isinstance(value, int) else (value[0], value[1])
