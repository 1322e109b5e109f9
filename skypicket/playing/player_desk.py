"""Whoever has a hand on the player: keys, requests, the position bar, the clock that it publishes. All of them have
their turn while the player waits for its next message."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from adapters.line import sockets
from fusion.types import SECOND_NS
from replay.playing.playback import FASTEST

if TYPE_CHECKING:
    from adapters.line.publish import Publisher
    from adapters.line.requests import RequestServer
    from replay.playing.player import Player
    from skypicket.playing.keyboard import Keyboard
    from skypicket.playing.position_bar import PositionBar

DRAW_S: Final = 0.1  # between two drawings
STALE_S: Final = 1.0  # without one for so long, it is drawn though a message is near
ROOM_S: Final = 0.005  # that a drawing may take
POLL_S: Final = 0.001  # polls count whole milliseconds, rounded up
RATE_STEP: Final = 1.1  # of a key: ten per cent, as in ros2 bag play
JUMP_NS: Final = 10 * SECOND_NS  # of a key
HELP: Final = "space pauses, → the next message (playing: 10 s on), ← 10 s back, ↑ ↓ rate, q ends"


class Desk:
    """What `Player.idle` is, with hands on it."""

    def __init__(
        self,
        player: Player,
        requests: RequestServer | None = None,
        keyboard: Keyboard | None = None,
        bar: PositionBar | None = None,
        ticker: Ticker | None = None,
    ) -> None:
        self._player, self._requests, self._keyboard = player, requests, keyboard
        self._bar, self._ticker = bar, ticker
        self._drawn = 0.0
        self.quit = False

    def idle(self, seconds: float) -> None:
        """Wait at most so long; return when something was done."""
        if self._ticker is not None:
            seconds = min(seconds, self._ticker.turn(self._player))
        self._draw(seconds)
        endpoints: list[sockets.Endpoint] = [] if self._requests is None else [self._requests]
        if self._keyboard is not None and self._keyboard.ours:
            endpoints.append(self._keyboard)
        if endpoints:
            if not sockets.wait(endpoints, max(seconds - POLL_S, 0.0)):
                return
            if self._requests is not None:
                self._requests.serve()
            if self._keyboard is not None and sockets.wait([self._keyboard], 0.0):
                for key in self._keyboard.read():
                    self._press(key)
            self._drawn = 0.0
        elif seconds > 0.0:
            time.sleep(seconds)

    @property
    def drawing(self) -> bool:
        """Whether it shows where the player is."""
        return self._bar is not None and self._bar.visible

    def _draw(self, seconds: float) -> None:
        if self._bar is None or not self._bar.visible or (self._keyboard is not None and not self._keyboard.ours):
            return
        since = time.monotonic() - self._drawn
        if since > STALE_S or (since > DRAW_S and seconds > ROOM_S):
            self._bar.draw(self._player.state())
            self._drawn = time.monotonic()

    def _press(self, key: str) -> None:
        player = self._player
        match key:
            case "q":
                self.quit = True
            case "space":
                player.paused = not player.paused
            case "right" if player.paused:
                player.burst(1)
            case "right":
                self._jump(JUMP_NS)
            case "left":
                self._jump(-JUMP_NS)
            case "up" if player.paced:
                player.rate = min(player.rate * RATE_STEP, FASTEST)
            case "down" if player.paced:
                player.rate = player.rate / RATE_STEP

    def _jump(self, by_ns: int) -> None:
        """Seek, no further than the recording goes; before its first message, stay."""
        state = self._player.state()
        if state.time_ns is None or state.start_ns is None:
            return
        wanted_ns = max(state.time_ns + by_ns, state.start_ns)
        self._player.seek(wanted_ns if state.end_ns is None else min(wanted_ns, state.end_ns))


class Ticker:
    """Publishes the event time that is now, `hz` times a second, as `clock` messages."""

    def __init__(self, publisher: Publisher, hz: float) -> None:
        self._publisher = publisher
        self._every_s = 1.0 / hz
        self._next = time.monotonic()

    def turn(self, player: Player) -> float:
        """Publish if it is time to. Returns the seconds until it is again."""
        now = time.monotonic()
        if now >= self._next:
            self._next = max(self._next + self._every_s, now)
            time_ns = player.position_ns()
            if time_ns is not None:
                body = {"type": "clock", "time_ns": time_ns, "rate": player.rate, "paused": player.paused}
                self._publisher.publish("clock", body)
        return max(self._next - now, 0.0)
