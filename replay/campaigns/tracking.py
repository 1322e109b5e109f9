"""Frames through the core in memory, to be scored: what `skypicket track` and `score --config` do with files.

What passes between the parts is what a recording would hold: messages, through the same gate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adapters.intake.gatekeeper import Gatekeeper
from adapters.simulated.run import SOURCE, epoch_of, simulate
from adapters.simulated.scenario import Scenario
from adapters.wire import (
    Message,
    Sender,
    alert_message,
    decode,
    encode,
    frame_message,
    read_tracks,
    read_truth,
    topic_of,
    tracks_message,
    truth_message,
    zones_message,
)
from fusion.config import SiteConfig
from fusion.errors import SkypicketError
from fusion.pipeline import Pipeline
from fusion.types import Frame, Picture, Truth
from replay.frames_in import TrackSummary
from replay.offline import track
from replay.recordings.files import open_writer
from replay.scoring.run import Run, latest, load, with_detections, with_frames
from replay.scoring.volumes import read_zones


class NothingDetectedError(SkypicketError):
    """No frame passed the gate of a configuration."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """A run to score, and counts: accepted frames and their detections, rejected messages and rows, alert steps."""

    run: Run
    frames: int
    detections: int
    rejected: int
    steps: int


def in_memory(scenario: Scenario, seed: int, site: SiteConfig, max_gap_s: float) -> Tracked:
    """The scenario simulated, and tracked under a configuration. Raises NothingDetectedError."""
    sensors = {sensor.id: sensor for sensor in scenario.site.sensor}
    gate, sender = Gatekeeper(site), Sender(SOURCE, "0")
    frames: list[Frame] = []
    truth: list[Truth] = []
    for item in simulate(scenario, seed):
        if not isinstance(item, Frame):
            truth.append(read_truth(_recorded(sender, truth_message(item))))
            continue
        accepted = gate.accept(encode(frame_message(item, sensors[item.sensor])), None)
        if isinstance(accepted, Frame):
            frames.append(accepted)
    _refuse_none(len(frames), gate.reasons)
    frames.sort(key=lambda frame: frame.key)
    run, steps = follow(frames, truth, site)
    detections = sum(len(frame.times_ns) for frame in frames)
    run = with_frames(run, frames, site, max_gap_s)
    return Tracked(run, len(frames), detections, sum(count for count, _ in gate.reasons.values()), steps)


def in_files(scenario: Scenario, seed: int, site: SiteConfig, max_gap_s: float, paths: tuple[str, str]) -> Tracked:
    """The same through two recordings that stay: detections with truth, and tracks. Raises RecordingError too."""
    detections, tracks = paths
    sensors = {sensor.id: sensor for sensor in scenario.site.sensor}
    sender = Sender(SOURCE, epoch_of(scenario.name, seed, scenario.start_ns))
    with open_writer(detections) as writer:
        for item in simulate(scenario, seed, epoch=sender.epoch):
            message = (
                frame_message(item, sensors[item.sensor])
                if isinstance(item, Frame)
                else sender.stamp("truth", truth_message(item))
            )
            writer.write(topic_of(message), message, message["time_ns"])
    summary: TrackSummary = track(detections, site, tracks)
    _refuse_none(summary.frames, summary.rejected)
    run = with_detections(load(tracks, detections), detections, site, max_gap_s)
    rejected = sum(count for count, _ in summary.rejected.values())
    return Tracked(run, summary.frames, summary.detections, rejected, summary.steps)


def follow(frames: Sequence[Frame], truth: Iterable[Truth], site: SiteConfig) -> tuple[Run, int]:
    """Checked frames of one air picture, in their order, tracked: the run to score, and its number of alert steps."""
    pipeline = Pipeline(site, rewind=False)
    pictures: list[Picture] = []
    sender = Sender(SOURCE, "0")
    alerts: list[Message] = []
    for event in [event for frame in frames for event in pipeline.receive(frame)] + pipeline.finish():
        if isinstance(event, Picture):
            pictures.append(read_tracks(_recorded(sender, tracks_message(event))))
        else:
            alerts.append(alert_message(event, len(alerts) + 1))
    start_ns = frames[0].time_ns
    zones = read_zones(zones_message(start_ns, site.zones, pipeline.airspace.states(start_ns), {}))
    return Run(latest(pictures), tuple(truth), (zones,), tuple(alerts)), len(alerts)


def _recorded(sender: Sender, body: Message) -> Message:
    """A message as it comes back from a recording: rounded as on the wire."""
    return decode(encode(sender.stamp(body["type"], body)))


def _refuse_none(frames: int, reasons: dict[str, tuple[int, str]]) -> None:
    if not frames:
        why = "; ".join(first for _, first in reasons.values()) or "the sensors sent none"
        raise NothingDetectedError(f"no frame for the tracker: {why}")
