"""When an ED-269 or ED-318 zone applies: its periods, each with windows of the day, as intervals and windows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from adapters.site.airspace.notation import EVER
from adapters.site.checking import found_as
from adapters.site.utc import ALLOWED_UTC, DAYS, parse_utc
from fusion.airspace.schedule import DAY_S, DailyWindow, Schedule, Span, merged
from fusion.errors import ConfigError

ANY_DAY: Final = "ANY"
MOST_INTERVALS: Final = 10_000  # into which periods of different windows may be cut: 27 years of one a day
CLOCK: Final = "a time of the day as 06:00Z, 06:00:00.00Z or 08:00+02:00"
_CLOCK = re.compile(r"([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]{1,9})?)?([Zz]|([+-])([0-9]{2}):([0-9]{2}))")
Times = tuple[tuple[Span, ...] | None, tuple[DailyWindow, ...]]  # as `ZoneConfig` has them: active, daily


@dataclass(frozen=True, slots=True)
class Period:
    """One period: None for ever, and the windows of its days."""

    span: Span | None
    windows: tuple[DailyWindow, ...]


def read_applicability(periods: object, key: str) -> Times:
    """A list of periods. None, or an empty one: always. Raises ConfigError, its key below `key`."""
    if periods is None or periods == []:
        return None, ()
    if not isinstance(periods, list):
        raise ConfigError(key, found_as(periods), "a list of periods")
    read = [_period(period, f"{key}[{i}]") for i, period in enumerate(periods)]
    if len({period.windows for period in read}) == 1:
        spans = [period.span for period in read]
        return (None if None in spans else merged(span for span in spans if span is not None)), read[0].windows
    return _cut(read, key), ()


def _cut(periods: list[Period], key: str) -> tuple[Span, ...]:
    """Periods of different windows, as the intervals in which any applies."""
    spans: list[Span] = []
    for period in periods:
        if period.windows and (period.span is None or period.span[1] == EVER[1] or period.span[0] == EVER[0]):
            allowed = "a beginning and an end for each, where their windows differ"
            raise ConfigError(key, "periods for ever with windows of their own", allowed)
        begin, end = period.span or EVER
        spans += Schedule.of([(begin, end)], period.windows).between(begin, end)
        if len(spans) > MOST_INTERVALS:
            raise ConfigError(key, "periods of different windows over many years", f"up to {MOST_INTERVALS} windows")
    return merged(spans)


def _period(period: object, key: str) -> Period:
    if not isinstance(period, dict):
        raise ConfigError(key, found_as(period), "a period")
    windows: list[DailyWindow] = []
    schedule = period.get("schedule") or period.get("dailyPeriod") or []
    if not isinstance(schedule, list):
        raise ConfigError(f"{key}.schedule", found_as(schedule), "a list of daily periods")
    for i, daily in enumerate(schedule):
        windows += _windows(daily, f"{key}.schedule[{i}]")
    begin, end = (period.get(name) for name in ("startDateTime", "endDateTime"))
    if period.get("permanent") == "YES" or (begin is None and end is None):
        return Period(None, tuple(windows))
    start = EVER[0] if begin is None else _instant(begin, f"{key}.startDateTime")
    stop = EVER[1] if end is None else _instant(end, f"{key}.endDateTime")
    if start >= stop:
        raise ConfigError(f"{key}.endDateTime", found_as(end), "a time after startDateTime")
    return Period((start, stop), tuple(windows))


def _windows(daily: object, key: str) -> list[DailyWindow]:
    """One daily period; none where it says nothing."""
    if not isinstance(daily, dict):
        raise ConfigError(key, found_as(daily), "a daily period")
    for name in ("startEvent", "endEvent"):
        if daily.get(name) is not None:
            raise ConfigError(f"{key}.{name}", found_as(daily[name]), "times: sunrise and sunset are not supported")
    days = _days(daily.get("day"), f"{key}.day")
    texts = [daily.get(name) for name in ("startTime", "endTime")]
    if texts == [None, None]:
        return [DailyWindow(0, 0, days)] if days else []
    begin, end = (_clock(text, f"{key}.{name}") for text, name in zip(texts, ("startTime", "endTime"), strict=True))
    shift, from_s = divmod(begin, DAY_S)
    return [DailyWindow(from_s, end % DAY_S, tuple(sorted((day + shift) % 7 for day in days)))]


def _days(days: object, key: str) -> tuple[int, ...]:
    """Days of the week; empty for any."""
    given: list[Any] = days if isinstance(days, list) else [] if days is None else [days]
    for day in given:
        if day not in (*DAYS, ANY_DAY):
            raise ConfigError(key, found_as(day), f"{', '.join(DAYS)} or {ANY_DAY}")
    return () if ANY_DAY in given else tuple(sorted({DAYS.index(day) for day in given}))


def _clock(text: object, key: str) -> int:
    """A time of the day as UTC seconds since midnight, below 0 or beyond a day where its zone shifts it."""
    match = _CLOCK.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ConfigError(key, found_as(text), CLOCK)
    hours, minutes, seconds = (int(part or 0) for part in match.groups()[:3])
    local = hours * 3600 + minutes * 60 + seconds
    if local > DAY_S or minutes > 59 or seconds > 60:
        raise ConfigError(key, text, CLOCK)
    offset = int(match[6] or 0) * 3600 + int(match[7] or 0) * 60
    return local + offset if match[5] == "-" else local - offset


def _instant(text: object, key: str) -> int:
    try:
        return parse_utc(text) if isinstance(text, str) else parse_utc("")
    except ValueError:
        raise ConfigError(key, found_as(text), ALLOWED_UTC) from None
