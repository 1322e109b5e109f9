"""What no track accounts for: how likely each detection is a false alarm or a new object, and the rows of the new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fusion.tracking import births
from fusion.tracking.births import Births
from fusion.tracking.clutter import Clutter
from fusion.tracking.engine import Engine, Setting
from fusion.tracking.ids import track_ids
from fusion.tracking.sensors import LEAST_CLUTTER, Look
from fusion.tracking.tracks import TrackStore
from fusion.tracking.undetected import Undetected
from fusion.types import MOST_EXISTENCE, Floats, Ints

MOST_TRACKS = 100_000  # rows, candidates included: what a frame of noise leaves must not fill the memory
LEAST_EXISTENCE = 1e-4  # less likely is not worth a row: a second detection lifts it thousandfold


@dataclass(frozen=True, slots=True, eq=False)
class Arrivals:
    """Weight of each detection to belong to no track, (n,); what new objects they may be, and their share of it, (b,).

    new, share: None where the sensor begins no track.
    """

    weight: Floats
    new: Births | None = None
    share: Floats | None = None


def arrivals(
    look: Look, engine: Engine, setting: Setting, undetected: Undetected, clutter: Mapping[int, Clutter]
) -> Arrivals:
    """Density of false alarms and of undetected objects at each detection."""
    frame, station = look.frame, look.station
    weight = np.full(len(frame.values), max(station.config.false_alarms, LEAST_CLUTTER))
    measured = ~np.isnan(frame.values)
    if measured.all():
        weight /= station.volume
    else:
        weight /= np.where(measured, station.span, 1.0).prod(axis=1)
    if not births.can_begin(station) or not len(weight):
        return Arrivals(weight)
    weight *= clutter[station.index].factor(frame.values)
    new = engine.births(setting, station, frame, look.placement)
    fresh = station.config.detection_probability * new.density(undetected.density(new.mean))
    if len(new.rows) == len(weight):
        weight += fresh
        return Arrivals(weight, new, fresh / weight)
    weight[new.rows] += fresh
    return Arrivals(weight, new, fresh / weight[new.rows])


def begin(
    look: Look, store: TrackStore, found: Arrivals, alone: Floats, prior: Floats, visible: Floats, picture: int,
    room: int = MOST_TRACKS,
) -> Ints:  # fmt: skip
    """Give a row to each detection that may be a new object; returns which of `found.new` these are.

    alone: (n,) P(belongs to no track). prior: (m,) of the modes. visible: (s,) P(sensor can see it), before any look.
    picture: number of the air picture, as in `ids.track_ids`. room: how many at most.
    """
    if found.new is None or found.share is None:
        return np.zeros(0, np.int64)
    existence = alone[found.new.rows] * found.share
    chosen = np.flatnonzero(existence >= LEAST_EXISTENCE)
    room = min(room, max(MOST_TRACKS - store.size, 0))
    if len(chosen) > room:  # the likeliest ones, in the order of the frame
        chosen = np.sort(chosen[np.argsort(-existence[chosen], kind="stable")[:room]])
    if len(chosen):
        _append(look, store, found.new, chosen, np.minimum(existence, MOST_EXISTENCE), prior, visible, picture)
    return chosen


def _append(
    look: Look, store: TrackStore, new: Births, chosen: Ints, existence: Floats, prior: Floats, visible: Floats,
    picture: int,
) -> None:  # fmt: skip
    from fusion.kernels.begin import begin

    frame, sensor = look.frame, look.station.index
    at = store.extend(len(chosen))
    detections = new.rows[chosen]
    times = frame.times_ns[detections]
    store.id[at] = track_ids(picture, frame.sensor, times, detections, store.id[: at.start])
    if frame.identity is not None:
        store.identity[at] = [frame.identity[d] for d in detections]
    begin(
        at.start, sensor, frame.time_ns, chosen, times, existence, new.mean, new.covariance, prior, visible,
        store.existence, store.time_ns, store.weight, store.mean, store.covariance, store.created_ns, store.updated_ns,
        store.hits, store.birthplace, store.visible, store.looked_ns, store.covered_ns, store.hit_ns,
    )  # fmt: skip
