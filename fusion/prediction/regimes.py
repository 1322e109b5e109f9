"""How objects hold their height, over the minutes of a look-ahead: level, or in a climb or descent.

The tracker's modes carry one climb rate that relaxes within a minute: over the seconds between two looks that is all
there is to know. Over minutes it would let every level flight wander by a kilometre and more. So for the predicted
path each motion mode comes twice: in level flight, where what climb rate is left dies out within seconds, and in a
climb, which goes on as the tracker has it. Both change with the mode chain. Which of the two a track is in now follows
from its climb rate and that rate's variance.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from fusion.tracking.motion import CLIMB_SIGMA, CLIMB_TIME, Motions
from fusion.types import Floats

CLIMBING: Final = 0.2  # of the time: a climb or descent of a minute or two in each ten minutes
LEVEL_SIGMA_MPS: Final = 1.0  # of the climb rate in level flight: gusts, and how well heights are held
LEVEL_TIME_S: Final = 10.0  # in which a pilot or an autopilot makes level flight of it


def ahead(motions: Motions) -> Motions:
    """The modes of the predicted path: those of `motions` in level flight, then the same in a climb."""
    level, climb = motions.parameters.copy(), motions.parameters
    level[:, CLIMB_SIGMA] = np.minimum(LEVEL_SIGMA_MPS, level[:, CLIMB_SIGMA])
    level[:, CLIMB_TIME] = LEVEL_TIME_S
    return replace(
        motions,
        names=motions.names + motions.names,
        prior=np.concatenate([(1.0 - CLIMBING) * motions.prior, CLIMBING * motions.prior]),
        parameters=np.concatenate([level, climb]),
    )


def split(
    motions: Motions, up: Floats, weight: Floats, mean: Floats, covariance: Floats
) -> tuple[Floats, Floats, Floats]:
    """One track's modes as `ahead` has them: (2 m,), (2 m, 6), (2 m, 6, 6).

    motions: the tracker's.  up: (3,), the vertical at the track.  weight: (m,), mean: (m, 6), covariance: (m, 6, 6),
    in the plane. Each mode is shared out by the likelihoods of its climb rate in the two regimes.
    """
    climbs = np.empty(len(weight))
    for i in range(len(weight)):
        rate = sum(float(mean[i, 3 + a] * up[a]) for a in range(3))
        variance = sum(float(covariance[i, 3 + a, 3 + b] * up[a] * up[b]) for a in range(3) for b in range(3))
        sigma = float(motions.parameters[i, CLIMB_SIGMA])
        level = (1.0 - CLIMBING) * _density(rate, min(LEVEL_SIGMA_MPS, sigma) ** 2 + variance)
        climb = CLIMBING * _density(rate, sigma**2 + variance)
        climbs[i] = climb / (level + climb) if level + climb > 0.0 else 1.0  # far beyond both: surely no level flight
    shares = np.concatenate([weight * (1.0 - climbs), weight * climbs])
    return shares, np.concatenate([mean, mean]), np.concatenate([covariance, covariance])


def _density(rate: float, variance: float) -> float:
    return math.exp(-0.5 * rate * rate / variance) / math.sqrt(variance)
