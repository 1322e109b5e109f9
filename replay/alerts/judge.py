"""One run judged: truth, zones and alert steps in, a verdict out. Needs no file.

`score.pool` makes one score of many verdicts, of sums and never of means of means.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from fusion.config import ZoneConfig
from fusion.types import SECOND_NS
from replay.alerts.calibration import Forecasts
from replay.alerts.episodes import Episode, Interval, episodes
from replay.alerts.model import AlertOptions, Owner, Step
from replay.alerts.nuisance import Encounters, JudgedEpisode, encounters, judge_episode
from replay.alerts.sights import Sights
from replay.alerts.stays import Samples
from replay.alerts.timing import TimeErrors, happened, judge_messages
from replay.alerts.warning import Entry, Infringement, judge_entry, judge_infringement
from replay.scoring.truths import ObjectRows


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
    may_enter: Collection[tuple[str, str]] = (),
    options: AlertOptions | None = None,
) -> Verdict:
    """Judge the entries, alerts and messages of one run that lie in `span_ns`, its ends included.

    objects: truth (`replay.scoring.truths.collect`), each id once.  It may run on past the span, and should for one
    look-ahead: what it ends too early for is left out as undecided.  An object whose truth ends before that of
    another has gone, and enters no more.
    zones: a zone's `active` intervals count.  Alerts for a zone that is not given are left out.
    steps: `core_steps`, `recorded_steps`, or made by hand.
    trackable_ns: object -> its third radar detection; one that is not there never was trackable. None: each is from its
    first row of truth on.
    owner: (track, time) -> object (`Ownership`). None: every track is the one object there is.
    may_enter: pairs (object, zone) of objects that the zone's `ignore` list lets in: not judged.
    """
    options = options or AlertOptions()
    if owner is None:
        owner = _the_only(objects)
    found = episodes(steps, owner)
    known = tuple(episode for episode in found if episode.zone in {zone.id for zone in zones})
    span = Interval(*span_ns)
    sights = Sights(objects, zones, options, may_enter)
    known_until_ns, bridge_ns = sights.known_until_ns(span.end_ns), round(options.bridge_s * SECOND_NS)
    alerted: dict[tuple[str, str], list[Episode]] = {}
    for episode in known:
        for name in episode.objects:
            alerted.setdefault((name, episode.zone), []).append(episode)
    entries: list[Entry] = []
    infringements: list[Infringement] = []
    met: list[tuple[str, Encounters]] = []
    for name, zone in dict.fromkeys([*sights.pairs(), *alerted]):
        sight, own = sights[name, zone], alerted.get((name, zone), [])
        if sight.unasked:
            continue
        first_ns = int(sight.rows.times_ns[0]) if trackable_ns is None else trackable_ns.get(name)
        for stay in sight.itself:
            if stay.seen and _within(stay.begin_ns, span):
                entries.append(judge_entry(stay, zone, name, own, bridge_ns, first_ns))
        for stay in sight.wide:
            if stay.seen and _within(stay.begin_ns, span):
                infringements.append(judge_infringement(stay, zone, name, own))
        met.append((zone, encounters(sight, own, name, sights.lookaheads_ns[zone], span)))
    forecasts, times = judge_messages(known, sights, known_until_ns, span)
    return Verdict(
        zones=tuple(zone.id for zone in zones),
        entries=tuple(sorted(entries, key=lambda entry: (entry.time_ns, entry.zone, entry.object))),
        infringements=tuple(infringements),
        episodes=tuple(
            judge_episode(
                episode,
                [sights[name, episode.zone] for name in episode.objects],
                sights.lookaheads_ns[episode.zone],
                known_until_ns,
            )
            for episode in known
            if _within(episode.raised_ns, span)
        ),
        encounters=tuple(met),
        object_s=sum(_present_s(each, span) for each in sights.samples.values()),
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
    sights = Sights(objects, zones, options or AlertOptions())
    known_until_ns = sights.known_until_ns(0)
    pairs = []
    for each in forecasts:
        lookahead_ns = sights.lookaheads_ns[each.zone]
        came = happened(sights[each.object, each.zone], each.time_ns, lookahead_ns, known_until_ns)[0]
        pairs += [] if came is None else [(each.probability, came)]
    return Forecasts.of(pairs)


def _the_only(objects: Sequence[ObjectRows]) -> Owner:
    if len(objects) != 1:
        raise ValueError(f"owner is None and there are {len(objects)} objects; allowed is exactly one")
    name = objects[0].id
    return lambda track, time_ns: name


def _present_s(samples: Samples, span: Interval) -> float:
    """How long truth had the object in the span, from sample to sample."""
    times, known = samples.times_ns, samples.known
    both = known[:-1] & known[1:] & (times[:-1] >= span.begin_ns) & (times[1:] <= span.end_ns)
    return float((times[1:] - times[:-1])[both].sum()) / SECOND_NS


def _within(time_ns: int, span: Interval) -> bool:
    return span.begin_ns <= time_ns <= span.end_ns
