"""A recording in, tracks and alerts out: as fast as it can, in event-time order, the same bytes each time.

The whole recording is read and checked first and sorted by `Frame.key`, as it may be in any order; then the
core takes it in. What is written is final: a sorted stream has no late frames.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Final

from adapters.intake.gatekeeper import Gatekeeper
from adapters.wire import Message, Sender, alert_message, alert_topics, tracks_message, zones_message
from fusion.config import SiteConfig
from fusion.errors import ConfigError
from fusion.pipeline import Pipeline
from fusion.registration import Estimate
from fusion.types import SECOND_NS, Event, Frame, Picture
from fusion.watch import watched
from replay.recording import Problem, Writer, check_output, open_reader, open_writer

STRAY_NS: Final = 86_400 * SECOND_NS  # a day without any frame: the few beyond it have a broken clock
STRAY_SHARE: Final = 0.02  # of the frames; more of them are a recording of several days
SHORTEST_PERIOD_S: Final = 0.01  # as in the configuration
LONGEST_PERIOD_S: Final = 3600.0  # the same
PROGRESS_FRAMES: Final = 256  # frames between two calls of `progress`
NOTHING: Final[Mapping[str, str]] = {}

Progress = Callable[[str, int, int | None], None]


def quiet(stage: str, done: int, total: int | None) -> None:
    """Progress for those who do not look."""


@dataclass(slots=True)
class TrackSummary:
    """What was read and what was written.

    frames, detections: used. from_ns, to_ns: the span of their event time. truth: messages passed over, as
    the tracker never reads them. rejected: code -> how often, and the first in words, of messages and rows
    that break the contract. problems: damage of the recording itself, `truncated` that its end is missing.
    pictures: `tracks` messages. tracks: ids that were confirmed. alerts, steps: episodes, and their messages.
    registration: sensor -> parameter -> bias, at the end; empty where it is off.
    """

    frames: int = 0
    detections: int = 0
    from_ns: int | None = None
    to_ns: int | None = None
    truth: int = 0
    rejected: dict[str, tuple[int, str]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    truncated: bool = False
    pictures: int = 0
    tracks: int = 0
    alerts: int = 0
    steps: int = 0
    epoch: str = ""
    registration: dict[str, dict[str, Estimate]] = field(default_factory=dict)


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
    frames), how much of it is done, and of how much (None: not known). metadata: as of `open_writer`.
    Without a single good frame nothing is written: `frames` is 0 then. Raises RecordingError where a
    recording cannot be read or written, ConfigError for a report period that is none.
    """
    if report_period_s is not None:
        if not SHORTEST_PERIOD_S <= report_period_s <= LONGEST_PERIOD_S:
            raise ConfigError("--report-period", report_period_s, f"{SHORTEST_PERIOD_S:g} to {LONGEST_PERIOD_S:g} s")
        site = replace(site, service=replace(site.service, report_period_s=report_period_s))
    check_output(out_path, reads=in_path)
    summary = TrackSummary()
    pictures = read_frames(in_path, site, summary, progress)
    if not summary.frames:
        return summary
    summary.epoch = fingerprint(pictures, site)
    with open_writer(out_path, metadata, reads=in_path) as writer:
        output = _Output(writer, Sender(_source(site), summary.epoch), summary)
        for frames in pictures:
            summary.registration = _run(frames, site, output, progress) or summary.registration
    summary.tracks, summary.alerts = len(output.confirmed), len(output.alerts)
    return summary


def read_frames(
    path: str | Path, site: SiteConfig, summary: TrackSummary, progress: Progress = quiet
) -> list[list[Frame]]:
    """The good frames of a recording, sorted by `Frame.key`, one list for each air picture; mostly one.

    A sensor that begins anew, under a new epoch, at times that it had been through starts the next picture:
    so a replay in a loop was recorded. Counts what it reads and what it leaves out in `summary`.
    """
    gate = Gatekeeper(site)
    pictures: list[list[Frame]] = [[]]
    newest: dict[str, int] = {}
    with open_reader(path) as reader:
        for record in reader:
            if record.kind == "truth":
                summary.truth += 1
            elif record.kind == "frame":
                frame = gate.accept(record.payload, None, record.topic)
                if isinstance(frame, Frame):
                    if gate.new_picture and frame.time_ns <= newest.get(frame.sensor, 0):
                        pictures.append([])
                        newest.clear()
                    newest[frame.sensor] = max(frame.time_ns, newest.get(frame.sensor, 0))
                    pictures[-1].append(frame)
            if reader.records % PROGRESS_FRAMES == 0:
                progress("reading", reader.offset, reader.size)
        progress("reading", reader.offset, reader.size)
        summary.problems, summary.truncated = tuple(reader.problems), reader.truncated
    summary.rejected = dict(gate.reasons)
    sorted_pictures = [_without_strays(sorted(frames, key=_key), summary) for frames in pictures]
    for frames in sorted_pictures:
        _count(frames, summary)
    return sorted_pictures


def fingerprint(pictures: Iterable[Iterable[Frame]], site: SiteConfig) -> str:
    """An epoch made of everything that decides the output: every frame, and the configuration."""
    digest = hashlib.blake2b(repr(site).encode(), digest_size=8)
    for frames in pictures:
        digest.update(b"picture")
        for frame in frames:
            head = (frame.key, frame.values.shape, frame.pose, frame.swept, frame.identity)
            digest.update(repr(head).encode())
            for column in (frame.values, frame.sigmas, frame.times_ns, frame.snr_db):
                digest.update(b"none" if column is None else column.tobytes())
    return digest.hexdigest()


def _key(frame: Frame) -> tuple[int, str, int, str, str]:
    """`Frame.key`, and what else tells two frames apart: the order of the recording must not matter."""
    return (*frame.key, frame.source, frame.epoch)


def _without_strays(frames: list[Frame], summary: TrackSummary) -> list[Frame]:
    """The frames without those few that lie more than a day from all others, which are counted as `stray`.

    One frame with the time of another century would otherwise stretch the whole output.
    """
    breaks = [i for i, (one, two) in enumerate(pairwise(frames), 1) if two.time_ns - one.time_ns > STRAY_NS]
    parts = [frames[i:j] for i, j in pairwise([0, *breaks, len(frames)])]
    kept: list[Frame] = []
    for part in parts:
        if len(part) >= STRAY_SHARE * len(frames):
            kept += part
        else:
            name = f"frame.{part[0].sensor} {part[0].seq}"
            text = f"stray: {name}: time_ns is {part[0].time_ns}; allowed is within a day of the other frames"
            count, first = summary.rejected.get("stray", (0, text))
            summary.rejected["stray"] = (count + len(part), first)
    return kept


def _count(frames: Sequence[Frame], summary: TrackSummary) -> None:
    if frames:
        summary.frames += len(frames)
        summary.detections += sum(len(frame.times_ns) for frame in frames)
        summary.from_ns = min(frames[0].time_ns, summary.from_ns or frames[0].time_ns)
        summary.to_ns = max(frames[-1].time_ns, summary.to_ns or 0)


def _source(site: SiteConfig) -> str:
    """The site's name, as far as it can be an id."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", site.service.name)[:64].strip("-") or "skypicket"


def _run(
    frames: Sequence[Frame], site: SiteConfig, output: _Output, progress: Progress
) -> dict[str, dict[str, Estimate]]:
    """One air picture through the core; returns the sensors' biases that it found."""
    if not frames:
        return {}
    pipeline = Pipeline(site, rewind=False)
    output.send("zones", _zones(pipeline, frames))
    for count, frame in enumerate(frames):
        if count % PROGRESS_FRAMES == 0:
            progress("tracking", count, len(frames))
        output.take(pipeline.receive(frame))
    output.take(pipeline.finish())
    progress("tracking", len(frames), len(frames))
    return pipeline.registration()


def _zones(pipeline: Pipeline, frames: Sequence[Frame]) -> Message:
    """The zones as they are at the start; watched by the sensors that the recording has, where they first stood."""
    site, airspace, start_ns = pipeline.site, pipeline.airspace, frames[0].time_ns
    reporting = {frame.sensor for frame in frames}
    poses = {frame.sensor: frame.pose for frame in reversed(frames) if frame.pose is not None}
    sensors = [sensor for sensor in site.sensor if sensor.id in reporting]
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
                self.confirmed.update(
                    int(i) for i, status in zip(event.id, event.status, strict=True) if status == "confirmed"
                )
                self.send("tracks", tracks_message(event))
            else:
                self._summary.steps += 1
                self.alerts.add(event.alert)
                body = alert_message(event, self._summary.steps)
                for topic in alert_topics(event):
                    self.send(topic, body)
