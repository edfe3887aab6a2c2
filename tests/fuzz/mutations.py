"""What can be wrong with a file: bytes, JSON values, table cells, DICOM elements, or the whole file is another one."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from copy import deepcopy
from random import Random

import numpy as np
from PIL import Image

VALUES = (
    *(None, True, False, 0, -1, 1, 0.5, -0.0, 42, 42.0, 1e308, -1e308, -1e-320, float("nan"), float("inf")),
    *(10**400, -(10**18), 2**63, 65536),
    *("", " ", "a.png", "A\u0301", "\0", "b\0.png", "b" * 300, "x/" * 3000, "\ud800", "../a.png", "../..", "~"),
    *("/etc/passwd", "..\\a.png", "C:\\a.png", "macro", "=1+1", "\u202e", "{class}", "1,2", '"', "\n", "1e5", "nan"),
    *("P", "0" * 50, "9" * 5000, "a1", "A1", "1_0", "٣", "\x1b[2J", "deep"),
    *([], {}, [[]], [1], [1, 2, 3, 4], [[1, 2, 3, 4]], [[0, 0, 9e9, 0, 5, 5]], [1, 2, [3], 4], {"size": [9, 9]}),
    *({"size": [10**9, 10**9], "counts": [10**18]}, {"size": [4, 4], "counts": "~~~~"}, {"id": {}}, {"a": {}}),
)
DOUBLE = "twice: "  # before a key: it is in the file a second time


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "a")
    return buffer.getvalue()


def png() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


OTHER_FILES = (
    *(b"", b"\0", b"\n", b" " * 500, bytes(5000), b"\xff\xfe", b"\xef\xbb\xbf", b"\x1f\x8b" + bytes(20), b"\x93NUMPY"),
    *(b"<!doctype html><html><body>404 Not Found</body></html>", b"{}", b"[]", b"null", b'"a"', b"1", b"a,b\n1,2\n"),
    *(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", b"PAR1" + bytes(8) + b"PAR1", b"%PDF-1.7"),
    *(zipped(), png(), png()[:20], bytes(128) + b"DICM", b"\xff\xd8\xff\xe0", b"[" * 100_000, b'{"a":' * 100_000),
)
"""What may lie under any name."""


def mangled(content: bytes, rng: Random, head: int = 800) -> bytes:
    """Bytes with one to four defects, most of them in the first `head`; now and then another file."""
    if rng.random() < 0.06:
        return rng.choice(OTHER_FILES)
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 3, 4))):
        end = len(data) if rng.random() < 0.3 else min(len(data), head)
        place = rng.randrange(max(1, end))
        change = rng.randrange(8)
        if change == 0:
            data[place : place + 1] = bytes([rng.randrange(256)])
        elif change == 1:
            data[place : place + 1] = bytes(byte ^ (1 << rng.randrange(8)) for byte in data[place : place + 1])
        elif change == 2:
            extreme = rng.choice((0, 1, 2**15, 2**16 - 1, 2**31 - 1, 2**32 - 1))
            data[place : place + 4] = extreme.to_bytes(4, rng.choice(("little", "big")))
        elif change == 3:
            data[place : place + 2] = rng.randbytes(2)
        elif change == 4:
            data[place : place + 4] = b"9999"
        elif change == 5:
            del data[place : place + rng.choice((1, 4, 40))]
        elif change == 6:
            data[place:place] = data[place : place + rng.choice((1, 16, 60))]
        elif rng.random() < 0.4:
            del data[place:]
    changed = bytes(data)
    return with_right_checksums(changed) if changed.startswith(b"\x89PNG") and rng.random() < 0.7 else changed


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def with_right_checksums(data: bytes) -> bytes:
    """A PNG whose defects lie behind its checksums."""
    result, place = data[:8], 8
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        if place + 12 + length > len(data):
            break
        result += chunk(data[place + 4 : place + 8], data[place + 8 : place + 8 + length])
        place += 12 + length
    return result + data[place:]


def rewritten(content: list | dict, rng: Random) -> bytes:
    """JSON with one to three values replaced, removed, renamed or doubled, anywhere; or with damaged bytes."""
    content = deepcopy(content)
    for _ in range(rng.randint(1, 3)):
        _change(content, rng)
    data = json.dumps(content).replace(f'"{DOUBLE}', '"').replace('"deep"', "[" * 2000 + "]" * 2000).encode()
    return mangled(data, rng, len(data)) if rng.random() < 0.15 else data


def _change(content: list | dict, rng: Random) -> None:
    holder = content
    while True:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if not keys:
            return
        key = rng.choice(keys)
        inner = holder[key]
        if isinstance(inner, dict | list) and inner and rng.random() < 0.85:
            holder = inner
            continue
        break
    action = rng.random()
    if action < 0.6:
        holder[key] = deepcopy(rng.choice(VALUES))
    elif action < 0.75:
        del holder[key]
    elif isinstance(holder, list):
        holder.insert(rng.randrange(len(holder) + 1), deepcopy(inner))
    elif action < 0.85:
        holder[DOUBLE + key] = deepcopy(rng.choice((inner, *VALUES)))
    else:
        holder[rng.choice((*holder, *map(str, VALUES)))] = holder.pop(key)


NAMES = (
    "x1",
    "y1",
    "x2",
    "y2",
    "xmin",
    "width",
    "height",
    "image_width",
    "area",
    "other",
    "",
    "phrase",
    "w",
    "cx",
    "X",
)


def retabled(content: bytes, rng: Random) -> bytes:
    """A CSV with one or two of its cells, rows, columns or bytes changed, or written another way."""
    for _ in range(rng.randint(1, 2)):
        rows = [line.split(b",") for line in content.split(b"\n")]
        row = rng.choice(rows)
        column = rng.randrange(len(row))
        change = rng.choice(
            ("cell",) * 6 + ("name", "name", "copy", "order", "short", "long", "gone", "bytes", "written")
        )
        if change == "cell":
            text = str(rng.choice(VALUES)).replace('"', '""')
            row[column] = f'"{text}"'.encode("utf-8", "surrogatepass")
        elif change == "name":
            rows[0][rng.randrange(len(rows[0]))] = rng.choice(NAMES).encode()
        elif change == "copy":
            rows.append(list(row))
        elif change == "order":
            rng.shuffle(row)
        elif change == "short":
            del row[column:]
        elif change == "long":
            row += row
        elif change == "gone":
            for one in rows:
                del one[column : column + 1]
        content = b"\n".join(b",".join(one) for one in rows)
        if change == "bytes":
            content = mangled(content, rng, len(content))
        elif change == "written":
            ways = ("utf-16", "utf-16-le", "utf-8-sig", "latin-1", "cp037", ";", "\t", "\r", "\r\n")
            way, text = rng.choice(ways), content.decode("utf-8", "replace")
            if way in (";", "\t"):
                text = text.replace(",", way)
            elif way in ("\r", "\r\n"):
                text = text.replace("\n", way)
            else:
                text = text.encode(way, "replace")
            content = text if isinstance(text, bytes) else text.encode()
    return content


LONG = {b"OB", b"OW", b"OF", b"OD", b"OL", b"OV", b"SQ", b"UN", b"UT", b"UC", b"UR", b"SV", b"UV"}
OTHER_VRS = (b"US", b"SS", b"DS", b"IS", b"CS", b"OB", b"OW", b"SQ", b"UN", b"UT", b"FD", b"UL", b"LO", b"??", b"\0\0")
CONTENTS = (
    *(b"", b"\0", b"\0\0", b"\1\0", b"\xff\xff", b"\0\x80", b"\xff" * 4, b"\xff" * 16, b"\x10\0\0\0", bytes(64)),
    *(
        b"0 ",
        b"-1",
        b"nan ",
        b"inf ",
        b"1e308 ",
        b"1e-320",
        b"1\\2\\3 ",
        b"\\" * 6,
        b"9" * 64,
        b"1" * 5000,
        b"\\".join([b"1"] * 5000),
    ),
    *(
        b"MONOCHROME1 ",
        b"RGB ",
        b"YBR_FULL_422",
        b"SIGMOID ",
        b"LINEAR_EXACT",
        b"INVERSE ",
        b"ISO 2022 IR 87",
        b"\x1b$B",
    ),
    *(
        b"1.2.840.10008.1.2 ",
        b"1.2.840.10008.1.2.1.99",
        b"1.2.840.10008.1.2.4.90",
        b"1.2.840.10008.1.2.4.100",
        b"1.2.3 ",
    ),
)


def elements_of(data: bytes) -> list[list]:
    """Tag, VR, content and length of each element of a file in explicit little endian."""
    elements, place = [], 132
    while place + 8 <= len(data):
        tag, vr = data[place : place + 4], data[place + 4 : place + 6]
        start = place + (12 if vr in LONG else 8)
        (length,) = struct.unpack("<I" if vr in LONG else "<H", data[start - (4 if vr in LONG else 2) : start])
        place = len(data) if length == 2**32 - 1 else start + length
        elements.append([tag, vr, data[start:place], length])
    return elements


def relabelled(data: bytes, rng: Random) -> bytes:
    """A DICOM file (explicit little endian) with one to three elements changed, doubled, moved or gone."""
    elements = elements_of(data)
    for _ in range(rng.randint(1, 3)):
        index = rng.randrange(len(elements))
        element = elements[index]
        change = rng.choice(
            ("content",) * 5 + ("vr", "length", "length", "gone", "gone", "twice", "moved", "tag", "deep")
        )
        if change == "content":
            content = rng.choice((*CONTENTS, element[2] * 2, element[2][:-2], rng.choice(elements)[2]))
            element[2:] = content, len(content)
        elif change == "vr":
            element[1] = rng.choice(OTHER_VRS)
        elif change == "length":
            element[3] = rng.choice(
                (0, 1, element[3] + 1, element[3] - 1, 2**15, 2**16 - 1, 2**31, 2**32 - 2, 2**32 - 1)
            )
        elif change == "gone" and len(elements) > 1:
            del elements[index]
        elif change == "twice":
            content = rng.choice(CONTENTS)
            elements.insert(index, [element[0], element[1], content, len(content)])
        elif change == "moved":
            elements.insert(rng.randrange(len(elements)), elements.pop(index))
        elif change == "tag":
            element[0] = rng.choice(
                (rng.choice(elements)[0], rng.randbytes(4), b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0")
            )
        elif change == "deep":  # sequences within sequences
            depth = rng.choice((3, 300, 5000))
            inner = (b"\xfe\xff\x00\xe0" + b"\xff" * 4 + b"\x40\0\x30\xa7SQ\0\0" + b"\xff" * 4) * depth
            elements.insert(index, [b"\x28\0\x10\x30", b"SQ", inner, 2**32 - 1])
    file = data[:132]
    for tag, vr, content, length in elements:
        sized = struct.pack("<HI", 0, length % 2**32) if vr in LONG else struct.pack("<H", length % 2**16)
        file += tag + vr + sized + content
    return file
