"""What is known of each sender of frames: counts, streams, rate and clock, as `status` tells them."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator

from adapters.intake.sequence import Stream
from fusion.types import SECOND_NS

MAX_STREAMS = 16  # epochs of one sensor whose gaps are still being counted
MAX_UNKNOWN = 64  # unregistered senders with counts of their own
OTHER = "_other"  # those beyond that, and what names no sender at all
TRUTH = "_truth"  # truth messages: no sensor's
RECENT = 33  # looks over which rate and clock offset are taken


class Tally:
    """The counts of one sensor."""

    def __init__(self) -> None:
        self.frames = self.detections = 0
        self.rejected = self.rejected_rows = self.ignored_columns = 0
        self.duplicates = self.late = 0
        self.last_ns: int | None = None
        self.last_rejection: str | None = None
        self._streams: OrderedDict[tuple[str, str], Stream] = OrderedDict()
        self._old_gaps = 0
        self._times: deque[int] = deque(maxlen=RECENT)
        self._offsets: deque[int] = deque(maxlen=RECENT)

    def stream(self, source: str, epoch: str) -> Stream | None:
        """The stream of one run of one source, if anything of it was accepted."""
        return self._streams.get((source, epoch))

    def accepted(self, source: str, epoch: str, seq: int, time_ns: int | None, arrival_ns: int | None) -> None:
        """Note a good message: its `seq`, its time, None where that is doubted, and how far it is behind its
        arrival."""
        key = (source, epoch)
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = Stream()
        self._streams.move_to_end(key)
        if len(self._streams) > MAX_STREAMS:
            self._old_gaps += self._streams.popitem(last=False)[1].gaps
        stream.accept(seq)
        self.frames += 1
        if time_ns is None:
            return
        self.last_ns = time_ns if self.last_ns is None else max(self.last_ns, time_ns)
        self._times.append(time_ns)
        if arrival_ns is not None:
            self._offsets.append(arrival_ns - time_ns)

    def new_picture(self) -> None:
        """Times start over: what is said of them too. The counts stay."""
        self.last_ns = None
        self._times.clear()
        self._offsets.clear()

    def reject(self, reason: str, messages: int = 1) -> None:
        self.rejected += messages
        self.last_rejection = reason

    @property
    def gaps(self) -> int:
        return self._old_gaps + sum(stream.gaps for stream in self._streams.values())

    def rate_hz(self, now_ns: int | None) -> float:
        """Frames a second, over the last looks and the silence since."""
        if len(self._times) < 2:
            return 0.0
        first, last = min(self._times), max(self._times)
        span_ns = max(last - first, 1)
        if now_ns is not None and now_ns - last > 2 * span_ns // (len(self._times) - 1):
            span_ns = now_ns - first
        return (len(self._times) - 1) * SECOND_NS / span_ns

    def clock_offset_s(self) -> float | None:
        """Arrival less event time: the sender's delay and the difference of the clocks. Running median."""
        if not self._offsets:
            return None
        return sorted(self._offsets)[len(self._offsets) // 2] / SECOND_NS

    def status(self, now_ns: int | None) -> dict[str, object]:
        """As the `status` message has it. `rejected` counts whole messages and rows together."""
        return {
            "frames": self.frames,
            "detections": self.detections,
            "rejected": self.rejected,
            "rejected_rows": self.rejected_rows,
            "ignored_columns": self.ignored_columns,
            "duplicates": self.duplicates,
            "late": self.late,
            "gaps": self.gaps,
            "last_ns": self.last_ns,
            "rate_hz": self.rate_hz(now_ns),
            "clock_offset_s": self.clock_offset_s(),
            "last_rejection": self.last_rejection,
        }


class Tallies:
    """The tallies of all senders: every registered one, up to `MAX_UNKNOWN` others, the rest as one."""

    def __init__(self, registered: Iterable[str]) -> None:
        self._known = {sensor: Tally() for sensor in registered}
        self._unknown: dict[str, Tally] = {}

    def of(self, sender: str | None) -> Tally:
        """The tally of `sender`; None: it could not be read."""
        name = OTHER if sender is None else sender
        if name in self._known:
            return self._known[name]
        if name not in self._unknown and name not in (OTHER, TRUTH):
            own = sum(1 for other in self._unknown if other not in (OTHER, TRUTH))
            name = name if own < MAX_UNKNOWN else OTHER
        return self._unknown.setdefault(name, Tally())

    def __iter__(self) -> Iterator[Tally]:
        yield from self._known.values()
        yield from self._unknown.values()

    def status(self, now_ns: int | None) -> dict[str, dict[str, object]]:
        return {name: tally.status(now_ns) for name, tally in (self._known | self._unknown).items()}
