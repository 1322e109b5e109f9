"""What scoring and drawing need of a recording: the pictures that count, truth, zones and alerts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from adapters.wire import read_alert, read_frame, read_tracks, read_truth
from fusion.config import SiteConfig, ZoneConfig
from fusion.errors import MessageRejected
from fusion.types import Frame, Picture, Truth
from replay.alerts.trackable import trackable
from replay.recordings.files import open_reader
from replay.scoring.truths import collect
from replay.scoring.volumes import ZoneReport, read_zones

Message = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """pictures: in order of time, the last of each time.  zones, alerts: messages, in the order of the file.

    problems: what could not be read, one sentence for each kind.  trackable_ns: object -> its third radar detection;
    None: not known.  frames: of the sensors of `site`, in the order of the file; no site: not read.
    """

    pictures: tuple[Picture, ...]
    truth: tuple[Truth, ...]
    zones: tuple[ZoneReport, ...] = ()
    alerts: tuple[Message, ...] = ()
    problems: tuple[str, ...] = ()
    trackable_ns: Mapping[str, int] | None = None
    frames: tuple[Frame, ...] = ()
    site: SiteConfig | None = None

    def telling(self, reason: object) -> str:
        """The reason why nothing is scored, with what was passed over: it may be why."""
        return "; ".join([str(reason), *(f"passed over: {problem}" for problem in self.problems)])

    @property
    def all_zones(self) -> tuple[ZoneConfig, ...]:
        """Every zone that was ever reported, as it was reported last."""
        return tuple({zone.id: zone for report in self.zones for zone in report.zones}.values())


def load(tracks_path: str, truth_path: str | None) -> Run:
    """Read both recordings (they may be one file; None: no truth). Bad messages become `problems`.

    Raises RecordingError.
    """
    pictures: list[Picture] = []
    truth: list[Truth] = []
    zones: list[ZoneReport] = []
    alerts: list[Message] = []
    problems = _read(
        tracks_path,
        {
            "tracks": _into(pictures, read_tracks),
            "alert": _into(alerts, read_alert),
            "zones": _into(zones, read_zones),
        },
    )
    if truth_path is not None:
        problems += _read(truth_path, {"truth": _into(truth, read_truth)})
    return Run(latest(pictures), tuple(truth), tuple(zones), tuple(alerts), tuple(problems))


def load_frames(path: str, site: SiteConfig) -> list[Frame]:
    """The frames of the sensors that `site` registers; others and bad ones are left out."""
    sensors = {sensor.id: sensor for sensor in site.sensor}
    frames: list[Frame] = []

    def take(message: Message) -> None:
        sensor = sensors.get(message["sensor"])
        if sensor is not None:
            frames.append(read_frame(message, sensor)[0])

    _read(path, {"frame": take})
    return frames


def with_detections(run: Run, path: str, site: SiteConfig, max_gap_s: float, other: str | None = None) -> Run:
    """The run with the frames of the recording at `path`, or else at `other`, of the sensors that `site` registers.

    Where it holds zones, with the time of each object's third radar detection too.  Raises RecordingError.
    """
    frames = load_frames(path, site) or (load_frames(other, site) if other not in (None, path) else [])
    return with_frames(run, frames, site, max_gap_s)


def with_frames(run: Run, frames: Sequence[Frame], site: SiteConfig, max_gap_s: float) -> Run:
    """The same for frames that are there already."""
    run = replace(run, frames=tuple(frames), site=site)
    radars = {sensor.id for sensor in site.sensor if sensor.kind == "radar"}
    if not run.zones or not any(frame.sensor in radars for frame in frames):
        return run
    return replace(run, trackable_ns=trackable(frames, collect(run.truth), site, max_gap_s))


def latest(pictures: Iterable[Picture]) -> tuple[Picture, ...]:
    """In order of time; of several pictures of one time the last: a late frame has changed it."""
    by_time = {picture.time_ns: picture for picture in pictures}
    return tuple(by_time[time_ns] for time_ns in sorted(by_time))


def _into(kept: list[T], read: Callable[[Message], T]) -> Callable[[Message], None]:
    return lambda message: kept.append(read(message))


def _read(path: str, takers: dict[str, Callable[[Message], None]]) -> list[str]:
    """Hand every message of a wanted kind to its taker. Returns what was wrong with the file."""
    with open_reader(path) as reader:
        for record in reader:
            take = takers.get(record.kind)
            if take is None:
                continue
            try:
                take(record.message)
            except MessageRejected as error:
                reader.problems.add(f"{record.kind} {error.code}", error.detail, reader.offset)
        return [f"{path}: {problem}" for problem in reader.problems]
