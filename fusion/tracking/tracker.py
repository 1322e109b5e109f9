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

from fusion.config import SiteConfig
from fusion.directions.directions import lines_arriving
from fusion.directions.lines import Lines
from fusion.directions.shadows import Shadows
from fusion.directions.sightline import Sightline
from fusion.directions.witness import believed
from fusion.geodesy import Plane
from fusion.registration.registration import registration
from fusion.tracking import births, lifecycle, presence
from fusion.tracking.arrivals import MOST_TRACKS, arrivals, begin
from fusion.tracking.clutter import Clutter
from fusion.tracking.duplicates import Duplicates
from fusion.tracking.engine import Engine, Evaluated, Setting
from fusion.tracking.engines import engine
from fusion.tracking.following import Follower
from fusion.tracking.identity import Identities
from fusion.tracking.motion import Motions
from fusion.tracking.sensors import Look, Station, box, covers, measure, wrapped
from fusion.tracking.tracks import TrackStore
from fusion.tracking.undetected import Undetected
from fusion.tracking.whiteness import Whiteness
from fusion.types import AZIMUTH, ENDED, SECOND_NS, Bools, Floats, Frame, Ints

GATE_PROBABILITY = 0.9999  # a true detection falls outside once in 10 000: rarer than every real loss
COARSE_GATE_SIGMA = 5.0  # each component by itself; wider than the exact gate for up to four of them
SURE = 0.5  # P(pair) from which a detection is taken as the track's


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
        self.lines = Lines(site.tracker, len(self.motions.names), tuple(self.stations.values()))
        self.shadows = Shadows()
        self.identities = Identities(site.tracker)
        self.duplicates = Duplicates(tuple(self.stations.values()))
        self.registration = registration(tuple(self.stations.values()), self.plane, site.tracker)
        self.clutter = {s.index: Clutter(s) for s in self.stations.values() if births.can_begin(s)}
        self.undetected.cover([(s, s.placement) for s in self.stations.values() if s.placement and births.can_begin(s)])
        self.placements = {name: s.placement for name, s in self.stations.items() if s.placement is not None}
        self.ended: list[tuple[TrackStore, tuple[str, ...]]] = []  # shown once, since the last picture
        self._visible = np.array([s.visible_share for s in self.stations.values()])
        self.follower: Follower | None = None  # shown what each look made of the tracks; may change nothing
        self.repaired = 0  # covariances that an update left near-singular, and that were made sound again
        self._longest_period_s = max((s.config.period_s for s in self.stations.values()), default=1.0)

    def copy(self) -> Tracker:
        """A tracker that goes its own way from here; what never changes is shared."""
        other = object.__new__(Tracker)
        other.__dict__.update(self.__dict__)
        other.store, other.undetected = self.store.copy(), self.undetected.copy()
        other.duplicates = self.duplicates.copy()
        other.clutter = {index: map_.copy() for index, map_ in self.clutter.items()}
        other.whiteness, other.ended, other.lines = self.whiteness.copy(), list(self.ended), self.lines.copy()
        other.shadows = self.shadows.copy()
        other.registration, other.identities = self.registration and self.registration.copy(), self.identities.copy()
        return other

    def step(self, frame: Frame) -> None:
        """Take one frame in."""
        station = self.stations[frame.sensor]
        if station.angles_only:
            frame = replace(frame, sigmas=frame.sigmas * math.sqrt(self.whiteness.inflation(station.index)))
        told = frame
        if self.registration:
            frame = self.registration.correct(frame, station)
        look = station.look(frame, self.plane)
        if self.placements.get(frame.sensor) is not look.placement:
            self.placements = {**self.placements, frame.sensor: look.placement}
        if births.can_begin(station):
            self.undetected.cover([(station, look.placement)])
        self.undetected.relax(frame.time_ns)
        self.lines.relax(look)

        rows, pairs, reference_ns = self._gate(look)
        lines = Sightline.of(self.lines, self.engine, self.setting, look, self.store)
        if lines:
            rows, pairs, reference_ns = lines.gate(rows, pairs, reference_ns, COARSE_GATE_SIGMA)
        swept = self._predict(look, rows, reference_ns)
        if lines:
            lines.predict(rows, reference_ns, swept)
        bearings = self._bearings(look, rows) if station.angles_only else None
        evaluated = self.engine.evaluate(self.setting, self.store, rows, pairs, station.codes, frame, look.placement)
        if lines:
            lines.evaluate(pairs, evaluated)
        self.repaired += evaluated.repaired
        found = arrivals(look, self.engine, self.setting, self.undetected, self.clutter)
        if station.angles_only:
            found = lines_arriving(found, look, self.engine, self.setting, self.lines.undetected)
        alone, paired = self._update(look, rows, pairs, swept, evaluated, found.weight, lines)
        if self.registration:
            seen = look if told is frame else replace(look, frame=told)
            self.registration.look(seen, self.store, rows[pairs[0]], pairs[1], paired)
        if bearings is not None:
            self._listen(look, rows, pairs, paired, bearings)
        if lines:
            self.lines.settle(look, self.store)
        said = lifecycle.evidence(self.store, rows, frame.time_ns, self.config)
        if lines:
            said = self.lines.hold(look, self.store, rows, said)
        if station.angles_only:
            shadows = self.shadows.look(look, self.store, rows, swept, tuple(self.stations.values()), self.plane)
            said[np.isin(rows, shadows)] = lifecycle.DOUBLE
        room = self.lines.room if station.angles_only else MOST_TRACKS
        if lines and station.angles_only:
            alone = lines.spare(alone)
        chosen = begin(look, self.store, found, alone, self.motions.prior, self._visible, self._picture, room)
        if station.angles_only:
            self.lines.begin(self.store, found.new, chosen, look, self.motions.prior)
        if births.can_begin(station):
            self.undetected.look(station, look.placement, look.box)
        self.lines.look(look)
        if self.follower is not None:
            self.follower(look, self.store, rows, swept, pairs, paired)
        self._settle(rows, said)
        if self.registration and self.registration.doubles:
            doubles = np.flatnonzero(np.isin(self.store.id[: self.store.size], self.registration.doubles))
            self._settle(doubles, np.full(len(doubles), lifecycle.DOUBLE))

    def shown(self) -> None:
        """The picture is out: its tracks are known to the outside, its ended ones need not stand there again."""
        store = self.store
        store.published[: store.size] |= lifecycle.shown(store)
        self.ended = []

    def _gate(self, look: Look) -> tuple[Ints, tuple[Ints, Ints], Ints]:
        """Rows that the look touches, coarse pairs (place in rows, detection), and each row's time of the look."""
        from fusion.kernels.candidates import candidates

        store, frame, n = self.store, look.frame, self.store.size
        rows, reference_ns, places, detections = candidates(
            look.station.codes, frame.values, frame.sigmas, frame.times_ns, frame.time_ns, look.placement.position,
            look.placement.axes, self.setting.earth, look.box, store.time_ns[:n], store.weight[:n], store.mean[:n],
            store.covariance[:n], store.outline[:n], self.motions.parameters, COARSE_GATE_SIGMA,
        )  # fmt: skip
        return rows, (places, detections), reference_ns

    def _predict(self, look: Look, rows: Ints, reference_ns: Ints) -> Floats:
        """Advance `rows` to the look; returns P(inside what was swept), (rows,)."""
        from fusion.kernels.evaluate import inside

        store = self.store
        presence.age(look, store, rows, reference_ns, self.config.survival_s)
        self.engine.predict(self.setting, store, rows, reference_ns)
        swept = np.empty(len(rows))
        inside(
            rows, look.box, look.placement.position, look.placement.axes, self.setting.earth, store.weight, store.mean,
            store.covariance, swept,
        )  # fmt: skip
        return swept

    def _update(
        self, look: Look, rows: Ints, pairs: tuple[Ints, Ints], swept: Floats, evaluated: Evaluated,
        alone_weight: Floats, lines: Sightline | None,
    ) -> tuple[Floats, Floats]:  # fmt: skip
        """Marginals, then each row's new state and existence.

        Returns P(belongs to no track), (detections,), and P(pair), (pairs,).
        """
        store, place = self.store, pairs[0]
        agreement = self.identities.agreement(look, store, rows, pairs)
        weights = presence.weigh(look, store, rows, place, evaluated, swept, agreement)
        paired, missed, alone = self.engine.associate(pairs, weights.pair, weights.miss, alone_weight)
        if lines:
            lines.claim(pairs, weights, alone_weight, swept)
        before = store.existence[rows] if look.station.angles_only else presence.NONE
        belief = presence.believe(look, store, rows, pairs, paired, missed, weights.miss, swept)
        if look.station.angles_only:
            line = self.lines.among(store, rows)
            believed(look, store, line, rows, before, tuple(self.stations.values()))
        self.engine.reduce(store, rows, pairs, belief.miss_share, belief.pair_share, weights.by_mode, evaluated)
        if lines:
            lines.reduce()
        presence.remember(look, store, rows, belief, swept)
        if look.frame.identity is not None:
            sure = np.flatnonzero(paired >= SURE)
            self.identities.hear(look, store, rows[place[sure]].tolist(), pairs[1][sure].tolist())
        if look.station.index in self.clutter:  # what is tentative counts as false until it is confirmed
            self.clutter[look.station.index].learn(look, belief.unclaimed)
        return alone, paired

    def _bearings(self, look: Look, rows: Ints) -> Floats:
        """The azimuth at which each row is expected, (rows,), before the update."""
        state = (self.store.weight[rows, :, None] * self.store.mean[rows]).sum(axis=1)
        return measure(AZIMUTH, look.placement, self.plane, state)[0]

    def _listen(self, look: Look, rows: Ints, pairs: tuple[Ints, Ints], paired: Floats, bearings: Floats) -> None:
        """Hand the azimuth innovations of the tracks that were surely hit to the sensor's whiteness."""
        sure = np.flatnonzero(paired >= SURE)
        azimuth = look.frame.values[pairs[1][sure], look.station.codes.tolist().index(AZIMUTH)]
        innovation = wrapped(azimuth - bearings[pairs[0][sure]])
        self.whiteness.listen(look.station.index, self.store, rows[pairs[0][sure]], innovation, look.frame.time_ns)

    def _settle(self, rows: Ints, said: Ints) -> None:
        """Follow the lifecycle table; rows that ended leave, those that were shown are kept for the next picture."""
        if not said.any():
            return
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
        """End what nobody looks at any more, and what is another track's object.

        Called at each whole second of event time, frames or none.
        """
        store = self.store
        old = store.covered_ns[: store.size].max(axis=1, initial=0) < now_ns - int(self._longest_period_s * SECOND_NS)
        rows = np.flatnonzero(old)
        if len(rows):
            outside = self._outside(rows, now_ns)
            self._settle(rows, lifecycle.absence(store, rows, now_ns, self._longest_period_s, outside))
        doubles = self.duplicates.found(store, now_ns, self.lines.id)
        if len(doubles):
            self._settle(doubles, np.full(len(doubles), lifecycle.DOUBLE))

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
