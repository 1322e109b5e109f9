"""What a replay has published of a recorded service, told as that service would: to who joins or has lost something."""

from __future__ import annotations

from typing import Final

from adapters.line.requests import page_of, snapshot_result
from adapters.wire import Message, Sender, decode, read_alert
from fusion.errors import MessageRejected
from replay.playing.playback import TAKEN_IN

STEPS: Final = 10_000  # alert steps that are kept: as many as a client fetches
NOBODY: Final = ("replay", "nothing-yet")  # source and epoch before there are any
TOPICS: Final = 10_000  # of which the last message is kept; of more, those that were heard of last


class Shown:
    """Follows what is published, answers `snapshot` and `alerts`. The steps of former runs stay, as in a journal."""

    def __init__(self) -> None:
        self._latest: dict[str, bytes] = {}
        self._newest = ""  # topic of the message that came last
        self._run = ("", "")  # source and epoch of the alerts that are open
        self._open: dict[str, Message] = {}
        self._steps: dict[int, Message] = {}  # by number: a step that changes the level is published twice

    def take(self, topic: str, payload: bytes) -> None:
        """Take in one message that was published."""
        kind = topic.partition(".")[0]
        if kind in TAKEN_IN:
            return
        self._latest.pop(topic, None)
        self._latest[topic] = payload
        self._newest = topic
        if len(self._latest) > TOPICS:
            del self._latest[next(iter(self._latest))]
        if kind == "alert":
            self._take_step(payload)

    def snapshot(self) -> Message:
        """As a service's; `zones` and `status` are null where none was recorded, or none was published yet.

        Before anything was, it is that of a run which the first message ends: who has it asks again then.
        """
        sender = self._sender()
        own: dict[str, Message] = {}
        for topic, payload in self._latest.items():
            message = decode(payload)
            if (message["source"], message["epoch"]) == (sender.source, sender.epoch):
                own[topic] = message
                sender.last[topic] = message["seq"]
        ours = self._run == (sender.source, sender.epoch)
        return snapshot_result(
            sender,
            number=max(self._steps, default=0),
            tracks=own.get("tracks"),
            zones=own.get("zones"),
            alerts=sorted(self._open.values(), key=lambda step: int(step["number"])) if ours else [],
            status=own.get("status"),
        )

    def _sender(self) -> Sender:
        """Whose message came last."""
        if not self._newest:
            return Sender(*NOBODY)
        newest = decode(self._latest[self._newest])
        return Sender(newest["source"], newest["epoch"])

    def alerts(self, since: int, limit: int) -> list[Message]:
        """The steps after the number `since`, in order, as many as fit into an answer."""
        numbers = sorted(number for number in self._steps if number > since)
        return page_of(self._steps[number] for number in numbers[:limit])

    def _take_step(self, payload: bytes) -> None:
        message = decode(payload)
        try:
            step = read_alert(message)
        except MessageRejected:
            return  # it was recorded so, and whoever gets it will say so
        run = (message["source"], message["epoch"])
        if run != self._run:
            self._run = run
            self._open.clear()
        self._steps.setdefault(step["number"], message)
        if len(self._steps) > STEPS:
            del self._steps[next(iter(self._steps))]
        if step["state"] == "cleared" or step["test"]:
            self._open.pop(step["alert"], None)
        else:
            self._open[step["alert"]] = message
