"""The one place that says how to install what is missing.

Nothing tells a user to install ``groundcxr[...]`` from a package index, where it is not: what is named is the package
itself, at the versions that the installed groundcxr asks for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires

_NAME = re.compile(r"[\w.-]+(?:\[[\w,.-]+\])?")


def install_step(*packages: str) -> str:
    """The command that installs packages, such as "pip install 'open-clip-torch>=3.0'".

    Args:
        packages: Names as on the package index, with extras where they are meant: "pylibjpeg[all]".
    """
    return "pip install " + " ".join(f"'{package}'" for package in with_versions(packages))


def with_versions(packages: Iterable[str]) -> list[str]:
    """Packages as requirements, at the versions that the installed groundcxr asks for where it knows them."""
    return [_required(package) for package in packages]


def _required(package: str) -> str:
    """A package with the versions that this installation's own requirements state, where they state any."""
    try:
        stated = requires("groundcxr") or []
    except PackageNotFoundError:
        stated = []
    for requirement in stated:
        found = _NAME.match(requirement)
        if found and found[0].partition("[")[0].lower() == package.partition("[")[0].lower():
            versions = requirement[found.end() :].partition(";")[0].replace(" ", "")
            return package + versions.strip("()")
    return package
