"""Looks in the order in which they were made."""

from hypothesis import given
from hypothesis import strategies as st

from fusion.types import SECOND_NS
from replay.playing.order import by_event_time
from replay.recordings.record import Record
from replay.recordings.seeking import DISORDER_NS

START_NS = 1_700_000_000 * SECOND_NS


def record(time_ns: int, sensor: str = "a", seq: int = 0, opening: bool = False) -> Record:
    message = {"v": 1, "type": "frame", "source": "s", "sensor": sensor, "seq": seq, "epoch": "e", "time_ns": time_ns}
    return Record(f"frame.{sensor}", time_ns, time_ns, b"", message, opening=opening)


def key(each: Record) -> tuple[int, str, int]:
    return each.time_ns, each.topic, each.message["seq"]


looks = st.builds(
    record,
    st.integers(0, 40).map(lambda k: START_NS + k * SECOND_NS // 4),
    st.sampled_from("abc"),
    st.integers(0, 3),
)


@given(st.lists(looks, max_size=60))
def test_what_is_disordered_by_less_than_the_window_comes_out_sorted(records):
    assert [key(each) for each in by_event_time(records, 1000)] == sorted(map(key, records))


@given(st.lists(looks, max_size=60), st.integers(1, 5))
def test_nothing_is_lost_or_doubled_whatever_is_held(records, most):
    assert sorted(map(key, by_event_time(records, most))) == sorted(map(key, records))


@given(st.lists(looks, min_size=1, max_size=30), st.lists(looks, min_size=1, max_size=30))
def test_a_run_that_begins_anew_is_not_mixed_with_the_one_before(before, after):
    late = [record(each.time_ns + 10 * DISORDER_NS, each.message["sensor"]) for each in before]
    came = [key(each) for each in by_event_time([*late, *after], 1000)]
    assert came[: len(late)] == sorted(map(key, late))


def test_the_opening_state_goes_out_where_it_stands():
    opening = record(START_NS - 500 * SECOND_NS, "z", opening=True)
    came = list(by_event_time([opening, record(START_NS + 2), record(START_NS + 1)], 1000))
    assert [each.time_ns for each in came] == [opening.time_ns, START_NS + 1, START_NS + 2]


def test_one_that_stands_later_than_what_is_held_goes_out_at_once():
    times = [START_NS + second * SECOND_NS for second in (0, 1, 2, 3, 4, 5, 0, 6)]
    came = [each.time_ns for each in by_event_time(map(record, times), 2)]
    assert came.index(START_NS, 1) == 5 - 1  # behind 0, 1, 2, 3: two were held
    assert sorted(came) == sorted(times)
