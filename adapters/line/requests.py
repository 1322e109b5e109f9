"""The request socket: what may be asked, with which parameters, and the answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.line import sockets
from adapters.wire import Message, Sender, encode, unpack
from adapters.wire.checks import is_id, is_integer, is_text, is_time, number_within
from adapters.wire.limits import MAX_INTEGER, MAX_TIME_NS, VERSION
from fusion.errors import MessageRejected, SkypicketError, shorten

QUEUE = 256  # answers waiting for one asker; it loses what comes then
LARGEST = 1024 * 1024  # bytes: no request comes near
LARGEST_ID = 4096  # bytes of a request's id; it is sent back
BATCH = 64  # requests answered before others have their turn
MAX_STEPS = 10_000  # alert steps asked for at once; an answer may hold fewer, never none of several
DEFAULT_STEPS = 1000
PAGE_BYTES = 4 * 1024 * 1024  # of alert steps in one answer: half of what a message may have
MAX_WHO = 100  # characters
MAX_NOTE = 1000  # characters
MAX_TRACK = 2**53 - 1  # the contract's: track ids are below 2^53
LOOKAHEADS_S = (1.0, 3600.0)  # of a corridor: as long as a zone may look ahead
DEFAULT_LOOKAHEAD_S = 180.0  # as a zone's
MOST_SLICES = 60  # of a corridor: each takes milliseconds of the service's time

Handler = Callable[..., object]
_log = logging.getLogger(__name__)


class RequestRefused(SkypicketError):
    """A request that is not fulfilled. `code` is a short fixed word: `request`, `parameter`, `unknown`."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(f"{code}: {message}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One key of a request. default: taken where the key is left out, unless `required`."""

    accepts: Callable[[object], bool]
    allowed: str
    required: bool = True
    default: object = None


_WHO = Parameter(lambda value: is_text(value, MAX_WHO), f"1 to {MAX_WHO} printable characters")
_NOTE = Parameter(
    lambda value: value == "" or is_text(value, MAX_NOTE),
    f"at most {MAX_NOTE} printable characters in one line",
    required=False,
    default="",
)
_ID_WORDS = "1 to 64 of A-Z a-z 0-9 _ -"

# request: {key: what it must be}
PARAMETERS: dict[str, dict[str, Parameter]] = {
    "snapshot": {},
    "alerts": {
        "since": Parameter(
            lambda value: is_integer(value, 0, MAX_INTEGER), "an integer from 0", required=False, default=0
        ),
        "limit": Parameter(
            lambda value: is_integer(value, 1, MAX_STEPS),
            f"an integer from 1 to {MAX_STEPS}",
            required=False,
            default=DEFAULT_STEPS,
        ),
    },
    "ack": {"alert": Parameter(is_id, "the id of an alert"), "who": _WHO, "note": _NOTE},
    "suppress": {
        "track": Parameter(
            lambda value: is_integer(value, 0, MAX_TRACK), f"an integer from 0 to {MAX_TRACK}", required=False
        ),
        "zone": Parameter(is_id, f"an id: {_ID_WORDS}", required=False),
        "until_ns": Parameter(is_time, f"an integer from 1 to {MAX_TIME_NS}"),
        "who": _WHO,
        "note": _NOTE,
    },
    "zone": {
        "id": Parameter(is_id, f"an id: {_ID_WORDS}"),
        "active": Parameter(lambda value: isinstance(value, bool), "true or false"),
        "who": _WHO,
    },
    "corridor": {
        "track": Parameter(lambda value: is_integer(value, 0, MAX_TRACK), f"an integer from 0 to {MAX_TRACK}"),
        "lookahead_s": Parameter(
            lambda value: number_within(value, LOOKAHEADS_S) is not None,
            f"a number of seconds from {LOOKAHEADS_S[0]:g} to {LOOKAHEADS_S[1]:g}",
            required=False,
            default=DEFAULT_LOOKAHEAD_S,
        ),
        "step_s": Parameter(
            lambda value: number_within(value, LOOKAHEADS_S) is not None,
            f"a number of seconds from {LOOKAHEADS_S[0]:g} to {LOOKAHEADS_S[1]:g}, at most {MOST_SLICES} in a corridor",
            required=False,
        ),
    },
    "health": {},
}


def snapshot_result(
    sender: Sender,
    *,
    number: int,
    tracks: Message | None,
    zones: Message | None,
    alerts: Sequence[Message],
    status: Message | None,
) -> Message:
    """The `result` of `snapshot`: the state after everything that `sender` has stamped up to now.

    number: the journal's last.  alerts: the last step of each open one.  tracks, zones, status: as published; no
    tracks before the first picture, and none of the others where a replay has none.
    """
    return {
        "source": sender.source,
        "epoch": sender.epoch,
        "last": dict(sender.last),
        "number": number,
        "tracks": tracks,
        "zones": zones,
        "alerts": list(alerts),
        "status": status,
    }


def page_of(steps: Iterable[Message]) -> list[Message]:
    """The first of the alert steps, as many as fit into one answer, never none of several."""
    page: list[Message] = []
    size = 0
    for step in steps:
        size += len(encode(step))
        if page and size > PAGE_BYTES:
            break
        page.append(step)
    return page


class RequestServer:
    """Binds `address` and answers requests by `handlers`: name -> callable of the request's parameters.

    Each handler is called with every parameter of its request as a keyword, checked, the default where it
    was left out; it returns what JSON can hold (the `result`) or raises RequestRefused. `suppress` has
    exactly one of `track` and `zone`; the other is None. parameters: what each request takes; a handler of a
    name that is not there takes none. Raises ConfigError where the address cannot be bound.
    """

    def __init__(
        self,
        address: str,
        handlers: Mapping[str, Handler],
        parameters: Mapping[str, Mapping[str, Parameter]] = PARAMETERS,
    ) -> None:
        self._handlers = dict(handlers)
        self._parameters = parameters
        self.socket = sockets.open_socket("ROUTER", queue=QUEUE, largest=LARGEST)
        self.address = sockets.bind(self.socket, address)

    def serve(self, limit: int = BATCH) -> int:
        """Answer what waits now, at most `limit`, never blocking (see `sockets.wait`). Returns how many."""
        for served in range(limit):
            parts = sockets.receive(self.socket)
            if parts is None:
                return served
            self._reply(parts)
        return limit

    def close(self) -> None:
        self.socket.close()

    def answer(self, payload: bytes) -> bytes:
        """The answer to one request, in its format: never raises, whatever the bytes."""
        as_json = payload[:1] == b"{"
        try:
            result = self._fulfil(payload)
            return encode({"v": VERSION, "ok": True, "result": result}, json=as_json)
        except RequestRefused as refusal:
            code, detail = refusal.code, refusal.message
        except MessageRejected as rejection:
            code, detail = rejection.code, rejection.detail
        except SkypicketError as error:
            code, detail = "refused", str(error)
        except Exception:
            _log.exception("a request failed")
            code, detail = "internal", "the service could not answer; its log says why"
        return _refusal(code, detail, as_json)

    def _fulfil(self, payload: bytes) -> object:
        request = unpack(payload)
        if request.get("v") != VERSION or isinstance(request["v"], bool):
            raise RequestRefused("version", f"v is {shorten(request.get('v'))}; allowed is {VERSION}")
        name = request.get("request")
        handler = self._handlers.get(name) if isinstance(name, str) else None
        if handler is None or not isinstance(name, str):
            allowed = ", ".join(self._handlers)
            raise RequestRefused("request", f"request is {shorten(name)}; allowed is {allowed}")
        values = checked(request, self._parameters.get(name, {}))
        if name == "suppress" and (values["track"] is None) == (values["zone"] is None):
            raise RequestRefused("parameter", "allowed is exactly one of track and zone")
        return handler(**values)

    def _reply(self, parts: list[bytes]) -> None:
        """A DEALER sends id and map; a REQ an empty part before them. The answer goes back the same way."""
        peer, rest = parts[0], parts[1:]
        delimiter = [b""] if len(rest) == 3 and rest[0] == b"" else []
        rest = rest[len(delimiter) :]
        as_json = bool(rest) and rest[-1][:1] == b"{"
        if len(rest) != 2:
            found = f"{len(rest)} parts; allowed are two: an id, a map"
            reply = [b"", _refusal("parts", found, as_json)]
        elif len(rest[0]) > LARGEST_ID:
            found = f"the id has {len(rest[0])} bytes; allowed are up to {LARGEST_ID}"
            reply = [b"", _refusal("id", found, as_json)]
        else:
            reply = [rest[0], self.answer(rest[1])]
        sockets.send(self.socket, [peer, *delimiter, *reply])


def _refusal(code: str, detail: str, as_json: bool) -> bytes:
    return encode({"v": VERSION, "ok": False, "error": {"code": code, "message": detail}}, json=as_json)


def checked(request: Message, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """The values of a request's parameters. Keys that are not known are ignored. Raises RequestRefused."""
    values = {}
    for key, parameter in parameters.items():
        value = request.get(key)
        if value is None:
            if parameter.required:
                raise RequestRefused("parameter", f"{key} is missing; allowed is {parameter.allowed}")
            value = parameter.default
        elif not parameter.accepts(value):
            raise RequestRefused("parameter", f"{key} is {shorten(value)}; allowed is {parameter.allowed}")
        values[key] = value
    return values
