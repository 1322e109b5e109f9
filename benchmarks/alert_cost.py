"""What alerting costs: µs a track and evaluation, ms for a pair near a zone, growth with zones and vertices.

Traffic: airliners, most of them level at height, the rest climbing and descending, spread over a region in which zones
from the ground up, some of them in the airways, lie about. The reference is brute force: every track compared with
every zone, and paths of fine steps whose points are asked of shapely. Times are those of the thread.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fusion.airspace.airspace import Airspace
from fusion.airspace.volumes import Volume, destination
from fusion.alerting.alerting import AlertMachine
from fusion.config import TrackerConfig, ZoneConfig
from fusion.geodesy import Plane
from fusion.prediction import paths, regimes
from fusion.prediction.reaches import Reaches
from fusion.tracking.motion import Motions
from fusion.types import CONFIRMED, SECOND_NS, Floats, Outlook, Place

PICTURE = Path("docs/pictures/alert-cost.png")
PLANE = Plane(Place(49.0, 15.0, 300.0))
MOTIONS = Motions.of(TrackerConfig())
REGION_M = 500_000.0  # radius
ZONE_M = (2_000.0, 12_000.0)
EVALUATIONS = 5  # a second apart; the first meets every zone for the first time and is not counted
BRUTE_STEP_S = 0.25


def run(*, smoke: bool) -> None:
    tracks = 200 if smoke else 1000
    zone_counts = (10, 100) if smoke else (10, 100, 1000, 10_000)
    vertex_counts = (10, 50) if smoke else (10, 50, 200, 1000, 2000)
    paths.leading(paths.ANSWER), paths.normals()
    by_zones = [_evaluations(tracks, count, 50) for count in zone_counts]
    for count, (each, near, found) in zip(zone_counts, by_zones, strict=True):
        print(
            f"   {count:6d} zones of 50 vertices: {each:7.1f} µs a track and evaluation, "
            f"{near} of {tracks} near ({found})"
        )
    by_vertices = [_pair(count) for count in vertex_counts]
    for count, (own, brute, apart) in zip(vertex_counts, by_vertices, strict=True):
        print(f"   {count:6d} vertices: {own:6.2f} ms a near pair, brute force {brute:7.1f} ms, "
              f"{brute / own:5.1f} times; "
              f"probabilities apart by at most {apart:.4f}")  # fmt: skip
    for count in zone_counts:
        own, brute, same = _index(tracks, count)
        print(f"   {count:6d} zones: who is near whom {own:7.1f} µs a track, every pair compared {brute:8.1f} µs; "
              f"{'the same pairs' if same else 'OTHER PAIRS'}")  # fmt: skip
    if not smoke:
        _draw(zone_counts, [each for each, _, _ in by_zones], vertex_counts, [own for own, _, _ in by_vertices])


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.thread_time()
    found = work()
    return time.thread_time() - begun, found


def _evaluations(tracks: int, zones: int, vertices: int) -> tuple[float, int, str]:
    """Median µs a track of `AlertMachine.evaluate`; how many tracks have a forecast at the end; what is open."""
    airspace = Airspace(scattered(zones, vertices), PLANE)
    machine, state, seconds = AlertMachine(airspace, MOTIONS, PLANE), traffic(tracks), []
    for k in range(EVALUATIONS + 1):
        outlook = look(k, state)
        took, said = _timed(lambda outlook=outlook: machine.evaluate(outlook))  # type: ignore[misc]
        seconds.append(took)
    near = {watch[0] for watch in machine.watches}
    levels = sorted({each.level for each in said})
    return (
        1e6 * sorted(seconds[1:])[EVALUATIONS // 2] / tracks,
        len(near),
        f"{len(said)} open: {', '.join(levels) or 'none'}",
    )


def _pair(vertices: int) -> tuple[float, float, float]:
    """ms of one entry and nearest approach, of brute force, and how far their probabilities are apart at most."""
    own, brute, apart = [], [], 0.0
    rng = np.random.default_rng(5)
    for _ in range(6):
        speed, away = float(rng.uniform(80.0, 250.0)), float(rng.uniform(40.0, 120.0))
        state = np.zeros((1, 6))
        state[0, 2:4] = 2000.0, speed
        (lat,), (lon,) = destination(49.0, 15.0, np.array([90.0 + rng.normal() * 8.0]), speed * away)
        zone = _zone("z", float(lat), float(lon), 6000.0, vertices, (0.0, 3000.0), rng)
        volume, outlook = Volume.of(zone, PLANE), look(0, state)
        spans = ((0.0, zone.lookahead_s),)
        up = PLANE.up_at(state[0, :3])
        modes = regimes.split(MOTIONS, up, outlook.weight[0], outlook.mean[0], outlook.covariance[0])
        ahead = regimes.ahead(MOTIONS)

        def answer(volume: Volume = volume, modes: Any = modes, spans: Any = spans, ahead: Motions = ahead) -> float:
            fan = paths.fan(ahead, PLANE, *modes, 180.0)
            found = paths.entry(fan, volume, spans)
            paths.nearest(fan, volume, found.times_s)
            return found.probability

        answer()
        took = [_timed(answer) for _ in range(3)]
        own.append(min(each for each, _ in took))
        slow, expected = _timed(lambda v=volume, m=modes, a=ahead: _brute(a, m, v))  # type: ignore[misc]
        brute.append(slow)
        apart = max(apart, abs(took[0][1] - expected))
    return 1e3 * float(np.mean(own)), 1e3 * float(np.mean(brute)), apart


def _brute(motions: Motions, modes: tuple[Floats, Floats, Floats], volume: Volume) -> float:
    """Independent paths of fine steps, every point asked of shapely."""
    import shapely

    weight, mean, covariance = modes
    rng, count, steps = np.random.default_rng(3), 10_000, round(180.0 / BRUTE_STEP_S)
    mode = rng.choice(len(weight), count, p=weight / weight.sum())
    state = mean[mode] + (np.linalg.cholesky(covariance)[mode] @ rng.normal(size=(count, 6, 1)))[..., 0]
    density, lateral, sigma, relax = (motions.parameters[:, i] for i in range(4))
    shapely.prepare(volume.shape)
    entered, dt = np.zeros(count, dtype=bool), BRUTE_STEP_S
    for step in range(steps + 1):
        if step % 4 == 0:
            lat, lon, _ = PLANE.to_geodetic(state[:, :3] * [1.0, 1.0, 0.0])
            point = volume.on_map(lat, lon)
            level = (state[:, 2] >= volume.floor_m) & (state[:, 2] <= volume.ceiling_m)
            entered |= level & shapely.contains_xy(volume.shape, point[:, 0], point[:, 1])
        jumps = rng.random(count) < 1.0 - math.exp(-motions.rate_per_s * dt)
        mode = np.where(jumps, rng.choice(len(weight), count, p=motions.prior), mode)
        rate = lateral[mode] / np.maximum(np.hypot(state[:, 3], state[:, 4]), 10.0)
        cos, sin = np.cos(rate * dt), np.sin(rate * dt)
        before = state[:, 3:].copy()
        state[:, 3], state[:, 4] = cos * before[:, 0] - sin * before[:, 1], sin * before[:, 0] + cos * before[:, 1]
        state[:, 3:5] += np.sqrt(density[mode] * dt)[:, None] * rng.normal(size=(count, 2))
        calm = np.exp(-dt / relax[mode])
        state[:, 5] = calm * state[:, 5] + sigma[mode] * np.sqrt(1.0 - calm**2) * rng.normal(size=count)
        state[:, :3] += dt * (before + state[:, 3:]) / 2.0
    return float(entered.mean())


def _index(tracks: int, zones: int) -> tuple[float, float, bool]:
    """µs a track of the index and of brute force over every pair, and whether they find the same."""
    airspace, outlook = Airspace(scattered(zones, 8), PLANE), look(0, traffic(tracks))
    centres = (outlook.weight[..., None] * outlook.mean[..., :3]).sum(axis=1)
    heights, up = PLANE.to_geodetic(centres)[2], PLANE.up_at(centres)
    reach = Reaches.of(MOTIONS, up, outlook.weight, outlook.mean, outlook.covariance)
    index = airspace.nearby
    index.near(centres, heights, reach)
    own, (rows, found) = _timed(lambda: index.near(centres, heights, reach))

    def brute() -> list[tuple[int, int]]:
        pairs = []
        for row in range(tracks):
            each = np.full(zones, row)
            apart = np.sqrt(((centres[row] - index.centres) ** 2).sum(axis=1))
            high = reach.high(each, index.ahead)
            close = apart <= reach.far(each, index.ahead) + index.radii
            close &= (heights[row] - high <= index.ceilings) & (heights[row] + high >= index.floors)
            pairs += [(row, int(i)) for i in np.flatnonzero(close)]
        return pairs

    slow, expected = _timed(brute)
    same = expected == list(zip(rows.tolist(), found.tolist(), strict=True))
    return 1e6 * own / tracks, 1e6 * slow / tracks, same


def traffic(count: int) -> Floats:
    """(count, 6) airliners: 7 of 10 level between 9 and 12 km, the others lower and slower, climbing or descending."""
    rng = np.random.default_rng(1)
    away, bearing = REGION_M * np.sqrt(rng.random(count)), rng.uniform(0.0, 2.0 * math.pi, count)
    level, heading = rng.random(count) < 0.7, rng.uniform(0.0, 2.0 * math.pi, count)
    height = np.where(level, rng.uniform(9000.0, 12_000.0, count), rng.uniform(500.0, 9000.0, count))
    speed = np.where(level, rng.uniform(210.0, 250.0, count), 80.0 + 0.015 * height)
    climb = np.where(level, 0.0, rng.choice([-8.0, 0.0, 10.0], count))
    x, y = away * np.sin(bearing), away * np.cos(bearing)
    up = height - (x * x + y * y) / (2.0 * 6.38e6)
    return np.stack([x, y, up, speed * np.sin(heading), speed * np.cos(heading), climb], axis=1)


def scattered(count: int, vertices: int) -> list[ZoneConfig]:
    """Zones over the region: 8 of 10 from the ground to between 500 m and 2500 m, the others in the airways."""
    rng = np.random.default_rng(2)
    zones = []
    for i in range(count):
        (lat,), (lon,) = destination(
            49.0, 15.0, np.array([rng.uniform(0.0, 360.0)]), REGION_M * math.sqrt(rng.random())
        )
        low = rng.random() < 0.8
        band = (0.0, float(rng.uniform(500.0, 2500.0))) if low else (float(rng.uniform(2500.0, 6000.0)), 7500.0)
        zones.append(_zone(f"z{i}", float(lat), float(lon), float(rng.uniform(*ZONE_M)), vertices, band, rng))
    return zones


def _zone(
    name: str, lat: float, lon: float, radius: float, vertices: int, band: tuple[float, float], rng: np.random.Generator
) -> ZoneConfig:
    azimuth = np.arange(vertices) * 360.0 / vertices
    ring = []
    for each, away in zip(azimuth, radius * rng.uniform(0.7, 1.0, vertices), strict=True):
        (y,), (x,) = destination(lat, lon, np.array([each]), float(away))
        ring.append((float(x), float(y)))
    return ZoneConfig(name, *band, polygons=((tuple(ring),),), lookahead_s=180.0)


def look(second: int, state: Floats) -> Outlook:
    """The tracks as the tracker would know them, `second` s on."""
    count, modes = len(state), len(MOTIONS.names)
    moved = state.copy()
    moved[:, :3] += second * state[:, 3:]
    covariance = np.diag(np.array([60.0, 60.0, 60.0, 4.0, 4.0, 1.0]) ** 2)
    weight = np.full(modes, 0.02)
    weight[0] = 1.0 - 0.02 * (modes - 1)
    time_ns = (1_700_000_000 + second) * SECOND_NS
    return Outlook(
        time_ns=time_ns, motions=MOTIONS.names, id=np.arange(count), status=np.full(count, CONFIRMED),
        existence=np.full(count, 0.99), weight=np.tile(weight, (count, 1)), mean=np.tile(moved[:, None], (1, modes, 1)),
        covariance=np.tile(covariance, (count, modes, 1, 1)), updated_ns=np.full(count, time_ns),
        created_ns=np.zeros(count, dtype=np.int64), hits=np.full(count, 9), sensors=(("radar",),) * count,
        identity=(None,) * count,
    )  # fmt: skip


def _draw(zones: tuple[int, ...], per_track: list[float], vertices: tuple[int, ...], per_pair: list[float]) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10.0, 4.0), layout="constrained")
    for axes, x, y, label, limit in (
        (left, zones, per_track, "zones of 50 vertices", (60.0, "µs a track and evaluation")),
        (right, vertices, per_pair, "vertices of the zone", (2.0, "ms a pair near a zone")),
    ):
        axes.loglog(x, y, "o-")
        axes.axhline(limit[0], color="grey", linestyle="--", label=f"to reach: {limit[0]:g}")
        axes.set_xlabel(label)
        axes.set_ylabel(limit[1])
        axes.set_ylim(min(*y, limit[0]) / 3.0, max(*y, limit[0]) * 3.0)
        axes.grid(visible=True, alpha=0.3)
        axes.legend()
    figure.savefig(PICTURE, dpi=120)
    pyplot.close(figure)
    print(f"   drawn: {PICTURE}")
