"""Ten million updates of hovering objects, 1 m to 1000 km from a radar, sigmas from 0.01 m to 10 km.

Are the covariances still positive definite, and do they still hold the error?
"""

from __future__ import annotations

import math
import time

import numpy as np

from fusion.config import SensorConfig, ServiceConfig, SiteConfig
from fusion.tracking.sensors import measure
from fusion.tracking.tracker import Tracker
from fusion.types import AZIMUTH, ELEVATION, RANGE, SECOND_NS, Bools, Coverage, Floats, Frame, Place, Pose

START_NS = 1_700_000_000 * SECOND_NS
LARGEST_NEES = 33.0  # chi-square with three degrees of freedom exceeds it once in three million
PROBED = 100  # steps between two looks at all covariances


def run(*, smoke: bool) -> None:
    tracks, steps = (200, 100) if smoke else (1000, 10_000)
    tracker, truth, sigmas = world(tracks)
    rng, repaired, least, begun = np.random.default_rng(7), 0, math.inf, time.perf_counter()
    beyond, looked, straight = 0, 0, nearly_linear(tracker, truth, sigmas)
    for k in range(steps):
        repaired += step(tracker, truth, sigmas, rng)
        if (k + 1) % PROBED == 0:
            least = min(least, soundness(tracker))
            errors = nees(tracker, truth)[straight]
            beyond, looked = beyond + int((errors > LARGEST_NEES).sum()), looked + len(errors)
    took, modes = time.perf_counter() - begun, len(tracker.motions.names)
    print(f"   {tracks * steps:.0e} updates of {modes} modes each in {took:.0f} s")
    print(f"   all finite and symmetric to the bit; smallest eigenvalue of any correlation matrix {least:.1e}")
    print(f"   {repaired} covariances repaired, {repaired / (tracks * steps * modes):.1e} of all")
    print(f"   where arcs bend less than the noise, squared errors beyond {LARGEST_NEES:g}: {beyond} of {looked}")


def world(count: int) -> tuple[Tracker, Floats, Floats]:
    """A radar; objects that hover around it, (count, 6); their detections' sigmas, (count, 3) m, rad, rad."""
    sensor = SensorConfig(
        id="radar", kind="radar", measures=("range_m", "azimuth_deg", "elevation_deg"), pose=Pose(47.5, 19.0, 100.0),
        sigma={"range_m": 10.0, "azimuth_deg": 0.1, "elevation_deg": 0.1},
        coverage=Coverage(range_m=(0.0, 2e6), azimuth_deg=(0.0, 360.0), elevation_deg=(-90.0, 90.0)),
    )  # fmt: skip
    tracker, rng = (
        Tracker(SiteConfig(ServiceConfig(Place(47.5, 19.0, 0.0)), sensor=(sensor,))),
        np.random.default_rng(3),
    )
    at = tracker.store.extend(count)
    placement = tracker.stations["radar"].placement
    assert placement is not None
    slant, azimuth = 10.0 ** rng.uniform(0.0, 6.0, count), rng.uniform(-math.pi, math.pi, count)
    elevation = np.where(rng.random(count) < 0.1, math.pi / 2.0, rng.uniform(-0.1, math.pi / 2.0, count))
    azimuth[rng.random(count) < 0.1] = math.pi
    local = np.stack([np.cos(elevation) * np.sin(azimuth), np.cos(elevation) * np.cos(azimuth), np.sin(elevation)])
    truth = np.zeros((count, 6))
    truth[:, :3] = placement.position + slant[:, None] * (local.T[:, :, None] * placement.axes[None]).sum(axis=1)
    lengths = np.minimum(10.0 ** rng.uniform(-2.0, 4.0, (count, 3)), np.maximum(slant, 0.1)[:, None])
    sigmas = lengths / np.stack([np.ones(count), slant, slant], axis=1)
    spread = 10.0 * lengths.max(axis=1)
    store, modes = tracker.store, len(tracker.motions.names)
    store.covariance[at] = np.einsum("n,ab->nab", spread**2, np.diag([1.0, 1.0, 1.0, 0.0, 0.0, 0.0]))[:, None]
    store.covariance[at] += np.diag([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]) * 100.0
    store.mean[at] = (truth + rng.normal(0.0, 0.1, truth.shape) * spread[:, None] * (np.arange(6) < 3))[:, None]
    store.weight[at], store.existence[at], store.time_ns[at] = 1.0 / modes, 0.99, START_NS
    return tracker, truth, sigmas


def step(tracker: Tracker, truth: Floats, sigmas: Floats, rng: np.random.Generator) -> int:
    """Predict, evaluate and reduce every track with its own detection; returns how many covariances were repaired."""
    store, engine, count = tracker.store, tracker.engine, len(truth)
    station = tracker.stations["radar"]
    assert station.placement is not None
    rows, own = np.arange(count), np.arange(count)
    now_ns = int(store.time_ns[0] + round(rng.choice([0.0, 1e-3, 0.1, 1.0, 4.0, 30.0]) * SECOND_NS))
    engine.predict(tracker.setting, store, rows, np.full(count, now_ns))
    parts = [measure(code, station.placement, tracker.plane, truth)[0] for code in (RANGE, AZIMUTH, ELEVATION)]
    frame = Frame(
        source="benchmark", sensor="radar", seq=0, epoch="e", time_ns=now_ns, sigmas=sigmas,
        values=np.stack(parts, axis=1) + rng.normal(0.0, 1.0, sigmas.shape) * sigmas, times_ns=np.full(count, now_ns),
    )  # fmt: skip
    found = engine.evaluate(tracker.setting, store, rows, (own, own), station.codes, frame, station.placement)
    best = np.maximum(found.log_likelihood.max(axis=1, keepdims=True), -1e300)  # outside the gate it is -inf
    by_mode = store.weight[:count] * np.exp(found.log_likelihood - best)
    total = by_mode.sum(axis=1)
    hit = np.where(total > 0.0, rng.choice([1.0, 0.999, 0.7], count), 0.0)
    by_mode /= np.where(total > 0.0, total, 1.0)[:, None]
    engine.reduce(store, rows, (own, own), 1.0 - hit, hit, by_mode, found)
    return found.repaired


def soundness(tracker: Tracker) -> float:
    """The smallest eigenvalue of all correlation matrices. Raises AssertionError where one is broken."""
    store = tracker.store
    covariance = store.covariance[: store.size]
    assert np.isfinite(covariance).all(), "a covariance is not finite"
    assert np.isfinite(store.mean[: store.size]).all(), "a mean is not finite"
    lopsided: Bools = covariance != covariance.swapaxes(2, 3)
    assert not lopsided.any(), "a covariance is not symmetric"
    sigma = np.sqrt(np.diagonal(covariance, axis1=2, axis2=3))
    return float(np.linalg.eigvalsh(covariance / sigma[..., None] / sigma[..., None, :]).min())


def nearly_linear(tracker: Tracker, truth: Floats, sigmas: Floats) -> Bools:
    """Where the arc over one sigma of direction bends by less than the smallest sigma: an extended filter is exact."""
    placement = tracker.stations["radar"].placement
    assert placement is not None
    slant = np.sqrt(((truth[:, :3] - placement.position) ** 2).sum(axis=1))
    lengths = sigmas * np.stack([np.ones_like(slant), slant, slant], axis=1)
    return np.asarray(0.5 * lengths.max(axis=1) ** 2 / slant < lengths.min(axis=1))


def nees(tracker: Tracker, truth: Floats) -> Floats:
    """Squared position errors of the likeliest mode, normalised by its covariance: (n,)."""
    store = tracker.store
    rows, best = np.arange(store.size), np.argmax(store.weight[: store.size], axis=1)
    off = store.mean[rows, best, :3] - truth[:, :3]
    return np.asarray((off * np.linalg.solve(store.covariance[rows, best, :3, :3], off[..., None])[..., 0]).sum(axis=1))
