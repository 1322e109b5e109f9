"""Why an alert says what it says: one sentence for a person, with the numbers that decided it.

It tells what was measured and computed, never what anyone intends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from fusion.config import ZoneConfig
from fusion.prediction.conduct import Manoeuvre
from fusion.prediction.forecasts import Situation
from fusion.types import SECOND_NS

SHOWN_CLIMB = 1.0  # m/s: slower is level flight to a person
SHOWN_TURN = math.radians(10.0)  # a smaller change of heading is no turn to a person
SHOWN_SPEED = 0.2  # the part of its speed that an object must gain or lose for that to be said
CAUSE_NS = 60 * SECOND_NS  # a manoeuvre that ended longer before is not how it came to head there
DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Account:
    """What sentences tell. probability: of entering, existence included.  age_s: of the last detection.

    heading_ns: since when entry is likely, 0 where it is not.  cause: the last manoeuvre before that.  falling: the
    probability that it falls, where that is likely.
    """

    track: int
    zone: ZoneConfig
    situation: Situation
    probability: float
    existence: float
    sensors: tuple[str, ...]
    age_s: float
    time_ns: int
    heading_ns: int
    cause: Manoeuvre | None
    diverted_ns: int | None
    falling: float | None

    @property
    def where(self) -> str:
        """How it moves, and how high."""
        east, north, up = self.situation.velocity_mps
        climb = f", {'climbing' if up > 0.0 else 'descending'} at {abs(up):.1f} m/s" if abs(up) >= SHOWN_CLIMB else ""
        falls = f", ballistic ({self.falling:.2f})" if self.falling is not None else ""
        return f"at {math.hypot(east, north):.0f} m/s, {self.situation.position.alt_m:.0f} m high{climb}{falls}"

    @property
    def history(self) -> str:
        """Since when it heads there, and how that began."""
        parts = []
        if self.heading_ns:
            lasted_s = (self.time_ns - self.heading_ns) / SECOND_NS
            parts.append(f"heading there since {clock(self.heading_ns)} ({lasted_s:.0f} s), {began(self)}")
        if self.diverted_ns is not None:
            parts.append(f"it left the path predicted for it at {clock(self.diverted_ns)}")
        return "".join(f"; {part}" for part in parts)

    @property
    def away(self) -> str:
        """How far from the volume it is, how it moves, and who saw it."""
        return f"now {distance(self.situation.distance_m)} away {self.where}; {seen(self.sensors, self.age_s)}"


def heading(account: Account, time_s: tuple[float, float, float]) -> str:
    """time_s: p10, p50, p90 of the time to entry."""
    exists = f" (existence {account.existence:.2f})" if account.existence < 0.995 else ""
    return (
        f"Track {account.track} is heading for {zone_name(account.zone)}: probability {account.probability:.2f}"
        f"{exists} of entering within {account.zone.lookahead_s:.0f} s, most likely in {time_s[1]:.0f} s "
        f"({time_s[0]:.0f}–{time_s[2]:.0f} s); {account.away}{account.history}."
    )


def began(account: Account) -> str:
    """How it came to head there: with a manoeuvre, or on a steady course."""
    last = account.cause
    if last is None or (last.ended_ns is not None and last.ended_ns < account.heading_ns - CAUSE_NS):
        return "on a steady course"
    slow, fast = sorted(last.speeds_mps)
    if abs(last.turn_rad) >= SHOWN_TURN:
        what = f"turning {'right' if last.turn_rad > 0.0 else 'left'} by {abs(math.degrees(last.turn_rad)):.0f}°"
    elif fast - slow >= SHOWN_SPEED * fast:
        what = f"going from {last.speeds_mps[0]:.0f} to {last.speeds_mps[1]:.0f} m/s"
    else:
        what = "a manoeuvre"
    until = f" to {clock(last.ended_ns)}" if last.ended_ns is not None else ""
    return f"after {what} from {clock(last.began_ns)}{until} ({last.mode.replace('_', ' ')} {last.probability:.2f})"


def clock(time_ns: int) -> str:
    """The time of day, UTC."""
    second = time_ns // SECOND_NS % DAY_S
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02} UTC"


def inside(account: Account, now: float) -> str:
    """now: probability of being inside now, given that it exists."""
    return (
        f"Track {account.track} is inside {zone_name(account.zone)} {account.where}: probability {now:.2f} of being "
        f"inside now (existence {account.existence:.2f}); {seen(account.sensors, account.age_s)}{account.history}."
    )


def receding(account: Account, least: float, *, was_inside: bool) -> str:
    """While an alert is about to clear, and when it does. least: the probability that would keep it."""
    what = "has left" if was_inside else "is no longer heading for"
    return (
        f"Track {account.track} {what} {zone_name(account.zone)}: probability {account.probability:.2f} of entering "
        f"within {account.zone.lookahead_s:.0f} s, kept from {least:.2f} on; {account.away}."
    )


def lost(track: int, zone: ZoneConfig, sensors: tuple[str, ...], age_s: float) -> str:
    """While an alert waits for a track that ended inside."""
    return f"Track {track} was lost inside {zone_name(zone)}: {seen(sensors, age_s)}."


def lost_for_good(track: int, zone: ZoneConfig, age_s: float) -> str:
    """When that wait is over."""
    return f"Track {track} was lost inside {zone_name(zone)} and has not been seen for {age_s:.0f} s."


def ended(
    track: int, zone: ZoneConfig, away_m: float, sensors: tuple[str, ...], age_s: float, waits_s: float | None
) -> str:
    """When a track ended outside. waits_s: for how long another track of its object is awaited; None: no more."""
    waits = "" if waits_s is None else f"; waiting {waits_s:.0f} s for another track of the same object"
    return f"Track {track} ended {distance(away_m)} away from {zone_name(zone)}: {seen(sensors, age_s)}{waits}."


def inactive(track: int, zone: ZoneConfig) -> str:
    """When a zone's time is over, or it was switched off."""
    ahead = f"and will not be within {zone.lookahead_s:.0f} s"
    return f"{zone_name(zone)} is not active {ahead}: nothing to warn of for track {track}."


def allowed(track: int, zone: ZoneConfig, identity: str) -> str:
    """When it turns out that the track may enter."""
    return f"Track {track} is {identity}, which may enter {zone_name(zone)}."


def unsupported(track: int, zone: str) -> str:
    """When late detections changed what had been computed."""
    return f"Detections that came late changed the history: it does not support an alert of track {track} for {zone}."


def not_found_again(track: int, zone: str) -> str:
    """When an alert of an earlier run found no track to go on with."""
    return f"The service started anew and has not found the object of track {track} near {zone} again."


def zone_name(zone: ZoneConfig) -> str:
    """A zone with the heights and the margins that count."""
    parts = [f"floor {zone.floor_m:.0f} m", f"ceiling {zone.ceiling_m:.0f} m"]
    if zone.margin_m > 0.0:
        parts.append(f"margin {distance(zone.margin_m)}")
    if zone.margin_vertical_m > 0.0:
        parts.append(f"vertical margin {distance(zone.margin_vertical_m)}")
    return f"{zone.name or zone.id} ({', '.join(parts)})"


def distance(metres: float) -> str:
    """A length as people say it."""
    return f"{metres:.0f} m" if metres < 1000.0 else f"{metres / 1000.0:.1f} km"


def seen(sensors: tuple[str, ...], age_s: float) -> str:
    """Who saw it lately, and how long ago it was seen last."""
    return f"seen by {', '.join(sensors)} {age_s:.1f} s ago" if sensors else f"not seen for {age_s:.1f} s"
