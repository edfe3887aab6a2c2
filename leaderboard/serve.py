"""Starts the app in Streamlit with the leaderboard's own configuration and no other.

By itself Streamlit also reads `.streamlit/` of the folder that it is started from, which may be hidden in results that
were downloaded, that of the user's home, and a variable STREAMLIT_* for every option. Any of them can let every web
page in, or name fonts at another address. And to judge where a request comes from it asks other machines for this
one's address.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..core.cache import ENVIRONMENT as CACHE
from ..core.paths import user_path

HERE = Path(__file__).resolve().parent
ADDRESS = "STREAMLIT_SERVER_ADDRESS"
"""The one variable of Streamlit that counts: where the server listens, if not on this machine alone."""

_LOCAL = "localhost"
_LOCAL_HOSTS = (_LOCAL, "127.0.0.1", "::1")
_EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  (compared with, not listened on)


def command(port: int, arguments: Sequence[str]) -> list[str]:
    """The command line of the server.

    Args:
        port: Where it listens.
        arguments: Of the app, with absolute paths, since the server runs in the app's folder.
    """
    # -P keeps the folder that this is called from off sys.path, where our datasets/ would be a package of its own.
    return [sys.executable, "-P", "-m", "groundcxr.leaderboard.serve", str(port), *arguments]


def url(port: int) -> str:
    """Where a browser on this machine finds the server."""
    address = os.environ.get(ADDRESS) or _LOCAL
    host = _LOCAL if address in _EVERYWHERE else f"[{address}]" if ":" in address else address
    return f"http://{host}:{port}"


def main() -> None:
    """Run the server until it is stopped."""
    port, *arguments = sys.argv[1:]
    address = os.environ.get(ADDRESS)
    _forget_surroundings()
    from streamlit.web import cli

    read_own_configuration()
    ask_nobody()
    # What the first page needs is imported before anybody waits for it.
    importlib.import_module(".views.board", __package__)
    cli.main(["run", str(HERE / "app.py"), *_flags(port, address), "--", *arguments], prog_name="streamlit")


def read_own_configuration() -> None:
    """Let Streamlit find no configuration and no secrets but those beside the app."""
    from streamlit import config

    config.get_config_files = lambda file_name: [str(HERE / ".streamlit" / file_name)]


def ask_nobody() -> None:
    """Let Streamlit do without this machine's addresses: pages are asked for by the host they came from."""
    from streamlit import net_util

    net_util.get_internal_ip = net_util.get_external_ip = lambda: None


def _forget_surroundings() -> None:
    for name in [name for name in os.environ if name.startswith("STREAMLIT_")]:
        del os.environ[name]
    if os.environ.get(CACHE):
        os.environ[CACHE] = str(user_path(os.environ[CACHE]).absolute())
    os.chdir(HERE)


def _flags(port: str, address: str | None) -> list[str]:
    """What safety rests on, said where neither a file nor a variable could take it back."""
    flags = {
        "server.port": port,
        "server.address": address or _LOCAL,
        "server.headless": "true",
        "server.enableCORS": "true",
        "server.enableXsrfProtection": "true",
        "server.enableStaticServing": "false",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
        "client.showErrorDetails": "none",
        "global.developmentMode": "false",
        # What stands first may be another under another metric.
        "global.disableWidgetStateDuplicationWarning": "true",
        "logger.hideWelcomeMessage": "true",
        "logger.level": "warning",
    }
    # Another name for this machine would be a web page's that has its own name point here. Who opens the server to
    # others has names for it that are not known here.
    hosts = [] if address else [f"--server.allowedHosts={host}" for host in _LOCAL_HOSTS]
    return [*(f"--{option}={value}" for option, value in flags.items()), *hosts]


if __name__ == "__main__":
    main()
