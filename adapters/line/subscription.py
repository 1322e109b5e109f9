"""Following a running service: its socket, its heartbeat, and the way back to the whole after a loss."""

from __future__ import annotations

import logging
import math
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Any, Generic, Literal, Self, TypeVar

from adapters.line import sockets
from adapters.line.asking import NoAnswer, request, requests_address
from adapters.line.continuity import Continuity, Gap, Notice, Restored, Silent, Unanswered, Unreadable
from adapters.line.requests import RequestRefused
from adapters.wire import MAX_MESSAGE_BYTES, Message, decode
from fusion.errors import ConfigError, MessageRejected, SkypicketError

QUEUE = 10_000  # messages waiting here; a program slower than that finds the gap, and what was in it is fetched
LARGEST = 2 * MAX_MESSAGE_BYTES  # above the limit is reported, not cut off
ANSWER_S = 2.0  # for a snapshot; what comes live waits so long
RETRY_S = 5.0  # from a failed snapshot to the next attempt
STATUS = "status"

T = TypeVar("T")
OnSilence = Literal["raise", "report"]
Report = Callable[[Notice], None]
_log = logging.getLogger(__name__)


class LineSilent(SkypicketError):
    """No `status` came for `seconds`: no news is no longer good news."""

    def __init__(self, address: str, seconds: float) -> None:
        self.address, self.seconds = address, seconds
        super().__init__(f"{address}: no status for {seconds:g} s; is the service running?")


def follows(prefixes: tuple[str, ...], topic: str) -> bool:
    """Whether a topic is among those that a subscription of these prefixes watches."""
    return topic == STATUS or topic.startswith(prefixes)


def warn(notice: Notice) -> None:
    """What is done with notices unless the caller takes them: a warning in the log."""
    _log.warning("%s", notice)


class Subscription(ABC, Iterator[T], Generic[T]):
    """An endless iterator over what a service publishes, for one thread; `close` it, or use it in `with`.

    address, requests: where the service publishes and takes requests; `requests` left out is the port above.
    report: is told of gaps, restarts and the like.  silence_s: without a `status` for so long the line is
    silent; None: never.  on_silence: raise LineSilent (the iterator stays usable), or report and wait on.
    """

    _closed = True  # until the socket is open

    def __init__(
        self,
        address: str,
        prefixes: Sequence[str],
        *,
        requests: str | None = None,
        report: Report | None = None,
        silence_s: float | None = 5.0,
        on_silence: OnSilence = "raise",
    ) -> None:
        self._address = address
        self._requests = requests_address(address) if requests is None else requests
        self._report = warn if report is None else report
        self._on_silence = on_silence
        self._silence_s = math.inf if silence_s is None else silence_s
        if not self._silence_s > 0.0:
            raise ConfigError("silence_s", silence_s, "above 0, or None")
        self._prefixes = tuple(prefixes)
        self._continuity = Continuity(partial(follows, self._prefixes))
        self._ready: deque[T] = deque()
        self._held: list[tuple[str, Message]] = []  # live, but waiting for what was lost before it
        self._quiet = False
        self._settled = False  # until the first status: what went out before we were heard is no loss
        self._silent_at = time.monotonic() + self._silence_s
        self._join_at: float | None = time.monotonic()  # when to ask for a snapshot; None: all is whole
        self._retry_at = 0.0
        self.socket = sockets.open_socket("SUB", queue=QUEUE, largest=LARGEST)
        self._closed = False
        for prefix in (*self._prefixes, STATUS):
            self.socket.subscribe(prefix)
        sockets.connect(self.socket, address)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        """The next one, waiting for it. Raises LineSilent; StopIteration once it is closed."""
        while not self._ready:
            if self._closed:
                raise StopIteration
            self._go_on(math.inf)
        return self._ready.popleft()

    def wait(self, timeout_s: float) -> T | None:
        """The next one, or None when none comes within `timeout_s`: for programs that do other things too."""
        until = time.monotonic() + timeout_s
        while not self._ready:
            if self._closed or not (self._go_on(until) or time.monotonic() < until):
                return None
        return self._ready.popleft()

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self.socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    @abstractmethod
    def _restore(self, snapshot: Message) -> None:
        """Make ready what `snapshot` holds and has not been given yet. May ask for more."""

    @abstractmethod
    def _offer(self, message: Message) -> None:
        """Make ready what a live message brings, if it is asked for. Raises MessageRejected."""

    def _whole(self) -> None:
        """A `status` has shown that nothing is missing."""

    def _ask(self, message: Message) -> Any:
        return request(self._requests, message, min(ANSWER_S, self._silence_s))

    def _join(self) -> None:
        """Take a snapshot and go on from it; where there is none, go on with what comes, and try again."""
        epoch, last = "", dict[str, int]()
        try:
            snapshot = checked_snapshot(self._ask({"request": "snapshot"}))
            for notice in self._continuity.join(snapshot["source"], snapshot["epoch"], snapshot["last"]):
                self._report(notice)
            self._restore(snapshot)
            self._join_at = None
            epoch, last = snapshot["epoch"], snapshot["last"]
        except (NoAnswer, RequestRefused, MessageRejected) as error:
            self._join_at = self._retry_at = time.monotonic() + RETRY_S
            self._report(Unanswered(str(error)))
        held, self._held = self._held, []
        for topic, message in held:
            if message["epoch"] != epoch or message["seq"] > last.get(topic, -1):
                self._try_offer(topic, message)

    def _go_on(self, until: float) -> bool:
        """Do what is due, or take one message, waiting for it to `until`. Returns whether there was any."""
        if self._join_at is not None and time.monotonic() >= self._join_at:
            self._join()
            return True
        due = min(self._silent_at, until, math.inf if self._join_at is None else self._join_at)
        parts = sockets.receive(self.socket, due - time.monotonic())
        if parts is not None:
            self._receive(parts)
        elif time.monotonic() >= self._silent_at:
            self._fall_silent()
        return parts is not None

    def _receive(self, parts: list[bytes]) -> None:
        topic = parts[0].decode("utf-8", "replace")
        if len(parts) != 2 or not follows(self._prefixes, topic):
            return
        try:
            message = decode(parts[1])
        except MessageRejected as rejection:
            self._report(Unreadable(topic, str(rejection)))
            return
        self._take(topic, message)

    def _take(self, topic: str, message: Message) -> None:
        fresh, notices = self._continuity.observe(topic, message)
        if topic == STATUS:
            self._hear()
            last = _counters(message.get("last"))
            notices += self._continuity.compare(message["source"], message["epoch"], last)
        for notice in notices:
            if self._settled or not isinstance(notice, Gap):
                self._report(notice)
        if notices:
            self._join_at = max(time.monotonic(), self._retry_at)
        if topic == STATUS:
            self._settled = True
            if self._join_at is None:
                self._whole()
        elif fresh and notices and self._retry_at <= time.monotonic():
            self._held.append((topic, message))
        elif fresh:
            self._try_offer(topic, message)

    def _try_offer(self, topic: str, message: Message) -> None:
        try:
            self._offer(message)
        except MessageRejected as rejection:
            self._report(Unreadable(topic, str(rejection)))

    def _hear(self) -> None:
        self._silent_at = time.monotonic() + self._silence_s
        if self._quiet:
            self._quiet = False
            self._report(Restored())

    def _fall_silent(self) -> None:
        self._silent_at = time.monotonic() + self._silence_s
        if self._on_silence == "raise":
            self._quiet = True
            raise LineSilent(self._address, self._silence_s)
        if not self._quiet:
            self._quiet = True
            self._report(Silent(self._silence_s))


def checked_snapshot(result: object) -> Message:
    """The result of a `snapshot` request, with what is needed to go on from it. Raises MessageRejected."""
    if not isinstance(result, dict):
        raise MessageRejected("snapshot", "the snapshot is no map")
    number, alerts = result.get("number"), result.get("alerts")
    if type(number) is not int or number < 0:
        raise MessageRejected("snapshot", "number is missing; allowed is an integer from 0")
    if not isinstance(alerts, list) or not all(isinstance(alert, dict) for alert in alerts):
        raise MessageRejected("snapshot", "alerts is missing; allowed is an array of maps")
    for key in ("source", "epoch"):
        if not isinstance(result.get(key), str):
            raise MessageRejected("snapshot", f"{key} is missing; allowed is a string")
    return {**result, "last": _counters(result.get("last"))}


def _counters(last: object) -> dict[str, int]:
    """A `last`: topic -> `seq`; what is neither is left out."""
    if not isinstance(last, dict):
        return {}
    return {topic: seq for topic, seq in last.items() if isinstance(topic, str) and type(seq) is int}
