"""Loading by open_clip without what it makes fit: position embeddings of another length, and short whole numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...weight_files import refuse_damaged, refuse_quantised


@contextmanager
def strict_loading(what: str, *, resized: bool) -> Iterator[None]:
    """Within it open_clip raises where a file's weights are not exactly those of the configuration.

    It would resample position embeddings of another image size or text length, which the model never had.

    Args:
        what: How messages call the model.
        resized: Whether another image size was asked for; the embeddings of the image are resampled then.
    """
    from open_clip import factory

    read: Any = factory.load_state_dict

    def checked(path: str, *arguments: Any, **named: Any) -> Any:
        refuse_damaged(Path(path))
        state = read(path, *arguments, **named)
        for name, tensor in state.items():
            refuse_quantised(what, name, str(tensor.dtype))
        return state

    changed: dict[str, Any] = {"load_state_dict": checked, "resize_text_pos_embed": _keep}
    if not resized:
        changed["resize_pos_embed"] = _keep
    before = {name: getattr(factory, name) for name in changed}
    for name, value in changed.items():
        setattr(factory, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(factory, name, value)


def _keep(*_: Any) -> None:
    """Leave the state as it is, so that loading it says which shape differs."""
