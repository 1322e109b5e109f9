"""From when on an object could be tracked: its third radar detection, read from recorded frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from fusion.config import SiteConfig
from fusion.geodesy import Plane
from fusion.tracking.sensors import measure, place, wrapped
from fusion.types import AZIMUTH, COMPONENTS, ELEVATION, RANGE_RATE, Floats, Frame, Ints
from replay.scoring.truths import ALT, LAT, LON, ObjectRows, interpolate

DETECTIONS = 3  # of a radar: two make a course, the third confirms it
GATE_PROBABILITY = 0.9999  # a true detection falls outside once in 10 000


def trackable(
    frames: Iterable[Frame], objects: Sequence[ObjectRows], site: SiteConfig, max_gap_s: float
) -> dict[str, int]:
    """Object -> the time of its third radar detection; an object without three is not there.

    A detection is an object's if its measured range, azimuth, elevation, altitude or place agree with truth at the
    detection's own time, within the registered sigmas; one look gives an object one detection at most. A range rate
    decides nothing. Frames of sensors that are no radars are passed over.
    """
    plane = Plane(site.service.origin)
    radars = {sensor.id: sensor for sensor in site.sensor if sensor.kind == "radar"}
    waiting = {rows.id: rows for rows in objects if len(rows.times_ns)}
    counts, found = dict.fromkeys(waiting, 0), {}
    for frame in sorted(frames, key=lambda frame: frame.key):
        sensor = radars.get(frame.sensor)
        pose = frame.pose or (sensor.pose if sensor is not None else None)
        if sensor is None or pose is None or not len(frame.times_ns):
            continue
        stand = place(pose, plane)
        codes = [COMPONENTS.index(name) for name in sensor.measures]
        for name, rows in list(waiting.items()):
            at, values, _ = interpolate(rows, frame.times_ns, max_gap_s)
            if not len(at):
                continue
            state = np.zeros((len(at), 6))
            state[:, :3] = plane.to_local(values[:, LAT], values[:, LON], values[:, ALT])
            told = np.stack([measure(code, stand, plane, state)[0] for code in codes], axis=1)
            own = _agrees(frame.values[at], told, frame.sigmas[at], codes)
            if not own.any():
                continue
            counts[name] += 1
            if counts[name] == DETECTIONS:
                found[name] = int(frame.times_ns[at][own].min())
                del waiting[name]
    return found


def _agrees(measured: Floats, told: Floats, sigmas: Floats, codes: list[int]) -> Ints:
    """Which of (n, k) detections lie within the gate of what truth would give: (n,) bool."""
    from scipy.stats import chi2

    used = [k for k, code in enumerate(codes) if code != RANGE_RATE]
    off = measured - told
    angles = [k for k, code in enumerate(codes) if code in (AZIMUTH, ELEVATION)]
    off[:, angles] = wrapped(off[:, angles])
    there = ~np.isnan(measured[:, used])
    square = np.where(there, (off[:, used] / sigmas[:, used]) ** 2, 0.0).sum(axis=1)
    many = there.sum(axis=1)
    inside: Ints = (many > 0) & (square <= chi2.ppf(GATE_PROBABILITY, np.maximum(many, 1)))
    return inside
