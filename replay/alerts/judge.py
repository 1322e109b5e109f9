"""One run judged: truth, zones and alert steps in, a verdict out. Needs no file.

`score.pool` makes one score of many verdicts, of sums and never of means of means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fusion.config import ZoneConfig
from fusion.types import SECOND_NS
from replay.alerts.calibration import Forecasts
from replay.alerts.episodes import Interval, episodes
from replay.alerts.model import AlertOptions, Owner, Step
from replay.alerts.nuisance import Encounters, JudgedEpisode, Sight, encounters, judge_episode
from replay.alerts.stays import Samples, sample, stays, walls, within_reach
from replay.alerts.timing import TimeErrors, happened, judge_messages
from replay.alerts.warning import Entry, Infringement, judge_entry, judge_infringement
from replay.truths import ObjectRows


@dataclass(frozen=True, slots=True)
class PlainForecast:
    """What any source says at `time_ns`: this object enters this zone (margins included) within its look-ahead."""

    time_ns: int
    object: str
    zone: str
    probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What one run says, ready to be pooled with others.

    object_s: time for which truth had objects that are asked for, in the span, summed over them.  encounters: by
    zone.  forecasts, times: by message.
    """

    zones: tuple[str, ...]
    entries: tuple[Entry, ...]
    infringements: tuple[Infringement, ...]
    episodes: tuple[JudgedEpisode, ...]
    encounters: tuple[tuple[str, Encounters], ...]
    object_s: float
    forecasts: Forecasts
    times: TimeErrors


def judge(
    objects: Sequence[ObjectRows],
    zones: Sequence[ZoneConfig],
    steps: Iterable[Step],
    *,
    span_ns: tuple[int, int],
    trackable_ns: Mapping[str, int] | None = None,
    owner: Owner | None = None,
    options: AlertOptions | None = None,
) -> Verdict:
    """Judge the entries, alerts and messages of one run that lie in `span_ns`, its ends included.

    objects: truth (`replay.truths.collect`), each id once.  It may run on past the span, and should for one look-ahead:
    what it ends too early for is left out as undecided.  An object whose truth ends before that of another has gone,
    and enters no more.
    zones: a zone's `active` intervals count.  Alerts for a zone that is not given are left out.
    steps: `core_steps`, `recorded_steps`, or made by hand.
    trackable_ns: object -> its third radar detection; one that is not there never was trackable. None: each is from its
    first row of truth on.
    owner: (track, time) -> object (`Ownership`). None: every track is the one object there is.
    """
    options = options or AlertOptions()
    if owner is None:
        owner = _the_only(objects)
    found = episodes(steps, owner)
    known = tuple(episode for episode in found if episode.zone in {zone.id for zone in zones})
    span = Interval(*span_ns)
    samples = {rows.id: sample(rows, options) for rows in objects if len(rows.times_ns)}
    sights = _sights(samples, zones, options)
    known_until_ns = max((int(each.times_ns[-1]) for each in samples.values()), default=span.end_ns)
    lookaheads = {zone.id: round(zone.lookahead_s * SECOND_NS) for zone in zones}
    bridge_ns = round(options.bridge_s * SECOND_NS)
    entries: list[Entry] = []
    infringements: list[Infringement] = []
    met: list[tuple[str, Encounters]] = []
    for (name, zone), sight in sights.items():
        if sight.ignored:
            continue
        own = [episode for episode in known if episode.zone == zone and name in episode.objects]
        first_ns = int(samples[name].times_ns[0]) if trackable_ns is None else trackable_ns.get(name)
        for stay in sight.itself:
            if stay.seen and _within(stay.begin_ns, span):
                entries.append(judge_entry(stay, zone, name, own, bridge_ns, first_ns))
        for stay in sight.wide:
            if stay.seen and _within(stay.begin_ns, span):
                infringements.append(judge_infringement(stay, zone, name, own))
        met.append((zone, encounters(sight, own, name, lookaheads[zone], span)))
    forecasts, times = judge_messages(known, sights, lookaheads, known_until_ns, span)
    return Verdict(
        zones=tuple(zone.id for zone in zones),
        entries=tuple(sorted(entries, key=lambda entry: (entry.time_ns, entry.zone, entry.object))),
        infringements=tuple(infringements),
        episodes=tuple(
            judge_episode(episode, _of_zone(sights, episode.zone), lookaheads[episode.zone], known_until_ns)
            for episode in known
            if _within(episode.raised_ns, span)
        ),
        encounters=tuple(met),
        object_s=sum(_present_s(each, span, options) for each in samples.values()),
        forecasts=forecasts,
        times=times,
    )


def judge_forecasts(
    objects: Sequence[ObjectRows],
    zones: Sequence[ZoneConfig],
    forecasts: Iterable[PlainForecast],
    options: AlertOptions | None = None,
) -> Forecasts:
    """What came of forecasts from any source, for `calibration.calibration`.

    A forecast of an object that is inside already, or for which truth ends before its look-ahead is over and had no
    entry until then, is left out. Raises KeyError for an object or zone that is not given.
    """
    options = options or AlertOptions()
    samples = {rows.id: sample(rows, options) for rows in objects if len(rows.times_ns)}
    sights = _sights(samples, zones, options)
    lookaheads = {zone.id: round(zone.lookahead_s * SECOND_NS) for zone in zones}
    known_until_ns = max((int(each.times_ns[-1]) for each in samples.values()), default=0)
    pairs = []
    for each in forecasts:
        sight = sights[each.object, each.zone]
        came = happened(sight, each.time_ns, lookaheads[each.zone], known_until_ns)[0]
        pairs += [] if came is None else [(each.probability, came)]
    return Forecasts.of(pairs)


def _the_only(objects: Sequence[ObjectRows]) -> Owner:
    if len(objects) != 1:
        raise ValueError(f"owner is None and there are {len(objects)} objects; allowed is exactly one")
    name = objects[0].id
    return lambda track, time_ns: name


def _sights(
    samples: Mapping[str, Samples], zones: Sequence[ZoneConfig], options: AlertOptions
) -> dict[tuple[str, str], Sight]:
    found = {}
    for zone in zones:
        gate = walls(zone, options.near_m, options.near_vertical_m)
        for name, each in samples.items():
            found[name, zone.id] = Sight(
                itself=stays(each, gate, gate.itself, options),
                wide=stays(each, gate, gate.wide, options),
                near=stays(each, gate, gate.near, options),
                reach=within_reach(each, gate, options),
                ignored=bool(each.rows.ignore.all()),
            )
    return found


def _of_zone(sights: Mapping[tuple[str, str], Sight], zone: str) -> dict[str, Sight]:
    return {name: sight for (name, own), sight in sights.items() if own == zone}


def _present_s(samples: Samples, span: Interval, options: AlertOptions) -> float:
    """How long truth had the object in the span, from sample to sample."""
    times, known = samples.times_ns, samples.known
    both = known[:-1] & known[1:] & (times[:-1] >= span.begin_ns) & (times[1:] <= span.end_ns)
    return float((times[1:] - times[:-1])[both].sum()) / SECOND_NS


def _within(time_ns: int, span: Interval) -> bool:
    return span.begin_ns <= time_ns <= span.end_ns
