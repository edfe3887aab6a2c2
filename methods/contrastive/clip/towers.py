"""Which open_clip image towers project each patch into the joint space exactly, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
        visual: open_clip's image tower.
        head: The layers after the last norm, which act on the last axis alone.
        pool: "token" (the class token is projected) or "mean" (the patches are averaged).
        patch_size: (width, height) of a patch in the input's pixels.
    """

    visual: Any
    head: Callable[[torch.Tensor], torch.Tensor]
    pool: str
    patch_size: ImageSize

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        """Patch embeddings `[n, h, w, d]` of preprocessed images `[n, 3, H, W]`; not normalised."""
        return self._embed(pixels)[0]

    def check(self, model: Any, pixels: torch.Tensor) -> str | None:
        """Why the pooled token of this path is not the model's image embedding; None when it is.

        Args:
            model: The open_clip model.
            pixels: Any input, `[n, 3, H, W]`.
        """
        from torch.nn.functional import normalize

        patches, pooled = self._embed(pixels)
        expected = model.encode_image(pixels)
        expected = expected[0] if isinstance(expected, tuple) else expected
        grid = (pixels.shape[3] // self.patch_size[0], pixels.shape[2] // self.patch_size[1])
        if (patches.shape[2], patches.shape[1]) != grid:
            return f"its grid of {patches.shape[2]}x{patches.shape[1]} is not one of {self.patch_size} pixel patches"
        error = float((normalize(pooled, dim=-1) - normalize(expected, dim=-1)).abs().max())
        if error <= _TOLERANCE:
            return None
        what = "the mean of its patches" if self.pool == "mean" else "its class token"
        return f"projecting {what} does not give its image embedding (they differ by {error:.2g})"

    def _embed(self, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        found = self.visual.forward_intermediates(
            pixels, indices=1, normalize_intermediates=True, output_fmt="NCHW", output_extra_tokens=True
        )
        patches = self.head(found["image_intermediates"][-1].permute(0, 2, 3, 1))
        if self.pool == "mean":
            return patches, patches.mean(dim=(1, 2))
        return patches, self.head(found["image_intermediates_prefix"][-1][:, 0])


def patch_tower(model: Any, name: str) -> PatchTower:
    """The per-patch projection of a model's image tower, proven on a random input.

    Args:
        model: An open_clip model, in evaluation mode.
        name: What the user calls the model, for messages.

    Raises:
        MethodError: If the tower has no exact per-patch projection, with the reason.
    """
    import torch
    from open_clip.timm_model import TimmModel
    from open_clip.transformer import VisionTransformer

    visual = model.visual
    if isinstance(visual, VisionTransformer):
        tower, reason = _native(visual)
    elif isinstance(visual, TimmModel):
        tower, reason = _timm(visual)
    elif hasattr(visual, "attnpool"):
        tower, reason = None, _ATTENTION_REASON
    else:
        tower, reason = None, f"its image tower is a {type(visual).__name__}, not a vision transformer"
    if tower is not None:
        weight = next(visual.parameters())
        height, width = _pair(visual.image_size)
        pixels = torch.randn((1, 3, height, width), generator=torch.Generator().manual_seed(0))
        with torch.inference_mode():
            reason = tower.check(model, pixels.to(weight.device, weight.dtype))
    if tower is None or reason:
        raise refusal(name, str(reason))
    return tower


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


def _native(visual: Any) -> tuple[PatchTower | None, str | None]:
    if visual.attn_pool is not None:
        return None, _ATTENTION_REASON
    pool = {"tok": "token", "avg": "mean"}.get(visual.pool_type)
    if pool is None:
        return None, f"its image tower has the pool type {visual.pool_type!r}"

    def head(tokens: torch.Tensor) -> torch.Tensor:
        return tokens if visual.proj is None else tokens @ visual.proj

    height, width = visual.patch_size
    return PatchTower(visual, head, pool, (width, height)), None


def _timm(visual: Any) -> tuple[PatchTower | None, str | None]:
    trunk = visual.trunk
    if getattr(trunk, "attn_pool", None) is not None or "pool" in dict(visual.head.named_children()):
        return None, _ATTENTION_REASON
    if not all(hasattr(trunk, name) for name in ("patch_embed", "num_prefix_tokens", "fc_norm", "head_drop", "head")):
        return None, f"its image tower is a {type(trunk).__name__} of timm, not a vision transformer"
    pool = {"token": "token", "avg": "mean"}.get(trunk.global_pool)
    if pool is None:
        return None, f"its image tower has the pool type {trunk.global_pool!r}"
    height, width = _pair(trunk.patch_embed.patch_size)

    def head(tokens: torch.Tensor) -> torch.Tensor:
        return visual.head(trunk.head(trunk.head_drop(trunk.fc_norm(tokens))))

    return PatchTower(visual, head, pool, (width, height)), None


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])
