"""For users' own programs: follow the alerts or the tracks of a running service, and ask it.

    for alert in subscribe("tcp://127.0.0.1:5802", zone="airport"):
        print(alert["level"], alert["reason"])

A subscription begins with what is open now and goes on live; each step comes exactly once, and steps lost on
the way are fetched. `report` is told of gaps, restarts and the like, by default they are logged as warnings.
When the line falls silent, LineSilent is raised: an alert that cannot arrive must not look like peace.
"""

from __future__ import annotations

import time

from adapters.line import sockets
from adapters.line.asking import NoAnswer, request, requests_address
from adapters.line.continuity import Forgotten, Gap, Notice, Restart, Restored, Silent, Unanswered, Unreadable
from adapters.line.requests import RequestRefused
from adapters.line.subscription import LARGEST, QUEUE, LineSilent, OnSilence, Report, Subscription
from adapters.wire import LEVELS, Message, is_id, is_integer, read_alert, read_tracks
from adapters.wire.limits import MAX_INTEGER
from fusion.errors import ConfigError, MessageRejected
from fusion.types import Picture

__all__ = [
    "Alerts",
    "Forgotten",
    "Gap",
    "LineSilent",
    "Listener",
    "NoAnswer",
    "Notice",
    "RequestRefused",
    "Restart",
    "Restored",
    "Silent",
    "Tracks",
    "Unanswered",
    "Unreadable",
    "corridor",
    "request",
    "requests_address",
    "subscribe",
    "tracks",
]

PUBLISHED_AT = "tcp://127.0.0.1:5802"
PAGE = 500  # alert steps asked for at once
MAX_FETCHED = 10_000  # lost steps that are fetched; of more, the newest, and what is open in any case


def subscribe(
    address: str = PUBLISHED_AT,
    zone: str | None = None,
    level: str | None = None,
    *,
    requests: str | None = None,
    report: Report | None = None,
    silence_s: float | None = 5.0,
    on_silence: OnSilence = "raise",
    tests: bool = False,
    since: int | None = None,
) -> Alerts:
    """The alert steps of a service, as maps like the contract's `alert`: first those of the alerts open now.

    zone, level: only these. With `level`, the step with which an alert leaves that level comes too.
    tests: the line's own test alerts too, each marked `test`; they are of a zone of their own.  since: go on after the
    step of this `number`, as a program does that was down: what it missed comes first, in order, instead of what is
    open. The other parameters are those of `Subscription`. Raises ConfigError for a wrong zone, level or address.
    """
    return Alerts(
        address,
        zone,
        level,
        requests=requests,
        report=report,
        silence_s=silence_s,
        on_silence=on_silence,
        tests=tests,
        since=since,
    )


def tracks(
    address: str = PUBLISHED_AT,
    *,
    requests: str | None = None,
    report: Report | None = None,
    silence_s: float | None = 5.0,
    on_silence: OnSilence = "raise",
) -> Tracks:
    """The air pictures of a service, the present one first. A time that comes again corrects the earlier."""
    return Tracks(address, ["tracks"], requests=requests, report=report, silence_s=silence_s, on_silence=on_silence)


def corridor(
    address: str, track: int, *, lookahead_s: float | None = None, step_s: float | None = None, timeout_s: float = 5.0
) -> Message:
    """Where a track will probably be, from the service whose request socket is at `address`: for display.

    `slices`, each with its `time_s` from `time_ns` on, its `centre`, a height band and the outlines of 50 % and 90 %.
    lookahead_s: 180 s where it is left out.  step_s: between slices; an eighth of it. Raises RequestRefused (`unknown`
    for a track that is not there or not confirmed), NoAnswer, ConfigError.
    """
    asked = {"request": "corridor", "track": track, "lookahead_s": lookahead_s, "step_s": step_s}
    result = request(address, asked, timeout_s)
    if not isinstance(result, dict) or not isinstance(result.get("slices"), list):
        raise NoAnswer(address, "the answer is no corridor")
    return result


class Tracks(Subscription[Picture]):
    """See `tracks`."""

    def _restore(self, snapshot: Message) -> None:
        if snapshot.get("tracks") is not None:
            self._offer(snapshot["tracks"])

    def _offer(self, message: Message) -> None:
        self._ready.append(read_tracks(message))


class Alerts(Subscription[Message]):
    """See `subscribe`."""

    def __init__(
        self,
        address: str,
        zone: str | None,
        level: str | None,
        *,
        requests: str | None,
        report: Report | None,
        silence_s: float | None,
        on_silence: OnSilence,
        tests: bool = False,
        since: int | None = None,
    ) -> None:
        if zone is not None and not is_id(zone):
            raise ConfigError("zone", zone, "an id: 1 to 64 of A-Z a-z 0-9 _ -")
        if level is not None and level not in LEVELS:
            raise ConfigError("level", level, ", ".join(LEVELS))
        self._zone, self._level, self._tests = zone, level, tests
        if since is not None and not is_integer(since, 0, MAX_INTEGER):
            raise ConfigError("since", since, "the number of an alert step, 0 or more; None: begin with what is open")
        self._complete_to = since  # every step up to this number was given, or was not asked for
        self._given: set[int] = set()  # numbers given beyond that
        self._open: dict[str, int] = {}  # alert -> its last step given
        prefix = "alert." if zone is None else f"alert.{zone}."
        if zone is not None and level is not None:
            prefix += level
        super().__init__(
            address,
            [prefix],
            requests=requests,
            report=report,
            silence_s=silence_s,
            on_silence=on_silence,
        )

    def _restore(self, snapshot: Message) -> None:
        number, open_before = snapshot["number"], set(self._open)
        since = self._complete_to
        if since is not None and number >= since:
            self._fetch(since, number)
        else:  # joined just now, or the journal begins anew and so do its numbers
            self._given.clear()
            since = None
        alerts = [read_alert(alert) for alert in snapshot["alerts"]]
        known = {alert["alert"] for alert in alerts}
        for alert in alerts:
            if since is not None and alert["number"] <= since:
                if self._here(alert) and self._level in (None, alert["level"]):
                    self._open.setdefault(alert["alert"], alert["step"])  # known to who goes on after it
            elif alert["step"] > self._open.get(alert["alert"], 0):
                self._give(alert)
        gone = tuple(sorted(alert for alert in self._open if alert in open_before - known))
        if gone:
            self._report(Forgotten(gone))
        self._open = {alert: step for alert, step in self._open.items() if alert in known}
        self._complete_to = number
        self._given = {given for given in self._given if given > number}

    def _fetch(self, since: int, number: int) -> None:
        """Give the steps after `since`, up to `number`, that were lost."""
        if number - since > MAX_FETCHED:
            self._report(Forgotten((), number - since - MAX_FETCHED))
            since = number - MAX_FETCHED
        while since < number:
            page = self._ask({"request": "alerts", "since": since, "limit": PAGE})
            if not isinstance(page, list) or not all(isinstance(step, dict) for step in page):
                raise MessageRejected("alerts", "the steps asked for are no array of maps")
            steps = [read_alert(step) for step in page]
            if not steps or steps[-1]["number"] <= since:
                return
            for step in steps:
                self._offer_checked(step)
            since = steps[-1]["number"]

    def _offer(self, message: Message) -> None:
        self._offer_checked(read_alert(message))

    def _offer_checked(self, alert: Message) -> None:
        number = alert["number"]
        if number in self._given or (self._complete_to is not None and number <= self._complete_to):
            return
        self._give(alert)

    def _give(self, alert: Message) -> None:
        """Make a step ready, where it is asked for, and remember it."""
        self._given.add(alert["number"])
        name = alert["alert"]
        at_level = self._level in (None, alert["level"])
        if alert["test"]:  # never open: nobody waits for its end, and no snapshot tells it
            if self._tests and at_level and self._here(alert):
                self._ready.append(alert)
            return
        if not self._here(alert) or not (at_level or name in self._open):
            return
        if alert["state"] == "cleared" or not at_level:
            self._open.pop(name, None)
        else:
            self._open[name] = max(alert["step"], self._open.get(name, 0))
        self._ready.append(alert)

    def _here(self, alert: Message) -> bool:
        return self._zone in (None, alert["zone"])

    def _whole(self) -> None:
        if self._given and self._complete_to is not None:
            self._complete_to = max(self._complete_to, *self._given)
            self._given.clear()


class Listener:
    """Everything that is published at `address`, as it comes: for recorders. Raises ConfigError."""

    def __init__(self, address: str, prefixes: tuple[str, ...] = ("",)) -> None:
        self.socket = sockets.open_socket("SUB", queue=QUEUE, largest=LARGEST)
        for prefix in prefixes:
            self.socket.subscribe(prefix)
        sockets.connect(self.socket, address)

    def receive(self, timeout_s: float) -> tuple[str, bytes] | None:
        """The next `(topic, payload)`, None when none comes in time. What has not two parts is left out."""
        until = time.monotonic() + timeout_s
        while (parts := sockets.receive(self.socket, until - time.monotonic())) is not None:
            if len(parts) == 2:
                return parts[0].decode("utf-8", "replace"), parts[1]
        return None

    def close(self) -> None:
        self.socket.close()
