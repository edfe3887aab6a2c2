"""Where a server is that answers for a method: on this machine, unless the user says otherwise."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from ...core import MethodError

_EXAMPLE = "http://127.0.0.1:8000/v1"


@dataclass(frozen=True)
class Address:
    """The address of a server that speaks OpenAI's API.

    Attributes:
        root: Scheme, host and port: "http://127.0.0.1:8000".
        path: What the API's paths begin with: "/v1".
        host: The host alone.
    """

    root: str
    path: str
    host: str

    @property
    def base(self) -> str:
        """Root and path."""
        return self.root + self.path

    @property
    def is_local(self) -> bool:
        """Whether it is a loopback address, or `localhost` where that is one."""
        if self.host == "localhost":
            found = socket.getaddrinfo("localhost", None, type=socket.SOCK_STREAM)
            return all(ipaddress.ip_address(str(one[4][0])).is_loopback for one in found)
        return _is_loopback(self.host)

    @property
    def published(self) -> str:
        """The address as a result says it: a loopback one whole, of any other no host."""
        return self.base if self.host == "localhost" or _is_loopback(self.host) else "not published"


def address_of(text: str, *, allow_remote: bool) -> Address:
    """The address that a user has written.

    What is asked later is put together from these parts, so that what was checked and what is asked are one thing.

    Args:
        text: As in "http://127.0.0.1:8000/v1"; without a path, the path is "/v1".
        allow_remote: Whether it may be on another machine.

    Raises:
        MethodError: If it is no address, or one of another machine.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as error:
        raise MethodError(f"the base_url {text!r} is no address ({error}); write it as {_EXAMPLE}") from error
    if parts.username is not None or parts.password is not None:
        raise MethodError(
            "the base_url holds a user or a password, which would be written into results; put the key into an "
            "environment variable and name that one with api_key_env"
        )
    if parts.scheme not in ("http", "https") or not host:
        raise MethodError(f"the base_url {text!r} is no address of a server; write it as {_EXAMPLE}")
    if parts.query or parts.fragment:
        raise MethodError(f"the base_url {text!r} has more than a path; write it as {_EXAMPLE}")
    shown = f"[{host}]" if ":" in host else host
    root = f"{parts.scheme}://{shown}" + (f":{port}" if port is not None else "")
    address = Address(root, parts.path.rstrip("/") or "/v1", host)
    if not allow_remote and not address.is_local:
        raise MethodError(_remote(address))
    return address


def _remote(address: Address) -> str:
    if address.host in ("0.0.0.0", "::"):  # noqa: S104  (nothing is bound to it)
        return f"the base_url {address.base} names no machine; write 127.0.0.1 for the server on this one"
    return (
        f"the server {address.root} is not on this machine (127.0.0.1, ::1 or localhost), and images and phrases would "
        "be sent there: PhysioNet forbids passing its credentialed data on to third parties; if you may send your data "
        "there, say --set allow_remote=true"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
