"""Errors of tracks on their objects: of place, velocity, heading and climb, each with its sign."""

from __future__ import annotations

import numpy as np

from fusion.types import Bools, Floats
from replay.scoring.held import Held
from replay.scoring.matching import TrackPoints
from replay.scoring.measures import HEADING_FLOOR_MPS, Accuracy, Statistic
from replay.scoring.truths import EAST, NORTH, Presence


def accuracy(held: Held, points: TrackPoints, present: Presence, dims: int) -> Accuracy:
    """The errors of all pairs."""
    truth, track = present.values[held.truth], points.values[held.track]
    moving, heading = headings(held, points, present)
    speeds = [np.hypot(values[:, EAST], values[:, NORTH]) for values in (truth, track)]
    way = truth[moving, EAST : NORTH + 1] / speeds[0][moving, None]
    off = held.offset[moving]
    return Accuracy(
        position_m=of_vectors(held.offset[:, :dims]),
        east_m=of(held.offset[:, 0]),
        north_m=of(held.offset[:, 1]),
        height_m=of(held.offset[:, 2]),
        along_m=of(off[:, 0] * way[:, 0] + off[:, 1] * way[:, 1]),
        across_m=of(off[:, 0] * way[:, 1] - off[:, 1] * way[:, 0]),
        velocity_mps=of_vectors(held.velocity[:, :dims]),
        speed_mps=of(speeds[1] - speeds[0]),
        heading_deg=of(heading[moving]),
        climb_mps=of(held.velocity[:, 2]),
    )


def headings(held: Held, points: TrackPoints, present: Presence) -> tuple[Bools, Floats]:
    """Where object and track both move, and by how much the track's heading is clockwise of the object's, °: (k,)."""
    truth, track = present.values[held.truth], points.values[held.track]
    with np.errstate(invalid="ignore"):
        moving = np.hypot(truth[:, EAST], truth[:, NORTH]) >= HEADING_FLOOR_MPS
        moving &= np.hypot(track[:, EAST], track[:, NORTH]) >= HEADING_FLOOR_MPS
    off = np.arctan2(track[:, EAST], track[:, NORTH]) - np.arctan2(truth[:, EAST], truth[:, NORTH])
    return moving, np.degrees((off + np.pi) % (2.0 * np.pi) - np.pi)


def of(errors: Floats) -> Statistic:
    """Of (k,) signed errors; NaN is not known."""
    known = errors[np.isfinite(errors)]
    if not len(known):
        return Statistic(0, None, None, None)
    return _statistic(known, float(known.mean()))


def of_vectors(errors: Floats) -> Statistic:
    """Of the lengths of (k, d) errors; the bias is the length of their mean."""
    known = errors[np.isfinite(errors).all(axis=1)]
    if not len(known):
        return Statistic(0, None, None, None)
    mean = known.mean(axis=0)
    return _statistic(np.sqrt((known * known).sum(axis=1)), float(np.sqrt((mean * mean).sum())))


def _statistic(errors: Floats, bias: float) -> Statistic:
    rms = float(np.sqrt((errors * errors).mean()))
    return Statistic(len(errors), bias, rms, float(np.percentile(np.abs(errors), 95.0)))
