"""A method in a run: its name in tables, what is published of it, and what a control learns before it is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeGuard

from ..core import GroundCXRError, Sample
from ..core.alterations import Alteration
from ..core.fingerprint import digest
from ..core.published import text_without_folders, without_folders
from ..methods import ControlMethod, GroundingMethod, PhraseControl
from ..methods.contract import check_attributes
from ..methods.fitting import opens_files
from ..methods.here import absolute_spec
from ..methods.isolated.method import told_apart
from ..methods.isolated.place import Place, place, placed
from ..methods.loading import build_method
from ..methods.revision import revision_of
from ..metrics import Protocol
from .asking import told_as_the_methods
from .plan import Selection
from .schema import MethodInfo
from .store import PredictionStore


@dataclass(frozen=True)
class Recipe:
    """How a method is built again in another process, as a worker on another machine.

    Attributes:
        spec: A name, or the absolute path of a file: what `build_method` takes.
        settings: Its options by name, as the user wrote them.
        place: Which Python it runs in.
    """

    spec: str
    settings: Mapping[str, Any]
    place: Place

    def build(self) -> GroundingMethod:
        """The method, not yet set up.

        Raises:
            GroundCXRError: If it cannot be built here.
        """
        with placed(self.place.python, self.place.timeout):
            return build_method(self.spec, self.settings)


@dataclass(frozen=True)
class Entry:
    """A method under the name that tables show.

    Attributes:
        method: The method, not yet set up.
        label: Its alias, or its own name.
        title: What tables and figures call it instead; None for the label.
        fitted_on: Fingerprint of the samples that a control was fitted on.
        recipe: How to build it elsewhere; None where it was given as a class or an instance.
    """

    method: GroundingMethod
    label: str
    fitted_on: str = ""
    recipe: Recipe | None = None
    title: str | None = None

    @cached_property
    def info(self) -> MethodInfo:
        """The method in its present state; taken once, since hashing weights takes a while."""
        method = self.method
        # What it says is published: no folder of this machine is.
        text = text_without_folders
        with told_as_the_methods(method, "described"):
            weights, fingerprint = method.weights_id(), method.fingerprint()
            return MethodInfo(
                name=_name(method),
                label=self.label,
                kind=method.kind,
                emits=sorted(method.emits),
                control=isinstance(method, ControlMethod) or method.kind == "control",
                revision=text(revision_of(type(method))),
                weights=without_folders(weights),
                weights_fingerprint=without_folders(method.weights_fingerprint()),
                options=without_folders(method.options_dict()),
                fingerprint=digest(fingerprint, self.fitted_on) if self.fitted_on else fingerprint,
                trained_on=[text(one) for one in method.trained_on],
                licence=text(method.licence),
                citation=text(method.citation),
                note=text(method.note),
                environment=without_folders(_environment(method)),
                title=self.title,
            )


def make_entry(
    method: str | type[GroundingMethod] | GroundingMethod,
    *,
    label: str | None = None,
    settings: Mapping[str, Any] | None = None,
    spec: str | None = None,
) -> Entry:
    """A method with its options and the name that tables show.

    Args:
        method: A name or a file, a class, or an instance.
        label: The name that tables show; its own where None.
        settings: Its options by name.
        spec: The name or the file that a class was loaded from.
    """
    spec = method if isinstance(method, str) else spec
    recipe = None if spec is None else Recipe(absolute_spec(spec), dict(settings or {}), place())
    if isinstance(method, GroundingMethod):
        if settings:
            raise GroundCXRError("a method instance has its options already; give its class with settings instead")
        built = method
        check_attributes(built, _name(built))
    else:
        built = build_method(method, settings)
    return Entry(built, label or _name(built), recipe=recipe)


def title_of(text: str) -> str:
    """A name for tables and figures as it is kept: one line; "" where it holds nothing, or no text in UTF-8."""
    title = " ".join(text.split())
    return title if title.encode(errors="replace").decode() == title else ""


def fitting_protocols(entry: Entry, protocols: Sequence[Protocol]) -> list[Protocol]:
    """The protocols that have a metric for what a method answers with.

    Raises:
        GroundCXRError: If none has, or one needs a package that is not installed.
    """
    fitting = [protocol for protocol in protocols if protocol.metrics_for(entry.method.emits)]
    for protocol in fitting:
        protocol.check_installed()
    if not fitting:
        names, emits = ", ".join(protocol.name for protocol in protocols), " and ".join(sorted(entry.method.emits))
        raise GroundCXRError(f"{names} has no metric for a method that answers with {emits}; choose another protocol")
    return fitting


def answers_samples(method: GroundingMethod) -> TypeGuard[ControlMethod]:
    """Whether a method is a control that is shown whole samples, so that its answers are not stored."""
    return is_shown_samples(type(method))


def is_shown_samples(method: type[GroundingMethod]) -> bool:
    """Whether methods of a class are."""
    return issubclass(method, ControlMethod) and not issubclass(method, PhraseControl)


def fitted(entry: Entry, selection: Selection) -> Entry:
    """A control that has seen the ground truth; any other method as it is.

    It learns from the data as they are, whatever the condition: a method learns on plain images too.

    Args:
        entry: The method.
        selection: The run's samples.
    """
    method, dataset, condition = entry.method, selection.dataset, selection.condition
    if not isinstance(method, ControlMethod) or not method.learns:
        return entry
    train = dataset.training_samples(files=opens_files(method))
    reference = tuple(sample for sample in dataset if not sample.negative) if train is None else train
    with told_as_the_methods(method, "fitted"):
        method.fit(reference, held_out=train is not None)
        method.consult(_under(dataset.second_reader, condition) if dataset.has_second_reader else None)
        method.survey(tuple(dataset))
    # What it was fitted on is a part of what it is.
    return replace(entry, fitted_on=dataset.fingerprint(reference))


def _under(
    reader: Callable[[Sample], Sample | None], condition: Alteration | None
) -> Callable[[Sample], Sample | None]:
    """What another reader marked, as it is under a condition."""
    if condition is None:
        return reader

    def read(sample: Sample) -> Sample | None:
        found = reader(sample)
        return None if found is None else condition.sample(found)

    return read


def method_store(root: Path, info: MethodInfo) -> PredictionStore:
    """The part of a store that holds a method's predictions.

    Args:
        root: The store's folder, shared by all methods.
        info: The method in its present state.
    """
    return PredictionStore(root, info.name, info.fingerprint, info.model_dump(exclude={"label", "title"}))


def _environment(method: GroundingMethod) -> dict[str, str] | None:
    """What its answers rest on in another Python; None where they are made in this one."""
    return told_apart(method, lambda one: one.environment()) or None


def _name(method: GroundingMethod) -> str:
    return method.name or type(method).__name__
