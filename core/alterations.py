"""Images, phrases and their ground truth that become others, together: what controls and conditions ask about.

An alteration is known by name and level. What it makes of an image has a key of its own, so that answers about it are
stored beside those about the image itself; nothing random is in it that the key does not decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from .altered_frames import Cropped, Frame, Halved, Mirrored
from .altered_images import black, blurred, brightened, compressed, contrasted, noisy, reframed
from .altered_phrases import swap_sides, with_full_stop, with_synonyms, written_out
from .box import Box, ImageSize
from .errors import GroundCXRError
from .fingerprint import digest
from .mask import Mask
from .names import printable
from .radiograph import Radiograph
from .registry import unknown_name
from .sample import Sample
from .wordings import VERSION as WORDINGS

GENERIC = "abnormal finding"
"""What is asked about where nothing is said of what to look for."""


@dataclass(frozen=True)
class Level:
    """How strong an alteration may be.

    Attributes:
        default: Where none is said.
        low: The weakest, or the lowest.
        high: The highest.
        meaning: What the number is, for messages.
        whole: Whether it is a whole number.
    """

    default: float
    low: float
    high: float
    meaning: str
    whole: bool = False


@dataclass(frozen=True)
class Kind:
    """What an alteration does; parts that it leaves as they are are None.

    Attributes:
        said: In a few words, for lists and captions.
        version: Raised whenever it does something else.
        level: How strong it may be; None where there is nothing to choose.
        image: Other grey values in the same frame, of an image, a level and the altered image's key.
        frame: The frame that the image and its ground truth are in then, of a level.
        phrase: Another phrase.
        condition: Whether runs may be made under it; the others serve controls.
    """

    said: str
    version: str = "1"
    level: Level | None = None
    image: Callable[[Radiograph, float, str], Radiograph] | None = None
    frame: Callable[[float], Frame] | None = None
    phrase: Callable[[str], str] | None = None
    condition: bool = True


KINDS: dict[str, Kind] = {
    "brightness": Kind(
        "brighter by a share of the range of grey",
        level=Level(0.2, -1.0, 1.0, "share of the range of grey, darker below 0"),
        image=brightened,
    ),
    "contrast": Kind(
        "contrast times a factor",
        level=Level(0.6, 0.01, 10.0, "factor, less contrast below 1"),
        image=contrasted,
    ),
    "noise": Kind(
        "Gaussian noise",
        level=Level(0.05, 0.001, 1.0, "standard deviation as a share of the range of grey"),
        image=noisy,
    ),
    "jpeg": Kind(
        "kept as a JPEG", level=Level(25, 1, 95, "JPEG quality, a whole number", whole=True), image=compressed
    ),
    "blur": Kind(
        "a Gaussian blur",
        level=Level(0.005, 0.0001, 0.1, "standard deviation as a share of the shorter side"),
        image=blurred,
    ),
    "half-resolution": Kind("half the width and half the height", frame=lambda _: Halved()),
    "crop": Kind(
        "the edges cut off",
        level=Level(0.05, 0.001, 0.4, "share of the width cut off at either side, and of the height"),
        frame=Cropped,
    ),
    "lower-case": Kind("phrases in lower case", phrase=str.lower),
    "full-stop": Kind("phrases end with a full stop", phrase=with_full_stop),
    "abbreviations": Kind("abbreviations written out", version=WORDINGS, phrase=written_out),
    "synonyms": Kind("other words of the same meaning", version=WORDINGS, phrase=with_synonyms),
    "mirrored": Kind(
        "mirrored, with the sides in the phrase swapped",
        frame=lambda _: Mirrored(),
        phrase=swap_sides,
        condition=False,
    ),
    "other-side": Kind("the other side's word", phrase=swap_sides, condition=False),
    "generic-phrase": Kind(f'"{GENERIC}" in place of the phrase', phrase=lambda _: GENERIC, condition=False),
    "blank-image": Kind("a black image", image=black, condition=False),
}


@dataclass(frozen=True)
class Alteration:
    """Makes other images, phrases and ground truth of those that there are.

    Attributes:
        name: Of `KINDS`.
        level: How strong it is; None where there is nothing to choose.
    """

    name: str
    level: float | None = None

    @classmethod
    def condition(cls, text: str) -> Alteration:
        """A condition that runs may be made under, from NAME or NAME:LEVEL.

        Raises:
            UnknownNameError: If there is none of that name.
            GroundCXRError: If the level does not fit.
        """
        name, colon, said = text.partition(":")
        known = [one for one, kind in KINDS.items() if kind.condition]
        if name not in known:
            if name in KINDS:
                raise GroundCXRError(
                    f"{name} is a control and no condition: --method {name} --set {name}.method=NAME asks the method "
                    "NAME so"
                )
            raise unknown_name("condition", printable(name), known, see="docs/conditions.md says what each does.")
        level = KINDS[name].level
        if level is None:
            if colon:
                raise GroundCXRError(f"the condition {name} has no level; write --condition {name}")
            return cls(name)
        return cls(name, _number(name, level, said) if colon else float(level.default))

    def __str__(self) -> str:
        return self.name if self.level is None else f"{self.name}:{self.level:g}"

    @property
    def version(self) -> str:
        """Of what it does."""
        return self._kind.version

    @property
    def alters_images(self) -> bool:
        """Whether images become others, and not phrases alone."""
        return self._kind.image is not None or self._frame is not None

    def key(self, image_sha256: str) -> str:
        """The key of what becomes of an image, in place of its file's hash; the hash itself where it stays as it is."""
        if not self.alters_images:
            return image_sha256
        return digest("alteration", image_sha256, self.name, self.level, self.version)

    def image(self, image: Radiograph) -> Radiograph:
        """What becomes of an image; its `sha256` is the key."""
        key, kind = self.key(image.sha256), self._kind
        if kind.image is not None:
            return kind.image(image, self.level or 0.0, key)
        return image if self._frame is None else reframed(image, self._frame, key)

    def phrase(self, phrase: str) -> str:
        """What becomes of a phrase."""
        return phrase if self._kind.phrase is None else self._kind.phrase(phrase)

    def box(self, box: Box, image_size: ImageSize) -> Box:
        """Where a box is then; it is not clipped.

        Args:
            box: In pixels of the image.
            image_size: Its (width, height).
        """
        return box if self._frame is None else self._frame.box(box, image_size)

    def size(self, image_size: ImageSize) -> ImageSize:
        """The (width, height) then."""
        return image_size if self._frame is None else self._frame.size(image_size)

    def sample(self, sample: Sample) -> Sample:
        """What becomes of a sample: phrase, boxes, mask and size. Its id is what it was: it is the same question.

        Boxes are clipped to what is left of the image, and those of which nothing is left are gone; with the last one
        the mask beside them goes as well.
        """
        altered = replace(sample, phrase=self.phrase(sample.phrase))
        if self._frame is None:
            return altered
        size = self.size(sample.image_size)
        moved = (self.box(box, sample.image_size).clipped(size) for box in sample.boxes)
        boxes = tuple(box for box in moved if box.area > 0)
        # Where there are boxes they are the ground truth, and a mask beside them must not take the place of lost ones.
        mask = sample.mask if boxes or not sample.boxes else None
        if mask is not None:
            mask = Mask(
                digest("alteration", mask.key, self.name, self.level, self.version), partial(_moved, self._frame, mask)
            )
        return replace(altered, boxes=boxes, mask=mask, image_size=size)

    @property
    def _kind(self) -> Kind:
        return KINDS[self.name]

    @cached_property
    def _frame(self) -> Frame | None:
        return None if self._kind.frame is None else self._kind.frame(self.level or 0.0)


def _moved(frame: Frame, mask: Mask) -> NDArray[np.bool_]:
    return frame.mask(mask.load())


def _number(name: str, level: Level, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not level.low <= number <= level.high or (level.whole and not number.is_integer()):
        raise GroundCXRError(
            f"the level of the condition {name} is {level.low:g} to {level.high:g} ({level.meaning}), not "
            f"{printable(text)!r}; without one it is {level.default:g}"
        )
    return number
