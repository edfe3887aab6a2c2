"""What is known of one run: the method, how and on what it was made, and the command that makes it again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..core.supervision import WORDS
from ..evaluation.box_choice import describe
from ..evaluation.columns import TRUNCATED
from ..evaluation.conditions import describe_condition
from ..evaluation.negative_notes import negatives_said
from ..evaluation.reproduction.record import said_of
from ..evaluation.written import describe as describe_texts
from .reproduction import DIR, FILE, PYTHON, ROOT, TABLE
from .runs import Run


def command_note(run: Run, line: str) -> str:
    """What a reader of the command must know: what its capital letters stand for, and with which code it was made.

    Args:
        run: The run.
        line: Its command, as `reproduction.command` writes it.
    """
    git = run.info.run.git
    said = []
    if run.imported is not None:
        said.append(
            f"The predictions were made elsewhere and scored here. FILES: what was imported, {run.imported.source},"
            " whose hash is in the revision below."
            if run.imported.what == "predictions"
            else "Imported: this is what its result file says; nothing of it was run here."
        )
    if git is not None:
        said.append(
            f"With the code of commit {git.commit[:12]}"
            + (", which had uncommitted changes: the numbers may differ." if git.dirty else ".")
        )
    words = re.split(r"[^\w.]+", line)
    for word, meaning in (
        (FILE, "METHOD.py: the method's own file, whose fingerprint is below."),
        (PYTHON, "PYTHON: the interpreter of an environment with the versions below."),
        (ROOT, "ROOT: your copy of the data."),
        (TABLE, "TABLE.json: the table of places that was used, as `groundcxr anatomy` makes it."),
        (DIR, "DIR: the local copy that the weights below name, whose hash is below."),
    ):
        if word in words:
            said.append(meaning)
    return " ".join(said)


def method_facts(run: Run) -> dict[str, Any]:
    """What the method is, by what a reader calls it; None where there is nothing to say."""
    method = run.info.method
    return {
        "name": method.name if method.name == method.shown else f"{method.shown} ({method.name})",
        "kind": method.kind + (", a control" if method.control and method.kind != "control" else ""),
        "note": method.note,
        "answers with": " and ".join(method.emits),
        "boxes that count": describe(run.info.answers),
        "options": ", ".join(f"{key} = {value}" for key, value in _flat(method.options).items()) or "none",
        "weights": method.weights or "none",
        "weights' hash": method.weights_fingerprint if method.weights else None,
        "environment": _versions(method.environment) if method.environment else None,
        "trained on": ", ".join(method.trained_on) or "not stated",
        "learnt places from": WORDS[run.info.supervision] if run.info.supervision else "not stated",
        "licence of the weights": method.licence,
        "revision": method.revision,
        "fingerprint": method.fingerprint,
        "tier": run.tier + (f", from {run.imported.source}" if run.imported else ""),
        "made again": None if run.reproduction is None else said_of(run.reproduction),
    }


def run_facts(run: Run) -> dict[str, Any]:
    """When, on what and how fast it was made."""
    ran = run.info.run
    scored = run.info.dataset.n_samples - run.info.dataset.n_skipped
    each = 1000 * ran.seconds / scored if scored else 0.0
    speed = f"{ran.seconds:,.1f} s, {each:,.{0 if each >= 100 else 2}f} ms per sample" if each else None
    return {
        "made": ran.created,
        "device": ran.device,
        "grounding took": speed or "not known",
        "peak memory": ", ".join(f"{mb:,.0f} MB ({place})" for place, mb in ran.peak_memory_mb.items()) or "not known",
        "batch size": ran.batch_size,
        "made in several ways": _grounded(run),
        "failed samples": run.info.n_failed,
        "answers in words": describe_texts(run.info.texts) if run.info.texts else None,
        "phrases cut": f"{cut:,}, longer than the text encoder reads" if (cut := _cut_phrases(run)) else None,
        "commit": f"{ran.git.commit}{' (with changes)' if ran.git.dirty else ''}" if ran.git else "not known",
        "packages": _versions(ran.packages),
    }


def data_facts(run: Run) -> dict[str, Any]:
    """What it was made on, and under which protocol."""
    data, protocol = run.info.dataset, run.info.protocol
    return {
        "data set": f"{data.name} {data.version}, split {data.split}",
        "samples": f"{data.n_samples:,}" + (f", {data.n_skipped:,} skipped" if data.n_skipped else ""),
        "negatives": negatives_said(run.info),
        "condition": describe_condition(run.info.condition) if run.info.condition else None,
        "complete": "yes" if run.info.complete else "no: limited or filtered, never ranked",
        "options": ", ".join(f"{key} = {value}" for key, value in data.options.items() if value is not None),
        "warnings": f"{data.n_warnings} (`groundcxr doctor` tells them)" if data.n_warnings else None,
        "licence": data.licence,
        "fingerprint": data.fingerprint,
        "protocol": f"{protocol.name}, version {protocol.version}",
        "protocol hash": protocol.hash,
    }


def notes(run: Run) -> list[str]:
    """What a reader of the numbers should know, where there is anything."""
    return [f"{one.text}{f': {one.count:,}' if one.count else ''}" for one in run.info.notes or []]


def _flat(options: Mapping[str, Any]) -> dict[str, str]:
    """Options in words; those of a method that is asked stand behind the names that they are inside of."""
    flat: dict[str, str] = {}
    for key, value in options.items():
        if isinstance(value, Mapping):
            flat |= {f"{key}.{inner}": said for inner, said in _flat(value).items()}
        elif isinstance(value, list):
            flat[key] = ", ".join(map(str, value)) if value else "none"
        else:
            flat[key] = "not set" if value in (None, "") else str(value)
    return flat


def _grounded(run: Run) -> str | None:
    """With what the predictions were made, where they were made in several ways."""
    ways = run.info.provenance.grounding if run.info.provenance else []
    if len(ways) < 2:
        return None
    said = []
    for way in ways:
        code = f", commit {way.git.commit[:12]}{' with changes' if way.git.dirty else ''}" if way.git else ""
        made = f"{way.n_samples:,} samples on {way.device}, batch size {way.batch_size}{code}"
        said.append(f"{made}, {_versions(way.packages)}")
    return "; ".join(said)


def _versions(packages: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in packages.items())


def _cut_phrases(run: Run) -> int:
    """How many phrases the method's text encoder did not read to their end; schema 1 does not know."""
    return 0 if run.info.schema_version == 1 else int(run.samples([TRUNCATED])[TRUNCATED].to_numpy(dtype=bool).sum())
