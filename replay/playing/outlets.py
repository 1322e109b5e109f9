"""Where a recording is played to: a service that takes frames in, subscribers as a service has them, or both."""

from __future__ import annotations

from collections.abc import Callable

from adapters.line.publish import Publisher, Pusher, SendTimeout
from replay.playing.playback import TAKEN_IN

LOOK_S = 0.1  # between two looks at whether to stop waiting


class Outlets:
    """A sink: frames and truth go to `pusher`, everything to `publisher`."""

    def __init__(self, pusher: Pusher | None, publisher: Publisher | None) -> None:
        self._pusher, self._publisher = pusher, publisher

    def push(self, topic: str, payload: bytes) -> None:
        """Send on each outlet that takes this kind. Raises SendTimeout, KeyboardInterrupt."""
        if self._pusher is not None and topic.partition(".")[0] in TAKEN_IN:
            self._pusher.push(topic, payload)
        if self._publisher is not None:
            self._publisher.forward(topic, payload)

    def wait(self, stop: Callable[[], bool], timeout_s: float | None, subscribers: bool) -> bool:
        """Wait until a service is connected and, with `subscribers`, until somebody has subscribed.

        timeout_s: None: without an end. Returns False where `stop()` came first. Raises SendTimeout.
        """
        waits = [self._pusher.wait_for_peer] if self._pusher is not None else []
        if self._publisher is not None and subscribers:
            waits.append(self._publisher.wait_for_subscriber)
        for wait in waits:
            left_s = timeout_s
            while not wait(LOOK_S):
                if stop():
                    return False
                if left_s is not None:
                    left_s -= LOOK_S
                    if left_s <= 0.0 and self._pusher is not None and timeout_s is not None:
                        raise SendTimeout(self._pusher.address, timeout_s)
        return True

    def close(self) -> None:
        """Close all of them."""
        for outlet in (self._pusher, self._publisher):
            if outlet is not None:
                outlet.close()
