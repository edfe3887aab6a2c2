"""Sample ids as other programs write them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..core import GroundCXRError
from ..core.names import printable

_SHOWN = 3
_EXACT = 2**53  # from here on, numbers with a fraction skip whole ones


class SampleIds:
    """The ids of a run's samples, found whatever way they are spelt.

    An id of digits alone may have become a number ("42" as 42 or 42.0, but "0042" is another id), and a file system may
    have changed the case of letters.
    """

    def __init__(self, ids: Collection[str]) -> None:
        """Keep the ids.

        Args:
            ids: All that there are.
        """
        self._ids = frozenset(ids)
        self._folded: dict[str, str | None] = {}
        for sample_id in self._ids:
            folded = sample_id.casefold()
            self._folded[folded] = None if folded in self._folded else sample_id

    def find(self, spelling: object) -> str | None:
        """The id that is meant; None where there is none."""
        text = _text(spelling)
        if text is None or text in self._ids:
            return text
        return self._folded.get(text.casefold())

    def require(self, spellings: Sequence[object], where: str, what: str) -> list[str]:
        """The id that each spelling means.

        Args:
            spellings: As they are in a file or in names of files.
            where: What holds them, for the message.
            what: What they name, in the plural.

        Raises:
            GroundCXRError: If some mean no sample.
        """
        found = [self.find(spelling) for spelling in spellings]
        strangers = [spelling for spelling, sample_id in zip(spellings, found, strict=True) if sample_id is None]
        if not strangers:
            return [sample_id for sample_id in found if sample_id is not None]
        names = list(dict.fromkeys(printable(str(spelling)) for spelling in strangers))
        shown = ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
        numbers = any(self._has_lost_zeros(spelling) for spelling in strangers)
        step = "ids are text: as numbers some have lost the zeros in front; " if numbers else ""
        raise GroundCXRError(
            f"{where} {len(strangers)} {what} are no sample ids of this split ({shown}); {step}"
            "`groundcxr samples` writes the ids"
        )

    def _has_lost_zeros(self, spelling: object) -> bool:
        text = None if isinstance(spelling, str) else _text(spelling)
        return text is not None and any(one.lstrip("0") == text for one in self._ids)


def _text(spelling: object) -> str | None:
    if isinstance(spelling, str):
        return spelling
    if isinstance(spelling, float) and spelling.is_integer() and abs(spelling) < _EXACT:
        return str(int(spelling))
    return str(spelling) if isinstance(spelling, int) and not isinstance(spelling, bool) else None
