"""A track has diverted when two detections in a row find it outside the corridor predicted a minute before."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from fusion.config import TrackerConfig
from fusion.geodesy import Plane
from fusion.prediction.conduct import Conduct
from fusion.prediction.diversion import CORRIDOR, GATE, Diversions
from fusion.tracking.motion import CLIMB_SIGMA, CLIMB_TIME, Motions
from fusion.types import CONFIRMED, SECOND_NS, Outlook, Place

PLANE = Plane(Place(47.5, 19.0, 0.0))
MOTIONS = Motions.of(TrackerConfig())
START_NS = 1_700_000_000 * SECOND_NS
CALM = np.array([0.9, 0.04, 0.03, 0.03])


def look(
    time_s: float, places: NDArray[np.float64], weight: NDArray[np.float64] = CALM, period_s: float = 1.0
) -> Outlook:
    """Tracks of states (n, 6), detected each `period_s`."""
    n = len(places)
    seen_ns = START_NS + round(time_s // period_s * period_s * SECOND_NS)
    return Outlook(
        time_ns=START_NS + round(time_s * SECOND_NS),
        motions=MOTIONS.names,
        id=np.arange(n)[::-1] + 5,
        status=np.full(n, CONFIRMED),
        existence=np.ones(n),
        weight=np.tile(weight, (n, 1)),
        mean=np.tile(places[:, None, :], (1, 4, 1)),
        covariance=np.tile(np.diag([400.0, 400.0, 400.0, 4.0, 4.0, 1.0]), (n, 4, 1, 1)),
        updated_ns=np.full(n, seen_ns),
        created_ns=np.full(n, START_NS),
        hits=np.full(n, 9),
        sensors=(("north",),) * n,
        identity=(None,) * n,
    )


def flight(time_s: float, turns_s: float = 1e9, rate: float = 0.05) -> list[float]:
    """East at 100 m/s, then left at `rate` rad/s."""
    if time_s <= turns_s:
        return [100.0 * time_s, 0.0, 3000.0, 100.0, 0.0, 0.0]
    angle, radius = rate * (time_s - turns_s), 100.0 / rate
    return [
        100.0 * turns_s + radius * math.sin(angle), radius * (1.0 - math.cos(angle)), 3000.0,
        100.0 * math.cos(angle), 100.0 * math.sin(angle), 0.0,
    ]  # fmt: skip


def test_a_turn_is_a_diversion_from_the_first_of_two_detections_outside_and_straight_flight_is_none() -> None:
    diversions = Diversions(MOTIONS, PLANE, 60.0)
    found = {}
    for second in range(300):
        diversions.follow(look(second, np.array([flight(second, 120.0), flight(second)]), period_s=4.0))
        for track, when in zip((6, 5), diversions.times(np.array([6, 5])), strict=True):
            if when is not None:
                found.setdefault(track, (second, (when - START_NS) / SECOND_NS))
    ((track, (said_s, since_s)),) = found.items()
    assert track == 6
    assert said_s - since_s == 4.0, "the next detection confirms it"
    assert 120.0 < since_s < 150.0
    assert diversions.times(np.array([99]))[0] is None


def test_one_detection_outside_is_none_and_an_old_diversion_stays_told() -> None:
    diversions = Diversions(MOTIONS, PLANE, 60.0)
    for second in range(200):
        state = flight(second)
        state[1] += 3000.0 if second == 102 else 0.0
        diversions.follow(look(second, np.array([state])))
    assert diversions.times(np.array([5])) == (None,)
    twin = diversions.copy()
    for second in range(200, 204):
        state = flight(second)
        state[1] += 3000.0 if second > 200 else 0.0
        twin.follow(look(second, np.array([state])))
    assert twin.times(np.array([5])) == (START_NS + 201 * SECOND_NS,)
    assert diversions.times(np.array([5])) == (None,), "a copy goes its own way"
    for second in range(204, 300):
        twin.follow(look(second, np.array([flight(second)])))
    assert twin.times(np.array([5])) == (START_NS + 201 * SECOND_NS,)


def test_the_normalised_distance_is_that_of_plain_matrices() -> None:
    """Oracle: F, P and Q written out with numpy's linear algebra."""
    from fusion.kernels.diversion import departure

    source = np.random.default_rng(1)
    for _ in range(20):
        mean = source.normal(size=6) * [1e4, 1e4, 1e3, 80.0, 80.0, 5.0]
        root = source.normal(size=(6, 6))
        spread, up = root @ root.T * 50.0, np.array([0.02, -0.01, 1.0])
        up /= np.linalg.norm(up)
        dt, density = 60.0, 3.0
        climb_sigma, climb_time = MOTIONS.parameters[0, CLIMB_SIGMA], MOTIONS.parameters[0, CLIMB_TIME]
        along, flat = np.outer(up, up), np.eye(3) - np.outer(up, up)
        decay = math.exp(-dt / climb_time)
        slide = dt * flat + climb_time * (1.0 - decay) * along
        x = dt / climb_time
        rise = climb_sigma**2 * climb_time**2 * (2 * x - 3 + 4 * decay - decay**2)
        total = spread[:3, :3] + slide @ spread[3:, :3] + spread[:3, 3:] @ slide.T + slide @ spread[3:, 3:] @ slide.T
        total += density * dt**3 / 3.0 * flat + rise * along
        present = np.diag([400.0, 300.0, 200.0, 1.0, 1.0, 1.0])
        drop = np.sum((flat @ mean[3:]) ** 2) * dt**2 / (2.0 * 6_378_137.0)
        expected = mean[:3] + slide @ mean[3:] - drop * up
        place = expected + source.normal(size=3) * 500.0
        off = place - expected
        square = np.empty(1)
        departure(
            mean[None], spread[None], up[None], np.array([density]), place[None], present[None], climb_sigma,
            climb_time, 6_378_137.0, dt, square,
        )  # fmt: skip
        assert square[0] == pytest.approx(off @ np.linalg.solve(total + present[:3, :3], off), rel=1e-9)


def test_the_gate_is_that_of_the_corridor() -> None:
    from scipy.stats import chi2

    assert chi2.ppf(CORRIDOR, 3) == pytest.approx(GATE, abs=1e-3)


def test_a_manoeuvre_is_remembered_with_its_time_and_size() -> None:
    """Cruising east, a left turn by 90° between 20 and 52 s, then north."""
    conduct, turning = Conduct(MOTIONS), np.array([0.1, 0.1, 0.75, 0.05])
    for second in range(20):
        conduct.follow(look(second, np.array([flight(second, 20.0)])))
        assert conduct.last(5) is None
    for second in range(20, 52):
        conduct.follow(look(second, np.array([flight(second, 20.0)]), turning))
    going = conduct.last(5)
    assert going is not None
    assert (going.began_ns, going.ended_ns) == (START_NS + 20 * SECOND_NS, None)
    end = flight(20.0 + math.pi / 2 / 0.05, 20.0)
    for second in range(52, 60):
        conduct.follow(look(second, np.array([end])))
    last = conduct.last(5)
    assert last is not None
    assert last.ended_ns == START_NS + 52 * SECOND_NS
    assert abs(math.degrees(last.turn_rad) + 90.0) < 3.0
    assert (last.mode, last.probability) == ("turn_left", 0.75)
    assert max(abs(each - 100.0) for each in last.speeds_mps) < 1e-6
    assert conduct.last(77) is None
