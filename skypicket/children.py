"""Processes that another one starts, watches and always ends."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from fusion.errors import SkypicketError

LINES_KEPT: Final = 200  # of what a child said
PATIENCE_S: Final = 5.0  # from asking a child to end to killing it
NAP_S: Final = 0.1  # between two looks at whether it still lives


class ChildFailed(SkypicketError):
    """A process ended, or did not say what it should have; with its last words."""


class Child:
    """A `skypicket` command as a process of its own; what it says, on either stream, is kept as lines."""

    def __init__(self, *arguments: str) -> None:
        self.name = arguments[0]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "skypicket", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._said = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    @property
    def words(self) -> str:
        """The last lines that it said."""
        with self._said:
            return "\n".join(self._lines)

    def wait_for(self, wanted: Callable[[str], bool], timeout_s: float) -> str:
        """The first line that is `wanted`. Raises ChildFailed when it ends, or is silent about it, before."""
        until = time.monotonic() + timeout_s
        with self._said:
            while True:
                found = next((line for line in self._lines if wanted(line)), None)
                if found is not None:
                    return found
                if not self._reader.is_alive() or time.monotonic() >= until:
                    break
                self._said.wait(NAP_S)
        if self._reader.is_alive():
            raise self.failure(f"is not ready after {timeout_s:.0f} s")
        self._process.wait(PATIENCE_S)
        raise self.failure(self._ended())

    def check(self) -> None:
        """Raise ChildFailed if it has ended with an error."""
        if self.code not in (None, 0):
            self._reader.join(PATIENCE_S)
            raise self.failure(self._ended())

    def failure(self, detail: str) -> ChildFailed:
        """An error that tells what it said last."""
        words = "".join(f"\n  {line}" for line in self.words.splitlines()[-20:])
        return ChildFailed(f"`skypicket {self.name}` {detail}; it said:{words or ' nothing'}")

    def end(self, number: int = signal.SIGTERM) -> None:
        """Ask it to end, and see that it does."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(PATIENCE_S)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _ended(self) -> str:
        return f"ended with {self.code}"

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._said:
                self._lines.append(line.rstrip("\n"))
                self._said.notify_all()
        with self._said:
            self._said.notify_all()


class Family:
    """Children that end with the block, the last started first, whatever happens in it."""

    def __init__(self) -> None:
        self._children: list[Child] = []

    def start(self, *arguments: str) -> Child:
        child = Child(*arguments)
        self._children.append(child)
        return child

    def check(self) -> None:
        """Raise ChildFailed if one has ended with an error."""
        for child in self._children:
            child.check()

    def end(self, child: Child, number: int = signal.SIGTERM) -> None:
        """End one now."""
        child.end(number)
        self._children.remove(child)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._children:
            self._children.pop().end()
