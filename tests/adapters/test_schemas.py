"""The schemas: valid themselves, one for every message and request, and loose only where the contract is."""

from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from adapters import schemas
from adapters.line.player_requests import PLAYER_PARAMETERS
from adapters.wire import TYPES

REQUESTS = ("snapshot", "alerts", "ack", "suppress", "zone", "corridor", "health")
RESULTS = ("corridor", "position")  # of requests, where they are more than a message
WHO = {"who": "ops"}


@pytest.mark.parametrize("name", schemas.names())
def test_each_schema_is_valid_and_has_a_title_and_an_id_of_its_own(name: str) -> None:
    schema = schemas.load(name)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:skypicket:1:{name}"
    assert schema["title"]


@pytest.mark.parametrize("name", schemas.names())
def test_each_definition_is_used_and_each_reference_defined(name: str) -> None:
    schema = schemas.load(name)
    text = json.dumps(schema)
    for definition in schema.get("$defs", {}):
        assert f'"#/$defs/{definition}"' in text
    assert text.count('"$ref"') == sum(text.count(f'"#/$defs/{key}"') for key in schema.get("$defs", {}))


def test_there_is_a_schema_for_every_message_and_every_request() -> None:
    requests = {f"request-{name}" for name in (*REQUESTS, *PLAYER_PARAMETERS)}
    assert set(schemas.names()) == {*TYPES, *requests, "answer", *RESULTS}


def test_a_name_that_is_not_there_is_refused_with_those_that_are() -> None:
    for name in ("frames", "../pyproject", ""):
        with pytest.raises(KeyError, match="frame, position, request-ack"):
            schemas.load(name)


def holds(name: str, message: object) -> bool:
    return Draft202012Validator(schemas.load(name)).is_valid(message)


@pytest.mark.parametrize(
    ("request_", "good"),
    [
        ({"request": "snapshot"}, True),
        ({"request": "health"}, True),
        ({"request": "alerts"}, True),
        ({"request": "alerts", "since": 0, "limit": 10}, True),
        ({"request": "alerts", "since": -1}, False),
        ({"request": "alerts", "limit": 0}, False),
        ({"request": "ack", "alert": "01J", **WHO}, True),
        ({"request": "ack", "alert": "01J", **WHO, "note": "seen"}, True),
        ({"request": "ack", "alert": "01J"}, False),
        ({"request": "suppress", "track": 7, "until_ns": 1, **WHO}, True),
        ({"request": "suppress", "zone": "a", "until_ns": 1, **WHO}, True),
        ({"request": "suppress", "zone": "a", "track": None, "until_ns": 1, **WHO}, True),
        ({"request": "suppress", "zone": "a", "track": 7, "until_ns": 1, **WHO}, False),
        ({"request": "suppress", "until_ns": 1, **WHO}, False),
        ({"request": "suppress", "track": 7, **WHO}, False),
        ({"request": "zone", "id": "a", "active": False, **WHO}, True),
        ({"request": "zone", "id": "a.b", "active": False, **WHO}, False),
        ({"request": "zone", "id": "a", "active": 1, **WHO}, False),
        ({"request": "corridor", "track": 7}, True),
        ({"request": "corridor", "track": 7, "lookahead_s": 1800, "step_s": 60.0}, True),
        ({"request": "corridor", "track": 7, "lookahead_s": 3601}, False),
        ({"request": "corridor"}, False),
        ({"request": "pause"}, True),
        ({"request": "burst", "messages": 10}, True),
        ({"request": "burst"}, False),
        ({"request": "burst", "messages": 0}, False),
        ({"request": "rate", "rate": 0}, True),
        ({"request": "rate", "rate": -0.5}, False),
        ({"request": "seek", "offset_s": 2.5}, True),
        ({"request": "seek", "time_ns": 1, "offset_s": None}, True),
        ({"request": "seek", "time_ns": 1, "offset_s": 2.5}, False),
        ({"request": "seek"}, False),
    ],
)
def test_requests_hold_against_their_schema_or_do_not(request_: dict[str, object], good: bool) -> None:
    name = f"request-{request_['request']}"
    assert holds(name, {"v": 1, **request_}) is good
    assert not holds(name, {"v": 2, **request_})
    assert not holds(name, request_)


def test_an_answer_has_a_result_or_an_error() -> None:
    assert holds("answer", {"v": 1, "ok": True, "result": None})
    assert holds("answer", {"ok": False, "error": {"code": "unknown", "message": "no such alert"}})
    assert not holds("answer", {"ok": True})
    assert not holds("answer", {"ok": False, "error": "no such alert"})
    assert not holds("answer", {"result": []})
