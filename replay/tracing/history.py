"""What the tracker knew of a track after each look: the forward pass that a smoother goes back over."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from fusion.geodesy import rotate
from fusion.tracking.sensors import Look, wrapped
from fusion.tracking.tracks import TrackStore
from fusion.types import AZIMUTH, EAST, ELEVATION, NORTH, RANGE, UP, Floats, Ints

HIT_SHARE: Final = 0.5  # a track was detected when that is more likely than not, as in the tracker
SWEPT_SHARE: Final = 0.05  # a look that was less likely than this to have included the track says nothing of it

ANGLES: Final = (AZIMUTH, ELEVATION)


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at the track.

    time_ns: of the state then.  hit: P(detected).  swept: P(inside what was swept).  detections: (weight, measured
    values in the order of the sensor's `measures`) of each detection that may be the track's, the likeliest first.
    point: the likeliest of them in the plane, with what it did not measure as the track has it.
    """

    time_ns: int
    sensor: str
    hit: float
    swept: float
    detections: tuple[tuple[float, tuple[float, ...]], ...]
    point: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """k instants, each later than the one before; m motion modes; the plane's axes, m and m/s.

    times_ns: (k,).  weight: (k, m), mean: (k, m, 6), covariance: (k, m, 6, 6), after all looks of that instant.
    """

    track: int
    times_ns: Ints
    weight: Floats
    mean: Floats
    covariance: Floats
    sights: tuple[Sight, ...]


@dataclass(slots=True)
class _Kept:
    times_ns: list[int] = field(default_factory=list)
    weight: list[Floats] = field(default_factory=list)
    mean: list[Floats] = field(default_factory=list)
    covariance: list[Floats] = field(default_factory=list)
    sights: list[Sight] = field(default_factory=list)

    def take(self, store: TrackStore, row: int) -> None:
        """The state of a row now, in place of an earlier one of the same time."""
        if self.times_ns and int(store.time_ns[row]) <= self.times_ns[-1]:
            for kept in (self.times_ns, self.weight, self.mean, self.covariance):
                del kept[-1]
        self.times_ns.append(int(store.time_ns[row]))
        self.weight.append(store.weight[row].copy())
        self.mean.append(store.mean[row].copy())
        self.covariance.append(store.covariance[row].copy())


class Histories:
    """A `fusion.tracking.following.Follower` that keeps every state of one track, or of all (`track` None)."""

    def __init__(self, track: int | None = None) -> None:
        self._track = track
        self._kept: dict[int, _Kept] = {}

    def __call__(
        self, look: Look, store: TrackStore, rows: Ints, swept: Floats, pairs: tuple[Ints, Ints], paired: Floats
    ) -> None:
        ids = store.id[: store.size]
        if self._track is None:
            touched = set(rows.tolist())
            new = [row for row in range(store.size) if int(ids[row]) not in self._kept]
            wanted = [*rows.tolist(), *[row for row in new if row not in touched]]
        else:
            wanted = np.flatnonzero(ids == self._track).tolist()
        for row in wanted:
            place = np.searchsorted(rows, row)
            met = place < len(rows) and int(rows[place]) == row
            known = int(ids[row]) in self._kept
            if not met and known:
                continue
            kept = self._kept.setdefault(int(ids[row]), _Kept())
            kept.take(store, row)
            sight = _sight(look, store, row, int(place), swept, pairs, paired) if met else _first(look, store, row)
            if sight is not None:
                kept.sights.append(sight)

    def tracks(self) -> list[int]:
        """Every track that was kept, in the order in which they began."""
        return list(self._kept)

    def of(self, track: int) -> History | None:
        """None where there was no such track."""
        kept = self._kept.get(track)
        if kept is None:
            return None
        return History(
            track, np.array(kept.times_ns, np.int64), np.stack(kept.weight), np.stack(kept.mean),
            np.stack(kept.covariance), tuple(kept.sights),
        )  # fmt: skip


def _sight(
    look: Look, store: TrackStore, row: int, place: int, swept: Floats, pairs: tuple[Ints, Ints], paired: Floats
) -> Sight | None:
    """What a look told of a row that it touched; None where it said nothing."""
    own = np.flatnonzero(pairs[0] == place)
    hit = min(float(paired[own].sum()), 1.0)
    if hit <= HIT_SHARE and swept[place] <= SWEPT_SHARE:
        return None
    order = own[np.argsort(-paired[own], kind="stable")]
    seen = tuple((float(paired[p]), tuple(look.frame.values[pairs[1][p]].tolist())) for p in order.tolist())
    point = _point(look, store, row, seen[0][1]) if seen else None
    return Sight(int(store.time_ns[row]), look.frame.sensor, hit, float(swept[place]), seen, point)


def _first(look: Look, store: TrackStore, row: int) -> Sight:
    """The detection that began the row: of those of its time the one that the row fits best."""
    at = np.flatnonzero(look.frame.times_ns == store.created_ns[row])
    values = look.frame.values[at]
    expected = _expected(look, store, row)
    off = np.zeros(len(at))
    for place, code in enumerate(look.station.codes.tolist()):
        if code in expected:
            part = np.nan_to_num(values[:, place] - expected[code])
            off += (wrapped(part) if code in ANGLES else part) ** 2 / look.frame.sigmas[at, place] ** 2
    best = np.argsort(off, kind="stable")[:1].tolist()
    seen = tuple((1.0, tuple(values[d].tolist())) for d in best)
    point = _point(look, store, row, seen[0][1]) if seen else None
    return Sight(int(store.time_ns[row]), look.frame.sensor, 1.0, 1.0, seen, point)


def _expected(look: Look, store: TrackStore, row: int) -> dict[int, float]:
    """Where the sensor has the track's mean, by component code: polar or, for a position sensor, along its axes."""
    centre = (store.weight[row, :, None] * store.mean[row, :, :3]).sum(axis=0)
    right, forward, up = (float(part) for part in rotate(centre - look.placement.position, look.placement.axes))
    if look.station.config.kind == "position":
        return {EAST: right, NORTH: forward, UP: up}
    level = math.hypot(right, forward)
    return {RANGE: math.hypot(level, up), AZIMUTH: math.atan2(right, forward), ELEVATION: math.atan2(up, level)}


def _point(look: Look, store: TrackStore, row: int, values: tuple[float, ...]) -> tuple[float, float, float]:
    """A detection in the plane; what was not measured is the track's."""
    found = _expected(look, store, row)
    for code, value in zip(look.station.codes.tolist(), values, strict=True):
        if code in found and not math.isnan(value):
            found[code] = value
    if look.station.config.kind == "position":
        local = np.array([found[EAST], found[NORTH], found[UP]])
    else:
        level = found[RANGE] * math.cos(found[ELEVATION])
        up = found[RANGE] * math.sin(found[ELEVATION])
        local = np.array([level * math.sin(found[AZIMUTH]), level * math.cos(found[AZIMUTH]), up])
    place = look.placement.position + rotate(local, look.placement.axes.T)
    return float(place[0]), float(place[1]), float(place[2])
