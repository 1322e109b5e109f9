"""Waiting in tests for what other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

from adapters.client import Listener
from skypicket.children import Child, ChildFailed

PATIENCE_S = 120.0  # for what takes a second on a machine of its own
Found = TypeVar("Found")


def until(reached: Callable[[], Found], news: Callable[[], object]) -> Found:
    """The first answer that is true; asked again after each `news`, which waits for what may have changed it."""
    end = time.monotonic() + PATIENCE_S
    while not (found := reached()):
        assert time.monotonic() < end, "never reached"
        news()
    return found


def until_service(published: str, reached: Callable[[], Found]) -> Found:
    """The same of a service that publishes there: whenever it has a picture, and with each status."""
    listener = Listener(published, ("tracks", "status"))
    try:
        return until(reached, lambda: listener.receive(PATIENCE_S))
    finally:
        listener.close()


def ended(child: Child) -> int | None:
    """Its exit code, once it has ended by itself."""
    with pytest.raises(ChildFailed, match=f"`skypicket {child.name}` ended with"):
        child.wait_for(lambda line: False, PATIENCE_S)
    return child.code
