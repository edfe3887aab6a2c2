"""Ids that may be published: hashes keyed with something that only holders of the data have.

Image names, patient numbers and phrases are short or follow a pattern, so a plain hash of them is found by trying. A
released data set is keyed with a digest over its annotations: equal in every lab, and to be made from the release only.
One's own data is keyed with a random secret, which a file beside the annotations keeps.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ..core import DatasetError
from ..core.fingerprint import digest
from ..core.paths import user_data_folder
from ..core.regular import read_regular
from ..core.stderr import say
from .annotations import Annotation

SECRET_FILE = "groundcxr-secret"  # noqa: S105  (the file's name)

_LONGEST = 1000
"""Of its file, in bytes."""
_FORM = re.compile(r"[0-9a-f]{64}")


def opaque_id(salt: str, *parts: object) -> str:
    """A 16-digit hash of identifiers, keyed with a data set's salt."""
    return digest(salt, *parts)[:16]


def release_key(annotations: Iterable[Annotation]) -> str:
    """A digest over a release's ids, boxes and phrases together, in whatever order and form its file has them.

    Boxes count to the pixel, since one release may give them as whole numbers in one file and as fractions in another.
    """

    def numbers(row: Annotation) -> list[int]:
        if row.box is None:
            return []
        # The width again from its two edges: rounded, so that x + w - x is w.
        sides = row.box.x0, row.box.y0, row.box.x1 - row.box.x0, row.box.y1 - row.box.y0
        return [int(side if side.is_integer() else round(side, 6)) for side in sides]

    return digest("release", sorted([row.image_id, row.phrase, row.pathology, numbers(row)] for row in annotations))


def find_secret(annotation: Path) -> Path | None:
    """The file that keeps the secret of the data of an annotation file; None where there is none yet."""
    places = (_beside(annotation), _at_home(annotation))
    return next((place for place in places if os.path.lexists(place)), None)


def owners_secret(annotation: Path, given: Path | None = None) -> str:
    """The secret of one's own data: read from its file, which is made where there is none.

    It is made beside the annotation file, or in the user's data folder where nothing can be written there.

    Args:
        annotation: The annotation file.
        given: A file that the user names; it must be there.

    Raises:
        DatasetError: If the file holds no secret, or none can be written.
    """
    if given is not None and not os.path.lexists(given):
        raise DatasetError(
            f"there is no file {given} (--secret); name the {SECRET_FILE} of whoever you share the data with"
        )
    if given is not None:
        return _read(given, f"name the {SECRET_FILE} that results were made with as --secret")
    step = (
        "get it back from where results were made with it, or move it away: a new one is made, and ids are other ones "
        "then"
    )
    return _read(find_secret(annotation) or _make_one(annotation), step)


def _beside(annotation: Path) -> Path:
    return annotation.parent / SECRET_FILE


def _at_home(annotation: Path) -> Path:
    return user_data_folder("secrets") / digest(str(annotation.resolve()))[:16]


def _make_one(annotation: Path) -> Path:
    errors: list[OSError] = []
    for file in (_beside(annotation), _at_home(annotation)):
        try:
            _write_new(file)
        except OSError as error:
            errors.append(error)
            continue
        say(
            f"made {file}, which keys the ids in results: keep it with the data and never publish it; colleagues and "
            "other machines use the same one (--secret FILE)"
        )
        return file
    raise DatasetError(
        f"the secret that keys the ids in results can be written neither to {_beside(annotation)} nor to "
        f"{_at_home(annotation)} ({errors[-1].strerror or errors[-1]}); make one of them writable, or name a "
        f"{SECRET_FILE} with --secret"
    )


def _write_new(file: Path) -> None:
    """Write a new secret, readable by its owner alone; of several processes at once, the first one's stays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{SECRET_FILE}.")
    try:
        with os.fdopen(handle, "w") as opened:
            opened.write(secrets.token_hex(32) + "\n")
            opened.flush()
            with contextlib.suppress(OSError):  # refused by some network disks
                os.fsync(opened.fileno())
        try:
            os.link(temporary, file)
        except FileExistsError:
            return
        except OSError:  # a disk without hard links
            if not file.exists():
                Path(temporary).replace(file)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _read(file: Path, step: str) -> str:
    try:
        found = read_regular(file, _LONGEST).decode("ascii", errors="replace").strip()
    except OSError as error:
        raise DatasetError(
            f"cannot read the secret {file}: {error.strerror or error}; name one that can be read with --secret"
        ) from error
    if not _FORM.fullmatch(found):
        raise DatasetError(f"{file} holds no secret, which is one line of 64 hexadecimal digits; {step}")
    return found
