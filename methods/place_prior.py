"""What the methods share that take places from a table: its option, and what is said of them."""

from __future__ import annotations

from ..core import MethodError
from ..core.place_table import PHANTOM, PlaceTable

TABLE_HELP = (
    "the table of places: a file of `groundcxr anatomy`, or phantom for the one of phantoms that comes with the package"
)


def table_of(option: str, method: str) -> PlaceTable:
    """The table that an option names.

    Args:
        option: The option's text.
        method: Whose option it is, for messages.

    Raises:
        MethodError: If it names none. Without a default, since places of one kind of image say nothing of another's.
        GroundCXRError: If it cannot be read.
    """
    if not option:
        raise MethodError(
            f"{method} needs the table of places, its option table=FILE: `groundcxr anatomy --chest-imagenome ROOT "
            f"--out FILE` makes one for radiographs, and table={PHANTOM} is the one of phantoms"
        )
    return PlaceTable.load(option)


def note_of(table: PlaceTable) -> str:
    """What every table of numbers says of a method that takes places from a table."""
    return f"places from {table.source}"
