"""The server's boundary: whom it answers, whom it asks, and whose configuration it reads."""

import http.client
import os
import re
import socket
import sys
from pathlib import Path

import pytest

from groundcxr.leaderboard import serve

# One process has the server, whatever the number of workers.
pytestmark = pytest.mark.xdist_group("browser")


def websocket_status(port: int, origin: str, host: str | None = None) -> int:
    """The status of a websocket's handshake; 101 where it is opened."""
    connection = http.client.HTTPConnection("localhost", port, timeout=30)
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
    host = host or f"localhost:{port}"
    connection.request("GET", "/_stcore/stream", headers={**headers, "Origin": origin, "Host": host})
    try:
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_foreign_page_is_refused_and_nobody_is_asked_about_it(server):
    assert websocket_status(server.port, "http://evil.example") == 403
    # A foreign name that was made to point at this machine.
    assert websocket_status(server.port, "http://evil.example", "evil.example") == 403
    for host in ("localhost", "127.0.0.1"):
        own = f"{host}:{server.port}"
        assert websocket_status(server.port, f"http://{own}", own) == 101
    if server.calls is None:
        pytest.skip("strace, which shows whom the server asks, is not here")
    calls = server.calls.read_text()
    assert f"htons({server.port})" in calls or "sendto(" in calls, "nothing was traced"
    asked = {port for port in re.findall(r"htons\((\d+)\)", calls) if int(port) != server.port}
    # Port 0 is how the resolver sorts the addresses of localhost; nothing is sent.
    assert asked <= {"0"}
    assert set(re.findall(r'inet_addr\("([\d.]+)"\)', calls)) <= {"127.0.0.1"}


def test_the_address_is_printed_once_and_nothing_else(server):
    said = server.log.read_text()
    assert said.count("http://") - said.count("origin=http://") == 1
    assert said.startswith(f"{server.address} (Ctrl-C stops it)\n")


def test_streamlit_needs_no_address_of_this_machine(monkeypatch):
    from streamlit import net_util
    from streamlit.web.server import server_util

    def asked(*arguments, **options):
        raise AssertionError("another machine is asked")

    for name in ("get_internal_ip", "get_external_ip"):
        monkeypatch.setattr(net_util, name, getattr(net_util, name))
    serve.ask_nobody()
    monkeypatch.setattr(socket, "socket", asked)
    monkeypatch.setattr(socket, "getaddrinfo", asked)
    assert not server_util.is_url_from_allowed_origins("http://evil.example")
    assert server_util.is_url_from_allowed_origins("http://localhost:8501")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (None, "http://localhost:80"),
        ("", "http://localhost:80"),
        ("0.0.0.0", "http://localhost:80"),
        ("10.0.0.7", "http://10.0.0.7:80"),
        ("fe80::1", "http://[fe80::1]:80"),
    ],
)
def test_the_url_is_where_the_server_listens(monkeypatch, address, shown):
    monkeypatch.delenv(serve.ADDRESS, raising=False)
    if address is not None:
        monkeypatch.setenv(serve.ADDRESS, address)
    assert serve.url(80) == shown


@pytest.mark.parametrize(("address", "hosts"), [(None, ["localhost", "127.0.0.1", "::1"]), ("10.0.0.7", [])])
def test_what_streamlit_is_started_with(monkeypatch, tmp_path, address, hosts):
    from streamlit import config, net_util
    from streamlit.web import cli

    for module, name in ((config, "get_config_files"), (net_util, "get_internal_ip"), (net_util, "get_external_ip")):
        monkeypatch.setattr(module, name, getattr(module, name))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GROUNDCXR_CACHE", "cache")
    monkeypatch.setenv("STREAMLIT_SERVER_ENABLE_CORS", "false")
    monkeypatch.delenv(serve.ADDRESS, raising=False)
    if address is not None:
        monkeypatch.setenv(serve.ADDRESS, address)
    started = []
    monkeypatch.setattr(cli, "main", lambda words, **options: started.extend(words))
    monkeypatch.setattr(sys, "argv", ["serve", "8501", "--results=/a"])
    serve.main()
    assert started[0] == "run"
    assert started[-2:] == ["--", "--results=/a"]
    assert f"--server.address={address or 'localhost'}" in started
    assert [word.partition("=")[2] for word in started if "allowedHosts" in word] == hosts
    assert not [name for name in os.environ if name.startswith("STREAMLIT_")]
    assert os.environ["GROUNDCXR_CACHE"] == str(tmp_path / "cache")
    assert Path.cwd() == serve.HERE
    files = [*config.get_config_files("config.toml"), *config.get_config_files("secrets.toml")]
    assert {Path(file).parent for file in files} == {serve.HERE / ".streamlit"}
