"""Reading, decoding and encoding ahead of the sending, in a thread, so that no chunk of a file holds up a message."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final

from replay.playing.urgency import Patience

MOST_BYTES: Final = 64 * 2**20  # of payloads ahead: eight of the largest; the number of messages alone bounds nothing
REFILL: Final = 4  # free places for which the reader is woken: more would be a long piece of work, fewer many short
PATIENCE_S: Final = 5.0  # for the thread to leave the file when it is told to: it is asked at each message
SWITCH_S: Final = 0.0005  # for which the reading thread may hold the interpreter while a message is due


@dataclass(frozen=True, slots=True)
class Ready:
    """A message that can go out. begins: the first of its recorded source and epoch. opening: of the state with which
    the recording begins, of any time. offset: the file's, behind it."""

    topic: str
    payload: bytes
    time_ns: int
    begins: bool
    opening: bool
    offset: int


class ReadAhead:
    """Runs `messages` in a thread, at most `size` of them ahead.

    messages: given a question whether to stop, which it asks often; what it raises, `get` raises in its place.
    """

    def __init__(self, messages: Callable[[Callable[[], bool]], Generator[Ready]], size: int) -> None:
        self._messages = messages
        self._size = size
        self._ready: deque[Ready] = deque()
        self._bytes = 0
        self._over = self._closing = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._waiting = False  # the reader, for room
        self._starter = threading.get_native_id()
        self._thread = threading.Thread(target=self._run, name="read-ahead", daemon=True)
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether nothing comes any more. Raises what ended the reading early."""
        with self._changed:
            if self._ready or not self._over:
                return False
            if self._error is not None:
                raise self._error
            return True

    def get(self, timeout_s: float) -> Ready | None:
        """The next message; None when none is there in time."""
        with self._changed:
            if not self._ready and not self._over and timeout_s > 0.0:
                self._changed.wait(timeout_s)
            if not self._ready:
                return None
            ready = self._ready.popleft()
            self._bytes -= len(ready.payload)
            if self._waiting and self._has_room(min(REFILL, self._size)):
                self._changed.notify_all()
            return ready

    def close(self, wait: bool = True) -> None:
        """Stop reading. wait: until the thread has left; one that waits for standard input ends with the process."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if wait:
            self._thread.join(PATIENCE_S)

    def _has_room(self, places: int = 1) -> bool:
        return not self._ready or (len(self._ready) + places <= self._size and self._bytes < MOST_BYTES)

    def _run(self) -> None:
        self._patience = Patience(self._starter)  # while it catches up, or looks for a place in the file
        try:
            with closing(self._messages(lambda: self._closing)) as messages:
                for ready in messages:
                    if not self._put(ready):
                        break
        except BaseException as error:
            self._error = error
        self._patience.leave()
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def _put(self, ready: Ready) -> bool:
        with self._changed:
            if not self._has_room():
                self._patience.end()
                self._waiting = True
                while not self._closing and not self._has_room():
                    self._changed.wait()
                self._waiting = False
            if self._closing:
                return False
            self._ready.append(ready)
            self._bytes += len(ready.payload)
            if len(self._ready) == 1:
                self._changed.notify_all()
            return True


@contextmanager
def quick_switching() -> Iterator[None]:
    """While it is entered, a thread that wants to run waits for the others for no longer than `SWITCH_S`."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)
