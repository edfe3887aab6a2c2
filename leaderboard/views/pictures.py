"""Pictures of samples: drawn once for equal content, at the size at which they are shown or at the image's own."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from ...core import GroundCXRError, Grounding, Sample
from ...core.alterations import Alteration
from ...core.regular import check_regular
from ...evaluation.box_choice import choose
from ...evaluation.prediction import Failure
from ...evaluation.schema import ConditionInfo
from ...metrics import PROTOCOLS, Protocol, get_protocol
from ..overlays import Film, Picture, Style, live_iou
from ..runs import Run
from .markup import element, put, sentence, text

WIDTH = 480
"""Of a picture in a row, in pixels: sharp in a column of half that on a dense screen."""


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


def protocol_of(run: Run) -> Protocol | None:
    """The protocol that a run was scored under; None where none of that hash is known here."""
    info = run.info.protocol
    if info.name not in PROTOCOLS.names():
        return None
    protocol = get_protocol(info.name)
    return protocol if protocol.hash == info.hash else None


def truth(sample: Sample, width: int | None = WIDTH, condition: ConditionInfo | None = None) -> Shown:
    """The image with its true boxes, or its mask where it has no boxes.

    Args:
        sample: As it is under the condition.
        width: Of the picture; None for the original resolution.
        condition: Of the runs that are shown.
    """
    film, remark = _film(sample, width, condition)
    return Shown(*_draw(Picture(film, truth=sample.boxes, mask=_mask(sample))), remark=remark)


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


def answer(run: Run, sample_id: str, sample: Sample | None, style: Style, width: int | None = WIDTH) -> Shown:
    """What a method answered.

    Args:
        run: The method's run.
        sample_id: Of the row.
        sample: From the user's copy of the data; None for an empty frame without boxes.
        style: Opacity and threshold.
        width: Of the picture; None for the original resolution.
    """
    if run.keys and sample_id not in run.keys:
        return Shown(None, remark="no prediction: the image could not be read, or there was nothing to ask")
    if sample_id not in run.keys:
        remark = "not stored here: a control that reads the ground truth, numbers without predictions, or another store"
        return Shown(None, remark=f"{remark} (name it with --store)")
    try:
        found = run.prediction(sample_id)
    except GroundCXRError as error:
        return Shown(None, remark=str(error))
    if found is None:
        return Shown(None, remark="the prediction is not in the store; name the store with --store")
    if isinstance(found, Failure):
        return Shown(None, remark=f"failed: {found.kind}: {found.message}")
    try:
        found = choose(found, run.info.answers)
    except ValueError as error:
        return Shown(None, remark=str(error))
    protocol = protocol_of(run)
    kind = run.info.method.kind
    prepared = found if protocol is None else protocol.prepare(found, kind)
    film, remark = _film(sample, width, run.info.condition) if sample is not None else (_empty(found, width), "")
    if film is None:
        return Shown(None, remark="boxes alone, and the image that they are on is not here")
    if prepared.heatmap is not None and prepared.heatmap.image_size != film.image_size:
        return Shown(None, remark="the map is of an image of another size")
    picture = Picture(
        film,
        style,
        prepared.heatmap,
        _scale(prepared, protocol),
        tuple(prepared.boxes),
        sample.boxes if sample is not None else (),
        _mask(sample) if sample is not None else None,
    )
    iou = live_iou(protocol, kind, found, sample, style.threshold) if protocol and sample else None
    if run.info.method.control and run.info.method.note:
        # A control may have been asked about another phrase than the one that stands above the picture.
        remark = "; ".join(filter(None, (run.info.method.note, remark)))
    return Shown(*_draw(picture), iou=iou, remark=remark)


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


def _scale(prepared: Grounding, protocol: Protocol | None) -> tuple[float, float]:
    if prepared.heatmap is None:
        return 0.0, 1.0
    if protocol is None:
        return float(prepared.heatmap.values.min()), float(prepared.heatmap.values.max())
    return protocol.scale(prepared.heatmap)


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
