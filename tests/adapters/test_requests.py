"""The request socket: DEALER and REQ, JSON and MessagePack, checked parameters, and any bytes at all."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from adapters import schemas
from adapters.line import sockets
from adapters.line.publish import Publisher
from adapters.line.requests import PARAMETERS, RequestRefused, RequestServer, snapshot_result
from adapters.wire import Sender, encode, unpack

TIME_NS = 1_760_000_000_000_000_000
ULID = "01J9ZQ8Y4T7V3K5N6P8R9S0T1V"
GOOD: dict[str, dict[str, object]] = {
    "snapshot": {},
    "alerts": {"since": 17, "limit": 100},
    "ack": {"alert": ULID, "who": "Anna", "note": "seen"},
    "suppress": {"track": 12, "until_ns": TIME_NS, "who": "Anna", "note": ""},
    "zone": {"id": "airport", "active": False, "who": "Anna"},
    "corridor": {"track": 12, "lookahead_s": 60.0, "step_s": 5},
    "health": {},
}


def echo(name: str) -> Callable[..., object]:
    return lambda **values: {"request": name, **values}


def broken(**_: object) -> object:
    raise ZeroDivisionError("a defect")


def refusing(**_: object) -> object:
    raise RequestRefused("unknown", "alert is 'X'; allowed is one that is open")


HANDLERS = {name: echo(name) for name in PARAMETERS}


@pytest.fixture(scope="module")
def server() -> Iterator[RequestServer]:
    opened = RequestServer("tcp://127.0.0.1:*", HANDLERS)
    yield opened
    opened.close()


@pytest.fixture
def connect(server: RequestServer) -> Iterator[Callable[[int], zmq.Socket[bytes]]]:
    opened: list[zmq.Socket[bytes]] = []

    def to_server(kind: int) -> zmq.Socket[bytes]:
        socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
        socket.linger = 0
        socket.connect(server.address)
        opened.append(socket)
        return socket

    yield to_server
    for socket in opened:
        socket.close()


def ask(server: RequestServer, socket: zmq.Socket[bytes], parts: list[bytes]) -> list[bytes]:
    socket.send_multipart(parts)
    while not socket.poll(0):
        assert sockets.wait([server], 10.0)
        server.serve()
        socket.poll(20)
    return socket.recv_multipart()


def answered(server: RequestServer, **request: object) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(server.answer(json.dumps(request).encode()))
    jsonschema.validate(answer, schemas.load("answer"))
    return answer


def refusal(server: RequestServer, **request: object) -> tuple[str, str]:
    answer = answered(server, **request)
    assert answer["ok"] is False
    return answer["error"]["code"], answer["error"]["message"]


@pytest.mark.parametrize("kind", [zmq.DEALER, zmq.REQ])
@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("token", [b"7", b"", b"\x00\xff{", b"x" * 257, b"x" * 4096])
def test_an_answer_comes_back_with_its_id_in_the_format_of_the_request(
    server: RequestServer,
    connect: Callable[[int], zmq.Socket[bytes]],
    kind: int,
    as_json: bool,
    token: bytes,
) -> None:
    payload = encode({"v": 1, "request": "alerts", "since": 4}, json=as_json)
    back, answer = ask(server, connect(kind), [token, payload])
    assert back == token
    assert answer.startswith(b"{") == as_json
    assert unpack(answer) == {
        "v": 1,
        "ok": True,
        "result": {"request": "alerts", "since": 4, "limit": 1000},
    }


@pytest.mark.parametrize("kind", [zmq.DEALER, zmq.REQ])
@pytest.mark.parametrize("parts", [[b""], [b"{}"], [b"a", b"b", b"{}", b"d"]])
def test_a_message_of_the_wrong_parts_is_told_so(
    server: RequestServer, connect: Callable[[int], zmq.Socket[bytes]], kind: int, parts: list[bytes]
) -> None:
    answer = unpack(ask(server, connect(kind), parts)[-1])
    assert answer["ok"] is False
    assert answer["error"]["code"] in ("parts", "version", "not-decodable")


@pytest.mark.parametrize("as_json", [True, False])
def test_an_id_that_is_too_long_is_refused_by_name(
    server: RequestServer, connect: Callable[[int], zmq.Socket[bytes]], as_json: bool
) -> None:
    payload = encode({"v": 1, "request": "health"}, json=as_json)
    back, answer = ask(server, connect(zmq.DEALER), [b"x" * 4097, payload])
    assert back == b""
    assert answer.startswith(b"{") == as_json
    assert unpack(answer)["error"] == {"code": "id", "message": "the id has 4097 bytes; allowed are up to 4096"}


def test_after_an_asker_has_gone_the_next_one_is_answered(
    server: RequestServer, connect: Callable[[int], zmq.Socket[bytes]]
) -> None:
    gone = connect(zmq.DEALER)
    gone.send_multipart([b"1", b'{"v":1,"request":"health"}'])
    assert sockets.wait([server], 10.0)
    gone.close()
    _, answer = ask(server, connect(zmq.DEALER), [b"2", b'{"v":1,"request":"health"}'])
    assert unpack(answer)["ok"] is True


@pytest.mark.parametrize("name", PARAMETERS)
def test_good_requests_reach_their_handler_and_hold_against_the_schema(server: RequestServer, name: str) -> None:
    request = {"v": 1, "request": name, **GOOD[name], "unheard-of": True}
    jsonschema.validate(request, schemas.load(f"request-{name}"))
    result = answered(server, **request)["result"]
    assert {**GOOD[name], "request": name}.items() <= result.items()
    assert set(result) == {"request", *PARAMETERS[name]}


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("alerts", "since", -1),
        ("alerts", "since", 1.5),
        ("alerts", "since", True),
        ("alerts", "since", 2**63),
        ("alerts", "limit", 0),
        ("alerts", "limit", 10_001),
        ("ack", "alert", "no/id"),
        ("ack", "alert", None),
        ("ack", "who", ""),
        ("ack", "who", "A" * 101),
        ("ack", "note", 7),
        ("ack", "note", "n" * 1001),
        ("suppress", "track", "12"),
        ("suppress", "track", 2**53),
        ("suppress", "zone", "a.b"),
        ("suppress", "until_ns", 0),
        ("suppress", "until_ns", None),
        ("zone", "active", "yes"),
        ("zone", "active", None),
        ("zone", "id", 3),
        ("zone", "who", None),
        ("corridor", "track", -1),
        ("corridor", "track", None),
        ("corridor", "lookahead_s", 0.5),
        ("corridor", "lookahead_s", "60"),
        ("corridor", "lookahead_s", 3600.5),
        ("corridor", "step_s", 0),
        ("corridor", "step_s", True),
    ],
)
def test_a_wrong_parameter_is_named_with_what_is_allowed_as_the_schema_has_it(
    server: RequestServer, name: str, key: str, value: object
) -> None:
    request = {"v": 1, "request": name, **GOOD[name], key: value}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(request, schemas.load(f"request-{name}"))
    code, message = refusal(server, **request)
    assert code == "parameter"
    assert message.startswith(f"{key} is ")
    assert PARAMETERS[name][key].allowed in message


@pytest.mark.parametrize("text", ["\x1b[2J", "a\nb", "\x00"])
def test_what_would_steer_a_terminal_is_refused(server: RequestServer, text: str) -> None:
    for key in ("who", "note"):
        request = {**GOOD["ack"], key: text}
        assert refusal(server, v=1, request="ack", **request)[0] == "parameter"


@pytest.mark.parametrize("both", [{}, {"track": 1, "zone": "airport"}])
def test_suppress_wants_exactly_one_of_track_and_zone(server: RequestServer, both: dict[str, object]) -> None:
    request = {"until_ns": TIME_NS, "who": "Anna", **both}
    assert refusal(server, v=1, request="suppress", **request) == (
        "parameter",
        "allowed is exactly one of track and zone",
    )


@pytest.mark.parametrize("name", ["snapshots", "", None, 7, [], {"a": 1}])
def test_an_unknown_request_is_told_what_is_allowed(server: RequestServer, name: object) -> None:
    code, message = refusal(server, v=1, request=name)
    assert code == "request"
    assert message.endswith("allowed is snapshot, alerts, ack, suppress, zone, corridor, health")


@pytest.mark.parametrize("version", [0, 2, None, True, "1"])
def test_another_version_is_refused(server: RequestServer, version: object) -> None:
    assert refusal(server, v=version, request="health")[0] == "version"


def test_a_handler_s_refusal_and_its_defect_are_answers_too(caplog: pytest.LogCaptureFixture) -> None:
    server = RequestServer("tcp://127.0.0.1:*", {"ack": refusing, "health": broken})
    try:
        assert refusal(server, v=1, request="ack", **GOOD["ack"]) == (
            "unknown",
            "alert is 'X'; allowed is one that is open",
        )
        with caplog.at_level(logging.ERROR):
            code, message = refusal(server, v=1, request="health")
        assert (code, "a defect" in message) == ("internal", False)
        assert "ZeroDivisionError: a defect" in caplog.text
    finally:
        server.close()


def test_rooms_for_more_requests_are_there() -> None:
    server = RequestServer("tcp://127.0.0.1:*", {"pause": lambda: "paused"})
    try:
        assert answered(server, v=1, request="pause")["result"] == "paused"
    finally:
        server.close()


def test_a_snapshot_says_after_which_messages_it_stands() -> None:
    publisher = Publisher("tcp://127.0.0.1:*", Sender("site", epoch="run1"))
    try:
        publisher.publish("status", {"type": "status", "time_ns": TIME_NS})
        publisher.publish("status", {"type": "status", "time_ns": TIME_NS})
        result = snapshot_result(publisher.sender, number=7, tracks={}, zones={}, alerts=[], status={})
        publisher.publish("status", {"type": "status", "time_ns": TIME_NS})
    finally:
        publisher.close()
    assert result["last"] == {"status": 1}
    assert (result["source"], result["epoch"], result["number"]) == ("site", "run1", 7)


REQUEST = st.dictionaries(
    st.sampled_from(["v", "request", "alert", "who", "note", "since", "limit", "until_ns", "track", "zone"])
    | st.text(max_size=4),
    st.sampled_from([1, "ack", "alerts", "suppress", "zone", "health"])
    | st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.floats()
    | st.text(max_size=6)
    | st.binary(max_size=6)
    | st.lists(st.integers(0, 9), max_size=3),
    max_size=8,
)
PAYLOAD = (
    st.binary(max_size=80)
    | st.binary(max_size=40).map(lambda tail: b"{" + tail)
    | REQUEST.map(lambda request: encode(request, json=True))
    | REQUEST.map(encode)
)


@given(PAYLOAD)
def test_any_bytes_are_answered(server: RequestServer, payload: bytes) -> None:
    answer = server.answer(payload)
    assert answer.startswith(b"{") == payload.startswith(b"{")
    jsonschema.validate(unpack(answer), schemas.load("answer"))
    assert unpack(answer).get("error", {}).get("code") != "internal"


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=6))
def test_any_parts_are_survived_and_the_next_request_is_answered(server: RequestServer, parts: list[bytes]) -> None:
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(server.address)
    try:
        ask(server, socket, parts)
        back, answer = ask(server, socket, [b"id", b'{"v":1,"request":"health"}'])
        assert (back, unpack(answer)["ok"]) == (b"id", True)
    finally:
        socket.close()
