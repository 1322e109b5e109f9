from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.recordings.filtering import Choice
from replay.recordings.moments import ALLOWED_MOMENT, Moment, Window, parse_moment
from replay.recordings.record import Record
from replay.recordings.selection import TopicSelection

START_NS = 1_700_000_000_000_000_000


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("0", Moment(0, relative=True)),
        ("90", Moment(90 * 10**9, relative=True)),
        ("12.5", Moment(12_500_000_000, relative=True)),
        ("0.000000001", Moment(1, relative=True)),
        ("1970-01-01T00:00:01Z", Moment(10**9)),
        ("2026-05-01T08:00:00.25+02:00", parse_moment("2026-05-01T06:00:00.250Z")),
    ],
)
def test_a_time_is_seconds_from_the_start_or_utc(text, moment):
    assert parse_moment(text) == moment


@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)))
def test_utc_is_what_the_standard_library_says(when):
    since = when.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    assert parse_moment(when.isoformat() + "Z").ns == since // timedelta(microseconds=1) * 1000


@pytest.mark.parametrize(
    "text", ["", "x", "-5", "1e3", "nan", "inf", "2026-05-01", "2026-05-01T06:00:00", "1.2.3", "9" * 11, "٣", "1."]
)
def test_another_time_is_refused_with_both_that_are_allowed(text):
    with pytest.raises(ValueError, match="seconds from the start") as caught:
        parse_moment(text)
    assert str(caught.value) == ALLOWED_MOMENT


@given(st.lists(st.integers(0, 20), min_size=1), st.integers(0, 20), st.booleans())
def test_two_windows_that_meet_take_every_message_once(seconds, cut, relative):
    times = [START_NS + second * 10**9 for second in seconds]
    middle = Moment(cut * 10**9, True) if relative else Moment(START_NS + cut * 10**9)
    before, after = Window(end=middle), Window(begin=middle)
    taken = [(before.takes(time_ns), after.takes(time_ns)) for time_ns in times]
    start = times[0] if relative else START_NS
    assert taken == [(time_ns < start + cut * 10**9, time_ns >= start + cut * 10**9) for time_ns in times]


def record(topic: str, second: int = 0) -> Record:
    return Record(topic, START_NS + second * 10**9, 0, b"")


def test_the_start_is_that_of_the_first_message_even_when_it_is_not_taken():
    choice = Choice(TopicSelection(["tracks"]), Window(Moment(10 * 10**9, relative=True)))
    assert not choice.takes(record("frame.north", 0))
    assert [choice.takes(record("tracks", second)) for second in (5, 9, 10, 11)] == [False, False, True, True]


@pytest.mark.parametrize(
    ("choice", "taken"),
    [
        ({}, ["frame.north", "frame.north2", "alert.gate.imminent", "alert.gate2.imminent", "tracks"]),
        ({"sensors": ["north"]}, ["frame.north", "alert.gate.imminent", "alert.gate2.imminent", "tracks"]),
        ({"zones": ["gate2"]}, ["frame.north", "frame.north2", "alert.gate2.imminent", "tracks"]),
        ({"sensors": ["north2"], "zones": ["gate"]}, ["frame.north2", "alert.gate.imminent", "tracks"]),
    ],
)
def test_sensors_and_zones_choose_among_frames_and_alerts_alone(choice, taken):
    topics = ["frame.north", "frame.north2", "alert.gate.imminent", "alert.gate2.imminent", "tracks"]
    chosen = Choice(**choice)
    assert [topic for topic in topics if chosen.takes(record(topic))] == taken
