"""Waiting in tests for what other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 120.0  # for what takes a second on a machine of its own
Found = TypeVar("Found")


def until(reached: Callable[[], Found]) -> Found:
    """The first answer that is true. What answers that none can come any more raises."""
    end = time.monotonic() + PATIENCE_S
    while not (found := reached()):
        assert time.monotonic() < end, "never reached"
        time.sleep(0.02)  # not to keep the others from their work by asking
    return found
