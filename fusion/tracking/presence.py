"""Whether each track exists and can be seen, carried through one look. The loops are in `kernels.presence`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fusion.tracking.engine import Evaluated
from fusion.tracking.sensors import Look
from fusion.tracking.tracks import TrackStore
from fusion.types import Floats, Ints

NONE = np.empty(0)


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """What association starts from. by_mode: (pairs, m) mode probabilities given each pair. pair: (pairs,), miss:
    (rows,)."""

    by_mode: Floats
    pair: Floats
    miss: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """What a look leaves of its rows. miss_share: (rows,) and pair_share: (pairs,), mixture weights of the state.

    hit, expected: (rows,) P(detected), and what it was to be before the look. unclaimed: (detections,) P(no confirmed
    track made it).
    """

    miss_share: Floats
    pair_share: Floats
    hit: Floats
    expected: Floats
    unclaimed: Floats


def age(look: Look, store: TrackStore, rows: Ints, until_ns: Ints, survival_s: float) -> None:
    """Carry existence and visibility to the times of the look, before the states are."""
    from fusion.kernels.presence import age

    station = look.station
    age(
        rows, until_ns, store.time_ns, store.existence, store.visible, store.looked_ns, station.index,
        station.visible_share, station.blind_time_s, survival_s,
    )  # fmt: skip


def weigh(
    look: Look, store: TrackStore, rows: Ints, place: Ints, evaluated: Evaluated, swept: Floats, agreement: Floats
) -> Weights:
    """agreement: (pairs,) by how much less likely a pair is for its addresses, or none."""
    from fusion.kernels.presence import weigh

    log = evaluated.log_likelihood
    found = Weights(np.empty(log.shape), np.empty(len(log)), np.empty(len(rows)))
    weigh(
        rows, place, log, agreement, store.weight, store.existence, store.visible, look.station.index,
        look.station.config.detection_probability, swept, found.by_mode, found.pair, found.miss,
    )  # fmt: skip
    return found


def believe(
    look: Look, store: TrackStore, rows: Ints, pairs: tuple[Ints, Ints], paired: Floats, missed: Floats, miss: Floats,
    swept: Floats,
) -> Belief:  # fmt: skip
    """Existence and visibility after the look, in place; `missed` is used up. A look of directions: `witness`."""
    from fusion.kernels.presence import believe

    n = len(rows)
    found = Belief(np.empty(n), np.empty(len(paired)), np.empty(n), np.empty(n), np.empty(len(look.frame.values)))
    believe(
        rows, pairs[0], pairs[1], paired, missed, miss, swept, look.station.index,
        look.station.config.detection_probability, store.status, store.existence,
        store.visible, found.miss_share, found.pair_share, found.hit, found.expected, found.unclaimed,
    )  # fmt: skip
    return found


def remember(look: Look, store: TrackStore, rows: Ints, belief: Belief, swept: Floats) -> None:
    """Times, hits, what is owed, and whether a track has moved, in place."""
    from fusion.kernels.presence import remember

    remember(
        rows, belief.hit, belief.expected, swept, look.station.index, look.frame.time_ns, store.time_ns, store.weight,
        store.mean, store.covariance, store.birthplace, store.owed, store.hits, store.updated_ns, store.covered_ns,
        store.hit_ns, store.moved,
    )  # fmt: skip
