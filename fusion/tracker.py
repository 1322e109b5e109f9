"""The recursion, as prose: the track-oriented Poisson multi-Bernoulli filter (Williams 2015, TOMB/P).

A frame is one look of one sensor. Each track that it sweeps is predicted to the time of the look, paired with the
detections inside its gate, and reduced again to one Gaussian a mode, weighed by the marginal probabilities of its
pairs and of its miss. What is left of each detection may begin a track. Tracks that the frame does not sweep are
not touched: time is lazy.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.special import chdtri

from fusion import births, lifecycle
from fusion.config import SiteConfig
from fusion.directions import LineBirths, line_births
from fusion.engine import Engine, Evaluated, Setting
from fusion.engines import engine
from fusion.geodesy import Plane
from fusion.lines import Lines
from fusion.motion import Motions
from fusion.sensors import LEAST_CLUTTER, Look, Station, box, covers, measure, wrapped
from fusion.sightline import Sightline
from fusion.tracks import TrackStore
from fusion.types import AZIMUTH, ENDED, SECOND_NS, TENTATIVE, Bools, Floats, Frame, Ints
from fusion.undetected import Undetected
from fusion.whiteness import Whiteness
from fusion.witness import believed

GATE_PROBABILITY = 0.9999  # a true detection falls outside once in 10 000: rarer than every real loss
COARSE_GATE_SIGMA = 5.0  # each component by itself; wider than the exact gate for up to four of them
SWEPT_SHARE = 0.05  # a look that was less likely than this to have included the track says nothing of it
HIT_SHARE = 0.5  # a track was detected when that is more likely than not
MOST_TRACKS = 100_000  # rows, candidates included: what a frame of noise leaves must not fill the memory
LEAST_EXISTENCE = (
    1e-4  # a new object less likely than this is not worth a row; a second detection lifts it thousandfold
)
MOVED_SIGMA = 4.0  # displaced by more than this many standard deviations: it moves
MOST_EXISTENCE = 1.0 - 1e-9  # odds stay finite


class Tracker:
    """Frames in, in the order of their keys; the store is the state."""

    def __init__(self, site: SiteConfig, picture: int = 0) -> None:
        self.config = site.tracker
        self._picture = picture
        self.plane = Plane(site.service.origin)
        self.motions = Motions.of(site.tracker)
        self.stations = {s.id: Station.of(i, s, site.tracker, self.plane) for i, s in enumerate(site.sensor)}
        self.sensor_names = tuple(self.stations)
        gates = np.concatenate([[-1.0], chdtri(np.arange(1, 9), 1.0 - GATE_PROBABILITY)])
        earth = np.ascontiguousarray(np.vstack([self.plane.centre[None], self.plane.axes]))
        self.setting = Setting(site.tracker, self.motions, earth, gates)
        self.engine: Engine = engine(site.tracker.engine)
        self.store = TrackStore.empty(len(self.motions.names), len(self.stations))
        self.undetected = Undetected(site.tracker)
        self.whiteness = Whiteness(len(self.stations))
        self.lines = Lines(site.tracker, len(self.motions.names), list(self.stations.values()))
        self.undetected.cover([(s, s.placement) for s in self.stations.values() if s.placement and births.can_begin(s)])
        self.placements = {name: s.placement for name, s in self.stations.items() if s.placement is not None}
        self.ended: list[tuple[TrackStore, tuple[str, ...]]] = []  # shown once, since the last picture
        self._longest_period_s = max((s.config.period_s for s in self.stations.values()), default=1.0)

    def copy(self) -> Tracker:
        """A tracker that goes its own way from here; what never changes is shared."""
        other = object.__new__(Tracker)
        other.__dict__.update(self.__dict__)
        other.store, other.undetected = self.store.copy(), self.undetected.copy()
        other.whiteness, other.ended, other.lines = self.whiteness.copy(), list(self.ended), self.lines.copy()
        return other

    def step(self, frame: Frame) -> None:
        """Take one frame in."""
        station = self.stations[frame.sensor]
        if station.angles_only:
            frame = replace(frame, sigmas=frame.sigmas * math.sqrt(self.whiteness.inflation(station.index)))
        look = station.look(frame, self.plane)
        self.placements = {**self.placements, frame.sensor: look.placement}
        if births.can_begin(station):
            self.undetected.cover([(station, look.placement)])
        self.lines.cover([(station, look.placement)])
        self.undetected.relax(frame.time_ns)
        self.lines.undetected.relax(frame.time_ns)

        lines = Sightline(self.lines, self.engine, self.setting, look, self.store) if len(self.lines.id) else None
        rows, pairs, reference_ns = self._gate(look, lines)
        lines = lines if len(rows) else None
        swept = self._predict(look, rows, reference_ns)
        if lines:
            lines.predict(rows, reference_ns, swept)
        bearings = self._bearings(look, rows) if station.angles_only else None
        evaluated = self.engine.evaluate(self.setting, self.store, rows, pairs, station.codes, frame, look.placement)
        if lines:
            lines.evaluate(pairs, evaluated)
        alone_weight, new = self._alone_weight(look)
        alone, paired = self._update(look, rows, pairs, swept, evaluated, alone_weight, lines)
        if bearings is not None:
            self._listen(look, rows, pairs, paired, bearings)
        self.lines.settle(self.store)
        said = lifecycle.evidence(self.store, rows, frame.time_ns, self.config.still_objects)
        self._begin(look, alone, new)
        self._settle(rows, self.lines.hold(self.store, rows, said, frame.time_ns))

    def shown(self) -> None:
        """The picture is out: its tracks are known to the outside, its ended ones need not stand there again."""
        store = self.store
        store.published[: store.size] |= lifecycle.shown(store)
        self.ended = []

    def _gate(self, look: Look, lines: Sightline | None = None) -> tuple[Ints, tuple[Ints, Ints], Ints]:
        """Rows that the look touches, coarse pairs (place in rows, detection), and each row's time of the look."""
        from fusion.kernels.candidates import candidates

        store, frame, n = self.store, look.frame, self.store.size
        tracks, detections, reference_ns, touched = candidates(
            look.station.codes, frame.values, frame.sigmas, frame.times_ns, frame.time_ns, look.placement.position,
            look.placement.axes, self.setting.earth, look.box, store.time_ns[:n], store.weight[:n], store.mean[:n],
            store.covariance[:n], self.motions.parameters, COARSE_GATE_SIGMA,
        )  # fmt: skip
        if lines:
            tracks, detections = lines.gate(tracks, detections, reference_ns, touched, COARSE_GATE_SIGMA)
        rows = np.flatnonzero(touched)
        places = np.cumsum(touched) - 1
        if look.station.config.use_identity and frame.identity is not None:
            told = zip(store.identity[tracks], np.array(frame.identity, object)[detections], strict=True)
            agree = np.array([mine is None or theirs is None or mine == theirs for mine, theirs in told], bool)
            tracks, detections = tracks[agree], detections[agree]
        return rows, (places[tracks], detections), reference_ns[rows]

    def _predict(self, look: Look, rows: Ints, reference_ns: Ints) -> Floats:
        """Advance `rows` to the look; returns P(inside what was swept), (rows,)."""
        from fusion.kernels.evaluate import inside

        store, station = self.store, look.station
        before_ns = store.time_ns[rows]
        self.engine.predict(self.setting, store, rows, reference_ns)
        elapsed_s = (store.time_ns[rows] - before_ns) / SECOND_NS
        store.existence[rows] *= np.exp(-elapsed_s / self.config.survival_s)
        swept = np.empty(len(rows))
        inside(
            rows, look.box, look.placement.position, look.placement.axes, self.setting.earth, store.weight, store.mean,
            store.covariance, swept,
        )  # fmt: skip
        looked_ns = store.looked_ns[rows, station.index]
        since_s = np.maximum(reference_ns - looked_ns, 0) / SECOND_NS
        keep = np.where(looked_ns > 0, np.exp(-since_s / station.blind_time_s), 0.0)
        share = station.visible_share
        store.visible[rows, station.index] = share + (store.visible[rows, station.index] - share) * keep
        store.looked_ns[rows, station.index] = reference_ns
        return swept

    def _update(
        self, look: Look, rows: Ints, pairs: tuple[Ints, Ints], swept: Floats, evaluated: Evaluated,
        alone_weight: Floats, lines: Sightline | None,
    ) -> tuple[Floats, Floats]:  # fmt: skip
        """Marginals, then each row's new state and existence.

        Returns P(belongs to no track), (detections,), and P(pair), (pairs,).
        """
        store, station = self.store, look.station
        row_of_pair = rows[pairs[0]]
        by_mode = store.weight[row_of_pair] * np.exp(evaluated.log_likelihood)
        likelihood = by_mode.sum(axis=1)
        by_mode /= np.where(likelihood > 0.0, likelihood, 1.0)[:, None]
        existence, visible = store.existence[rows], store.visible[rows, station.index]
        detection = station.config.detection_probability * visible
        miss_weight = 1.0 - existence * detection * swept
        pair_weight = (existence * detection)[pairs[0]] * likelihood
        paired, missed, alone = self.engine.associate(pairs, pair_weight, miss_weight, alone_weight)
        hit = np.minimum(np.bincount(pairs[0], paired, len(rows)), 1.0)
        still_there = existence * (1.0 - detection * swept) / miss_weight
        unseen = missed * still_there
        total = np.maximum(hit + unseen, 1e-300)
        self.engine.reduce(store, rows, pairs, unseen / total, paired / total[pairs[0]], by_mode, evaluated)
        if lines:
            lines.reduce(pairs, pair_weight, miss_weight, alone_weight, still_there, detection, swept)
        after = total
        if station.angles_only:
            after = believed(look, store, self.lines, rows, existence, total, tuple(self.stations.values()))
        store.existence[rows] = np.minimum(after, MOST_EXISTENCE)
        blind = visible * (1.0 - station.config.detection_probability * swept) / (1.0 - detection * swept)
        store.visible[rows, station.index] = (hit + unseen * blind) / total
        self._remember(look, rows, pairs, paired, hit, swept * detection, swept)
        return alone, paired

    def _bearings(self, look: Look, rows: Ints) -> Floats:
        """The azimuth at which each row is expected, (rows,), before the update."""
        state = (self.store.weight[rows, :, None] * self.store.mean[rows]).sum(axis=1)
        return measure(AZIMUTH, look.placement, self.plane, state)[0]

    def _listen(self, look: Look, rows: Ints, pairs: tuple[Ints, Ints], paired: Floats, bearings: Floats) -> None:
        """Hand the azimuth innovations of the tracks that were surely hit to the sensor's whiteness."""
        sure = np.flatnonzero(paired >= HIT_SHARE)
        azimuth = look.frame.values[pairs[1][sure], look.station.codes.tolist().index(AZIMUTH)]
        innovation = wrapped(azimuth - bearings[pairs[0][sure]])
        self.whiteness.listen(look.station.index, self.store, rows[pairs[0][sure]], innovation, look.frame.time_ns)

    def _alone_weight(self, look: Look) -> tuple[Floats, tuple[births.Births, Floats] | None]:
        """Density of false alarms and of undetected objects at each detection; the latter with its births."""
        frame, station = look.frame, look.station
        width = np.where(np.isnan(frame.values), 1.0, station.span).prod(axis=1)
        weight = max(station.config.false_alarms, LEAST_CLUTTER) / width
        new: births.Births
        if not len(weight):
            return weight, None
        if station.angles_only:
            new = line_births(self.engine, self.setting, look, self.lines.undetected)
            fresh = station.config.detection_probability * new.spread
        elif births.can_begin(station):
            new = self.engine.births(self.setting, station, frame, look.placement)
            fresh = station.config.detection_probability * new.density(self.undetected.density(new.mean[:, :3]))
        else:
            return weight, None
        weight[new.rows] += fresh
        return weight, (new, fresh / weight[new.rows])

    def _remember(
        self, look: Look, rows: Ints, pairs: tuple[Ints, Ints], paired: Floats, hit: Floats, expected: Floats,
        swept: Floats,
    ) -> None:  # fmt: skip
        """Times, hits, identities, and whether a track has moved."""
        store, index = self.store, look.station.index
        now_ns = store.time_ns[rows]
        covered = rows[swept > SWEPT_SHARE]
        store.covered_ns[covered, index] = look.frame.time_ns
        was_hit = hit >= HIT_SHARE
        seen = rows[was_hit]
        store.owed[rows[~was_hit]] += expected[~was_hit]
        store.owed[seen] = 0.0
        store.hits[seen] += 1
        store.updated_ns[seen] = np.maximum(store.updated_ns[seen], now_ns[was_hit])
        store.covered_ns[seen, index] = look.frame.time_ns
        store.hit_ns[seen, index] = now_ns[was_hit]
        mean = (store.weight[seen, :, None] * store.mean[seen, :, :3]).sum(axis=1)
        variance = store.covariance[seen, 0, 0, 0] + store.covariance[seen, 0, 1, 1] + store.covariance[seen, 0, 2, 2]
        away = ((mean - store.birthplace[seen]) ** 2).sum(axis=1)
        store.moved[seen] |= away > MOVED_SIGMA**2 * 2.0 * variance  # of now, and of the birthplace
        if look.frame.identity is not None:
            for p in np.flatnonzero(paired >= HIT_SHARE):
                told = look.frame.identity[pairs[1][p]]
                if told is not None:
                    store.identity[rows[pairs[0][p]]] = told

    def _begin(self, look: Look, alone: Floats, begun: tuple[births.Births, Floats] | None) -> None:
        """Give a row to each detection that may be a new object."""
        if begun is not None:
            new, share = begun
            existence = alone[new.rows] * share
            chosen = np.flatnonzero(existence >= LEAST_EXISTENCE)
            room = max(MOST_TRACKS - self.store.size, 0)
            if isinstance(new, LineBirths):
                room = min(room, self.lines.room)
            if len(chosen) > room:  # the likeliest ones, in the order of the frame
                chosen = np.sort(chosen[np.argsort(-existence[chosen], kind="stable")[:room]])
            if len(chosen):
                self._append(look, new, chosen, np.minimum(existence, MOST_EXISTENCE))
        if births.can_begin(look.station):
            self.undetected.look(look.station, look.placement, look.box)
        self.lines.look(look)

    def _append(self, look: Look, new: births.Births, chosen: Ints, existence: Floats) -> None:
        store, frame = self.store, look.frame
        at = store.extend(len(chosen))
        detections = new.rows[chosen]
        times = frame.times_ns[detections]
        store.id[at] = births.track_ids(self._picture, frame.sensor, times, detections, store.id[: at.start])
        if frame.identity is not None:
            store.identity[at] = [frame.identity[d] for d in detections]
        store.status[at], store.existence[at], store.time_ns[at] = TENTATIVE, existence[chosen], times
        store.weight[at] = self.motions.prior
        store.mean[at] = new.mean[chosen, None, :]
        store.covariance[at] = new.covariance[chosen, None, :, :]
        store.created_ns[at] = store.updated_ns[at] = times
        store.covered_ns[at, look.station.index], store.hits[at] = frame.time_ns, 1
        store.birthplace[at] = new.mean[chosen, :3]
        store.visible[at] = [s.visible_share for s in self.stations.values()]
        store.visible[at, look.station.index] = 1.0
        store.looked_ns[at, look.station.index] = store.hit_ns[at, look.station.index] = times
        if isinstance(new, LineBirths):
            self.lines.begin(store.id[at], new, chosen, times, self.motions.prior, look)

    def _settle(self, rows: Ints, said: Ints) -> None:
        """Follow the lifecycle table; rows that ended leave, those that were shown are kept for the next picture."""
        store = self.store
        lifecycle.follow(store, rows, said)
        gone = store.status[rows] == ENDED
        if gone.any():
            told = gone & (store.published[rows] == 1)
            if told.any():
                reasons = tuple(lifecycle.REASONS[code] for code in said[told].tolist())
                self.ended.append((store.take(rows[told]), reasons))
            stays = np.ones(store.size, bool)
            stays[rows[gone]] = False
            store.keep(stays)

    def tend(self, now_ns: int) -> None:
        """End what nobody looks at any more. Called at each whole second of event time, frames or none."""
        store = self.store
        old = store.covered_ns[: store.size].max(axis=1, initial=0) < now_ns - int(self._longest_period_s * SECOND_NS)
        rows = np.flatnonzero(old)
        if len(rows):
            outside = self._outside(rows, now_ns)
            self._settle(rows, lifecycle.absence(store, rows, now_ns, self._longest_period_s, outside))

    def _outside(self, rows: Ints, now_ns: int) -> Bools:
        """Whether the mean, carried straight on, is beyond every sensor's registered coverage: (rows,)."""
        store = self.store
        state = (store.weight[rows, :, None] * store.mean[rows]).sum(axis=1)
        state[:, :3] += state[:, 3:] * ((now_ns - store.time_ns[rows]) / SECOND_NS)[:, None]
        outside = np.ones(len(rows), bool)
        for name, placement in self.placements.items():
            station = self.stations[name]
            outside &= ~covers(box(station.config.coverage, None), placement, self.plane, state)
        return outside
