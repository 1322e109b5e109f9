"""Small worlds for the tests of the core: sites, frames and targets, all from a seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fusion.config import AltitudePrior, SensorConfig, ServiceConfig, SiteConfig, TrackerConfig
from fusion.geodesy import Plane
from fusion.tracking.sensors import measure, place
from fusion.types import COMPONENTS, SECOND_NS, Coverage, Frame, Place, Pose

ORIGIN = Place(47.5, 19.0, 0.0)
PLANE = Plane(ORIGIN)
START_NS = 1_700_000_000 * SECOND_NS


def radar(name="north", lat_deg=47.5, lon_deg=19.0, **changes):
    """A 3-D radar whose whole coverage is swept once in 4 s."""
    config = SensorConfig(
        id=name,
        kind="radar",
        measures=("range_m", "azimuth_deg", "elevation_deg"),
        sigma={"range_m": 30.0, "azimuth_deg": 0.2, "elevation_deg": 0.3},
        coverage=Coverage(range_m=(500.0, 80_000.0), azimuth_deg=(0.0, 360.0), elevation_deg=(-2.0, 60.0)),
        pose=Pose(lat_deg, lon_deg, 200.0),
        detection_probability=0.9,
        false_alarms=5.0,
        period_s=4.0,
    )
    return replace(config, **changes)


def site(*sensors, zones=(), **tracker):
    settings = {"altitude_m": AltitudePrior(4000.0, 3000.0), **tracker}
    return SiteConfig(
        service=ServiceConfig(origin=ORIGIN),
        tracker=TrackerConfig(**settings),
        sensor=sensors or (radar(),),
        zones=zones,
    )


def frame(sensor, rows, *, at_s=0.0, seq=0, times_s=None, **more):
    """A frame from rows of component values in SI and radians, NaN where not measured."""
    values = np.array(rows, float).reshape(-1, len(sensor.measures))
    sigma = [np.radians(sensor.sigma[n]) if n.endswith("_deg") else sensor.sigma[n] for n in sensor.measures]
    time_ns = START_NS + round(at_s * SECOND_NS)
    times = np.full(len(values), time_ns) if times_s is None else START_NS + np.round(np.array(times_s) * 1e9)
    return Frame(
        source="test", sensor=sensor.id, seq=seq, epoch="e", time_ns=time_ns, values=values,
        sigmas=np.tile(np.array(sigma, float), (len(values), 1)), times_ns=times.astype(np.int64), **more,
    )  # fmt: skip


def seen(sensor, states, rng=None):
    """What `sensor` measures of (n, 6) states, with its noise where `rng` is given: (n, k)."""
    placement, columns = place(sensor.pose, PLANE), []
    for name in sensor.measures:
        value, _ = measure(COMPONENTS.index(name), placement, PLANE, states)
        sigma = np.radians(sensor.sigma[name]) if name.endswith("_deg") else sensor.sigma[name]
        columns.append(value + (0.0 if rng is None else rng.normal(0.0, sigma, len(value))))
    return np.stack(columns, axis=1)


def alarms(sensor, count, rng):
    """False alarms, uniform in the coverage: (count, k)."""
    columns = []
    for name in sensor.measures:
        low, high = getattr(sensor.coverage, name)
        value = rng.uniform(low, high, count)
        columns.append(np.radians(value) if name.endswith("_deg") else value)
    return np.stack(columns, axis=1)


def straight(state, t):
    """A (6,) state carried straight on for `t` seconds."""
    moved = np.array(state, float)
    moved[:3] += moved[3:] * t
    return moved


def flight(sensor, states, looks, seed, detection=0.9, false_alarms=5.0):
    """Frames of steady objects (n, 6) and the states at each: [(frame, (n, 6)), …]."""
    rng = np.random.default_rng(seed)
    out = []
    for k in range(looks):
        now = np.array([straight(state, k * sensor.period_s) for state in states])
        detected = rng.random(len(now)) < detection
        rows = np.concatenate([seen(sensor, now[detected], rng), alarms(sensor, rng.poisson(false_alarms), rng)])
        out.append((frame(sensor, rng.permutation(rows), at_s=k * sensor.period_s, seq=k), now))
    return out
