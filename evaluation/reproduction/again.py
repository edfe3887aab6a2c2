"""Making a result again: the same samples, the same method, an empty store."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...core import DatasetError, GroundCXRError, StoreError
from ...core.names import printable
from ...core.place_table import PlaceTable
from ...core.regular import read_regular
from ...datasets import DATASETS, GroundingDataset, load_dataset
from ...metrics import Protocol, known_protocol
from ..entry import Entry, fitting_protocols
from ..plan import USERS_OWN, Selection, select_as
from ..provenance import check_device, configured_device
from ..result import Result
from ..run import run_entry
from ..run_settings import Run
from ..schema import DatasetInfo, ResultFile
from .changes import changes_between
from .record import ReproductionFile
from .values import compare

TABLE = "table"
"""The option of a data set that names a file and not what is in it."""


def data_again(
    info: ResultFile, root: Path | None, options: Mapping[str, Any], secret: Path | None
) -> tuple[GroundingDataset, Selection]:
    """A result's samples, from the user's own copy of the data.

    Args:
        info: The result.
        root: Where the data is; None for what the configuration says.
        options: Options of the data set that the user gives, which count more than the result's.
        secret: The file that keys the ids of the user's own data, where it is not beside them.

    Returns:
        The data set, and the samples of the result.

    Raises:
        DatasetError: If the copy is not the data of the result.
        GroundCXRError: If it cannot be loaded.
    """
    data = info.dataset
    chosen = {name: value for name, value in data.options.items() if name not in USERS_OWN} | dict(options)
    if data.private_ids:
        # Loading would make a secret where there is none, and ids that are no result's.
        found = secret or DATASETS.get(data.name).secret_file(root)
        if found is None:
            raise DatasetError(
                f"the secret that keys the ids of {data.name} is not beside the data; give the groundcxr-secret that "
                "the result was made with: --secret FILE"
            )
        chosen["secret"] = str(found)
    elif secret is not None:
        raise DatasetError(f"the ids of {data.name} are keyed with no secret; leave --secret out")
    _refuse_other_table(data, options)
    try:
        dataset = load_dataset(data.name, root, data.split, **chosen)
    except TypeError as error:
        # Somebody else's result may name options that this data set does not have.
        raise DatasetError(f"{data.name} cannot be loaded with the result's options {data.options}: {error}") from error
    selection = select_as(dataset, data, info.pathologies, info.condition)
    if selection is None:
        raise DatasetError(_other_data(dataset, data, root))
    return dataset, selection


def _refuse_other_table(data: DatasetInfo, options: Mapping[str, Any]) -> None:
    """A result has the start of the digest of the table that its phrases were made with."""
    told = data.options.get(TABLE)
    if told is None:
        return
    asked = f"--set dataset.{TABLE}=FILE"
    if TABLE not in options:
        raise DatasetError(
            f"the phrases were made with a table of places that is not in the result; give the file: {asked}"
        )
    table = PlaceTable.load(options[TABLE])
    if not table.digest.startswith(str(told)):
        raise DatasetError(
            f"the table {options[TABLE]} (of {printable(table.source)}, digest {table.digest[:8]}) is not the one that "
            f"the phrases were made with (digest {printable(str(told))}); give that: {asked}"
        )


def _other_data(dataset: GroundingDataset, data: DatasetInfo, root: Path | None) -> str:
    place = f"the copy of {data.name} at {root}" if root else f"the {data.name} that is here"
    keyed = ", or its ids are keyed with another secret (give that of the result with --secret)"
    return (
        f"{place} (version {dataset.version}, {len(dataset):,} samples) is not the data of the result (version "
        f"{printable(data.version)}, {data.n_asked:,} samples, fingerprint {data.fingerprint[:12]})"
        f"{keyed if data.private_ids else ''}; give the copy that it was made on with --root DIR"
    )


def protocol_again(info: ResultFile) -> Protocol:
    """A result's protocol.

    Raises:
        GroundCXRError: If this version of groundcxr does not have it.
    """
    said, made = info.protocol, info.run.packages.get("groundcxr")
    if (protocol := known_protocol(said.name, said.hash)) is not None:
        return protocol
    raise GroundCXRError(
        f"the protocol {printable(said.name)} with the hash {said.hash[:12]} is not known here, so its numbers cannot "
        f"be made again; install the groundcxr that made the result ({printable(made) if made else 'not stated'})"
    )


def device_again(info: ResultFile) -> str:
    """The device that a result was made on, where it may be here; else what is configured."""
    try:
        return check_device(info.run.device) if info.run.device == "cpu" else configured_device()
    except GroundCXRError:
        return "auto"


def reproduce(
    result: Result, entry: Entry, selection: Selection, *, device: str | None = None, by: str | None = None
) -> ReproductionFile:
    """Make a result again, into a store that is thrown away, and compare.

    Batches are those of the result, since predictions are equal to the last digit only in equal batches.

    Args:
        result: As it was read from its file.
        entry: The method, under the name that the result has for it.
        selection: The samples of the result.
        device: Where it runs; None for where the result was made.
        by: Who makes it again, to be named in the file.

    Raises:
        StoreError: If the result's file is gone.
        GroundCXRError: If nothing can be run.
    """
    info = result.info
    protocol = protocol_again(info)
    if result.path is None:
        raise StoreError("a result that was not saved cannot be made again; save it first")
    sha256 = hashlib.sha256(read_regular(result.path)).hexdigest()
    with TemporaryDirectory(prefix="groundcxr-reproduce-") as store:
        run = Run(
            selection,
            Path(store),
            None,
            device or device_again(info),
            info.run.batch_size,
            info.answers,
            suite=info.suite,
        )
        (again,) = run_entry(entry, fitting_protocols(entry, [protocol]), run)
    compared = compare(result, again)
    return ReproductionFile(
        verdict=compared.verdict,
        result_sha256=sha256,
        n_samples=compared.n_samples,
        n_only_in_result=compared.n_only_in_result,
        n_only_again=compared.n_only_again,
        values=compared.values,
        averages=compared.averages,
        changes=changes_between(info, again.info),
        run=again.info.run,
        by=by,
    )
