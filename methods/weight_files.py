"""What is looked at in files of weights that other libraries read, which load much without a word."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ..core import WeightsError

ZIP = b"PK\x03\x04"
"""How files of torch begin, which are archives."""

_CHUNK = 1 << 20
# Nobody's weights end in so many zeros; files that were made at their full length before they were fetched do.
_ZERO_PART = 8
_LEAST_ZEROS = 4096  # a block of a disk
# Steps of a scale, without which they would load as they are. Counts and positions are int64.
_QUANTISED = ("I8", "U8", "I16", "U16", "I32", "U32", "int8", "uint8", "int16", "uint16", "int32", "uint32")


def check_files(files: Sequence[Path], what: str) -> None:
    """Raise where a file is damaged, or holds what a library would load as something else than it is.

    Args:
        files: All files of one network's weights; an index among them is passed over.
        what: How messages call the network.

    Raises:
        WeightsError: If a file is damaged, a weight is quantised, or two files hold the same one.
    """
    held: dict[str, Path] = {}
    for file in files:
        if file.suffix == ".json":
            continue
        refuse_damaged(file)
        check_tensors(file, _tensors(file), what, held)


def check_tensors(file: Path, tensors: Iterable[tuple[str, str]], what: str, held: dict[str, Path]) -> None:
    """Raise where a file holds quantised weights, or what another file of the same network holds.

    Args:
        file: The file.
        tensors: The names and types of its tensors.
        what: How messages call the network.
        held: Which file holds what, of those before; this one's names are added.

    Raises:
        WeightsError: If a weight is quantised, or two files hold the same one.
    """
    for name, kind in tensors:
        # Where masks of attention are saved, they are biases of such a type.
        if not name.endswith(".bias"):
            refuse_quantised(what, name, kind)
        if name in held:
            raise WeightsError(
                f"{held[name]} and {file} both hold {name}, so they are of different downloads; get all files of "
                "the weights again"
            )
        held[name] = file


def refuse_damaged(path: Path) -> None:
    """Raise where a file lacks a part of its content, which readers of weights do not notice.

    Raises:
        WeightsError: If an archive of torch ends too early, a part of it has another checksum than its own, or a
            `.safetensors` file ends in zeros.
    """
    wrong = None
    if path.suffix == ".safetensors":
        if (zeros := _zeros_at_the_end(path)) >= max(_LEAST_ZEROS, path.stat().st_size / _ZERO_PART):
            wrong = f"its last {zeros:,} bytes are zeros, as of a download that did not end"
    elif _begins_as_archive(path):
        wrong = _damaged_part(path) if zipfile.is_zipfile(path) else "it ends too early"
    if wrong is not None:
        raise WeightsError(f"{path} cannot be read as weights: {wrong}; get the file again")


def refuse_quantised(what: str, name: str, kind: str) -> None:
    """Raise where a weight is of short whole numbers.

    Args:
        what: How messages call the network.
        name: The weight's.
        kind: Its type, as torch or safetensors calls it.

    Raises:
        WeightsError: If it is.
    """
    kind = kind.removeprefix("torch.")
    if kind in _QUANTISED:
        raise WeightsError(
            f"{what} holds {name} as {kind}, which is quantised; give the weights in float32, float16 or bfloat16"
        )


def refuse_infinite(what: str, name: str, tensor: Tensor) -> None:
    """Raise where a weight has values that are no numbers: boxes and texts of such a network look like empty answers.

    Raises:
        WeightsError: If it has.
    """
    if tensor.is_floating_point() and tensor.numel() and not torch.stack(_ends(tensor)).isfinite().all():
        raise WeightsError(
            f"{what} holds infinite values or NaN in {name}, as training that failed or too short a type leaves them; "
            "give other weights, or the same in float32"
        )


def check_values(network: nn.Module, what: str) -> None:
    """Raise where a loaded network's weights are not all finite.

    Raises:
        WeightsError: Naming one that is not.
    """
    for name, tensor in network.state_dict().items():
        refuse_infinite(what, name, tensor)


def _ends(tensor: Tensor) -> list[Tensor]:
    # Both are NaN where one value is. Types of 8 bits know no order.
    known = tensor.detach() if tensor.element_size() > 1 else tensor.detach().float()
    return list(known.aminmax())


def _tensors(path: Path) -> Iterator[tuple[str, str]]:
    """The names and types of a file's tensors; none of one that the library that reads it will refuse."""
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, "pt") as file:
                yield from [(name, file.get_slice(name).get_dtype()) for name in file.keys()]  # noqa: SIM118
        except SafetensorError:
            return
    else:
        try:
            # Nothing but shapes is read, and no code is run.
            found = torch.load(path, map_location="meta", weights_only=True)
        except Exception:  # torch raises many types, and says the same again where it loads the file
            return
        for name, value in found.items() if isinstance(found, dict) else ():
            if isinstance(value, Tensor):
                yield str(name), str(value.dtype)


def _begins_as_archive(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(ZIP)) == ZIP


def _zeros_at_the_end(path: Path) -> int:
    with path.open("rb") as file:
        end = start = file.seek(0, 2)
        while start > 0:
            size = min(_CHUNK, start)
            file.seek(start - size)
            kept = len(file.read(size).rstrip(b"\0"))
            if kept:
                return end - (start - size + kept)
            start -= size
    return end


def _damaged_part(path: Path) -> str | None:
    with zipfile.ZipFile(path) as archive:
        # torch may be told to write no checksums; it writes 0 then.
        for part in (entry for entry in archive.infolist() if entry.CRC):
            try:
                with archive.open(part) as file:
                    while file.read(_CHUNK):
                        pass
            except (zipfile.BadZipFile, EOFError):
                return f"its part {part.filename} is damaged"
    return None
