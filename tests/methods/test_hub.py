"""Weights from the hub's cache, checked against what was published; clear words where they cannot be had."""

import hashlib
import subprocess
import sys

import pytest

from groundcxr.core import GroundCXRError, MethodError, WeightsError
from groundcxr.methods.contrastive.biovil import BioViL
from groundcxr.methods.contrastive.clip.open_clip_models import OpenClipSource
from groundcxr.methods.hub import HubFiles
from groundcxr.methods.repository import Repository
from groundcxr.methods.requirements import require_packages

CONTENT = b"weights"
REPO = HubFiles(
    "someone/model",
    "v2",
    (("weights.pt",), ("model.safetensors", "pytorch_model.bin")),
    ("vocab.txt",),
    {"weights.pt": f"md5:{hashlib.md5(CONTENT).hexdigest()}"},
)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An offline hub cache that holds one revision of `someone/model`; answers with its snapshot folder."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    model = tmp_path / "models--someone--model"
    commit = "0123456789abcdef0123456789abcdef01234567"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "v2").write_text(commit)
    folder = model / "snapshots" / commit
    folder.mkdir(parents=True)
    for name in ("weights.pt", "pytorch_model.bin"):
        (folder / name).write_bytes(CONTENT)
    return folder


def test_cached_files_are_found_and_checked(cache):
    assert REPO.fetch("demo").samefile(cache)
    (cache / "weights.pt").write_bytes(b"something else")
    with pytest.raises(WeightsError, match=r"weights.pt is not the file that someone/model published.*delete it"):
        REPO.fetch("demo")


def test_a_file_that_the_cache_lacks_is_named(cache):
    (cache / "pytorch_model.bin").unlink()
    with pytest.raises(WeightsError, match=r"cache lacks model.safetensors or pytorch_model.bin") as caught:
        REPO.fetch("demo")
    for part in ("method demo", "someone/model@v2", "--set weights=DIR"):
        assert part in str(caught.value)


def test_an_unreachable_hub_names_file_repository_and_option(cache):
    with pytest.raises(WeightsError) as caught:
        BioViL().setup("cpu")
    message = str(caught.value)
    for part in (
        "biovil_image_resnet50_proj_size_128.pt",
        "microsoft/BiomedVLP-CXR-BERT-specialized@v1.1",
        "--set weights=DIR",
    ):
        assert part in message
    assert "\n" not in message


def test_a_local_copy_is_not_held_to_the_published_checksum(tmp_path):
    # Weights of one's own are allowed; their content names them.
    for name in ("weights.pt", "model.safetensors"):
        (tmp_path / name).write_bytes(b"my own")
    assert REPO.local(str(tmp_path), "demo") == tmp_path
    before = REPO.folder_digest(tmp_path)
    (tmp_path / "notes.md").write_text("x")
    assert REPO.folder_digest(tmp_path) == before
    (tmp_path / "vocab.txt").write_text("x")
    assert REPO.folder_digest(tmp_path) != before


@pytest.mark.parametrize(
    "read",
    [
        lambda place: REPO.local(place, "demo"),
        lambda place: OpenClipSource.parse(f"local-dir:{place}"),
        lambda place: OpenClipSource.parse("any", place),
    ],
)
def test_a_home_folder_that_is_not_there_is_told_in_a_sentence(read):
    with pytest.raises(GroundCXRError, match="no user 'nosuchuser' with a home folder"):
        read("~nosuchuser/w")


def test_fingerprints_tell_revisions_and_checksums_apart():
    other = HubFiles("someone/model", "v3", REPO.required, checksums=REPO.checksums)
    assert REPO.fingerprint() == "someone/model@v2+md5:" + hashlib.md5(CONTENT).hexdigest()
    assert other.fingerprint() != REPO.fingerprint()


@pytest.mark.parametrize(("absent", "package"), [("torch", "torch"), ("open_clip", "open-clip-torch")])
def test_a_missing_package_is_named(absent, package, monkeypatch):
    monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(
        MethodError, match=rf"method demo needs the package {package}; .*pip install '{package}>=[\d.]+'$"
    ):
        require_packages("demo", "numpy", package)


def test_all_missing_packages_are_installed_by_one_command(monkeypatch):
    for absent in ("torch", "open_clip"):
        monkeypatch.setitem(sys.modules, absent, None)
    with pytest.raises(
        MethodError, match=r"needs the package torch; .*pip install 'torch>=\S+' 'open-clip-torch>=\S+'$"
    ):
        require_packages("demo", "torch", "numpy", "open-clip-torch")


def test_a_method_may_ask_for_a_newer_package_than_groundcxr():
    require_packages("demo", "numpy>=1", "packaging")
    with pytest.raises(
        MethodError, match=r"method demo needs numpy>=99 \(.* is installed here\); .*pip install 'numpy>=99'"
    ):
        require_packages("demo", "numpy>=99")


def test_contrastive_methods_are_listed_without_their_packages():
    code = (
        "import sys\n"
        "for name in ('torch', 'open_clip', 'health_multimodal', 'transformers', 'huggingface_hub', 'scipy'):\n"
        "    sys.modules[name] = None\n"
        "from groundcxr.methods import METHODS\n"
        "for name in ('biovil', 'biovil-t', 'clip'):\n"
        "    method = METHODS.get(name)()\n"
        "    print(method.kind, sorted(method.emits), method.weights_id(), method.weights_fingerprint())\n"
        "    try:\n"
        "        method.setup('cpu')\n"
        "    except Exception as error:\n"
        "        print(type(error).__name__, error)\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    lines = found.stdout.splitlines()
    assert len(lines) == 6, found.stdout
    for line in lines[::2]:
        assert line.startswith("contrastive ['heatmap'] ")
    for name, line in zip(("biovil", "biovil-t", "clip"), lines[1::2], strict=True):
        # By its own name: groundcxr[models] is on no package index.
        assert line.startswith(
            f"MethodError method {name} needs the package torch; install it with: pip install 'torch>="
        )


def test_of_a_model_at_the_top_of_a_repository_no_folder_is_fetched(monkeypatch, tmp_path):
    # RadZero's holds the reports that it was trained on beside the model, as JSON below data/.
    asked = []

    def snapshot_download(repo_id, *, ignore_patterns=None, **_):
        asked.append(ignore_patterns)
        (tmp_path / "config.json").write_text("{}")
        (tmp_path / "unet").mkdir(exist_ok=True)
        (tmp_path / "unet" / "config.json").write_text("{}")
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    Repository("demo", "someone/model", "weights", ("config.json",))
    Repository("demo", "someone/model", "weights", ("unet/config.json",))
    assert asked == [["*/*"], None]
