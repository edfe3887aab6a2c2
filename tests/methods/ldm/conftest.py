"""Tiny latent diffusion models on disk, built once."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


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
