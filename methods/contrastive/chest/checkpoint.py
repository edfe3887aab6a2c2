"""Methods whose weights are one checkpoint file of their training, and whose vocabulary comes from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from numpy.typing import NDArray

from ....core import ImageSize, Radiograph, WeightsError
from ....core.fingerprint import digest
from ....core.input_frame import InputFrame
from ....core.paths import user_path
from ...hub import unloadable
from ...marker import NetworkInput
from ...random_weights import drawing, drawn_id, random_weights
from ...repository import Repository, published, read_config
from ...requirements import require_packages
from ..base import ContrastiveMethod

if TYPE_CHECKING:
    import torch

    States = Mapping[str, torch.Tensor]

WEIGHTS_HELP = "the authors' checkpoint file; or random:SEED"


@dataclass(frozen=True)
class CheckpointOptions:
    """Where the weights and the tokenizer come from."""

    weights: str = field(default="", metadata={"help": WEIGHTS_HELP})
    text: str = field(
        default="",
        metadata={
            "help": "configuration and vocabulary of the text encoder: a folder with config.json and vocab.txt, or a "
            "Hugging Face hub id (OWNER/NAME[@REVISION]); empty: the authors'"
        },
    )


class CheckpointMethod(ContrastiveMethod):
    """A method whose option `weights` is a file, or drawn weights, and whose text encoder's vocabulary is elsewhere.

    A subclass says in `build` what networks there are, in `input_pixels` and `placement` what they get of an image, and
    in `maps` how a grid is made, where that is no dot product.

    Attributes:
        checkpoint: The authors' file, for messages.
        sections: Under which names the file holds state dicts; what else it holds is left alone.
        unused: Regular expressions of names in these that the map does not depend on, so that no network has them.
        absent: Regular expressions of names that a file may lack, since they are further names of other tensors.
        usual_text: The hub id that is taken where the option `text` is empty.
    """

    Options: ClassVar[type[Any]] = CheckpointOptions
    requirements: ClassVar[tuple[str, ...]] = ("torch", "torchvision", "transformers")
    checkpoint: ClassVar[str] = ""
    sections: ClassVar[tuple[str, ...]] = ("state_dict",)
    unused: ClassVar[tuple[str, ...]] = ()
    absent: ClassVar[tuple[str, ...]] = ()
    usual_text: ClassVar[str] = ""
    _place: Repository | None = None
    _digest: str | None = None

    def __init__(self, options: Any = None) -> None:
        """Keep the options.

        Raises:
            WeightsError: If no weights are named, or drawn ones with a place.
        """
        super().__init__(options)
        given = self.options.weights
        if not given:
            raise WeightsError(f"method {self.name} needs weights: --set weights=FILE, {self.checkpoint}")
        drawn = random_weights(given)
        if drawn is not None and drawn.place:
            raise WeightsError(
                f"the architecture of {self.name} is known: write weights=random:{drawn.seed} and give the place of "
                "its tokenizer with --set text=PLACE"
            )
        self._seed = None if drawn is None else drawn.seed
        if drawn is not None:
            self.trained_on: tuple[str, ...] = ()
        self._networks: dict[str, Any] = {}

    def build(self, states: Mapping[str, States]) -> dict[str, Any]:
        """The networks with random numbers in them, on the CPU, by section.

        Args:
            states: The file's sections, for what their shapes say of the architecture; empty ones for the published.
        """
        raise NotImplementedError

    def input_pixels(self, image: Radiograph) -> NDArray[Any]:
        """What the network gets of an image, `[h, w]`, but for the scale of its values."""
        raise NotImplementedError

    def placement(self, image_size: ImageSize) -> InputFrame:
        """Where that lies on an image of `image_size`.

        Raises:
            MethodError: If the image is too narrow for it.
        """
        raise NotImplementedError

    def network_input(self, image: Radiograph) -> NetworkInput:
        """What the network gets of an image; for the marker test."""
        return NetworkInput(self.input_pixels(image), self.placement(image.size).box)

    def setup(self, device: str) -> None:
        """Load the tokenizer and the networks, and move them to the device.

        Raises:
            WeightsError: If a file is missing, cannot be loaded, or holds another network.
            MethodError: If a package is missing.
        """
        require_packages(self.name, *self.requirements)
        self._tokenizer = self.tokenizer()
        self._networks = self._loaded() if self._seed is None else self._drawn(self._seed)
        self._device = device
        for network in self._networks.values():
            network.eval().to(device)

    @property
    def file(self) -> Path:
        """The checkpoint file."""
        return user_path(self.options.weights)

    def text_place(self) -> Repository:
        """Where the text encoder's configuration and vocabulary are.

        Raises:
            WeightsError: If they are not there, or cannot be reached.
        """
        if self._place is None:
            self._place = Repository(self.name, self.options.text or self.usual_text, "text", ("config.json",))
        return self._place

    def bert(self) -> Any:
        """The text encoder with random numbers in it, by its configuration.

        Raises:
            WeightsError: If that is no configuration of a BERT, or knows fewer tokens than the tokenizer gives.
        """
        from transformers import BertConfig, BertModel

        path = self.text_place().file("config.json")
        found = read_config(path)
        try:
            bert = BertModel(BertConfig.from_dict(found))
        except Exception as error:  # transformers raises many types for values that it cannot use
            raise unloadable(self.name, f"the text encoder of {path}", error, path.parent) from error
        self.check_tokens(len(self._tokenizer), bert.config.vocab_size)
        return bert

    def check_tokens(self, given: int, known: int) -> None:
        """Raise unless the text encoder knows all tokens that the tokenizer gives.

        Raises:
            WeightsError: If it does not.
        """
        if given > known:
            raise WeightsError(
                f"the tokenizer in {self.options.text or self.usual_text} has {given} tokens, the text encoder knows "
                f"{known}; give the one that belongs to it with --set text="
            )

    def tokenizer(self) -> Any:
        """The tokenizer of the text encoder.

        Raises:
            WeightsError: If it is missing or cannot be loaded.
        """
        from transformers import BertTokenizer

        place = self.text_place()
        place.file("vocab.txt", "tokenizer.json")
        try:
            return BertTokenizer.from_pretrained(place.folder, trust_remote_code=False)
        except Exception as error:  # as above
            raise unloadable(self.name, f"the tokenizer in {place.folder}", error, place.folder) from error

    def weights_fingerprint(self) -> str:
        """SHA-256 over the file's, or the seed, and over what tells the tokenizer from others."""
        if self._digest is None:
            weights = super().weights_fingerprint() if self._seed is None else f"seed {self._seed}"
            self._digest = digest(weights, self.text_identity())
        return self._digest

    def text_identity(self) -> Any:
        """What tells configuration and vocabulary from others."""
        return self.text_place().identity_of_all((".json", ".txt"), weights=False)

    def weights_id(self) -> str | None:
        """The last part of the file's path, or the seed of drawn weights; and the place of the text, where given."""
        weights = super().weights_id() if self._seed is None else drawn_id(self._seed)
        return f"{weights}; text={published(self.options.text)}" if self.options.text else weights

    def options_dict(self) -> dict[str, Any]:
        """None: both options are places, whose content is in `weights_fingerprint`."""
        return {}

    def _loaded(self) -> dict[str, Any]:
        from ...state import load_exactly, read_checkpoint, state_dict

        found = read_checkpoint(self.file)
        for name in self.sections:
            if not isinstance(found, Mapping) or name not in found:
                raise WeightsError(
                    f"{self.file} holds no {name!r}, as checkpoints of {self.name} do; give --set weights=FILE, "
                    f"{self.checkpoint}"
                )
        states = {name: state_dict(found[name], self.file, name) for name in self.sections}
        networks = self.build(states)
        for name, network in networks.items():
            what = f"{self.file} ({name}; the text encoder is that of {self.options.text or self.usual_text})"
            load_exactly(network, states[name], what, unused=self.unused, absent=self.absent)
        return networks

    def _drawn(self, seed: int) -> dict[str, Any]:
        with drawing(seed):
            return self.build({name: {} for name in self.sections})


def depth(state: States, start: str, usual: int) -> int:
    """How many layers a state has under "START.0.", "START.1.", ...; `usual` where it has none.

    At most a hundred, so that a made-up file cannot ask for all the memory there is; the others are then left over.
    """
    found = {name[len(start) + 1 :].partition(".")[0] for name in state if name.startswith(f"{start}.")}
    return min(sum(number.isdigit() for number in found), 100) or usual


def rows(state: States, name: str, usual: int) -> int:
    """The length of a tensor's first axis; `usual` where there is no such tensor, or it is far from usual."""
    found = state[name].shape[0] if name in state and state[name].ndim else 0
    return found if 0 < found <= 16 * usual else usual
