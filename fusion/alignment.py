"""What the detections of one object tell of the biases of the sensors that saw it.

Over a few scans an object's path is a place, a velocity and an acceleration, all unknown. Every measured component
is then linear in these nine numbers and in the biases of its sensor, and the nine are eliminated exactly: what is
left concerns the biases alone, whatever the sensors measure and whenever they looked. This is the "exact" bias
estimation of Lin, Kirubarajan and Bar-Shalom (2004, 2005), from detections instead of local tracks, in the square
root information form of Bierman (1977), chapter V: orthogonal transformations only, no inverse, no BLAS.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtri

from fusion.config import TrackerConfig
from fusion.geodesy import Plane
from fusion.sensors import Placement, Station, measure, wrapped
from fusion.types import ALTITUDE, AZIMUTH, ELEVATION, RANGE, SECOND_NS, UP, Floats, Ints

PATH = 9  # position, velocity, acceleration
# A mount, a receiver's delay and a clock are seldom worse than this after installation; what is worse is a defect.
PRIOR = {
    "range_m": 300.0,
    "range_gain": 1e-3,
    "azimuth_deg": math.radians(1.0),
    "elevation_deg": math.radians(0.5),
    "time_s": 0.5,
}
SIGMAS = 10.0  # but a range is offset by at most so many of its own standard deviations
MISFIT = 1e-3  # a good fit is thrown away once in a thousand; what manoeuvres or is not one object, nearly always
ITERATIONS = 4  # of Gauss and Newton; two are enough for nearly all
SETTLED_M = 1.0  # what a shorter step bends is centimetres at 50 m


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One detection as the sensor told it. values, sigmas: (k,), as in `Frame`."""

    sensor: int
    time_ns: int
    values: Floats
    sigmas: Floats
    placement: Placement


@dataclass(frozen=True, slots=True)
class Biases:
    """The columns of all biases, in the order of the stations. Everything is in shares of `scale`, the prior sigma."""

    names: tuple[tuple[int, str], ...]  # (station, parameter)
    scale: Floats
    first: tuple[int, ...]  # column of each station's first parameter

    @classmethod
    def of(cls, stations: Sequence[Station]) -> Biases:
        names: list[tuple[int, str]] = []
        scale: list[float] = []
        first: list[int] = []
        for station in stations:
            first.append(len(names))
            for name in _parameters(station):
                names.append((station.index, name))
                widest = SIGMAS * station.config.sigma["range_m"] if name == "range_m" else math.inf
                scale.append(min(PRIOR[name], widest))
        return cls(tuple(names), np.array(scale), (*first, len(names)))

    def column(self, sensor: int, name: str) -> int:
        """Where a parameter stands; -1: that sensor has no such."""
        for k in range(self.first[sensor], self.first[sensor + 1]):
            if self.names[k][1] == name:
                return k
        return -1


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """What one object tells.

    rows: (r, biases + 1), [B | z] with z = B b + unit noise.  excess: chi-square by its degrees of freedom.
    fits_alone: whether it would fit with the prior of the biases alone: then it is what was learnt that disagrees.
    """

    rows: Floats
    excess: float
    fits: bool
    fits_alone: bool


def fit(
    sightings: Sequence[Sighting], start: Floats, start_ns: int, known: Floats, biases: Biases,
    stations: Sequence[Station], plane: Plane, config: TrackerConfig,
) -> Fit | None:  # fmt: skip
    """Fit one path and the biases to the sightings of one object.

    start: (6,) state at start_ns, to begin from. known: (biases, biases + 1), [R | z] of all that is known of the
    biases, the prior included. None where the sightings do not determine the path.
    """
    groups = _grouped(sightings)
    middle_ns = (min(s.time_ns for s in sightings) + max(s.time_ns for s in sightings)) // 2
    path = np.zeros(PATH)
    path[:6] = start
    path[:3] += start[3:] * ((middle_ns - start_ns) / SECOND_NS)
    guess = solve(known)
    for _ in range(ITERATIONS):
        rows = _rows(groups, middle_ns, path, guess, biases, stations, plane, config)
        work = triangular(rows, PATH)
        told = work[PATH:, PATH:]
        joint = triangular(np.concatenate([known, told]), len(known))
        if not np.isfinite(joint).all() or not _regular(work[:PATH, :PATH]):
            return None
        guess = solve(joint[: len(known)])
        right = work[:PATH, -1] - (work[:PATH, PATH:-1] * guess).sum(axis=1)
        step = solve(np.concatenate([work[:PATH, :PATH], right[:, None]], axis=1))
        path = path + step
        if abs(step[:3]).max() < SETTLED_M:
            break
    freedom = len(rows) - PATH
    misfit = float((joint[len(known) :, -1] ** 2).sum())
    limit = float(chdtri(freedom, MISFIT))
    if misfit <= limit:
        return Fit(told, misfit / freedom, True, True)
    alone = triangular(np.concatenate([np.eye(len(known), len(known) + 1), told]), len(known))
    return Fit(told, misfit / freedom, False, float((alone[len(known) :, -1] ** 2).sum()) <= limit)


def triangular(rows: Floats, columns: int) -> Floats:
    """Orthogonal transformation that zeroes the first `columns` columns below their diagonal; a new array."""
    from fusion.kernels.triangular import eliminate

    work = np.array(rows, order="C")
    eliminate(work, columns)
    return work


def solve(system: Floats) -> Floats:
    """x of [R | z], R upper triangular: (n, n + 1) to (n,)."""
    n = len(system)
    found = np.zeros(n)
    for k in range(n - 1, -1, -1):
        found[k] = (system[k, -1] - float((system[k, k + 1 : n] * found[k + 1 :]).sum())) / system[k, k]
    return found


def covariance(system: Floats) -> Floats:
    """R⁻¹ R⁻ᵀ of [R | z]: (n, n)."""
    n = len(system)
    inverse = np.zeros((n, n))
    for k in range(n - 1, -1, -1):
        row = -(system[k, k + 1 : n, None] * inverse[k + 1 :]).sum(axis=0)
        row[k] += 1.0
        inverse[k] = row / system[k, k]
    return np.asarray((inverse[:, None, :] * inverse[None, :, :]).sum(axis=2))


def _parameters(station: Station) -> list[str]:
    codes = station.codes.tolist()
    names = ["range_m", "range_gain"] if RANGE in codes else []
    names += ["azimuth_deg"] if AZIMUTH in codes else []
    names += ["elevation_deg"] if ELEVATION in codes else []
    return [*names, "time_s"]


def _regular(upper: Floats) -> bool:
    """Whether the path is determined, to about half of a double's digits."""
    diagonal = abs(upper[np.arange(len(upper)), np.arange(len(upper))])
    return bool((diagonal > 1e-8 * abs(upper).max(axis=0)).all() and (diagonal > 0.0).all())


Group = tuple[int, Placement, Ints, Floats, Floats]  # sensor, placement, times, values, sigmas


def _grouped(sightings: Sequence[Sighting]) -> list[Group]:
    """Those of one sensor at one place together, in the order of their first."""
    found: dict[tuple[int, int], list[Sighting]] = {}
    for each in sightings:
        found.setdefault((each.sensor, id(each.placement)), []).append(each)
    return [
        (
            group[0].sensor,
            group[0].placement,
            np.array([s.time_ns for s in group], np.int64),
            np.array([s.values for s in group]),
            np.array([s.sigmas for s in group]),
        )
        for group in found.values()
    ]


def _rows(
    groups: Sequence[Group], middle_ns: int, path: Floats, guess: Floats, biases: Biases, stations: Sequence[Station],
    plane: Plane, config: TrackerConfig,
) -> Floats:  # fmt: skip
    """(r, 9 + biases + 1): what was measured less what `path` gives, linear in a change of path and in the biases."""
    parts = [_prior_rows(groups, path, len(guess), stations, plane, config)]
    for sensor, placement, times_ns, values, sigmas in groups:
        dt = (times_ns - middle_ns) / SECOND_NS
        velocity = path[3:6] + dt[:, None] * path[6:]
        position = path[:3] + dt[:, None] * path[3:6] + (0.5 * dt * dt)[:, None] * path[6:]
        state = np.concatenate([position, velocity], axis=1)
        for c, code in enumerate(stations[sensor].codes.tolist()):
            measured = ~np.isnan(values[:, c])
            if not measured.any():
                continue
            expected, gradient = measure(code, placement, plane, state)
            rows = np.zeros((len(dt), PATH + len(guess) + 1))
            rows[:, :3] = gradient[:, :3]
            rows[:, 3:6] = gradient[:, :3] * dt[:, None] + gradient[:, 3:]
            rows[:, 6:9] = gradient[:, :3] * (0.5 * dt * dt)[:, None] + gradient[:, 3:] * dt[:, None]
            told = rows[:, PATH:-1]
            # What carries the time t + b was measured at t.
            rate = (gradient[:, :3] * velocity).sum(axis=1) + (gradient[:, 3:] * path[6:]).sum(axis=1)
            told[:, biases.column(sensor, "time_s")] = -rate
            if code == RANGE:
                told[:, biases.column(sensor, "range_m")] = 1.0
                told[:, biases.column(sensor, "range_gain")] = expected
            elif code in (AZIMUTH, ELEVATION):
                name = "azimuth_deg" if code == AZIMUTH else "elevation_deg"
                told[:, biases.column(sensor, name)] = 1.0
            told *= biases.scale
            residual = values[:, c] - expected
            if code == AZIMUTH:
                likely = (told * guess).sum(axis=1)
                residual = wrapped(residual - likely) + likely
            rows[:, -1] = residual
            parts.append((rows / sigmas[:, c, None])[measured])
    return np.concatenate(parts)


def _prior_rows(
    groups: Sequence[Group], path: Floats, columns: int, stations: Sequence[Station], plane: Plane,
    config: TrackerConfig,
) -> Floats:  # fmt: skip
    """Accelerations are what the object can do; a height that nobody measures is what the configuration says.

    Place and velocity have no prior: over thousands of objects even a vague one would say where the sensors are.
    """
    rows = np.zeros((4, PATH + columns + 1))
    for i in range(3):
        rows[i, 6 + i] = 1.0 / config.agility_mps2
        rows[i, -1] = -path[6 + i] / config.agility_mps2
    codes = {int(code) for sensor, *_ in groups for code in stations[sensor].codes}
    if codes & {ELEVATION, ALTITUDE, UP}:
        return rows[:3]
    up = plane.up_at(path[:3])
    sigma = config.altitude_m.sigma
    rows[3, :3] = up / sigma
    rows[3, -1] = (config.altitude_m.mean - float(plane.to_geodetic(path[None, :3])[2][0])) / sigma
    climb = np.zeros((1, PATH + columns + 1))
    climb[0, 3:6] = up / config.initial_climb_mps
    climb[0, -1] = -float((up * path[3:6]).sum()) / config.initial_climb_mps
    return np.concatenate([rows, climb])
