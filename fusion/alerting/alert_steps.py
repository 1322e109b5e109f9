"""The steps of an alert: what they are called, what they say, and which are worth saying."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Final

from fusion.alerting.watches import Assessment
from fusion.types import SECOND_NS, AlertStep

SHORTEST_NS: Final = SECOND_NS  # between two updates of one alert
LONGEST_NS: Final = 5 * SECOND_NS  # without an update of an alert that nobody has acknowledged
PROBABILITY_CHANGE: Final = 0.1  # that matters
TIME_CHANGE_S: Final = 5.0  # of the time to entry against the countdown, that matters ...
TIME_CHANGE_PART: Final = 0.2  # ... or this part of it, whichever is more
CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def is_news(last: AlertStep, now: AlertStep) -> bool:
    """Whether an update goes out.

    A change of level always does, except that of a suppressed alert below infringing, and a change of track; for an
    acknowledged or suppressed alert nothing else does. Otherwise: what changed and matters, at most once a second, and
    anything after 5 s.
    """
    if now.level != last.level:
        return now.suppressed_until_ns is None or now.level == "infringing"
    if now.track != last.track:  # whoever acts on it must know what to look for
        return True
    if now.acknowledged is not None or now.suppressed_until_ns is not None:
        return False
    elapsed_ns = now.time_ns - last.time_ns
    if elapsed_ns < SHORTEST_NS:
        return False
    if elapsed_ns >= LONGEST_NS or now.track_status != last.track_status:
        return True
    if abs(now.probability - last.probability) >= PROBABILITY_CHANGE or last.suppressed_until_ns is not None:
        return True
    if now.time_to_entry_s is None or last.time_to_entry_s is None:
        return now.time_to_entry_s != last.time_to_entry_s
    expected = max(last.time_to_entry_s[1] - elapsed_ns / SECOND_NS, 0.0)
    return abs(now.time_to_entry_s[1] - expected) >= max(TIME_CHANGE_S, TIME_CHANGE_PART * expected)


def alert_id(track: int, zone: str, time_ns: int, again: int = 0) -> str:
    """The ULID of an alert: the milliseconds of its raising, and 80 bits that only depend on what it is about.

    again: how often this pair was raised before at that very time.
    """
    digest = hashlib.blake2b(f"{zone}\0{track}\0{time_ns}\0{again}".encode(), digest_size=10).digest()
    number = (time_ns // 1_000_000 % (1 << 48)) << 80 | int.from_bytes(digest, "big")
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def saying(step: AlertStep, assessment: Assessment) -> AlertStep:
    """A step that says what the assessment says."""
    return replace(
        step,
        track=assessment.track,
        tracks=(*step.tracks, *(track for track in assessment.tracks if track not in step.tracks)),
        level=assessment.level,
        probability=assessment.probability,
        time_to_entry_s=assessment.time_to_entry_s,
        entry=assessment.entry,
        closest_distance_m=assessment.closest_distance_m,
        closest_time_s=assessment.closest_time_s,
        track_status=assessment.track_status,
        position=assessment.position,
        velocity_mps=assessment.velocity_mps,
        sensors=assessment.sensors,
        reason=assessment.reason,
    )
