"""The sightings that registration learns from: a window of a few scans, and which of them are one object.

Detections of confirmed tracks are kept as they were told, before any correction. At the end of the window tracks
that are one object are put together (`fusion.registration.twins`). In a full sky a strip of it has its turn, and then
a rest: a few dozen objects tell as much as is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fusion.geodesy import Plane
from fusion.registration.alignment import Biases, Sighting
from fusion.registration.twins import freedom_of, groups
from fusion.tracking.sensors import Look, Placement, Station, measure, wrapped
from fusion.tracking.tracks import TrackStore
from fusion.types import AZIMUTH, CONFIRMED, ELEVATION, SECOND_NS, Floats, Ints

SCANS = 5.0  # a window holds so many of the slowest sensor: the path and how it bends are known from each side
SHORTEST_S, LONGEST_S = 5.0, 60.0  # and lasts no shorter and no longer: over more than a minute no path is a cubic
SPACINGS = 12  # a sensor gives at most so many sightings of a track in a window: a camera's errors last
FEWEST = 3  # of a sensor in a window: what is less proves no velocity
SURE = 0.9  # P(the detection is the track's): below it somebody else may have made it
MOST_TRACKS = 32  # in a window; beyond it the next strip of the sky has its turn, and rests are as much longer
LONGEST_REST = 16.0  # windows
WIDE_SIGMA = 3.0  # of a direction's bias: within it there must be one detection and one track


@dataclass(frozen=True, slots=True, eq=False)
class Object:
    """The sightings of one object over a window, to be fitted. state: (6,) at time_ns."""

    sightings: tuple[Sighting, ...]
    state: Floats
    time_ns: int
    doubles: tuple[int, ...]  # ids of its tracks but the one to keep


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is known of the biases, in shares of the prior sigma: (biases,) each. applied: to the tracks."""

    value: Floats
    sigma: Floats
    applied: Floats


class Gathering:
    """One window after the other."""

    def __init__(self, stations: Sequence[Station], plane: Plane, biases: Biases, agility_mps2: float) -> None:
        self._stations, self._plane, self._biases, self._agility = tuple(stations), plane, biases, agility_mps2
        slowest_s = max((s.config.period_s for s in stations), default=1.0)
        self._window_ns = round(min(max(SCANS * slowest_s, SHORTEST_S), LONGEST_S) * SECOND_NS)
        self._from_ns = self._until_ns = 0
        self._windows = 0
        self._chosen = np.zeros(0, np.int64)
        self._seen: dict[int, tuple[Sighting, ...]] = {}
        self._last_ns: dict[tuple[int, int], int] = {}  # (track, sensor) -> its last sighting

    def copy(self) -> Gathering:
        """A window that goes its own way."""
        other = object.__new__(Gathering)
        other.__dict__.update(self.__dict__)
        other._seen, other._last_ns = dict(self._seen), dict(self._last_ns)
        return other

    def rests(self, now_ns: int) -> bool:
        """Whether a look at that time is passed over: the next window has not begun."""
        return now_ns < self._from_ns and now_ns < self._until_ns

    def look(
        self, look: Look, store: TrackStore, row_of_pair: Ints, detections: Ints, paired: Floats, known: Known,
        restful: float,
    ) -> list[Object]:  # fmt: skip
        """Take one look in; the objects of the window that it ends. restful: 0 to 1, how much of its rest it takes."""
        now_ns, found = look.frame.time_ns, []
        if now_ns >= self._until_ns:
            if self._seen:
                found = self._close(store, self._until_ns, known)
            self._open(store, now_ns, restful)
        if now_ns < self._from_ns or not len(self._chosen):
            return found
        if look.station.angles_only:
            self._see_directions(look, store, known)
            return found
        sure = np.flatnonzero(paired >= SURE)
        tracks = store.id[row_of_pair[sure]]
        place = np.minimum(np.searchsorted(self._chosen, tracks), len(self._chosen) - 1)
        for k in np.flatnonzero(self._chosen[place] == tracks).tolist():
            self._keep(int(tracks[k]), look, int(detections[sure[k]]))
        return found

    def _open(self, store: TrackStore, now_ns: int, restful: float) -> None:
        """Choose the tracks of the next window: all, or the next strip of them from west to east."""
        rows = np.flatnonzero(store.status[: store.size] == CONFIRMED)
        rest = min(max(len(rows) / MOST_TRACKS - 1.0, 0.0), LONGEST_REST) * restful
        self._from_ns = now_ns + round(rest * self._window_ns)
        self._until_ns = self._from_ns + (self._window_ns if len(rows) else 0)
        if len(rows) > MOST_TRACKS:
            east = (store.weight[rows] * store.mean[rows, :, 0]).sum(axis=1)
            rows = np.roll(rows[np.argsort(east, kind="stable")], -self._windows * MOST_TRACKS)[:MOST_TRACKS]
        self._chosen = np.sort(store.id[rows])
        self._windows += 1
        self._seen, self._last_ns = {}, {}

    def _keep(self, track: int, look: Look, detection: int) -> None:
        frame, sensor = look.frame, look.station.index
        time_ns = int(frame.times_ns[detection])
        if time_ns - self._last_ns.get((track, sensor), 0) < self._window_ns // SPACINGS:
            return
        self._last_ns[track, sensor] = time_ns
        each = Sighting(sensor, time_ns, frame.values[detection].copy(), frame.sigmas[detection].copy(), look.placement)
        self._seen[track] = (*self._seen.get(track, ()), each)

    def _see_directions(self, look: Look, store: TrackStore, known: Known) -> None:
        """Directions may lie outside every gate: one detection and one track within the bias are a pair.

        Tracks that no sensor of distance has seen in this window are of directions themselves.
        """
        placed = [t for t, seen in self._seen.items() if any(not self._stations[s.sensor].angles_only for s in seen)]
        due_ns = self._window_ns // SPACINGS
        sensor, frame = look.station.index, look.frame
        if not placed or not len(frame.values) or frame.time_ns - self._last_ns.get((0, sensor), 0) < due_ns:
            return
        self._last_ns[0, sensor] = frame.time_ns
        rows = np.flatnonzero(np.isin(store.id[: store.size], np.array(sorted(placed), np.int64)))
        state, spread = _carried(store, rows, frame.time_ns)
        near = np.ones((len(rows), len(frame.values)), bool)
        for c, code in enumerate(look.station.codes.tolist()):
            if code not in (AZIMUTH, ELEVATION):
                continue
            expected, gradient = measure(code, look.placement, self._plane, state)
            own = (gradient[:, :, None] * spread * gradient[:, None, :]).sum(axis=(1, 2))
            k = self._biases.column(sensor, "azimuth_deg" if code == AZIMUTH else "elevation_deg")
            scale = self._biases.scale[k]
            off = wrapped(frame.values[None, :, c] - expected[:, None] - known.value[k] * scale)
            wide = own[:, None] + (known.sigma[k] * scale) ** 2 + frame.sigmas[None, :, c] ** 2
            near &= np.isnan(off) | (off * off <= WIDE_SIGMA**2 * wide)
        alone = near & (near.sum(axis=1) == 1)[:, None] & (near.sum(axis=0) == 1)[None, :]
        for row, detection in np.argwhere(alone).tolist():
            self._keep(int(store.id[rows[row]]), look, detection)

    def _close(self, store: TrackStore, now_ns: int, known: Known) -> list[Object]:
        """The window is over: which of its tracks are one object, and what each was seen as."""
        rows = np.flatnonzero(np.isin(store.id[: store.size], np.array(sorted(self._seen), np.int64)))
        tracks = store.id[rows].tolist()
        seen = {track: _enough(self._seen[track]) for track in tracks}
        chosen = [i for i, track in enumerate(tracks) if seen[track]]
        if not chosen:
            return []
        rows, tracks = rows[chosen], [tracks[i] for i in chosen]
        state, spread = _carried(store, rows, now_ns)
        freedom = np.stack(
            [freedom_of(state[i], self._sigmas_of(seen[track], known)) for i, track in enumerate(tracks)]
        )
        made: list[Object] = []
        found = groups(tracks, seen, state, spread, freedom, self._agility, self._stations)
        for group in found:
            sightings = sorted(
                (each for i in group for each in seen[tracks[i]]), key=lambda each: (each.time_ns, each.sensor)
            )
            if len({each.sensor for each in sightings}) > 1:
                best = max(group, key=lambda i: (len({each.sensor for each in seen[tracks[i]]}), -i))  # the oldest
                doubles = tuple(tracks[i] for i in group if i != best)
                made.append(Object(tuple(sightings), state[best], now_ns, doubles))
        return made

    def _sigmas_of(self, sightings: Sequence[Sighting], known: Known) -> list[tuple[Placement, Mapping[str, float]]]:
        """Each sensor of these sightings: where it stood, and by how much its tracks may be displaced."""
        last = {each.sensor: each.placement for each in sightings}
        names = self._biases.names
        wide = np.sqrt(known.sigma**2 + (known.value - known.applied) ** 2) * self._biases.scale
        return [
            (
                placement,
                {names[k][1]: float(wide[k]) for k in range(self._biases.first[s], self._biases.first[s + 1])},
            )
            for s, placement in sorted(last.items())
        ]


def _enough(sightings: Sequence[Sighting]) -> tuple[Sighting, ...]:
    """Those of the sensors that saw the track often enough."""
    count: dict[int, int] = {}
    for each in sightings:
        count[each.sensor] = count.get(each.sensor, 0) + 1
    return tuple(each for each in sightings if count[each.sensor] >= FEWEST)


def _carried(store: TrackStore, rows: Ints, time_ns: int) -> tuple[Floats, Floats]:
    """Mean and spread of the rows' mixtures, carried straight on: (n, 6), (n, 6, 6)."""
    weight, mean = store.weight[rows], store.mean[rows]
    centre = (weight[:, :, None] * mean).sum(axis=1)
    off = mean - centre[:, None]
    spread = (weight[:, :, None, None] * (store.covariance[rows] + off[:, :, :, None] * off[:, :, None, :])).sum(axis=1)
    dt = ((time_ns - store.time_ns[rows]) / SECOND_NS)[:, None]
    centre[:, :3] += dt * centre[:, 3:]
    cross, rate = spread[:, :3, 3:], spread[:, 3:, 3:]
    wide = dt[:, :, None]
    spread[:, :3, :3] += wide * (cross + cross.transpose(0, 2, 1)) + wide * wide * rate
    spread[:, :3, 3:] = cross + wide * rate
    spread[:, 3:, :3] = spread[:, :3, 3:].transpose(0, 2, 1)
    return centre, spread
