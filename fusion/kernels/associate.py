"""Marginal association probabilities on the sparse graph of pairs: belief propagation, and small clusters outright.

Williams and Lau (2014), "Approximate evaluation of marginal association probabilities with belief propagation",
eqs. 20-24: messages converge for any graph. Each connected cluster stops by itself, so that what happens in one
corner of the sky does not change another's bits. A track whose detections are its own has a closed form; small
clusters of several tracks go to `clusters`. The twin in plain Python is `fusion.tracking.reference.associate`.
"""

from __future__ import annotations

import math

import numpy as np

from fusion.kernels.clusters import settle
from fusion.kernels.jit import apart, entry

TOLERANCE = 1e-9  # of the largest message change: far below what any decision looks at
MOST_RATIO = 1e50  # certain: six of them multiplied are still finite
MAX_SWEEPS = 300  # convergence is geometric; this many only where objects sit within a gate of each other


@apart
def _root(parent, i):  # type: ignore[no-untyped-def]
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@apart
def clusters(pair_track, pair_detection, tracks, detections):  # type: ignore[no-untyped-def]
    """Union-find over tracks and detections: (tracks + detections,) roots."""
    parent = np.arange(tracks + detections)
    for p in range(pair_track.size):
        a, b = _root(parent, pair_track[p]), _root(parent, tracks + pair_detection[p])
        if a != b:
            parent[max(a, b)] = min(a, b)
    for i in range(parent.size):
        parent[i] = _root(parent, i)
    return parent


@apart
def _beliefs(loopy, pair_track, pair_detection, ratio, to_track, to_detection, paired, missed, alone):  # type: ignore[no-untyped-def]
    """The marginals of those pairs, in `loopy`, between which messages were passed."""
    for p in loopy:
        missed[pair_track[p]], alone[pair_detection[p]] = 1.0, 1.0
    for p in loopy:
        missed[pair_track[p]] += ratio[p] * to_track[p]
        alone[pair_detection[p]] += to_detection[p]
    for p in loopy:
        value = ratio[p] * to_track[p] / missed[pair_track[p]]
        paired[p] = 0.0 if math.isnan(value) else value
    for p in loopy:  # the sign tells whose turn it has not been yet
        missed[pair_track[p]], alone[pair_detection[p]] = -abs(missed[pair_track[p]]), -abs(alone[pair_detection[p]])
    for p in loopy:
        if missed[pair_track[p]] < 0.0:
            missed[pair_track[p]] = -1.0 / missed[pair_track[p]]
        if alone[pair_detection[p]] < 0.0:
            alone[pair_detection[p]] = -1.0 / alone[pair_detection[p]]


@entry("void(i8[::1], i8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1], f8[::1])")
def associate(pair_track, pair_detection, pair_weight, miss_weight, alone_weight, paired, missed, alone):  # type: ignore[no-untyped-def]
    """Marginals of "track i made detection j", "track i was missed", "detection j belongs to no track".

    pair_weight: (pairs,), in any order.  miss_weight: (tracks,) > 0.  alone_weight: (detections,) > 0, of a false
    alarm or a new object.  Writes paired (pairs,), missed (tracks,), alone (detections,): for each track, paired
    and missed sum to 1.
    """
    pairs, tracks, detections = pair_track.size, miss_weight.size, alone_weight.size
    ratio = np.empty(pairs)
    for p in range(pairs):
        ratio[p] = min(pair_weight[p] / (miss_weight[pair_track[p]] * alone_weight[pair_detection[p]]), MOST_RATIO)
    to_track = np.ones(pairs)  # nu, detection -> track
    to_detection = np.zeros(pairs)  # mu, track -> detection
    root = clusters(pair_track, pair_detection, tracks, detections)
    loopy = settle(pair_track, pair_detection, ratio, root, tracks, detections, paired, missed, alone)
    change, live, left = np.empty(tracks + detections), loopy.copy(), loopy.size
    from_detections, from_tracks = np.empty(tracks), np.empty(detections)
    for _ in range(MAX_SWEEPS):
        for q in range(left):
            p = live[q]
            from_detections[pair_track[p]], from_tracks[pair_detection[p]] = 1.0, 1.0
            change[root[pair_track[p]]] = 0.0
        for q in range(left):
            p = live[q]
            from_detections[pair_track[p]] += ratio[p] * to_track[p]
        for q in range(left):
            p = live[q]
            to_detection[p] = ratio[p] / max(from_detections[pair_track[p]] - ratio[p] * to_track[p], 1.0)
            from_tracks[pair_detection[p]] += to_detection[p]
        for q in range(left):
            p = live[q]
            cluster = root[pair_track[p]]
            message = 1.0 / max(from_tracks[pair_detection[p]] - to_detection[p], 1.0)
            change[cluster] = max(change[cluster], abs(message - to_track[p]))
            to_track[p] = message
        busy = 0
        for q in range(left):  # a cluster's pairs stay, or leave, together
            if change[root[pair_track[live[q]]]] > TOLERANCE:
                live[busy] = live[q]
                busy += 1
        left = busy
        if left == 0:
            break
    _beliefs(loopy, pair_track, pair_detection, ratio, to_track, to_detection, paired, missed, alone)
