"""Fixed points at which the future of a track is sampled: the same for every track and at every time, so that an
answer is repeatable and moves smoothly with its inputs.

Latin hypercubes (McKay, Beckman and Conover 1979): each column holds the midpoints of `count` equal slices in an order
of its own. Lattices and scrambled Sobol points were tried too, and were not better: whether a path enters depends on
too many of its turns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from fusion.prediction.sobol import sobol
from fusion.types import Floats

SEED = 7  # of the orders: the best of 1 to 24 by the error of the probability on 60 random tracks and zones
JUMPS = 32  # changes of mode that have their own columns; later ones of the same path use these again
SLICES = 4096  # of the normal distribution that hashed deviates are drawn from: twelve bits choose one
NORMAL_DIGITS = 12  # to which normal deviates are rounded: `ndtri` may differ in the last bits between machines


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """s paths of k steps.

    mode: (s,) uniform, chooses the first mode.  state: (s, 6) normal.  wait: (s, JUMPS) unit exponential, and jump:
    (s, JUMPS) uniform, choose the changes of mode.  noise: (s, k, 6) normal: of each step, what drives the velocity
    east and north, what is left for the position east and north, and the same two for the height.
    """

    mode: Floats
    state: Floats
    wait: Floats
    jump: Floats
    noise: Floats

    def __len__(self) -> int:
        return len(self.mode)


@cache
def samples(count: int, steps: int) -> Samples:
    """The fixed points, built on first use (some 0.1 s for the largest) and kept."""
    from scipy.special import ndtri

    source = np.random.PCG64(SEED)  # its raw stream is promised to stay as it is; numpy's distributions are not
    mode, state, wait, jump = np.split(_columns(source, count, 7 + 2 * JUMPS), (1, 7, 7 + JUMPS), axis=1)
    noise = _columns(source, count, 6 * steps).reshape(count, steps, 6)
    return Samples(
        mode=mode[:, 0].copy(),
        state=_rounded(ndtri(state)),
        wait=_rounded(-np.log1p(-wait)),
        jump=np.ascontiguousarray(jump),
        noise=_rounded(ndtri(noise)),
    )


def _rounded(values: Floats) -> Floats:
    return np.ascontiguousarray(np.round(values, NORMAL_DIGITS))


def _columns(source: np.random.PCG64, count: int, columns: int) -> Floats:
    raw = np.asarray(source.random_raw(count * columns)).reshape(columns, count)
    order = np.argsort(raw, axis=1, kind="stable")
    return (order.T + 0.5) / count


CHANGES = 4  # of mode, that have columns of their own; what comes later decides little, and is hashed


@cache
def leading(count: int) -> Floats:
    """The deviates that decide most of each of `count` paths, as `fusion.kernels.entries` has them: (count, 33)."""
    from scipy.special import ndtri

    uniform = sobol(count, 9 + 6 * CHANGES, np.random.PCG64(SEED))
    out = _rounded(ndtri(uniform))
    out[:, 0] = uniform[:, 0]
    out[:, 9::6], out[:, 10::6] = _rounded(-np.log1p(-uniform[:, 9::6])), uniform[:, 10::6]
    return out


@cache
def normals() -> Floats:
    """The midpoints of `SLICES` equal slices of the normal distribution, scaled to a variance of 1."""
    from scipy.special import ndtri

    middle = ndtri((np.arange(SLICES) + 0.5) / SLICES)
    return _rounded(middle / np.sqrt((middle * middle).sum() / SLICES))
