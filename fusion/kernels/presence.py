"""Whether each track exists, and whether the sensor can see it: what a look does to both, and to their memory."""

from __future__ import annotations

import math

from fusion.kernels.jit import entry
from fusion.types import MOST_EXISTENCE, TENTATIVE

HIT_SHARE = 0.5  # a track was detected when that is more likely than not
SWEPT_SHARE = 0.05  # a look that was less likely than this to have included the track says nothing of it
MOVED_SIGMA = 4.0  # displaced by more than this many standard deviations: it moves


@entry("void(i8[::1], i8[::1], i8[::1], f8[::1], f8[:,::1], i8[:,::1], i8, f8, f8, f8)")
def age(rows, until_ns, time_ns, existence, visible, looked_ns, sensor, share, blind_s, survival_s):  # type: ignore[no-untyped-def]
    """Carry existence and visibility of `rows` to their `until_ns`, in place: objects leave, blindness passes.

    A two-state Markov chain, Brekke, Hem, Tokle (2021), eq. 10, in continuous time.  share: P(visible) in the long run.
    """
    for k in range(rows.size):
        row = rows[k]
        elapsed_s = (until_ns[k] - time_ns[row]) * 1e-9
        if elapsed_s > 0.0:
            existence[row] *= math.exp(-elapsed_s / survival_s)
        keep = 0.0
        if looked_ns[row, sensor] > 0:
            keep = math.exp(-max(until_ns[k] - looked_ns[row, sensor], 0) * 1e-9 / blind_s)
        visible[row, sensor] = share + (visible[row, sensor] - share) * keep
        looked_ns[row, sensor] = until_ns[k]


@entry(
    "void(i8[::1], i8[::1], f8[:,::1], f8[::1], f8[:,::1], f8[::1], f8[:,::1], i8, f8, f8[::1], f8[:,::1], f8[::1],"
    " f8[::1])"
)
def weigh(  # type: ignore[no-untyped-def]
    rows, place, log_likelihood, agreement, weight, existence, visible, sensor, detection, swept, by_mode, pair_weight,
    miss_weight,
):  # fmt: skip
    """Weights of all pairs and misses, Williams (2015), eqs. 27-28.

    place: (pairs,) of each pair's track in `rows`.  log_likelihood: (pairs, m).  agreement: (pairs,), or none.
    Writes by_mode (pairs, m), mode probabilities given the pair, pair_weight (pairs,), and miss_weight (rows,).
    """
    for k in range(rows.size):
        miss_weight[k] = 1.0 - existence[rows[k]] * detection * visible[rows[k], sensor] * swept[k]
    for p in range(place.size):
        row, total = rows[place[p]], 0.0
        for j in range(weight.shape[1]):
            by_mode[p, j] = weight[row, j] * math.exp(log_likelihood[p, j])
            total += by_mode[p, j]
        if total > 0.0:
            for j in range(weight.shape[1]):
                by_mode[p, j] /= total
        pair_weight[p] = existence[row] * detection * visible[row, sensor] * total
        if agreement.size:
            pair_weight[p] *= agreement[p]


@entry(
    "void(i8[::1], i8[::1], i8[::1], f8[::1], f8[::1], f8[::1], f8[::1], i8, f8, i8[::1], f8[::1], f8[:,::1],"
    " f8[::1], f8[::1], f8[::1], f8[::1], f8[::1])"
)
def believe(  # type: ignore[no-untyped-def]
    rows, place, pair_detection, paired, missed, miss_weight, swept, sensor, detection, status, existence,
    visible, miss_share, pair_share, hit, expected, unclaimed,
):  # fmt: skip
    """Existence and visibility after the look, in place: Williams (2015), eqs. 33-35, and Bayes' rule for the chain.

    Writes miss_share (rows,) and pair_share (pairs,), the state's mixture
    weights given that the object exists; hit (rows,), P(detected); expected (rows,), P(to be detected); unclaimed
    (detections,), P(no confirmed track made it).
    """
    hit[:] = 0.0
    unclaimed[:] = 1.0
    for p in range(place.size):
        hit[place[p]] += paired[p]
        if status[rows[place[p]]] != TENTATIVE:
            unclaimed[pair_detection[p]] = max(unclaimed[pair_detection[p]] - paired[p], 0.0)
    for k in range(rows.size):
        row = rows[k]
        before, seen = existence[row], visible[row, sensor]
        hit[k], expected[k] = min(hit[k], 1.0), detection * seen * swept[k]
        unseen = missed[k] * before * (1.0 - expected[k]) / miss_weight[k]
        total = max(hit[k] + unseen, 1e-300)
        miss_share[k] = unseen / total
        blind = seen * (1.0 - detection * swept[k]) / (1.0 - expected[k])
        visible[row, sensor] = (hit[k] + unseen * blind) / total
        existence[row] = min(total, MOST_EXISTENCE)
        missed[k] = total  # for the pairs
    for p in range(place.size):
        pair_share[p] = paired[p] / missed[place[p]]


@entry(
    "void(i8[::1], f8[::1], f8[::1], f8[::1], i8, i8, i8[::1], f8[:,::1], f8[:,:,::1], f8[:,:,:,::1], f8[:,::1],"
    " f8[::1], i8[::1], i8[::1], i8[:,::1], i8[:,::1], i8[::1])"
)
def remember(  # type: ignore[no-untyped-def]
    rows, hit, expected, swept, sensor, frame_ns, time_ns, weight, mean, covariance, birthplace, owed, hits,
    updated_ns, covered_ns, hit_ns, moved,
):  # fmt: skip
    """Times, hits, what is owed, and whether a track has moved, in place."""
    for k in range(rows.size):
        row = rows[k]
        if swept[k] > SWEPT_SHARE:
            covered_ns[row, sensor] = frame_ns
        if hit[k] <= HIT_SHARE:
            owed[row] += expected[k]
            continue
        owed[row] = 0.0
        hits[row] += 1
        updated_ns[row] = max(updated_ns[row], time_ns[row])
        covered_ns[row, sensor] = frame_ns
        hit_ns[row, sensor] = time_ns[row]
        away, variance = 0.0, 0.0
        for a in range(3):
            at = 0.0
            for j in range(weight.shape[1]):
                at += weight[row, j] * mean[row, j, a]
            away += (at - birthplace[row, a]) ** 2
            variance += covariance[row, 0, a, a]
        if away > MOVED_SIGMA**2 * 2.0 * variance:  # of now, and of the birthplace
            moved[row] = 1
