"""What the service says: every alert step in the journal, if it can be, before anybody hears of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from adapters.line.publish import Publisher
from adapters.wire import Message, alert_message, alert_topics, topic_of, tracks_message
from fusion.types import AlertStep, Event, Picture
from skypicket.serving.logbook import Logbook

NEW_PICTURE: Final = "A new air picture was started: track {track} belongs to the one before it."


class Outbox:
    """Publishes events, and keeps what a snapshot tells: the last picture, and the last step of open alerts."""

    def __init__(self, publisher: Publisher, logbook: Logbook) -> None:
        self.publisher, self.logbook = publisher, logbook
        self.picture: Picture | None = None
        self.tracks: Message | None = None
        self.open: dict[str, Message] = {}  # alert -> its last step as it went out; tests of the line are none

    def send(self, events: Sequence[Event]) -> None:
        """Write the alert steps among `events` to the disk, all at once; then publish everything in order."""
        steps = [alert_message(event, 0) for event in events if isinstance(event, AlertStep)]
        bodies = iter(self.logbook.add(steps) if steps else ())
        for event in events:
            if isinstance(event, Picture):
                self.picture = event
                self.tracks = self.publisher.publish("tracks", tracks_message(event))
            else:
                self._publish(next(bodies), alert_topics(event))

    def clear(self, alerts: Sequence[Message], time_ns: int | None, reason: str) -> None:
        """Clear open alerts, given as their last messages, that nobody can follow any more.

        time_ns: when; None: each at the time of its last step, where event time alone counts.
        """
        bodies = [_cleared(alert, time_ns, reason) for alert in alerts]
        for body in self.logbook.add(bodies) if bodies else []:
            self._publish(body, (topic_of(body),))

    def send_test(self, body: Message) -> Message:
        """Number a step of the line's own test, write it to the disk, publish it. Returns it as it went out."""
        (numbered,) = self.logbook.add([body])
        return self._publish(numbered, (topic_of(numbered),))

    def levels(self) -> dict[str, int]:
        """How many alerts are open, by level."""
        return dict(Counter(alert["level"] for alert in self.open.values()))

    def statuses(self) -> dict[str, int]:
        """How many tracks live, by status, as last published."""
        names = self.picture.status if self.picture is not None else ()
        return dict(Counter(name for name in names if name != "ended"))

    def _publish(self, body: Message, topics: Sequence[str]) -> Message:
        """Send a step to its topics. Returns it as it went out to the first."""
        sent = [self.publisher.publish(topic, body) for topic in topics]
        if body["state"] == "cleared":
            self.open.pop(body["alert"], None)
        elif not body["test"]:
            self.open[body["alert"]] = sent[0]
        return sent[0]


def _cleared(alert: Message, time_ns: int | None, reason: str) -> Message:
    return {
        **alert,
        "type": "alert",
        "time_ns": max(alert["time_ns"], time_ns or 0),
        "step": alert["step"] + 1,
        "state": "cleared",
        "reason": reason.format(track=alert["track"], zone=alert["zone"]),
    }
