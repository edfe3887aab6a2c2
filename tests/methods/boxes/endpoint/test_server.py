"""Asking a chat server, against a real one on loopback that answers, fails and dies as it is told."""

import asyncio
import datetime
import email.utils
import gzip
import json
import math

import pytest

from groundcxr.core import GoneError, MethodError
from groundcxr.methods.boxes.address import address_of
from groundcxr.methods.boxes.server import ChatServer, Reply, RequestFailed


@pytest.fixture
def server(fake, waits):
    def make(key=None, timeout=30.0, retries=4, concurrency=16):
        return ChatServer(address_of(fake.url, allow_remote=False), key, timeout, retries, concurrency)

    return make


def questions(count):
    return [{"model": "tiny", "messages": [{"role": "user", "content": f"{number}"}]} for number in range(count)]


def echo(says):
    return lambda _, body: says(body["messages"][0]["content"])


def test_answers_come_in_order_whatever_the_order_in_which_they_are_made(fake, says, server):
    fake.answer = echo(says)
    assert [reply.text for reply in server().ask(questions(40))] == [f"{number}" for number in range(40)]


def test_no_more_is_asked_at_once_than_may_be(fake, says, server):
    fake.answer = echo(says)
    server(concurrency=3).ask(questions(30))
    assert 1 <= fake.most_at_once <= 3


def test_the_score_is_the_mean_log_probability(fake, says, server):
    fake.answer = lambda number, _: says("a", logprobs=(-0.5, -1.5, -1.0))
    assert server().ask(questions(1)) == [Reply("a", -1.0, "tiny")]
    assert fake.asked[0]["logprobs"] is True


@pytest.mark.parametrize("logprobs", [(), (None,), (math.inf,), ("x",)])
def test_without_log_probabilities_there_is_no_score(fake, says, server, logprobs):
    fake.answer = lambda number, _: says("a", logprobs=logprobs)
    (reply,) = server().ask(questions(1))
    assert reply.score is None


def test_a_server_that_refuses_log_probabilities_is_asked_without(fake, says, server, waits):
    def answer(_, body):
        return (422, {"detail": "Unexpected keys: {'logprobs'}"}) if "logprobs" in body else says("a")

    fake.answer = answer
    asked = server(concurrency=1)
    assert [reply.text for reply in asked.ask(questions(3))] == ["a"] * 3
    assert ["logprobs" in body for body in fake.asked] == [True, False, False, False]
    assert waits == []


@pytest.mark.parametrize(
    "trouble",
    [
        (500, {"error": {"message": "oops"}}),
        (503, b"loading"),
        (429, {"error": "slow down"}),
        (200, b"<html>nonsense"),
        (200, b'{"choices": [{"message": {"content": "a"'),
        (200, {"choices": []}),
        (200, ["a list"]),
        (200, {"choices": [{"message": "words"}]}),
        (200, b"[" * 100_000),
        "cut",
    ],
)
def test_trouble_that_passes_is_not_noticed_and_waits_grow(fake, says, server, waits, trouble):
    fake.answer = lambda number, _: trouble if number <= 3 else says("a")
    assert server().ask(questions(1))[0].text == "a"
    assert waits == [1, 2, 4]


def test_the_server_says_how_long_to_wait(fake, says, server, waits):
    then = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=20)
    after = ["7", email.utils.format_datetime(then, usegmt=True), "100000", "soon", "-5"]
    fake.answer = lambda number, _: (429, {}, {"Retry-After": after[number - 1]}) if number <= 5 else says("a")
    assert server(retries=5).ask(questions(1))[0].text == "a"
    assert waits[0] == 7
    assert 15 < waits[1] <= 20
    assert waits[2:] == [60, 8, 16]


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ((500, {"error": {"message": "out of memory"}}), "500: out of memory"),
        ((400, {"error": {"message": "tiny is not a multimodal model"}}), "not a multimodal model"),
        ((413, b"too large"), "too large"),
        ((200, b"nonsense"), "nonsense"),
        ((200, {"choices": [{"message": {"content": None}, "finish_reason": "length"}]}), "'length'"),
        ("cut", "broke"),
    ],
)
def test_a_question_that_fails_to_the_end_costs_no_other(fake, says, server, trouble, said):
    fake.answer = lambda _, body: trouble if body["messages"][0]["content"] == "3" else says("a")
    replies = server(retries=2).ask(questions(6))
    assert [isinstance(one, RequestFailed) for one in replies] == [False, False, False, True, False, False]
    assert said in str(replies[3])


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_question_that_is_wrong_is_not_asked_again(fake, server, waits, status):
    fake.answer = lambda number, _: (status, {"error": {"message": "no"}})
    server().ask(questions(1))
    assert len(fake.asked) == 1
    assert waits == []


def test_a_slow_answer_is_given_up(fake, says, server):
    fake.answer = lambda _, body: says.HANG if body["messages"][0]["content"] == "1" else says("a")
    first, second = server(timeout=0.1, retries=1).ask(questions(2))
    assert first.text == "a"
    assert "no answer within 0.1 s" in str(second)


def test_a_dead_server_ends_it_for_all(fake, says, server, waits):
    fake.answer = lambda number, _: says.DIE if number == 5 else says("a")
    with pytest.raises(GoneError, match=r"has stopped answering .* run the same again"):
        server(concurrency=1).ask(questions(50))
    # The others are not tried one by one: each would wait in vain.
    assert len(fake.asked) == 5
    assert waits == [1, 2, 4, 8]


def test_a_server_that_comes_back_in_time_is_not_dead(fake, says, server, monkeypatch):
    async def sleep(seconds):
        if fake._http is None:
            fake.start()
        await asyncio.sleep(0)

    monkeypatch.setattr("groundcxr.methods.boxes.server.sleep", sleep)
    fake.answer = lambda number, body: says.DIE if number == 5 else says(body["messages"][0]["content"])
    assert [one.text for one in server().ask(questions(20))] == [f"{number}" for number in range(20)]


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ((401, {"error": {"message": "Unauthorized"}}), "refuses the key"),
        ((404, {"error": {"message": "The model does not exist."}}), "The model does not exist"),
        ((307, b"", {"Location": "http://192.0.2.1/v1/chat/completions"}), "another address"),
    ],
)
def test_what_concerns_all_questions_ends_it_at_once(fake, server, trouble, said):
    fake.answer = lambda number, _: trouble
    with pytest.raises(GoneError, match=said):
        server(concurrency=1).ask(questions(50))
    assert len(fake.asked) == 1


def test_no_redirect_is_followed(fake, says, server):
    fake.answer = lambda number, _: (308, b"", {"Location": "/v1/chat/completions"}) if number == 1 else says("a")
    with pytest.raises(GoneError):
        server().ask(questions(1))


def test_no_proxy_of_the_environment_gets_to_see_an_image(fake, says, server, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://192.0.2.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    fake.answer = echo(says)
    assert server(timeout=5).ask(questions(1))[0].text == "0"


def test_the_key_is_sent(fake, says, server):
    fake.answer = echo(says)
    server("secret").ask(questions(1))
    server().ask(questions(1))
    assert fake.keys == ["Bearer secret", None]


@pytest.mark.parametrize(
    ("path", "body", "told"),
    [
        ("/version", {"version": "0.33.0"}, "vllm 0.33.0"),
        ("/api/version", {"version": "0.9.1"}, "vllm 0.9.1"),
        ("/props", {"build_info": "b6100-abc"}, "vllm b6100-abc"),
        ("/other", {}, "vllm version not told"),
    ],
)
def test_the_server_says_which_it_is(fake, server, path, body, told):
    fake.gets[path] = (200, body)
    asked = server()
    asked.meet("tiny")
    assert asked.told == {"server": told}


def test_the_model_that_answered_is_told(fake, says, server):
    fake.answer = lambda number, _: says("a", model="/models/secret-folder/tiny-2")
    asked = server()
    asked.ask(questions(2))
    assert asked.told == {"served model": "tiny-2"}


def test_a_server_that_lists_nothing_is_taken_as_it_is(fake, server):
    fake.gets = {"/v1/models": (501, b"nothing of the kind")}
    asked = server()
    asked.meet("any")
    assert asked.told == {"server": "version not told"}


def test_a_model_that_is_not_there_is_told_before_anything_is_asked(fake, server):
    with pytest.raises(MethodError, match=r"does not list a model 'other'; .* tiny"):
        server().meet("other")


def test_no_server_is_told_before_anything_is_asked(fake, server):
    fake.stop()
    with pytest.raises(MethodError, match="no server answers at http"):
        server().meet("tiny")


def test_within_a_running_loop_as_in_a_notebook(fake, says, server):
    fake.answer = echo(says)

    async def cell():
        return server().ask(questions(2))

    assert [one.text for one in asyncio.run(cell())] == ["0", "1"]


def test_an_answer_without_an_end_is_given_up(fake, says, server, monkeypatch):
    from groundcxr.methods.boxes import server as module

    monkeypatch.setattr(module, "_MOST_BYTES", 2**20)
    packed = gzip.compress(b" " * 2**24), {"Content-Encoding": "gzip"}
    fake.answer = lambda number, body: (200, *packed) if body["messages"] == 1 else says("a")
    one, other = server(retries=1).ask([{"messages": 1}, {"messages": 2}])
    assert isinstance(one, RequestFailed)
    assert "the server's answer has more than" in str(one)
    assert other.text == "a"


def test_an_answer_may_be_packed(fake, says, server):
    status, body = says("packed")
    fake.answer = lambda number, _: (status, gzip.compress(json.dumps(body).encode()), {"Content-Encoding": "gzip"})
    assert [reply.text for reply in server().ask([{"messages": 1}])] == ["packed"]
