"""Innovations of published tracks: what sensors measured next, less what the track had led to expect.

The track is taken as the last scored picture before the detection shows it, predicted to the detection's own time:
nearly constant velocity, or the configured turn, with the noise of its most likely motion. The innovation's covariance
is H P Hᵀ + R (Bar-Shalom, Li, Kirubarajan 2001, eq. 5.2.3-9). That picture cannot have used the detection.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion.config import TrackerConfig
from fusion.geodesy import Plane
from fusion.tracking.motion import CLIMB_SIGMA, CLIMB_TIME, DENSITY, LATERAL, MAX_TURN_RATE_RADPS, Motions
from fusion.tracking.sensors import measure, wrapped
from fusion.types import AZIMUTH, ELEVATION, SECOND_NS, Floats, Ints
from replay.scoring.compared import Compared
from replay.scoring.consistency import normalised_squared
from replay.scoring.sighted import Looks, Sighted, by_placement, plane_states
from replay.scoring.truths import LAT, LON

LONGEST_PERIODS = 2.0  # a picture older than this before the detection is not the last one: some are missing


@dataclass(frozen=True, slots=True, eq=False)
class Innovations:
    """squared: (k,) normalised squares, NaN where unknown.  dof: (k,).  instant: (k,) the first one not before each."""

    squared: Floats
    dof: Ints
    instant: Ints


def innovations(compared: Compared, looks: Looks, seen: Sighted, plane: Plane, tracker: TrackerConfig) -> Innovations:
    """Of every detection whose object held a track in the last picture before it."""
    times = compared.times_ns
    before = np.searchsorted(times, seen.time_ns, side="left") - 1
    held, many = compared.held, len(times) + 1
    key = np.append(held.object * many + held.instant, np.iinfo(np.int64).max)
    place = np.searchsorted(key, seen.object * many + before)
    age_s = (seen.time_ns - times[np.maximum(before, 0)]) / SECOND_NS
    known = (before >= 0) & (key[place] == seen.object * many + before) & ~seen.ignore
    known &= age_s <= LONGEST_PERIODS * compared.instants.period_s
    used = np.flatnonzero(known)
    track = held.track[place[used]]
    state, covariance = _predicted(compared, track, age_s[used], plane, tracker)
    squared, dof = _normalised(looks, seen, used, state, covariance, plane)
    return Innovations(squared, dof, before[used] + 1)


def _predicted(
    compared: Compared, track: Ints, dt: Floats, plane: Plane, tracker: TrackerConfig
) -> tuple[Floats, Floats]:
    """Rows of tracks, `dt` later, in plane axes: (k, 6) and (k, 6, 6)."""
    points = compared.points
    values, motions = points.values[track], Motions.of(tracker)
    numbers = {name: k for k, name in enumerate(motions.names)}
    mode = np.array([numbers.get(name, 0) for name in points.mode[track].tolist()], dtype=int)
    parameters = motions.parameters[mode] if len(mode) else np.zeros((0, motions.parameters.shape[1]))
    axes = plane.local_axes(values[:, LAT], values[:, LON])
    state = plane_states(values, plane)
    up, velocity = axes[:, 2], state[:, 3:].copy()
    climb = (velocity * up).sum(axis=1)[:, None] * up
    level = velocity - climb
    speed = np.sqrt((level * level).sum(axis=1))
    lateral = parameters[:, LATERAL]
    rate = np.copysign(np.minimum(np.abs(lateral) / np.maximum(speed, 1e-3), MAX_TURN_RATE_RADPS), lateral)
    turned = rate * dt
    along = np.where(np.abs(turned) > 1e-9, np.sin(turned) / np.where(turned == 0.0, 1.0, turned), 1.0) * dt
    aside = np.where(np.abs(turned) > 1e-9, (1.0 - np.cos(turned)) / np.where(turned == 0.0, 1.0, turned), 0.0) * dt
    left = np.cross(up, level)
    state[:, :3] += along[:, None] * level + aside[:, None] * left + dt[:, None] * climb
    state[:, 3:] = np.cos(turned)[:, None] * level + np.sin(turned)[:, None] * left + climb
    covariance = _turned(points.covariance[track], axes)
    step = dt[:, None, None]
    position, cross, rates = covariance[:, :3, :3], covariance[:, :3, 3:], covariance[:, 3:, 3:]
    noise = _noise(parameters, up)
    moved = np.empty_like(covariance)
    moved[:, :3, :3] = position + step * (cross + cross.transpose(0, 2, 1)) + step**2 * rates + step**3 / 3.0 * noise
    moved[:, :3, 3:] = cross + step * rates + step**2 / 2.0 * noise
    moved[:, 3:, :3] = moved[:, :3, 3:].transpose(0, 2, 1)
    moved[:, 3:, 3:] = rates + step * noise
    return state, moved


def _noise(parameters: Floats, up: Floats) -> Floats:
    """Spectral density of the disturbing acceleration, m²/s³: (k, 3, 3). The climb's is that of its slow relaxation."""
    along = up[:, :, None] * up[:, None, :]
    climb = 2.0 * parameters[:, CLIMB_SIGMA] ** 2 / parameters[:, CLIMB_TIME]
    return parameters[:, DENSITY, None, None] * (np.eye(3) - along) + climb[:, None, None] * along


def _turned(covariance: Floats, axes: Floats) -> Floats:
    """(k, 6, 6) of east, north, up there, into plane axes."""
    out = np.empty_like(covariance)
    for i in (0, 3):
        for j in (0, 3):
            block = covariance[:, i : i + 3, j : j + 3]
            half = (axes[:, :, :, None] * block[:, :, None, :]).sum(axis=1)
            out[:, i : i + 3, j : j + 3] = (half[:, :, :, None] * axes[:, None, :, :]).sum(axis=2)
    return out


def _normalised(
    looks: Looks, seen: Sighted, used: Ints, state: Floats, covariance: Floats, plane: Plane
) -> tuple[Floats, Ints]:
    codes, n = looks.codes, len(used)
    innovation, gradient = np.zeros((n, len(codes))), np.zeros((n, len(codes), 6))
    measured = np.array(
        [looks.frames[k].values[row] for k, row in zip(seen.look[used].tolist(), seen.row[used].tolist(), strict=True)]
    ).reshape(n, len(codes))
    for rows, placement in by_placement(looks, seen.look[used]):
        for k, code in enumerate(codes):
            value, gradient[rows, k] = measure(code, placement, plane, state[rows])
            innovation[rows, k] = measured[rows, k] - value
    angles = [k for k, code in enumerate(codes) if code in (AZIMUTH, ELEVATION)]
    innovation[:, angles] = wrapped(innovation[:, angles])
    reached = np.stack([(gradient[:, k, None, :] * covariance).sum(axis=2) for k in range(len(codes))], axis=1)
    spread = np.stack([(reached[:, k, None, :] * gradient).sum(axis=2) for k in range(len(codes))], axis=1)
    diagonal = np.arange(len(codes))
    spread[:, diagonal, diagonal] += seen.sigma[used] ** 2
    squared = np.full(n, np.nan)
    there = ~np.isnan(innovation)
    for pattern in np.unique(there, axis=0):
        rows = np.flatnonzero((there == pattern).all(axis=1))
        parts = np.flatnonzero(pattern)
        squared[rows] = normalised_squared(innovation[rows][:, parts], spread[rows][:, parts][:, :, parts])
    return squared, there.sum(axis=1)
