"""Open alerts over a restart: they wait for their objects, and who is found again keeps the alert and its past."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from adapters.journal import JournalError
from adapters.wire import Message, alert_message, alert_step
from fusion.errors import MessageRejected
from fusion.types import SECOND_NS, AlertStep

if TYPE_CHECKING:
    from skypicket.serving.service import Service

SIGHTED_NS: Final = (
    5 * SECOND_NS
)  # between two notes of where the tracks of open alerts are: as steps are said at least
LONGEST_GAP_NS: Final = 300 * SECOND_NS  # of a restart: after it, who heads for the zone may well be another object
PATIENCE_NS: Final = 60 * SECOND_NS  # without any frame: nobody can say that the object is still there
WAITING: Final = "The service started anew: it looks for the object of track {track}, last known for {zone}."
RESTARTED: Final = "The service started anew: whether track {track} still threatens {zone} is not known."
TEST: Final = "The service started anew: this test of its alert line is over; nothing to do."


class Recovery:
    """Takes over what an earlier run left open, and notes what the next one will need.

    The ledger looks for the objects. Before the first frame, and where that is of another time, it cannot: what waits
    then in vain is cleared here.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._start_ns = self._noted_ns = service.monotonic_ns
        self._began = False

    def take_over(self) -> None:
        """Say of each open alert of an earlier run that it waits for its object; clear what nothing can follow.

        Raises JournalError for a journal that holds what is no alert.
        """
        service = self._service
        logbook = service.outbox.logbook
        seen = {message["alert"]: message for message in logbook.sightings}
        zones = {zone.id for zone in service.site.zones}
        steps: list[AlertStep] = []
        try:
            for message in logbook.journal.open_alerts():
                if message["test"] or message["zone"] not in zones:
                    self._clear([message], TEST if message["test"] else RESTARTED)
                else:
                    steps.append(_waiting(message, seen.get(message["alert"])))
        except (KeyError, MessageRejected) as error:
            raise JournalError(logbook.journal.file, f"holds an alert that cannot be read: {error}") from None
        service.outbox.send(steps)
        service.pipeline.ledger.adopt(steps)
        if steps:
            _log.warning("%d alerts of an earlier run wait for their objects", len(steps))

    def begin(self, time_ns: int) -> None:
        """The first frame is of `time_ns`: what was open long before that, or after it, waits for nobody."""
        if self._began:
            return
        self._began = True
        oldest_ns = time_ns - LONGEST_GAP_NS
        newest_ns = time_ns + round(self._service.site.tracker.lateness_s * SECOND_NS)
        waiting = self._service.outbox.open.values()
        self._give_up([each for each in waiting if not oldest_ns <= each["time_ns"] <= newest_ns])

    def turn(self) -> None:
        """Give up where no frame came at all; note how open alerts stand."""
        service = self._service
        if not self._began:
            if service.monotonic_ns - self._start_ns >= PATIENCE_NS:
                self._began = True
                self._give_up(list(service.outbox.open.values()))
            return
        if service.monotonic_ns - self._noted_ns >= SIGHTED_NS:
            self._noted_ns = service.monotonic_ns
            service.outbox.logbook.see([alert_message(step, 0) for step in service.pipeline.standing()])

    def _give_up(self, alerts: list[Message]) -> None:
        self._service.pipeline.ledger.forget({each["alert"] for each in alerts})
        self._clear(alerts, RESTARTED)

    def _clear(self, alerts: list[Message], reason: str) -> None:
        service = self._service
        service.outbox.clear(alerts, service.clock.time_ns() if service.live else None, reason)


def _waiting(message: Message, seen: Message | None) -> AlertStep:
    """The step that says so: an alert's last one, with where its track was last."""
    step = alert_step(message)
    where = step if seen is None else alert_step(seen)
    if where.time_ns > step.time_ns:
        step = replace(step, time_ns=where.time_ns, position=where.position, velocity_mps=where.velocity_mps)
    reason = WAITING.format(track=step.track, zone=step.zone)
    return replace(step, step=step.step + 1, state="updated", reason=reason)


_log = logging.getLogger(__name__)
