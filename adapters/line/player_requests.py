"""What a player of recordings may be asked on a request socket of its own, with which parameters."""

from __future__ import annotations

from adapters.line.requests import Parameter
from adapters.wire.checks import is_integer, is_time, number_within
from adapters.wire.limits import MAX_TIME_NS

RATES = (0.0, 1000.0)  # seconds of event time in a second; 0: as fast as the service takes it
OFFSETS_S = (0.0, 1e9)  # after the start: more than thirty years
MOST_AT_ONCE = 100_000  # messages in one burst: some seconds, in which nothing else is answered

# request: {key: what it must be}; `seek` has exactly one of its two
PLAYER_PARAMETERS: dict[str, dict[str, Parameter]] = {
    "pause": {},
    "resume": {},
    "position": {},
    "step": {},
    "burst": {
        "messages": Parameter(lambda value: is_integer(value, 1, MOST_AT_ONCE), f"an integer from 1 to {MOST_AT_ONCE}"),
    },
    "rate": {
        "rate": Parameter(
            lambda value: number_within(value, RATES) is not None, f"a number from {RATES[0]:g} to {RATES[1]:g}"
        ),
    },
    "seek": {
        "time_ns": Parameter(is_time, f"an integer from 1 to {MAX_TIME_NS}", required=False),
        "offset_s": Parameter(
            lambda value: number_within(value, OFFSETS_S) is not None,
            f"a number of seconds from {OFFSETS_S[0]:g} to {OFFSETS_S[1]:g}",
            required=False,
        ),
    },
}
