"""Pictures of samples: drawn once for equal content, at the size at which they are shown or at the image's own."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from ...core import GroundCXRError, Grounding, Sample
from ...core.alterations import Alteration
from ...core.regular import check_regular
from ...evaluation.schema import ConditionInfo
from ...metrics import Protocol
from ..answered import answered
from ..film import Film
from ..joining import Joined
from ..overlays import Picture, Style, live_iou
from ..runs import Run
from .markup import element, put, sentence, text

WIDTH = 480
"""Of a picture in a row, in pixels: sharp in a column of half that on a dense screen."""

PLAIN = Style()

_LOOKS = Path(__file__).resolve().parent.parent / "theme" / "pictures.css"


@dataclass(frozen=True)
class Shown:
    """One method's answer to one sample, ready to be put on the page.

    Attributes:
        image: A JPEG; None where there is nothing to draw.
        size: (width, height) of the original image; None without a picture.
        iou: At the style's threshold; None where it is not defined.
        remark: What is missing, and why; "" where nothing is.
    """

    image: bytes | None
    size: tuple[int, int] | None = None
    iou: float | None = None
    remark: str = ""


def truth(
    sample: Sample, width: int | None = WIDTH, condition: ConditionInfo | None = None, style: Style = PLAIN
) -> Shown:
    """The image with its true boxes, or its mask where it has no boxes.

    Args:
        sample: As it is under the condition.
        width: Of the picture; None for the original resolution.
        condition: Of the runs that are shown.
        style: Which layers are drawn; there is no map.
    """
    picture, remark = picture_of_truth(sample, width, condition, style)
    return Shown(*_draw(picture), remark=remark)


def picture_of_truth(
    sample: Sample, width: int | None, condition: ConditionInfo | None, style: Style
) -> tuple[Picture, str]:
    """What `truth` draws, and what is missing."""
    film, remark = _film(sample, width, condition)
    return Picture(film, style, truth=sample.boxes, mask=_mask(sample)), remark


def thumbnail(sample: Sample, width: int, condition: ConditionInfo | None = None) -> str:
    """A small picture of the image with its truth, as HTML that stands beside the phrase which says what it shows.

    Args:
        sample: As it is under the condition.
        width: Of the picture.
        condition: Of the runs that are shown.
    """
    shown = truth(sample, width, condition)
    data = "" if shown.image is None else b64encode(shown.image).decode()
    return f'<img alt="" src="data:image/jpeg;base64,{data}">'


def answer(run: Run, sample_id: str, joined: Joined, style: Style, width: int | None = WIDTH) -> Shown:
    """What a method answered.

    Args:
        run: The method's run.
        sample_id: Of the row.
        joined: The user's copy of the data; without the sample, the picture is of an empty frame without boxes.
        style: Opacity, threshold, layers.
        width: Of the picture; None for the original resolution.
    """
    found, remark = picture_of_answer(run, sample_id, joined, style, width)
    if found is None:
        return Shown(None, remark=remark)
    return Shown(*_draw(found.picture), iou=found.iou(style.threshold), remark=remark)


@dataclass(frozen=True, eq=False)
class Drawn:
    """A method's answer with what it is drawn and scored by.

    Attributes:
        picture: What is drawn.
        answer: As stored, with the boxes that count.
        kind: The method's.
        protocol: That of the run; None where none of its hash is known here.
        sample: The ground truth; None where the data is not here.
    """

    picture: Picture
    answer: Grounding
    kind: str
    protocol: Protocol | None
    sample: Sample | None

    def iou(self, threshold: float) -> float | None:
        """The IoU at a threshold by the protocol's own code; None where it is not defined."""
        if self.protocol is None or self.sample is None:
            return None
        return live_iou(self.protocol, self.kind, self.answer, self.sample, threshold)


def picture_of_answer(
    run: Run, sample_id: str, joined: Joined, style: Style, width: int | None
) -> tuple[Drawn | None, str]:
    """What `answer` draws; None where there is nothing to draw. And what is missing, "" where nothing is."""
    sample = joined.samples.get(sample_id)
    found = answered(run, sample_id, joined)
    if isinstance(found, str):
        return None, found
    prepared = found.grounding
    film, remark = _film(sample, width, run.info.condition) if sample is not None else (_empty(prepared, width), "")
    if film is None:
        return None, "boxes alone, and the image that they are on is not here"
    if prepared.heatmap is not None and prepared.heatmap.image_size != film.image_size:
        return None, "the map is of an image of another size"
    picture = Picture(
        film,
        style,
        prepared.heatmap,
        found.scale,
        tuple(prepared.boxes),
        sample.boxes if sample is not None else (),
        _mask(sample) if sample is not None else None,
    )
    if run.info.method.control and run.info.method.note:
        # A control may have been asked about another phrase than the one that stands above the picture.
        remark = "; ".join(filter(None, (run.info.method.note, remark)))
    return Drawn(picture, found.chosen, run.info.method.kind, found.protocol, sample), remark


def put_looks() -> None:
    """The look of what stands on the pages of pictures."""
    st.html(_LOOKS)


def put_picture(shown: Shown, alt: str) -> None:
    """Put a picture on the page, and what is missing.

    Args:
        shown: The picture, or why there is none.
        alt: What it shows, for screen readers.
    """
    if shown.image is None:
        put(element("div", text(sentence(shown.remark)), "gx-blank"))
        return
    st.image(shown.image, width="stretch", alt=alt)
    if shown.remark:
        put(element("p", text(sentence(shown.remark)), "gx-caption"))


def _mask(sample: Sample):  # noqa: ANN202  (Mask | None)
    return None if sample.boxes else sample.mask


def _film(sample: Sample, width: int | None, condition: ConditionInfo | None) -> tuple[Film, str]:
    """The image; an empty frame and why, where it cannot be read."""
    try:
        check_regular(sample.image_path)
        state = sample.image_path.stat()
        opened = _open_small if width is not None else _open_whole
        # Its samples were found, so it is one that is known here.
        altered = None if condition is None else condition.label
        return opened(sample.image_path, state.st_mtime_ns, state.st_size, width, altered), ""
    except FileNotFoundError:
        reason = f"there is no image file {sample.image_path}"
    except OSError as error:
        reason = f"{sample.image_path} cannot be read: {error.strerror or error}"
    except GroundCXRError as error:
        reason = str(error)
    return Film.empty(sample.image_size, width), reason


def _empty(found: Grounding, width: int | None) -> Film | None:
    return None if found.heatmap is None else Film.empty(found.heatmap.image_size, width)


@st.cache_resource(max_entries=256, show_spinner=False)
def _open_small(path: Path, changed: int, size: int, width: int | None, altered: str | None) -> Film:
    return Film.open(path, width, None if altered is None else Alteration.condition(altered))


@st.cache_resource(max_entries=4, show_spinner=False)
def _open_whole(path: Path, changed: int, size: int, width: int | None, altered: str | None) -> Film:
    return Film.open(path, width, None if altered is None else Alteration.condition(altered))


def _draw(picture: Picture) -> tuple[bytes, tuple[int, int]]:
    return _jpeg(picture.key, picture), picture.film.image_size


@st.cache_data(max_entries=1500, show_spinner=False)
def _jpeg(key: str, _picture: Picture) -> bytes:
    # Streamlit does not look into an argument with an underscore: the key says all.
    return _picture.jpeg()
