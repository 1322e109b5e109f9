"""The same recursion in filterpy and plain Python: to read, and to check the kernels against. Slow on purpose.

One filterpy Kalman filter for each mode of each track predicts and updates; mixing, marginals and reduction are
written as their papers have them. A contract test holds this and the kernels together to a relative 1e-6.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from filterpy.kalman import KalmanFilter

from fusion.geodesy import Plane
from fusion.tracking import hypotheses
from fusion.tracking.births import Births, births
from fusion.tracking.engine import Evaluated, Setting
from fusion.tracking.iterated import VAGUE_RAD2, bend, filter_of, iterated
from fusion.tracking.motion import DENSITY
from fusion.tracking.sensors import Placement, Station, measure
from fusion.tracking.tracks import TrackStore
from fusion.types import AZIMUTH, ELEVATION, RANGE, SECOND_NS, Floats, Frame, Ints, Place

LEAST_PIVOT = 1e-14  # as in kernels.sound


class ReferenceEngine:
    """`fusion.tracking.engine.Engine`, in filterpy."""

    def births(self, setting: Setting, station: Station, frame: Frame, placement: Placement) -> Births:
        return births(frame, station, placement, _plane(setting.earth), setting.config)

    def predict(self, setting: Setting, store: TrackStore, rows: Ints, until_ns: Ints) -> None:
        plane = _plane(setting.earth)
        for row, until in zip(rows, until_ns, strict=True):
            dt = int(until - store.time_ns[row]) / SECOND_NS
            if dt <= 0.0:
                continue
            weight, mean, covariance = mix(
                store.weight[row], store.mean[row], store.covariance[row], setting.motions.transition(dt)
            )
            for j in range(len(weight)):
                up = plane.up_at(mean[j : j + 1, :3])
                F, Q, push = setting.motions.matrices(j, mean[j : j + 1], up, dt)
                kalman = filter_of(mean[j], covariance[j])
                kalman.predict(u=push[0][:, None], B=np.eye(6), F=F[0], Q=Q[0])
                mean[j], covariance[j] = kalman.x[:, 0], kalman.P
            store.weight[row], store.mean[row], store.covariance[row] = weight, mean, covariance
            store.time_ns[row], store.outline[row] = until, 0.0

    def evaluate(
        self, setting: Setting, store: TrackStore, rows: Ints, pairs: tuple[Ints, Ints], codes: Ints, frame: Frame,
        placement: Placement,
    ) -> Evaluated:  # fmt: skip
        modes, plane = len(setting.motions.names), _plane(setting.earth)
        count, repaired = len(pairs[0]), 0
        out = Evaluated(np.empty((count, modes)), np.empty((count, modes, 6)), np.empty((count, modes, 6, 6)))
        for p, (k, d) in enumerate(zip(*pairs, strict=True)):
            row = rows[k]
            dt = int(frame.times_ns[d] - store.time_ns[row]) / SECOND_NS
            nearest = math.inf
            for j in range(modes):
                density = setting.motions.parameters[j, DENSITY]
                kalman, log, nis, freedom = self._update(
                    store.mean[row, j], store.covariance[row, j], codes, frame.values[d], frame.sigmas[d], dt,
                    density * abs(dt) ** 3 / 3.0, placement, plane,
                )  # fmt: skip
                out.log_likelihood[p, j] = log
                out.covariance[p, j], raised = repair(kalman.P, store.covariance[row, j])
                out.mean[p, j], repaired = kalman.x[:, 0], repaired + raised
                nearest = min(nearest, nis - setting.gates[freedom])
            if nearest > 0.0:
                out.log_likelihood[p] = -math.inf
        return replace(out, repaired=repaired)

    def _update(
        self, mean: Floats, covariance: Floats, codes: Ints, values: Floats, sigmas: Floats, dt: float, drifted: float,
        placement: Placement, plane: Plane,
    ) -> tuple[KalmanFilter, float, float, int]:  # fmt: skip
        """One mode of one pair: filterpy's scalar updates, all linearised at the prediction."""
        kalman, log, nis, freedom = filter_of(mean, covariance), 0.0, 0.0, 0
        for code, value, sigma in zip(codes, values, sigmas, strict=True):
            if math.isnan(value):
                continue
            expected, gradient = measure(int(code), placement, plane, mean[None])
            H = gradient.copy()
            H[:, 3:] += H[:, :3] * dt
            innovation = value - expected[0] - float((gradient[0, :3] * mean[3:]).sum()) * dt
            if code in (AZIMUTH, ELEVATION):
                innovation = (innovation + math.pi) % (2.0 * math.pi) - math.pi
                if (H @ covariance @ H.T)[0, 0] > VAGUE_RAD2:
                    log -= math.log(2.0 * math.pi)
                    continue
            shift, bent = bend(float(expected[0]), gradient[0], covariance) if code == RANGE else (0.0, 0.0)
            innovation -= shift
            noise = sigma**2 + bent + drifted * float((H[0, :3] ** 2).sum())
            kalman.update(np.array([[innovation]]) + H @ mean[:, None], R=np.array([[noise]]), H=H)
            residual, variance = float(kalman.y[0, 0]), float(kalman.S[0, 0])
            nis += residual**2 / variance
            freedom += 1
            log -= 0.5 * (residual**2 / variance + math.log(2.0 * math.pi * variance))
        return kalman, log, nis, freedom

    def iterate(
        self, setting: Setting, store: TrackStore, rows: Ints, pairs: tuple[Ints, Ints], codes: Ints, frame: Frame,
        placement: Placement,
    ) -> Evaluated:  # fmt: skip
        """Bell and Cathey (1993): the update again and again, linearised where the last one ended."""
        modes, count = len(setting.motions.names), len(pairs[0])
        out = Evaluated(np.empty((count, modes)), np.empty((count, modes, 6)), np.empty((count, modes, 6, 6)))
        for p, (k, d) in enumerate(zip(*pairs, strict=True)):
            row = rows[k]
            dt = int(frame.times_ns[d] - store.time_ns[row]) / SECOND_NS
            nearest = math.inf
            for j in range(modes):
                drifted = setting.motions.parameters[j, DENSITY] * abs(dt) ** 3 / 3.0
                kalman, log, nis, freedom = iterated(
                    store.mean[row, j], store.covariance[row, j], codes, frame.values[d], frame.sigmas[d], dt, drifted,
                    placement, _plane(setting.earth),
                )  # fmt: skip
                out.log_likelihood[p, j] = log
                out.mean[p, j], out.covariance[p, j] = kalman.x[:, 0], kalman.P
                nearest = min(nearest, nis - setting.gates[freedom])
            if nearest > 0.0:
                out.log_likelihood[p] = -math.inf
        return out

    def associate(
        self, pairs: tuple[Ints, Ints], pair_weight: Floats, miss_weight: Floats, alone_weight: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Williams and Lau (2014), eqs. 20-24, as dictionaries of messages; small clusters by their hypotheses."""
        edges = list(zip(pairs[0].tolist(), pairs[1].tolist(), strict=True))
        psi = {(i, j): w / (miss_weight[i] * alone_weight[j]) for (i, j), w in zip(edges, pair_weight, strict=True)}
        of_track: dict[int, list[int]] = {}
        of_detection: dict[int, list[int]] = {}
        for i, j in edges:
            of_track.setdefault(i, []).append(j)
            of_detection.setdefault(j, []).append(i)
        nu, mu = dict.fromkeys(edges, 1.0), dict.fromkeys(edges, 0.0)
        for _ in range(1000):
            for i, j in edges:
                mu[i, j] = psi[i, j] / (1.0 + sum(psi[i, k] * nu[i, k] for k in of_track[i] if k != j))
            new = {(i, j): 1.0 / (1.0 + sum(mu[k, j] for k in of_detection[j] if k != i)) for i, j in edges}
            change = max((abs(new[edge] - nu[edge]) for edge in edges), default=0.0)
            nu = new
            if change <= 1e-12:
                break
        missed = np.array([
            1.0 / (1.0 + sum(psi[i, j] * nu[i, j] for j in of_track.get(i, []))) for i in range(len(miss_weight))
        ])  # fmt: skip
        alone = np.array([
            1.0 / (1.0 + sum(mu[i, j] for i in of_detection.get(j, []))) for j in range(len(alone_weight))
        ])  # fmt: skip
        paired = np.array([psi[i, j] * nu[i, j] * missed[i] for i, j in edges])
        for cluster in hypotheses.clusters(edges):
            if hypotheses.is_small(cluster):
                found = hypotheses.marginals(cluster, psi)
                for i, j in cluster:
                    paired[edges.index((i, j))] = found[i, j]
                    missed[i] = 1.0 - sum(p for (track, _), p in found.items() if track == i)
                    alone[j] = 1.0 - sum(p for (_, detection), p in found.items() if detection == j)
        return paired, missed, alone

    def reduce(
        self, store: TrackStore, rows: Ints, pairs: tuple[Ints, Ints], miss_share: Floats, pair_share: Floats,
        pair_weight: Floats, evaluated: Evaluated,
    ) -> None:  # fmt: skip
        """Williams (2015), eqs. 33-35: mean and covariance of each mode's mixture."""
        for k, row in enumerate(rows):
            own = np.flatnonzero(pairs[0] == k)
            if not len(own):
                continue
            for j in range(store.weight.shape[1]):
                shares = np.array([miss_share[k] * store.weight[row, j], *(pair_share[own] * pair_weight[own, j])])
                total = shares.sum()
                if total < 1e-12:
                    store.weight[row, j] = 1e-12
                    continue
                means = np.concatenate([store.mean[row, j][None], evaluated.mean[own, j]])
                spreads = np.concatenate([store.covariance[row, j][None], evaluated.covariance[own, j]])
                store.mean[row, j], store.covariance[row, j] = moment_match(shares / total, means, spreads)
                store.weight[row, j] = total
            store.weight[row] /= store.weight[row].sum()
            store.outline[row] = 0.0


def repair(covariance: Floats, before: Floats) -> tuple[Floats, bool]:
    """A covariance whose every pivot of L D Lᵀ is at least a tiny part of the variance in `before`, from which it came
    by subtraction, and whether that raised any. Golub and Van Loan (2013), algorithm 4.1.2.
    """
    sound, left, raised = covariance.copy(), covariance.copy(), False
    for a in range(len(sound)):
        least = LEAST_PIVOT * before[a, a]
        if not left[a, a] >= least:
            sound[a, a] += least - left[a, a]
            left[a, a], raised = least, True
        left[a + 1 :, a + 1 :] -= np.multiply.outer(left[a + 1 :, a], left[a + 1 :, a]) / left[a, a]
    return sound, raised


def mix(weight: Floats, mean: Floats, covariance: Floats, transition: Floats) -> tuple[Floats, Floats, Floats]:
    """IMM interaction for any transition matrix: Blom and Bar-Shalom (1988), eqs. 6-8."""
    predicted = (weight[:, None] * transition).sum(axis=0)
    means, covariances = np.empty_like(mean), np.empty_like(covariance)
    for j in range(len(weight)):
        shares = weight * transition[:, j] / predicted[j]
        means[j], covariances[j] = moment_match(shares, mean, covariance)
    return predicted, means, covariances


def moment_match(shares: Floats, means: Floats, covariances: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance of a Gaussian mixture: (n,), (n, 6), (n, 6, 6) -> (6,), (6, 6)."""
    centre = (shares[:, None] * means).sum(axis=0)
    offset = means - centre
    spread = (shares[:, None, None] * (covariances + offset[:, :, None] * offset[:, None, :])).sum(axis=0)
    return centre, spread


def _plane(earth: Floats) -> Plane:
    """The plane whose centre and axes the kernels were given."""
    plane = Plane(Place(0.0, 0.0, 0.0))
    object.__setattr__(plane, "centre", earth[0])
    object.__setattr__(plane, "axes", earth[1:])
    return plane
