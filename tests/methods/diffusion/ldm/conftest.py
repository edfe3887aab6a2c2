"""Tiny latent diffusion models on disk, built once."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

STORED = Path(__file__).parents[3] / "data" / "ldm_tiny"


def _load_tiny():
    path = Path(__file__).with_name("tiny.py")
    spec = importlib.util.spec_from_file_location("groundcxr_tests_ldm_tiny", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def tiny_models():
    """The module `tiny.py`, which importlib mode keeps from being imported by name."""
    return _load_tiny()


@pytest.fixture(scope="session")
def sd_folder(tiny_models, tmp_path_factory) -> Path:
    """A pipeline like Stable Diffusion 1.x with a CLIP text encoder."""
    return tiny_models.save_sd_pipeline(tmp_path_factory.mktemp("sd"))


@pytest.fixture(scope="session")
def cxr_bert_folder(tiny_models, tmp_path_factory) -> Path:
    """A pipeline with a CXR-BERT text encoder."""
    return tiny_models.save_cxr_bert_pipeline(tmp_path_factory.mktemp("cxr-bert"))


@pytest.fixture(scope="session")
def monai_folder(tiny_models, tmp_path_factory) -> Path:
    """MONAI's files with a configuration and a CLIP text encoder; `weights` is "monai:" and the folder."""
    return tiny_models.save_monai(tmp_path_factory.mktemp("monai"))


@pytest.fixture(scope="session")
def stored_autoencoder(tmp_path_factory) -> Path:
    """The file of the public code's run: its encoder, and zeros for the decoder, which no map depends on."""
    shapes = json.loads((STORED / "decoder_shapes.json").read_text())
    path = tmp_path_factory.mktemp("stored") / "autoencoder.safetensors"
    decoder = {name: torch.zeros(shape) for name, shape in shapes.items()}
    save_file(load_file(STORED / "encoder.safetensors") | decoder, path)
    return path
