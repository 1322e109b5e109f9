"""A recording played from the command line: its outlets, whoever has a hand on it, and what is said at the end."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from adapters.line.publish import Publisher, Pusher
from adapters.wire import Sender
from fusion.errors import ConfigError
from replay.playing.control import open_requests
from replay.playing.outlets import PATIENCE_S, Outlets
from replay.playing.playback import Playback
from replay.playing.player import Player, quiet
from replay.playing.shown import Shown
from replay.playing.state import Played
from replay.playing.urgency import urgent
from skypicket.console import progress, say
from skypicket.playing.keyboard import Keyboard
from skypicket.playing.player_desk import HELP, Desk, Ticker
from skypicket.playing.position_bar import PositionBar
from skypicket.signals import Stop, on_continue

SOURCE: Final = "replay"  # of what the player itself says: `clock`
CONNECT_S: Final = 10.0  # for a service to be there, unless it is waited for


def replay(arguments: Namespace, playback: Playback) -> int:
    """Play as `skypicket replay` was told to. Returns how many messages were sent."""
    keys = arguments.file != "-" and not arguments.disable_keyboard_controls and Keyboard.present()
    if playback.start_paused and not keys and arguments.requests is None:
        raise ConfigError("--start-paused", True, "with a terminal, or with --requests, by which it goes on")
    if arguments.clock is not None and arguments.publish is None:
        raise ConfigError("--clock", arguments.clock, "with --publish ADDRESS, where it is published")
    with ExitStack() as stack:
        stop = stack.enter_context(Stop())
        urge = stack.enter_context(urgent())  # before the sockets, whose threads send
        pusher = Pusher(arguments.to, stop=stop) if arguments.to is not None else None
        publisher = Publisher(arguments.publish, Sender(SOURCE)) if arguments.publish is not None else None
        shown = Shown() if publisher is not None and arguments.requests is not None else None
        outlets = Outlets(pusher, publisher, stop, shown)
        stack.callback(outlets.close)
        player = Player(arguments.file, outlets, playback, urge=urge)
        desk = stack.enter_context(_desk(player, arguments, keys, publisher, shown))
        if desk is not None:
            player.idle = desk.idle
        stack.enter_context(on_continue(player.stops.continued))
        show = quiet if desk is not None and desk.drawing else stack.enter_context(_progress())
        played = player.play(
            lambda: stop() or (desk is not None and desk.quit), show, lambda: _connected(outlets, arguments, stop)
        )
    where = " and ".join(address for address in (arguments.to, arguments.publish) if address is not None)
    _summarise(played, where, outlets.lost)
    return played.messages


@contextmanager
def _desk(
    player: Player, arguments: Namespace, keys: bool, publisher: Publisher | None, shown: Shown | None
) -> Iterator[Desk | None]:
    """Whoever has a hand on the player, if anybody has."""
    with ExitStack() as stack:
        requests = keyboard = bar = ticker = None
        if arguments.requests is not None:
            requests = open_requests(arguments.requests, player, shown)
            stack.callback(requests.close)
            say(f"requests at {requests.address}")
        if arguments.clock is not None and publisher is not None:
            ticker = Ticker(publisher, arguments.clock)
        if keys:
            bar = PositionBar()
            keyboard = stack.enter_context(Keyboard(leave=bar.clear))
            say(HELP)
        anybody = any(each is not None for each in (requests, keyboard, ticker))
        yield Desk(player, requests, keyboard, bar, ticker) if anybody else None


def _connected(outlets: Outlets, arguments: Namespace, stop: Callable[[], bool]) -> bool:
    """Whether somebody is there who takes what is sent; with the flag it is waited for. Raises SendTimeout."""
    waited = arguments.wait_for_subscribers
    if waited:
        say("waiting until somebody is there")
    if not outlets.wait(stop, None if waited else CONNECT_S, subscribers=waited):
        return False
    if waited:
        say("somebody is there")
    return True


@contextmanager
def _progress() -> Iterator[Callable[[Player], None]]:
    with progress() as show:
        yield lambda player: show("replaying", player.offset, player.source.size)


def _summarise(played: Played, where: str, lost: int) -> None:
    topics = ", ".join(f"{topic} {count:,}" for topic, count in sorted(played.topics.items()))
    print(f"{played.messages:,} messages sent to {where} ({topics or 'nothing'})", file=sys.stderr)
    if lost:
        print(f"{lost:,} of them not to every subscriber: one took nothing for {PATIENCE_S:g} s", file=sys.stderr)
    if played.errors.count:
        print(f"pacing error: {played.errors}", file=sys.stderr)
    if played.truncated:
        print("the recording is truncated: what was readable of it was sent", file=sys.stderr)
    for problem in played.problems:
        print(f"passed over: {problem}", file=sys.stderr)
