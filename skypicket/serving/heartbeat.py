"""A thread that beats while it is entered."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

LOOK_S: Final = 0.1  # between two looks at whether a beat is due


class Heartbeat:
    """Calls `beat` again and again in a thread of its own: what is due, and whether, is for `beat` to know.

    What it raises is logged and ends the beating: then the line falls silent whenever the loop does.
    """

    def __init__(self, beat: Callable[[], object]) -> None:
        self._beat = beat
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._ended.wait(LOOK_S):
                self._beat()
        except Exception:
            _log.exception("the heartbeat has ended")


_log = logging.getLogger(__name__)
