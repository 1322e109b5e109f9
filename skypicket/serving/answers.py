"""What the service answers to requests: one method each, named as the request."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from adapters.line.requests import MOST_SLICES, RequestRefused, page_of, snapshot_result
from adapters.wire import Message

if TYPE_CHECKING:
    from skypicket.serving.service import Service

ROUNDING: Final = 1e-9  # a tenth of 0.3 s goes into it three times
_log = logging.getLogger(__name__)


class Answers:
    """The handlers of a `RequestServer`. What the core refuses becomes the answer's error there."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def handlers(self) -> Mapping[str, Callable[..., object]]:
        return {
            "snapshot": self.snapshot,
            "alerts": self.alerts,
            "ack": self.ack,
            "suppress": self.suppress,
            "zone": self.zone,
            "corridor": self.corridor,
            "health": self.health,
        }

    def snapshot(self) -> Message:
        """The state after everything that was published up to now. No tracks before the first picture.

        Beside what the contract names, `started_ns`: UTC of the clock when this run, so its `epoch`, began.
        """
        service, outbox = self._service, self._service.outbox
        result = snapshot_result(
            outbox.publisher.sender,
            number=outbox.logbook.number,
            tracks=outbox.tracks,
            zones=service.bulletin.zones,
            alerts=sorted(outbox.open.values(), key=lambda alert: int(alert["number"])),
            status=service.bulletin.status,
        )
        return {**result, "started_ns": service.bulletin.started_ns}

    def alerts(self, since: int, limit: int) -> list[Message]:
        """Steps from the journal, and those that wait for it, as many as fit into an answer."""
        return page_of(self._service.outbox.logbook.since(since, limit))

    def ack(self, alert: str, who: str, note: str) -> Message:
        """The acknowledged step."""
        service = self._service
        step = service.pipeline.ledger.acknowledge(alert, who, note, service.now_ns())
        service.outbox.send([step])
        _log.info("%s acknowledged alert %s %s", who, alert, note)
        return service.outbox.open[alert]

    def suppress(self, track: int | None, zone: str | None, until_ns: int, who: str, note: str) -> Message:
        """What is suppressed from now on."""
        service = self._service
        ledger, now_ns = service.pipeline.ledger, service.now_ns()
        steps = ledger.suppress(track=track, zone=zone, until_ns=until_ns, who=who, note=note, time_ns=now_ns)
        service.outbox.send(steps)
        service.standing.follow(service.pipeline)
        what = f"zone {zone}" if track is None else f"track {track}"
        _log.info("%s suppressed %s until %d %s", who, what, until_ns, note)
        return {"suppressed": ledger.suppressed(now_ns)}

    def zone(self, id: str, active: bool, who: str) -> Message:  # noqa: A002, the contract's word
        """The `zones` message as it stands now."""
        self._service.switch_zone(id, active)
        _log.info("%s switched zone %s %s", who, id, "on" if active else "off")
        return self._service.bulletin.zones

    def corridor(self, track: int, lookahead_s: float, step_s: float | None) -> Message:
        """Where a track will probably be, now and at each step up to the look-ahead."""
        from adapters.wire.corridors import corridor_result
        from fusion.prediction.corridor import TIMES, corridor

        step_s = lookahead_s / TIMES if step_s is None else float(step_s)
        count = int(lookahead_s / step_s * (1.0 + ROUNDING))
        if not 1 <= count <= MOST_SLICES:
            found = f"step_s is {step_s:g}, {count} times in {lookahead_s:g} s"
            raise RequestRefused("parameter", f"{found}; allowed are 1 to {MOST_SLICES} times")
        pipeline = self._service.pipeline
        looking = pipeline.fan(track, float(lookahead_s))
        if looking is None:
            raise RequestRefused("unknown", f"track is {track}; allowed is one that is confirmed or coasting now")
        time_ns, status, fan = looking
        times_s = [min(step_s * i, float(lookahead_s)) for i in range(count + 1)]
        return corridor_result(track, status, time_ns, float(lookahead_s), corridor(fan, times_s))

    def health(self) -> Message:
        """What a probe wants to know."""
        status = self._service.bulletin.status
        return {name: status[name] for name in ("state", "time_ns", "uptime_s", "version")}
