"""Sensors that are off: each one's bias, estimated from the objects that several sensors see.

What several sensors see of one object over a few scans (`fusion.registration.gathering`) is reduced to what it says of
their biases (`fusion.registration.alignment`). Information adds up, is forgotten over hours as mounts drift, and never
leaves the prior: what the geometry does not show keeps the prior's uncertainty, and is not applied.

With `report` it only looks; with `apply` measurements are corrected and tracks of one object become one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fusion.config import TrackerConfig
from fusion.geodesy import Plane
from fusion.registration.alignment import Biases, Fit, covariance, fit, solve, triangular
from fusion.registration.gathering import MOST_TRACKS, Gathering, Known, Object
from fusion.tracking.sensors import Look, Station
from fusion.tracking.tracks import TrackStore
from fusion.types import AZIMUTH, ELEVATION, RANGE, SECOND_NS, Floats, Frame, Ints

PLENTY = 50  # objects: before so many are learnt from, rests are short
FORGET_S = 7200.0  # mounts move with temperature and ice: over hours
OBSERVED = 0.5  # of the prior's sigma: what was not narrowed to this is not known
STEP_SIGMA = 1.0  # of the sensor's own noise a sweep, by which what is applied moves: tracks follow
STEP_S = 0.05  # the same of a clock: 10 m of an airliner's way
DISAGREE = 0.1  # weight of the newest object in the share of those that contradict what was learnt
MOST_DISAGREE = 0.5  # when most of them do, it was learnt wrong, or it changed
LOOSEN = 0.3  # then its sigmas grow by the inverse of this
PLACING = ("range_m", "azimuth_deg", "elevation_deg")  # with these known, one path through all is no chance
UNITS = {"azimuth_deg": 180.0 / math.pi, "elevation_deg": 180.0 / math.pi}


@dataclass(frozen=True, slots=True)
class Estimate:
    """One parameter in the contract's unit."""

    value: float
    sigma: float


class Registration:
    """What is known of the biases of all sensors. Arrays are replaced, never changed: copies share them."""

    def __init__(self, stations: Sequence[Station], plane: Plane, config: TrackerConfig) -> None:
        self._stations, self._plane, self._config = tuple(stations), plane, config
        self.biases = Biases.of(stations)
        self._gathering = Gathering(stations, plane, self.biases, config.agility_mps2)
        n = len(self.biases.names)
        self._told = np.zeros((n, n + 1))  # [R | z] of the sightings alone, in shares of the prior sigma
        self._told_ns = 0
        self._applied = np.zeros(n)
        self._applied_ns = dict.fromkeys(range(len(stations)), 0)
        self._disagree = 0.0
        self.objects, self.refused = 0, 0
        self._waiting: tuple[Object, ...] = ()
        self._unsure: tuple[tuple[Ints, tuple[int, ...]], ...] = ()  # of this window: biases that are to be known first
        self.doubles: tuple[int, ...] = ()  # ids of tracks that the newest object shows to be another's
        self._conclude()

    def copy(self) -> Registration:
        """One that goes its own way from here."""
        other = object.__new__(Registration)
        other.__dict__.update(self.__dict__)
        other._gathering, other._applied_ns = self._gathering.copy(), dict(self._applied_ns)
        return other

    @property
    def known(self) -> Known:
        """Value, sigma and what is applied, in shares of the prior sigma, in the order of `biases.names`."""
        return Known(self._value, self._sigma, self._applied)

    @property
    def spread(self) -> Floats:
        """Covariance of all biases, in the same shares."""
        return self._spread

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
        if not self._waiting and self._gathering.rests(look.frame.time_ns):
            return
        # One a look, so that no look takes long; more where looks are rare.
        due = min(len(self._waiting), 1 + len(self._waiting) // MOST_TRACKS)
        for one in self._waiting[:due]:
            self.learn(one)
        self._waiting = self._waiting[due:]
        restful = min(self.objects / PLENTY, 1.0)
        found = self._gathering.look(look, store, row_of_pair, detections, paired, self.known, restful)
        if found:
            self._waiting, self._unsure = (*self._waiting, *found), ()

    def correct(self, frame: Frame, station: Station) -> Frame:
        """The frame without the biases that are known well, and with what is left of them in its sigmas.

        The same frame where they are only reported.
        """
        if self._config.registration != "apply":
            return frame
        first, last = self.biases.first[station.index], self.biases.first[station.index + 1]
        self._follow(frame, station, first, last)
        moved = (self._applied[first:last] != 0.0) | self._known_well[first:last]
        if not moved.any() or not len(frame.values):
            return frame
        scale = self.biases.scale[first:last]
        applied = dict(
            zip((n for _, n in self.biases.names[first:last]), self._applied[first:last] * scale, strict=True)
        )
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

    def learn(self, one: Object) -> None:
        """Take one object's sightings in, unless they contradict all else or themselves."""
        sensors = sorted({each.sensor for each in one.sightings})
        columns = np.concatenate([np.arange(self.biases.first[s], self.biases.first[s + 1]) for s in sensors])
        local = Biases(tuple(self.biases.names[k] for k in columns), self.biases.scale[columns], self._firsts(sensors))
        found = fit(
            one.sightings, one.state, one.time_ns, self._marginal(columns), local, self._stations, self._plane,
            self._config,
        )  # fmt: skip
        if found is None:
            return
        if found.fits_alone:
            self._disagree += DISAGREE * (float(not found.fits) - self._disagree)
        if not found.fits:
            self.refused += 1
            if self._disagree > MOST_DISAGREE:
                self._told, self._disagree = LOOSEN * self._told, 0.0
                self._conclude()
            return
        self.objects += 1
        self._add(found, columns, one.time_ns)
        if one.doubles and self._config.registration == "apply":
            placing = np.array([k for k in columns.tolist() if self.biases.names[k][1] in PLACING], np.int64)
            self._unsure = (*self._unsure, (placing, one.doubles))
        self.doubles += tuple(
            d for placing, doubles in self._unsure if self._known_well[placing].all() for d in doubles
        )
        self._unsure = tuple(each for each in self._unsure if not self._known_well[each[0]].all())

    def _marginal(self, columns: Ints) -> Floats:
        """[R | z] of what is known of these biases alone, the others integrated out."""
        n = len(self.biases.names)
        if len(columns) == n:
            return self._known
        order = np.concatenate([np.setdiff1d(np.arange(n), columns), columns])
        moved = triangular(np.concatenate([self._known[:, order], self._known[:, -1:]], axis=1), n)
        return moved[-len(columns) :, n - len(columns) :]

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

    def _conclude(self) -> None:
        """Values and sigmas of prior and sightings together, and which of them are known well enough to be applied."""
        n = len(self.biases.names)
        self._known = triangular(np.concatenate([np.eye(n, n + 1), self._told]), n)[:n]
        self._value, self._spread = solve(self._known), covariance(self._known)
        self._sigma = np.sqrt(self._spread[np.arange(n), np.arange(n)])
        self._known_well = self._sigma < OBSERVED
        # A shift of all clocks together shows nowhere and harms nobody: each counts against the mean of those compared.
        clocks = np.array(
            [k for k, (_, name) in enumerate(self.biases.names) if name == "time_s" and self._told[:, k].any()]
        )
        for k in clocks.tolist():
            share = np.full(len(clocks), -1.0 / len(clocks))
            share[clocks == k] += 1.0
            joint = self._spread[clocks[:, None], clocks[None, :]]
            variance = float((share[:, None] * joint * share[None, :]).sum())
            self._known_well[k] = len(clocks) > 1 and variance < OBSERVED**2 * (1.0 - 1.0 / len(clocks))


def registration(stations: Sequence[Station], plane: Plane, config: TrackerConfig) -> Registration | None:
    """As the configuration says: None where it is off, or where there is nothing to compare a sensor with."""
    return None if config.registration == "off" or len(stations) < 2 else Registration(stations, plane, config)
