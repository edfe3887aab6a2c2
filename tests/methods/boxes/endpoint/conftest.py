"""A server on loopback that speaks as much of OpenAI's chat API as a test wants, or anything else."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from groundcxr.methods.boxes import server as server_module

CUT, HANG, DIE = "cut", "hang", "die"


def chat(text, *, logprobs=(), model="tiny", finish_reason="stop"):
    """An answer as vLLM gives it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish_reason}
    if logprobs:
        choice["logprobs"] = {"content": [{"token": "a", "logprob": value} for value in logprobs]}
    return 200, {"id": "chatcmpl-1", "object": "chat.completion", "model": model, "choices": [choice]}


class FakeServer:
    """Answers each chat request with what `answer(number, body)` returns, a status and a body, and notes them all.

    A body is JSON-ready, or bytes as they are; (status, body, headers) adds headers. CUT breaks the connection off in
    the middle of an answer, HANG answers when the test is over, DIE ends the server.
    """

    def __init__(self):
        self.answer = lambda number, body: chat("nothing")
        self.gets = {"/v1/models": (200, {"object": "list", "data": [{"id": "tiny", "owned_by": "vllm"}]})}
        self.asked, self.looked_up, self.keys = [], [], []
        self.at_once = self.most_at_once = 0
        self.over = threading.Event()
        self._lock = threading.Lock()
        self._http = None
        self.start(0)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self, port=None):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.looked_up.append(self.path)
                self.reply(*outer.gets.get(self.path, (404, {"detail": "Not Found"})))

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with outer._lock:
                    outer.asked.append(body)
                    outer.keys.append(self.headers.get("Authorization"))
                    number = len(outer.asked)
                    outer.at_once += 1
                    outer.most_at_once = max(outer.most_at_once, outer.at_once)
                try:
                    found = outer.answer(number, body)
                finally:
                    with outer._lock:
                        outer.at_once -= 1
                if found == HANG:
                    outer.over.wait(30)
                elif found == DIE:
                    outer.stop()
                elif found == CUT:
                    self.send_response(200)
                    self.send_header("Content-Length", "1000")
                    self.end_headers()
                    self.wfile.write(b'{"choices": [')
                else:
                    self.reply(*found)

            def reply(self, status, body, headers=()):
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                for name, value in dict(headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_):
                pass

        class Quiet(ThreadingHTTPServer):
            request_queue_size = 64

            def handle_error(self, *_):
                pass

        self._http = Quiet(("127.0.0.1", self.port if port is None else port), Handler)
        self.port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.005,), daemon=True).start()

    def stop(self):
        """End it: whoever connects is refused."""
        with self._lock:
            http, self._http = self._http, None
        if http is not None:
            http.shutdown()
            http.server_close()


@pytest.fixture
def fake():
    server = FakeServer()
    yield server
    server.over.set()
    server.stop()


@pytest.fixture
def waits(monkeypatch):
    """The waits between tries, which take no time here."""
    noted = []

    async def sleep(seconds):
        noted.append(seconds)

    monkeypatch.setattr(server_module, "sleep", sleep)
    return noted


@pytest.fixture
def says():
    """How an answer looks, and the three ways to give none."""
    chat.CUT, chat.HANG, chat.DIE = CUT, HANG, DIE
    return chat
