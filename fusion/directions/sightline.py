"""One look at the tracks whose range is not known: every step of the recursion, hypothesis by hypothesis.

The density of such a track is Σ_h w_h Σ_m μ_hm N(x; m_hm, P_hm) over its range hypotheses h and its motion modes m.
Mixing and prediction go by hypothesis; a pair's likelihood is Σ_h w_h Σ_m μ_hm N(z; …). What follows from a hypothesis
and a pair, or from it and a miss, is a hypothesis again, with a share by Bayes.
"""

from __future__ import annotations

import numpy as np

from fusion.directions.lines import Lines
from fusion.tracking.engine import Engine, Evaluated, Setting
from fusion.tracking.presence import Weights
from fusion.tracking.sensors import Look
from fusion.tracking.tracks import TrackStore
from fusion.types import Floats, Ints

TINY = 1e-300  # keeps 0 / 0 at 0
FADED = 1e-12  # no motion mode is ruled out
HIT_SHARE = 0.5  # a line was detected when that is more likely than not
MOST_SWEEPS, SETTLED = 60, 0.01  # of the scaling, and the relative change that ends it: it decides nothing by itself


class Sightline:
    """Walks with one look through the tracker's steps, each method after the one above it; l lines, h hypotheses."""

    def __init__(self, lines: Lines, engine: Engine, setting: Setting, look: Look, store: TrackStore) -> None:
        self._lines, self._engine, self._setting, self._look, self._store = lines, engine, setting, look, store
        self._rows = lines.rows(store)  # (l,) of the store
        lines.split(look.placement.position)
        self._owner = np.repeat(np.arange(len(self._rows)), lines.count)  # (h,) which line

    @classmethod
    def of(cls, lines: Lines, engine: Engine, setting: Setting, look: Look, store: TrackStore) -> Sightline | None:
        """None where there is no line."""
        return cls(lines, engine, setting, look, store) if len(lines.id) else None

    def gate(
        self, rows: Ints, pairs: tuple[Ints, Ints], reference_ns: Ints, gate_sigma: float
    ) -> tuple[Ints, tuple[Ints, Ints], Ints]:
        """Rows, pairs and times of the look as `candidates` gives them, those of lines by their hypotheses instead."""
        from fusion.kernels.candidates import candidates

        look, owner = self._look, self._owner
        frame, store, n = look.frame, self._lines.hypotheses, self._lines.hypotheses.size
        reached, when_ns, place, self._detection = candidates(
            look.station.codes, frame.values, frame.sigmas, frame.times_ns, frame.time_ns, look.placement.position,
            look.placement.axes, self._setting.earth, look.box, store.time_ns[:n], store.weight[:n], store.mean[:n],
            store.covariance[:n], store.outline[:n], self._setting.motions.parameters, gate_sigma,
        )  # fmt: skip
        self._hypothesis = reached[place]
        # The look's time for a line is that of its likeliest hypothesis, of those with a candidate if there are any.
        order = np.lexsort((store.existence[reached], np.bincount(place, minlength=len(reached)) > 0))
        line_ns = np.full(len(self._rows), frame.time_ns)
        line_ns[owner[reached[order]]] = when_ns[order]
        met, others = np.unique(owner[reached]), ~np.isin(rows, self._rows)
        every = np.concatenate([rows[others], self._rows[met]])
        time_ns = np.concatenate([reference_ns[others], line_ns[met]])
        width, kept = max(len(frame.values), 1), others[pairs[0]]
        mine = np.unique(self._rows[owner[self._hypothesis]] * width + self._detection)
        keys = np.sort(np.concatenate([rows[pairs[0][kept]] * width + pairs[1][kept], mine]))
        order = np.argsort(every)
        every, time_ns = every[order], time_ns[order]
        return every, (np.searchsorted(every, keys // width), keys % width), time_ns

    def predict(self, rows: Ints, reference_ns: Ints, swept: Floats) -> None:
        """Advance the hypotheses of the lines among `rows`; writes their places in the store and in `swept`."""
        from fusion.kernels.evaluate import inside

        store, look = self._lines.hypotheses, self._look
        self._place = place = np.minimum(np.searchsorted(rows, self._rows), max(len(rows) - 1, 0))
        self._met = rows[place] == self._rows if len(rows) else np.zeros(len(self._rows), bool)
        self._look_rows = rows
        mine = np.flatnonzero(self._met[self._owner])
        self._engine.predict(self._setting, store, mine, reference_ns[place[self._owner[mine]]])
        within = np.zeros(len(mine))
        inside(
            mine, look.box, look.placement.position, look.placement.axes, self._setting.earth, store.weight,
            store.mean, store.covariance, within,
        )  # fmt: skip
        self._swept = np.zeros(store.size)
        self._swept[mine] = within
        share = np.bincount(self._owner[mine], store.existence[mine] * within, len(self._rows))
        swept[place[self._met]] = share[self._met]
        self._summarise()

    def evaluate(self, pairs: tuple[Ints, Ints], evaluated: Evaluated) -> None:
        """Write the lines' pairs into `evaluated`: likelihood and moments over their hypotheses."""
        from fusion.kernels.blend import blend, fits, logs

        store, look = self._lines.hypotheses, self._look
        width = max(len(look.frame.values), 1)
        wanted = self._place[self._owner[self._hypothesis]] * width + self._detection
        self._pair = np.searchsorted(pairs[0] * width + pairs[1], wanted)
        k, self._pairs = self._hypothesis, (self._hypothesis, self._detection)
        self._evaluated = out = self._engine.iterate(
            self._setting, store, np.arange(store.size), self._pairs, look.station.codes, look.frame, look.placement
        )
        fit, self._joint = np.empty(len(k)), np.empty(out.log_likelihood.shape)
        fits(k, store.existence, store.weight, out.log_likelihood, fit, self._joint)
        order = np.argsort(self._pair, kind="stable")
        mine, first = np.unique(self._pair[order], return_index=True)
        n, m = len(mine), store.weight.shape[1]
        total, log, mean, covariance = np.empty((n, m)), np.empty((n, m)), np.empty((n, m, 6)), np.empty((n, m, 6, 6))
        blend(
            np.append(first, len(order)), self._joint[order], out.mean[order], out.covariance[order], total, mean,
            covariance,
        )  # fmt: skip
        logs(self._look_rows[pairs[0][mine]], total, self._store.weight, log)
        evaluated.log_likelihood[mine], evaluated.mean[mine], evaluated.covariance[mine] = log, mean, covariance
        best = np.maximum.reduceat(fit[order], first) if len(first) else fit
        self._edge = np.ones(len(pairs[0]))
        self._edge[mine] = best / np.maximum(total.sum(axis=1), TINY)

    def claim(self, pairs: tuple[Ints, Ints], weights: Weights, alone_weight: Floats, swept: Floats) -> None:
        """Each line's P(missed), (rows,), and P(pair), (pairs,), given that it exists: they sum to 1.

        A pair counts by how far no other track claims the detection, if each of a line's ways to take one were as
        likely as any other. Where two lines can cross two others in two ways, every look tells anew that each
        detection has one origin; marginals forget that they were conditional on just that, and would choose one way
        within a few looks, for no reason. Which way it is shows in how the crossings move.
        """
        rows, sensor, place = self._look_rows, self._look.station, pairs[0]
        self._seen = sensor.config.detection_probability * self._store.visible[rows, sensor.index]
        unseen = self._store.existence[rows] * (1.0 - self._seen * swept) / weights.miss
        ratio = weights.pair / (weights.miss[place] * alone_weight[pairs[1]])
        # A line that may well be there is there for whatever it fits: nothing else begins on it.
        mine = np.zeros(len(rows), bool)
        mine[self._place[self._met]] = True
        sure = mine / np.maximum(unseen, TINY) + ~mine
        _, self._alone = _scaled(pairs, ratio * sure[place], len(rows), len(alone_weight))
        even = ratio * self._edge
        missed, _ = _scaled(pairs, even, len(rows), len(alone_weight))
        claim = even * missed[place]
        ratio /= 1.0 + np.maximum(np.bincount(pairs[1], claim, len(alone_weight))[pairs[1]] - claim, 0.0)
        left = np.maximum(unseen + np.bincount(place, ratio, len(rows)), TINY)
        self._miss_share, self._pair_share, self._share_swept = unseen / left, ratio / left[place], swept

    def spare(self, alone: Floats) -> Floats:
        """P(belongs to no track), (detections,), for what may begin a line."""
        return np.minimum(alone, self._alone)

    def reduce(self) -> None:
        """What follows from each hypothesis and each of its pairs is a hypothesis of its own.

        Merging "missed" into "detected" would make each of them as long as it was before, for the sake of a share of
        a hundredth.
        """
        if not self._met.any():
            return
        store, owner, place, lines = self._lines.hypotheses, self._owner, self._place, self._lines
        miss_share, pair_share, swept = self._miss_share, self._pair_share, self._share_swept
        n = store.size
        k, of = self._pairs[0], self._met[owner]
        at = np.where(of, place[owner], 0)
        inside = (1.0 - self._seen[at] * self._swept) / np.maximum(1.0 - self._seen[at] * swept[at], TINY)
        missed = np.where(of, miss_share[at] * inside, 1.0) * store.existence[:n]
        fit = self._joint.sum(axis=1)
        every = np.bincount(self._pair, fit, len(pair_share))[self._pair]
        paired = pair_share[self._pair] * fit / np.maximum(every, TINY)
        by_mode = np.maximum(self._joint / np.maximum(fit, TINY)[:, None], FADED)

        source = np.concatenate([np.arange(n), k])
        order = np.argsort(source, kind="stable")
        new = store.take(source[order])
        new.existence[:] = np.concatenate([missed, paired])[order]
        new.weight[:] = np.concatenate([store.weight[:n], by_mode])[order]
        new.mean[:] = np.concatenate([store.mean[:n], self._evaluated.mean])[order]
        new.covariance[:] = np.concatenate([store.covariance[:n], self._evaluated.covariance])[order]
        new.outline[:] = 0.0
        own = self._met & (lines.station == self._look.station.index)
        hit = own & (miss_share[np.where(own, place, 0)] < HIT_SHARE)
        lines.origin = np.where(hit[:, None], self._look.placement.position, lines.origin)
        lines.take(new, np.bincount(owner[source], minlength=len(self._rows)))
        self._owner = np.repeat(np.arange(len(self._rows)), lines.count)
        self._summarise()

    def _summarise(self) -> None:
        """The lines that the look met, as Gaussians of the store: moments over their hypotheses, mode by mode."""
        from fusion.kernels.blend import blend

        lines, store = self._lines.hypotheses, self._store
        mine = np.flatnonzero(self._met[self._owner])
        rows = self._rows[self._met]
        if not len(rows):
            return
        first = np.append(0, np.cumsum(self._lines.count[self._met]))
        weight, mean = np.empty((len(rows), lines.weight.shape[1])), np.empty((len(rows), lines.weight.shape[1], 6))
        covariance = np.empty((*mean.shape, 6))
        share = lines.existence[mine, None] * lines.weight[mine]
        blend(first, share, lines.mean[mine], lines.covariance[mine], weight, mean, covariance)
        store.weight[rows], store.mean[rows], store.covariance[rows] = weight, mean, covariance
        store.outline[rows] = 0.0


def _scaled(pairs: tuple[Ints, Ints], ratio: Floats, tracks: int, detections: int) -> tuple[Floats, Floats]:
    """By how much each track and each detection is without a pair: (tracks,), (detections,), 0 to 1.

    ratio: of each pair, against both being without one. Rows and columns are scaled in turn until each has as much as
    one (Sinkhorn 1964). Belief propagation would decide for the better one of two ways to pair two tracks with two
    detections, however little better it is: a single look is not to decide that.
    """
    track, detection = pairs
    missed, alone = np.ones(tracks), 1.0 / np.sqrt(1.0 + np.bincount(detection, ratio, detections))
    for _ in range(MOST_SWEEPS):
        before = missed.copy()
        missed[:] = 1.0 / (1.0 + np.bincount(track, ratio * alone[detection], tracks))
        alone[:] = 1.0 / (1.0 + np.bincount(detection, ratio * missed[track], detections))
        if (np.abs(missed - before) <= SETTLED * missed).all():
            break
    return missed, alone
