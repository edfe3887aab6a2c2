"""Which addresses may be asked: those of this machine, however they are disguised."""

import socket

import pytest

from groundcxr.core import MethodError
from groundcxr.methods.boxes.address import address_of


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/v1"),
        ("http://127.8.9.1/v1/", "http://127.8.9.1/v1"),
        ("https://localhost/api/v3", "https://localhost/api/v3"),
        ("http://LOCALHOST:11434/v1", "http://localhost:11434/v1"),
        (" http://[::1]:30000/v1 ", "http://[::1]:30000/v1"),
    ],
)
def test_of_this_machine(text, base):
    address = address_of(text, allow_remote=False)
    assert address.base == address.published == base


@pytest.mark.parametrize(
    "text",
    [
        "http://api.example.com/v1",
        "http://10.0.0.7:8000/v1",
        "http://localhost.example.com/v1",
        "http://127.0.0.1.example.com/v1",
        "http://example.com\\@127.0.0.1/v1",
        "http://[::ffff:8.8.8.8]/v1",
        "http://2130706434/v1",
        "http://0x7f000001/v1",
        "http://\u2460\u2461\u2466.0.0.1/v1",
        "http://[2001:db8::1]:8000/v1",
    ],
)
def test_of_another_machine(text):
    with pytest.raises(MethodError, match=r"not on this machine .* PhysioNet .* allow_remote=true|base_url"):
        address_of(text, allow_remote=False)


def test_another_machine_on_request_and_never_published():
    address = address_of("https://gpu7.hospital.example:8443/v1", allow_remote=True)
    assert address.base == "https://gpu7.hospital.example:8443/v1"
    assert "hospital" not in address.published


def test_all_interfaces_are_no_address():
    with pytest.raises(MethodError, match=r"write 127\.0\.0\.1"):
        address_of("http://0.0.0.0:8000/v1", allow_remote=False)


def test_a_localhost_that_leads_elsewhere(monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with pytest.raises(MethodError, match="not on this machine"):
        address_of("http://localhost:8000/v1", allow_remote=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("localhost:8000/v1", "is no address"),
        ("", "is no address"),
        ("ftp://127.0.0.1/v1", "is no address"),
        ("http://127.0.0.1:port/v1", "is no address"),
        ("http://[::1/v1", "is no address"),
        ("http://127.0.0.1/v1?key=x", "more than a path"),
        ("http://me:secret@127.0.0.1/v1", "api_key_env"),
    ],
)
def test_what_is_no_address(text, said):
    with pytest.raises(MethodError, match=said) as caught:
        address_of(text, allow_remote=True)
    assert "secret" not in str(caught.value)
