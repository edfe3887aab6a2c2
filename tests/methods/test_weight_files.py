"""Files of weights that have their full length and not their content."""

import pytest
import torch
from safetensors.torch import save_file

from groundcxr.core import WeightsError
from groundcxr.methods.state import read_weights

WEIGHTS = {f"layer.{number}.weight": torch.randn(40, 50) for number in range(4)}


def test_a_file_whose_end_was_never_fetched_is_refused(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file(WEIGHTS, path)
    whole = path.read_bytes()
    for missing in (0.5, 0.2):
        zeros = int(len(whole) * missing)
        path.write_bytes(whole[:-zeros] + bytes(zeros))
        with pytest.raises(WeightsError, match=rf"its last {zeros:,} bytes are zeros, as of a download"):
            read_weights(path)
    # A bias may well be zero.
    save_file({**WEIGHTS, "layer.4.bias": torch.zeros(50)}, path)
    assert not read_weights(path)["layer.4.bias"].any()


def test_a_hole_in_an_archive_of_torch_is_found(tmp_path):
    path = tmp_path / "model.pt"
    torch.save(WEIGHTS, path)
    whole = path.read_bytes()
    middle = len(whole) // 2
    path.write_bytes(whole[:middle] + bytes(100) + whole[middle + 100 :])
    with pytest.raises(WeightsError, match=r"model\.pt cannot be read as weights: its part model/data/\d is damaged"):
        read_weights(path)
    path.write_bytes(whole[:middle])
    with pytest.raises(WeightsError, match="it ends too early; get the file again"):
        read_weights(path)


def test_an_archive_without_checksums_is_read(tmp_path):
    torch.serialization.set_crc32_options(False)
    try:
        torch.save(WEIGHTS, tmp_path / "model.pt")
    finally:
        torch.serialization.set_crc32_options(True)
    assert read_weights(tmp_path / "model.pt").keys() == WEIGHTS.keys()
