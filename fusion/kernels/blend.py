"""Many Gaussians to one a mode, group by group: a track over its range hypotheses."""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.jit import entry
from fusion.kernels.reduce import FADED


@entry("void(i8[::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1])")
def blend(first, share, mean, covariance, out_share, out_mean, out_covariance):  # type: ignore[no-untyped-def]
    """Moment-match, for each mode, the Gaussians first[g] to first[g + 1] of each group g.

    share: (n, m) of each Gaussian, in any unit.  Writes out_share (g, m), their sums; out_mean (g, m, 6) and
    out_covariance (g, m, 6, 6), of a mode that has no share those of the group's first Gaussian.
    """
    delta = np.empty(6)
    for g in range(out_share.shape[0]):
        for j in range(share.shape[1]):
            centre, spread, total = out_mean[g, j], out_covariance[g, j], 0.0
            for i in range(first[g], first[g + 1]):
                total += share[i, j]
            out_share[g, j] = total
            if total < FADED * FADED:
                centre[:] = mean[first[g], j]
                spread[:, :] = covariance[first[g], j]
                continue
            centre[:] = 0.0
            spread[:, :] = 0.0
            for i in range(first[g], first[g + 1]):
                for a in range(6):
                    centre[a] += share[i, j] / total * mean[i, j, a]
            for i in range(first[g], first[g + 1]):
                part = share[i, j] / total
                for a in range(6):
                    delta[a] = mean[i, j, a] - centre[a]
                for a in range(6):
                    for b in range(a, 6):
                        spread[a, b] += part * (covariance[i, j, a, b] + delta[a] * delta[b])
            for a in range(6):
                for b in range(a):
                    spread[a, b] = spread[b, a]


@entry("void(i8[::1], f8[::1], f8[:,::1], f8[:,::1], f8[::1], f8[:,::1])")
def fits(which, existence, weight, log_likelihood, fit, joint):  # type: ignore[no-untyped-def]
    """How each pair fits its hypothesis which[p]: over all modes, fit (pairs,), and by mode with its share, joint."""
    for p in range(which.size):
        fit[p] = 0.0
        for j in range(weight.shape[1]):
            value = weight[which[p], j] * math.exp(log_likelihood[p, j])
            fit[p] += value
            joint[p, j] = existence[which[p]] * value


@entry("void(i8[::1], f8[:,::1], f8[:,::1], f8[:,::1])")
def logs(rows, total, weight, log_likelihood):  # type: ignore[no-untyped-def]
    """The logarithm of `total` (n, m) by the mode probabilities weight[rows]; -inf where there is none."""
    for i in range(rows.size):
        for j in range(total.shape[1]):
            log_likelihood[i, j] = -math.inf
            if total[i, j] > 0.0 and weight[rows[i], j] > 0.0:
                log_likelihood[i, j] = math.log(total[i, j] / weight[rows[i], j])
