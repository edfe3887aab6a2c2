"""The command that makes a run again."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from typing import Any

from ..core import GroundCXRError
from ..core.place_table import PHANTOM
from ..evaluation.box_choice import options_of
from ..evaluation.imported import ImportFile
from ..evaluation.schema import MethodInfo, ResultFile
from ..methods import METHODS
from ..methods.boxes.presets import PRESETS
from ..methods.bundled import BUNDLED
from ..methods.loading import build_here
from ..methods.random_weights import DRAWN

FILE, ROOT, DIR, FILES, PYTHON, TABLE = "METHOD.py", "ROOT", "DIR", "FILES", "PYTHON", "TABLE.json"
"""What a result does not tell, since it may be published, stands in capital letters."""

_LOCAL = "local copy "


def command(info: ResultFile, imported: ImportFile | None = None) -> str:
    """The command line that makes a result again.

    METHOD.py stands for the file of a method that is none of this package, ROOT for the data's folder, DIR for a local
    copy of weights, FILES for predictions that were made elsewhere, PYTHON for the interpreter of another environment,
    TABLE.json for a table of places.

    Args:
        info: The result.
        imported: Where it was imported from; None for a measured one.
    """
    method, data = info.method, info.dataset
    foreign = imported is not None and imported.what == "predictions"
    settings: dict[str, str] = {}
    if foreign:
        words = ["groundcxr", "import", FILES, "--name", method.name, "--kind", method.kind]
        if preset := str(method.options.get("preset", "")):
            words += ["--preset", preset if preset in PRESETS else f"{preset}.toml"]
        words += [word for one in method.trained_on for word in ("--trained-on", one)]
    else:
        spec, said = method_words(method)
        words = ["evaluate", "--method", spec if method.label == method.name else f"{method.label}={spec}"]
        words += ["--python", PYTHON] if method.environment is not None else []
        settings = {f"{method.label}.{key}": value for key, value in said.items()}
    words += ["--label", f"{method.label}={method.title}"] if method.title else []
    settings |= {f"dataset.{key}": value for key, value in _given(data.options).items()}
    words += [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    words += ["--dataset", data.name]
    if data.name != "phantom":
        words += ["--root", ROOT]
    words += ["--split", data.split]
    if not info.complete:
        pathologies = list(info.pathologies)
        words += ["--pathology", pathologies[0]] if len(pathologies) == 1 else []
        words += ["--limit", str(data.n_asked)]
    words += ["--dataset-label", data.label] if data.label else []
    words += ["--protocol", info.protocol.name]
    words += ["--condition", info.condition.label] if info.condition is not None else []
    words += [word for name, value in options_of(info.answers).items() for word in (f"--{name}", str(value))]
    return shlex.join(words if foreign else [*words, "--batch-size", str(info.run.batch_size)])


def method_words(method: MethodInfo) -> tuple[str, dict[str, str]]:
    """What `--method` and `--set` say of a method, with capital letters for what its result does not tell."""
    return _spec(method.name), _settings(method.name, method.options, method.weights)


def _spec(name: str) -> str:
    return name if name in METHODS.names() else f"{FILE}:{name}"


def _settings(name: str, options: Mapping[str, Any], weights: str | None) -> dict[str, str]:
    """What `--set` must say of a method, by option; of one that asks others, theirs too, however deep.

    Args:
        name: The method's.
        options: As the result tells them.
        weights: As the result tells them.
    """
    # A result of this name that was made elsewhere may say anything.
    if name in METHODS.names() and ("methods" in options or isinstance(options.get("settings"), dict)):
        return _said_of_refiner(name, options, weights)
    if not _asks_one(name) or "method" not in options:
        return _said(name, options, weights)
    # Its options are the method that it asks and that one's options, side by side; so are its weights.
    asked = str(options["method"])
    said = _said(asked, {key: value for key, value in options.items() if key != "method"}, weights)
    settings = shlex.join(f"{key}={value}" for key, value in said.items())
    return {"method": _spec(asked), **({"settings": settings} if settings else {})}


def _asks_one(name: str) -> bool:
    """Whether a method of this package takes another one and its settings."""
    return name in METHODS.names() and {"method", "settings"} <= {
        field.name for field in dataclasses.fields(METHODS.get(name).Options)
    }


def _said_of_refiner(name: str, options: Mapping[str, Any], weights: str | None) -> dict[str, str]:
    """What `--set` must say of a method whose options tell the others that it asks, with all of theirs.

    See `groundcxr.methods.wrapping.described`; of several, `methods` has each by its alias.
    """
    usual = dataclasses.asdict(METHODS.get(name).Options())
    own = {key: value for key, value in options.items() if key not in ("method", "methods", "settings")}
    said = _given({key: value for key, value in own.items() if value != usual.get(key)})
    if "weights" in usual:
        said |= _places(weights or "")
    several = options.get("methods")
    words: list[str] = []
    for alias, one in (several or {"": options}).items():
        spec, asked = _spec(one["method"]), dict(one["settings"])
        settings = _settings(one["method"], asked, asked.pop("weights", None))
        named = spec if alias in ("", one["method"]) else f"{alias}={spec}"
        prefix = "" if several is None else f"{named.partition('=')[0]}."
        words += [f"{prefix}{key}={value}" for key, value in settings.items()]
        if several is None:
            said["method"] = named
        else:
            said["methods"] = f"{said['methods']},{named}" if "methods" in said else named
    return said | ({"settings": shlex.join(words)} if words else {})


def _said(name: str, options: Mapping[str, Any], weights: str | None) -> dict[str, str]:
    """Options, and the weights, as far as the method would not have them by itself.

    Args:
        name: The method's.
        options: As the result tells them.
        weights: As the result tells them.
    """
    named_weights = _places(weights or "")
    everything = _given({key: value for key, value in options.items() if key != "weights"})
    if name not in METHODS.names():
        return everything | named_weights
    known = {field.name for field in dataclasses.fields(METHODS.get(name).Options)}
    # A method may tell what is none of its options, and values that another option has given.
    everything = {key: value for key, value in everything.items() if key in known}
    named_weights = {key: place for key, place in named_weights.items() if key in known}
    try:
        usual = build_here(name).options_dict()
    except GroundCXRError:
        return everything | named_weights
    few = {key: value for key, value in everything.items() if options[key] != usual.get(key)}
    for settings in (few, everything):
        try:
            built = build_here(name, settings)
            if built.options_dict() == dict(options):
                return settings if built.weights_id() == weights else settings | named_weights
        except GroundCXRError:
            # Without its weights the method cannot be built.
            continue
    # A preset may have given what is usual otherwise.
    return (everything if "preset" in few else few) | named_weights


def _places(weights: str) -> dict[str, str]:
    """Options that say where weights are: "weights", and the others that follow it as KEY=PLACE, set apart by "; ".

    Of a bundled model none does.
    """
    first, *more = weights.split("; ")
    places = {"weights": first} | {key: place for key, equals, place in (one.partition("=") for one in more) if equals}
    return {
        key: place.partition(_LOCAL)[0].removesuffix(DRAWN) + (DIR if _LOCAL in place else "")
        for key, place in places.items()
        if place and not place.endswith(BUNDLED)
    }


def _given(settings: Mapping[str, Any]) -> dict[str, str]:
    """Options as the command line takes them; what is not set is left out."""
    given = {
        key: ",".join(map(str, value)) if isinstance(value, list) else str(value)
        for key, value in settings.items()
        if value is not None and value != ""
    }
    # Of a file a result tells the name at most.
    return {key: TABLE if key == "table" and value != PHANTOM else value for key, value in given.items()}
