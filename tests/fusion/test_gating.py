"""The gating grid finds every pair that looking at all pairs finds."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import PLANE, START_NS, radar

from fusion.config import TrackerConfig
from fusion.kernels.candidates import candidates
from fusion.kernels.reach import moments
from fusion.tracking.motion import Motions
from fusion.tracking.sensors import box, measure, place
from fusion.types import AZIMUTH, COMPONENTS, SECOND_NS

MOTIONS = Motions.of(TrackerConfig())
EARTH = np.ascontiguousarray(np.vstack([PLANE.centre[None], PLANE.axes]))
GATE = 5.0


def world(seed, tracks, detections, measures):
    """Random tracks, and detections of which half lie near one of them."""
    rng = np.random.default_rng(seed)
    sensor = radar()
    placement = place(sensor.pose, PLANE)
    codes = np.array([COMPONENTS.index(name) for name in measures], np.int64)
    m = len(MOTIONS.names)
    mean = np.repeat(rng.normal(0, [20e3, 20e3, 2e3, 150, 150, 5], (tracks, 6))[:, None], m, axis=1)
    root = rng.normal(0, 1, (tracks, m, 6, 6)) * np.array([100, 100, 100, 10, 10, 3])[:, None]
    covariance = np.ascontiguousarray(root @ root.transpose(0, 1, 3, 2) + np.eye(6))
    weight = rng.dirichlet(np.ones(m), tracks)
    time_ns = START_NS - rng.integers(0, 6 * SECOND_NS, tracks)
    sigmas = np.tile([{0: 30.0, 1: 0.01, 2: 0.01}[code] for code in codes], (detections, 1))
    owner = rng.integers(0, max(tracks, 1), detections)
    state = mean[owner, 0] if tracks else np.ones((detections, 6)) * 9e3
    values = np.stack([measure(int(code), placement, PLANE, state)[0] for code in codes], axis=1)
    values += rng.normal(0, 3, values.shape) * sigmas
    half = rng.random(detections) < 0.5
    values[half, 0] = rng.uniform(
        -math.pi if codes[0] == AZIMUTH else 0.0, math.pi if codes[0] == AZIMUTH else 60e3, half.sum()
    )
    values[rng.random(values.shape) < 0.05] = np.nan
    detected_ns = START_NS - rng.integers(0, 4 * SECOND_NS, detections)
    return (
        placement,
        codes,
        sigmas,
        values,
        detected_ns,
        (time_ns, weight, mean, covariance),
        box(sensor.coverage, None),
    )


def every_pair(placement, codes, sigmas, values, detected_ns, tracks):
    """Tracks × detections, one by one: standardised residual of each component within the gate."""
    time_ns, weight, mean, covariance = tracks
    found = set()
    centre, spread = np.empty(6), np.empty((6, 6))
    density, lateral = MOTIONS.parameters[:, 0].max(), np.abs(MOTIONS.parameters[:, 1]).max()
    for i in range(len(time_ns)):
        moments(weight, mean, covariance, i, centre, spread)
        spread = np.triu(spread) + np.triu(spread, 1).T
        dt = (START_NS - time_ns[i]) * 1e-9
        F = np.eye(6)
        F[:3, 3:] = dt * np.eye(3)
        state, P = F @ centre, F @ spread @ F.T
        extra = density * dt**3 / 3.0 + (0.5 * lateral * dt * dt) ** 2
        for d in range(len(values)):
            inside = True
            for c, code in enumerate(codes):
                if math.isnan(values[d, c]):
                    continue
                expected, gradient = measure(int(code), placement, PLANE, state[None])
                g = gradient[0]
                offset = (detected_ns[d] - START_NS) * 1e-9
                residual = values[d, c] - expected[0] - float(g[:3] @ state[3:]) * offset
                if code in (1, 2):
                    residual = (residual + math.pi) % (2 * math.pi) - math.pi
                variance = g @ P @ g + extra * float(g[:3] @ g[:3]) + sigmas[d, c] ** 2
                inside = inside and residual**2 <= GATE**2 * variance * (1.0 - 1e-9)
            if inside:
                found.add((i, d))
    return found


@pytest.mark.parametrize(
    "measures",
    [
        ("azimuth_deg",),
        ("range_m",),
        ("elevation_deg",),
        ("range_m", "azimuth_deg"),
        ("azimuth_deg", "range_m", "elevation_deg"),
    ],
    ids="+".join,
)
@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), tracks=st.integers(0, 12), detections=st.integers(0, 40))
def test_the_grid_loses_no_pair_that_looking_at_all_pairs_finds(measures, seed, tracks, detections):
    placement, codes, sigmas, values, detected_ns, store, limits = world(seed, tracks, detections, measures)
    time_ns, weight, mean, covariance = store
    rows, reference_ns, places, pair_detection = candidates(
        codes, values, sigmas, detected_ns, START_NS, placement.position, placement.axes, EARTH, limits, time_ns,
        weight, mean, covariance, np.zeros((tracks, 10)), MOTIONS.parameters, GATE,
    )  # fmt: skip
    pair_track = rows[places]
    found = list(zip(pair_track.tolist(), pair_detection.tolist(), strict=True))
    assert len(found) == len(set(found)), "a pair stands twice"
    assert every_pair(placement, codes, sigmas, values, detected_ns, store) <= set(found)
    assert (np.diff(pair_track) >= 0).all()
    assert (np.diff(rows) > 0).all()
    assert set(reference_ns.tolist()) <= {START_NS, *detected_ns.tolist()}
