"""A preset in a file of the user's own: TOML, whose keys are those of `Preset` and `Convention`."""

from __future__ import annotations

import tomllib
from typing import Any, Literal

from ...core import GroundCXRError, MethodError, read_regular
from ...core.names import printable
from ...core.paths import shown, user_path
from ...core.registry import unknown_name
from .answer_part import ANSWER_AFTER
from .conventions import PIXELS, Convention, Frame, Order
from .preset_type import PHRASE, Preset

_MOST_BYTES = 2**20

_FOR_EXAMPLE = 'prompt = "Where is {phrase}?", grammar = "bbox_2d", order = "xy", unit = 1000'


def read_preset(file: str) -> Preset:
    """A preset from a TOML file, named as the file without its ending.

    `prompt`, `grammar`, `order` and `unit` must stand in it; `offset`, `frame`, `answer_after`, `chat`,
    `max_new_tokens`, `skip_special_tokens`, `multiple_of`, `max_pixels`, `processor` and `source` may.

    Args:
        file: Its path.

    Raises:
        MethodError: If the file cannot be read or is no preset, in a sentence that names it and the key.
    """
    path = user_path(file)
    try:
        content = tomllib.loads(read_regular(path, _MOST_BYTES).decode())
        return _preset(path.stem, content)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MethodError(f"the preset file {shown(path)} does not exist; check the path") from error
    except OSError as error:
        raise MethodError(f"the preset file {shown(path)} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise MethodError(f"the preset file {shown(path)} is not UTF-8; write it as UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise MethodError(
            f"the preset file {shown(path)} is no TOML: {printable(str(error))}; it has lines such as {_FOR_EXAMPLE}"
        ) from error
    except GroundCXRError as error:
        raise MethodError(f"the preset file {shown(path)}: {error}") from error


def _preset(name: str, content: dict[str, Any]) -> Preset:
    from pydantic import BaseModel, ConfigDict, Field, ValidationError

    class _File(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)
        prompt: str
        grammar: str
        order: Order
        unit: float | Literal["pixels"]
        offset: float = 0.0
        frame: Frame = "whole"
        answer_after: list[str] = list(ANSWER_AFTER)
        chat: bool = True
        max_new_tokens: int = Field(default=256, ge=1)
        skip_special_tokens: bool = False
        multiple_of: int | None = Field(default=None, ge=1)
        max_pixels: int | None = Field(default=None, ge=1)
        processor: dict[str, Any] = {}
        source: str = ""

    unknown = sorted(set(content) - set(_File.model_fields))
    if unknown:
        raise unknown_name("key", printable(unknown[0]), _File.model_fields)
    missing = [key for key, field in _File.model_fields.items() if field.is_required() and key not in content]
    if missing:
        raise MethodError(f"it lacks {', '.join(missing)}; it has lines such as {_FOR_EXAMPLE}")
    try:
        given = _File.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        raise MethodError(f"{first['loc'][0]} does not fit: {first['msg']}") from error
    if PHRASE not in given.prompt:
        raise MethodError(f"its prompt has no {PHRASE}; write it where the phrase belongs")
    if any(not announcement for announcement in given.answer_after):
        raise MethodError("answer_after has an empty text; leave it out")
    convention = Convention(
        name, given.grammar, given.order, given.unit, given.offset, given.frame, tuple(given.answer_after)
    )
    if convention.unit == PIXELS and given.multiple_of is None:
        raise MethodError(
            'unit = "pixels" needs multiple_of, the pixels that the sides of what the model gets are multiples of '
            "(28 for Qwen2.5-VL), so that the size of that image is known"
        )
    return Preset(
        name,
        convention,
        given.prompt,
        chat=given.chat,
        max_new_tokens=given.max_new_tokens,
        skip_special_tokens=given.skip_special_tokens,
        multiple_of=given.multiple_of,
        max_pixels=given.max_pixels,
        processor=given.processor,
        source=given.source,
    )
