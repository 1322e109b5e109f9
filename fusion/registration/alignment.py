"""What the detections of one object tell of the biases of the sensors that saw it.

Over a few scans an object's path is a cubic of time, nothing of it known. Every measured component is then linear in
its twelve numbers and in the biases of its sensor, and the twelve are eliminated exactly: what is
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
from fusion.tracking.sensors import Placement, Station, measure, wrapped
from fusion.types import ALTITUDE, AZIMUTH, ELEVATION, RANGE, SECOND_NS, UP, Floats, Ints

PATH = 12  # position, velocity, acceleration, jerk: enough that no sensor is measured by how straight others fly
FREE = 10.0  # times the agility, and so much more of it in a second: wide enough to say nothing
LASTING = 3  # of each angle of a camera in a window: an offset, a rate and a bend, as errors that last have them
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
    lasting = _lasting(groups, stations)
    own = PATH + LASTING * len(lasting)
    for _ in range(ITERATIONS):
        rows = _rows(groups, middle_ns, path, lasting, guess, biases, stations, plane, config)
        work = triangular(rows, own)
        told = work[own:, own:]
        joint = triangular(np.concatenate([known, told]), len(known))
        if not np.isfinite(joint).all() or not _regular(work[:own, :own]):
            return None
        guess = solve(joint[: len(known)])
        right = work[:own, -1] - (work[:own, own:-1] * guess).sum(axis=1)
        step = solve(np.concatenate([work[:own, :own], right[:, None]], axis=1))[:PATH]
        path = path + step
        if abs(step[:3]).max() < SETTLED_M:
            break
    freedom = len(rows) - own
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
    from fusion.kernels.triangular import substitute

    found = np.empty(len(system))
    substitute(np.ascontiguousarray(system), found)
    return found


def covariance(system: Floats) -> Floats:
    """R⁻¹ R⁻ᵀ of [R | z]: (n, n)."""
    from fusion.kernels.triangular import inverse_square

    found = np.empty((len(system), len(system)))
    inverse_square(np.ascontiguousarray(system), found)
    return found


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


def _lasting(groups: Sequence[Group], stations: Sequence[Station]) -> list[tuple[int, int]]:
    """(sensor, column) of the angles of those that see direction alone, where they were measured often enough."""
    count: dict[tuple[int, int], int] = {}
    for sensor, _, _, values, _ in groups:
        for c in range(len(stations[sensor].codes)) if stations[sensor].angles_only else ():
            count[sensor, c] = count.get((sensor, c), 0) + int((~np.isnan(values[:, c])).sum())
    return sorted(key for key, times in count.items() if times > LASTING)


def _rows(
    groups: Sequence[Group], middle_ns: int, path: Floats, lasting: Sequence[tuple[int, int]], guess: Floats,
    biases: Biases, stations: Sequence[Station], plane: Plane, config: TrackerConfig,
) -> Floats:  # fmt: skip
    """(r, own + biases + 1): what was measured less what `path` gives, linear in a change of path and in the biases.

    lasting: (sensor, column) of each angle whose errors last over the window: of them a mean is left, no better than
    a single look, and nothing of how the direction changes, which would be taken for distance.
    """
    own = PATH + LASTING * len(lasting)
    parts = [_prior_rows(groups, path, own + len(guess) + 1, stations, plane, config)]
    for k, (sensor, c) in enumerate(lasting):
        parts.append(np.zeros((1, own + len(guess) + 1)))
        config_of = stations[sensor].config
        parts[-1][0, PATH + LASTING * k] = 1.0 / math.radians(config_of.sigma[config_of.measures[c]])
    for sensor, placement, times_ns, values, sigmas in groups:
        dt = (times_ns - middle_ns) / SECOND_NS
        second, third = (0.5 * dt * dt)[:, None], (dt * dt * dt / 6.0)[:, None]
        velocity = path[3:6] + dt[:, None] * path[6:9] + second * path[9:]
        acceleration = path[6:9] + dt[:, None] * path[9:]
        position = path[:3] + dt[:, None] * path[3:6] + second * path[6:9] + third * path[9:]
        state = np.concatenate([position, velocity], axis=1)
        for c, code in enumerate(stations[sensor].codes.tolist()):
            measured = ~np.isnan(values[:, c])
            if not measured.any():
                continue
            expected, gradient = measure(code, placement, plane, state)
            rows = np.zeros((len(dt), own + len(guess) + 1))
            rows[:, :3] = gradient[:, :3]
            rows[:, 3:6] = gradient[:, :3] * dt[:, None] + gradient[:, 3:]
            rows[:, 6:9] = gradient[:, :3] * second + gradient[:, 3:] * dt[:, None]
            rows[:, 9:12] = gradient[:, :3] * third + gradient[:, 3:] * second
            told = rows[:, own:-1]
            # What carries the time t + b was measured at t.
            rate = (gradient[:, :3] * velocity).sum(axis=1) + (gradient[:, 3:] * acceleration).sum(axis=1)
            told[:, biases.column(sensor, "time_s")] = -rate
            if code == RANGE:
                told[:, biases.column(sensor, "range_m")] = 1.0
                told[:, biases.column(sensor, "range_gain")] = expected
            elif code in (AZIMUTH, ELEVATION):
                name = "azimuth_deg" if code == AZIMUTH else "elevation_deg"
                told[:, biases.column(sensor, name)] = 1.0
            told *= biases.scale
            if (sensor, c) in lasting:
                first = PATH + LASTING * lasting.index((sensor, c))
                rows[:, first : first + LASTING] = np.stack([np.ones(len(dt)), dt, dt * dt], axis=1)
            residual = values[:, c] - expected
            if code == AZIMUTH:
                likely = (told * guess).sum(axis=1)
                residual = wrapped(residual - likely) + likely
            rows[:, -1] = residual
            parts.append((rows / sigmas[:, c, None])[measured])
    return np.concatenate(parts)


def _prior_rows(
    groups: Sequence[Group], path: Floats, width: int, stations: Sequence[Station], plane: Plane,
    config: TrackerConfig,
) -> Floats:  # fmt: skip
    """Accelerations are next to free; a height that nobody measures is what the configuration says.

    Place and velocity have no prior: over thousands of objects even a vague one would say where the sensors are.
    """
    rows = np.zeros((6, width))
    for i in range(6):
        rows[i, 6 + i] = 1.0 / (FREE * config.agility_mps2)
        rows[i, -1] = -path[6 + i] / (FREE * config.agility_mps2)
    codes = {int(code) for sensor, *_ in groups for code in stations[sensor].codes}
    if codes & {ELEVATION, ALTITUDE, UP}:
        return rows
    up = plane.up_at(path[:3])
    sigma = config.altitude_m.sigma
    height = np.zeros((2, width))
    height[0, :3] = up / sigma
    height[0, -1] = (config.altitude_m.mean - float(plane.to_geodetic(path[None, :3])[2][0])) / sigma
    height[1, 3:6] = up / config.initial_climb_mps
    height[1, -1] = -float((up * path[3:6]).sum()) / config.initial_climb_mps
    return np.concatenate([rows, height])
