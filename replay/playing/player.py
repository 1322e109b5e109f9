"""Plays a recording into a running service, at the pace of its event time.

Times stay as they were recorded. Each pass and each stretch after a seek is a sender's new run: every epoch of the
recording becomes a new one, in which `seq` starts over.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from adapters.clock import Clock, SystemClock
from fusion.errors import RecordingError
from fusion.types import SECOND_NS
from replay.playing.ahead import ReadAhead, Ready, quick_switching
from replay.playing.pace import Pace
from replay.playing.playback import FASTEST, Playback
from replay.playing.rest import FINE_S, NAP_S, Rest, lenient
from replay.playing.source import Source
from replay.playing.state import Played, Sink, State, always, never
from replay.playing.stops import Stops

SHORT_BURST: Final = 100  # messages, which are sent in less than `BUSY_NS`
REWIND_NS: Final = 10 * SECOND_NS  # a recorded run that lies so much behind began anew: the pace does too


def quiet(player: Player) -> None:
    """Progress for those who do not look."""


class Player:
    """Plays `path` into `sink`. Whoever controls it does so from `idle`, in the player's own thread.

    idle: waits at most so many seconds, 0 to look only; it may return early.  run: names this run, for its epochs;
    random if left out.  urge: told when the player begins to send without a pause, False, and when it waits again,
    True: see `urgency.urgent`.  Raises RecordingError for what cannot be read, and for a loop over standard input.
    """

    def __init__(
        self,
        path: str | Path,
        sink: Sink,
        playback: Playback,
        clock: Clock | None = None,
        idle: Callable[[float], None] | None = None,
        run: str | None = None,
        urge: Callable[[bool], None] = lenient,
    ) -> None:
        self.playback, self.played = playback, Played()
        self.source = Source(str(path), playback)
        self._sink = sink
        self._clock = clock or SystemClock()
        self.idle = idle or self._clock.sleep
        self._run = run or secrets.token_hex(8)
        self._pace = Pace(self._clock, playback.rate)
        self._pace.paused = playback.start_paused
        self._stop: Callable[[], bool] = never
        self._progress: Callable[[Player], None] = quiet
        self._ahead: ReadAhead | None = None
        self._head: Ready | None = None  # the next message
        self._target_ns: int | None = None  # what a seek is on its way to
        self._newest_ns: int | None = None  # of this stretch, sent
        self.offset = 0
        self._pass_from = 0  # messages sent before this pass
        self._sought = False  # in this pass
        self._not_before_ns = 0
        self._rest = Rest(self._clock, urge)
        self.stops = Stops(self._clock)

    def play(
        self,
        stop: Callable[[], bool] = never,
        progress: Callable[[Player], None] = quiet,
        ready: Callable[[], bool] = always,
    ) -> Played:
        """Send until the recording ends, or for ever with `loop`, or until `stop()`.

        progress: called after each message.  ready: asked once, when there is a first message: it waits for whoever
        takes it, before the pace begins; False ends the playing.
        """
        self._stop, self._progress = stop, progress
        if self.idle != self._clock.sleep:
            self.source.places.last_ns()  # now: finding the end would hold up messages
        try:
            with quick_switching():
                self._begin_pass()
                while self._head is None and not self._ahead_over():
                    self._peek(NAP_S)
                    if stop():
                        return self.played
                if self._head is not None and not ready():
                    return self.played
                self.stops.lost_ns(busy=True)
                while not stop():
                    wait_s = self._turn()
                    if wait_s is None:
                        break
                    self.stops.rested(self._rest(wait_s, self.idle))
        finally:
            self._close()
        return self.played

    @property
    def paused(self) -> bool:
        return self._pace.paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        """Stand still, or go on from there."""
        self._hold()
        self._pace.paused = paused

    @property
    def rate(self) -> float:
        return self._pace.rate

    @rate.setter
    def rate(self, rate: float) -> None:
        """From now on. 0 or infinity: as fast as it is taken."""
        if not (0.0 <= rate <= FASTEST or math.isinf(rate)):
            raise ValueError(f"rate is {rate}; allowed is 0 to {FASTEST:g}")
        self._hold()
        self._pace.rate = rate

    @property
    def paced(self) -> bool:
        """Whether messages wait for their time."""
        return self._pace.paced

    def seek(self, time_ns: int) -> None:
        """Go on from an event time, as a new run. Raises RecordingError for standard input, or a time outside of the
        recording."""
        source = self.source
        if not source.places.seekable:
            raise RecordingError(source.places.named, "cannot be sought in: it is read once; allowed is a file")
        start_ns, end_ns = source.start_ns, source.end_ns
        if start_ns is None:
            raise RecordingError(source.path, "cannot be sought in before its first message is read")
        if time_ns < start_ns or (end_ns is not None and time_ns > end_ns):
            last = "its end" if end_ns is None else f"{(end_ns - start_ns) / SECOND_NS:.3f}"
            found = f"has no time {(time_ns - start_ns) / SECOND_NS:.3f} s after its start; allowed is 0 to {last}"
            raise RecordingError(source.path, found)
        self._sought = True
        self._begin(time_ns)

    def burst(self, count: int) -> int:
        """Send the next `count` messages now, whatever their time. Returns how many there were in this stretch."""
        sent = 0
        if count > SHORT_BURST:
            self._rest.waits(False)
        while sent < count and not self._stop():
            head = self._peek(NAP_S)
            if head is not None:
                self._send(head)
                sent += 1
            elif self._ahead_over():
                break
        self._pace.hold()
        return sent

    def state(self) -> State:
        """Where it is now."""
        played, source = self.played, self.source
        over = self._head is None and self._ahead_over()
        state = "ended" if over else "paused" if self.paused else "playing" if self._pace.begun else "waiting"
        span_ns = source.start_ns, source.end_ns
        counts = played.stretches, played.messages, self.offset
        return State(state, self.position_ns(), *span_ns, self.rate, self.playback.loop, *counts, source.size)

    def position_ns(self) -> int | None:
        """The event time that is now: between two messages it goes on to the next, and no further."""
        position_ns = self._target_ns if self._target_ns is not None else self._pace.position_ns()
        if position_ns is not None and self._head is not None and self._pace.paced:
            return min(position_ns, max(self._head.time_ns, self._newest_ns or 0))
        return position_ns

    def _begin_pass(self) -> None:
        self._pass_from, self._sought = self.played.messages, False
        self._not_before_ns = self._clock.monotonic_ns() + round(self.playback.delay_s * SECOND_NS)
        self._begin(None)

    def _begin(self, from_ns: int | None) -> None:
        """A new stretch, from the start or from an event time."""
        self._close()
        run = f"{self._run}-{self.played.stretches}"
        self._ahead = ReadAhead(partial(self.source.messages, from_ns, run), self.playback.read_ahead)
        self._target_ns, self._newest_ns = from_ns, None
        self._pace.forget()
        self.played.stretches += 1

    def _close(self) -> None:
        if self._ahead is not None:
            self._ahead.close(wait=self.source.places.seekable)
        self._ahead = self._head = None
        self.played.problems, self.played.truncated = self.source.problems, self.source.truncated

    def _turn(self) -> float | None:
        """Send what is due. Returns the seconds until something may be, None at the end."""
        head = self._peek(0.0)
        self._go_on()
        now_ns = self._clock.monotonic_ns()
        if head is None:
            return self._without_message()
        if now_ns < self._not_before_ns:
            return (self._not_before_ns - now_ns) / SECOND_NS
        if head.opening and not self.paused:
            self._send(head)
            return 0.0
        if not self._pace.begun and not head.opening:
            self._pace.begin(head.time_ns if self._target_ns is None else self._target_ns)
            self._target_ns = None
        if self._pace.paused:
            return NAP_S
        if head.begins and self._newest_ns is not None and head.time_ns < self._newest_ns - REWIND_NS:
            self._pace.begin(head.time_ns)
            self._newest_ns = None
        due_ns = self._pace.due_ns(head.time_ns)
        if self._pace.paced and due_ns > now_ns:
            return (due_ns - now_ns) / SECOND_NS
        self._send(head, due_ns)
        return 0.0

    def _without_message(self) -> float | None:
        if not self._ahead_over():
            self._peek(FINE_S)  # woken as soon as there is one
            return 0.0
        if self.paused and self.played.messages:
            return NAP_S  # who paused it may still seek
        self.played.loops += 1
        if not self.playback.loop:
            return None
        if self.played.messages == self._pass_from and not self._sought:
            raise RecordingError(self.source.path, "has no message to play in a loop")
        self._begin_pass()
        return 0.0

    def _ahead_over(self) -> bool:
        return self._ahead is None or self._ahead.over

    def _peek(self, timeout_s: float) -> Ready | None:
        if self._head is None and self._ahead is not None:
            self._head = self._ahead.get(timeout_s)
        return self._head

    def _send(self, ready: Ready, due_ns: int | None = None) -> None:
        self._head = None
        lost_ns = self._go_on()
        self._sink.push(ready.topic, ready.payload)
        lost_ns += self._go_on(busy=True)  # who is slow to take it has stopped nobody
        played = self.played
        in_order = self._newest_ns is None or ready.time_ns >= self._newest_ns
        if ready.opening:
            pass  # of any time
        elif due_ns is None or not self._pace.paced:
            self._pace.begin(ready.time_ns)
            self._target_ns = None
        elif in_order:
            played.errors.add(max(self._clock.monotonic_ns() - due_ns - lost_ns, 0))
        if not ready.opening:
            self._newest_ns = max(ready.time_ns, self._newest_ns or 0)
        self.offset = ready.offset
        played.messages += 1
        played.topics[ready.topic] = played.topics.get(ready.topic, 0) + 1
        self._progress(self)

    def _hold(self) -> None:
        """The pace goes on from where it is, which is at most at the next message."""
        self._go_on()
        position_ns = self.position_ns()
        if self._pace.begun and position_ns is not None:
            self._pace.begin(position_ns)

    def _go_on(self, busy: bool = False) -> int:
        """What was lost to a stop of the process, ns: all that is to come is due so much later."""
        lost_ns = self.stops.lost_ns(busy)
        if lost_ns:
            self._pace.shift(lost_ns)
        return lost_ns


def play(
    path: str | Path,
    sink: Sink,
    playback: Playback,
    clock: Clock | None = None,
    stop: Callable[[], bool] = never,
    progress: Callable[[Player], None] = quiet,
    run: str | None = None,
) -> Played:
    """Play without anybody's hand on it: see `Player`."""
    return Player(path, sink, playback, clock, run=run).play(stop, progress)
