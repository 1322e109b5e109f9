"""Times as the commands take them: UTC, or seconds from the start of a recording."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from adapters.site.utc import ALLOWED_UTC, parse_utc
from fusion.types import SECOND_NS

LONGEST_S: Final = 9_000_000_000  # as long as the times of the contract reach: the year 2255
ALLOWED_MOMENT: Final = f"seconds from the start of the recording, as 90 or 12.5, or {ALLOWED_UTC}"
_SECONDS: Final = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,9}))?")


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant. ns: UTC nanoseconds; with `relative`, nanoseconds from the recording's start."""

    ns: int
    relative: bool = False

    def at(self, start_ns: int) -> int:
        """UTC nanoseconds in a recording that starts at `start_ns`."""
        return self.ns + start_ns if self.relative else self.ns


def parse_moment(text: str) -> Moment:
    """`2026-05-01T06:00:00Z`, or seconds from the start, exact to the nanosecond. Raises ValueError."""
    seconds = _SECONDS.fullmatch(text.strip())
    if seconds is None:
        try:
            return Moment(parse_utc(text.strip()))
        except ValueError:
            raise ValueError(ALLOWED_MOMENT) from None
    whole, fraction = seconds.groups()
    if int(whole) > LONGEST_S:
        raise ValueError(ALLOWED_MOMENT)
    return Moment(int(whole) * SECOND_NS + int((fraction or "0").ljust(9, "0")), relative=True)


class Window:
    """Times from `begin` on and before `end`, so that two windows that meet share no message.

    A recording starts at the event time of the first message that is readable in it.
    """

    def __init__(self, begin: Moment | None = None, end: Moment | None = None) -> None:
        self.begin, self.end = begin, end
        self.start_ns: int | None = None
        self._from_ns, self._to_ns = 0, 2**63

    def takes(self, time_ns: int) -> bool:
        """Whether an event time lies in the window. To be asked of every message: the first tells the start."""
        if self.start_ns is None:
            self.start_ns = time_ns
            self._from_ns = 0 if self.begin is None else self.begin.at(time_ns)
            self._to_ns = 2**63 if self.end is None else self.end.at(time_ns)
        return self._from_ns <= time_ns < self._to_ns
