"""Stone Soup's GNN and JPDA over our frames: its Kalman filter, hypothesisers and associators.

The loop is ours, as Stone Soup's own tracker steps everything to one time: detections of overlapping radar turns
are taken in order of their own times, cut into runs of one sensor; tracks that a run does not gate are left
alone, which is what a missed detection does to them in Stone Soup too, without a copy of each at every step.
Directions alone neither confirm a track nor keep it: else ghosts along a camera's line of sight live on.
Tracks begin M of N: tentative ones associate after the confirmed ones, on what those left.
"""
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import datetime
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # rtree is optional
    from stonesoup.dataassociator.neighbour import GNNWith2DAssignment
    from stonesoup.dataassociator.probability import JPDA
    from stonesoup.functions import gm_reduce_single
    from stonesoup.hypothesiser.distance import DistanceHypothesiser
    from stonesoup.hypothesiser.probability import PDAHypothesiser
    from stonesoup.measures import Mahalanobis
    from stonesoup.models.transition.linear import (
        CombinedLinearGaussianTransitionModel,
        ConstantVelocity,
        OrnsteinUhlenbeck,
    )
    from stonesoup.predictor.kalman import KalmanPredictor
    from stonesoup.types.detection import Detection
    from stonesoup.types.state import GaussianState
    from stonesoup.types.track import Track
    from stonesoup.types.update import GaussianStateUpdate
    from stonesoup.updater.kalman import ExtendedKalmanUpdater

from benchmarks.cases.case import START_NS, Case
from benchmarks.peers.model import ANGULAR, OURS, SensorModel, place_of, vector
from benchmarks.peers.runs import Run, runs
from benchmarks.peers.tuning import Tuning
from fusion.geodesy import Plane
from fusion.tracking.sensors import Station, measure
from fusion.types import SECOND_NS, Bools, Floats, Picture

EPOCH = datetime.datetime(2025, 1, 1)
UPPER = np.triu_indices(6)
TAKEN = 0.1  # probability above which a detection begins no track of its own


@dataclass(slots=True)
class Held:
    """A track, and what the loop knows of it."""

    id: int
    track: Any
    born_ns: int
    last_ns: int
    hits: int
    confirmed: bool = False


class StoneSoup:
    """One run over one case."""

    def __init__(self, case: Case, method: str, tuning: Tuning) -> None:
        self.case, self.tuning, self.soft = case, tuning, method == "jpda"
        self.plane = Plane(case.site.service.origin)
        tracker = case.site.tracker
        self.stations = {s.id: Station.of(i, s, tracker, self.plane) for i, s in enumerate(case.site.sensor)}
        self.height = tracker.altitude_m.mean, tracker.altitude_m.sigma
        self.speed = tracker.initial_speed_mps, tracker.initial_climb_mps
        climb = OrnsteinUhlenbeck(2.0 * tracker.initial_climb_mps**2 / tuning.climb_time_s, 1.0 / tuning.climb_time_s)
        level = ConstantVelocity(tuning.density)
        self.predictor = KalmanPredictor(CombinedLinearGaussianTransitionModel([level, level, climb]))
        self.updater = ExtendedKalmanUpdater(None, force_symmetric_covariance=True, use_joseph_cov=True)
        self.associators = {name: self._associator(station) for name, station in self.stations.items()}
        self.held: list[Held] = []
        self.count = 0

    def pictures(self) -> Iterator[Picture]:
        """At the times at which ours reports."""
        due = iter(self.case.picture_times_ns())
        next_ns = next(due, None)
        for run in runs(self.case, self.tuning.together_s):
            while next_ns is not None and next_ns < run.times_ns[0]:
                yield self._picture(next_ns)
                next_ns = next(due, None)
            self._take(run)
        while next_ns is not None:
            yield self._picture(next_ns)
            next_ns = next(due, None)

    def _associator(self, station: Station) -> Any:
        if not self.soft:
            hypothesiser = DistanceHypothesiser(
                self.predictor, self.updater, Mahalanobis(), missed_distance=self.tuning.gate
            )
            return GNNWith2DAssignment(hypothesiser)
        density = max(station.config.false_alarms, 1e-6) / float(station.span.prod())
        hypothesiser = PDAHypothesiser(
            self.predictor,
            self.updater,
            clutter_spatial_density=density,
            prob_detect=station.config.detection_probability,
            prob_gate=self.tuning.prob_gate,
        )
        return JPDA(hypothesiser)

    def _take(self, run: Run) -> None:
        end_ns = int(run.times_ns[-1])
        self._drop(end_ns)
        station = self.stations[run.sensor]
        same = end_ns if self.soft else None  # a mixture needs one time; a run is short then
        rows = list(range(len(run.values)))
        detections = [self._detection(run, k, station, same) for k in rows]
        left = detections
        for confirmed in (True, False):
            tracks = [one for one in self.held if one.confirmed == confirmed]
            left = self._associate(tracks, left, station, end_ns)
        for detection in left:
            self._begin(detection)

    def _detection(self, run: Run, k: int, station: Station, same: int | None) -> Any:
        codes = tuple(station.codes.tolist())
        placement = station.placement
        assert placement is not None
        sigma = tuple(float(s) for s in run.sigmas[k])
        model = SensorModel(codes=codes, placement=placement, plane=self.plane, sigma=sigma)
        time_ns = int(run.times_ns[k]) if same is None else same
        place = place_of(codes, run.values[k], sigma, placement, self.plane, self.height)
        told = {"time_ns": time_ns, "place": place}
        state = vector(codes, run.values[k])
        return Detection(state, timestamp=_date(time_ns), measurement_model=model, metadata=told)

    def _associate(self, tracks: list[Held], detections: list[Any], station: Station, end_ns: int) -> list[Any]:
        """Update in place; returns what no track took."""
        near = self._near(tracks, detections)
        if not near or not detections:
            return detections
        by_track = {one.track: one for one in near}
        made = self.associators[station.config.id].associate(list(by_track), list(detections), _date(end_ns))
        taken: set[int] = set()
        for track, hypothesis in made.items():
            one = by_track[track]
            if self.soft:
                self._mix(one, hypothesis, taken, end_ns)
            elif hypothesis:
                track.append(self.updater.update(hypothesis))
                if hypothesis.measurement.metadata["place"] is not None:
                    self._hit(one, hypothesis.measurement.metadata["time_ns"])
                taken.add(id(hypothesis.measurement))
        return [detection for detection in detections if id(detection) not in taken]

    def _mix(self, one: Held, hypotheses: Any, taken: set[int], end_ns: int) -> None:
        """JPDA's moment matching, as in Stone Soup's own tutorial."""
        if not any(bool(h) for h in hypotheses):
            return
        states, weights = [], []
        for hypothesis in hypotheses:
            states.append(self.updater.update(hypothesis) if hypothesis else hypothesis.prediction)
            weights.append(hypothesis.probability)
        means = np.concatenate([state.state_vector for state in states], axis=1)
        covars = np.stack([state.covar for state in states], axis=2)
        mean, covar = gm_reduce_single(means.view(type(states[0].state_vector)), covars, np.asarray(weights))
        one.track.append(GaussianStateUpdate(mean, covar, hypotheses, states[0].timestamp))
        placed = 0.0
        for hypothesis in hypotheses:
            if hypothesis and float(hypothesis.probability) > TAKEN:
                taken.add(id(hypothesis.measurement))
            if hypothesis and hypothesis.measurement.metadata["place"] is not None:
                placed += float(hypothesis.probability)
        if placed > 0.5:
            self._hit(one, end_ns)

    def _hit(self, one: Held, time_ns: int) -> None:
        one.hits += 1
        one.last_ns = time_ns
        if one.hits >= self.tuning.confirm:
            one.confirmed = True

    def _near(self, tracks: list[Held], detections: list[Any]) -> list[Held]:
        """Tracks that some detection may gate: a coarse test that spares Stone Soup what it would reject."""
        if not tracks or not detections:
            return []
        mean = np.stack([np.asarray(one.track.state_vector, float)[:, 0] for one in tracks])
        variance = np.stack([np.diagonal(one.track.covar) for one in tracks])
        time_ns = detections[0].metadata["time_ns"]
        since = np.array([(_date(time_ns) - one.track.timestamp).total_seconds() for one in tracks])[:, None]
        where = mean[:, [0, 2, 4]] + since * mean[:, [1, 3, 5]]
        spread = variance[:, [0, 2, 4]] + since**2 * variance[:, [1, 3, 5]] + self.tuning.density * np.abs(since) ** 3
        rows = np.concatenate([where, np.zeros_like(where)], axis=1)
        near = np.zeros(len(tracks), bool)
        reach = 2.0 * self.tuning.gate * np.sqrt(spread.max(axis=1))
        model = detections[0].measurement_model
        seen = [measure(code, model.placement, self.plane, rows) for code in model.codes]
        for detection in detections:
            noise = 2.0 * self.tuning.gate * np.array(detection.measurement_model.sigma)
            near |= _within(model.codes, seen, np.asarray(detection.state_vector, float)[:, 0], reach, noise)
        return [one for one, keep in zip(tracks, near, strict=True) if keep]

    def _begin(self, detection: Any) -> None:
        place = detection.metadata["place"]
        if place is None:
            return
        position, covariance = place
        mean, covar = np.zeros((6, 1)), np.diag([0.0, self.speed[0] ** 2] * 2 + [0.0, self.speed[1] ** 2])
        mean[[0, 2, 4], 0] = position
        covar[np.ix_([0, 2, 4], [0, 2, 4])] = covariance
        self.count += 1
        time_ns = detection.metadata["time_ns"]
        track = Track([GaussianState(mean, covar, timestamp=detection.timestamp)])
        self.held.append(Held(self.count, track, time_ns, time_ns, 1))

    def _drop(self, now_ns: int) -> None:
        limit = {True: self.tuning.drop_s, False: self.tuning.drop_tentative_s}

        def stays(one: Held) -> bool:
            silent_s = (now_ns - one.last_ns) / SECOND_NS
            young = one.confirmed or (now_ns - one.born_ns) / SECOND_NS <= self.tuning.within_s
            return silent_s <= limit[one.confirmed] and young

        self.held = [one for one in self.held if stays(one)]

    def _picture(self, time_ns: int) -> Picture:
        self._drop(time_ns)
        shown = [one for one in self.held if one.confirmed]
        states = [self.predictor.predict(one.track, timestamp=_date(time_ns)) for one in shown]
        n = len(shown)
        mean = np.array([np.asarray(s.state_vector, float)[OURS, 0] for s in states]).reshape(n, 6)
        covar = np.array([np.asarray(s.covar, float)[np.ix_(OURS, OURS)] for s in states]).reshape(n, 6, 6)
        lat, lon, alt = self.plane.to_geodetic(mean[:, :3])
        axes = self.plane.local_axes(lat, lon)
        turn = np.zeros((n, 6, 6))
        turn[:, :3, :3] = turn[:, 3:, 3:] = axes
        local = np.einsum("nij,njk,nlk->nil", turn, covar, turn)
        velocity = np.einsum("nij,nj->ni", axes, mean[:, 3:])
        times = np.full(n, time_ns, np.int64)
        none = (None,) * n
        return Picture(
            time_ns=time_ns, id=np.array([one.id for one in shown], np.int64).reshape(n), status=("confirmed",) * n,
            existence=np.ones(n), lat_deg=lat, lon_deg=lon, alt_m=alt, east_mps=velocity[:, 0],
            north_mps=velocity[:, 1], up_mps=velocity[:, 2], covariance=local[:, UPPER[0], UPPER[1]],
            mode=("cruise",) * n, mode_probability=np.ones(n), updated_ns=times,
            created_ns=np.array([one.born_ns for one in shown], np.int64).reshape(n),
            hits=np.array([one.hits for one in shown], np.int64).reshape(n), sensors=((),) * n, identity=none,
            diverted_ns=none, reason=none,
        )  # fmt: skip

    def parameters(self) -> dict[str, Any]:
        return asdict(self.tuning)


def _within(
    codes: Sequence[int], seen: Sequence[tuple[Floats, Floats]], values: Floats, reach: Floats, noise: Floats
) -> Bools:
    """Whether tracks (n,) that a sensor would see at `seen` (values, gradients) may have made a detection."""
    ok = np.ones(len(reach), bool)
    for i, (value, gradient) in enumerate(seen):
        off = value - values[i]
        if codes[i] in ANGULAR:
            off = (off + np.pi) % (2.0 * np.pi) - np.pi
        ok &= np.abs(off) <= np.sqrt((gradient[:, :3] ** 2).sum(axis=1)) * reach + noise[i]
    return ok


def _date(time_ns: int) -> datetime.datetime:
    """Microseconds: all that Stone Soup's times hold."""
    return EPOCH + datetime.timedelta(microseconds=round((time_ns - START_NS) / 1000))
