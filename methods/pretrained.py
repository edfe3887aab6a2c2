"""Methods whose weights are one folder or hub repository in the layout of transformers; nothing half-loaded passes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from ..core import WeightsError
from ..core.fingerprint import digest
from .base import GroundingMethod
from .hub import unloadable
from .random_weights import drawing, drawn_id, random_weights
from .repository import Repository, read_config

_ANY_PHRASE = "left pleural effusion"
_SMALL = (".json", ".txt", ".model", ".jinja")


class PretrainedMethod(GroundingMethod):
    """A method whose option `weights` is a folder, a hub id ("owner/name", "owner/name@revision") or drawn weights.

    Attributes:
        usual: The hub id that is taken where the option is empty; "" where the user must give one.
        content: What the folder must hold, for messages.
    """

    usual: ClassVar[str] = ""
    content: ClassVar[str] = "a model as save_pretrained writes it: config.json, model.safetensors and its processor"
    _repository: Repository | None = None

    def __init__(self, options: Any = None) -> None:
        """Keep the options.

        Raises:
            WeightsError: If no weights are named, and there are no usual ones.
        """
        super().__init__(options)
        drawn = random_weights(self.options.weights)
        self.weights: str | None = self.options.weights or self.usual or None
        self._seed = None if drawn is None else drawn.seed
        self._place = (self.options.weights if drawn is None else drawn.place) or self.usual
        if not self._place:
            form = "random:SEED:PLACE" if drawn is not None else "FOLDER or weights=OWNER/NAME"
            raise WeightsError(f"method {self.name} needs weights: --set weights={form}, {self.content}")
        if drawn is not None:
            self.trained_on: tuple[str, ...] = ()

    def repository(self) -> Repository:
        """Where the files are; the small ones of a hub repository are fetched.

        Raises:
            WeightsError: If it is not there, or cannot be reached.
        """
        if self._repository is None:
            self._repository = Repository(self.name, self._place, "weights", ("config.json",))
        return self._repository

    def load(self, model_class: Any, *, unused: Sequence[str] = (), absent: Sequence[str] = (), **settings: Any) -> Any:
        """A network with its weights, or with drawn ones, on the CPU and in evaluation mode.

        Args:
            model_class: A class of transformers, or one of its Auto classes.
            unused: Regular expressions of names in the file that the network need not have a place for.
            absent: Regular expressions of names that the file need not hold, since no answer depends on them.
            settings: What `from_pretrained` and `from_config` take both, such as ``dtype``.

        Raises:
            WeightsError: If a weight is missing, left over, of another shape, quantised or not finite, or the files
                cannot be loaded.
        """
        repository = self.repository()
        try:
            if self._seed is not None:
                return self._drawn(model_class, repository.folder, self._seed, settings)
            from .weight_files import check_files, check_values

            files = repository.weights()
            what = f"the model in {files[0]}"
            check_files(files, what)
            with quietly():
                # Shapes that differ are said by `check_loaded`, by name.
                model, report = model_class.from_pretrained(
                    repository.folder,
                    output_loading_info=True,
                    ignore_mismatched_sizes=True,
                    trust_remote_code=False,
                    **settings,
                )
        except WeightsError:
            raise
        except Exception as error:  # transformers raises many types for files that are damaged or of another model
            raise unloadable(self.name, f"the model in {self.place()}", error, repository.folder) from error
        check_loaded(report, what, unused=unused, absent=absent)
        check_values(model, what)
        return model.eval()

    def processor(self, processor_class: Any, **settings: Any) -> Any:
        """A processor, tokenizer or image processor of the same place.

        Raises:
            WeightsError: If its files are missing or cannot be loaded.
        """
        self.config()  # one that is damaged is named before transformers stumbles over it
        folder = self.repository().folder
        try:
            found = processor_class.from_pretrained(folder, trust_remote_code=False, **settings)
        except Exception as error:  # as above
            raise unloadable(self.name, f"the processor in {self.place()}", error, folder) from error
        tokenizer = getattr(found, "tokenizer", found)
        # Without its vocabulary transformers 5 makes a tokenizer of special tokens alone, and says nothing.
        special = getattr(tokenizer, "all_special_tokens", None)
        if special is not None and len(tokenizer) <= len(special):
            raise WeightsError(
                f"the tokenizer in {self.place()} knows no words; its vocabulary is missing: get tokenizer.json, "
                "vocab.txt, or vocab.json and merges.txt"
            )
        return found

    @property
    def seed(self) -> int | None:
        """The seed of drawn weights; None where they are trained ones."""
        return self._seed

    def place(self) -> str:
        """The place of the files, for messages."""
        return str(self._place)

    def config(self) -> dict[str, Any]:
        """The model's configuration, as it lies there."""
        return read_config(self.repository().file("config.json"))

    def require_type(self, wanted: str) -> None:
        """Raise unless the configuration is of this `model_type`, before other files are found to be strange.

        Raises:
            WeightsError: If it is of another, or cannot be read.
        """
        found = self.config().get("model_type")
        if found != wanted:
            raise WeightsError(
                f"the configuration in {self.place()} is of the type {found}, and method {self.name} needs {wanted}; "
                "give the weights of such a model"
            )

    def weights_fingerprint(self) -> str:
        """A hub repository's commit, or the SHA-256 of a folder's files; with the seed of drawn weights."""
        if self._weights_digest is None:
            found = self.repository().identity_of_all(_SMALL, weights=self._seed is None)
            self._weights_digest = digest(found, self._seed) if self._seed is not None else digest(found)
        return self._weights_digest

    def weights_id(self) -> str | None:
        """The weights' name for publication: a hub id with its revision, of a folder the last part only."""
        name = self.repository().name()
        return name if self._seed is None else drawn_id(self._seed, name)

    def declared_places(self) -> list[Path]:
        """The folder of the weights, and what other options name."""
        folder = self.repository().local_folder()
        return [*([folder] if folder is not None else []), *super().declared_places()]

    def _local_weights(self) -> Path | None:
        return self.repository().local_folder()

    def _drawn(self, model_class: Any, folder: Path, seed: int, settings: Mapping[str, Any]) -> Any:
        from transformers import AutoConfig

        found = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        build = getattr(model_class, "from_config", None) or model_class._from_config
        with drawing(seed):
            return build(found, **settings).eval()


@contextmanager
def quietly() -> Iterator[None]:
    """Within it transformers prints no report and draws no bar: nobody reads those who scores a thousand phrases."""
    from transformers.utils import logging

    before, shown = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if shown:
            logging.enable_progress_bar()


def require_end(tokenizer: Any, text_config: Any, place: str) -> None:
    """Raise unless a text tower of CLIP takes a text's embedding from the last token that the tokenizer gives.

    It takes that of the first token called `eos_token_id`, and of the very first token where there is none, whose
    states know nothing of the text: all phrases would have one map. Where the number is 2, as old configurations
    wrongly have it, it takes the highest token's.

    Args:
        tokenizer: The tokenizer.
        text_config: The tower's configuration.
        place: Where both lie, for messages.

    Raises:
        WeightsError: If it takes another.
    """
    ids, wanted = tokenizer(_ANY_PHRASE)["input_ids"], text_config.eos_token_id
    end = max(ids) if wanted == 2 else wanted
    if end not in ids or ids.index(end) != len(ids) - 1:
        raise WeightsError(
            f"the tokenizer in {place} ends a text with token {ids[-1]}, and the model's configuration takes a text's "
            f"embedding from token {end} (eos_token_id {wanted}); give the tokenizer and the model that belong together"
        )


def check_loaded(
    report: Mapping[str, Any], what: str, *, unused: Sequence[str] = (), absent: Sequence[str] = ()
) -> None:
    """Raise unless all weights of a network came from its file, and all of the file went into the network.

    Args:
        report: The loading info of `from_pretrained`, of transformers or diffusers.
        what: How messages call the network: "the model in FILE".
        unused: Regular expressions of names in the file that may be left over.
        absent: Regular expressions of names that may be missing.

    Raises:
        WeightsError: Naming the first that is not right, and how many more there are.
    """
    kinds = (
        ("missing_keys", absent, "lacks {}", "what lacks would be random numbers"),
        ("unexpected_keys", unused, "holds {}, which the network has no place for", "it is of another architecture"),
        ("mismatched_keys", (), "has {} in another shape than its configuration says", "it would be random numbers"),
    )
    for kind, allowed, said, why in kinds:
        names = [entry if isinstance(entry, str) else str(entry[0]) for entry in report.get(kind) or ()]
        wrong = sorted(name for name in names if not any(re.search(pattern, name) for pattern in allowed))
        if wrong:
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            raise WeightsError(
                f"{what} {said.format(wrong[0] + more)}; {why}: give the weights and the configuration that belong "
                "together"
            )
