"""A player by requests: `pause`, `resume`, `seek`, `rate`, `step`, `burst`, `position`. Each answers with the state."""

from __future__ import annotations

from collections.abc import Callable

from adapters.line.player_requests import PLAYER_PARAMETERS
from adapters.line.requests import PARAMETERS, Handler, RequestRefused, RequestServer
from adapters.wire import Message
from fusion.types import SECOND_NS
from replay.playing.player import Player
from replay.playing.shown import Shown


def open_requests(address: str, player: Player, shown: Shown | None = None) -> RequestServer:
    """A request socket at `address` for `player`; serve it while the player waits. Raises ConfigError.

    shown: what is published, for subscribers: then `snapshot` and `alerts` are answered as a service answers them.
    """
    handlers, parameters = Control(player).handlers(), dict(PLAYER_PARAMETERS)
    if shown is not None:
        handlers |= {"snapshot": shown.snapshot, "alerts": shown.alerts}
        parameters |= {name: PARAMETERS[name] for name in ("snapshot", "alerts")}
    return RequestServer(address, handlers, parameters)


class Control:
    """The handlers of the requests."""

    def __init__(self, player: Player) -> None:
        self._player = player

    def handlers(self) -> dict[str, Handler]:
        """Request -> what answers it."""
        names: dict[str, Callable[..., Message]] = {
            "pause": self.pause,
            "resume": self.resume,
            "position": self.position,
            "step": self.step,
            "burst": self.burst,
            "rate": self.rate,
            "seek": self.seek,
        }
        return dict(names)

    def position(self) -> Message:
        """The state, and nothing else happens."""
        return self._player.state().message()

    def pause(self) -> Message:
        """Stand still."""
        self._player.paused = True
        return self.position()

    def resume(self) -> Message:
        """Go on."""
        self._player.paused = False
        return self.position()

    def step(self) -> Message:
        """Send the next message, and stay paused."""
        if not self._player.paused:
            raise RequestRefused("state", "step while it is playing; allowed is step while it is paused")
        return self.burst(1)

    def burst(self, messages: int) -> Message:
        """Send so many messages at once."""
        self._player.burst(messages)
        return self.position()

    def rate(self, rate: float) -> Message:
        """Seconds of event time in a second from now on; 0: as fast as possible."""
        self._player.rate = float(rate)
        return self.position()

    def seek(self, time_ns: int | None, offset_s: float | None) -> Message:
        """Go on from an event time, or from so many seconds after the start."""
        if (time_ns is None) == (offset_s is None):
            raise RequestRefused("parameter", "allowed is exactly one of time_ns and offset_s")
        if time_ns is None and offset_s is not None:
            start_ns = self._player.source.start_ns
            if start_ns is None:
                raise RequestRefused("state", "nothing was read yet; allowed is offset_s after the first message")
            time_ns = start_ns + round(offset_s * SECOND_NS)
        assert time_ns is not None
        self._player.seek(time_ns)
        return self.position()
