"""Association against enumeration of every joint event: small clusters, and belief propagation in larger ones."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.kernels.clusters import SHARPNESS
from fusion.tracking.compiled import CompiledEngine
from fusion.tracking.reference import ReferenceEngine

PRIMES = np.array([2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0, 23.0, 29.0, 31.0, 37.0, 41.0, 43.0, 47.0, 53.0])
WIDE, COMMON = st.floats(1e-3, 1e3), st.floats(0.1, 10.0)


@st.composite
def clusters(draw):
    """Up to 4 tracks and 4 detections."""
    tracks, detections = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    edges = draw(st.lists(st.sampled_from([*itertools.product(range(tracks), range(detections))]), unique=True))
    edges.sort()
    pair = draw(st.lists(COMMON, min_size=len(edges), max_size=len(edges)))
    miss = draw(st.lists(st.floats(0.1, 1.0), min_size=tracks, max_size=tracks))
    alone = draw(st.lists(COMMON, min_size=detections, max_size=detections))
    apart = np.exp(0.1 * np.sqrt(PRIMES[: len(edges)]))  # no two ways to pair weigh the same: either would do
    return edges, np.array(pair) * apart, np.array(miss), np.array(alone)


@st.composite
def chains(draw, cycles):
    """7 tracks and 7 detections in a row, too many to list; with `cycles`, up to 3 pairs across."""
    edges = [(i, i) for i in range(7)] + [(i, i + 1) for i in range(6)]
    if cycles:
        across = st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda edge: edge not in edges)
        edges += draw(st.lists(across, min_size=1, max_size=3, unique=True))
    edges.sort()
    weights = COMMON if cycles else WIDE
    pair = draw(st.lists(weights, min_size=len(edges), max_size=len(edges)))
    miss = draw(st.lists(st.floats(0.1 if cycles else 0.01, 1.0), min_size=7, max_size=7))
    alone = draw(st.lists(weights, min_size=7, max_size=7))
    return edges, np.array(pair), np.array(miss), np.array(alone)


def enumerated(edges, pair, miss, alone):
    """Marginals over every set of pairs in which no track and no detection stands twice."""
    total, paired = 0.0, np.zeros(len(edges))
    missed, lonely = np.zeros(len(miss)), np.zeros(len(alone))
    for size in range(min(len(miss), len(alone)) + 1):
        for chosen in itertools.combinations(range(len(edges)), size):
            used_tracks, used_detections = [edges[e][0] for e in chosen], [edges[e][1] for e in chosen]
            if len(set(used_tracks)) < size or len(set(used_detections)) < size:
                continue
            weight = np.prod([pair[e] for e in chosen])
            weight *= np.prod([w for i, w in enumerate(miss) if i not in used_tracks])
            weight *= np.prod([w for j, w in enumerate(alone) if j not in used_detections])
            total += weight
            paired[list(chosen)] += weight
            missed[[i for i in range(len(miss)) if i not in used_tracks]] += weight
            lonely[[j for j in range(len(alone)) if j not in used_detections]] += weight
    return paired / total, missed / total, lonely / total


def arrays(edges):
    return np.array([i for i, _ in edges], np.int64), np.array([j for _, j in edges], np.int64)


def connected(edges):
    """The pairs by cluster, by merging until nothing merges."""
    groups = [{edge} for edge in edges]
    merged = True
    while merged:
        merged = False
        for a, b in itertools.combinations(groups, 2):
            if any(i == k or j == m for i, j in a for k, m in b):
                a |= b
                groups.remove(b)
                merged = True
                break
    return [sorted(group) for group in groups]


def best_of_permutations(edges, pair, miss, alone):
    """P(pair) where for each set of tracks with each set of detections only the best permutation counts."""
    ratio = {edge: pair[k] / (miss[edge[0]] * alone[edge[1]]) for k, edge in enumerate(edges)}
    found = dict.fromkeys(edges, 0.0)
    for group in connected(edges):
        tracks, detections = sorted({i for i, _ in group}), sorted({j for _, j in group})
        events = []
        for size in range(min(len(tracks), len(detections)) + 1):
            for these, those in itertools.product(
                itertools.combinations(tracks, size), itertools.combinations(detections, size)
            ):
                ways = [list(zip(these, order, strict=True)) for order in itertools.permutations(those)]
                ways = [way for way in ways if all(one in ratio for one in way)]
                if ways:
                    events.append(
                        max(((np.prod([ratio[one] for one in way]), way) for way in ways), key=lambda w: w[0])
                    )
        power = SHARPNESS if len(tracks) > 1 else 1.0
        most = max(weight for weight, _ in events)
        total = sum((weight / most) ** power for weight, _ in events)
        for weight, way in events:
            for one in way:
                found[one] += (weight / most) ** power / total
    return np.array([found[edge] for edge in edges])


@pytest.mark.parametrize("engine", [CompiledEngine(), ReferenceEngine()], ids=["numba", "filterpy"])
@given(clusters())
def test_small_clusters_are_the_best_of_all_permutations(engine, cluster):
    edges, _, miss, alone = cluster
    paired, missed, lonely = engine.associate(arrays(edges), *cluster[1:])
    assert paired == pytest.approx(best_of_permutations(*cluster), abs=1e-6)
    rows, columns = arrays(edges)
    assert missed == pytest.approx(1.0 - np.bincount(rows, paired, len(miss)), abs=1e-6)
    assert lonely == pytest.approx(1.0 - np.bincount(columns, paired, len(alone)), abs=1e-6)


@pytest.mark.parametrize("engine", [CompiledEngine(), ReferenceEngine()], ids=["numba", "filterpy"])
@settings(max_examples=20)
@given(chains(cycles=False))
def test_belief_propagation_is_exact_where_the_graph_has_no_cycle(engine, cluster):
    edges, pair, miss, alone = cluster
    found = engine.associate(arrays(edges), pair, miss, alone)
    for ours, exact in zip(found, enumerated(*cluster), strict=True):
        assert ours == pytest.approx(exact, abs=1e-6)


@settings(max_examples=30)
@given(chains(cycles=True))
def test_belief_propagation_is_near_enumeration_and_both_engines_agree_on_larger_clusters(cluster):
    edges, pair, miss, alone = cluster
    found = CompiledEngine().associate(arrays(edges), pair, miss, alone)
    twin = ReferenceEngine().associate(arrays(edges), pair, miss, alone)
    exact = enumerated(*cluster)
    for ours, theirs, truth in zip(found, twin, exact, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-6)
        # Where hardly anything may be missed or false, loopy propagation overstates certainty (Williams and Lau
        # 2014, section VI).
        assert ours == pytest.approx(truth, abs=0.35)
    paired, missed, _ = found
    assert np.bincount(arrays(edges)[0], paired, len(miss)) + missed == pytest.approx(1.0)


def test_tracks_that_share_all_detections_do_not_coalesce():
    """Two tracks, two detections, each nearer to its own: marginals of all hypotheses would be nearly even."""
    pairs = np.array([0, 0, 1, 1], np.int64), np.array([0, 1, 0, 1], np.int64)
    pair, miss, alone = np.array([100.0, 80.0, 80.0, 100.0]), np.array([0.1, 0.1]), np.array([0.01, 0.01])
    paired, _, _ = CompiledEngine().associate(pairs, pair, miss, alone)
    assert paired[0] > 0.99
    assert paired[3] > 0.99


def test_a_distant_cluster_does_not_change_a_bit():
    pairs = np.array([0, 0, 1, 1], np.int64), np.array([0, 1, 0, 1], np.int64)
    pair, miss, alone = np.array([3.0, 1.0, 2.0, 5.0]), np.array([0.1, 0.2]), np.array([1.0, 2.0])
    near = CompiledEngine().associate(pairs, pair, miss, alone)
    more = np.array([*pairs[0], 2, 2, 3]), np.array([*pairs[1], 2, 3, 3])
    both = CompiledEngine().associate(
        more, np.array([*pair, 9.0, 8.0, 7.0]), np.array([*miss, 0.01, 0.02]), np.array([*alone, 0.1, 0.1])
    )
    assert (both[0][:4] == near[0]).all()
    assert (both[1][:2] == near[1]).all()
    assert (both[2][:2] == near[2]).all()
