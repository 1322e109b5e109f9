"""Small clusters of tracks and detections, hypothesis by hypothesis, where belief propagation would blur.

For each set of detected tracks and each set of their detections only the most likely way to pair them counts: JPDA*,
Blom and Bloem (2000), "Probabilistic data association avoiding track coalescence", section 4. Tracks that are closer
than their gates then stay apart, where all ways to exchange their detections would draw them together. The best ways
for all pairs of sets follow from each other (Held and Karp 1962), a track at a time, without listing permutations.
"""

from __future__ import annotations

import numpy as np

from fusion.kernels.jit import apart

# Between the mean of all hypotheses (1) and the best alone (infinity): a wrong choice shows itself within a few
# looks, a blurred one does not. 2 measured best of 1, 2, 2.5, 3, 4 and 30 (docs/measured.md).
SHARPNESS = 2.0
MOST_TRACKS, MOST_MEMBERS = 6, 12  # of a cluster: tracks, and tracks and detections together; 4096 pairs of sets
LEAST_WEIGHT = 1e-9  # by the best hypothesis: what is less likely decides nothing


@apart
def _count(mask):  # type: ignore[no-untyped-def]
    members = 0
    while mask:
        mask &= mask - 1
        members += 1
    return members


@apart
def _last(mask):  # type: ignore[no-untyped-def]
    place = -1
    while mask:
        mask >>= 1
        place += 1
    return place


@apart
def _fill(ratio, edge, best, choice):  # type: ignore[no-untyped-def]
    """Weight of the best pairing of each set of tracks with each set of detections; returns the largest."""
    n, m = ratio.shape
    width, most = 1 << m, 1.0
    best[: width << n] = 0.0
    best[0] = 1.0
    for tracks in range(1, 1 << n):
        last, members = _last(tracks), _count(tracks)
        before = (tracks ^ (1 << last)) * width
        for used in range(1, width):
            if _count(used) != members:
                continue
            top = 0.0
            for j in range(m):
                if used >> j & 1 and edge[last, j] >= 0:
                    value = best[before + (used ^ (1 << j))] * ratio[last, j]
                    if value > top:
                        top, choice[tracks * width + used] = value, j
            best[tracks * width + used] = top
            most = max(most, top)
    return most


@apart
def solve(ratio, edge, best, choice, paired, missed):  # type: ignore[no-untyped-def]
    """Marginals of one cluster.

    ratio: (n, m) weight of each pair by the weight of both being without one.  edge: (n, m) the pair's place in
    `paired`, -1 where there is none.  best, choice: scratch of at least 2^(n + m).  Writes `paired` at its edges, and
    `missed` (n,).
    """
    n, m = ratio.shape
    width = 1 << m
    most = _fill(ratio, edge, best, choice)
    for i in range(n):
        for j in range(m):
            if edge[i, j] >= 0:
                paired[edge[i, j]] = 0.0
    total = 0.0
    for tracks in range(1 << n):
        for used in range(width):
            weight = best[tracks * width + used] / most
            if weight < LEAST_WEIGHT:
                continue
            weight = weight**SHARPNESS
            total += weight
            left, free = tracks, used
            while left:
                last = _last(left)
                j = choice[left * width + free]
                paired[edge[last, j]] += weight
                left ^= 1 << last
                free ^= 1 << j
    for i in range(n):
        seen = 0.0
        for j in range(m):
            if edge[i, j] >= 0:
                paired[edge[i, j]] /= total
                seen += paired[edge[i, j]]
        missed[i] = max(1.0 - seen, 0.0)


@apart
def _alone_with_its_own(first, last, pairs, pair_track, pair_detection, ratio, paired, missed, alone):  # type: ignore[no-untyped-def]
    """One track, and detections that no other track wants: Bayes' rule."""
    total = 1.0
    for q in range(first, last):
        total += ratio[pairs[q]]
    for q in range(first, last):
        p = pairs[q]
        paired[p] = ratio[p] / total
        alone[pair_detection[p]] = 1.0 - paired[p]
    missed[pair_track[pairs[first]]] = 1.0 / total


@apart
def _listed(first, last, n, m, pairs, place, pair_track, pair_detection, tracks, ratio, paired, missed, alone):  # type: ignore[no-untyped-def]
    """One small cluster of n tracks and m detections. place: (tracks + detections,) of each in its cluster."""
    weight, edge, none = np.zeros((n, m)), np.full((n, m), -1), np.empty(n)
    for q in range(first, last):
        p = pairs[q]
        a, b = place[pair_track[p]], place[tracks + pair_detection[p]]
        weight[a, b], edge[a, b] = ratio[p], p
    solve(weight, edge, np.empty(1 << (n + m)), np.empty(1 << (n + m), np.int64), paired, none)
    for q in range(first, last):
        p = pairs[q]
        missed[pair_track[p]] = none[place[pair_track[p]]]
        alone[pair_detection[p]] = 1.0
    for q in range(first, last):
        p = pairs[q]
        alone[pair_detection[p]] = max(alone[pair_detection[p]] - paired[p], 0.0)


@apart
def settle(pair_track, pair_detection, ratio, root, tracks, detections, paired, missed, alone):  # type: ignore[no-untyped-def]
    """Solve every cluster of one track, and every small one of several; returns the pairs of all others.

    root: (tracks + detections,) the cluster of each, named by its first track.  Who is in no pair is `missed`, or
    `alone`, for certain.
    """
    missed[:], alone[:] = 1.0, 1.0
    rows, columns, place = np.zeros(tracks, np.int64), np.zeros(tracks, np.int64), np.empty(root.size, np.int64)
    for i in range(tracks):
        place[i] = rows[root[i]]
        rows[root[i]] += 1
    for j in range(detections):
        r = root[tracks + j]
        if r < tracks:
            place[tracks + j] = columns[r]
            columns[r] += 1
    start = np.zeros(tracks + 1, np.int64)
    for p in range(ratio.size):
        start[root[pair_track[p]] + 1] += 1
    for r in range(tracks):
        start[r + 1] += start[r]
    free, pairs = start[:-1].copy(), np.empty(ratio.size, np.int64)
    for p in range(ratio.size):
        r = root[pair_track[p]]
        pairs[free[r]] = p
        free[r] += 1
    others, count = np.empty(ratio.size, np.int64), 0
    for r in range(tracks):
        first, last, n, m = start[r], start[r + 1], rows[r], columns[r]
        if first == last:
            continue
        if n == 1:
            _alone_with_its_own(first, last, pairs, pair_track, pair_detection, ratio, paired, missed, alone)
        elif n <= MOST_TRACKS and n + m <= MOST_MEMBERS:
            _listed(first, last, n, m, pairs, place, pair_track, pair_detection, tracks, ratio, paired, missed, alone)
        else:
            for q in range(first, last):
                others[count] = pairs[q]
                count += 1
    return others[:count]
