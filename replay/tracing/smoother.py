"""A track's path smoothed: every state given all detections, those that came after it too.

Fixed-interval smoothing of a switching linear model, mode by mode, by messages: the backward pass of expectation
propagation (Heskes and Zoeter 2002, section 4; Zoeter and Heskes 2005). For each pair of modes before and after an
instant, the step of Rauch, Tung and Striebel (1965) takes back what the later looks told: the smoothed density of the
mode after over the one that the tracker had predicted. Pairs are weighed by how well they fit that, and merged mode by
mode. With one mode it is the smoother of Rauch, Tung and Striebel itself. The tracker's forward pass is taken as it
was: association, misses and all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from fusion.tracking.motion import Motions
from fusion.types import SECOND_NS, Floats, Ints
from replay.tracing.history import History

TINY: Final = 1e-300  # keeps 0 / 0 at 0
FADED: Final = 1e-12  # a mode less likely than this keeps its forward state: its moments would be of nothing
MOST_SIGMA: Final = 3.0  # by which what is told later may move a state, in sigmas of itself: rarely more, if it is true
LEAST_RATIO, MOST_RATIO = 1e-12, 1.0 - 1e-9  # of smoothed to predicted variance: told exactly, told nothing
AT_ONCE: Final = 512  # instants whose steps are laid out together: some 20 MB
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, eq=False)
class Smoothed:
    """weight: (k, m), mean: (k, m, 6), covariance: (k, m, 6, 6), at the instants of the history."""

    times_ns: Ints
    weight: Floats
    mean: Floats
    covariance: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """From each of k instants to the next, for each mode i before and each mode j after: (k, m, m, …).

    prior: (…, 6) moved mean, spread: (…, 6, 6) its covariance.  gain: (…, 6, 6) of the smoother, left: (…, 6, 6)
    covariance of the state before, given that after.  log: log P(i and j | up to before).
    mixed_log: (k, m), mixed: (k, m, 6), root: (k, m, 6, 6), what the tracker itself predicted for mode j: log of its
    probability, mean, lower root of the covariance.
    """

    prior: Floats
    spread: Floats
    gain: Floats
    left: Floats
    log: Floats
    mixed_log: Floats
    mixed: Floats
    root: Floats


def smooth(history: History, motions: Motions, earth: Floats, progress: Progress | None = None) -> Smoothed:
    """Smooth a whole history. earth: of `Setting` in `fusion.tracking.engine`.  progress: called with (done, all)."""
    weight, mean, covariance = history.weight.copy(), history.mean.copy(), history.covariance.copy()
    count = len(history.times_ns)
    for end in range(count - 1, 0, -AT_ONCE):
        begin = max(end - AT_ONCE, 0)
        steps = steps_of(history, motions, earth, begin, end)
        for k in range(end - 1, begin - 1, -1):
            after = weight[k + 1], mean[k + 1], covariance[k + 1]
            weight[k], mean[k], covariance[k] = _back(history, steps, k, k - begin, after)
        if progress is not None:
            progress(count - begin, count)
    return Smoothed(history.times_ns, weight, mean, covariance)


def steps_of(history: History, motions: Motions, earth: Floats, begin: int, end: int) -> Steps:
    """The steps from the instants `begin` to before `end`, each to the next."""
    from fusion.kernels.transitions import transitions

    n, m = end - begin, history.weight.shape[1]
    dt = np.diff(history.times_ns[begin : end + 1]) / SECOND_NS
    shape, wide = (n, m, m), (n, m, m, 6, 6)
    state = np.broadcast_to(history.mean[begin:end, :, None], (*shape, 6)).reshape(-1, 6).copy()
    mode = np.broadcast_to(np.arange(m), shape).reshape(-1).copy()
    every = np.broadcast_to(dt[:, None, None], shape).reshape(-1).copy()
    matrix, noise, prior = np.empty((len(mode), 6, 6)), np.empty((len(mode), 6, 6)), np.empty((len(mode), 6))
    transitions(state, mode, every, motions.parameters, earth, matrix, noise, prior)
    before = np.broadcast_to(history.covariance[begin:end, :, None], wide).reshape(-1, 6, 6)
    across = before @ matrix.swapaxes(1, 2)
    spread = symmetric(matrix @ across + noise)
    gain = across @ inverted(spread)
    left = symmetric(before - gain @ across.swapaxes(1, 2))
    kept = np.exp(-motions.rate_per_s * dt)
    change = kept[:, None, None] * np.eye(m) + (1.0 - kept)[:, None, None] * motions.prior
    log = np.log(np.maximum(history.weight[begin:end, :, None] * change, TINY))
    weight, mean, covariance = _predicted(history, motions, earth, begin, end)
    return Steps(
        prior.reshape(*shape, 6), spread.reshape(wide), gain.reshape(wide), left.reshape(wide), log,
        np.log(np.maximum(weight, TINY)), mean, np.asarray(np.linalg.cholesky(symmetric(covariance)), float),
    )  # fmt: skip


def _predicted(
    history: History, motions: Motions, earth: Floats, begin: int, end: int
) -> tuple[Floats, Floats, Floats]:
    """What the tracker made of each state at the time of the next, before that look: weight, mean, covariance."""
    from fusion.kernels.predict import predict

    weight, mean = history.weight[begin:end].copy(), history.mean[begin:end].copy()
    covariance, times_ns = history.covariance[begin:end].copy(), history.times_ns[begin:end].copy()
    until_ns = np.ascontiguousarray(history.times_ns[begin + 1 : end + 1])
    predict(
        np.arange(end - begin), until_ns, times_ns, weight, mean, covariance, np.zeros((end - begin, 10)),
        motions.parameters, motions.prior, motions.rate_per_s, earth,
    )  # fmt: skip
    return weight, mean, covariance


def _back(
    history: History, steps: Steps, k: int, at: int, after: tuple[Floats, Floats, Floats]
) -> tuple[Floats, Floats, Floats]:
    """The smoothed modes of instant k, from those of k + 1."""
    if len(after[0]) == 1:  # the smoother of Rauch, Tung and Striebel
        log, moved, narrowed = steps.log[at], after[1][None], after[2][None]
    else:
        log, moved, narrowed = _pairs(steps, at, _told(steps, at, after))
    joint = np.exp(log - log.max())
    joint /= joint.sum()
    gain = steps.gain[at]
    means = history.mean[k][:, None] + (gain @ (moved - steps.prior[at])[..., None])[..., 0]
    spreads = steps.left[at] + gain @ narrowed @ gain.swapaxes(-1, -2)
    total = joint.sum(axis=1)
    share = joint / np.maximum(total, TINY)[:, None]
    centre = (share[..., None] * means).sum(axis=1)
    apart = means - centre[:, None]
    spread = (share[..., None, None] * (spreads + apart[..., :, None] * apart[..., None, :])).sum(axis=1)
    faded = total < FADED
    centre[faded], spread[faded] = history.mean[k][faded], history.covariance[k][faded]
    return total, centre, symmetric(spread)


def _told(steps: Steps, at: int, after: tuple[Floats, Floats, Floats]) -> tuple[Floats, Floats, Floats, Floats]:
    """What the looks from k + 1 on tell of each mode's state then: the smoothed density over the predicted one.

    Where merged modes have moved a mean further than their covariance accounts for, the covariance is taken as so
    much smaller (`MOST_SIGMA`): a shift without precision would be blown up by every wider mode.
    As six independent measurements y = H (x - mixed) + noise of variance R: H (m, 6, 6), y (m, 6), R (m, 6), and log of
    the smoothed over the predicted probability of the mode, less that of y.
    """
    weight, mean, covariance = after
    inner = np.linalg.inv(steps.root[at])
    ratio, turn = np.linalg.eigh(symmetric(inner @ covariance @ inner.swapaxes(1, 2)))
    read = turn.swapaxes(1, 2) @ inner
    off = (read @ (mean - steps.mixed[at])[..., None])[..., 0]
    ratio = np.clip(np.minimum(ratio, 1.0 - (off / MOST_SIGMA) ** 2), LEAST_RATIO, MOST_RATIO)
    found = off / (1.0 - ratio)
    noise = ratio / (1.0 - ratio)
    log = np.log(np.maximum(weight, TINY)) - steps.mixed_log[at]
    log += 0.5 * (found**2 / (1.0 + noise) + np.log(1.0 + noise)).sum(axis=1)
    return read, found, noise, log


def _pairs(steps: Steps, at: int, told: tuple[Floats, Floats, Floats, Floats]) -> tuple[Floats, Floats, Floats]:
    """Each pair's state at k + 1 with what was told of it: log of its probability (m, m), mean, covariance."""
    read, found, noise, log = told
    prior, spread = steps.prior[at], steps.spread[at]
    seen = read[None] @ spread
    expected = seen @ read[None].swapaxes(-1, -2)
    expected[..., range(6), range(6)] += noise
    off = found[None] - (read[None] @ (prior - steps.mixed[at][None])[..., None])[..., 0]
    inverse = np.linalg.inv(expected)
    gain = seen.swapaxes(-1, -2) @ inverse
    square = (off[..., None, :] @ inverse @ off[..., None])[..., 0, 0]
    chance = steps.log[at] + log[None] - 0.5 * (square + np.linalg.slogdet(expected)[1])
    return chance, prior + (gain @ off[..., None])[..., 0], symmetric(spread - gain @ seen)


def moments(weight: Floats, mean: Floats, covariance: Floats) -> tuple[Floats, Floats]:
    """Mixtures (k, m), (k, m, 6), (k, m, 6, 6) as one Gaussian each: (k, 6), (k, 6, 6)."""
    centre = (weight[..., None] * mean).sum(axis=1)
    off = mean - centre[:, None]
    spread = (weight[..., None, None] * (covariance + off[..., :, None] * off[..., None, :])).sum(axis=1)
    return centre, symmetric(spread)


def symmetric(matrix: Floats) -> Floats:
    """The symmetric part of each of (…, n, n) matrices."""
    return np.asarray(0.5 * (matrix + matrix.swapaxes(-1, -2)))


def inverted(spread: Floats) -> Floats:
    """Inverses of covariances (n, 6, 6), by way of their correlations: m² and m²/s² differ by orders."""
    sigma = np.sqrt(np.diagonal(spread, axis1=1, axis2=2))
    both = sigma[:, :, None] * sigma[:, None, :]
    return symmetric(np.linalg.inv(spread / both) / both)
