"""Which tracks are one object seen through different biases: wide, and only where there is no doubt.

A sensor that is off by several sigma makes tracks of its own beside those of the others. Two tracks can be one
object if no sensor saw both in one sweep, and if place and velocity agree within what the biases may still be. A
group of tracks that can all be one object, and none of them anything else, is taken as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import chdtri

from fusion.registration.alignment import Sighting
from fusion.tracking.sensors import Placement, Station
from fusion.types import SECOND_NS, Floats, Ints

GATE = float(chdtri(3, 1e-3))  # place, and velocity, each in three dimensions
REACH = 6.0  # standard deviations along the worst axis; further apart nothing is computed
ONE_SWEEP = 0.5  # a sensor detects an object once a period: two detections nearer than this share of it are two objects
STEADY_S = 1.0  # velocities are compared less sharply than by what an object may do in this time


def groups(
    tracks: Sequence[int], sightings: Mapping[int, Sequence[Sighting]], state: Floats, spread: Floats,
    freedom: Floats, agility_mps2: float, stations: Sequence[Station],
) -> list[tuple[int, ...]]:  # fmt: skip
    """Places in `tracks` that are one object each; those in doubt are left out.

    state, spread: (n, 6), (n, 6, 6) of the tracks at one instant. freedom: (n, 6, 6) by how much the biases of its
    sensors may displace each.
    """
    n = len(tracks)
    total = spread + freedom
    total[:, np.arange(3, 6), np.arange(3, 6)] += (agility_mps2 * STEADY_S) ** 2
    reach = REACH * np.sqrt(total[:, np.arange(3), np.arange(3)].sum(axis=1))
    apart = np.sqrt(((state[:, None, :3] - state[None, :, :3]) ** 2).sum(axis=2))
    linked: list[set[int]] = [set() for _ in range(n)]
    for i, j in np.argwhere(apart <= reach[:, None] + reach[None, :]).tolist():
        if i < j and _agree(state[i] - state[j], total[i] + total[j]):
            if _seen_apart(sightings[tracks[i]], sightings[tracks[j]], stations):
                continue
            linked[i].add(j)
            linked[j].add(i)
    found = []
    for i in range(n):
        members = linked[i] | {i}
        if min(members) == i and all(linked[j] | {j} == members for j in members):
            found.append(tuple(sorted(members)))
    return found


def freedom_of(state: Floats, sensors: Sequence[tuple[Placement, Mapping[str, float]]]) -> Floats:
    """(6, 6): how biases of these sigmas displace an object at `state`; of several sensors the widest.

    sensors: each one's placement and sigmas by parameter, m, rad and s.
    """
    widest, most = np.zeros((6, 6)), -1.0
    velocity = state[3:]
    for placement, sigma in sensors:
        offset = state[:3] - placement.position
        slant = max(float(np.sqrt((offset**2).sum())), 1.0)
        radial, up = offset / slant, placement.axes[2]
        across = np.array([
            radial[1] * up[2] - radial[2] * up[1], radial[2] * up[0] - radial[0] * up[2],
            radial[0] * up[1] - radial[1] * up[0],
        ])  # fmt: skip
        level = float(np.sqrt((across**2).sum()))
        across = across / max(level, 1e-9)
        along = sigma.get("range_m", 0.0) ** 2 + (slant * sigma.get("range_gain", 0.0)) ** 2
        turn, tilt = sigma.get("azimuth_deg", 0.0), sigma.get("elevation_deg", 0.0)
        third = np.array([
            across[1] * radial[2] - across[2] * radial[1], across[2] * radial[0] - across[0] * radial[2],
            across[0] * radial[1] - across[1] * radial[0],
        ])  # fmt: skip
        matrix = np.zeros((6, 6))
        for axis, variance in ((radial, along), (across, (slant * level * turn) ** 2), (third, (slant * tilt) ** 2)):
            matrix[:3, :3] += variance * axis[:, None] * axis[None, :]
        matrix[:3, :3] += sigma.get("time_s", 0.0) ** 2 * velocity[:, None] * velocity[None, :]
        matrix[3:, 3:] += float((velocity**2).sum()) * (turn**2 + tilt**2) * np.eye(3)
        size = float(matrix[0, 0] + matrix[1, 1] + matrix[2, 2])
        if size > most:
            widest, most = matrix, size
    return widest


def _agree(difference: Floats, total: Floats) -> bool:
    return all(_distance(difference[part], total[part, part]) <= GATE for part in (slice(0, 3), slice(3, 6)))


def _distance(difference: Floats, total: Floats) -> float:
    """dᵀ S⁻¹ d, by the square-root-free Cholesky decomposition."""
    rest, matrix, distance = difference.copy(), total.copy(), 0.0
    for k in range(len(rest)):
        distance += float(rest[k]) ** 2 / float(matrix[k, k])
        for i in range(k + 1, len(rest)):
            share = matrix[i, k] / matrix[k, k]
            rest[i] -= share * rest[k]
            matrix[i] -= share * matrix[k]
    return distance


def _seen_apart(one: Sequence[Sighting], other: Sequence[Sighting], stations: Sequence[Station]) -> bool:
    """Whether one sensor detected both in one sweep."""
    for sensor in sorted({s.sensor for s in one} & {s.sensor for s in other}):
        sweep_ns = ONE_SWEEP * stations[sensor].config.period_s * SECOND_NS
        first: Ints = np.array([s.time_ns for s in one if s.sensor == sensor], np.int64)
        second: Ints = np.array([s.time_ns for s in other if s.sensor == sensor], np.int64)
        if (abs(first[:, None] - second[None, :]) < sweep_ns).any():
            return True
    return False
