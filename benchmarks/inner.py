"""The inner step of the tracker against a bare IMM kernel: µs for each mode of each track, one detection a track.

The bare kernel is what the textbook has (Blom and Bar-Shalom 1988; Bar-Shalom, Li, Kirubarajan 2001, section 11.6.6),
in numba: mix, predict with dense matrices that stand ready, gate, and one joint 3-D update in place. It is told which
detection is whose, and where up is; it knows no geodesy and no association. Ours finds the candidates among all
detections, predicts, evaluates, associates and reduces. A bare EKF leaves the bend of the range out: by that much the
states differ.
"""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
from numba import njit

from fusion.config import SensorConfig, ServiceConfig, SiteConfig
from fusion.kernels.candidates import candidates
from fusion.tracking.compiled import CompiledEngine
from fusion.tracking.sensors import Look, box, measure
from fusion.tracking.tracker import COARSE_GATE_SIGMA, Tracker
from fusion.types import AZIMUTH, ELEVATION, RANGE, SECOND_NS, Coverage, Floats, Frame, Ints, Place, Pose

DT_S = 4.0
GATE = 21.1  # chi-square 0.9999, three degrees of freedom
SIGMAS = (50.0, math.radians(0.1), math.radians(0.15))
START_NS = 1_700_000_000 * SECOND_NS


@njit(error_model="numpy")  # type: ignore[untyped-decorator]
def _bare(weight, mean, covariance, transition, noise, chain, values, sigmas, position, axes):  # type: ignore[no-untyped-def]
    """One IMM step for each track, in place. transition, noise: (n, m, 6, 6). Returns how many passed the gate."""
    n, m = weight.shape
    mixed, mixed_cov, predicted = np.empty((m, 6)), np.empty((m, 6, 6)), np.empty(m)
    half, jacobian, gain = np.empty((6, 6)), np.zeros((3, 6)), np.empty((6, 3))
    inverse, y = np.empty((3, 3)), np.empty(3)
    carried, s, likelihood, passed = np.empty((6, 3)), np.empty((3, 3)), np.empty(m), 0
    for i in range(n):
        for j in range(m):  # mix
            predicted[j] = 0.0
            mixed[j] = 0.0
            for k in range(m):
                predicted[j] += weight[i, k] * chain[k, j]
            for k in range(m):
                share = weight[i, k] * chain[k, j] / predicted[j]
                for a in range(6):
                    mixed[j, a] += share * mean[i, k, a]
            mixed_cov[j] = 0.0
            for k in range(m):
                share = weight[i, k] * chain[k, j] / predicted[j]
                for a in range(6):
                    da = mean[i, k, a] - mixed[j, a]
                    for b in range(6):
                        mixed_cov[j, a, b] += share * (covariance[i, k, a, b] + da * (mean[i, k, b] - mixed[j, b]))
        for j in range(m):
            x, P, F = mean[i, j], covariance[i, j], transition[i, j]
            for a in range(6):  # predict
                x[a] = 0.0
                for c in range(6):
                    x[a] += F[a, c] * mixed[j, c]
                for b in range(6):
                    value = 0.0
                    for c in range(6):
                        value += F[a, c] * mixed_cov[j, c, b]
                    half[a, b] = value
            for a in range(6):
                for b in range(6):
                    value = noise[i, j, a, b]
                    for c in range(6):
                        value += half[a, c] * F[b, c]
                    P[a, b] = value
            ox, oy, oz = x[0] - position[0], x[1] - position[1], x[2] - position[2]
            right = axes[0, 0] * ox + axes[0, 1] * oy + axes[0, 2] * oz
            forward = axes[1, 0] * ox + axes[1, 1] * oy + axes[1, 2] * oz
            up = axes[2, 0] * ox + axes[2, 1] * oy + axes[2, 2] * oz
            flat = right * right + forward * forward
            level, slant = math.sqrt(flat), math.sqrt(flat + up * up)
            for a in range(3):
                across = forward * axes[0, a] - right * axes[1, a]
                outward = (right * axes[0, a] + forward * axes[1, a]) / level
                jacobian[0, a] = (level * outward + up * axes[2, a]) / slant
                jacobian[1, a] = across / flat
                jacobian[2, a] = (level * axes[2, a] - up * outward) / (slant * slant)
            y[0] = values[i, 0] - slant
            y[1] = values[i, 1] - math.atan2(right, forward)
            y[1] -= 2.0 * math.pi * math.floor((y[1] + math.pi) / (2.0 * math.pi))
            y[2] = values[i, 2] - math.atan2(up, level)
            for a in range(6):
                for c in range(3):
                    carried[a, c] = P[a, 0] * jacobian[c, 0] + P[a, 1] * jacobian[c, 1] + P[a, 2] * jacobian[c, 2]
            for b in range(3):
                for c in range(3):
                    value = sigmas[i, b] * sigmas[i, b] if b == c else 0.0
                    for a in range(3):
                        value += jacobian[b, a] * carried[a, c]
                    s[b, c] = value
            c00, c01 = s[1, 1] * s[2, 2] - s[1, 2] * s[1, 2], s[0, 2] * s[1, 2] - s[0, 1] * s[2, 2]
            c02 = s[0, 1] * s[1, 2] - s[0, 2] * s[1, 1]
            c11, c12 = s[0, 0] * s[2, 2] - s[0, 2] * s[0, 2], s[0, 1] * s[0, 2] - s[0, 0] * s[1, 2]
            c22 = s[0, 0] * s[1, 1] - s[0, 1] * s[0, 1]
            determinant = s[0, 0] * c00 + s[0, 1] * c01 + s[0, 2] * c02
            inverse[0, 0], inverse[0, 1], inverse[0, 2] = c00 / determinant, c01 / determinant, c02 / determinant
            inverse[1, 0], inverse[1, 1], inverse[1, 2] = c01 / determinant, c11 / determinant, c12 / determinant
            inverse[2, 0], inverse[2, 1], inverse[2, 2] = c02 / determinant, c12 / determinant, c22 / determinant
            distance = 0.0
            for b in range(3):
                for c in range(3):
                    distance += y[b] * inverse[b, c] * y[c]
            likelihood[j] = math.exp(-0.5 * distance) / math.sqrt((2.0 * math.pi) ** 3 * determinant)
            if distance > GATE:  # gate
                continue
            passed += 1
            for a in range(6):  # update
                for c in range(3):
                    gain[a, c] = (
                        carried[a, 0] * inverse[0, c] + carried[a, 1] * inverse[1, c] + carried[a, 2] * inverse[2, c]
                    )
            for a in range(6):
                x[a] += gain[a, 0] * y[0] + gain[a, 1] * y[1] + gain[a, 2] * y[2]
                for b in range(6):
                    P[a, b] -= gain[a, 0] * carried[b, 0] + gain[a, 1] * carried[b, 1] + gain[a, 2] * carried[b, 2]
        total = 0.0
        for j in range(m):
            total += predicted[j] * likelihood[j]
        for j in range(m):
            weight[i, j] = predicted[j] * likelihood[j] / total
    return passed


def run(*, smoke: bool) -> None:
    count, repeats = (200, 3) if smoke else (1000, 30)
    tracker = _tracker(count)
    look, matrices, chain = _look(tracker), _matrices(tracker), tracker.motions.transition(DT_S)
    modes = len(tracker.motions.names)
    bare, ours = [], []
    for _ in range(repeats):
        store = tracker.store.copy()
        state = store.weight, store.mean, store.covariance
        begun = time.perf_counter()
        passed = _bare(*state, *matrices, chain, look.frame.values, look.frame.sigmas, *_stand(look))
        bare.append(time.perf_counter() - begun)
        assert passed >= 0.99 * count * modes, "the detections lie outside the gates"
        mine = tracker.copy()
        begun = time.perf_counter()
        updated, found = _inner(mine, look)
        ours.append(time.perf_counter() - begun)
    per_mode = 1e6 / (count * modes)
    reference, own = (sorted(times[1:])[len(times[1:]) // 2] * per_mode for times in (bare, ours))
    print(f"   {count} tracks of {modes} modes, one detection each: {found} pairs looked at")
    print(f"   bare IMM kernel {reference:.3f} µs a mode; candidates to reduce {own:.3f} µs")
    sigma = np.sqrt(np.diagonal(store.covariance, axis1=2, axis2=3))
    apart = float((np.abs(updated - store.mean) / sigma)[: tracker.store.size].max())
    print(f"   {own / reference:.2f} times the bare kernel; updated states apart by at most {apart:.1e} sigma")


def _tracker(count: int) -> Tracker:
    """A radar and `count` tracks within 150 km of it, each in its own place, sure to some 100 m and 10 m/s."""
    sensor = SensorConfig(
        id="radar", kind="radar", measures=("range_m", "azimuth_deg", "elevation_deg"),
        sigma={"range_m": 50.0, "azimuth_deg": 0.1, "elevation_deg": 0.15}, pose=Pose(49.0, 15.0, 300.0), period_s=DT_S,
        coverage=Coverage(range_m=(1000.0, 250_000.0), azimuth_deg=(0.0, 360.0), elevation_deg=(-2.0, 60.0)),
    )  # fmt: skip
    tracker = Tracker(SiteConfig(ServiceConfig(Place(49.0, 15.0, 300.0)), sensor=(sensor,)))
    rng, store = np.random.default_rng(1), tracker.store
    at = store.extend(count)
    distance, bearing = 150_000.0 * np.sqrt(rng.uniform(0.01, 1.0, count)), rng.uniform(0.0, 2.0 * math.pi, count)
    heading = rng.uniform(0.0, 2.0 * math.pi, count)
    mean = np.stack([
        distance * np.sin(bearing), distance * np.cos(bearing), rng.uniform(5000.0, 12_000.0, count),
        200.0 * np.sin(heading), 200.0 * np.cos(heading), np.zeros(count),
    ], axis=1)  # fmt: skip
    modes = len(tracker.motions.names)
    root = rng.normal(0.0, 1.0, (count, modes, 6, 6)) * np.array([40.0, 40.0, 40.0, 4.0, 4.0, 2.0])[:, None]
    store.covariance[at] = (root[..., :, None, :] * root[..., None, :, :]).sum(axis=-1)
    store.mean[at], store.weight[at] = mean[:, None, :], rng.dirichlet(np.full(modes, 5.0), count)
    store.existence[at], store.time_ns[at] = 0.99, START_NS
    store.visible[at] = 0.97
    return tracker


def _look(tracker: Tracker) -> Look:
    """One detection of every track, `DT_S` later, with its errors."""
    ahead, rng = tracker.store.copy(), np.random.default_rng(2)
    until_ns = START_NS + round(DT_S * SECOND_NS)
    tracker.engine.predict(tracker.setting, ahead, np.arange(ahead.size), np.full(ahead.size, until_ns))
    station = tracker.stations["radar"]
    assert station.placement is not None
    state = (ahead.weight[..., None] * ahead.mean).sum(axis=1)
    columns = [measure(code, station.placement, tracker.plane, state)[0] for code in (RANGE, AZIMUTH, ELEVATION)]
    sigmas = np.tile(SIGMAS, (ahead.size, 1))
    frame = Frame(
        source="benchmark", sensor="radar", seq=0, epoch="e", time_ns=until_ns, sigmas=sigmas,
        values=np.stack(columns, axis=1) + rng.normal(0.0, 0.5, sigmas.shape) * sigmas,
        times_ns=np.full(ahead.size, until_ns),
    )  # fmt: skip
    return Look(frame, station, station.placement, box(station.config.coverage, None))


def _matrices(tracker: Tracker) -> tuple[Floats, Floats]:
    """F and Q of every mode of every track, (n, m, 6, 6): the bare kernel gets them for nothing."""
    store, modes = tracker.store, range(len(tracker.motions.names))
    state = store.mean[: store.size, 0]
    found = [tracker.motions.matrices(j, state, tracker.plane.up_at(state[:, :3]), DT_S)[:2] for j in modes]
    return np.stack([F for F, _ in found], axis=1), np.stack([Q for _, Q in found], axis=1)


def _stand(look: Look) -> tuple[Floats, Floats]:
    return look.placement.position, look.placement.axes


def _inner(tracker: Tracker, look: Look) -> tuple[Floats, int]:
    """The engine's part of `Tracker.step`. Returns each track's states given its own detection."""
    engine, setting, store, frame = CompiledEngine(), tracker.setting, tracker.store, look.frame
    rows, reference_ns, places, detections = candidates(
        look.station.codes, frame.values, frame.sigmas, frame.times_ns, frame.time_ns, *_stand(look), setting.earth,
        look.box, store.time_ns, store.weight, store.mean, store.covariance, store.outline,
        setting.motions.parameters, COARSE_GATE_SIGMA,
    )  # fmt: skip
    pairs = places, detections
    engine.predict(setting, store, rows, reference_ns)
    codes: Ints = look.station.codes
    evaluated = engine.evaluate(setting, store, rows, pairs, codes, look.frame, look.placement)
    by_mode: Any = store.weight[rows[pairs[0]]] * np.exp(evaluated.log_likelihood)
    likelihood = by_mode.sum(axis=1)
    by_mode /= np.where(likelihood > 0.0, likelihood, 1.0)[:, None]
    missed = np.full(len(rows), 0.1)
    alone = np.full(len(look.frame.values), 1e-9)
    paired, unseen, _ = engine.associate(pairs, 0.9 * likelihood, missed, alone)
    engine.reduce(store, rows, pairs, unseen, paired, by_mode, evaluated)
    own = np.flatnonzero(rows[pairs[0]] == pairs[1])
    return evaluated.mean[own], len(pairs[0])
