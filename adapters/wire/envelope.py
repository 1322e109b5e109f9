"""What every message carries: version, type, who sent it, its place in the stream, and when it happened."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

from adapters.wire.checks import is_id, is_integer, is_text, is_time
from adapters.wire.limits import MAX_INTEGER, MAX_TIME_NS, VERSION
from fusion.errors import MessageRejected, shorten
from fusion.types import AlertStep

Message = dict[str, Any]
TYPES: Final = ("frame", "tracks", "alert", "status", "zones", "truth")

# key: (code of the rejection, what it must be, in words)
_ENVELOPE: Final[dict[str, tuple[str, Callable[[object], bool], str]]] = {
    "v": ("version", lambda value: type(value) is int and value == VERSION, str(VERSION)),
    "type": ("type", lambda value: isinstance(value, str) and value in TYPES, ", ".join(TYPES)),
    "source": ("source", is_id, "an id: 1 to 64 of A-Z a-z 0-9 _ -"),
    "seq": ("seq", lambda value: is_integer(value, 0, MAX_INTEGER), f"an integer from 0 to {MAX_INTEGER}"),
    "epoch": ("epoch", is_text, "1 to 64 printable characters"),
    "time_ns": ("time", is_time, f"an integer from 1 to {MAX_TIME_NS}"),
}


def check_envelope(message: Mapping[str, Any]) -> None:
    """Raises MessageRejected: `version`, `type`, `source`, `seq`, `epoch`, `time`; for frames `sensor`."""
    if _is_good(message):
        return
    sensor = message.get("sensor")
    known = sensor if is_id(sensor) else None
    for key, (code, accepts, allowed) in _ENVELOPE.items():
        value = message.get(key)
        if not accepts(value):
            raise MessageRejected(code, f"{key} is {shorten(value)}; allowed is {allowed}", known)
    if message["type"] == "frame" and known is None:
        raise MessageRejected("sensor", f"sensor is {shorten(sensor)}; allowed is {_ENVELOPE['source'][2]}")


def _is_good(message: Mapping[str, Any]) -> bool:
    """Whether each rule holds: in one expression, as it is asked of every message."""
    get = message.get
    v, kind, seq, time_ns = get("v"), get("type"), get("seq"), get("time_ns")
    return (
        type(v) is int
        and v == VERSION
        and isinstance(kind, str)
        and kind in TYPES
        and is_id(get("source"))
        and type(seq) is int
        and 0 <= seq <= MAX_INTEGER
        and is_text(get("epoch"))
        and type(time_ns) is int
        and 0 < time_ns <= MAX_TIME_NS
        and (kind != "frame" or is_id(get("sensor")))
    )


def require_type(message: Mapping[str, Any], name: str) -> None:
    """Raises MessageRejected("type") where the message is another."""
    if message.get("type") != name:
        raise MessageRejected("type", f"type is {shorten(message.get('type'))}; allowed here is {name}")


def topic_of(message: Mapping[str, Any]) -> str:
    """The topic of a message: its type, for frames with the sensor, for alerts with zone and level."""
    kind: str = message["type"]
    if kind == "frame":
        return f"frame.{message['sensor']}"
    return f"alert.{message['zone']}.{message['level']}" if kind == "alert" else kind


def alert_topics(step: AlertStep) -> tuple[str, ...]:
    """Where a step goes out: the topic of its level, and that of the level which it leaves."""
    here = f"alert.{step.zone}.{step.level}"
    if step.previous_level is None or step.previous_level == step.level:
        return (here,)
    return (here, f"alert.{step.zone}.{step.previous_level}")


class Sender:
    """Stamps messages with one sender's envelope: `seq` counts up by one per topic, from 0.

    epoch: the id of this run; left out, a random one. last: topic -> last `seq`, as `status` carries it.
    """

    def __init__(self, source: str, epoch: str | None = None) -> None:
        self.source = source
        self.epoch = secrets.token_hex(8) if epoch is None else epoch
        self.last: dict[str, int] = {}

    def stamp(self, topic: str, body: Mapping[str, Any]) -> Message:
        """A complete message for `topic` of `body`, which has `type` and `time_ns` and stays as it was."""
        seq = self.last.get(topic, -1) + 1
        self.last[topic] = seq
        envelope = {
            "v": VERSION,
            "type": body["type"],
            "source": self.source,
            "seq": seq,
            "epoch": self.epoch,
            "time_ns": body["time_ns"],
        }
        return {**envelope, **{key: value for key, value in body.items() if key not in envelope}}
