"""`python -m benchmarks.peers.speed FILE.jsonl SITE`: Stone Soup's k-d-tree GNN on 3-D radars, for its rate.

Its own `MultiTargetTracker`, as its documentation builds one: constant velocity, Kalman filter, `DistanceHypothesiser`,
`DetectionKDTreeGNN2D`, M-of-N beginning. The tree wants detections in one space at one time: so they come as
places in the tangent plane (made before the clock starts), a whole turn of a radar at its end, which is also what
gives the highest rate. Prints one JSON line.
"""
# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import datetime
import json
import sys
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what is optional there and not installed
    from stonesoup.dataassociator.tree import DetectionKDTreeGNN2D
    from stonesoup.deleter.time import UpdateTimeDeleter
    from stonesoup.hypothesiser.distance import DistanceHypothesiser
    from stonesoup.initiator.simple import MultiMeasurementInitiator
    from stonesoup.measures import Mahalanobis
    from stonesoup.models.measurement.linear import LinearGaussian
    from stonesoup.models.transition.linear import CombinedLinearGaussianTransitionModel, ConstantVelocity
    from stonesoup.predictor.kalman import KalmanPredictor
    from stonesoup.tracker.simple import MultiTargetTracker
    from stonesoup.types.detection import Detection
    from stonesoup.types.state import GaussianState
    from stonesoup.updater.kalman import KalmanUpdater

from adapters.site.configuration import load_site
from adapters.wire import read_frame
from fusion.config import SiteConfig
from fusion.geodesy import Plane
from fusion.tracking.sensors import Station
from fusion.types import SECOND_NS, Floats, Frame
from replay.recordings.files import open_reader

EPOCH = datetime.datetime(2025, 1, 1)
GATE = 5.0  # Mahalanobis
REACH_M = 5000.0  # around a prediction in which the tree looks: what an aircraft is off by in a turn of a radar
NOISE_M = (300.0, 300.0, 450.0)  # 0.1° and 0.15° at 170 km
DENSITY = 200.0  # m²/s³, as tuned on the secondary radars
CONFIRM, DROP_TENTATIVE_S, DROP_S = 3, 6.0, 12.0  # detections; three turns without one
TURN_S = 4.0

Scan = tuple[datetime.datetime, set[Any]]


def scans(path: str, site: SiteConfig) -> list[Scan]:
    """The turns of each radar, in order of their ends, as Stone Soup's detections."""
    plane = Plane(site.service.origin)
    sensors = {sensor.id: sensor for sensor in site.sensor}
    stations = {s.id: Station.of(i, s, site.tracker, plane) for i, s in enumerate(site.sensor)}
    turns: dict[tuple[int, str], list[tuple[int, Floats]]] = {}
    with open_reader(path) as reader:
        first_ns = None
        for record in reader:
            frame = read_frame(record.message, sensors[record.message["sensor"]])[0]
            first_ns = frame.time_ns if first_ns is None else first_ns
            turn = int((frame.time_ns - first_ns) // (TURN_S * SECOND_NS))
            turns.setdefault((turn, frame.sensor), []).append((frame.time_ns, _places(frame, stations)))
    model = LinearGaussian(6, (0, 2, 4), np.diag(np.square(NOISE_M)))
    made = []
    for looks in turns.values():
        end = EPOCH + datetime.timedelta(seconds=(max(time_ns for time_ns, _ in looks) - (first_ns or 0)) / SECOND_NS)
        rows = np.concatenate([places for _, places in looks])
        made.append((end, {Detection(row[:, None], timestamp=end, measurement_model=model) for row in rows}))
    return sorted(made, key=lambda scan: scan[0])


def _places(frame: Frame, stations: dict[str, Station]) -> Floats:
    placement = stations[frame.sensor].placement
    assert placement is not None
    reach, azimuth, elevation = frame.values.T
    level = reach * np.cos(elevation)
    local = np.stack([level * np.sin(azimuth), level * np.cos(azimuth), reach * np.sin(elevation)], axis=1)
    places: Floats = placement.position + (local[:, :, None] * placement.axes[None]).sum(axis=1)
    return places


def tracker(detector: Iterator[Scan], site: SiteConfig) -> Any:
    """Stone Soup's tracker over `detector`."""
    predictor = KalmanPredictor(CombinedLinearGaussianTransitionModel([ConstantVelocity(DENSITY)] * 3))
    updater = KalmanUpdater(None)

    def associator() -> Any:
        hypothesiser = DistanceHypothesiser(predictor, updater, Mahalanobis(), missed_distance=GATE)
        return DetectionKDTreeGNN2D(hypothesiser, predictor, updater, max_distance=REACH_M)

    speed, climb = site.tracker.initial_speed_mps, site.tracker.initial_climb_mps
    prior = GaussianState(np.zeros((6, 1)), np.diag(np.square([1.0, speed, 1.0, speed, 1.0, climb])))
    begin = MultiMeasurementInitiator(
        prior,
        UpdateTimeDeleter(datetime.timedelta(seconds=DROP_TENTATIVE_S)),
        associator(),
        updater,
        min_points=CONFIRM,
    )
    end = UpdateTimeDeleter(datetime.timedelta(seconds=DROP_S))
    return MultiTargetTracker(begin, end, detector, associator(), updater)


def main() -> None:
    path, site_path = sys.argv[1:3]
    site = load_site(site_path)
    looks = scans(path, site)
    detections = sum(len(found) for _, found in looks)
    begun = time.perf_counter()
    tracks = 0
    for _, held in tracker(iter(looks), site):
        tracks = len(held)
    took = time.perf_counter() - begun
    print(json.dumps({"detections": detections, "seconds": took, "tracks": tracks}))


if __name__ == "__main__":
    main()
