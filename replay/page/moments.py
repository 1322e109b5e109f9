"""The worst moments of a run, each with its time, its place and what happened, in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fusion.types import SECOND_NS, Floats, Ints
from replay.page.alert_moments import alert_moments
from replay.page.moment import Moment, Where
from replay.scoring.compared import Compared
from replay.scoring.identities import changes
from replay.scoring.results import Score
from replay.text import number

STRETCH_S = 30.0  # of a stretch of bad GOSPA: as long as the highlighted time on either side of the cursor
MOST = 3  # of each kind


def worst_moments(score: Score, compared: Compared, where: Where) -> list[Moment]:
    """At most `MOST` of each kind (five switches), the worst of each first; kinds that did not occur are left out."""
    found = [
        *_stretches(score, compared, where),
        *_misses(compared, where),
        *_switches(compared, where),
        *_false_tracks(score, compared, where),
    ]
    if score.alerts is not None:
        found += alert_moments(score.alerts, where)
    return found + _errors(compared, where) + _overconfident(compared, where)


def _stretches(score: Score, compared: Compared, where: Where) -> list[Moment]:
    """The windows of `STRETCH_S` with the largest GOSPA, apart from each other."""
    over = score.over_time
    n = len(over.time_ns)
    length = min(max(round(STRETCH_S / score.period_s), 1), n)
    parts = np.stack([over.gospa_m, over.localisation_m, over.missed_m, over.false_m]) ** 2
    sums = np.concatenate([np.zeros((4, 1)), np.cumsum(parts, axis=1)], axis=1)
    means = (sums[:, length:] - sums[:, :-length]) / length
    free, found = means[0].copy(), []
    for _ in range(MOST):
        first = int(np.argmax(free))
        if not free[first] > score.totals.gospa_m**2:
            break
        free[max(first - length + 1, 0) : first + length] = -1.0
        rms = np.sqrt(means[:, first])
        mostly = ("localisation", "missed objects", "false tracks")[int(np.argmax(rms[1:]))]
        missed = int(over.missed[first : first + length].sum())
        false = int(over.false[first : first + length].sum())
        words = (
            f"{number(rms[0], 1, 'm')} RMS over {length * score.period_s:,.0f} s (the whole run: "
            f"{number(score.totals.gospa_m, 1, 'm')}), mostly {mostly}: {missed:,} object-instants missed, "
            f"{false:,} track-instants false"
        )
        worst = first + int(np.argmax(over.gospa_m[first : first + length]))
        place = _culprit(compared, worst)
        xy = None if place is None else where.at(place)
        end_ns = int(over.time_ns[first + length - 1])
        found.append(
            Moment("largest GOSPA", int(over.time_ns[worst]), "", words, xy, (int(over.time_ns[first]), end_ns))
        )
    return found


def _culprit(compared: Compared, instant: int) -> Floats | None:
    """Values (6,) of an object missed at an instant, else of a false track, else of the worst tracked object."""
    present, points, matches = compared.present, compared.points, compared.matches
    free = ~present.ignore
    free[matches.truth] = False
    missed = np.flatnonzero((present.instant == instant) & free)
    false = np.flatnonzero((points.instant == instant) & matches.false)
    pairs = np.flatnonzero(present.instant[matches.truth] == instant)
    if len(missed) or len(false):
        found: Floats = present.values[missed[0]] if len(missed) else points.values[false[0]]
        return found
    if not len(pairs):
        return None
    worst: Floats = present.values[matches.truth[pairs[np.argmax(matches.distance[pairs])]]]
    return worst


def _misses(compared: Compared, where: Where) -> list[Moment]:
    """The longest times for which an object had no track."""
    runs = []
    for name, rows, ids in _by_object(compared):
        instant = compared.present.instant[rows]
        ever = np.flatnonzero(ids >= 0)
        for first, last in _stretched(ids < 0, instant):
            had = ever[ever < first]
            when = "never tracked" if not len(ever) else "before its first track"
            if len(had):
                when = f"after track {ids[had[-1]]}"
            runs.append((_span_s(compared, instant[first], instant[last]), name, rows[first], rows[last], when))
    runs.sort(key=lambda run: (-run[0], run[1], run[2]))
    return [
        _spanning(compared, where, "miss", first, last, name, f"no track for {number(seconds, 1, 's')}, {when}")
        for seconds, name, first, last, when in runs[:MOST]
    ]


def _switches(compared: Compared, where: Where, most: int = 5) -> list[Moment]:
    """Objects whose track got another id, those with the longest time between first."""
    held, found = compared.held, []
    for k in np.flatnonzero(changes(held, compared.present).switch).tolist():
        gap_s = _gap_s(compared, held.truth[k - 1], held.truth[k])
        words = (
            f"from track {held.id[k - 1]} to track {held.id[k]}, {number(gap_s, 1, 's')} after the last instant of it"
        )
        found.append((gap_s, held.truth[k], _owner(compared, held.object[k]), words))
    found.sort(key=lambda each: (-each[0], each[1]))
    return [_pointing(compared, where, "identity switch", row, name, words) for _, row, name, words in found[:most]]


def _false_tracks(score: Score, compared: Compared, where: Where) -> list[Moment]:
    """The longest times for which a track was near no object."""
    points = compared.points
    rows = np.flatnonzero(compared.matches.false)
    rows = rows[np.lexsort((points.instant[rows], points.id[rows]))]
    edges = np.flatnonzero((np.diff(points.id[rows]) != 0) | (np.diff(points.instant[rows]) > 1)) + 1
    parts = [part for part in np.split(rows, edges) if len(part)]
    parts.sort(key=lambda part: (-len(part), int(part[0])))
    found = []
    for part in parts[:MOST]:
        track, seconds = f"track {points.id[part[0]]}", len(part) * score.period_s
        times = compared.instants.times_ns[points.instant[part]]
        words = (
            f"shown for {number(seconds, 1, 's')} where no object was within {score.options.c_m:g} m that it could be"
        )
        span = (int(times[0]), int(times[-1]))
        found.append(Moment("false track", span[0], track, words, where.at(points.values[part[0]]), span))
    return found


def _errors(compared: Compared, where: Where) -> list[Moment]:
    """The largest errors of position, one for each object."""
    held, found = compared.held, []
    for k in _worst(held.object, held.distance):
        words = f"track {held.id[k]} is {number(held.distance[k], 1, 'm')} off"
        found.append(
            _pointing(compared, where, "largest error", held.truth[k], _owner(compared, held.object[k]), words)
        )
    return found


def _overconfident(compared: Compared, where: Where) -> list[Moment]:
    """The largest NEES, one for each object."""
    dims, held, nees, found = compared.options.dims, compared.held, compared.nees(), []
    for k in _worst(held.object, nees):
        covariance = compared.points.covariance[held.track[k]]
        claimed = float(np.sqrt(sum(covariance[axis, axis] for axis in range(dims))))
        words = (
            f"track {held.id[k]} is {number(held.distance[k], 1, 'm')} off and claims {number(claimed, 1, 'm')}: "
            f"NEES {number(nees[k] / dims, 1)} per degree of freedom"
        )
        found.append(_pointing(compared, where, "worst NEES", held.truth[k], _owner(compared, held.object[k]), words))
    return found


def _worst(owner: Ints, value: Floats) -> list[int]:
    """The rows of the largest values, at most one of each owner."""
    known = np.flatnonzero(np.isfinite(value))
    order = known[np.argsort(-value[known], kind="stable")]
    _, first = np.unique(owner[order], return_index=True)
    return [int(row) for row in order[np.sort(first)[:MOST]]]


def _by_object(compared: Compared) -> list[tuple[str, Ints, Ints]]:
    """Each object that is asked for: name, (n,) its rows of `present` in order of time, (n,) its track or -1."""
    present, matches = compared.present, compared.matches
    track = np.full(len(present.instant), -1, dtype=np.int64)
    track[matches.truth] = compared.points.id[matches.track]
    rows = np.flatnonzero(~present.ignore)
    rows = rows[np.argsort(present.object[rows], kind="stable")]
    groups = np.split(rows, np.flatnonzero(np.diff(present.object[rows])) + 1) if len(rows) else []
    return [(compared.objects[present.object[group[0]]].id, group, track[group]) for group in groups]


def _stretched(there: NDArray[np.bool_], instant: Ints) -> list[tuple[int, int]]:
    """First and last place of each run of True at instants that follow each other."""
    places = np.flatnonzero(there)
    edges = np.flatnonzero(np.diff(instant[places]) + np.diff(places) > 2) + 1
    return [(int(part[0]), int(part[-1])) for part in np.split(places, edges) if len(part)]


def _pointing(compared: Compared, where: Where, kind: str, row: int, who: str, words: str) -> Moment:
    present = compared.present
    time_ns = int(compared.instants.times_ns[present.instant[row]])
    return Moment(kind, time_ns, who, words, where.at(present.values[row]))


def _spanning(compared: Compared, where: Where, kind: str, first: int, last: int, who: str, words: str) -> Moment:
    begin, end = (int(compared.instants.times_ns[compared.present.instant[row]]) for row in (first, last))
    return Moment(kind, begin, who, words, where.at(compared.present.values[first]), (begin, end))


def _owner(compared: Compared, number: int) -> str:
    return compared.objects[number].id


def _span_s(compared: Compared, first: int, last: int) -> float:
    """How long instants from `first` to `last` last: each stands for one period."""
    times = compared.instants.times_ns
    return float(times[last] - times[first]) / SECOND_NS + compared.instants.period_s


def _gap_s(compared: Compared, before: int, after: int) -> float:
    times, instant = compared.instants.times_ns, compared.present.instant
    return float(times[instant[after]] - times[instant[before]]) / SECOND_NS
