"""A server that speaks OpenAI's chat API, asked many questions at once, and again where that may help.

By httpx rather than by the openai client: one kind of request is asked, whose retries, waits, redirects and proxies are
ours to decide, and that client is a layer over httpx of which nothing else would be used.
"""

from __future__ import annotations

import asyncio
import json
import math
import ssl
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from ...core import GoneError, MethodError
from ...core.errors import said
from ...core.names import one_line, printable
from ...core.published import without_folders
from .address import Address

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses after which the same question may find an answer."""
_SHORT = 10.0
"""Seconds for what costs a server nothing: to take a connection, to say who it is."""
_LONGEST_WAIT = 60.0
_SHOWN = 200
_MOST_BYTES = 64 * 2**20
"""More is no answer in words: of 10,000 tokens with their log-probabilities it is a few megabytes."""
_NO_VERSION = "version not told"
# Where servers tell it, which is no part of OpenAI's API: vLLM, Ollama, SGLang, llama.cpp.
_VERSIONS = (
    ("/version", "version"),
    ("/api/version", "version"),
    ("/server_info", "version"),
    ("/props", "build_info"),
)

sleep = asyncio.sleep
"""The waits between two tries; tests put one here that takes no time."""


class RequestFailed(MethodError):  # noqa: N818  (a published reason, not a fault of ours)
    """The server has no answer to one question; others are answered."""


@dataclass(frozen=True)
class Reply:
    """An answer in words.

    Attributes:
        text: The words.
        score: The mean log-probability of their tokens, None where the server does not say it.
        model: The model that answered, as the server calls it; "" where it does not say.
    """

    text: str
    score: float | None
    model: str


@dataclass
class ChatServer:
    """A server, and what it has said of itself.

    Attributes:
        address: Where it is.
        key: The bearer token that it asks for, None for none.
        timeout: Seconds until an answer must be there.
        retries: How often a question is asked again.
        concurrency: How many questions are asked at once.
        told: Which server and model answer, as they say themselves.
    """

    address: Address
    key: str | None
    timeout: float
    retries: int
    concurrency: int
    told: dict[str, str] = field(default_factory=dict)
    _with_scores: bool = True

    def meet(self, model: str) -> None:
        """Find the server and hear which one it is. One that tells no version, or lists no models, is taken as it is.

        Args:
            model: The model that will be asked.

        Raises:
            MethodError: If nothing answers, the key is refused, or only other models are there.
        """
        _run(self._meet(model))

    def ask(self, questions: Sequence[Mapping[str, Any]]) -> list[Reply | RequestFailed]:
        """The answers to all questions, in order, or why there is none to one.

        Args:
            questions: Bodies of requests, as OpenAI's API takes them.

        Raises:
            GoneError: If the server has stopped answering, or would refuse every question.
        """
        try:
            replies = _run(self._ask(questions))
        except ExceptionGroup as group:
            raise group.exceptions[0] from group
        models = [reply.model for reply in replies if isinstance(reply, Reply) and reply.model]
        if models:
            self.told["served model"] = ", ".join(map(_shown, dict.fromkeys(models)))
        return replies

    async def _meet(self, model: str) -> None:
        async with self._client() as client:
            listed = await self._looked_up(client, f"{self.address.path}/models")
            version = _NO_VERSION
            for path, name in _VERSIONS:
                found = await self._looked_up(client, path)
                if isinstance(found, dict) and isinstance(found.get(name), str):
                    version = found[name]
                    break
        entries = listed.get("data") if isinstance(listed, dict) else None
        models = [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
        names = [str(one.get("id")) for one in models]
        if names and model not in names:
            raise MethodError(
                f"the server {self.address.base} does not list a model {model!r}; give one that it lists, with --set "
                f"model=NAME: {', '.join(printable(one_line(name), _SHOWN) for name in names[:10])}"
            )
        owner = next((one.get("owned_by") for one in models if one.get("id") == model), None)
        self.told["server"] = _shown(f"{owner} {version}" if isinstance(owner, str) else version)

    async def _looked_up(self, client: httpx.AsyncClient, path: str) -> Any:
        """What the server says at a path, None where that is of no use."""
        import httpx

        try:
            response = await _bounded(client, "GET", self.address.root + path, timeout=_SHORT)
        except (httpx.ConnectError, httpx.TimeoutException) as error:
            raise MethodError(
                f"no server answers at {self.address.base} ({said(error)}); start it, or give its address with --set "
                "base_url=http://127.0.0.1:PORT/v1"
            ) from error
        except httpx.RequestError:
            return None
        if response is None:
            return None
        if response.status_code in (401, 403):
            raise MethodError(self._refusal(response))
        return _content(response) if response.status_code == 200 else None

    async def _ask(self, questions: Sequence[Mapping[str, Any]]) -> list[Reply | RequestFailed]:
        at_once = asyncio.Semaphore(self.concurrency)
        async with self._client() as client, asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._answer(client, at_once, question)) for question in questions]
        return [task.result() for task in tasks]

    async def _answer(
        self, client: httpx.AsyncClient, at_once: asyncio.Semaphore, question: Mapping[str, Any]
    ) -> Reply | RequestFailed:
        import httpx

        async with at_once:
            failure, is_lost, tries, wait = RequestFailed("never asked"), False, 0, 0.0
            while tries <= self.retries:
                if wait:
                    await sleep(wait)
                tries, wait, is_lost = tries + 1, min(2.0**tries, _LONGEST_WAIT), False
                asked = {**question, "logprobs": True} if self._with_scores else question
                try:
                    async with asyncio.timeout(self.timeout):
                        response = await _bounded(
                            client, "POST", f"{self.address.base}/chat/completions", content=json.dumps(asked).encode()
                        )
                except TimeoutError:
                    await self._require_alive(client)
                    failure = RequestFailed(
                        f"no answer within {self.timeout:g} s; allow more with --set timeout=SECONDS"
                    )
                    continue
                except httpx.RequestError as error:
                    failure, is_lost = RequestFailed(f"the connection to the server broke: {said(error)}"), True
                    continue
                if response is None:
                    failure = RequestFailed(f"the server's answer has more than {_MOST_BYTES >> 20} MB")
                    continue
                status = response.status_code
                if status == 200:
                    reply = _reply(response)
                    if not isinstance(reply, str):
                        return reply
                    failure = RequestFailed(reply)
                    continue
                if status in (401, 403, 404) or 300 <= status < 400:
                    raise GoneError(self._refusal(response))
                if status in (400, 422) and "logprobs" in asked and "logprob" in response.text:
                    # Some servers have none; the answer itself does not depend on it.
                    self._with_scores, tries, wait = False, tries - 1, 0.0
                    continue
                failure = RequestFailed(f"the server says {_status(response)}")
                if status not in _AGAIN:
                    break
                wait = _asked_to_wait(response, wait)
            if is_lost:
                await self._require_alive(client)
            return failure

    async def _require_alive(self, client: httpx.AsyncClient) -> None:
        """Raise where the server answers nothing at all any more: then no other question need be tried."""
        import httpx

        try:
            await _bounded(client, "GET", f"{self.address.base}/models", timeout=_SHORT)
        except httpx.RequestError as error:
            raise GoneError(
                f"the server {self.address.base} has stopped answering ({said(error)}); what is stored is kept: start "
                "it again and run the same again, which goes on from there"
            ) from error

    def _client(self) -> httpx.AsyncClient:
        import httpx

        return httpx.AsyncClient(
            headers={
                "Content-Type": "application/json",
                **({"Authorization": f"Bearer {self.key}"} if self.key else {}),
            },
            timeout=httpx.Timeout(None, connect=_SHORT),
            limits=httpx.Limits(max_connections=self.concurrency + 1),
            verify=ssl.create_default_context() if self.address.base.startswith("https") else False,
            # Images go to the address that was checked and nowhere else: to no proxy of the environment, and to no
            # place that an answer names.
            trust_env=False,
            follow_redirects=False,
        )

    def _refusal(self, response: httpx.Response) -> str:
        status = response.status_code
        if status in (401, 403):
            return (
                f"the server {self.address.base} refuses the key: {_status(response)}; put the right one into an "
                "environment variable and name that with --set api_key_env=NAME"
            )
        if status == 404:
            return (
                f"the server {self.address.base} knows no such model or no chat: {_status(response)}; check --set "
                "model=NAME and base_url"
            )
        return (
            f"the server {self.address.base} sends the question on to another address (status {status}), which is "
            "not followed; give the address that answers with --set base_url=URL"
        )


async def _bounded(client: httpx.AsyncClient, method: str, url: str, **settings: Any) -> httpx.Response | None:
    """A server's answer, decoded; None where it does not end within what an answer may be."""
    import httpx

    content = bytearray()
    async with client.stream(method, url, **settings) as response:
        async for part in response.aiter_bytes():
            content += part
            if len(content) > _MOST_BYTES:
                return None
    said = {name: value for name, value in response.headers.items() if name in ("content-type", "retry-after")}
    return httpx.Response(response.status_code, headers=said, content=bytes(content))


def _run(asked: Coroutine[Any, Any, T]) -> T:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(asked)
    # A notebook's own loop runs in this thread.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, asked).result()


def _content(response: httpx.Response) -> Any:
    """The JSON of an answer, None where it is none."""
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _reply(response: httpx.Response) -> Reply | str:
    """A model's answer, or what is wrong with it."""
    body = _content(response)
    choices = body.get("choices") if isinstance(body, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(body, dict) or not isinstance(choice, dict) or not isinstance(message, dict):
        return f"the server's answer is none of OpenAI's chat API: {_quoted(response)}"
    text = message.get("content")
    if not isinstance(text, str):
        return f"the server's answer holds no text (it ended for the reason {str(choice.get('finish_reason'))[:40]!r})"
    model = body.get("model")
    return Reply(text, _mean_log_probability(choice.get("logprobs")), model if isinstance(model, str) else "")


def _mean_log_probability(logprobs: Any) -> float | None:
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(tokens, list) or not tokens:
        return None
    values: list[float] = []
    for token in tokens:
        value = token.get("logprob") if isinstance(token, dict) else None
        if not isinstance(value, int | float):
            return None
        values.append(value)
    mean = math.fsum(values) / len(values)
    return mean if math.isfinite(mean) else None


def _asked_to_wait(response: httpx.Response, otherwise: float) -> float:
    """The seconds that `Retry-After` says, as a number or as a date (RFC 9110), within reason."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return min(float(text), _LONGEST_WAIT)
    try:
        seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return otherwise
    return min(max(seconds, 0.0), _LONGEST_WAIT)


def _status(response: httpx.Response) -> str:
    """A status with what the server says about it."""
    body = _content(response)
    error = body.get("error", body) if isinstance(body, dict) else None
    message = error.get("message") or error.get("detail") if isinstance(error, dict) else error
    return f"{response.status_code}: {_shown(message) if isinstance(message, str) else _quoted(response)}"


def _quoted(response: httpx.Response) -> str:
    return printable(one_line(response.text[:_SHOWN]), _SHOWN) or "nothing"


def _shown(text: str) -> str:
    return str(without_folders(printable(one_line(text), _SHOWN)))
