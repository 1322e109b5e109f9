"""A track told from its origin to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from fusion.config import SiteConfig, ZoneConfig
from fusion.geodesy import Plane, rotate
from fusion.types import Floats, Ints
from replay.frames_in import Progress, quiet
from replay.tracing.drawn import draw
from replay.tracing.history import Sight
from replay.tracing.origin import Origin, origin
from replay.tracing.rerun import Known, rerun
from replay.tracing.sensors import Seen, seen
from replay.tracing.smoother import moments, smooth
from replay.tracing.visits import Visit, visits

BACK_S: Final = 300.0  # five minutes: as far as a plan view of most coverages reaches


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """States at the object's own east, north, up: (n,), velocity (n, 3) m/s, covariance (n, 6, 6)."""

    lat_deg: Floats
    lon_deg: Floats
    alt_m: Floats
    velocity_mps: Floats
    covariance: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """times_ns: (n,) of every look that touched the track.  modes: (n, m) smoothed probabilities of `motions`.

    published: made from published tracks, without any frame: no sensor's looks, rougher smoothing.
    linked: other ids of the same object, by alerts that were handed over.  earlier_ns: when the track that this one
    goes on from was last seen, 0: from none.
    """

    track: int
    known: Known
    linked: tuple[int, ...]
    published: bool
    from_ns: int
    to_ns: int
    times_ns: Ints
    filtered: Way
    smoothed: Way
    motions: tuple[str, ...]
    modes: Floats
    sights: tuple[Sight, ...]
    points: Floats  # (d, 3) lat_deg, lon_deg, alt_m of detections that were taken as the track's
    sensors: tuple[Seen, ...]
    visits: tuple[Visit, ...]
    origin: Origin
    earlier_ns: int
    site: SiteConfig
    passed: tuple[str, ...] = ()

    @property
    def zones(self) -> tuple[ZoneConfig, ...]:
        return self.site.zones


def trace(path: str, site: SiteConfig, track: int, back_s: float = BACK_S, progress: Progress = quiet) -> Trace:
    """Track a recording again and go back over one of its tracks.

    Raises ConfigError for a track that is not there, RecordingError where the recording cannot be read.
    """
    run = rerun(path, site, track, back_s, progress)
    tracker, history = run.tracker, run.history
    parts = tracker.motions, tracker.setting.earth
    smoothed = smooth(history, *parts, lambda done, total: progress("smoothing", done, total))
    drawn = draw(history, *parts, progress=lambda done, total: progress("drawing", done, total))
    first = int(history.times_ns[0]), history.sights[0].sensor if history.sights else ""
    start = smoothed.weight[0], smoothed.mean[0], smoothed.covariance[0]
    others = {other: known for other, known in run.known.items() if _may_be(known, run.known[track])}
    back = origin(tracker, start, first, run.before, back_s, run.from_ns, others, site.zones, progress, run.first)
    points = np.array([sight.point for sight in history.sights if sight.point is not None]).reshape(-1, 3)
    return Trace(
        track, run.known[track], run.linked, run.published, run.from_ns, run.to_ns, history.times_ns,
        way(tracker.plane, history.weight, history.mean, history.covariance),
        way(tracker.plane, smoothed.weight, smoothed.mean, smoothed.covariance), tracker.motions.names,
        smoothed.weight, history.sights, np.stack(tracker.plane.to_geodetic(points), axis=1),
        seen(history.sights, site.sensor), visits(drawn, site.zones, tracker.plane), back,
        run.known[back.earlier[0][0]].to_ns if back.earlier else 0, site, run.passed,
    )  # fmt: skip


def _may_be(other: Known, one: Known) -> bool:
    """Whether two tracks may be of one object, by their addresses, and were told to people."""
    return other is not one and other.confirmed and (other.identity is None or one.identity in (None, other.identity))


def way(plane: Plane, weight: Floats, mean: Floats, covariance: Floats) -> Way:
    """Mixtures in the plane as single states at the object."""
    centre, spread = moments(weight, mean, covariance)
    lat, lon, alt, axes = plane.places(centre[:, :3])
    turn = np.zeros((len(axes), 6, 6))
    turn[:, :3, :3] = turn[:, 3:, 3:] = axes
    return Way(lat, lon, alt, rotate(centre[:, 3:], axes), turn @ spread @ turn.swapaxes(1, 2))
