"""The gate for everything that comes in: what breaks the contract is counted with its reason and stays
outside, what is good passes as if nothing had been."""

from __future__ import annotations

from adapters.intake.eventtime import EventTime, check_clock
from adapters.intake.registry import TRUTH, Tallies
from adapters.wire import FrameReader, Message, RejectedRows, decode, read_truth, topic_of
from fusion.config import SiteConfig
from fusion.errors import MessageRejected, SkypicketError, shorten
from fusion.types import Frame, Truth

MAX_REASON = 300  # characters of a reason that are kept


class Gatekeeper:
    """Payloads in, checked frames and truth out. Holds what the checks must remember; nothing of it grows.

    new_picture, moves_watermark: of the last frame that `accept` returned. Before a frame with `new_picture`
    is used, the tracker starts over; one without `moves_watermark` runs ahead of every other sensor, or of
    everything that came so far, and waits.
    reasons: code of the rejection -> how often, and the first in words.
    """

    def __init__(self, site: SiteConfig) -> None:
        self.new_picture = False
        self.moves_watermark = True
        self.reasons: dict[str, tuple[int, str]] = {}
        self._readers = {sensor.id: FrameReader(sensor) for sensor in site.sensor}
        self._tallies = Tallies(self._readers)
        self._times = EventTime(site.tracker.lateness_s)

    @property
    def newest_ns(self) -> int | None:
        """The newest event time that counts for the watermark."""
        return self._times.newest_ns

    def accept(self, payload: bytes, arrival_ns: int | None, topic: str | None = None) -> Frame | Truth | None:
        """What `payload` holds, or None where it was rejected: then it is counted, and that is all.

        arrival_ns: the clock when it came, where the service runs live; None where event time alone counts.
        topic: under which it came, where it came under one.
        """
        self.new_picture, self.moves_watermark = False, True
        try:
            message = decode(payload)
        except MessageRejected as rejection:
            self.refuse(rejection)
            return None
        sender = _sender(message)
        try:
            if topic is not None:
                _check_topic(topic, message)
            return self._judge(message, sender, arrival_ns)
        except MessageRejected as rejection:
            self._refuse(rejection, sender, message)
            return None

    def refuse(self, rejection: MessageRejected) -> None:
        """Count what was not even a message: over-long, of the wrong parts, unreadable."""
        self._note(rejection.code, rejection)
        self._tallies.of(rejection.sensor).reject(str(rejection)[:MAX_REASON])

    def late(self, frame: Frame, detail: str) -> None:
        """Count an accepted frame as late: the tracker has left it out."""
        tally = self._tallies.of(frame.sensor)
        tally.frames -= 1
        tally.detections -= len(frame.times_ns)
        tally.late += 1
        tally.last_rejection = f"late: {detail}"[:MAX_REASON]
        self._note("late", SkypicketError(f"frame.{frame.sensor} {frame.seq}: {detail}"))

    def status(self, now_ns: int | None = None) -> dict[str, dict[str, object]]:
        """The `sensors` of the `status` message. now_ns: the clock, or the newest event time, for rates."""
        return self._tallies.status(now_ns)

    def _judge(self, message: Message, sender: str | None, arrival_ns: int | None) -> Frame | Truth:
        """Every check that needs memory, then those of the content. Raises MessageRejected."""
        if message["type"] not in ("frame", "truth"):
            raise MessageRejected("type", f"type is {shorten(message['type'])}; allowed here is frame, truth")
        if message["type"] == "frame" and sender not in self._readers:
            allowed = ", ".join(self._readers)
            raise MessageRejected("unregistered", f"sensor is {sender!r}; allowed is {allowed}", sender)
        source, epoch, seq, time_ns = (message[key] for key in ("source", "epoch", "seq", "time_ns"))
        stream = self._tallies.of(sender).stream(source, epoch)
        if stream is not None and stream.is_duplicate(seq):
            raise MessageRejected("duplicate", f"seq {seq} of {source!r}, epoch {epoch!r}, was there already")
        if arrival_ns is not None:
            check_clock(time_ns, arrival_ns)
        if message["type"] == "truth":
            return self._pass_truth(message, arrival_ns)
        starts = self._times.starts_picture(source, epoch, time_ns, live=arrival_ns is not None)
        return self._pass_frame(message, starts, arrival_ns)

    def _pass_truth(self, message: Message, arrival_ns: int | None) -> Truth:
        truth = read_truth(message)
        tally = self._tallies.of(TRUTH)
        tally.accepted(message["source"], message["epoch"], message["seq"], truth.time_ns, arrival_ns)
        tally.detections += len(truth.id)
        return truth

    def _pass_frame(self, message: Message, starts: bool, arrival_ns: int | None) -> Frame:
        frame, rejected, ignored = self._readers[message["sensor"]].read(message)
        if starts:
            self._times.restart(frame.source, frame.epoch)
            for tally in self._tallies:
                tally.new_picture()
        self.new_picture = starts
        self.moves_watermark = self._times.take(frame.source, frame.epoch, frame.sensor, frame.time_ns, arrival_ns)
        tally = self._tallies.of(frame.sensor)
        time_ns = None if self._times.doubted else frame.time_ns
        tally.accepted(frame.source, frame.epoch, frame.seq, time_ns, arrival_ns)
        tally.detections += len(frame.times_ns)
        tally.ignored_columns += ignored
        self._count_rows(frame.sensor, rejected)
        return frame

    def _count_rows(self, sensor: str, rejected: RejectedRows) -> None:
        if rejected.count:
            tally = self._tallies.of(sensor)
            tally.reject(str(rejected.first[-1])[:MAX_REASON], rejected.count)
            tally.rejected_rows += rejected.count
            self._note("row", rejected.first[0], rejected.count)

    def _refuse(self, rejection: MessageRejected, sender: str | None, message: Message) -> None:
        """Count a message that could be read, but not used."""
        self._note(rejection.code, rejection)
        tally = self._tallies.of(sender)
        stream = tally.stream(message["source"], message["epoch"])
        if rejection.code == "duplicate":
            tally.duplicates += 1
            tally.last_rejection = str(rejection)[:MAX_REASON]
            return
        tally.reject(str(rejection)[:MAX_REASON])
        if stream is not None:
            stream.refuse(message["seq"])

    def _note(self, code: str, error: SkypicketError, times: int = 1) -> None:
        count, first = self.reasons.get(code, (0, str(error)[:MAX_REASON]))
        self.reasons[code] = (count + times, first)


def _sender(message: Message) -> str | None:
    """Whose counts a message belongs to."""
    if message["type"] == "truth":
        return TRUTH
    sensor = message.get("sensor")
    return sensor if message["type"] == "frame" and isinstance(sensor, str) else None


def _check_topic(topic: str, message: Message) -> None:
    if message["type"] in ("frame", "truth") and topic != topic_of(message):
        raise MessageRejected("topic", f"topic is {shorten(topic)}; allowed for this is {topic_of(message)}")
