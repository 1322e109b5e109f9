"""The recording tracked again, watching one track; or, where it holds tracks alone, their published states."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import numpy as np

from adapters.wire import read_tracks
from fusion.config import SiteConfig
from fusion.errors import ConfigError, MessageRejected
from fusion.geodesy import rotate
from fusion.pipeline import Pipeline
from fusion.tracking.tracker import Tracker
from fusion.types import SECOND_NS, AlertStep, Event, Floats, Frame, Picture
from replay.frames_in import PROGRESS_FRAMES, FramesIn, NoTrackError, Progress, TrackSummary, quiet
from replay.recordings.files import open_reader
from replay.scoring.matching import UPPER_TRIANGLE
from replay.tracing.history import Histories, History, Sight

MOST_NAMED: Final = 20  # tracks in an error
NEAREST_NAMED: Final = 3  # of these the ones whose ids are nearest to the one that was asked for
LARGEST_SPREAD: Final = 1e12  # m²: a published covariance beyond it says nothing


@dataclass(slots=True)
class Known:
    """One track as the pictures showed it. shown: how many of them.

    last_ns: of the first picture with its last detection; place, spread: lat_deg, lon_deg, alt_m and covariance (3, 3)
    of east, north, up there.
    """

    shown: int = 0
    from_ns: int = 0
    to_ns: int = 0
    status: str = ""
    confirmed: bool = False
    reason: str | None = None
    identity: str | None = None
    last_ns: int = 0
    place: tuple[float, float, float] = (0.0, 0.0, 0.0)
    spread: Floats = field(default_factory=lambda: np.full((3, 3), np.nan))


@dataclass(frozen=True, slots=True, eq=False)
class Rerun:
    """tracker: its stations, motions and plane.  before: frames ahead of the first detection, no longer than asked.

    known: id -> what the pictures showed.  linked: other ids of the same object, by alerts that were handed over.
    from_ns, to_ns: of the recording, or of its air picture that has the track.  published: made from tracks alone,
    without any frame.  first: the frame of the first detection; None: made from tracks alone.
    passed: what of the recording was passed over.
    """

    history: History
    tracker: Tracker
    before: tuple[Frame, ...]
    known: dict[int, Known]
    linked: tuple[int, ...]
    from_ns: int
    to_ns: int
    published: bool
    first: Frame | None = None
    passed: tuple[str, ...] = ()


def rerun(path: str, site: SiteConfig, track: int, back_s: float, progress: Progress = quiet) -> Rerun:
    """Run the frames of a recording through the core; without a frame, take the published tracks.

    Raises ConfigError for a track that is not there, RecordingError where the recording cannot be read.
    """
    summary = TrackSummary()
    recording = FramesIn(path, site, summary, progress)
    if not any(picture.entries for picture in recording.pictures):
        return _published(path, site, track, summary.passed)
    frames, events = recording.frames(), list[AlertStep]()
    histories, before, known = Histories(track), deque[Frame](), dict[int, Known]()
    ends_ns, first = (0, 0), None
    for picture in recording.pictures:
        if not picture.entries:
            continue
        looking = not histories.tracks()  # a replay in a loop has the same ids again: the first counts
        if looking:
            before.clear()
            ends_ns = picture.start_ns, picture.entries[-1].time_ns
        pipeline = Pipeline(site, rewind=False, follower=histories if looking else None)
        for count, frame in enumerate(islice(frames, len(picture.entries))):
            if count % PROGRESS_FRAMES == 0:
                progress("tracking", count, len(picture.entries))
            _take(pipeline.receive(frame), known, events)
            if looking and first is None and histories.tracks():
                first = frame
            if not histories.tracks():
                before.append(frame)
                while frame.time_ns - before[0].time_ns > round(back_s * SECOND_NS):
                    before.popleft()
        _take(pipeline.finish(), known, events)
        progress("tracking", len(picture.entries), len(picture.entries))
    passed = summary.passed
    history = histories.of(track)
    if history is None or track not in known:
        if not known:
            raise NoTrackError(path, passed)
        raise ConfigError("--track", track, _named(known, track))
    return Rerun(
        history,
        Tracker(site),
        tuple(before),
        known,
        _linked(events, track),
        *ends_ns,
        published=False,
        first=first,
        passed=passed,
    )


def _take(new: Sequence[Event], known: dict[int, Known], events: list[AlertStep]) -> None:
    for event in new:
        if isinstance(event, AlertStep):
            events.append(event)
        else:
            _note(event, known)


def _note(picture: Picture, known: dict[int, Known]) -> None:
    for row, track in enumerate(picture.id.tolist()):
        one = known.setdefault(track, Known(from_ns=int(picture.created_ns[row])))
        if picture.updated_ns[row] > one.to_ns:
            lat, lon, alt = (float(part[row]) for part in (picture.lat_deg, picture.lon_deg, picture.alt_m))
            one.last_ns, one.place = picture.time_ns, (lat, lon, alt)
            one.spread = _in_plane(picture.covariance[row], np.eye(3))[:3, :3]
        one.shown, one.to_ns, one.status = one.shown + 1, int(picture.updated_ns[row]), picture.status[row]
        one.confirmed |= one.status == "confirmed"
        one.reason = picture.reason[row]
        one.identity = picture.identity[row] or one.identity


def _linked(steps: Sequence[AlertStep], track: int) -> tuple[int, ...]:
    """The other ids of the alerts' episodes that the track was in, in order of their coming."""
    together = [ids for each in steps for ids in [(*each.tracks, each.track)] if track in ids]
    return tuple(dict.fromkeys(other for ids in together for other in ids if other != track))


def _named(known: dict[int, Known], track: int) -> str:
    """The tracks that there were: the nearest by number, then the longest."""
    near = sorted(known, key=lambda one: (abs(one - track), one))[:NEAREST_NAMED]
    long = sorted(known, key=lambda one: (-known[one].shown, one))
    names = [str(one) for one in long[:MOST_NAMED]]
    more = f" and {len(long) - MOST_NAMED} more" if len(long) > MOST_NAMED else ""
    close = ", ".join(str(one) for one in near)
    return f"a track of this recording, the nearest ids {close}; the longest first: {', '.join(names)}{more}"


def _published(path: str, site: SiteConfig, track: int, passed: tuple[str, ...]) -> Rerun:
    """The history of a track from `tracks` messages: one Gaussian each, in the place of the mode that was told."""
    tracker = Tracker(site)
    pictures: dict[int, Picture] = {}
    with open_reader(path) as reader:
        for record in reader:
            if record.kind == "tracks":
                try:
                    picture = read_tracks(record.message)
                except MessageRejected as error:
                    reader.problems.add(f"tracks {error.code}", error.detail, reader.offset)
                    continue
                pictures[picture.time_ns] = picture
        passed = tuple(dict.fromkeys([*passed, *map(str, reader.problems)]))
    known: dict[int, Known] = {}
    rows: list[tuple[Picture, int]] = []
    for time_ns in sorted(pictures):
        picture = pictures[time_ns]
        _note(picture, known)
        rows += [(picture, row) for row in np.flatnonzero(picture.id == track).tolist()]
    if not rows:
        if not known:
            raise NoTrackError(path, passed)
        raise ConfigError("--track", track, _named(known, track))
    rows = [(picture, row) for picture, row in rows if picture.status[row] != "ended" and _whole(picture, row)]
    if not rows:
        raise ConfigError("--track", track, "a track that is told with velocity and covariance")
    times = sorted(pictures)
    return Rerun(
        _of_pictures(tracker, track, rows), tracker, (), known, (), times[0], times[-1], published=True, passed=passed
    )


def _whole(picture: Picture, row: int) -> bool:
    """Whether a published state has a velocity, and a covariance that is one."""
    velocity = np.array([picture.east_mps[row], picture.north_mps[row], picture.up_mps[row]])
    if not (np.isfinite(velocity).all() and np.isfinite(picture.covariance[row]).all()):
        return False
    return bool(np.linalg.eigvalsh(_in_plane(picture.covariance[row], np.eye(3)))[0] > 0.0)


def _of_pictures(tracker: Tracker, track: int, rows: Sequence[tuple[Picture, int]]) -> History:
    """Each published state in the plane, in every mode alike; the mode that was told has its probability."""
    names, plane = list(tracker.motions.names), tracker.plane
    k, m = len(rows), len(tracker.motions.names)
    mean, covariance, weight = np.empty((k, m, 6)), np.empty((k, m, 6, 6)), np.empty((k, m))
    sights: list[Sight] = []
    for at, (picture, row) in enumerate(rows):
        lat, lon = picture.lat_deg[row], picture.lon_deg[row]
        axes = plane.local_axes(lat, lon)
        velocity = np.array([picture.east_mps[row], picture.north_mps[row], picture.up_mps[row]])
        mean[at, :, :3] = plane.to_local(lat, lon, picture.alt_m[row])
        mean[at, :, 3:] = rotate(velocity, axes.T)
        covariance[at] = _in_plane(picture.covariance[row], axes)
        told = float(np.clip(picture.mode_probability[row], 1.0 / m, 1.0))
        weight[at] = (1.0 - told) / max(m - 1, 1)
        if picture.mode[row] in names:
            weight[at, names.index(picture.mode[row])] = told
        weight[at] /= weight[at].sum()
        if not at or picture.updated_ns[row] > rows[at - 1][0].updated_ns[rows[at - 1][1]]:
            sights += [Sight(int(picture.updated_ns[row]), name, 1.0, 1.0, ()) for name in picture.sensors[row]]
    times = np.array([picture.time_ns for picture, _ in rows], np.int64)
    return History(track, times, weight, mean, covariance, tuple(sights))


def _in_plane(triangle: Floats, axes: Floats) -> Floats:
    """21 numbers at the object to (6, 6) in plane axes."""
    whole = np.zeros((6, 6))
    whole[UPPER_TRIANGLE] = np.clip(triangle, -LARGEST_SPREAD, LARGEST_SPREAD)
    whole = whole + np.triu(whole, 1).T
    turn = np.zeros((6, 6))
    turn[:3, :3] = turn[3:, 3:] = axes
    return np.asarray(turn.T @ whole @ turn)
