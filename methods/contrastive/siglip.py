"""SigLIP, SigLIP 2 and MedSigLIP: the pooling head applied to one patch at a time, against a phrase's embedding."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ...core import MethodError
from ..registry import register_method
from .clip.finding import find_source
from .clip.method import Clip
from .clip.source import Source
from .clip.towers import PatchTower, any_input, image_embedding, library_tokens, pair, timm_head

if TYPE_CHECKING:
    import torch

_TOLERANCE = 1e-5
_COPIES = 3
_MEDICAL = "google/medsiglip"


@dataclass(frozen=True)
class SiglipOptions:
    """Which model."""

    model: str = field(
        default="ViT-B-16-SigLIP/webli",
        metadata={"help": "NAME/PRETRAINED (of open_clip), hf-hub:ID (its present state) or local-dir:DIR"},
    )
    weights: str = field(
        default="",
        metadata={
            "help": "in place of the model's: a folder or hub id (OWNER/NAME[@REVISION], such as "
            "google/medsiglip-448) with a SiglipModel of transformers, a folder with open_clip_config.json and the "
            "weights, or random:SEED[:PLACE]"
        },
    )


@register_method("siglip")
class Siglip(Clip):
    """SigLIP: the pooling head on each patch alone, against the phrase's embedding. This map is no author's.

    The head lets a learnt token attend to the patches, so they are not in the space of the texts themselves. Of one
    patch it makes what it would make of an image of nothing but such patches; that this, and the head on all patches,
    is the model's image embedding is checked on loading. Image size, text length and padding are the model's own.
    """

    Options: ClassVar[type[Any]] = SiglipOptions
    note = "pooling head on single patches; not an authors' map"

    def __init__(self, options: Any = None, *, model: Any = None, tokenizer: Any = None) -> None:
        """Take options, or the loaded parts themselves; see `Clip`."""
        super().__init__(options, model=model, tokenizer=tokenizer)
        if self.options.weights.startswith(_MEDICAL):
            self.trained_on = ("medical images, MIMIC-CXR among them as far as is known",)

    def source(self) -> Source:
        """Where the model comes from."""
        return find_source(self.options.model, self.options.weights, self.name, pooled=True)

    def tower(self, model: Any, name: str) -> PatchTower:
        """The path of a model's patches through its pooling head.

        Raises:
            MethodError: If it has none, or one that tells places apart.
        """
        return pooled_tower(model, name)


def pooled_tower(model: Any, name: str) -> PatchTower:
    """The tower of a model that pools with attention, whose head takes one patch at a time.

    Args:
        model: A model of open_clip with a tower of timm, or a `TransformersModel` of the kind "siglip".
        name: What the user calls the model, for messages.

    Raises:
        MethodError: If the model has no such head, or the head alone does not give its image embedding.
    """
    import torch

    from .clip.transformers_models import TransformersModel

    visual: Any = model.visual
    if isinstance(model, TransformersModel):
        pool = getattr(visual.module, "head", None)
    else:
        pool = getattr(getattr(visual, "trunk", None), "attn_pool", None)
    if pool is None:
        raise _refusal(name, "its image tower has no pooling head that attends to the patches")
    if getattr(pool, "pos_embed", None) is not None:
        raise _refusal(name, "its pooling head tells places apart")
    finish = timm_head(visual) if hasattr(visual, "trunk") else model.project

    def head(patches: torch.Tensor) -> torch.Tensor:
        # Attention over one key is 1 whatever the query: what is left of it is the value and the way out.
        return finish(pool(patches.flatten(0, -2)[:, None])).unflatten(0, patches.shape[:-1])

    if isinstance(model, TransformersModel):
        tokens, norm, blocks, patch = visual.tokens, visual.norm, visual.blocks, visual.patch_size
        prefix = visual.prefix
    else:
        trunk: Any = visual.trunk
        tokens, norm, blocks, patch = library_tokens(visual), trunk.norm, trunk.blocks, trunk.patch_embed.patch_size
        prefix = trunk.num_prefix_tokens
    height, width = pair(patch)
    tower = PatchTower(tokens, head, "head", (width, height), norm, blocks, prefix)
    with torch.inference_mode():
        pixels = any_input(visual)
        rows = tower.tokens(pixels)[0].flatten(1, 2)
        whole = _differ(finish(pool(rows)), image_embedding(model, pixels))
        one = _differ(finish(pool(rows[:, :1].expand(-1, _COPIES, -1))), head(rows[:, 0]))
    if max(whole, one) > _TOLERANCE:
        off = f"they differ by {max(whole, one):.2g}"
        raise _refusal(name, f"its pooling head does not give its image embedding ({off})")
    return tower


def _differ(one: torch.Tensor, other: torch.Tensor) -> float:
    from torch.nn.functional import normalize

    return float((normalize(one, dim=-1) - normalize(other, dim=-1)).abs().max())


def _refusal(name: str, reason: str) -> MethodError:
    return MethodError(
        f"the siglip model {name} cannot ground phrases: {reason}; choose a SigLIP model, such as "
        "ViT-B-16-SigLIP/webli, or take the method clip"
    )
