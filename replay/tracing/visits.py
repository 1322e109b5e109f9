"""When a track was inside the zones, by paths drawn from what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from fusion.airspace.volumes import Volume
from fusion.config import ZoneConfig
from fusion.geodesy import Plane
from fusion.types import SECOND_NS, Floats, Ints
from replay.tracing.drawn import Drawn

STEP_NS: Final = SECOND_NS // 2  # at which paths are looked at: crossings are then sought between two
HALVINGS: Final = 8  # of such a step: to 2 ms
LEAST: Final = 0.01  # visits that are less likely than this are not told
POINTS_AT_ONCE: Final = 400_000


@dataclass(frozen=True, slots=True)
class Crossing:
    """p10, p50, p90 of its time; where, in the middle: lat_deg, lon_deg, alt_m, and the sigma of its height, m."""

    time_ns: tuple[int, int, int]
    place: tuple[float, float, float]
    height_sigma_m: float


@dataclass(frozen=True, slots=True)
class Visit:
    """One stay in one zone. widened: in its margins as well, the volume that alerts are about; else in the zone itself.

    probability: of having been inside at all.  most: the largest probability at one instant.  entry None: it was inside
    when it was first seen; exit None: when it was last seen.  inside_s: expected time inside, s.
    heights_m: p10 and p90 of its height while inside.
    """

    zone: str
    widened: bool
    probability: float
    most: float
    entry: Crossing | None
    exit: Crossing | None
    inside_s: float
    heights_m: tuple[float, float]


def visits(drawn: Drawn, zones: Sequence[ZoneConfig], plane: Plane) -> tuple[Visit, ...]:
    """Every stay in every zone, in order of its beginning."""
    times = _grid(drawn.times_ns)
    found: list[tuple[int, Visit]] = []
    for zone in zones:
        bare = replace(zone, margin_m=0.0, margin_vertical_m=0.0)
        found += _of(drawn, times, bare, plane, widened=False)
        if zone.margin_m > 0.0 or zone.margin_vertical_m > 0.0:
            found += _of(drawn, times, zone, plane, widened=True)
    return tuple(visit for _, visit in sorted(found, key=lambda one: (one[0], one[1].zone, one[1].widened)))


def _grid(own: Ints) -> Ints:
    """Instants at most `STEP_NS` apart that include the ends."""
    count = int((own[-1] - own[0]) // STEP_NS) + 2
    return np.asarray(np.linspace(0, int(own[-1] - own[0]), count).astype(np.int64) + own[0])


def _of(drawn: Drawn, times: Ints, zone: ZoneConfig, plane: Plane, widened: bool) -> list[tuple[int, Visit]]:
    volume = Volume.of(zone, plane)
    inside, height = _inside(drawn, times, volume, plane)
    share = inside.mean(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], share > 0.0, [False]]).astype(np.int8)))
    found = []
    for begin, end in edges.reshape(-1, 2).tolist():
        part, levels = inside[:, begin:end], height[:, begin:end]
        rows = np.flatnonzero(part.any(axis=1))
        if len(rows) < LEAST * len(inside):
            continue
        first = begin + part[rows].argmax(axis=1)
        last = end - 1 - part[rows][:, ::-1].argmax(axis=1)
        entry = _crossing(drawn, times, volume, plane, rows, first, -1)
        leave = _crossing(drawn, times, volume, plane, rows, last, 1)
        step_s = float(times[1] - times[0]) / SECOND_NS
        low, high = (float(q) for q in np.quantile(levels[part], (0.1, 0.9)))
        found.append((int(times[begin]), Visit(
            zone.id, widened, len(rows) / len(inside), float(share[begin:end].max()), entry, leave,
            float(part.sum(axis=1).mean()) * step_s, (low, high),
        )))  # fmt: skip
    return found


def _inside(drawn: Drawn, times: Ints, volume: Volume, plane: Plane) -> tuple[NDArray[np.bool_], Floats]:
    """Whether each path is in the volume at each instant, (s, t), and its height where it may be."""
    count = len(drawn.state)
    inside, height = np.zeros((count, len(times)), bool), np.zeros((count, len(times)))
    width = max(POINTS_AT_ONCE // count, 1)
    for begin in range(0, len(times), width):
        place = drawn.at(times[begin : begin + width])
        off = place - volume.centre
        near = (off * off).sum(axis=2) <= volume.reach_m**2
        if near.any():
            held, level = _held(place[near], volume, plane)
            inside[:, begin : begin + width][near] = held
            height[:, begin : begin + width][near] = level
    return inside, height


def _held(place: Floats, volume: Volume, plane: Plane) -> tuple[NDArray[np.bool_], Floats]:
    """Whether points (n, 3) of the plane are in the volume, and their heights."""
    lat, lon, alt = plane.to_geodetic(place)
    spot = volume.on_map(lat, lon)
    return volume.inside(spot[:, 0], spot[:, 1], alt), alt


def _crossing(
    drawn: Drawn, times: Ints, volume: Volume, plane: Plane, rows: Ints, at: Ints, side: int
) -> Crossing | None:
    """Where the paths `rows`, inside at the instants `at`, come in (side -1) or go out (1).

    None where most of them are inside at the end of what was seen.
    """
    there = (at > 0) if side < 0 else (at < len(times) - 1)
    if there.sum() * 2 < len(rows):
        return None
    rows, at = rows[there], at[there]
    within, beyond = times[at].copy(), times[at + side].copy()
    for _ in range(HALVINGS):
        middle = (within + beyond) // 2
        held, _ = _held(drawn.points(rows, middle), volume, plane)
        within, beyond = np.where(held, middle, within), np.where(held, beyond, middle)
    place = drawn.points(rows, within)
    lat, lon, alt = plane.to_geodetic(np.median(place, axis=0)[None])
    low, middle_ns, high = (int(q) for q in np.quantile(within, (0.1, 0.5, 0.9), method="nearest"))
    sigma = float(plane.to_geodetic(place)[2].std())
    return Crossing((low, middle_ns, high), (float(lat[0]), float(lon[0]), float(alt[0])), sigma)
