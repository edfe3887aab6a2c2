"""What a command makes, written to the file that the user names, or printed."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import typer

from ..core import StoreError
from ..core.files import write_whole


def check_output(out: Path) -> None:
    """Refuse a file that cannot be made, before anything is worked out for it.

    Raises:
        StoreError: If its folder is not there.
    """
    if not out.parent.is_dir():
        raise StoreError(f"cannot write {out}: there is no folder {out.parent}; make it, or choose another --out")


def write_output(out: Path, content: bytes) -> None:
    """Write a file whole or not at all, so that a disk that is full takes no old content away.

    A link stays, and what it names is written. A pipe or a terminal (``/dev/stdout``) takes the content as it is.

    Args:
        out: The file, in a folder that is there.
        content: All of it.

    Raises:
        StoreError: If it cannot be written.
    """
    check_output(out)
    try:
        if out.exists() and not out.is_file():
            out.write_bytes(content)
        else:
            write_whole(Path(os.path.realpath(out)), content)
    except OSError as error:
        raise StoreError(f"cannot write {out}: {error.strerror or error}; choose another --out") from error


def csv_content(rows: Iterable[Sequence[object]]) -> bytes:
    """The content of a CSV file.

    Args:
        rows: The header first.
    """
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "surrogateescape")  # the bytes of a path that is not UTF-8


def print_or_write(text: str, out: Path | None) -> None:
    """Print what a command made, or write it to the file that the user names and print that file's name.

    Args:
        text: All of it.
        out: The file; None for the terminal.

    Raises:
        StoreError: If it cannot be written.
    """
    if out is None:
        typer.echo(text, nl=False)
    else:
        write_output(out, text.encode())
        typer.echo(out)
