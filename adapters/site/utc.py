"""UTC instants as people write them (RFC 3339) and as the contract counts them (ns since 1970); windows of the day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from fusion.airspace.schedule import DAY_S, DailyWindow
from fusion.types import SECOND_NS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_YEAR = 2261  # the last whole year that int64 nanoseconds reach
END_S = int((datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC) - EPOCH).total_seconds())
ALLOWED_UTC = f"an RFC 3339 time from 1970 to {LAST_YEAR}, as 2026-05-01T06:00:00Z"
_PATTERN = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
ALLOWED_WINDOW = f"[from, to] in UTC as 06:00Z, then the days it begins on if not every day: {', '.join(DAYS)}"
_CLOCK = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])(?::([0-5][0-9]))?[Zz]")


def parse_utc(text: str) -> int:
    """An RFC 3339 time as exact nanoseconds. Raises ValueError: no time zone, a leap second, out of range."""
    match = _PATTERN.fullmatch(text)
    if match is None:
        raise ValueError(ALLOWED_UTC)
    day, clock, fraction, zone = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if zone in 'Zz' else zone}")
        since = moment - EPOCH
    except (ValueError, OverflowError):
        raise ValueError(ALLOWED_UTC) from None
    seconds = since.days * 86_400 + since.seconds
    if not 0 <= seconds < END_S:
        raise ValueError(ALLOWED_UTC)
    return seconds * SECOND_NS + int((fraction or "0").ljust(9, "0"))


def format_utc(time_ns: int) -> str:
    """Nanoseconds as RFC 3339, with as many decimals as it takes: `parse_utc` gives them back."""
    seconds, rest = divmod(time_ns, SECOND_NS)
    text = (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{rest:09d}".rstrip("0") if rest else "") + "Z"


def parse_window(texts: Sequence[str]) -> DailyWindow:
    """`06:00Z`, `22:00Z`, then days of the week, as a window. Raises ValueError."""
    if len(texts) < 2 or any(day not in DAYS for day in texts[2:]):
        raise ValueError(ALLOWED_WINDOW)
    from_s, to_s = (parse_clock(text) for text in texts[:2])
    return DailyWindow(from_s, to_s, tuple(sorted({DAYS.index(day) for day in texts[2:]})))


def format_window(window: DailyWindow) -> list[str]:
    """A window as texts: `parse_window` gives it back."""
    times = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in (window.from_s, window.to_s)]
    return [*(time.removesuffix(":00") + "Z" for time in times), *(DAYS[day] for day in window.days)]


def parse_clock(text: str) -> int:
    """A time of the UTC day, 24:00Z its end, as seconds. Raises ValueError."""
    match = _CLOCK.fullmatch(text)
    seconds = (
        sum(int(part or 0) * unit for part, unit in zip(match.groups(), (3600, 60, 1), strict=True)) if match else -1
    )
    if not 0 <= seconds <= DAY_S:
        raise ValueError(ALLOWED_WINDOW)
    return seconds
