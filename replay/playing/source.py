"""A recording as the player reads it: from its start or from any time, chosen, renewed, encoded."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Final

from adapters.wire import encode
from fusion.errors import MessageRejected, RecordingError
from replay.playing.ahead import Ready
from replay.playing.order import by_event_time
from replay.playing.playback import Playback
from replay.playing.renewal import Renewal, StepNumbers
from replay.recordings.files import Problems, Reader, Record, open_reader
from replay.recordings.seeking import DISORDER_NS, Places

BEYOND: Final = 1000  # messages in a row after the end: a single wild time does not end the playing, so many do


class Source:
    """Reads `path` as `playback` says. Its iterators run in the reading thread, one at a time.

    first_ns: the first event time that is played; None until it was read. problems, truncated: of the reader that
    came furthest. offset of size: how far in the file.  Raises RecordingError for a loop over standard input.
    """

    def __init__(self, path: str, playback: Playback) -> None:
        self.path, self._playback = path, playback
        self.places = Places(path)
        self.first_ns: int | None = None
        self.size: int | None = None
        self.problems = Problems()
        self.truncated = False
        self._furthest = -1
        self._numbers = StepNumbers()
        if playback.loop and not self.places.seekable:
            raise RecordingError(self.places.named, "cannot be played in a loop; allowed is a file")

    @property
    def start_ns(self) -> int | None:
        """The earliest event time that is played."""
        first_ns = self.first_ns
        return first_ns if first_ns is None else self._playback.start_ns(first_ns) or first_ns

    @property
    def end_ns(self) -> int | None:
        """The newest event time that is played; None where it is not known."""
        ends = [self._playback.end_ns(self.first_ns)] if self.first_ns is not None else []
        return min((end for end in (*ends, self.places.last_ns()) if end is not None), default=None)

    def messages(self, from_ns: int | None, run: str, closing: Callable[[], bool]) -> Generator[Ready]:
        """What is to be sent: from the start, or from an event time on, as the run `run`."""
        self._numbers.begin()
        renewal = Renewal(run, self._playback.names, self._numbers)
        with self._open(from_ns) as reader:
            self.size = reader.size
            try:
                for record in self._in_order(self._chosen(reader, from_ns, closing)):
                    try:
                        begins = not renewal.known(record.message)
                        topic, message = renewal(record.topic, record.message)
                        payload = encode(message)
                    except MessageRejected as error:
                        reader.problems.add(error.code, f"{record.topic}: {error.detail}", reader.offset)
                        continue
                    yield Ready(topic, payload, record.time_ns, begins, record.opening, reader.offset)
            finally:
                self._note(reader)

    def _open(self, from_ns: int | None) -> Reader:
        if from_ns is None and self._playback.start_offset_s and self.places.seekable:
            if self.first_ns is None:
                self._find_first()
            if self.first_ns is not None:
                from_ns = self._playback.start_ns(self.first_ns)
        return open_reader(self.path) if from_ns is None else self.places.open_at(from_ns)

    def _find_first(self) -> None:
        with open_reader(self.path) as reader:
            played = (record for record in reader if self._playback.takes(record) and not record.opening)
            self.first_ns = next((record.time_ns for record in played), None)
            self._note(reader)

    def _chosen(self, reader: Reader, from_ns: int | None, closing: Callable[[], bool]) -> Iterator[Record]:
        """The records to play, as they stand in the file, those before the start and after the end left out."""
        beyond, start_ns, end_ns, ready = 0, from_ns, None, False
        for record in reader:
            if closing() or beyond >= BEYOND:
                return
            if not self._playback.takes(record):
                continue
            if record.opening:
                if from_ns is None and not self._playback.start_offset_s:
                    yield record
                continue
            if self.first_ns is None:
                self.first_ns = record.time_ns
            if not ready:
                start_ns = from_ns if from_ns is not None else self._playback.start_ns(self.first_ns)
                end_ns = self._playback.end_ns(self.first_ns)
                ready = True
            if end_ns is not None and record.time_ns > end_ns:
                beyond = beyond + 1 if record.time_ns > end_ns + DISORDER_NS else 0
                continue
            beyond = 0
            if start_ns is None or record.time_ns >= start_ns:
                yield record

    def _in_order(self, records: Iterator[Record]) -> Iterator[Record]:
        """Detections by event time; everything that a service said as it said it, and standard input as it comes."""
        playback = self._playback
        if playback.file_order or playback.kinds is None or not self.places.seekable:
            return records
        return by_event_time(records, playback.read_ahead)

    def _note(self, reader: Reader) -> None:
        if reader.offset >= self._furthest:
            self._furthest = reader.offset
            self.problems, self.truncated = reader.problems, reader.truncated
