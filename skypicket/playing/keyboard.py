"""The keys of a terminal, one by one and unechoed, and the terminal as it was whenever nobody reads them.

Ctrl-C and Ctrl-Z stay what they are. While the process is stopped, or in the background, the terminal is the shell's.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import termios
import tty
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Final, Self

KEYS: Final = {
    b" ": "space",
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1b[C": "right",
    b"\x1b[D": "left",
    b"\x1bOA": "up",  # as terminals say it in application mode
    b"\x1bOB": "down",
    b"\x1bOC": "right",
    b"\x1bOD": "left",
    b"q": "q",
}
LONGEST: Final = 16  # bytes of what one key sends; more that has no end is no key
READ: Final = 1024  # bytes at once


class Keyboard:
    """While it is entered, `read` gives the keys. Only in the main thread: signals come nowhere else.

    leave: called before the terminal goes to the shell, to take away what was drawn.
    """

    def __init__(self, leave: Callable[[], None] = lambda: None) -> None:
        self.socket = sys.stdin.fileno()  # what can be waited for
        self._leave = leave
        self._before: list[Any] | None = None
        self._rest = b""
        self.gone = False  # the terminal was closed

    @staticmethod
    def present() -> bool:
        """Whether there is a terminal to read keys from."""
        return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()

    @property
    def ours(self) -> bool:
        """Whether keys come to this process: not while it is in the background."""
        try:
            return not self.gone and os.tcgetpgrp(self.socket) == os.getpgrp()
        except OSError:
            return False

    def __enter__(self) -> Self:
        self._handlers = {
            signal.SIGTSTP: signal.signal(signal.SIGTSTP, self._suspend),
            signal.SIGCONT: signal.signal(signal.SIGCONT, self._resume),
        }
        self._take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._give_back()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def read(self) -> list[str]:
        """The keys that wait, by name; what is none of `KEYS` is let go. Call it when `socket` has something."""
        if not self.ours:
            return []
        try:
            data = os.read(self.socket, READ)
        except OSError:
            data = b""
        self.gone = not data
        keys, self._rest = keys_of(self._rest + data)
        return keys

    def _take(self) -> None:
        if not self.ours:
            return  # setting a terminal from the background would stop the process
        with contextlib.suppress(termios.error):
            self._before = termios.tcgetattr(self.socket)
            tty.setcbreak(self.socket, termios.TCSADRAIN)

    def _give_back(self) -> None:
        self._leave()
        if self._before is not None and self.ours:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self.socket, termios.TCSADRAIN, self._before)
        self._before = None

    def _suspend(self, number: int, _frame: FrameType | None) -> None:
        """Ctrl-Z: the shell gets its terminal as it was, then the process stops as any other does."""
        self._give_back()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.signal(number, self._suspend)

    def _resume(self, _number: int, _frame: FrameType | None) -> None:
        if self._before is None:
            self._take()


def keys_of(data: bytes) -> tuple[list[str], bytes]:
    """The keys in what a terminal sent, by name, and the beginning of one that is not complete yet."""
    keys = []
    while data:
        found = next((code for code in KEYS if data.startswith(code)), None)
        if found is not None:
            keys.append(KEYS[found])
            data = data[len(found) :]
        elif data[:1] == b"\x1b" and _unfinished(data):
            return keys, data
        else:
            data = data[_length(data) :]
    return keys, b""


def _unfinished(data: bytes) -> bool:
    return len(data) < LONGEST and (len(data) == 1 or (data[1:2] in b"[O" and _length(data) == 0))


def _length(data: bytes) -> int:
    """Bytes of the unknown key at the beginning; 0: its end has not come (ECMA-48: the first byte from @ to ~)."""
    if data[:1] != b"\x1b" or data[1:2] not in (b"[", b"O"):
        return 1
    end = next((at for at, byte in enumerate(data[2:], 2) if 0x40 <= byte <= 0x7E), None)
    if end is None:
        return 0 if len(data) < LONGEST else len(data)
    return end + 1
