"""Small clusters of tracks and detections by listing every joint event: the readable twin of `kernels.clusters`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

from fusion.kernels.clusters import MOST_MEMBERS, MOST_TRACKS, SHARPNESS

Pair = tuple[int, int]  # track, detection


def clusters(edges: list[Pair]) -> list[list[Pair]]:
    """The pairs, cluster by cluster: those that share a track or a detection, directly or through others."""
    found: list[list[Pair]] = []
    for edge in edges:
        near = [one for one in found if any(edge[0] == i or edge[1] == j for i, j in one)]
        found = [one for one in found if one not in near] + [[*itertools.chain(*near), edge]]
    return found


def is_small(cluster: list[Pair]) -> bool:
    """Whether its hypotheses are listed: several tracks, and not too many members."""
    tracks, detections = (len(set(side)) for side in zip(*cluster, strict=True))
    return 2 <= tracks <= MOST_TRACKS and tracks + detections <= MOST_MEMBERS


def marginals(cluster: list[Pair], ratio: Mapping[Pair, float]) -> dict[Pair, float]:
    """P(pair) of one cluster, by JPDA* (Blom and Bloem 2000) of sharpened weights.

    ratio: the weight of each pair by that of both its members being without one.
    """
    best: dict[tuple[frozenset[int], frozenset[int]], tuple[float, tuple[Pair, ...]]] = {}
    for event in _events(cluster):
        weight = 1.0
        for pair in event:
            weight *= ratio[pair]
        sets = frozenset(i for i, _ in event), frozenset(j for _, j in event)
        if sets not in best or weight > best[sets][0]:
            best[sets] = weight, event
    most = max(weight for weight, _ in best.values())
    shares = [((weight / most) ** SHARPNESS, event) for weight, event in best.values()]
    total = sum(share for share, _ in shares)
    return {pair: sum(share for share, event in shares if pair in event) / total for pair in cluster}


def _events(cluster: list[Pair]) -> Iterator[tuple[Pair, ...]]:
    """Every set of pairs in which no track and no detection stands twice."""
    if not cluster:
        yield ()
        return
    (track, detection), rest = cluster[0], cluster[1:]
    yield from _events(rest)
    for event in _events([(i, j) for i, j in rest if i != track and j != detection]):
        yield ((track, detection), *event)
