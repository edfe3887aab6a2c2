"""What a file is that was saved under another one's name: a login page, an archive, a pointer of Git LFS."""

from __future__ import annotations

HEAD = 256
"""How many first bytes of a file `mistaken_for` looks at."""

_WEB_PAGE = (b"<!doctype", b"<html", b"<?xml", b"<head")
_ARCHIVE = (b"\x1f\x8b", b"PK\x03\x04", b"7z\xbc\xaf", b"Rar!", b"BZh")


def mistaken_for(head: bytes, wanted: str) -> tuple[str, str] | None:
    """Why a file is not what it should be, and what helps; None where its first bytes do not tell.

    Args:
        head: The file's first bytes, up to `HEAD`.
        wanted: What it should be: "an image".
    """
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_WEB_PAGE):
        reason = f"it is a web page, not {wanted} (a download that needed a login?)"
        return reason, "log in where it came from and download it again"
    if head.startswith(b"version https://git-lfs"):
        return f"it is a pointer of Git LFS, not {wanted}", f"fetch {_the(wanted)} with `git lfs pull`"
    if head.startswith(_ARCHIVE):
        return f"it is a compressed archive, not {wanted}", f"unpack it and name {_the(wanted)} in it"
    return None


def _the(wanted: str) -> str:
    return f"the {wanted.partition(' ')[2]}"
