"""The diffusion method: phrases grounded with the cross-attention of a frozen latent diffusion model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .grounder import CrossAttentionGrounder

__all__ = ["CrossAttentionGrounder"]


def __getattr__(name: str) -> Any:
    # The grounder imports PyTorch, which listing the methods must not.
    if name != "CrossAttentionGrounder":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .grounder import CrossAttentionGrounder

    return CrossAttentionGrounder
