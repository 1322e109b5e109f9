"""What scoring costs by its parts, and beside Stone Soup's OSPA and GOSPA on the same sets.

1000 aircraft fly 100 s in 400 × 400 km; their tracks have errors, ends, other ids and false ones. All figures are made.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from fusion.geodesy import Plane
from fusion.types import SECOND_NS, Floats, Picture, Place, Truth
from replay.scoring.accuracy import accuracy
from replay.scoring.compared import Compared, compare
from replay.scoring.gospa import gospa
from replay.scoring.held import assign
from replay.scoring.identities import changes, identity, object_scores
from replay.scoring.instants import choose
from replay.scoring.matching import match, track_points
from replay.scoring.ospa import ospa2_of
from replay.scoring.report import as_dict
from replay.scoring.results import ScoreOptions
from replay.scoring.run import latest
from replay.scoring.score import score
from replay.scoring.siap import assigned, siap
from replay.scoring.truths import at_instants, collect

AIRCRAFT, SECONDS = 1000, 100
SMOKE_AIRCRAFT, SMOKE_SECONDS = 50, 20
SIDE_M, SPEED_MPS, SIGMA_M = 400_000.0, 200.0, 30.0
NEW_ID_SHARE, FALSE_SHARE, MISS_SHARE = 0.1, 0.05, 0.02
SLICE_INSTANTS, SLICE_AIRCRAFT = 3, 250  # Stone Soup measures each pair in Python: of 1000 aircraft 15 s an instant
CUTOFF_M = 100.0
START_NS = 1_700_000_000 * SECOND_NS


def run(*, smoke: bool) -> None:
    aircraft, seconds = (SMOKE_AIRCRAFT, SMOKE_SECONDS) if smoke else (AIRCRAFT, SECONDS)
    truth, pictures, sets = recording(aircraft, seconds)
    points = sum(len(picture.id) for picture in pictures)
    score(pictures[:2], truth[:2])  # imports what it needs
    begun = time.perf_counter()
    found = score(pictures, truth, ScoreOptions(c_m=CUTOFF_M))
    took = time.perf_counter() - begun
    begun = time.perf_counter()
    as_dict(found, over_time=True)
    told = time.perf_counter() - begun
    print(
        f"   {points:,} track points of {aircraft} aircraft over {seconds} s: {took:.2f} s whole, {told:.2f} s as JSON"
    )
    assert found.trajectory is not None
    print(
        f"   {found.switches} switches; trajectory GOSPA {found.trajectory.total_m:.1f} m ({found.trajectory.method})"
    )
    for name, spent in parts(pictures, truth):
        print(f"      {name:34s} {spent:6.2f} s")
    beside([(one[:SLICE_AIRCRAFT], other[:SLICE_AIRCRAFT]) for one, other in sets[:SLICE_INSTANTS]])


def recording(aircraft: int, seconds: int) -> tuple[list[Truth], list[Picture], list[tuple[Floats, Floats]]]:
    """Truth and pictures at each second, and the same as plane sets (estimates, truths), (n, 2) m each."""
    rng = np.random.default_rng(5)
    plane = Plane(Place(47.5, 19.0, 0.0))
    start, way = rng.uniform(-SIDE_M / 2, SIDE_M / 2, (aircraft, 2)), rng.uniform(-np.pi, np.pi, aircraft)
    velocity = SPEED_MPS * np.column_stack([np.sin(way), np.cos(way)])
    height = rng.uniform(1000.0, 11_000.0, aircraft)
    change = np.where(rng.random(aircraft) < NEW_ID_SHARE, rng.integers(1, seconds, aircraft), seconds)
    ghosts = rng.uniform(-SIDE_M / 2, SIDE_M / 2, (int(FALSE_SHARE * aircraft), 2))
    names = tuple(str(k) for k in range(aircraft))
    truths, pictures, sets = [], [], []
    for second in range(seconds):
        place = start + velocity * second
        columns = _columns(plane, place, height, velocity)
        time_ns = START_NS + second * SECOND_NS
        truths.append(Truth(time_ns, names, *columns, np.zeros(aircraft, dtype=bool)))
        seen = rng.random(aircraft) > MISS_SHARE
        estimates = np.concatenate([place[seen] + rng.normal(0.0, SIGMA_M, (seen.sum(), 2)), ghosts])
        ids = np.concatenate([(np.arange(aircraft) + aircraft * (second >= change))[seen], -1 - np.arange(len(ghosts))])
        heights = np.concatenate([height[seen], np.full(len(ghosts), 3000.0)])
        speeds = np.concatenate([velocity[seen] + rng.normal(0.0, 2.0, (seen.sum(), 2)), np.zeros_like(ghosts)])
        pictures.append(_picture(time_ns, ids + len(ghosts), _columns(plane, estimates, heights, speeds)))
        sets.append((estimates, place))
    return truths, pictures, sets


def _columns(plane: Plane, place: Floats, height: Floats, velocity: Floats) -> tuple[Floats, ...]:
    lat, lon, _ = plane.to_geodetic(np.column_stack([place, np.zeros(len(place))]))
    return lat, lon, height, velocity[:, 0], velocity[:, 1], np.zeros(len(place))


def _picture(time_ns: int, ids: Any, columns: tuple[Floats, ...]) -> Picture:
    n = len(ids)
    triangle = np.diag([SIGMA_M**2] * 3 + [4.0] * 3)[np.triu_indices(6)]
    whole = np.full(n, time_ns)
    return Picture(
        time_ns, ids, ("confirmed",) * n, np.ones(n), *columns, np.tile(triangle, (n, 1)), ("cruise",) * n, np.ones(n),
        whole, whole, np.ones(n, dtype=np.int64), ((),) * n, (None,) * n, (None,) * n, (None,) * n,
    )  # fmt: skip


def parts(pictures: list[Picture], truth: list[Truth]) -> list[tuple[str, float]]:
    """Seconds of each part, in the order in which a score makes them."""
    options, spent = ScoreOptions(c_m=CUTOFF_M), []

    def timed(name: str, make: Callable[[], Any]) -> Any:
        begun = time.perf_counter()
        made = make()
        spent.append((name, time.perf_counter() - begun))
        return made

    told = latest(pictures)
    objects = timed("truth by object", lambda: collect(truth))
    instants = choose(np.array([p.time_ns for p in told], dtype=np.int64), None, 0.0)
    points = timed("track points", lambda: track_points(told, instants))
    present = timed("truth at the instants", lambda: at_instants(objects, instants.times_ns, options.max_gap_s))
    n = len(instants.times_ns)
    matches = timed("GOSPA", lambda: match(points, present, n, options.c_m, options.dims))
    held, _, _ = timed("trajectory GOSPA", lambda: assign(points, present, matches, n, options))
    compared: Compared = compare(told, objects, options)
    timed("OSPA", lambda: compared.ospa(1))
    timed("OSPA(2) over 10 s", lambda: compared.ospa(10))
    pairs = assigned(points, present, matches, held, options.dims)
    timed("SIAP", lambda: siap(points, present, matches, pairs, instants.times_ns))
    found = changes(held, present)
    each = timed("objects", lambda: object_scores(objects, instants.times_ns, points, present, matches, held, found))
    timed("identity", lambda: identity(held, found, each))
    timed("accuracy", lambda: accuracy(held, points, present, options.dims))
    timed("NEES, of position and state", lambda: (compared.nees(), compared.nees_state()))
    return spent


def beside(sets: list[tuple[Floats, Floats]]) -> None:
    """The peer's OSPA and GOSPA on some sets, how many times as fast ours are, and how far apart."""
    try:
        from stonesoup.metricgenerator.ospametric import GOSPAMetric, OSPAMetric
        from stonesoup.types.state import State
    except ImportError:
        print("   Stone Soup is not installed here: nothing to compare with")
        return
    now = datetime.datetime(2024, 1, 1)
    states = [[[State(point, now) for point in part] for part in pair] for pair in sets]
    begun = time.perf_counter()
    peer = GOSPAMetric(c=CUTOFF_M, p=2)
    theirs = [peer.compute_gospa_metric(*pair)[0].value["distance"] for pair in states]
    spent = [time.perf_counter() - begun]
    begun = time.perf_counter()
    ours = [gospa(*pair, CUTOFF_M).total for pair in sets]
    spent.append(time.perf_counter() - begun)
    _tell("GOSPA", len(sets), spent, theirs, ours)
    begun = time.perf_counter()
    other = OSPAMetric(c=CUTOFF_M, p=1)
    theirs = [other.compute_OSPA_distance(*pair).value for pair in states]
    spent = [time.perf_counter() - begun]
    begun = time.perf_counter()
    ours = [float(ospa2_of(pair[0][:, None], pair[1][:, None], CUTOFF_M, 1)[0]) for pair in sets]
    spent.append(time.perf_counter() - begun)
    _tell("OSPA", len(sets), spent, theirs, ours)


def _tell(name: str, many: int, spent: list[float], theirs: list[float], ours: list[float]) -> None:
    apart = max(abs(a - b) / max(abs(a), 1e-12) for a, b in zip(theirs, ours, strict=True))
    ratio = spent[0] / spent[1]
    print(
        f"   {name} of {many} sets of {SLICE_AIRCRAFT} at most: Stone Soup {spent[0]:.2f} s, "
        f"ours {spent[1]:.3f} s, {ratio:.0f} times as fast; apart by {apart:.1e} (relative)"
    )
