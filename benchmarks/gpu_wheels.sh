#!/usr/bin/env bash
# Fetches what groundcxr needs and a GPU machine with PyTorch, torchvision, transformers, timm and pandas has not.
#
#     bash benchmarks/gpu_wheels.sh FOLDER [PYTHON-VERSION]
#
# For Linux on x86-64 and Python 3.12, unless another version is named. Versions are those of the environment that this
# is run in, so that both devices run the same code; hi-ml-multimodal comes without its heavy needs.
set -euo pipefail
[ $# -ge 1 ] || { echo "gpu_wheels.sh: name the FOLDER for the wheels" >&2; exit 2; }
folder=$1 version=${2:-3.12}
mkdir -p "$folder"
names="annotated-types diffusers ftfy hi-ml-multimodal importlib_metadata open_clip_torch platformdirs pydantic
    pydantic_core pydicom typing-inspection wcwidth"
platforms=
for number in 28 27 24 17; do platforms="$platforms --platform manylinux_2_${number}_x86_64"; done
pinned=$(python3 - $names <<'PYTHON'
import sys
from importlib.metadata import version
print(*(f"{name}=={version(name)}" for name in sys.argv[1:]))
PYTHON
)
python3 -m pip download -q --no-deps --only-binary=:all: --python-version "$version" --implementation cp \
    $platforms --platform manylinux2014_x86_64 --platform manylinux1_x86_64 -d "$folder" $pinned
du -ch "$folder"/*.whl
