"""Many Gaussians to one a mode, group by group: a track over its range hypotheses."""

from __future__ import annotations

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
