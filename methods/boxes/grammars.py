"""The ways in which models write boxes into their text: four numbers a box, in the order and unit of a convention.

All patterns take time in proportion to the text, whatever a model wrote.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

Numbers = tuple[str, str, str, str]
"""The numbers of a box as they were written."""

_NUMBER = r"([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
_COMMA = r"\s*,\s*"
_FOUR = rf"\s*{_COMMA.join([_NUMBER] * 4)}\s*(?:,\s*)?"
_SQUARE = re.compile(rf"\[{_FOUR}\]")
_POINT = rf"\(\s*{_NUMBER}{_COMMA}{_NUMBER}\s*\)"
_PAIRS = re.compile(rf"{_POINT}\s*(?:,\s*)?{_POINT}")
# The value of a key is not what the prose says: a format of its own was begun there.
_SQUARE_IN_PROSE = re.compile(rf"(?<![\"']:)(?<![\"']: ){_SQUARE.pattern}")
_ANYWHERE = re.compile(rf"{_SQUARE.pattern}|\({_FOUR}\)|{_PAIRS.pattern}")
# More than two pairs in one list are the corners of a polygon: Qwen2-VL writes quadrilaterals so.
_POLYGON = re.compile(rf"{_POINT}(?:{_COMMA}{_POINT}){{2,}}")

_KOSMOS_CELLS = 32


class Found(NamedTuple):
    """The boxes that a text holds.

    Attributes:
        boxes: The numbers of each, in the text's order.
        whole: Whether the text keeps to its grammar to its end; where it does not, what is incomplete was left out.
    """

    boxes: list[Numbers]
    whole: bool = True


@dataclass(frozen=True)
class Grammar:
    """A way to write boxes.

    Attributes:
        find: The boxes in a text.
        box: How one box is written, a template of its numbers.
        answer: How an answer is written, a template of its `boxes`.
        between: What stands between two boxes.
        spell: The numbers of a box in the convention's unit as they are written, where that is not four numbers.
        tags: What a text holds that was to have a box by this grammar, but that no box could be read from; None for a
            grammar without tags. A text without its grammar's tags has no box to give: it is a refusal.
        cells: The number of cells along a side, where indices of cells are written.
        numbers_in_brackets: Whether numbers in brackets may stand for a box where the grammar has none; not where
            numbers are tokens of their own.
    """

    find: Callable[[str], Found]
    box: str
    answer: str
    between: str = ""
    spell: Callable[[Sequence[float]], tuple[str, ...]] | None = None
    tags: re.Pattern[str] | None = None
    cells: int | None = None
    numbers_in_brackets: bool = True

    def written(self, boxes: Iterable[Sequence[str]]) -> str:
        """The answer with these boxes, each as its numbers are spelled."""
        return self.answer.format(boxes=self.between.join(self.box.format(*box) for box in boxes))


def in_brackets(text: str) -> Found:
    """Boxes as four numbers in brackets, or two pairs that follow one another; never numbers of the prose."""
    return Found([_numbers(match) for match in _ANYWHERE.finditer(_POLYGON.sub("", text))], whole=False)


def looks_like_coordinates(text: str) -> bool:
    """Whether a text has several numbers and no word in brackets, or a box or a point as a key with a value."""
    if _KEY_WITH_VALUE.search(text):
        return True
    return any(
        len(re.findall(r"[0-9]+", inner)) > 1 and not re.search(r"[^\W\d_]{2}", inner)
        for inner in re.findall(r"[\[(]([^\[\]()]*)", text)
    )


_KEY_WITH_VALUE = re.compile(r"[\"'](?:bbox|box|boxes|point)(?:_2d)?[\"']\s*:(?!\s*(?:\[\s*\]|null|None))")


def _numbers(match: re.Match[str]) -> Numbers:
    x0, y0, x1, y1 = (group for group in match.groups() if group is not None)
    return x0, y0, x1, y1


def _either(*finds: Callable[[str], Found]) -> Callable[[str], Found]:
    """The first that finds anything."""

    def find(text: str) -> Found:
        return next((found for found in (each(text) for each in finds) if found.boxes), Found([]))

    return find


def _plain(pattern: re.Pattern[str]) -> Callable[[str], Found]:
    """Boxes anywhere in the text, in brackets that all close."""

    def find(text: str) -> Found:
        return Found([_numbers(match) for match in pattern.finditer(text)], text.count("[") <= text.count("]"))

    return find


def _between(opening: str, closing: str, pattern: re.Pattern[str]) -> Callable[[str], Found]:
    """Boxes between tags."""

    def find(text: str) -> Found:
        parts = [part.partition(closing) for part in text.split(opening)[1:]]
        boxes = [_numbers(match) for inside, _, _ in parts for match in pattern.finditer(inside)]
        return Found(boxes, all(closed for _, closed, _ in parts))

    return find


def _key(name: str) -> re.Pattern[str]:
    return re.compile(rf"[\"']{name}[\"']\s*:\s*{_SQUARE.pattern}")


def _locations(text: str) -> Found:
    """PaliGemma: four tokens a box."""
    boxes = [_numbers(match) for match in re.finditer(r"<loc([0-9]{4})>\s*" * 4, text)]
    return Found(boxes, text.count("<loc") == 4 * len(boxes))


def _labelled_locations(text: str) -> Found:
    """Florence-2: four tokens a box, after the words that they belong to; without words they belong to nothing."""
    boxes: list[Numbers] = []
    for run in re.finditer(r"(?<=[^<>\s])\s*((?:<loc_[0-9]+>)+)", re.sub(r"</?s>|<pad>", "", text)):
        tokens = re.findall(r"[0-9]+", run[1])
        boxes += [(x0, y0, x1, y1) for x0, y0, x1, y1 in zip(*[iter(tokens)] * 4, strict=False)]
    return Found(boxes, text.count("<loc") == 4 * len(boxes))


def _obj(text: str) -> Found:
    """MAIRA-2: tokens of their own for x and y."""
    tokens = r"\s*".join(rf"<{axis}([0-9]+)>" for axis in "xyxy")
    boxes = [_numbers(match) for match in re.finditer(rf"<box>\s*{tokens}\s*</box>", text)]
    return Found(boxes, 0 < text.count("<obj>") == text.count("</obj>") and text.count("<box>") == len(boxes))


def _patches(text: str) -> Found:
    """Kosmos-2: the cells of two corners.

    From the centre of one to the centre of the other, or, where both lie in one row or column, from edge to edge
    (transformers' `Kosmos2Processor`).
    """
    boxes: list[Numbers] = []
    whole = 0 < text.count("<object>") == text.count("</object>")
    for first, last in re.findall(r"<patch_index_([0-9]{4})>\s*<patch_index_([0-9]{4})>", text):
        (y0, x0), (y1, x1) = divmod(int(first), _KOSMOS_CELLS), divmod(int(last), _KOSMOS_CELLS)
        whole = whole and x0 <= x1 and y0 <= y1
        (x0, x1), (y0, y1) = sorted((x0, x1)), sorted((y0, y1))
        near, far = (0.0, 1.0) if x0 == x1 or y0 == y1 else (0.5, 0.5)
        boxes.append((str(x0 + near), str(y0 + near), str(x1 + far), str(y1 + far)))
    return Found(boxes, whole and text.count("<patch_index_") == 2 * len(boxes))


def _corner_cells(box: Sequence[float]) -> tuple[str, ...]:
    """Kosmos-2: the indices of the two cells that hold a box's corners (transformers' `Kosmos2Processor`)."""
    first = [min(math.floor(value), _KOSMOS_CELLS - 1) for value in box[:2]]
    last = [max(math.ceil(value) - 1, start) for value, start in zip(box[2:], first, strict=True)]
    return tuple(f"{y * _KOSMOS_CELLS + x:04d}" for x, y in (first, last))


_BBOX_2D = _plain(_key("bbox_2d"))
_QWEN_TAGS = _between("<|box_start|>", "<|box_end|>", _PAIRS)

GRAMMARS: dict[str, Grammar] = {
    "bbox_2d": Grammar(
        find=_either(_BBOX_2D, _QWEN_TAGS),  # fine-tuned models keep the tags of the model before
        box='{{"bbox_2d": [{}, {}, {}, {}], "label": "it"}}',
        between=", ",
        answer="```json\n[{boxes}]\n```",
    ),
    "box_2d": Grammar(
        find=_between("```json", "```", _key("box_2d")),
        box='{{"box_2d": [{}, {}, {}, {}], "label": "it"}}',
        between=", ",
        answer="Final Answer: ```json[{boxes}]```",
    ),
    "qwen-tags": Grammar(
        find=_QWEN_TAGS,
        box="<|box_start|>({},{}),({},{})<|box_end|>",
        answer="<|object_ref_start|>it<|object_ref_end|>{boxes}",
        tags=re.compile(r"box_(?:start|end)"),
    ),
    "box-tags": Grammar(
        find=_between("<|box|>", "<|/box|>", _PAIRS),
        box="<|ref|>it<|/ref|><|box|>({},{}),({},{})<|/box|>",
        answer="{boxes}",
        tags=re.compile(r"\|/?box\|"),
    ),
    "det-tags": Grammar(
        find=_between("<|det|>", "<|/det|>", _SQUARE),
        box="[{}, {}, {}, {}]",
        between=", ",
        answer="<|ref|>it<|/ref|><|det|>[{boxes}]<|/det|>",
        tags=re.compile(r"\|/?det\|"),
    ),
    "box-lists": Grammar(
        find=_either(_between("<box>", "</box>", _SQUARE), _plain(_SQUARE_IN_PROSE)),
        box="[{}, {}, {}, {}]",
        between=", ",
        answer="<ref>it</ref><box>[{boxes}]</box>",
    ),
    "prose-lists": Grammar(
        find=_plain(_SQUARE_IN_PROSE),
        box="[{}, {}, {}, {}]",
        between=" and ",
        answer="It is located at {boxes}.",
    ),
    "loc-tokens": Grammar(
        find=_locations,
        box="<loc{:0>4}><loc{:0>4}><loc{:0>4}><loc{:0>4}> it",
        between=" ; ",
        answer="{boxes}",
        tags=re.compile(r"<loc"),
        numbers_in_brackets=False,
    ),
    "labelled-loc-tokens": Grammar(
        find=_labelled_locations,
        box="<loc_{}><loc_{}><loc_{}><loc_{}>",
        answer="it{boxes}",
        tags=re.compile(r"<loc"),
        numbers_in_brackets=False,
    ),
    "obj-boxes": Grammar(
        find=_obj,
        box="<box><x{}><y{}><x{}><y{}></box>",
        answer="<obj>It. {boxes}</obj>",
        tags=re.compile(r"</?box>|<[xy][0-9]"),
        numbers_in_brackets=False,
    ),
    "patch-indices": Grammar(
        find=_patches,
        box="<patch_index_{}><patch_index_{}>",
        between="</delimiter_of_multi_objects/>",
        spell=_corner_cells,
        cells=_KOSMOS_CELLS,
        answer="<grounding><phrase> it</phrase><object>{boxes}</object>",
        tags=re.compile(r"</?object>|<patch_index_"),
        numbers_in_brackets=False,
    ),
}
"""All grammars by name."""
