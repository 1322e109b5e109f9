"""The newest state among the messages of a service: what a recording needs to open with, to make sense alone."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

from adapters.wire import Message, Sender, check_envelope
from fusion.errors import MessageRejected
from replay.recordings.record import topic_of

OPEN_ALERTS: Final = 10_000  # remembered at once; of more, the newest
FROM_SENSORS: Final = ("frame", "truth")  # kinds of messages that are not the service's own


class LatestState:
    """Follows messages as they come; `messages` are those that describe the present."""

    def __init__(self) -> None:
        self._latest: dict[str, Message] = {}
        self._alerts: OrderedDict[str, Message] = OrderedDict()
        self._sender: tuple[str, str, int] | None = None

    def begin(self, snapshot: Message) -> None:
        """Take over the answer to a `snapshot` request, as far as it is good."""
        source, epoch, started_ns = (snapshot.get(key) for key in ("source", "epoch", "started_ns"))
        if isinstance(source, str) and isinstance(epoch, str) and type(started_ns) is int:
            self._sender = source, epoch, started_ns
        for message in opening_of(snapshot):
            self.follow(message)

    def follow(self, message: Message) -> None:
        """Take in a message whose envelope and topic were checked."""
        kind = message["type"]
        if kind in FROM_SENSORS:
            return
        sender = message["source"], message["epoch"]
        if self._sender is None or self._sender[:2] != sender:
            self._sender = *sender, message["time_ns"]
        if kind != "alert":
            self._latest[kind] = message
        elif message.get("test") is not True:
            self._follow_alert(message)

    def _follow_alert(self, message: Message) -> None:
        name = str(message.get("alert"))[:64]
        self._alerts.pop(name, None)
        if message.get("state") != "cleared":
            self._alerts[name] = message
        if len(self._alerts) > OPEN_ALERTS:
            self._alerts.popitem(last=False)

    def messages(self) -> list[tuple[str, Message]]:
        """Zones, air picture, open alerts, status, each with its topic."""
        latest = self._latest
        parts = [latest.get("zones"), latest.get("tracks"), *self._alerts.values(), latest.get("status")]
        return [(topic_of(part), part) for part in parts if part is not None]

    def metadata(self) -> dict[str, str]:
        """Who publishes, since when, in which version, and the zones, as far as it is known."""
        found = {}
        if self._sender is not None:
            source, epoch, start_ns = self._sender
            found = epoch_metadata(Sender(source, epoch), start_ns)
        version = self._latest.get("status", {}).get("version")
        if isinstance(version, str):
            found["service_version"] = version[:64]
        features = self._latest.get("zones", {}).get("features")
        if isinstance(features, list):
            found["zones.geojson"] = _text({"type": "FeatureCollection", "features": features})
        return found


def epoch_metadata(sender: Sender, start_ns: int) -> dict[str, str]:
    """What the metadata of a recording say of its epoch: whose it is, and since when, UTC nanoseconds."""
    return {"source": sender.source, "epoch": sender.epoch, "epoch_start_ns": str(start_ns)}


def opening_of(snapshot: Mapping[str, Any]) -> list[Message]:
    """The good messages in the answer to a `snapshot` request: zones, tracks, open alerts, status."""
    alerts = snapshot.get("alerts")
    parts = [snapshot.get("zones"), snapshot.get("tracks"), *(alerts if isinstance(alerts, list) else [])]
    parts.append(snapshot.get("status"))
    return [part for part in parts if isinstance(part, dict) and _is_message(part)]


def _is_message(part: Message) -> bool:
    try:
        check_envelope(part)
        topic_of(part)
    except MessageRejected:
        return False
    return True


def _text(value: object) -> str:
    try:
        return json.dumps(value, separators=(",", ":"), default=str)
    except (TypeError, ValueError, RecursionError):
        return ""
