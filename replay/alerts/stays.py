"""When an object was inside a zone, by truth: sampled finely, each crossing found to a millisecond."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np

from fusion.airspace.schedule import Schedule
from fusion.airspace.volumes import Volume
from fusion.config import ZoneConfig
from fusion.geodesy import Plane, to_ecef
from fusion.types import SECOND_NS, Bools, Floats, Ints, Place
from replay.alerts.model import AlertOptions
from replay.scoring.truths import ALT, LAT, LON, ObjectRows, interpolate

FINE_NS = 1_000_000  # to which a crossing is found: 0.3 m of an airliner
REACH_SAMPLE_S = 5.0  # how finely it is looked at whether an object could reach a zone within its look-ahead
WORLD = Plane(Place(0.0, 0.0, 0.0))  # a volume wants a plane; nothing that is asked of it here depends on which


@dataclass(frozen=True, slots=True)
class Stay:
    """Inside from begin_ns to end_ns. seen: truth has the object outside, or the zone inactive, just before."""

    begin_ns: int
    end_ns: int
    seen: bool


@dataclass(frozen=True, slots=True, eq=False)
class Walls:
    """The volumes of one zone: itself, with its margins, and with those of a nuisance, and when it is active."""

    zone: ZoneConfig
    itself: Volume
    wide: Volume
    near: Volume
    schedule: Schedule

    def active(self, times_ns: Ints) -> Bools:
        """Whether the zone is active at each time."""
        found = np.zeros(len(times_ns), dtype=np.bool_)
        if len(times_ns):
            spans = self.schedule.between(int(times_ns.min()), int(times_ns.max()) + 1)
            for start, stop in spans:
                found |= (times_ns >= start) & (times_ns < stop)
        return found

    @property
    def lookahead_ns(self) -> int:
        return round(self.zone.lookahead_s * SECOND_NS)


@functools.lru_cache(maxsize=4096)
def walls(zone: ZoneConfig, near_m: float, near_vertical_m: float) -> Walls:
    """The volumes of a zone. near: never less than the zone's own margins."""
    near = replace(
        zone,
        margin_m=max(zone.margin_m, near_m),
        margin_vertical_m=max(zone.margin_vertical_m, near_vertical_m),
    )
    bare = replace(zone, margin_m=0.0, margin_vertical_m=0.0)
    return Walls(
        zone,
        Volume.of(bare, WORLD),
        Volume.of(zone, WORLD),
        Volume.of(near, WORLD),
        Schedule.of(zone.active, zone.daily),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """One object at the sampling times of its own life. known: (t,) truth has it there, and it is asked for."""

    rows: ObjectRows
    times_ns: Ints
    known: Bools
    values: Floats  # (t, 3) lat_deg, lon_deg, alt_m; anything where it is not known


def sample(rows: ObjectRows, options: AlertOptions) -> Samples:
    """The object at each sampling time from its first row to its last, both included."""
    first, last = int(rows.times_ns[0]), int(rows.times_ns[-1])
    times = np.arange(first, last, round(options.sample_s * SECOND_NS), dtype=np.int64)
    times = np.append(times, last)
    known, values = located(rows, times, options.max_gap_s)
    return Samples(rows, times, known, values)


def located(rows: ObjectRows, times_ns: Ints, max_gap_s: float) -> tuple[Bools, Floats]:
    """Which of (t,) times know the object, and its (t, 3) places there."""
    there, found, ignore = interpolate(rows, times_ns, max_gap_s)
    known, values = np.zeros(len(times_ns), dtype=np.bool_), np.zeros((len(times_ns), 3))
    known[there] = ~ignore
    values[there] = found[:, (LAT, LON, ALT)]
    return known, values


def stays(samples: Samples, gate: Walls, volume: Volume, options: AlertOptions) -> tuple[Stay, ...]:
    """When the object was inside one of the zone's volumes while the zone was active, in order.

    Steps out of it up to `bridge_s` are none. Where truth begins, or comes back after a gap, inside, the coming in
    was not seen.
    """

    def inside(known: Bools, values: Floats, times_ns: Ints) -> Bools:
        found = np.zeros(len(times_ns), dtype=np.bool_)
        rows = np.flatnonzero(known & gate.active(times_ns))
        points = volume.on_map(values[rows, 0], values[rows, 1])
        found[rows] = volume.inside(points[:, 0], points[:, 1], values[rows, 2])
        return found

    def flips(before_ns: int, after_ns: int, to: bool) -> int:
        """The first of the fine times after `before_ns` at which it is inside, or no longer is."""
        times = np.append(np.arange(before_ns + FINE_NS, after_ns, FINE_NS, dtype=np.int64), after_ns)
        return int(times[np.argmax(inside(*located(samples.rows, times, options.max_gap_s), times) == to)])

    times, known = samples.times_ns, samples.known
    edges = np.diff(np.concatenate([[0], inside(known, samples.values, times).astype(np.int8), [0]]))
    found: list[Stay] = []
    for i, j in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        seen = bool(i > 0 and known[i - 1])
        begin = flips(int(times[i - 1]), int(times[i]), True) if seen else int(times[i])
        left = j < len(times) and known[j]
        end = flips(int(times[j - 1]), int(times[j]), False) if left else int(times[j - 1])
        found.append(Stay(begin, end, seen))
    return joined(found, round(options.bridge_s * SECOND_NS))


def joined(parts: list[Stay], bridge_ns: int) -> tuple[Stay, ...]:
    """Stays in order of time, with those that are at most `bridge_ns` apart made one."""
    whole: list[Stay] = []
    for part in parts:
        if whole and part.begin_ns - whole[-1].end_ns <= bridge_ns:
            whole[-1] = Stay(whole[-1].begin_ns, max(whole[-1].end_ns, part.end_ns), whole[-1].seen)
        else:
            whole.append(part)
    return tuple(whole)


def within_reach(samples: Samples, gate: Walls, options: AlertOptions) -> tuple[Stay, ...]:
    """When the object, at the speed that it had, could have come into the volume within the look-ahead.

    Whichever way it turned: its distance is at most speed x look-ahead. Stretches less than one look-ahead apart are
    one.
    """
    stride = max(1, round(REACH_SAMPLE_S / options.sample_s))
    times, known, values = samples.times_ns[::stride], samples.known[::stride], samples.values[::stride]
    if len(times) < 2:
        return ()
    ecef = to_ecef(values[:, 0], values[:, 1], values[:, 2])
    moved = np.sqrt(((ecef[1:] - ecef[:-1]) ** 2).sum(axis=1)) * SECOND_NS / np.diff(times)
    speed = np.append(moved[:1], moved)
    points = gate.wide.on_map(values[:, 0], values[:, 1])
    away = gate.wide.distance(points[:, 0], points[:, 1], values[:, 2])[1]
    close = known & gate.active(times) & (away <= speed * gate.zone.lookahead_s)
    edges = np.diff(np.concatenate([[0], close.astype(np.int8), [0]]))
    spans = zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    return joined([Stay(int(times[i]), int(times[j - 1]), True) for i, j in spans], gate.lookahead_ns)


def first_entry(found: tuple[Stay, ...], after_ns: int, until_ns: int) -> int | None:
    """When the object first came in after a time and not after another, or None."""
    return next((stay.begin_ns for stay in found if after_ns < stay.begin_ns <= until_ns), None)


def touches(found: tuple[Stay, ...], from_ns: int, until_ns: int) -> bool:
    """Whether the object was inside at any time of a span, its ends included."""
    return any(stay.begin_ns <= until_ns and stay.end_ns >= from_ns for stay in found)
