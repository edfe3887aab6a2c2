"""What a browser that has nothing in its cache is sent for the first page of the leaderboard, and for an empty page.

    python benchmarks/cold_load.py RESULTS

Bytes are those of the bodies of responses as they were sent, and of the frames of Streamlit's web socket, of the
leaderboard's as the socket compresses them. The empty page is one of the same version of Streamlit.
"""

from __future__ import annotations

import sys
import tempfile
import zlib
from collections import Counter
from pathlib import Path

from browser import empty_page, leaderboard
from playwright.sync_api import Page, Request, WebSocket

LONGEST = 8
SOCKET = "web socket"


def main(results: Path) -> None:
    """Print the table, and below it what only the leaderboard loads, the largest first."""
    with tempfile.TemporaryDirectory() as folder, empty_page(Path(folder)) as page:
        empty = loaded(page, '[data-testid="stApp"]', compressed=False)
    with leaderboard(results) as page:
        board = loaded(page, ".gx-board", compressed=True)
    print("| cold load | an empty page (kB) | the leaderboard (kB) | more (kB) |\n|---|---:|---:|---:|")
    total, whole = (sum(one.values()) for one in (empty, board))
    for what, nothing, ours in (
        ("files", total - empty[SOCKET], whole - board[SOCKET]),
        (SOCKET, empty[SOCKET], board[SOCKET]),
        ("all", total, whole),
    ):
        print(f"| {what} | {kb(nothing)} | {kb(ours)} | {kb(ours - nothing)} |")
    more = (board - empty).most_common(LONGEST)
    print("\nMost of it: " + ", ".join(f"{name} {kb(count)} kB" for name, count in more) + ".")


def loaded(page: Page, seen: str, *, compressed: bool) -> Counter[str]:
    """Bytes by what they are of: a file's name, or the web socket.

    Args:
        page: A new page.
        seen: A selector of what is there when the page is.
        compressed: Whether the server compresses what goes through the web socket.
    """
    done: list[Request] = []
    sent: Counter[str] = Counter()

    # Browsers tell of frames as they were before; RFC 7692 (permessage-deflate) keeps one window for all of them.
    stream = zlib.compressobj(wbits=-15)

    def count(frame: bytes | str) -> None:
        content = frame if isinstance(frame, bytes) else frame.encode()
        if compressed:
            content = stream.compress(content) + stream.flush(zlib.Z_SYNC_FLUSH)
        sent[SOCKET] += len(content)

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", count)

    page.on("requestfinished", lambda request: done.append(request))
    page.on("websocket", listen)
    page.goto("/")
    page.wait_for_selector(seen)
    page.wait_for_selector('[data-testid="stStatusWidget"]', state="detached")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(2000)
    for request in done:
        sent[request.url.rsplit("/", 1)[-1] or "/"] += request.sizes()["responseBodySize"]
    return sent


def kb(count: int) -> str:
    """Bytes as kB, of 1,000."""
    return f"{count / 1000:,.0f}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
