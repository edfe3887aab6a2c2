"""Tuned embeddings for a diffusion model, from a data set's phrases and a table of places: `groundcxr tune`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..core import GroundCXRError, MethodError, Radiograph, Sample
from ..core.fingerprint import digest
from ..core.place_table import PlaceTable
from ..core.place_words import VERSION as RULES
from ..core.progress import progress
from ..datasets import GroundingDataset
from ..datasets.place_phrases import standard_phrase
from ..methods import GroundingMethod
from ..methods.diffusion.ldm.method import Ldm
from ..methods.diffusion.ldm.recipes import RECIPES, RecipeName
from ..methods.requirements import require_packages
from .asking import told_as_the_methods
from .provenance import resolve_device

_NEEDS_NAME = "manifest"


@dataclass(frozen=True)
class Tuned:
    """What a training came to.

    Attributes:
        words: The tokens, or the locations, that have learnt.
        frozen: Words of places that have not, since other words are made of the same tokens.
        phrases: How many phrases it was trained on.
        unused: How many phrases name no place that could be learnt.
        images: How many images they are of.
        steps: How many steps there were.
        done_before: Whether the folder held the whole book already.
    """

    words: tuple[str, ...]
    frozen: tuple[str, ...]
    phrases: int
    unused: int
    images: int
    steps: int
    done_before: bool


def tune(
    method: GroundingMethod,
    dataset: GroundingDataset,
    samples: Sequence[Sample],
    recipe_name: RecipeName,
    table: PlaceTable,
    folder: Path,
    *,
    device: str,
    steps: int | None = None,
    images_of: str | None = None,
) -> Tuned:
    """Train embeddings and write them to a folder, going on from what an earlier run has left there.

    Args:
        method: `ldm` or one derived from it, with its weights; not set up.
        dataset: The data set.
        samples: Those of its samples that are trained on; phrases without a place are left out, and negatives.
        recipe_name: What is trained, and how.
        table: Where places usually are.
        folder: Where the book goes.
        device: As of `evaluate`.
        steps: How many steps; None for the recipe's.
        images_of: Whose images the data are, for results to say; None for the data set's name.

    Raises:
        GroundCXRError: If the method has nothing to tune, no phrase names a place, or the folder holds another book or
            other files.
    """
    if not isinstance(method, Ldm) or not hasattr(method.options, "embeddings"):
        raise MethodError(
            f"the method {method.name!r} has no embeddings that are tuned; groundcxr tune takes ldm and ldm-phantom"
        )
    ldm: Any = method
    if ldm.embeddings():
        raise MethodError("tuned embeddings are trained from the encoder's own; leave the option embeddings out")
    if steps is not None and steps < 1:
        raise GroundCXRError(f"--steps {steps} does not fit: give at least 1")
    if dataset.name == _NEEDS_NAME and not images_of:
        raise GroundCXRError(
            "a manifest does not say whose images it names, and results must: name the collection with --images-of, "
            "such as MIMIC-CXR, or your own hospital's"
        )
    require_packages(method.name, *method.requirements)
    from ..methods.diffusion.ldm.embedding import encoder_digest, network_digest
    from ..methods.diffusion.ldm.examples import Example, samples_per_location, usable
    from ..methods.diffusion.ldm.placing import tokens_of
    from ..methods.diffusion.ldm.tuning import Tuning
    from ..methods.diffusion.ldm.tuning_run import finished, refuse_other_files, train

    refuse_other_files(folder)
    recipe = RECIPES[recipe_name]
    asked = [one for one in samples if not one.negative]
    worded = [(one, standard_phrase(one) if recipe.standard else one.phrase) for one in asked]
    given = [
        Example(str(path), one.image_size, partial(Radiograph.open, path), phrase, one.pathology)
        for one, phrase in worded
        for path in [one.image_path]
        if phrase
    ]
    examples = usable(given, recipe)
    if not examples:
        raise GroundCXRError(
            f"no phrase of {dataset.name} (split {dataset.split}) names a place that the recipe {recipe_name} can learn"
        )
    with told_as_the_methods(method, f"loaded on {device}"):
        model = ldm.load(resolve_device(device, method))
    counts = samples_per_location(examples)
    settings = ldm.options.settings()
    with told_as_the_methods(method, "tuned"):
        tuning = Tuning(model, settings, recipe, examples, {one.phrase for one in asked}, table)
    steps = steps or recipe.steps or -(-len(examples) // tuning.batch)
    images = len({one.key for one in examples})
    whose = images_of or f"{dataset.name} {dataset.split}"
    about: dict[str, Any] = {
        "encoder": encoder_digest(model.text_encoder, model.tokenizer),
        "unet": network_digest(model.unet),
        "table": table.digest,
        "data": dataset.fingerprint(samples),
        "recipe": recipe.as_json(),
        "layers": tuning.layers,
        "rules": RULES,
        "tokens": tokens_of(model.tokenizer, tuning.ids),
        "samples": counts,
        "trained_on": [
            f"{whose}: {images:,} images, {len(examples):,} phrases, no boxes of findings",
            table.source,
        ],
    }
    identity = digest({**about, "steps": steps, "size": settings.size, "dtype": settings.dtype})
    before = finished(folder, identity) is not None
    if not before:
        with progress("tune", steps) as advance, told_as_the_methods(method, "tuned"):
            train(tuning, recipe, folder, steps=steps, identity=identity, about=about, advance=advance)
    return Tuned(
        words=tuple(about["tokens"]) or tuning.locations,
        frozen=tuning.frozen,
        phrases=len(examples),
        unused=len(asked) - len(examples),
        images=images,
        steps=steps,
        done_before=before,
    )
