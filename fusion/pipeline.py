"""The whole core behind one door: frames in, pictures and alert steps out, in the order of event time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from fusion.airspace.airspace import Airspace
from fusion.alerting.alerting import AlertMachine
from fusion.alerting.episodes import Ledger
from fusion.alerting.watches import Assessment
from fusion.config import SiteConfig
from fusion.errors import MessageRejected
from fusion.prediction import paths
from fusion.prediction.paths import Fan
from fusion.registration.registration import Estimate
from fusion.tracking import pictures
from fusion.tracking.following import Follower
from fusion.tracking.identity import Oddity
from fusion.tracking.ordering import History, Snapshot
from fusion.tracking.tracker import Tracker
from fusion.types import ENDED, SECOND_NS, TRACK_STATUSES, AlertStep, Event, Frame, Outlook, Picture

Observer = Callable[[Outlook, AlertMachine], None]
EVALUATION_NS = SECOND_NS  # alerts are evaluated each second of event time
LONGEST_PAUSE_NS = 60 * SECOND_NS  # after a longer pause of all sensors with an empty sky, reports jump over it
KEPT_NS = 600 * SECOND_NS  # pictures older than the longest lateness are said again rather than compared
WAITING_FRAMES = 1_000  # of sensors that run ahead of all others; more are left out


@dataclass(slots=True)
class Air:
    """All that a late frame may change. due_ns: the next whole second, or report, that is not made yet; 0
    before the first frame."""

    tracker: Tracker
    machine: AlertMachine
    due_ns: int

    def copy(self) -> Air:
        return Air(self.tracker.copy(), self.machine.copy(), self.due_ns)


class Pipeline:
    """One air picture.

    rewind: keep snapshots, so that late frames can be taken; False is for sorted input.
    picture: its number in its data directory, so that no id of an earlier one comes again.
    observer: shown each evaluation after it was made, with the machine as it is then; may change neither.
    follower: shown what each look made of the tracks.
    """

    def __init__(
        self, site: SiteConfig, *, rewind: bool = True, picture: int = 0, observer: Observer | None = None,
        follower: Follower | None = None,
    ) -> None:  # fmt: skip
        self.site, self._observer = site, observer
        tracker = Tracker(site, picture)
        tracker.follower = follower
        self.airspace = Airspace(site.zones, tracker.plane)
        self.ledger = Ledger(self.airspace)
        self.late: dict[str, int] = {}
        self.newest_ns: int | None = None
        self._air = Air(tracker, AlertMachine(self.airspace, tracker.motions, tracker.plane, site.alerts), 0)
        self._history: History[Air] | None = History() if rewind else None
        self._last_key: tuple[int, str, int] | None = None
        self._made_ns = -1  # the newest instant for which reports are out
        self._lateness_ns = round(site.tracker.lateness_s * SECOND_NS)
        self._period_ns = round(site.service.report_period_s * SECOND_NS)
        self._published: dict[int, Picture] = {}  # those that a late frame may still change
        self._waiting: list[Frame] = []

    @property
    def machine(self) -> AlertMachine:
        """The alert decisions as they stand."""
        return self._air.machine

    @property
    def watermark_ns(self) -> int | None:
        """What is published up to here is final."""
        return None if self.newest_ns is None else self.newest_ns - self._lateness_ns

    def receive(self, frame: Frame, *, moves_watermark: bool = True) -> list[Event]:
        """Take one frame in. Raises MessageRejected: unknown sensor, or older than the watermark."""
        if frame.sensor not in self._air.tracker.stations:
            known = ", ".join(self._air.tracker.stations) or "none"
            raise MessageRejected("sensor", f"{frame.sensor} is not registered; allowed are {known}", frame.sensor)
        if self.newest_ns is not None and frame.time_ns < self.newest_ns - self._lateness_ns:
            return self._leave_out(frame)
        if not moves_watermark and (self.newest_ns is None or frame.time_ns > self.newest_ns):
            self._waiting = [*self._waiting, frame][-WAITING_FRAMES:]
            return []
        if not self._waiting:
            return self._take(frame)
        events: list[Event] = []
        for waiting in self._released(frame.time_ns):
            events += self._take(waiting) if waiting.time_ns >= (self.watermark_ns or 0) else []
        return events + self._take(frame)

    def _released(self, until_ns: int) -> list[Frame]:
        """The frames that ran ahead and are reached now, in their order."""
        reached = [frame for frame in self._waiting if frame.time_ns <= until_ns]
        self._waiting = [frame for frame in self._waiting if frame.time_ns > until_ns]
        return sorted(reached, key=lambda frame: frame.key)

    def advance(self, time_ns: int) -> list[Event]:
        """Nothing at or before `time_ns` is awaited any more: make the reports that are due."""
        if self._last_key is None:
            return []
        return self._report(time_ns)

    def finish(self) -> list[Event]:
        """The end of a recording: reports up to its last frame."""
        return [] if self.newest_ns is None else self.advance(self.newest_ns)

    def picture(self) -> Picture | None:
        """The tracks as they are now; changes nothing. None before the first frame."""
        if self.newest_ns is None:
            return None
        tracker = self._air.tracker
        at = pictures.ahead(tracker, max(self.newest_ns, self._made_ns))
        return pictures.picture(tracker, at, self._air.machine.diverted_ns(at.store.id))

    def fan(self, track: int, horizon_s: float) -> tuple[int, str, Fan] | None:
        """Sampled futures of one track from now on: (time_ns, status, fan); changes nothing.

        None for a track that is not confirmed or coasting.
        """
        tracker, now_ns = self._air.tracker, max(self.newest_ns or 0, self._made_ns)
        outlook = pictures.outlook(tracker, pictures.ahead(tracker, now_ns))
        rows = np.flatnonzero(outlook.id == track)
        if not len(rows):
            return None
        row = int(rows[0])
        weight, mean, covariance = outlook.weight[row], outlook.mean[row], outlook.covariance[row]
        found = paths.fan(tracker.motions, tracker.plane, weight, mean, covariance, horizon_s, paths.FULL)
        return now_ns, TRACK_STATUSES[int(outlook.status[row])], found

    def standing(self) -> list[AlertStep]:
        """Each open alert as its last step has it, but where its track was at the last evaluation, published or not."""
        machine = self._air.machine
        said = {pair: watch.said for pair, watch in machine.watches.items() if watch.said is not None}
        found = []
        for step in self.ledger.open():
            now = said.get((step.track, step.zone))
            if now is not None and now.track_status in TRACK_STATUSES[:ENDED]:
                step = replace(step, time_ns=machine.time_ns, position=now.position, velocity_mps=now.velocity_mps)
            found.append(step)
        return found

    def registration(self) -> dict[str, dict[str, Estimate]]:
        """Sensor -> parameter -> what is known of its bias by now; empty where registration is off."""
        learnt = self._air.tracker.registration
        return {} if learnt is None else learnt.report()

    def repaired(self) -> int:
        """How many covariances had to be made positive definite."""
        return self._air.tracker.repaired

    def identities(self) -> tuple[Oddity, ...]:
        """What was noticed of transponder addresses, the last ones."""
        return self._air.tracker.identities.oddities

    def _leave_out(self, frame: Frame) -> list[Event]:
        self.late[frame.sensor] = self.late.get(frame.sensor, 0) + 1
        behind = ((self.newest_ns or 0) - frame.time_ns) / SECOND_NS
        allowed = self.site.tracker.lateness_s
        raise MessageRejected("late", f"{behind:.3f} s behind the newest; allowed is {allowed} s", frame.sensor)

    def _take(self, frame: Frame) -> list[Event]:
        if self._last_key is None:
            self._start(frame)
        if self._history is not None:
            self._history.log(frame)
            if frame.time_ns <= self._made_ns or (self._last_key is not None and frame.key < self._last_key):
                return self._rewind(frame)
        events = self._report(frame.time_ns - 1)
        self._air.tracker.step(frame)
        self._last_key = frame.key
        self.newest_ns = max(self.newest_ns or frame.time_ns, frame.time_ns)
        return events

    def _start(self, frame: Frame) -> None:
        """Before the first frame: a snapshot for those that come later and are earlier."""
        if self._history is not None:
            self._history.keep(Snapshot(frame.time_ns - self._lateness_ns - 1, self._air.copy()), 0, frame.time_ns)
        self._air.due_ns = self._first_due(frame)

    def _first_due(self, frame: Frame) -> int:
        """The first report is due at the first whole second, or period, from the first frame on."""
        return min(_next(frame.time_ns - 1, EVALUATION_NS), _next(frame.time_ns - 1, self._period_ns))

    def _report(self, until_ns: int) -> list[Event]:
        """Make every report due up to and including `until_ns`."""
        events: list[Event] = []
        while self._air.due_ns <= until_ns:
            events += self._make(reconcile=True)
            self._jump(until_ns)
        return events

    def _make(self, *, reconcile: bool) -> list[Event]:
        """The report and the evaluation of one instant. Without `reconcile`, the machine alone moves on."""
        air, now_ns = self._air, self._air.due_ns
        events: list[Event] = []
        if now_ns % EVALUATION_NS == 0:
            air.tracker.tend(now_ns)
        judged, reported = now_ns % EVALUATION_NS == 0, now_ns % self._period_ns == 0
        at = pictures.ahead(air.tracker, now_ns)
        outlook = pictures.outlook(air.tracker, at)
        if judged:
            air.machine.follow(outlook)
        if reported:
            picture = pictures.picture(air.tracker, at, air.machine.diverted_ns(at.store.id))
            if not _same(picture, self._published.get(now_ns)):
                events.append(picture)
                self._remember(picture)
            air.tracker.shown()
        if judged and self.site.zones:
            assessments = air.machine.evaluate(outlook)
            if self._observer is not None:
                self._observer(outlook, air.machine)
            if reconcile:
                events += self._reconcile(now_ns, assessments)
        air.due_ns = min(_next(now_ns, EVALUATION_NS), _next(now_ns, self._period_ns))
        self._made_ns = max(self._made_ns, now_ns)
        if self._history is not None:
            self._history.keep(Snapshot(now_ns, air.copy()), self.watermark_ns or 0, self.newest_ns or 0)
        return events

    def _reconcile(self, now_ns: int, assessments: list[Assessment]) -> list[Event]:
        return list(self.ledger.reconcile(now_ns, assessments))

    def _remember(self, picture: Picture) -> None:
        if self._history is None:
            return
        self._published[picture.time_ns] = picture
        oldest_ns = max(self.watermark_ns or 0, picture.time_ns - KEPT_NS)
        for time_ns in [t for t in self._published if t < oldest_ns]:
            del self._published[time_ns]

    def _rewind(self, frame: Frame) -> list[Event]:
        """Go back to before `frame`, and take all that came after it once more."""
        assert self._history is not None
        made_ns = self._made_ns
        snapshot, frames = self._history.before(frame.time_ns)
        self._air = snapshot.state.copy()
        if not self._air.due_ns:  # from before the first frame
            self._air.due_ns = self._first_due(frames[0])
        events: list[Event] = []
        for each in frames:
            events += self._redo(each.time_ns - 1, made_ns)
            self._air.tracker.step(each)
        events += self._redo(made_ns, made_ns)
        self._last_key = max(frames[-1].key, self._last_key or frames[-1].key)
        self.newest_ns = max(self.newest_ns or 0, frames[-1].time_ns)
        return events

    def _redo(self, until_ns: int, made_ns: int) -> list[Event]:
        """Reports again; only the newest evaluation speaks to the ledger: what was said is never unsaid."""
        events: list[Event] = []
        while self._air.due_ns <= until_ns:
            newest = self._air.due_ns // EVALUATION_NS >= made_ns // EVALUATION_NS
            events += self._make(reconcile=newest)
            self._jump(until_ns)
        return events

    def _jump(self, until_ns: int) -> None:
        """Over a long pause of every sensor with nothing in the sky there is nothing to report."""
        air = self._air
        if until_ns - air.due_ns > LONGEST_PAUSE_NS and not air.tracker.store.size and not self.ledger.open():
            resume_ns = until_ns - EVALUATION_NS
            air.due_ns = min(_next(resume_ns, EVALUATION_NS), _next(resume_ns, self._period_ns))


def _next(time_ns: int, period_ns: int) -> int:
    """The first whole multiple of the period after `time_ns`."""
    return (time_ns // period_ns + 1) * period_ns


def _same(a: Picture, b: Picture | None) -> bool:
    """Whether a picture made again says the same."""
    if b is None or len(a.id) != len(b.id):
        return False
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in (
            "id",
            "status",
            "existence",
            "lat_deg",
            "lon_deg",
            "alt_m",
            "covariance",
            "mode_probability",
            "hits",
        )
    )
