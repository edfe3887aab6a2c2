"""What a checkpoint file must hold, what it must not do, and what tells it from others."""

import pickle
import shutil

import pytest
import torch

from groundcxr.core import WeightsError
from groundcxr.core.seen import seen
from groundcxr.methods import state
from groundcxr.methods.loading import build_method

NAMES = ("gloria", "carzero", "afloc", "kad", "maco")


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (open, (str(self.target), "w"))


def bare(name, folder, case, **options):
    """A method that is not set up, with a checkpoint that is not there yet."""
    return build_method(name, {"weights": str(folder / "x.pt"), "text": str(case(name).text), **options})


@pytest.mark.parametrize("name", NAMES)
def test_a_malicious_file_is_refused_and_writes_nothing(name, case, tmp_path):
    target = tmp_path / "written"
    content = {
        "kad": {"image_encoder": {"w": torch.zeros(1)}, "text_encoder": Evil(target), "model": {}},
        "maco": {"model": {"cls_token": Evil(target)}},
    }.get(name, {"state_dict": {"w": torch.zeros(1)}, "hyper_parameters": Evil(target)})
    torch.save(content, tmp_path / "x.pt")
    with pytest.raises(WeightsError, match=r"asks to run code, .*open"):
        bare(name, tmp_path, case).setup("cpu")
    assert not target.exists()


def test_an_old_pickle_is_refused_and_writes_nothing(case, tmp_path):
    (tmp_path / "x.pt").write_bytes(pickle.dumps({"state_dict": Evil(tmp_path / "written")}, protocol=2))
    with pytest.raises(WeightsError, match="cannot be read as weights"):
        bare("gloria", tmp_path, case).setup("cpu")
    assert not (tmp_path / "written").exists()


@pytest.mark.parametrize(
    ("name", "section", "change", "said"),
    [
        (
            "gloria",
            "state_dict",
            ("gloria.img_encoder.model.conv1.weight", None),
            r"lacks gloria\.img_encoder\.model\.c",
        ),
        ("gloria", "state_dict", ("gloria.other.weight", torch.zeros(2)), r"holds gloria\.other\.weight, which the"),
        ("gloria", "state_dict", ("discriminator", torch.zeros(2)), "holds discriminator, which the network"),
        ("kad", "image_encoder", ("resnet.layer9.weight", torch.zeros(2)), r"\(image_encoder; .*holds resnet\.layer9"),
        ("kad", "model", ("decoder.layers.3.norm3.bias", None), r"\(model; .* lacks decoder\.layers\.3\.norm3\.bias"),
        ("maco", "model", ("img_mlp.weight", torch.zeros(768, 384)), r"has img_mlp\.weight in another shape"),
        ("maco", "model", ("decoder_blocks.0.evil.weight", torch.zeros(2)), r"holds decoder_blocks\.0\.evil\.weight"),
    ],
)
def test_keys_that_do_not_fit_are_refused_by_name(name, section, change, said, case, contents, monkeypatch):
    found = {key: dict(part) for key, part in contents(name).items()}
    if change[1] is None:
        del found[section][change[0]]
    else:
        found[section][change[0]] = change[1]
    monkeypatch.setattr(state, "read_checkpoint", lambda path: found)
    with pytest.raises(WeightsError, match=said):
        bare(name, case(name).folder, case).setup("cpu")


def test_a_checkpoint_of_another_method_is_refused(case, tmp_path):
    torch.save({"state_dict": {"w": torch.zeros(1)}}, tmp_path / "x.pt")
    with pytest.raises(WeightsError, match="holds no 'image_encoder', as checkpoints of kad do; give --set weights="):
        bare("kad", tmp_path, case).setup("cpu")


def test_a_tokenizer_of_another_encoder_is_refused(case, tmp_path):
    text = shutil.copytree(case("gloria").text, tmp_path / "text")
    with (text / "vocab.txt").open("a") as file:
        file.write("further\n")
    method = build_method("gloria", {"weights": "random:0", "text": str(text)})
    with pytest.raises(WeightsError, match="has 118 tokens, the text encoder knows 117; give the one that belongs"):
        method.setup("cpu")
    (text / "vocab.txt").unlink()
    method = build_method("gloria", {"weights": "random:0", "text": str(text)})
    with pytest.raises(WeightsError, match=r"finds no vocab\.txt or tokenizer\.json in the folder"):
        method.setup("cpu")


def test_drawn_weights_depend_on_their_seed_alone(case):
    image = case("gloria").images()[0]
    maps = []
    for number, seed in enumerate((1, 1, 2)):
        method = build_method("gloria", {"weights": f"random:{seed}", "text": str(case("gloria").text)})
        torch.manual_seed(number)
        method.setup("cpu")
        maps.append(method.ground(image, ["left effusion"])[0].heatmap.values)
    assert (maps[0] == maps[1]).all()
    assert (maps[0] != maps[2]).any()
    assert method.trained_on == ()
    assert method.weights_id() == f"random:2 (drawn); text=local copy {case('gloria').text.name}"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["carzero", "afloc", "kad", "maco"])
def test_drawn_weights_have_the_published_architecture(name, case):
    method = build_method(name, {"weights": "random:1", "text": str(case(name).text)})
    method.setup("cpu")
    (answer,) = method.ground(case(name).images()[0], case(name).facts["phrases"][:1])
    assert answer.heatmap.values.std() > 0
    if name in ("carzero", "maco"):
        image = method.part("img_encoder").model if name == "carzero" else method._networks["model"]
        assert len(image.blocks) == 12
        assert sum(value.numel() for value in image.blocks.parameters()) == 12 * 7_087_872


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ("", "method carzero needs weights: --set weights=FILE, CARZero_best_model.ckpt"),
        ("random:1:other", "the architecture of carzero is known: write weights=random:1 and give the place"),
    ],
)
def test_weights_that_say_too_little_or_too_much(weights, said):
    with pytest.raises(WeightsError, match=said):
        build_method("carzero", {"weights": weights})


def test_maco_says_what_tokenizer_it_lacks(tmp_path):
    with pytest.raises(WeightsError, match=r"needs its tokenizer: --set text=FILE, mimic_wordpiece\.json"):
        build_method("maco", {"weights": "random:1"}).setup("cpu")
    with pytest.raises(WeightsError, match=r"finds no tokenizer .*gone\.json"):
        build_method("maco", {"weights": "random:1", "text": str(tmp_path / "gone.json")}).setup("cpu")


@pytest.mark.parametrize("name", ["gloria", "maco"])
def test_the_fingerprint_is_that_of_the_contents(name, case, tmp_path):
    def fingerprint(weights=b"one", moved="here", word=""):
        folder = tmp_path / moved / weights.decode() / (word or "none")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "x.pt").write_bytes(weights)
        place = case(name).text
        text = folder / place.name
        shutil.copytree(place, text, dirs_exist_ok=True) if place.is_dir() else shutil.copy(place, text)
        with (text / "vocab.txt" if place.is_dir() else text).open("a") as file:
            file.write(word)
        method = build_method(name, {"weights": str(folder / "x.pt"), "text": str(text)})
        assert method.weights_id() == f"local copy x.pt; text=local copy {text.name}"
        assert method.options_dict() == {}
        return method.fingerprint()

    assert fingerprint() == fingerprint(moved="there")
    assert len({fingerprint(), fingerprint(weights=b"two"), fingerprint(word="\n")}) == 3


@pytest.mark.parametrize(("name", "has"), [(name, name != "gloria") for name in NAMES])
def test_who_has_seen_the_images_of_ms_cxr(name, has, case, tmp_path):
    assert bool(seen(bare(name, tmp_path, case, weights="weights.pt").trained_on, "ms-cxr")) == has
