"""Coordinates, distances and times as OpenAir writes them."""

from __future__ import annotations

import re
from typing import Final

from adapters.site.airspace.arcs import Position
from adapters.site.utc import ALLOWED_UTC, LAST_YEAR, parse_utc
from fusion.errors import ConfigError

NAUTICAL_MILE_M: Final = 1852.0
POINT: Final = "a point as 50:07:45 N 013:01:11 E, 50:07.75 N 013:01.18 E or 50.129 N 13.02 E"
_NUMBER = r"[0-9]{1,10}(?:\.[0-9]{0,15})?"
_ANGLE = rf"([0-9]{{1,3}})\s*:\s*([0-9]{{1,2}})\s*:\s*({_NUMBER})|([0-9]{{1,3}})\s*:\s*({_NUMBER})|({_NUMBER})"
_POINT = re.compile(rf"\s*(?:{_ANGLE})\s*([NSns])\s*,?\s*(?:{_ANGLE})\s*([EWew])\s*")
_ANGLE_GROUPS: Final = 6  # of each of the two angles of a point; its letter follows them
_DAY_END = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T24:00(?::00)?Z")
_MINUTES = re.compile(r"(.*T[0-9]{2}:[0-9]{2})Z")
EVER: Final = (0, parse_utc(f"{LAST_YEAR}-12-31T23:59:59Z"))


def read_points(text: str, count: int, allowed: str = POINT) -> list[Position]:
    """So many points, commas between them. Raises ConfigError."""
    points: list[Position] = []
    place = 0
    for i in range(count):
        if i:
            if text[place : place + 1] != ",":
                raise ConfigError("", text, allowed)
            place += 1
        match = _POINT.match(text, place)
        if match is None:
            raise ConfigError("", text, allowed)
        points.append(_position(match, text))
        place = match.end()
    if place != len(text):
        raise ConfigError("", text, allowed)
    return points


def _position(match: re.Match[str], text: str) -> Position:
    groups = match.groups()
    lat = _degrees(groups[:_ANGLE_GROUPS], 90.0, text)
    lon = _degrees(groups[_ANGLE_GROUPS + 1 : -1], 180.0, text)
    south, west = groups[_ANGLE_GROUPS] in "Ss", groups[-1] in "Ww"
    return (-lon if west else lon), (-lat if south else lat)


def _degrees(groups: tuple[str | None, ...], most: float, text: str) -> float:
    """Degrees, minutes and seconds; degrees and minutes; or degrees. 60 is taken: rounding writes it."""
    given = [float(part) for part in groups if part is not None]
    if any(part > 60.0 for part in given[1:]):
        raise ConfigError("", text, "minutes and seconds up to 60")
    value = sum(part / 60.0**i for i, part in enumerate(given))
    if value > most:
        raise ConfigError("", text, "a latitude up to 90, and a longitude up to 180 degrees")
    return value


def read_numbers(text: str, count: int, allowed: str) -> list[float]:
    """So many numbers of 0 or more, commas between them. Raises ConfigError."""
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != count or not all(re.fullmatch(_NUMBER + r"|\.[0-9]{1,15}", part) for part in parts):
        raise ConfigError("", text, allowed)
    return [float(part) for part in parts]


def read_interval(text: str) -> tuple[int, int] | None:
    """`from/to` in UTC, either `NONE`: for ever; None: `NONE` alone. Raises ConfigError."""
    text = text.partition(";")[0].strip()
    if text.upper() == "NONE":
        return None
    start, slash, end = (part.strip() for part in text.partition("/"))
    if not slash:
        raise ConfigError("", text, "NONE, or an interval as 2026-05-01T06:00Z/2026-05-01T22:00Z")
    interval = tuple(EVER[i] if part.upper() == "NONE" else _instant(part) for i, part in enumerate((start, end)))
    if interval[0] >= interval[1]:
        raise ConfigError("", text, "an interval that ends after it begins")
    return interval[0], interval[1]


def _instant(text: str) -> int:
    """An ISO 8601 time in UTC, seconds or not, 24:00 as the end of a day."""
    day = _DAY_END.fullmatch(text)
    try:
        if day:
            return parse_utc(f"{day[1]}T00:00:00Z") + 86_400_000_000_000
        minutes = _MINUTES.fullmatch(text)
        return parse_utc(f"{minutes[1]}:00Z" if minutes else text)
    except ValueError:
        raise ConfigError("", text, ALLOWED_UTC) from None
