"""A recording in, tracks and alerts out: as fast as it can, in event-time order, the same bytes each time.

The whole recording is read and checked first, as it may be in any order; then the core takes its frames in,
sorted (`replay.frames_in`). What is written is final: a sorted stream has no late frames.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final

from adapters.wire import Message, Sender, alert_message, alert_topics, tracks_message, zones_message
from fusion.airspace.watch import watched
from fusion.config import SiteConfig
from fusion.errors import ConfigError
from fusion.pipeline import Pipeline
from fusion.registration.registration import Estimate
from fusion.types import Event, Frame, Picture
from replay.frames_in import PROGRESS_FRAMES, AirPicture, FramesIn, Progress, TrackSummary, quiet
from replay.recordings.files import Writer, check_output, open_writer
from replay.recordings.state import epoch_metadata

__all__ = ["TrackSummary", "track"]

SHORTEST_PERIOD_S: Final = 0.01  # as in the configuration
LONGEST_PERIOD_S: Final = 3600.0  # the same
NOTHING: Final[Mapping[str, str]] = {}


def track(
    in_path: str | Path,
    site: SiteConfig,
    out_path: str | Path,
    report_period_s: float | None = None,
    progress: Progress = quiet,
    metadata: Mapping[str, str] = NOTHING,
) -> TrackSummary:
    """Track the recording at `in_path` into a new one at `out_path`.

    report_period_s: instead of the site's. progress: called with a stage ("reading", in bytes; "tracking", in
    frames), how much of it is done, and of how much (None: not known). metadata: as of `open_writer`; the epoch of the
    output and its first time are added.
    Without a single good frame nothing is written: `frames` is 0 then. Raises RecordingError where a
    recording cannot be read or written, ConfigError for a report period that is none.
    """
    if report_period_s is not None:
        if not SHORTEST_PERIOD_S <= report_period_s <= LONGEST_PERIOD_S:
            raise ConfigError("--report-period", report_period_s, f"{SHORTEST_PERIOD_S:g} to {LONGEST_PERIOD_S:g} s")
        site = replace(site, service=replace(site.service, report_period_s=report_period_s))
    check_output(out_path, reads=in_path)
    summary = TrackSummary()
    recording = FramesIn(in_path, site, summary, progress)
    if not summary.frames:
        return summary
    summary.epoch = recording.fingerprint()
    sender = Sender(_source(site), summary.epoch)
    described = {**metadata, **epoch_metadata(sender, summary.from_ns or 0)}
    with open_writer(out_path, described, reads=in_path) as writer:
        output = _Output(writer, sender, summary)
        frames = recording.frames()
        for picture in recording.pictures:
            summary.registration = _run(picture, frames, site, output, progress) or summary.registration
        summary.shortened = writer.shortened
    summary.tracks, summary.alerts = len(output.confirmed), len(output.alerts)
    return summary


def _source(site: SiteConfig) -> str:
    """The site's name, as far as it can be an id."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", site.service.name)[:64].strip("-") or "skypicket"


def _run(
    picture: AirPicture, frames: Iterator[Frame], site: SiteConfig, output: _Output, progress: Progress
) -> dict[str, dict[str, Estimate]]:
    """One air picture through the core: the next of the frames are its own. Returns the biases that it found."""
    total = len(picture.entries)
    if not total:
        return {}
    pipeline = Pipeline(site, rewind=False)
    output.send("zones", _zones(pipeline, picture))
    for count, frame in enumerate(islice(frames, total)):
        if count % PROGRESS_FRAMES == 0:
            progress("tracking", count, total)
        events = pipeline.receive(frame)
        if events:
            output.take(events)
    output.take(pipeline.finish())
    progress("tracking", total, total)
    return pipeline.registration()


def _zones(pipeline: Pipeline, picture: AirPicture) -> Message:
    """The zones as they are at the start; watched by the sensors that the recording has, where they first stood."""
    site, airspace, start_ns = pipeline.site, pipeline.airspace, picture.start_ns
    poses = {sensor: pose for sensor, (_, pose) in picture.poses.items()}
    sensors = [sensor for sensor in site.sensor if sensor.id in picture.sensors]
    seen = watched(site.zones, sensors, poses, airspace.plane, site.tracker)
    return zones_message(start_ns, site.zones, airspace.states(start_ns), seen)


class _Output:
    """Events of the core to messages in a recording, counted."""

    def __init__(self, writer: Writer, sender: Sender, summary: TrackSummary) -> None:
        self.confirmed: set[int] = set()
        self.alerts: set[str] = set()
        self._writer, self._sender, self._summary = writer, sender, summary

    def send(self, topic: str, body: Message) -> None:
        message = self._sender.stamp(topic, body)
        self._writer.write(topic, message, message["time_ns"])

    def take(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, Picture):
                self._summary.pictures += 1
                shown = zip(event.id.tolist(), event.status, strict=True)
                self.confirmed.update([i for i, status in shown if status == "confirmed"])
                self.send("tracks", tracks_message(event))
            else:
                self._summary.steps += 1
                self.alerts.add(event.alert)
                body = alert_message(event, self._summary.steps)
                for topic in alert_topics(event):
                    self.send(topic, body)
