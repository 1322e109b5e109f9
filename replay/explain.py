"""Why there was an alert, or none: what the core knew of one track and one zone at each evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from fusion.alerting.alerting import AlertMachine
from fusion.alerting.judging import chance, limit
from fusion.alerting.states import QUIET
from fusion.alerting.watches import Watch
from fusion.config import SiteConfig, ZoneConfig
from fusion.errors import ConfigError
from fusion.pipeline import Pipeline
from fusion.types import COASTING, CONFIRMED, SECOND_NS, TRACK_STATUSES, AlertStep, Event, Outlook, Picture
from replay.alerts.model import AlertOptions, Ownership
from replay.alerts.sights import Sights
from replay.frames_in import FramesIn, NoTrackError, Progress, TrackSummary, quiet
from replay.scoring.results import NothingToScoreError, ScoreOptions
from replay.scoring.run import load
from replay.scoring.score import ownership
from replay.scoring.truths import ObjectRows, collect

MOST_NAMED = 20  # tracks in an error
TRUTH_WITHIN_M = 1000.0  # a track this near to an object is that object's: for the entry in the plot alone


@dataclass(frozen=True, slots=True)
class Moment:
    """One evaluation of the pair.

    probability: existence x P(inside within the look-ahead); None where none is computed.  least: the probability that
    raises, or keeps an open alert.  votes: of the last evaluations with new detections.  state: after it.
    reached: some sampled path comes in, so that it is looked at though no alert is open.  awake: the zone is active, or
    will be within the look-ahead.  may_enter: by its identity.
    """

    time_ns: int
    status: str
    existence: float
    probability: float | None
    time_s: tuple[float, float, float] | None
    distance_m: float | None
    least: float
    votes: tuple[bool, ...]
    state: str
    detected: bool
    reached: bool
    awake: bool
    may_enter: bool
    said: tuple[AlertStep, ...] = ()

    @property
    def may_raise(self) -> bool:
        return self.status in (TRACK_STATUSES[CONFIRMED], TRACK_STATUSES[COASTING])


@dataclass(frozen=True, slots=True)
class Explanation:
    """entries_ns: when, by truth, the object of the track came into the zone itself; empty without truth.

    passed: what of the recording was passed over.
    """

    track: int
    zone: ZoneConfig
    moments: tuple[Moment, ...]
    steps: tuple[AlertStep, ...]
    entries_ns: tuple[int, ...]
    passed: tuple[str, ...] = ()


@dataclass(slots=True)
class _Watcher:
    """Sees every evaluation of one track and zone."""

    track: int
    zone: str
    moments: list[Moment] = field(default_factory=list)
    seen: dict[int, int] = field(default_factory=dict)  # every track that could raise -> evaluations
    before: Watch = field(default_factory=Watch)
    updated_ns: int = 0

    def __call__(self, outlook: Outlook, machine: AlertMachine) -> None:
        able = (outlook.status == CONFIRMED) | (outlook.status == COASTING)
        for track in outlook.id[able].tolist():
            self.seen[track] = self.seen.get(track, 0) + 1
        rows = [row for row, track in enumerate(outlook.id.tolist()) if track == self.track]
        watch = machine.watches.get((self.track, self.zone), Watch())
        if rows:
            self.moments.append(self._moment(outlook, rows[0], machine, watch))
        elif self.before.open or watch.open:
            self.moments.append(_gone(outlook.time_ns, watch))
        self.before = watch

    def _moment(self, outlook: Outlook, row: int, machine: AlertMachine, watch: Watch) -> Moment:
        forecast, reached = machine.probe(outlook, self.track, self.zone)
        i = machine.airspace.index(self.zone)
        zone, volume = machine.airspace.zones[i], machine.airspace.volumes[i]
        updated_ns = int(outlook.updated_ns[row])
        detected, self.updated_ns = updated_ns > self.updated_ns, updated_ns
        return Moment(
            time_ns=outlook.time_ns,
            status=TRACK_STATUSES[int(outlook.status[row])],
            existence=float(outlook.existence[row]),
            probability=None if forecast is None else chance(outlook, replace(forecast, row=row)),
            time_s=None if forecast is None else forecast.entry.time_s,
            distance_m=machine.forecaster.situation(outlook, row, volume).distance_m,
            least=limit(self.before, zone, machine.config.clear_part),
            votes=watch.votes,
            state=watch.state.value,
            detected=detected,
            reached=reached,
            awake=bool(machine.airspace.spans(i, outlook.time_ns)),
            may_enter=outlook.identity[row] in zone.ignore,
        )


def explain(path: str, site: SiteConfig, track: int, zone: str, progress: Progress = quiet) -> Explanation:
    """Run a recording of frames through the core and watch one track and one zone at every evaluation.

    Raises ConfigError for a zone or a track that is not there, NoTrackError where there is none at all, RecordingError
    where the recording cannot be read.
    """
    configured = {each.id: each for each in site.zones}
    if zone not in configured:
        raise ConfigError("--zone", zone, f"one of {', '.join(sorted(configured)) or 'none: the site has no zones'}")
    summary = TrackSummary()
    recording = FramesIn(path, site, summary, progress)
    frames, watcher, events = recording.frames(), _Watcher(track, zone), list[Event]()
    for picture in recording.pictures:
        pipeline = Pipeline(site, rewind=False, observer=watcher)
        for frame in islice(frames, len(picture.entries)):
            events += pipeline.receive(frame)
        events += pipeline.finish()
    if not watcher.seen:
        raise NoTrackError(path, summary.passed)
    if not watcher.moments:
        raise ConfigError("--track", track, _tracks(watcher.seen))
    steps = tuple(each for each in events if isinstance(each, AlertStep) and _is_of(each, track, zone))
    moments = _with_steps(watcher.moments, steps)
    entries = _entries(path, [each for each in events if isinstance(each, Picture)], configured[zone], track)
    return Explanation(track, configured[zone], moments, steps, entries, summary.passed)


def _is_of(step: AlertStep, track: int, zone: str) -> bool:
    return step.zone == zone and track in (step.track, *step.tracks)


def _tracks(seen: dict[int, int]) -> str:
    """The tracks that there were, the longest first."""
    names = [str(track) for track, _ in sorted(seen.items(), key=lambda one: (-one[1], one[0]))]
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"a track of this recording: {', '.join(names[:MOST_NAMED])}{more}"


def _gone(time_ns: int, watch: Watch) -> Moment:
    return Moment(
        time_ns, "ended", 0.0, None, None, None, 0.0, watch.votes, watch.state.value, False, False, True, False
    )


def _with_steps(moments: Sequence[Moment], steps: Sequence[AlertStep]) -> tuple[Moment, ...]:
    """A clear of an ended track may be said after its last moment: it gets one of its own."""
    said: dict[int, list[AlertStep]] = {}
    for step in steps:
        said.setdefault(step.time_ns, []).append(step)
    found = [replace(each, said=tuple(said.pop(each.time_ns, []))) for each in moments]
    found += [replace(_gone(time_ns, Watch(state=QUIET)), said=tuple(own)) for time_ns, own in said.items()]
    return tuple(sorted(found, key=lambda each: each.time_ns))


def _entries(path: str, pictures: Sequence[Picture], zone: ZoneConfig, track: int) -> tuple[int, ...]:
    """When the object that the track was came in, by the recording's truth and the zone's schedule."""
    objects = collect(load(path, path).truth)
    try:
        owner = ownership(pictures, objects, ScoreOptions(c_m=TRUTH_WITHIN_M))
    except NothingToScoreError:
        return ()
    return tuple(_came(objects, zone, owner, track))


def _came(objects: tuple[ObjectRows, ...], zone: ZoneConfig, owner: Ownership, track: int) -> list[int]:
    sights = Sights(objects, [zone], AlertOptions())
    found = [
        stay.begin_ns
        for name, _ in sights.pairs()
        for stay in sights[name, zone.id].itself
        if stay.seen and owner(track, stay.begin_ns) == name
    ]
    return sorted(found)


def seconds(moment: Moment, explanation: Explanation) -> float:
    """From the first evaluation of the pair."""
    return (moment.time_ns - explanation.moments[0].time_ns) / SECOND_NS
