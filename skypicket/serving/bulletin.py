"""What the service says of itself: `status`, its heartbeat, once a second, and `zones`."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from adapters.wire import Message, status_message, zones_message
from fusion.airspace.watch import watched
from fusion.types import SECOND_NS
from skypicket import __version__

if TYPE_CHECKING:
    from skypicket.serving.service import Service

STATUS_NS: Final = SECOND_NS
ZONES_NS: Final = 10 * SECOND_NS  # zones are said again, for those who came late and ask nothing
SLACK_NS: Final = SECOND_NS // 5  # for which the loop may be late with its `status` before another thread says it
STUCK_NS: Final = 30 * SECOND_NS  # of work without end: who is away for so long is no longer at work, but stuck
OVERLOADED: Final = "overloaded"


class Bulletin:
    """Says how the service is. `tell` belongs to its loop, `beat` to any thread.

    status, zones: as last published by the loop; there from the first `tell` on. started_ns: UTC of the clock when
    this run of the service began.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self.started_ns = service.clock.time_ns()
        self._start_ns = self._turned_ns = service.monotonic_ns
        self._status_due_ns = self._zones_due_ns = self._told_ns = self._start_ns
        self._slack_ns, self._stuck = SLACK_NS, False

    def due(self) -> bool:
        """Whether a second has passed since `status` went out."""
        self._turned_ns = self._service.monotonic_ns
        return self._turned_ns >= self._status_due_ns

    def tell(self) -> None:
        """Publish `status`, and `zones` if they changed or were not said for long."""
        service, now_ns = self._service, self._service.monotonic_ns
        self._status_due_ns = max(self._status_due_ns + STATUS_NS, now_ns + STATUS_NS // 2)
        tallies = service.gatekeeper.status(service.now_ns())
        service.health.count(tallies, now_ns)
        service.standing.follow(service.pipeline)
        service.outbox.logbook.work()
        service.health.journalling = service.outbox.logbook.failure is None
        service.health.line_works = service.line_test.works
        if now_ns >= self._zones_due_ns or self._zones_body()["features"] != self.zones["features"]:
            self.tell_zones()
        for sensor, biases in service.pipeline.registration().items():
            tallies[sensor]["registration"] = {name: asdict(estimate) for name, estimate in biases.items()}
        body = status_message(
            time_ns=service.now_ns(),
            state=service.health.state(now_ns),
            watermark_ns=service.pipeline.watermark_ns,
            uptime_s=(now_ns - self._start_ns) / SECOND_NS,
            tracks=service.outbox.statuses(),
            alerts=service.outbox.levels(),
            last=service.publisher.sender.last,
            sensors=tallies,
            suppressed=service.pipeline.ledger.suppressed(service.now_ns()),
            identities=[asdict(oddity) for oddity in service.pipeline.identities()],
            repaired=service.pipeline.repaired(),
            test_returned_ns=service.line_test.returned_ns,
            version=__version__,
        )
        self.status: Message = service.publisher.publish("status", body)
        self._told_ns, self._slack_ns, self._stuck = now_ns, SLACK_NS, False

    def tell_zones(self) -> None:
        """Publish `zones` as they are now."""
        self._zones_due_ns = self._service.monotonic_ns + ZONES_NS
        self.zones: Message = self._service.publisher.publish("zones", self._zones_body())

    def beat(self) -> bool:
        """Say `status` again, as `overloaded`, where the loop has been at work for more than a second; whether it did.

        One piece of work must not look like a dead line; but after `STUCK_NS` of it nothing is said any more: a
        heart that beats for ever would hide that nobody watches.
        """
        publisher, clock = self._service.publisher, self._service.clock
        if not self._missed(clock.monotonic_ns()):
            return False
        with publisher.lock:  # the loop may have spoken while this waited for it
            now_ns = clock.monotonic_ns()
            if not self._missed(now_ns):
                return False
            if now_ns - self._turned_ns > STUCK_NS:
                if not self._stuck:
                    _log.error("one piece of work has lasted for %d s: the line falls silent", STUCK_NS // SECOND_NS)
                self._stuck = True
                return False
            body = {
                **self.status,
                "state": OVERLOADED,
                "uptime_s": round((now_ns - self._start_ns) / SECOND_NS, 3),
                "last": dict(publisher.sender.last),
            }
            if self._service.live:
                body["time_ns"] = clock.time_ns()
            publisher.publish("status", body)
            self._told_ns, self._slack_ns = now_ns, 0
            return True

    def _missed(self, now_ns: int) -> bool:
        return now_ns - self._told_ns >= STATUS_NS + self._slack_ns

    def _zones_body(self) -> Message:
        service = self._service
        time_ns, zones = service.now_ns(), service.site.zones
        reporting = service.health.reporting(service.monotonic_ns)
        seen = watched(zones, reporting, service.health.poses, service.plane, service.site.tracker)
        return zones_message(time_ns, zones, service.pipeline.airspace.states(time_ns), seen)


_log = logging.getLogger(__name__)
