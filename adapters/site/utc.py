"""UTC instants as people write them (RFC 3339) and as the contract counts them (ns since 1970)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from fusion.types import SECOND_NS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST_YEAR = 2261  # the last whole year that int64 nanoseconds reach
END_S = int((datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC) - EPOCH).total_seconds())
ALLOWED_UTC = f"an RFC 3339 time from 1970 to {LAST_YEAR}, as 2026-05-01T06:00:00Z"
_PATTERN = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


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
