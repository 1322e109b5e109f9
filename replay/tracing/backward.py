"""A track's motion run backward from its first detection, weighed by every look that missed it.

The modes of `fusion.tracking.motion` run backward as they run forward: with the velocity turned round, a path in
reversed time is one of the same model with left and right turns exchanged, as the mode chain is reversible (its jumps
draw from the stationary prior). The exception is drag, which backward would push: it is left out. Sampled paths
(`fusion.prediction.paths`) then count by the probability that none of the looks before the first detection saw them,
each sensor's visibility the two-state chain that the tracker uses (Brekke, Hem, Tokle 2021).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from fusion.prediction.paths import Fan, fan
from fusion.tracking.motion import DRAG, LATERAL, Motions
from fusion.tracking.sensors import covers
from fusion.tracking.tracker import Tracker
from fusion.types import SECOND_NS, Floats, Frame

PATHS: Final = 4096  # of which many are ruled out


@dataclass(slots=True, eq=False)
class Walked:
    """s paths at k + 1 times `dt` apart, going back. ground: (s, k + 1, 3), place: the same in the plane."""

    paths: Fan
    ground: Floats
    place: Floats
    dt: float

    def at(self, back_s: float, points: Floats) -> Floats:
        """Of (s, k + 1, 3) points those of one time: (s, 3)."""
        step = min(int(back_s / self.dt), points.shape[1] - 2)
        part = back_s / self.dt - step
        return np.asarray(points[:, step] + part * (points[:, step + 1] - points[:, step]))


def reversed_motion(
    motions: Motions, state: tuple[Floats, Floats, Floats]
) -> tuple[Motions, tuple[Floats, Floats, Floats]]:
    """The same model and state in reversed time: velocities turned round, left for right, no drag."""
    turn = np.array([1.0, 1.0, 1.0, -1.0, -1.0, -1.0])
    parameters = motions.parameters.copy()
    parameters[:, DRAG] = 0.0
    mirror = parameters.copy()
    mirror[:, LATERAL] *= -1.0
    other = [int(np.flatnonzero((parameters == row).all(axis=1))[0]) for row in mirror]
    weight, mean, covariance = (part[other] for part in state)
    back = weight, mean * turn, covariance * turn[:, None] * turn[None, :]
    return replace(motions, parameters=parameters), back


def walk(tracker: Tracker, state: tuple[Floats, Floats, Floats], back_s: float) -> Walked:
    """Sampled paths back from a state: weight (m,), mean (m, 6), covariance (m, 6, 6)."""
    motions, (weight, mean, covariance) = reversed_motion(tracker.motions, state)
    paths = fan(motions, tracker.plane, weight, mean, covariance, back_s, PATHS)
    ground = paths.path
    lat, lon = paths.geodetic(ground[..., :2].reshape(-1, 2))
    place = tracker.plane.to_local(lat, lon, ground[..., 2].reshape(-1)).reshape(ground.shape)
    return Walked(paths, ground, place, paths.dt)


class Weighed:
    """The paths' weights, look by look, going back. weight: (s,) P(no look saw it)."""

    def __init__(self, tracker: Tracker, walked: Walked, first: tuple[int, str]) -> None:
        self.weight = np.ones(len(walked.ground))
        self.expected = 0.0
        self._tracker, self._walked, self._first_ns = tracker, walked, first[0]
        self._visible = {
            name: np.full(len(walked.ground), 1.0 if name == first[1] else station.visible_share)
            for name, station in tracker.stations.items()
        }
        self._last_ns = dict.fromkeys(tracker.stations, first[0])

    def look(self, frame: Frame) -> None:
        """One look earlier than those before."""
        station = self._tracker.stations[frame.sensor]
        look = station.look(frame, self._tracker.plane)
        state = np.zeros((len(self.weight), 6))
        state[:, :3] = self._walked.at(max(self._first_ns - frame.time_ns, 0) / SECOND_NS, self._walked.place)
        passed_s = max(self._last_ns[frame.sensor] - frame.time_ns, 0) / SECOND_NS
        self._last_ns[frame.sensor] = frame.time_ns
        keep = float(np.exp(-passed_s / station.blind_time_s))
        seen = station.visible_share + (self._visible[frame.sensor] - station.visible_share) * keep
        swept = covers(look.box, look.placement, self._tracker.plane, state)
        chance = station.config.detection_probability
        missed = np.where(swept, 1.0 - chance * seen, 1.0)
        self.expected += float((self.weight * (1.0 - missed)).sum() / self.weight.sum())
        self._visible[frame.sensor] = np.where(swept, seen * (1.0 - chance) / missed, seen)
        self.weight = np.maximum(self.weight * missed, 1e-300)
