"""The line is tested, not assumed: a test alert through journal and socket, back to a subscriber of our own."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection
from typing import Final

from adapters.clock import Clock
from adapters.line import sockets
from adapters.wire import MAX_MESSAGE_BYTES, Message, decode, read_alert
from fusion.alerting.alert_steps import alert_id
from fusion.errors import MessageRejected
from fusion.types import SECOND_NS, Place

ZONE: Final = "line-test"  # no zone of the site is called so: who watches a zone is not disturbed
TRACK: Final = 0  # never an object's id
RETURN_NS: Final = 5 * SECOND_NS  # for what takes milliseconds: longer is what clients call a silent line
RETRY_NS: Final = 60 * SECOND_NS  # from a test that failed to the next: a broken line is known to work again soon
QUEUE: Final = 1000  # messages waiting here, as for any other subscriber
LARGEST: Final = 2 * MAX_MESSAGE_BYTES
RAISED: Final = "Test of the alert line by the service itself: no object, no zone, nothing to do."
CLEARED: Final = "Test of the alert line by the service itself: {}; nothing to do."

Send = Callable[[Message], Message]


class LineTest:
    """Sends a test alert, raised and then cleared, each `every_s` of the clock and at the start; 0: never.

    address: where the service publishes. A SUB socket of its own listens there, like any subscriber's.
    send: numbers a body, journals it, publishes it, and returns it as it went out. place: where it is said to be.
    works: False from a test that did not come back as sent until one does.  returned_ns: the clock's time when one
    last did; None before.
    """

    def __init__(
        self, address: str, send: Send, clock: Clock, every_s: float, place: Place, zones: Collection[str] = ()
    ) -> None:
        self.works = True
        self.returned_ns: int | None = None
        self.zone = free_name(zones)
        self._send, self._clock, self._place = send, clock, place
        self._every_ns = round(every_s * SECOND_NS)
        self._address = reachable(address)
        self._due_ns: int | None = clock.monotonic_ns() if every_s else None
        self._until_ns = 0  # of the monotonic clock: by then the line has to be heard, or the message is lost
        self._heard = False  # something came in: so the subscription, which was sent first, is in force
        self._sent: Message | None = None  # on its way
        self.socket = sockets.open_socket("SUB", queue=QUEUE, largest=LARGEST)
        if every_s:
            for prefix in (f"alert.{self.zone}.", "status"):
                self.socket.subscribe(prefix)
            sockets.connect(self.socket, self._address)

    def turn(self, time_ns: int) -> None:
        """Take what came in, and do what is due; never blocks. time_ns: for messages that are sent now."""
        while (parts := sockets.receive(self.socket)) is not None:
            self._take(parts, time_ns)
        now_ns = self._clock.monotonic_ns()
        if self._until_ns:
            if self._sent is None and self._heard:
                self._raise(time_ns, now_ns)
            elif now_ns >= self._until_ns:
                waited = f"{RETURN_NS // SECOND_NS} s"
                what = "nothing is heard" if self._sent is None else f"test alert {self._sent['alert']} did not return"
                self._fail(f"{what} at {self._address} within {waited}", time_ns)
        elif self._due_ns is not None and now_ns >= self._due_ns:
            self._due_ns += self._every_ns * ((now_ns - self._due_ns) // self._every_ns + 1)
            self._until_ns, self._heard = now_ns + RETURN_NS, False

    def close(self) -> None:
        self.socket.close()

    def _take(self, parts: list[bytes], time_ns: int) -> None:
        """A test that is on its way has to come back as it was sent; what else comes in proves that we hear."""
        self._heard = True
        if self._sent is None or not parts[0].startswith(b"alert."):
            return
        sent, topic = self._sent, f"alert.{self.zone}.{self._sent['level']}"
        try:
            (payload,) = parts[1:]
            came = read_alert(decode(payload))
        except (MessageRejected, ValueError) as error:
            self._fail(f"test alert {sent['alert']} came back unreadable: {error}", time_ns)
            return
        if (came["alert"], came["step"]) != (sent["alert"], sent["step"]):
            return  # an earlier one, late
        if came != sent or parts[0] != topic.encode():
            wrong = sorted(key for key in {*came, *sent} if came.get(key) != sent.get(key)) or ["topic"]
            self._fail(f"test alert {sent['alert']} came back changed: {', '.join(wrong)}", time_ns)
        elif sent["state"] == "cleared":
            self._succeed()
        else:
            self._sent = self._send(_next(sent, time_ns, "it came back as sent"))
            self._until_ns = self._clock.monotonic_ns() + RETURN_NS

    def _raise(self, time_ns: int, now_ns: int) -> None:
        self._until_ns = now_ns + RETURN_NS
        name = alert_id(TRACK, self.zone, self._clock.time_ns(), secrets.randbits(64))
        self._sent = self._send(_first(name, self.zone, time_ns, self._place))

    def _succeed(self) -> None:
        if not self.works:
            _log.warning("the alert line works again: a test alert came back from %s as sent", self._address)
        elif self.returned_ns is None:
            _log.info("the alert line works: a test alert came back from %s as sent", self._address)
        self.works, self.returned_ns = True, self._clock.time_ns()
        self._sent, self._until_ns = None, 0

    def _fail(self, detail: str, time_ns: int) -> None:
        """Say so, end the test alert, and try again soon."""
        _log.error("the alert line does not work: %s", detail)
        sent, self._sent, self._until_ns, self.works = self._sent, None, 0, False
        if sent is not None and sent["state"] != "cleared":
            self._send(_next(sent, time_ns, "it did not come back"))
        retry_ns = self._clock.monotonic_ns() + RETRY_NS
        self._due_ns = retry_ns if self._due_ns is None else min(self._due_ns, retry_ns)


def reachable(address: str) -> str:
    """Where to connect to what is bound at `address`: an address of every interface is none to connect to."""
    return address.replace("tcp://0.0.0.0:", "tcp://127.0.0.1:").replace("tcp://[::]:", "tcp://[::1]:")


def free_name(zones: Collection[str]) -> str:
    """The zone that test alerts carry: a name that none of the site's has."""
    name, i = ZONE, 1
    while name in zones:
        name, i = f"{ZONE}-{i + 1}", i + 1
    return name


def _first(name: str, zone: str, time_ns: int, place: Place) -> Message:
    """The body of a test alert: nothing in it can be taken for an object."""
    return {
        "type": "alert",
        "time_ns": time_ns,
        "alert": name,
        "step": 1,
        "zone": zone,
        "track": TRACK,
        "tracks": [TRACK],
        "level": "predicted",
        "state": "raised",
        "acknowledged": None,
        "probability": 0.0,
        "time_to_entry_s": None,
        "entry": None,
        "closest": {"distance_m": 0.0, "time_s": 0.0},
        "track_status": "ended",
        "suppressed_until_ns": None,
        "position": {"lat_deg": place.lat_deg, "lon_deg": place.lon_deg, "alt_m": place.alt_m},
        "velocity": {"east_mps": 0.0, "north_mps": 0.0, "up_mps": 0.0},
        "sensors": [],
        "reason": RAISED,
        "test": True,
    }


def _next(sent: Message, time_ns: int, result: str) -> Message:
    """The body that clears a test alert."""
    envelope = ("v", "source", "seq", "epoch", "number")
    body = {key: value for key, value in sent.items() if key not in envelope}
    return {
        **body,
        "time_ns": max(time_ns, sent["time_ns"]),
        "step": sent["step"] + 1,
        "state": "cleared",
        "reason": CLEARED.format(result),
    }


_log = logging.getLogger(__name__)
