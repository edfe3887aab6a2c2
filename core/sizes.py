"""Sizes and counts, as people read them."""

from __future__ import annotations


def readable_size(count: int) -> str:
    """A number of bytes with three digits: "742 B", "4.10 kB", "1.53 GB" (of 1,000 each)."""
    size, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size < 999.5:
            break
        size, unit = size / 1000, larger
    if unit == "B":
        return f"{count} B"
    return f"{size:.{max(0, 3 - len(str(int(size))))}f} {unit}"


def counted(count: int, thing: str) -> str:
    """How many there are of a thing: "1 sample", "2 samples"."""
    return f"{count} {thing}{'' if count == 1 else 's'}"
