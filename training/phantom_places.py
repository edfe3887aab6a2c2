"""Make the phantom's table of places that comes with the package, `core/phantom_places.json`."""

from __future__ import annotations

from pathlib import Path

import groundcxr
from groundcxr.datasets.phantom.places import phantom_places

if __name__ == "__main__":
    (Path(groundcxr.__file__).parent / "core" / "phantom_places.json").write_text(phantom_places().to_json())
