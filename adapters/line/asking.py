"""Asking a running service over its request socket."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from typing import Any

from adapters.line import sockets
from adapters.line.requests import RequestRefused
from adapters.wire import MAX_MESSAGE_BYTES, VERSION, encode, unpack
from fusion.errors import ConfigError, MessageRejected, SkypicketError, shorten

QUEUE = 16
LARGEST = 2 * MAX_MESSAGE_BYTES  # an answer above the limit is refused by name, not cut off


class NoAnswer(SkypicketError):
    """A request got no answer in time, or none that can be read."""

    def __init__(self, address: str, detail: str) -> None:
        self.address, self.detail = address, detail
        super().__init__(f"{address}: {detail}")


def request(address: str, message: Mapping[str, Any], timeout_s: float = 5.0) -> Any:
    """Ask the service at `address` (its request socket) and return the `result`.

    message: `{"request": NAME, ...}`; `v` is added. Raises RequestRefused with the service's words,
    NoAnswer after `timeout_s`, ConfigError for what is no address.
    """
    token = secrets.token_bytes(8)
    socket = sockets.open_socket("DEALER", queue=QUEUE, largest=LARGEST)
    sockets.connect(socket, address)
    try:
        sockets.send(socket, [token, encode({"v": VERSION, **message})])
        payload = _await(socket, token, time.monotonic() + timeout_s)
    finally:
        socket.close()
    if payload is None:
        raise NoAnswer(address, f"no answer to {shorten(message.get('request'))} in {timeout_s:g} s")
    return _result(address, payload)


def requests_address(publish: str) -> str:
    """Where the service that publishes at `publish` takes requests: the port above, as by default."""
    host, _, port = publish.rpartition(":")
    if not publish.startswith("tcp://") or not port.isdecimal():
        raise ConfigError("requests", None, f"the address of the request socket, as it cannot follow from {publish}")
    return f"{host}:{int(port) + 1}"


def _await(socket: sockets.Socket, token: bytes, until: float) -> bytes | None:
    """The payload of the answer that carries `token`; None when it does not come."""
    while True:
        parts = sockets.receive(socket, until - time.monotonic())
        if parts is None:
            return None
        if len(parts) == 2 and parts[0] == token:
            return parts[1]


def _result(address: str, payload: bytes) -> Any:
    try:
        answer = unpack(payload)
    except MessageRejected as rejection:
        raise NoAnswer(address, f"the answer cannot be read: {rejection}") from None
    if answer.get("ok") is True and "result" in answer:
        return answer["result"]
    error = answer.get("error")
    if answer.get("ok") is not False or not isinstance(error, dict):
        raise NoAnswer(address, f"the answer is {shorten(answer)}; allowed is ok with result or error")
    raise RequestRefused(str(error.get("code"))[:64], str(error.get("message"))[:1000])
