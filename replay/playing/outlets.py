"""Where a recording is played to: a service that takes frames in, subscribers as a service has them, or both."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from adapters.line.publish import Publisher, Pusher, SendTimeout
from replay.playing.playback import TAKEN_IN
from replay.playing.shown import Shown
from replay.playing.state import never

LOOK_S: Final = 0.1  # between two looks at whether to stop waiting
PATIENCE_S: Final = 10.0  # with a subscriber that takes nothing, as with a service


class Outlets:
    """A sink: frames and truth go to `pusher`, everything to `publisher`.

    A subscriber that is slower than what is played holds it up, so that all of it arrives. One that takes nothing for
    `PATIENCE_S` loses what comes from then on, until it takes something again: `lost` counts it.
    stop: asked while somebody is waited for; True interrupts that.  shown: takes in what is published, for who asks.
    """

    def __init__(
        self,
        pusher: Pusher | None,
        publisher: Publisher | None,
        stop: Callable[[], bool] = never,
        shown: Shown | None = None,
    ) -> None:
        self._pusher, self._publisher, self._stop, self._shown = pusher, publisher, stop, shown
        self._patient = True
        self.lost = 0

    def push(self, topic: str, payload: bytes) -> None:
        """Send on each outlet that takes this kind. Raises SendTimeout, KeyboardInterrupt."""
        if self._pusher is not None and topic.partition(".")[0] in TAKEN_IN:
            self._pusher.push(topic, payload)
        if self._publisher is not None:
            self._publish(self._publisher, topic, payload)
            if self._shown is not None:
                self._shown.take(topic, payload)

    def _publish(self, publisher: Publisher, topic: str, payload: bytes) -> None:
        until = time.monotonic() + (PATIENCE_S if self._patient else 0.0)
        while not publisher.forward_to_all(topic, payload, min(LOOK_S, max(until - time.monotonic(), 0.0))):
            if self._stop() or time.monotonic() >= until:
                self._patient = False
                self.lost += 1
                publisher.forward(topic, payload)  # to those who have room
                return
        self._patient = True

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
        """Close all of them; what is on its way is not cut off, but to a subscriber that takes nothing."""
        if self._pusher is not None:
            self._pusher.close()
        if self._publisher is not None:
            self._publisher.close(0.0 if not self._patient else LOOK_S if self._stop() else PATIENCE_S)
