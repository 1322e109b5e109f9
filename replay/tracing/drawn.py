"""Whole paths drawn from what is known of a track: for what a curve of means and sigmas cannot tell.

Backward simulation (Carter and Kohn 1994; Godsill, Doucet and West 2004, algorithm 1) for the switching model: the last
state is drawn from the tracker's own, each earlier one given that after it, mode and state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from fusion.tracking.motion import Motions
from fusion.types import SECOND_NS, Floats, Ints
from replay.tracing.history import History
from replay.tracing.smoother import AT_ONCE, TINY, Progress, Steps, inverted, steps_of, symmetric

PATHS: Final = 400  # a probability of 0.5 is within 0.025
SEED: Final = 20120  # of the draws: any will do, the same each time
STREAM: Final = 7  # uniform deviates of one step of one path: a mode, six coordinates


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """s paths: states (s, k, 6) in the plane at the instants times_ns (k,)."""

    times_ns: Ints
    state: Floats

    def at(self, times_ns: Ints) -> Floats:
        """Positions (s, n, 3) of every path at times within the instants."""
        before, u, span_s = self._between(times_ns)
        one, two = self.state[:, before], self.state[:, np.minimum(before + 1, len(self.times_ns) - 1)]
        return _curve(one, two, u[:, None], span_s[:, None])

    def points(self, rows: Ints, times_ns: Ints) -> Floats:
        """Positions (n, 3) of the paths `rows`, each at its own time."""
        before, u, span_s = self._between(times_ns)
        one, two = self.state[rows, before], self.state[rows, np.minimum(before + 1, len(self.times_ns) - 1)]
        return _curve(one, two, u[:, None], span_s[:, None])

    def _between(self, times_ns: Ints) -> tuple[Ints, Floats, Floats]:
        """The instant before each time, the part of the way from it to the next, and how long that is, s."""
        own = self.times_ns
        before = np.clip(np.searchsorted(own, times_ns, side="right") - 1, 0, max(len(own) - 2, 0))
        span_ns = np.maximum(own[np.minimum(before + 1, len(own) - 1)] - own[before], 1)
        return before, (times_ns - own[before]) / span_ns, span_ns / SECOND_NS


def _curve(one: Floats, two: Floats, u: Floats, span_s: Floats) -> Floats:
    """Between states (…, 6), cubic with their velocities at both ends (Hermite): (…, 3)."""
    rise = u * u * (3.0 - 2.0 * u)
    bend = u * (1.0 - u) * span_s * ((1.0 - u) * one[..., 3:] - u * two[..., 3:])
    return np.asarray(one[..., :3] + rise * (two[..., :3] - one[..., :3]) + bend)


def draw(
    history: History, motions: Motions, earth: Floats, count: int = PATHS, progress: Progress | None = None
) -> Drawn:
    """Draw `count` paths. earth: of `fusion.tracking.engine.Setting`."""
    from scipy.special import ndtri

    rng = np.random.Generator(np.random.PCG64(SEED))
    total = len(history.times_ns)
    state = np.empty((count, total, 6))
    uniform = rng.random((count, STREAM))
    mode = _chosen(np.broadcast_to(history.weight[-1], (count, len(history.weight[-1]))), uniform[:, 0])
    root = rooted(history.covariance[-1])
    state[:, -1] = history.mean[-1][mode] + (root[mode] @ ndtri(uniform[:, 1:])[..., None])[..., 0]
    for end in range(total - 1, 0, -AT_ONCE):
        begin = max(end - AT_ONCE, 0)
        steps = steps_of(history, motions, earth, begin, end)
        shape = steps.spread.shape
        inverse = inverted(steps.spread.reshape(-1, 6, 6)).reshape(shape)
        log = steps.log - 0.5 * np.linalg.slogdet(steps.spread)[1]
        roots = rooted(steps.left.reshape(-1, 6, 6)).reshape(shape)
        for k in range(end - 1, begin - 1, -1):
            uniform = rng.random((count, STREAM))
            parts = steps, inverse[k - begin], log[k - begin], roots[k - begin]
            mode, state[:, k] = _earlier(history, parts, k, k - begin, mode, state[:, k + 1], uniform, ndtri(uniform))
        if progress is not None:
            progress(total - begin, total)
    return Drawn(history.times_ns, state)


def _earlier(
    history: History, parts: tuple[Steps, Floats, Floats, Floats], k: int, at: int, mode: Ints, after: Floats,
    uniform: Floats, normal: Floats,
) -> tuple[Ints, Floats]:  # fmt: skip
    """Each path's mode (s,) and state (s, 6) at instant k, given those at k + 1."""
    steps, inverse, log, roots = parts
    off = after[:, None] - steps.prior[at].swapaxes(0, 1)[mode]  # (s, m before, 6)
    turned = (inverse.swapaxes(0, 1)[mode] @ off[..., None])[..., 0]
    chance = log.T[mode] - 0.5 * (off * turned).sum(axis=2)
    chance = np.exp(chance - chance.max(axis=1, keepdims=True))
    before = _chosen(chance / chance.sum(axis=1, keepdims=True), uniform[:, 0])
    every = np.arange(len(mode))
    moved = (steps.gain[at][before, mode] @ off[every, before][..., None])[..., 0]
    noise = (roots[before, mode] @ normal[:, 1:, None])[..., 0]
    return before, history.mean[k][before] + moved + noise


def _chosen(share: Floats, uniform: Floats) -> Ints:
    """One of m by its probability, (s, m), and a uniform deviate, (s,): (s,)."""
    total = np.cumsum(share, axis=1)
    found = (total < uniform[:, None] * np.maximum(total[:, -1:], TINY)).sum(axis=1)
    return np.asarray(np.minimum(found, share.shape[1] - 1), np.int64)


def rooted(spread: Floats) -> Floats:
    """A root R of each covariance (n, 6, 6), R Rᵀ = P, of one that rounding has left without some of its rank too."""
    value, vector = np.linalg.eigh(symmetric(spread))
    return np.asarray(vector * np.sqrt(np.maximum(value, 0.0))[:, None, :])
