"""The live service: frames in, pictures and alerts out. One loop over its sockets does everything.

PULL -> gatekeeper -> pipeline -> journal -> XPUB -> SUB: its own test alerts;    ROUTER -> answers

A second thread does one thing: it says `status` where a piece of work holds the loop up for longer than a second.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from adapters.clock import Clock, SystemClock
from adapters.intake.gatekeeper import Gatekeeper
from adapters.intake.ingest import Ingest, Received
from adapters.journal import Journal
from adapters.line import sockets
from adapters.line.publish import Publisher
from adapters.line.requests import RequestServer
from adapters.wire import Sender
from fusion.config import SiteConfig
from fusion.errors import ConfigError, MessageRejected
from fusion.geodesy import Plane
from fusion.pipeline import Pipeline
from fusion.types import SECOND_NS, Frame
from skypicket.serving.answers import Answers
from skypicket.serving.bulletin import Bulletin
from skypicket.serving.health import Health
from skypicket.serving.heartbeat import Heartbeat
from skypicket.serving.line_test import LineTest
from skypicket.serving.logbook import Logbook
from skypicket.serving.numbering import next_picture
from skypicket.serving.outbox import NEW_PICTURE, Outbox
from skypicket.serving.recovery import Recovery
from skypicket.serving.standing import Standing

JOURNAL: Final = "alerts.sqlite"  # in the data folder
NAP_S: Final = 0.05  # the longest wait in the loop: how late a report may be where sensors are silent
FRAMES: Final = 16  # taken at once, so that the time of arrival is that of the taking
TURN_NS: Final = SECOND_NS // 10  # of work on requests, and on frames, before others have their turn
GRACE_S: Final = 0.5  # live: how long a report waits for frames that may still be on their way
PATIENCE_S: Final = 10.0  # event time: with a subscriber that is slower than the replay, so that it gets everything
IDLE_S: Final = 2.0  # event time: without frames for so long, reports up to the newest one go out


class Service:
    """Binds its sockets, takes over what an earlier run left open, and serves until `run` is told to stop.

    live: event times are held against the clock, and reports go on where sensors fall silent. Otherwise
    frames alone move time; after `IDLE_S` of the clock without any, what is due up to the newest goes out.
    Raises ConfigError for addresses, JournalError for the journal in `site.service.data`; while it runs, a journal
    that fails degrades the service and holds no alert back.
    """

    def __init__(self, site: SiteConfig, *, live: bool, clock: Clock | None = None) -> None:
        self.site, self.live = site, live
        self.clock = clock or SystemClock()
        self.monotonic_ns = self.clock.monotonic_ns()  # when this turn of the loop began, or its last part
        self.plane = Plane(site.service.origin)
        self._picture = -1
        self.gatekeeper = Gatekeeper(site)
        self.health = Health(site.sensor, live=live, lateness_s=site.tracker.lateness_s)
        self._data = Path(site.service.data)
        journal = Journal(self._data / JOURNAL)
        self._closing: list[Callable[[], None]] = [journal.close]
        try:
            self._open(journal)
            self._begin()
        except BaseException:
            self.close()
            raise
        self._grace_ns = round(min(GRACE_S, site.tracker.lateness_s) * SECOND_NS)
        self._moved_ns = self.monotonic_ns  # of the clock, when the newest event time last moved
        self._idle_since_ns: int | None = None  # the last frame that no report has followed yet
        self.bulletin = Bulletin(self)
        self.bulletin.tell()

    def _open(self, journal: Journal) -> None:
        service = self.site.service
        with _named("ingest"):
            self.ingest = Ingest(service.ingest, self.gatekeeper, self.clock if self.live else None)
        self._closing.append(self.ingest.close)
        with _named("publish"):
            patience_s = 0.0 if self.live else PATIENCE_S
            self.publisher = Publisher(service.publish, Sender(source_id(service.name)), patience_s)
        self._closing.append(self.publisher.close)
        with _named("requests"):
            self.requests = RequestServer(service.requests, Answers(self).handlers())
        self._closing.append(self.requests.close)
        self.outbox = Outbox(self.publisher, Logbook(journal, self.clock))
        self._closing.append(self.outbox.logbook.close)
        every_s, zones = self.site.alerts.test_every_s, [zone.id for zone in self.site.zones]
        send, place = self.outbox.send_test, service.origin
        self.line_test = LineTest(self.publisher.address, send, self.clock, every_s, place, zones)
        self._closing.append(self.line_test.close)

    def _begin(self) -> None:
        """The first air picture, and what an earlier run left open. Raises JournalError: now it has to work."""
        self.standing = Standing(self.site, self.outbox.logbook)
        self.outbox.logbook.work(now=True)
        self._check_journal()
        self.pipeline = self._new_pipeline()
        self.recovery = Recovery(self)
        self.recovery.take_over()
        self._check_journal()

    def _check_journal(self) -> None:
        if self.outbox.logbook.failure is not None:
            raise self.outbox.logbook.failure

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close sockets and journal. Alerts stay open in the journal: the next start takes them over."""
        while self._closing:
            self._closing.pop()()

    def run(self, stop: Callable[[], bool]) -> None:
        """Serve until `stop()`."""
        endpoints = self.ingest, self.publisher, self.requests, self.line_test
        with Heartbeat(self.bulletin.beat):
            while not stop():
                with self.publisher.lock:
                    sockets.wait(endpoints, NAP_S)
                self.turn()

    def turn(self) -> None:
        """Do everything that waits or is due, for about `TURN_NS`; never blocks."""
        self.monotonic_ns = self.clock.monotonic_ns()
        self.publisher.take_subscriptions()
        self._answer()
        self._take_frames()
        self._advance()
        self.recovery.turn()
        self.line_test.turn(self.now_ns())
        self.monotonic_ns = self.clock.monotonic_ns()
        if self.bulletin.due():
            self.bulletin.tell()

    def now_ns(self) -> int:
        """The clock where the service runs live, else the newest event time, and the clock before there is one."""
        newest_ns = None if self.live else self.pipeline.newest_ns
        return self.clock.time_ns() if newest_ns is None else newest_ns

    def switch_zone(self, zone: str, active: bool) -> None:
        """Switch a zone on or off from now on. Raises ConfigError for one that is not there."""
        self.standing.switch(self.pipeline, zone, active)
        self.bulletin.tell_zones()

    def _answer(self) -> None:
        """Answer requests, as long as frames get their turn too: a corridor takes a fifth of a second."""
        until_ns = self.monotonic_ns + TURN_NS
        while self.requests.serve(1) and self.clock.monotonic_ns() < until_ns:
            pass

    def _take_frames(self) -> None:
        until_ns = self.clock.monotonic_ns() + TURN_NS
        while True:
            for received in self.ingest.receive(FRAMES):
                self._take(received)
            now_ns = self.clock.monotonic_ns()
            if not sockets.wait((self.ingest,), 0.0):
                self.health.drained(now_ns)
                return
            if now_ns >= until_ns:
                return

    def _take(self, received: Received) -> None:
        frame = received.content
        if not isinstance(frame, Frame):
            self.publisher.forward(received.topic, received.payload)
            return
        if received.moves_watermark:
            self.recovery.begin(frame.time_ns)
        if received.new_picture:
            self._start_picture()
        before_ns = self.pipeline.newest_ns
        try:
            events = self.pipeline.receive(frame, moves_watermark=received.moves_watermark)
        except MessageRejected as rejection:
            self.gatekeeper.late(frame, rejection.detail)
            return
        self._idle_since_ns = self.clock.monotonic_ns()
        if self.pipeline.newest_ns != before_ns:
            self._moved_ns = self._idle_since_ns
        self.health.heard(frame, self._idle_since_ns)
        self.publisher.forward(received.topic, received.payload)
        self.outbox.send(events)

    def _start_picture(self) -> None:
        """A new run of a sender lies behind: begin anew. What operators switched or suppressed stays so."""
        self.outbox.clear(list(self.outbox.open.values()), None, NEW_PICTURE)
        self.standing.follow(self.pipeline)
        self.pipeline = self._new_pipeline()
        self.health.new_picture()
        _log.info("a new air picture begins")

    def _new_pipeline(self) -> Pipeline:
        try:
            self._picture = next_picture(self._data, self._picture + 1)
        except ConfigError as error:
            if self._picture < 0:
                raise
            self._picture += 1  # a full disk must not end the watch
            _log.error("the air picture's number %d is not on the disk: %s", self._picture, error)
        pipeline = Pipeline(self.site, picture=self._picture)
        self.standing.apply(pipeline)
        return pipeline

    def _advance(self) -> None:
        """Make the reports that no frame will release."""
        if self.live:
            self.outbox.send(self.pipeline.advance(self._event_now_ns() - self._grace_ns))
        elif self._idle_since_ns is not None and self._idle_for(IDLE_S):
            self._idle_since_ns = None
            self.outbox.send(self.pipeline.finish())

    def _event_now_ns(self) -> int:
        """Live: how far the sensors' time is. It goes on from the newest frame at the pace of the clock, so that
        sensors whose clocks are behind are not overtaken by reports, again and again, before they can speak."""
        since_ns = self.clock.monotonic_ns() - self._moved_ns
        return min(self.clock.time_ns(), (self.pipeline.newest_ns or 0) + since_ns)

    def _idle_for(self, seconds: float) -> bool:
        idle_ns = self.clock.monotonic_ns() - (self._idle_since_ns or 0)
        return idle_ns >= seconds * SECOND_NS


@contextmanager
def _named(name: str) -> Iterator[None]:
    """An address that cannot be bound is the fault of its key in the configuration."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"service.{name}", error.found, error.allowed) from None


def source_id(name: str) -> str:
    """A site's name as a sender's id."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:64] or "skypicket"


_log = logging.getLogger(__name__)
