"""Sensors that are off: each one's bias, estimated from the objects that several sensors see.

For a window of a few scans the detections of confirmed tracks are kept as they were told. Then tracks that are one
object are put together (`fusion.twins`), and each object's detections are reduced to what they say of the biases
(`fusion.alignment`). Information adds up, is forgotten over hours as mounts drift, and never leaves the prior:
what the geometry does not show keeps the prior's uncertainty, and is not applied.

It only looks: tracks change where `correct` is asked to apply what was found.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fusion.alignment import Biases, Fit, Sighting, covariance, fit, solve, triangular
from fusion.config import TrackerConfig
from fusion.geodesy import Plane
from fusion.sensors import Look, Placement, Station, measure, wrapped
from fusion.tracks import TrackStore
from fusion.twins import freedom_of, groups
from fusion.types import AZIMUTH, CONFIRMED, ELEVATION, RANGE, SECOND_NS, Floats, Frame, Ints

SCANS = 5.0  # a window holds so many of the slowest sensor: the path and its acceleration are known from each side
SHORTEST_S, LONGEST_S = 5.0, 60.0  # and lasts no shorter and no longer: over more than a minute nobody flies a parabola
SPACINGS = 12  # a sensor gives at most so many sightings of a track in a window: a camera's errors last
FEWEST = 3  # of a sensor in a window: what is less proves no velocity
SURE = 0.9  # P(the detection is the track's): below it somebody else may have made it
MOST_TRACKS = 32  # in a window; beyond it the next strip of the sky has its turn, and rests are as much longer
LONGEST_REST = 16.0  # windows
PLENTY = 100  # objects: before so many are learnt from, there is no rest
FORGET_S = 7200.0  # mounts move with temperature and ice: over hours
OBSERVED = 0.5  # of the prior's sigma: what was not narrowed to this is not known
STEP_SIGMA = 0.5  # of the sensor's own noise a sweep, by which what is applied moves: tracks follow
STEP_S = 0.025  # the same of a clock: 5 m of an airliner's way
DISAGREE = 0.1  # weight of the newest object in the share of those that contradict what was learnt
MOST_DISAGREE = 0.5  # when most of them do, it was learnt wrong, or it changed
LOOSEN = 0.3  # then its sigmas grow by the inverse of this
WIDE_SIGMA = 3.0  # of a direction's bias: within it there must be one detection and one track
PLACING = ("range_m", "azimuth_deg", "elevation_deg")  # with these known, one path through all is no chance
UNITS = {"azimuth_deg": 180.0 / math.pi, "elevation_deg": 180.0 / math.pi}


@dataclass(frozen=True, slots=True)
class Estimate:
    """One parameter in the contract's unit."""

    value: float
    sigma: float


@dataclass(frozen=True, slots=True, eq=False)
class Object:
    """The sightings of one object over a window, to be fitted. state: (6,) at time_ns."""

    sightings: tuple[Sighting, ...]
    state: Floats
    time_ns: int
    doubles: tuple[int, ...]  # ids of its tracks but the one to keep


class Registration:
    """What is known of the biases of all sensors. Arrays are replaced, never changed: copies share them."""

    def __init__(self, stations: Sequence[Station], plane: Plane, config: TrackerConfig) -> None:
        self._stations, self._plane, self._config = tuple(stations), plane, config
        self.biases = Biases.of(stations)
        slowest_s = max((s.config.period_s for s in stations), default=1.0)
        self._window_ns = round(min(max(SCANS * slowest_s, SHORTEST_S), LONGEST_S) * SECOND_NS)
        n = len(self.biases.names)
        self._told = np.zeros((n, n + 1))  # [R | z] of the sightings alone, in shares of the prior sigma
        self._told_ns = 0
        self._applied = np.zeros(n)
        self._applied_ns = dict.fromkeys(range(len(stations)), 0)
        self._disagree = 0.0
        self.objects, self.refused = 0, 0
        self._from_ns = self._until_ns = 0  # the window
        self._windows = 0
        self._chosen = np.zeros(0, np.int64)
        self._seen: dict[int, tuple[Sighting, ...]] = {}
        self._last_ns: dict[tuple[int, int], int] = {}  # (track, sensor) -> its last sighting
        self._waiting: tuple[Object, ...] = ()
        self.doubles: tuple[int, ...] = ()  # ids of tracks that the newest object shows to be another's
        self._conclude()

    def copy(self) -> Registration:
        other = object.__new__(Registration)
        other.__dict__.update(self.__dict__)
        other._seen, other._last_ns, other._applied_ns = dict(self._seen), dict(self._last_ns), dict(self._applied_ns)
        return other

    def report(self) -> dict[str, dict[str, Estimate]]:
        """Sensor -> parameter -> estimate, in m, degrees and s."""
        told: dict[str, dict[str, Estimate]] = {s.config.id: {} for s in self._stations}
        for k, (sensor, name) in enumerate(self.biases.names):
            unit = self.biases.scale[k] * UNITS.get(name, 1.0)
            told[self._stations[sensor].config.id][name] = Estimate(
                float(self._value[k] * unit), float(self._sigma[k] * unit)
            )
        return told

    def observed(self) -> list[tuple[str, str]]:
        """(sensor, parameter) of what is known well enough to be applied."""
        names = self.biases.names
        return [(self._stations[names[k][0]].config.id, names[k][1]) for k in np.flatnonzero(self._known_well)]

    def look(self, look: Look, store: TrackStore, row_of_pair: Ints, detections: Ints, paired: Floats) -> None:
        """Learn from one look, after its update. look: as told, uncorrected. paired: P(pair), as of `associate`."""
        self.doubles = ()
        if self._waiting:
            self._learn(self._waiting[0])
            self._waiting = self._waiting[1:]
        now_ns = look.frame.time_ns
        if now_ns >= self._until_ns:
            if self._from_ns:
                self._close(store, self._until_ns)
            self._open(store, now_ns)
        if now_ns < self._from_ns or not len(self._chosen):
            return
        if look.station.angles_only:
            self._see_directions(look, store)
            return
        sure = np.flatnonzero(paired >= SURE)
        tracks = store.id[row_of_pair[sure]]
        place = np.minimum(np.searchsorted(self._chosen, tracks), len(self._chosen) - 1)
        for k in np.flatnonzero(self._chosen[place] == tracks).tolist():
            self._keep(int(tracks[k]), look, int(detections[sure[k]]))

    def correct(self, frame: Frame, station: Station) -> Frame:
        """The frame without the biases that are known well, and with what is left of them in its sigmas."""
        first, last = self.biases.first[station.index], self.biases.first[station.index + 1]
        self._follow(frame, station, first, last)
        moved = (self._applied[first:last] != 0.0) | self._known_well[first:last]
        if not moved.any() or not len(frame.values):
            return frame
        scale = self.biases.scale[first:last]
        applied = dict(zip((n for _, n in self.biases.names[first:last]), self._applied[first:last] * scale, strict=True))
        values, sigmas, codes = frame.values.copy(), frame.sigmas.copy(), station.codes.tolist()
        for name, code in (("range_m", RANGE), ("azimuth_deg", AZIMUTH), ("elevation_deg", ELEVATION)):
            if name not in applied:
                continue
            column = codes.index(code)
            share = np.zeros((len(values), last - first))
            share[:, self.biases.column(station.index, name) - first] = 1.0
            if code == RANGE:
                share[:, self.biases.column(station.index, "range_gain") - first] = values[:, column]
                values[:, column] = (values[:, column] - applied["range_m"]) / (1.0 + applied["range_gain"])
            else:
                values[:, column] -= applied[name]
            share *= scale * moved
            lag = (share * (self._value - self._applied)[first:last] * self._known_well[first:last]).sum(axis=1)
            left = (share[:, :, None] * self._spread[first:last, first:last] * share[:, None, :]).sum(axis=(1, 2))
            sigmas[:, column] = np.sqrt(sigmas[:, column] ** 2 + np.nan_to_num(left + lag * lag))
        shift_ns = round(applied["time_s"] * SECOND_NS)
        return replace(
            frame, values=values, sigmas=sigmas, times_ns=frame.times_ns - shift_ns, time_ns=frame.time_ns - shift_ns
        )

    def _follow(self, frame: Frame, station: Station, first: int, last: int) -> None:
        """Move what is applied to this sensor toward what is known of it."""
        period_ns = round(station.config.period_s * SECOND_NS)
        elapsed_ns = min(max(frame.time_ns - self._applied_ns[station.index], 0), period_ns)
        self._applied_ns[station.index] = max(frame.time_ns, self._applied_ns[station.index])
        wanted = np.where(self._known_well, self._value, 0.0)[first:last] - self._applied[first:last]
        if not wanted.any():
            return
        most = self._steps[first:last] * (elapsed_ns / period_ns)
        self._applied = self._applied.copy()
        self._applied[first:last] += np.clip(wanted, -most, most)

    @property
    def _steps(self) -> Floats:
        """By how much each applied bias may move in a sweep, in shares of the prior sigma."""
        steps = []
        for (sensor, name), scale in zip(self.biases.names, self.biases.scale, strict=True):
            config = self._stations[sensor].config
            if name == "time_s":
                step = STEP_S
            elif name == "range_gain":
                step = STEP_SIGMA * config.sigma["range_m"] / max((config.coverage.range_m or (0.0, 1.0))[1], 1.0)
            elif name == "range_m":
                step = STEP_SIGMA * config.sigma["range_m"]
            else:
                step = STEP_SIGMA * math.radians(config.sigma[name])  # type: ignore[index]
            steps.append(step / scale)
        return np.array(steps)

    def _open(self, store: TrackStore, now_ns: int) -> None:
        """Choose the tracks of the next window: all, or the next strip of them from west to east."""
        rows = np.flatnonzero(store.status[: store.size] == CONFIRMED)
        rest = min(max(len(rows) / MOST_TRACKS - 1.0, 0.0), LONGEST_REST) * min(self.objects / PLENTY, 1.0)
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

    def _see_directions(self, look: Look, store: TrackStore) -> None:
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
            k = self.biases.column(sensor, "azimuth_deg" if code == AZIMUTH else "elevation_deg")
            scale = self.biases.scale[k]
            off = wrapped(frame.values[None, :, c] - expected[:, None] - self._value[k] * scale)
            wide = own[:, None] + (self._sigma[k] * scale) ** 2 + frame.sigmas[None, :, c] ** 2
            near &= np.isnan(off) | (off * off <= WIDE_SIGMA**2 * wide)
        alone = near & (near.sum(axis=1) == 1)[:, None] & (near.sum(axis=0) == 1)[None, :]
        for row, detection in np.argwhere(alone).tolist():
            self._keep(int(store.id[rows[row]]), look, detection)

    def _close(self, store: TrackStore, now_ns: int) -> None:
        """The window is over: which of its tracks are one object, and what each was seen as."""
        rows = np.flatnonzero(np.isin(store.id[: store.size], np.array(sorted(self._seen), np.int64)))
        tracks = store.id[rows].tolist()
        seen = {track: _enough(self._seen[track]) for track in tracks}
        chosen = [i for i, track in enumerate(tracks) if seen[track]]
        if not chosen:
            return
        rows, tracks = rows[chosen], [tracks[i] for i in chosen]
        state, spread = _carried(store, rows, now_ns)
        freedom = np.stack([freedom_of(state[i], self._sigmas_of(seen[track])) for i, track in enumerate(tracks)])
        found = groups(tracks, seen, state, spread, freedom, self._config.agility_mps2, self._stations)
        for group in found:
            sightings = sorted(
                (each for i in group for each in seen[tracks[i]]), key=lambda each: (each.time_ns, each.sensor)
            )
            if len({each.sensor for each in sightings}) > 1:
                best = max(group, key=lambda i: (len({each.sensor for each in seen[tracks[i]]}), -i))  # the oldest
                doubles = tuple(tracks[i] for i in group if i != best)
                self._waiting = (*self._waiting, Object(tuple(sightings), state[best], now_ns, doubles))

    def _sigmas_of(self, sightings: Sequence[Sighting]) -> list[tuple[Placement, Mapping[str, float]]]:
        """Each sensor of these sightings: where it stood, and by how much its tracks may be displaced."""
        last = {each.sensor: each.placement for each in sightings}
        names = self.biases.names
        wide = np.sqrt(self._sigma**2 + (self._value - self._applied) ** 2) * self.biases.scale
        return [
            (
                placement,
                {names[k][1]: float(wide[k]) for k in range(self.biases.first[s], self.biases.first[s + 1])},
            )
            for s, placement in sorted(last.items())
        ]

    def _learn(self, one: Object) -> None:
        """Take one object's sightings in, unless they contradict all else or themselves."""
        sensors = sorted({each.sensor for each in one.sightings})
        columns = np.concatenate([np.arange(self.biases.first[s], self.biases.first[s + 1]) for s in sensors])
        known = self._known()
        # The others' biases are left out of the fit: their part of what is known is marginal.
        order = np.concatenate([np.setdiff1d(np.arange(len(self.biases.names)), columns), columns])
        marginal = triangular(np.concatenate([known[:, order], known[:, -1:]], axis=1), len(order))[-len(columns) :]
        marginal = marginal[:, len(order) - len(columns) :]
        local = Biases(
            tuple(self.biases.names[k] for k in columns), self.biases.scale[columns], self._firsts(sensors)
        )
        found = fit(
            one.sightings, one.state, one.time_ns, marginal, local, self._stations, self._plane, self._config
        )  # fmt: skip
        if found is None:
            return
        if found.fits or found.fits_alone:
            self._disagree += DISAGREE * (float(not found.fits) - self._disagree)
        if not found.fits:
            self.refused += 1
            if self._disagree > MOST_DISAGREE:
                self._told, self._disagree = LOOSEN * self._told, 0.0
                self._conclude()
            return
        self.objects += 1
        self._add(found, columns, one.time_ns)
        if all(self._known_well[k] for k in columns if self.biases.names[k][1] in PLACING):
            self.doubles = one.doubles

    def _firsts(self, sensors: Sequence[int]) -> tuple[int, ...]:
        """`Biases.first` of a choice of sensors, by the station's index."""
        first, at = [], 0
        for s in range(len(self._stations)):
            first.append(at)
            at += self.biases.first[s + 1] - self.biases.first[s] if s in sensors else 0
        return (*first, at)

    def _add(self, found: Fit, columns: Ints, time_ns: int) -> None:
        """Information adds up. A worse fit than its noise counts less (Birge 1932)."""
        n = len(self.biases.names)
        rows = np.zeros((len(found.rows), n + 1))
        rows[:, columns], rows[:, -1] = found.rows[:, :-1], found.rows[:, -1]
        rows /= math.sqrt(max(found.excess, 1.0))
        elapsed_s = max(time_ns - self._told_ns, 0) / SECOND_NS if self._told_ns else 0.0
        told = self._told * math.exp(-0.5 * elapsed_s / FORGET_S)
        self._told = triangular(np.concatenate([told, rows]), n)[:n]
        self._told_ns = max(time_ns, self._told_ns)
        self._conclude()

    def _known(self) -> Floats:
        """[R | z] of prior and sightings together."""
        n = len(self.biases.names)
        return triangular(np.concatenate([np.eye(n, n + 1), self._told]), n)[:n]

    def _conclude(self) -> None:
        known = self._known()
        self._value, self._spread = solve(known), covariance(known)
        self._sigma = np.sqrt(self._spread[np.arange(len(known)), np.arange(len(known))])
        self._known_well = self._sigma < OBSERVED


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
