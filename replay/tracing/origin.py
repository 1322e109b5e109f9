"""From where a track came: regions at times before its first detection, and what they say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from fusion.airspace.volumes import Volume
from fusion.config import ZoneConfig
from fusion.prediction.paths import Fan
from fusion.tracking.sensors import Placement, box, covers
from fusion.tracking.tracker import Tracker
from fusion.types import SECOND_NS, Bools, Floats, Frame
from replay.frames_in import PROGRESS_FRAMES, Progress, quiet
from replay.tracing.backward import Walked, Weighed, walk
from replay.tracing.regions import regions, spread
from replay.tracing.rerun import Known

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

PARTS: Final = (0.1, 0.2, 0.4, 0.7, 1.0)  # of the span, at which a region is told
LEVELS: Final = (0.5, 0.9)  # of the regions
ELLIPSE: Final = 2.145966  # root of chi-square with two degrees of freedom at 0.9
LEAST_PATHS: Final = 20.0  # effective ones: fewer draw no region
HARDLY: Final = 0.05  # a chance below this of staying unseen for so long: it was not flying there
MOSTLY: Final = 0.5
LEAST_LOOKS: Final = 1.0  # expected detections below which the looks say nothing
LEAST_ZONE: Final = 0.01
NOTHING: Final[Mapping[int, Known]] = {}

GATE: Final = 11.345  # chi-square of three degrees of freedom, 0.99: that a track ended where this one came from
TRACK, EDGE, APPEARED, START, UNCLEAR = "track", "edge", "appeared", "start", "unclear"


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Where it was `back_s` before the first detection.

    undetected: P(no look would have seen it until then).  outside: P(outside every sensor's coverage).  effective:
    paths that it rests on.  centre: lat_deg, lon_deg, alt_m; ellipse: semi-axes of 90 %, m, and the azimuth of the
    longer, degrees.  height_m, speed_mps: p10, p50, p90.  course_deg: over ground, forward in time.  polygons: for each
    of `LEVELS` a list of polygons, each of rings (n, 2) lon_deg, lat_deg, and the share of paths that they hold; empty
    with too few paths.
    """

    back_s: float
    time_ns: int
    undetected: float
    outside: float
    effective: float
    centre: tuple[float, float, float]
    ellipse: tuple[float, float, float]
    height_m: tuple[float, float, float]
    speed_mps: tuple[float, float, float]
    course_deg: float
    polygons: tuple[tuple[tuple[Floats, ...], ...], ...]
    holds: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Edge:
    """Where paths come in through the edge of the coverage. probability: that it did so within the span.

    back_s: p10, p50, p90 before the first detection.  place: in the middle, lat_deg, lon_deg, alt_m.
    """

    probability: float
    back_s: tuple[float, float, float]
    place: tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Origin:
    """verdict: `track` (goes on from another track), `edge` (came in through the edge of the coverage), `appeared`
    (inside it: it rose there, or was hidden), `start` (the recording begins too late to tell), `unclear`.
    earlier: the tracks that it may go on from, the likeliest first, and their squared distances.
    span_s: how far it was gone back; looked_s: for how much of it there is a recording.  looks: before the first
    detection, expected: detections that they owed a path of this kind.  zones: id -> P(was inside within the span).
    """

    verdict: str
    earlier: tuple[tuple[int, float], ...]
    span_s: float
    looked_s: float
    looks: int
    expected: float
    regions: tuple[Region, ...]
    edge: Edge | None
    zones: dict[str, float]


def origin(
    tracker: Tracker, state: tuple[Floats, Floats, Floats], first: tuple[int, str], before: Sequence[Frame],
    back_s: float, from_ns: int, others: Mapping[int, Known] = NOTHING, zones: Sequence[ZoneConfig] = (),
    progress: Progress = quiet, own: Frame | None = None,
) -> Origin:  # fmt: skip
    """Go back from a track's first detection.

    state: weight (m,), mean (m, 6), covariance (m, 6, 6), smoothed, at the first detection.  first: its time, and
    the sensor that made it.  before: the frames ahead of it.  back_s: how far to go back.
    own: the frame of the first detection, which tells where a sensor that moves was.
    from_ns: when the recording begins.  others: tracks that it may go on from.
    """
    walked = walk(tracker, state, back_s)
    weighed = Weighed(tracker, walked, first)
    told = []
    frames = [frame for frame in reversed(before) if first[0] - frame.time_ns <= round(back_s * SECOND_NS)]
    done = 0
    outside = _outside(tracker, walked, before, own)
    for part in PARTS:
        until_ns = first[0] - round(part * back_s * SECOND_NS)
        while done < len(frames) and frames[done].time_ns >= until_ns:
            if done % PROGRESS_FRAMES == 0:
                progress("going back", done, len(frames))
            weighed.look(frames[done])
            done += 1
        told.append(_region(walked, weighed.weight, outside, part * back_s, first[0]))
    progress("going back", len(frames), len(frames))
    share = weighed.weight / weighed.weight.sum()
    looked_s = min(back_s, max(first[0] - from_ns, 0) / SECOND_NS)
    edge = _edge(walked, outside[:, : int(looked_s / walked.dt) + 1], share)
    earlier = _earlier(tracker, walked, others, first[0], looked_s)
    verdict = TRACK if earlier else _verdict(told[-1], edge, weighed.expected)
    return Origin(
        verdict, earlier, back_s, looked_s, len(frames), weighed.expected, tuple(told), edge,
        _zones(tracker, walked, share, zones),
    )  # fmt: skip


def _outside(tracker: Tracker, walked: Walked, before: Sequence[Frame], own: Frame | None) -> Bools:
    """Whether each path is beyond the registered coverage of every sensor that looked: (s, k + 1).

    A sensor that moves is taken where it looked last, the one of the first detection where it made it.
    """
    placements: dict[str, Placement] = {}
    for frame in before:
        placements[frame.sensor] = tracker.stations[frame.sensor].look(frame, tracker.plane).placement
    placements = placements or dict(tracker.placements)
    if own is not None:
        placements[own.sensor] = tracker.stations[own.sensor].look(own, tracker.plane).placement
    outside = np.ones(walked.place.shape[:2], bool)
    for name, placement in placements.items():
        limits = box(tracker.stations[name].config.coverage, None)
        state = np.zeros((outside.size, 6))
        state[:, :3] = walked.place.reshape(-1, 3)
        outside &= ~covers(limits, placement, tracker.plane, state).reshape(outside.shape)
    return outside


def _region(walked: Walked, weight: Floats, outside: Bools, back_s: float, first_ns: int) -> Region:
    share = weight / weight.sum()
    ground = walked.at(back_s, walked.ground)
    about = spread(ground[:, :2], share)
    polygons: list[tuple[tuple[Floats, ...], ...]] = []
    holds: list[float] = []
    if about.effective >= LEAST_PATHS:
        import shapely

        for shape in regions(ground[:, :2], share, LEVELS):
            polygons.append(_rings(walked.paths, shape))
            holds.append(float(share[shapely.contains_xy(shape, ground[:, 0], ground[:, 1])].sum()))
    lat, lon = walked.paths.geodetic(about.centre[None])
    step_s = min(walked.dt, back_s)
    rate = (walked.at(back_s - step_s, walked.ground) - ground) / step_s
    mean = (share[:, None] * rate).sum(axis=0)
    heights = quantiles(ground[:, 2], share)
    azimuth = float(np.degrees(np.arctan2(about.axes[0, 0], about.axes[1, 0]))) % 180.0
    beyond = outside[:, min(round(back_s / walked.dt), outside.shape[1] - 1)]
    return Region(
        back_s, first_ns - round(back_s * SECOND_NS), float(weight.mean()), float(share[beyond].sum()),
        about.effective, (float(lat[0]), float(lon[0]), heights[1]),
        (ELLIPSE * float(about.sigmas[0]), ELLIPSE * float(about.sigmas[1]), azimuth), heights,
        quantiles(np.hypot(rate[:, 0], rate[:, 1]), share), float(np.degrees(np.arctan2(mean[0], mean[1]))) % 360.0,
        tuple(polygons), tuple(holds),
    )  # fmt: skip


def _rings(paths: Fan, shape: BaseGeometry) -> tuple[tuple[Floats, ...], ...]:
    """Polygons of the ground as rings of lon_deg, lat_deg, closed, outer first."""
    import shapely

    found = []
    for part in shapely.get_parts(shape):
        rings = []
        for ring in (part.exterior, *part.interiors):
            lat, lon = paths.geodetic(shapely.get_coordinates(ring))
            rings.append(np.stack([lon, lat], axis=1))
        found.append(tuple(rings))
    return tuple(found)


def _edge(walked: Walked, outside: Bools, share: Floats) -> Edge | None:
    """The paths that leave the coverage while there is a recording, going back, and where they first do."""
    rows = np.flatnonzero(outside.any(axis=1))
    if not len(rows) or not share[rows].sum() > LEAST_ZONE:
        return None
    step = outside[rows].argmax(axis=1)
    own = share[rows] / share[rows].sum()
    back = quantiles(step * walked.dt, own)
    ground = (own[:, None] * walked.ground[rows, step]).sum(axis=0)
    lat, lon = walked.paths.geodetic(ground[None, :2])
    return Edge(float(share[rows].sum()), back, (float(lat[0]), float(lon[0]), float(ground[2])))


def _zones(tracker: Tracker, walked: Walked, share: Floats, zones: Sequence[ZoneConfig]) -> dict[str, float]:
    found = {}
    for zone in zones:
        volume = Volume.of(replace(zone, margin_m=0.0, margin_vertical_m=0.0), tracker.plane)
        lat, lon = walked.paths.geodetic(walked.ground[..., :2].reshape(-1, 2))
        spot, height = volume.on_map(lat, lon), walked.ground[..., 2].reshape(-1)
        inside = volume.inside(spot[:, 0], spot[:, 1], height).reshape(walked.ground.shape[:2]).any(axis=1)
        if share[inside].sum() >= LEAST_ZONE:
            found[zone.id] = float(share[inside].sum())
    return found


def _earlier(
    tracker: Tracker, walked: Walked, others: Mapping[int, Known], first_ns: int, span_s: float
) -> tuple[tuple[int, float], ...]:
    """The tracks that were seen last where this one was then, by its motion alone: what saw them saw this one."""
    found = []
    for track, known in others.items():
        back_s = (first_ns - known.last_ns) / SECOND_NS
        if known.to_ns >= first_ns or not 0.0 <= back_s <= span_s or not np.isfinite(known.spread).all():
            continue
        place = walked.at(back_s, walked.place)
        axes = tracker.plane.local_axes(known.place[0], known.place[1])
        covariance = np.cov(place, rowvar=False) + axes.T @ known.spread @ axes
        off = tracker.plane.to_local(*known.place) - place.mean(axis=0)
        square = float(off @ np.linalg.solve(covariance, off))
        if square <= GATE:
            found.append((track, square))
    return tuple(sorted(found, key=lambda one: (one[1], one[0])))


def _verdict(last: Region, edge: Edge | None, expected: float) -> str:
    if last.undetected < HARDLY:
        return APPEARED
    if edge is not None and edge.probability >= MOSTLY:
        return EDGE
    return START if expected < LEAST_LOOKS else UNCLEAR


def quantiles(values: Floats, share: Floats) -> tuple[float, float, float]:
    """p10, p50, p90 of weighted values."""
    order = np.argsort(values, kind="stable")
    held = np.cumsum(share[order])
    places = np.minimum(np.searchsorted(held, np.array([0.1, 0.5, 0.9]) * held[-1]), len(values) - 1)
    low, middle, high = (float(values[order[place]]) for place in places.tolist())
    return low, middle, high
