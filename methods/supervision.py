"""What methods have learnt places from: as they state it, or as it is known of those that come with the package.

It stands apart from the methods' own modules, since it changes no answer.
"""

from __future__ import annotations

from typing import cast

from ..core.supervision import BOXES, NONE, Supervision, strongest
from .base import GroundingMethod
from .random_weights import random_weights
from .registry import METHODS
from .wrapping import WrappingMethod

_KNOWN: dict[str, Supervision] = {
    **dict.fromkeys(("random", "center-prior", "whole-image", "random-weights"), NONE),
    **dict.fromkeys(("class-mean-box", "text-prior", "oracle", "second-reader", "format-ceiling"), BOXES),
    # Images with texts, or with labels of whole images.
    **dict.fromkeys(("biovil", "biovil-t", "clip", "siglip", "cxr-clip", "gloria", "carzero", "afloc", "kad"), NONE),
    **dict.fromkeys(("maco", "radzero", "gradcam", "ldm", "dit", "clip-phantom", "ldm-phantom"), NONE),
    # Boxes or masks of things in photographs at least.
    **dict.fromkeys(("florence", "detector", "segmenter", "sam"), BOXES),
}
"""By name. What `vlm` and `endpoint` ask may have learnt from anything."""


def supervision_of(method: GroundingMethod) -> Supervision | None:
    """What a method has learnt places from, and the methods that it asks: one of `core.supervision.SUPERVISIONS`.

    Args:
        method: Its own attribute `supervision` counts before what is known of it; drawn weights have learnt nothing.

    Returns:
        None where it is not known.
    """
    own = _own(method)
    if not isinstance(method, WrappingMethod) or method.name == "random-weights":
        return own
    # What a wrapper has not learnt itself is not unknown: it computes.
    return strongest([own or NONE, *(supervision_of(one) for one in method.asked.values())])


def _own(method: GroundingMethod) -> Supervision | None:
    if method.supervision is not None:
        return cast("Supervision", method.supervision)
    known = _KNOWN.get(type(method).name)
    if known is None or METHODS.get(type(method).name) is not type(method):
        return None
    return known if random_weights(getattr(method.options, "weights", "")) is None else NONE
