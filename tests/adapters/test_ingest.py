"""What comes in: every rule that needs memory, any bytes, and the socket before it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from adapters.clock import ManualClock
from adapters.intake.gatekeeper import Gatekeeper
from adapters.intake.ingest import LARGEST, Ingest, Received
from adapters.intake.registry import MAX_STREAMS, MAX_UNKNOWN, OTHER, TRUTH
from adapters.intake.sequence import BLOCK, BLOCKS, Stream
from adapters.line import sockets
from adapters.line.publish import Pusher, SendTimeout
from adapters.wire import MAX_MESSAGE_BYTES, encode
from fusion.config import SensorConfig, ServiceConfig, SiteConfig, TrackerConfig
from fusion.errors import ConfigError
from fusion.pipeline import Pipeline
from fusion.types import SECOND_NS, Coverage, Frame, Place, Pose, Truth

NOW_NS = 1_760_000_000 * SECOND_NS
LATENESS_S = 2.0


def sensor(name: str) -> SensorConfig:
    return SensorConfig(
        name,
        "radar",
        ("range_m", "azimuth_deg"),
        {"range_m": 30.0, "azimuth_deg": 0.1},
        Coverage(range_m=(500.0, 80_000.0), azimuth_deg=(0.0, 360.0)),
        Pose(47.6, 19.1, 210.0),
    )


SITE = SiteConfig(
    ServiceConfig(Place(47.5, 19.0, 0.0)),
    TrackerConfig(lateness_s=LATENESS_S),
    (sensor("north"), sensor("south")),
)


def frame(seq: int, at_s: float = 0.0, **changes: object) -> bytes:
    """A good frame of one detection, `at_s` after NOW_NS."""
    message = {
        "v": 1,
        "type": "frame",
        "source": "sim",
        "sensor": "north",
        "seq": seq,
        "epoch": "run1",
        "time_ns": NOW_NS + round(at_s * SECOND_NS),
        "columns": {"range_m": [1000.0], "azimuth_deg": [10.0]},
    }
    return encode({**message, **changes})


def truth(seq: int, **changes: object) -> bytes:
    numbers = {name: [0.0] for name in ("lat_deg", "lon_deg", "alt_m", "east_mps", "north_mps", "up_mps")}
    message = {
        "v": 1,
        "type": "truth",
        "source": "sim",
        "seq": seq,
        "epoch": "run1",
        "time_ns": NOW_NS,
        "columns": {"id": ["drone"], **numbers},
    }
    return encode({**message, **changes})


def counts(gate: Gatekeeper, name: str = "north") -> dict[str, object]:
    return gate.status()[name]


def accepts(gate: Gatekeeper, payload: bytes, arrival_ns: int | None = None) -> bool:
    return gate.accept(payload, arrival_ns) is not None


# Duplicates and gaps


@given(st.lists(st.integers(0, 300), max_size=200))
def test_a_stream_knows_duplicates_and_gaps_like_a_set_in_any_order(seqs: list[int]) -> None:
    stream, seen = Stream(), set[int]()
    for seq in seqs:
        assert stream.is_duplicate(seq) == (seq in seen)
        if seq not in seen:
            stream.accept(seq)
            seen.add(seq)
        assert stream.gaps == max(seen) - min(seen) + 1 - len(seen)


def test_an_absurd_seq_does_not_shut_out_the_good_ones_after_it() -> None:
    gate = Gatekeeper(SITE)
    assert accepts(gate, frame(1))
    assert accepts(gate, frame(2**62))
    assert accepts(gate, frame(2))
    assert not accepts(gate, frame(2))
    assert counts(gate)["duplicates"] == 1


def test_a_stream_remembers_a_bounded_number_of_seqs() -> None:
    stream = Stream()
    for seq in range(0, BLOCK * (BLOCKS + 10), BLOCK):
        stream.accept(seq)
    assert not stream.is_duplicate(0)
    assert all(stream.is_duplicate(BLOCK * (9 + back)) for back in range(1, BLOCKS + 1))


def test_late_ones_close_the_gaps_that_they_left() -> None:
    gate = Gatekeeper(SITE)
    for seq in (5, 9, 6):
        assert accepts(gate, frame(seq))
    assert counts(gate)["gaps"] == 2
    assert accepts(gate, frame(8))
    assert accepts(gate, frame(7))
    assert counts(gate)["gaps"] == 0


def test_a_seq_is_its_own_for_each_source_sensor_and_epoch() -> None:
    gate = Gatekeeper(SITE)
    assert accepts(gate, frame(1))
    assert accepts(gate, frame(1, source="other"))
    assert accepts(gate, frame(1, sensor="south"))
    assert accepts(gate, frame(1, epoch="run2"))
    assert not accepts(gate, frame(1))
    assert "duplicate: seq 1" in str(counts(gate)["last_rejection"])


def test_a_rejected_frame_is_no_gap_and_leaves_its_seq_free() -> None:
    gate = Gatekeeper(SITE)
    assert accepts(gate, frame(1))
    assert not accepts(gate, frame(2, columns={"range_m": [1.0, 2.0], "azimuth_deg": [1.0]}))
    assert accepts(gate, frame(3))
    assert counts(gate)["gaps"] == 0
    assert accepts(gate, frame(2))
    assert counts(gate)["gaps"] == 0
    assert counts(gate)["frames"] == 3


def test_gaps_of_epochs_long_gone_are_still_counted() -> None:
    gate = Gatekeeper(SITE)
    for run in range(MAX_STREAMS + 5):
        assert accepts(gate, frame(1, epoch=f"run{run}"))
        assert accepts(gate, frame(3, epoch=f"run{run}"))
    assert counts(gate)["gaps"] == MAX_STREAMS + 5


# Who is known


def test_unknown_senders_are_counted_by_name_up_to_a_bound() -> None:
    gate = Gatekeeper(SITE)
    for i in range(MAX_UNKNOWN + 10):
        assert not accepts(gate, frame(1, sensor=f"stranger{i}"))
    status = gate.status()
    assert status["stranger0"]["rejected"] == 1
    assert "allowed is north, south" in str(status["stranger0"]["last_rejection"])
    assert status[OTHER]["rejected"] == 10
    assert len(status) == len(SITE.sensor) + MAX_UNKNOWN + 1
    assert not accepts(gate, b"junk")
    assert gate.status()[OTHER]["rejected"] == 11


def test_messages_that_are_no_input_are_rejected() -> None:
    gate = Gatekeeper(SITE)
    assert not accepts(gate, frame(1, type="status"))
    assert gate.reasons == {"type": (1, "type: type is 'status'; allowed here is frame, truth")}


def test_truth_passes_with_checks_of_its_own_and_touches_no_sensor() -> None:
    gate = Gatekeeper(SITE)
    assert isinstance(gate.accept(truth(1), None), Truth)
    assert gate.accept(truth(1), None) is None
    assert gate.accept(truth(3, columns={"id": ["drone"]}), None) is None
    assert gate.status()[TRUTH]["frames"] == 1
    assert gate.status()[TRUTH]["duplicates"] == 1
    assert gate.status()[TRUTH]["rejected"] == 1
    assert counts(gate)["frames"] == counts(gate)["rejected"] == 0
    assert gate.newest_ns is None


def test_a_topic_that_contradicts_the_message_is_rejected() -> None:
    gate = Gatekeeper(SITE)
    assert gate.accept(frame(1), None, "frame.south") is None
    assert gate.accept(frame(1), None, "frame.north") is not None
    assert gate.accept(truth(1), None, "frame.north") is None
    assert gate.accept(truth(1), None, "truth") is not None
    assert counts(gate)["last_rejection"] == ("topic: topic is 'frame.south'; allowed for this is frame.north")


def test_bad_rows_are_counted_and_the_good_ones_beside_them_pass() -> None:
    gate = Gatekeeper(SITE)
    columns = {"range_m": [1000.0, -5.0, 2000.0], "azimuth_deg": [1.0, 2.0, 3.0], "colour": [1, 2, 3]}
    accepted = gate.accept(frame(1, columns=columns), None)
    assert isinstance(accepted, Frame)
    assert accepted.values[:, 0].tolist() == [1000.0, 2000.0]
    assert counts(gate)["detections"] == 2
    assert counts(gate)["rejected"] == counts(gate)["rejected_rows"] == 1
    assert counts(gate)["ignored_columns"] == 1
    assert "range_m[1] is -5.0" in str(counts(gate)["last_rejection"])


# Time


@pytest.mark.parametrize(
    ("offset_s", "accepted", "code"),
    [
        (3600.0, True, None),
        (3600.001, False, "future"),
        (-86_400.0, True, None),
        (-86_400.001, False, "stale"),
    ],
)
def test_live_the_clock_bounds_event_time(offset_s: float, accepted: bool, code: str | None) -> None:
    gate = Gatekeeper(SITE)
    assert accepts(gate, frame(1, offset_s), NOW_NS) == accepted
    assert list(gate.reasons) == ([code] if code else [])
    assert accepts(gate, frame(2, 1.0), NOW_NS)


@pytest.mark.parametrize("offset_s", [1e6, -1e6])
def test_on_event_time_the_clock_bounds_nothing(offset_s: float) -> None:
    assert accepts(Gatekeeper(SITE), frame(1, offset_s), None)


def test_on_event_time_a_new_epoch_that_lies_behind_starts_a_new_picture() -> None:
    gate = Gatekeeper(SITE)
    for seq in range(5):
        assert accepts(gate, frame(seq, 100.0 + seq))
    assert not gate.new_picture
    assert accepts(gate, frame(0, 0.0, epoch="run2"))
    assert gate.new_picture
    assert gate.newest_ns == NOW_NS
    assert accepts(gate, frame(0, -1.0, epoch="run2", sensor="south"))
    assert not gate.new_picture
    assert not accepts(gate, frame(5, 105.0))  # a straggler of the run that was replaced
    assert gate.reasons["retired"][0] == 1
    assert accepts(gate, frame(1, 1.0, epoch="run2"))
    assert gate.newest_ns == NOW_NS + SECOND_NS


def test_a_new_epoch_within_the_lateness_goes_on_in_the_same_picture() -> None:
    gate = Gatekeeper(SITE)
    assert accepts(gate, frame(1, 100.0))
    assert accepts(gate, frame(0, 100.0 - LATENESS_S, epoch="run2"))
    assert not gate.new_picture


def test_a_known_epoch_that_lies_behind_is_left_to_the_tracker_to_call_late() -> None:
    gate = Gatekeeper(SITE)
    assert accepts(gate, frame(2, 100.0))
    late = gate.accept(frame(1, 0.0), None)
    assert isinstance(late, Frame)
    assert not gate.new_picture
    gate.late(late, "98 s behind the newest")
    assert counts(gate)["late"] == counts(gate)["frames"] == counts(gate)["detections"] == 1
    assert counts(gate)["gaps"] == 0


def test_live_a_new_epoch_that_lies_behind_is_rejected_and_one_that_does_not_goes_on() -> None:
    gate = Gatekeeper(SITE)
    assert accepts(gate, frame(1, 0.0), NOW_NS)
    assert not accepts(gate, frame(0, -10.0, epoch="run2"), NOW_NS)
    assert gate.reasons["epoch"] == (
        1,
        "epoch: new epoch 'run2' lies 10.000 s behind the newest frame; allowed is 2 s",
    )
    assert accepts(gate, frame(1, 0.0, epoch="run2"), NOW_NS)
    assert not gate.new_picture


def test_a_rejected_frame_never_starts_a_new_picture() -> None:
    gate = Gatekeeper(SITE)
    assert accepts(gate, frame(1, 100.0))
    assert not accepts(gate, frame(0, 0.0, epoch="run2", columns={"range_m": 7}))
    assert not gate.new_picture
    assert gate.newest_ns == NOW_NS + 100 * SECOND_NS
    assert accepts(gate, frame(2, 101.0))


def test_a_sensor_a_minute_ahead_of_every_other_does_not_move_the_watermark() -> None:
    gate = Gatekeeper(SITE)
    assert accepts(gate, frame(0, 0.0, sensor="south"))
    assert accepts(gate, frame(0, 60.0))
    assert gate.moves_watermark
    assert accepts(gate, frame(1, 121.0))
    assert not gate.moves_watermark
    assert gate.newest_ns == NOW_NS + 60 * SECOND_NS
    assert accepts(gate, frame(1, 61.0, sensor="south"))
    assert gate.moves_watermark
    assert accepts(gate, frame(2, 121.0))
    assert gate.moves_watermark


def test_a_wrong_clock_never_moves_the_watermark_while_another_sensor_speaks() -> None:
    gate = Gatekeeper(SITE)
    assert accepts(gate, frame(0, 0.0, sensor="south"), NOW_NS)
    for second in range(200):
        clock_ns = NOW_NS + second * SECOND_NS
        assert accepts(gate, frame(second, second + 1000.0), clock_ns)
        assert not gate.moves_watermark
        if second % 4 == 0:
            assert accepts(gate, frame(second + 1, float(second), sensor="south"), clock_ns)
            assert gate.moves_watermark


def test_a_clock_that_jumps_does_not_pass_for_the_silence_of_the_others() -> None:
    gate = Gatekeeper(SITE)
    assert accepts(gate, frame(0, 0.0, sensor="south"))
    for tenth in range(20):
        assert accepts(gate, frame(tenth, tenth / 10))
    assert accepts(gate, frame(20, 3600.0))
    assert not gate.moves_watermark
    assert accepts(gate, frame(1, 4.0, sensor="south"))
    assert gate.moves_watermark
    assert gate.newest_ns == NOW_NS + 4 * SECOND_NS


def test_when_the_other_sensors_fall_silent_the_last_one_keeps_time_going() -> None:
    gate = Gatekeeper(SITE)
    assert accepts(gate, frame(0, 0.0, sensor="south"))
    for second in range(300):
        assert accepts(gate, frame(second, float(second)))
        behind_s = second - (gate.newest_ns - NOW_NS) / SECOND_NS if gate.newest_ns else 0.0
        assert behind_s <= 1.0


HOUR_S = 3600  # lone wild frames lie whole hours apart
WILD = st.lists(st.tuples(st.integers(0, 30), st.integers(2500, 10**6)), unique_by=lambda pair: pair[1], max_size=8)


def with_wild(good: list[tuple[str, float]], wild: list[tuple[int, int]]) -> list[tuple[str, float, bool]]:
    """The good looks in order, and before some of them a lone look that is more than 100 days ahead."""
    stream: list[tuple[str, float, bool]] = []
    for i, (name, at_s) in enumerate(good):
        stream += [(("north", "south")[hours % 2], float(hours * HOUR_S), False) for place, hours in wild if place == i]
        stream.append((name, at_s, True))
    return stream


@given(WILD, st.lists(st.floats(0.1, 10.0), min_size=1, max_size=30), st.sampled_from([("north",), ("north", "south")]))
def test_lone_wild_frames_anywhere_change_nothing_for_the_good_ones(
    wild: list[tuple[int, int]], steps_s: list[float], names: tuple[str, ...]
) -> None:
    good = [(names[i % len(names)], sum(steps_s[: i + 1])) for i in range(len(steps_s))]
    gate = Gatekeeper(SITE)
    for seq, (name, at_s, is_good) in enumerate(with_wild(good, wild)):
        assert accepts(gate, frame(seq, at_s, sensor=name))
        if is_good:
            assert gate.moves_watermark
            assert gate.newest_ns == NOW_NS + round(at_s * SECOND_NS)
            assert counts(gate, name)["last_ns"] == gate.newest_ns


@given(WILD, st.integers(2, 20), st.integers(2, 10), st.floats(3700.0, 80 * 86_400.0))
def test_after_a_pause_of_the_whole_site_time_goes_on_with_the_second_frame(
    wild: list[tuple[int, int]], before: int, after: int, pause_s: float
) -> None:
    good = [("north", 4.0 * i) for i in range(before)] + [("north", pause_s + 4.0 * (before + i)) for i in range(after)]
    gate, taken = Gatekeeper(SITE), 0
    for seq, (name, at_s, is_good) in enumerate(with_wild(good, [(place + 1, hours) for place, hours in wild])):
        assert accepts(gate, frame(seq, at_s, sensor=name))
        if is_good:
            assert gate.moves_watermark == (taken != before)
            taken += 1
            assert gate.newest_ns is not None
            assert (gate.newest_ns == NOW_NS + round(at_s * SECOND_NS)) == gate.moves_watermark


def test_after_a_pause_a_frame_of_another_sensor_confirms_the_first() -> None:
    gate = Gatekeeper(SITE)
    assert accepts(gate, frame(0, 0.0))
    assert accepts(gate, frame(0, 0.0, sensor="south"))
    assert accepts(gate, frame(1, 86_400.0))
    assert not gate.moves_watermark
    assert accepts(gate, frame(1, 86_401.0, sensor="south"))
    assert gate.moves_watermark
    assert accepts(gate, frame(2, 86_404.0))
    assert gate.moves_watermark


def test_a_wild_time_that_comes_again_and_again_is_never_believed_while_good_frames_come_between() -> None:
    gate = Gatekeeper(SITE)
    for seq in range(0, 100, 2):
        assert accepts(gate, frame(seq, float(seq)))
        assert gate.moves_watermark
        assert accepts(gate, frame(seq + 1, 1e8))
        assert not gate.moves_watermark


def test_a_clock_hours_ahead_never_moves_the_watermark_while_another_sensor_speaks() -> None:
    gate = Gatekeeper(SITE)
    assert accepts(gate, frame(0, 0.0, sensor="south"))
    for second in range(200):
        assert accepts(gate, frame(second, second + 1e5))
        assert not gate.moves_watermark
        if second % 4 == 0:
            assert accepts(gate, frame(second + 1, float(second), sensor="south"))
            assert gate.moves_watermark


def test_a_lone_first_frame_that_is_wild_gives_way_to_the_second() -> None:
    gate = Gatekeeper(SITE)
    assert accepts(gate, frame(0, 1e8))
    assert accepts(gate, frame(1, 0.0))
    assert gate.new_picture
    assert gate.newest_ns == NOW_NS
    for seq in range(2, 9):
        assert accepts(gate, frame(seq, float(seq)))
        assert gate.moves_watermark
        assert not gate.new_picture


def test_a_wild_frame_leaves_the_air_picture_as_if_it_had_not_come() -> None:
    site = dataclasses.replace(SITE, tracker=dataclasses.replace(SITE.tracker, engine="filterpy"))
    gate, disturbed, alone = Gatekeeper(site), Pipeline(site), Pipeline(site)
    for seq in range(20):
        wild = gate.accept(frame(2 * seq, 3e8 + 100.0 * seq), None) if seq else None
        if isinstance(wild, Frame):
            assert disturbed.receive(wild, moves_watermark=gate.moves_watermark) == []
        good = gate.accept(frame(2 * seq + 1, 4.0 * seq), None)
        assert isinstance(good, Frame)
        events = disturbed.receive(good, moves_watermark=gate.moves_watermark)
        assert [event.time_ns for event in events] == [event.time_ns for event in alone.receive(good)]
    assert disturbed.watermark_ns == alone.watermark_ns == NOW_NS + round((76.0 - LATENESS_S) * SECOND_NS)
    assert disturbed.late == {}


def test_rate_and_clock_offset_are_those_of_the_frames() -> None:
    gate = Gatekeeper(SITE)
    for seq in range(20):
        at_s = 0.25 * seq
        delay_s = 3.0 if seq == 7 else 0.2
        assert accepts(gate, frame(seq, at_s), NOW_NS + round((at_s + delay_s) * SECOND_NS))
    assert counts(gate)["rate_hz"] == pytest.approx(4.0)
    assert counts(gate)["clock_offset_s"] == pytest.approx(0.2)
    assert counts(gate)["last_ns"] == NOW_NS + round(4.75 * SECOND_NS)
    silent = gate.status(NOW_NS + 1000 * SECOND_NS)["north"]["rate_hz"]
    assert isinstance(silent, float)
    assert silent < 0.1


# Any bytes

GOOD_KEYS = st.sampled_from(["v", "type", "source", "sensor", "seq", "epoch", "time_ns", "columns", "pose"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["frame", "truth", "north", "run1", NOW_NS, 1]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
JUNK = (
    st.binary(max_size=60)
    | st.binary(max_size=40).map(lambda tail: b"{" + tail)
    | st.builds(lambda cut: frame(3)[:cut], st.integers(0, len(frame(3)) - 1))
    | st.builds(
        lambda place, byte: frame(3)[:place] + bytes([byte]) + frame(3)[place + 1 :],
        st.integers(0, len(frame(3)) - 1),
        st.integers(0, 255),
    )
    | st.builds(lambda key, value: json.dumps({**decoded(), key: value}).encode(), GOOD_KEYS, VALUES)
)


def decoded() -> dict[str, object]:
    return {
        "v": 1,
        "type": "frame",
        "source": "junk",
        "sensor": "north",
        "seq": 3,
        "epoch": "junk",
        "time_ns": NOW_NS,
        "columns": {"range_m": [900.0], "azimuth_deg": [3.0]},
    }


@given(st.lists(JUNK, min_size=1, max_size=6), st.booleans())
def test_any_bytes_are_rejected_or_accepted_and_counted_and_the_next_good_frame_is_as_ever(
    payloads: list[bytes], live: bool
) -> None:
    gate, alone = Gatekeeper(SITE), Gatekeeper(SITE)
    arrival_ns = NOW_NS if live else None
    accepted = sum(gate.accept(payload, arrival_ns) is not None for payload in payloads)
    good = frame(1, 3599.0, source="good", epoch="good")
    after, before = gate.accept(good, arrival_ns), alone.accept(good, arrival_ns)
    assert isinstance(after, Frame)
    assert isinstance(before, Frame)
    assert after.values.tolist() == before.values.tolist()
    status = gate.status()
    rows = sum(int(str(each["rejected_rows"])) for each in status.values())
    total = sum(int(str(each[key])) for each in status.values() for key in ("frames", "rejected", "duplicates"))
    assert total - rows == len(payloads) + 1
    assert sum(int(str(each["frames"])) for each in status.values()) == accepted + 1
    assert sum(count for count, _ in gate.reasons.values()) == total - accepted - 1
    encode({"type": "status", "sensors": status}, json=True)


@pytest.mark.parametrize("opening", [b'{"v":[', b'{"v":{"a":'])
def test_deep_nesting_is_only_rejected(opening: bytes) -> None:
    gate = Gatekeeper(SITE)
    for depth in (10, 500, 990, 100_000):
        assert gate.accept(opening * depth, None) is None
        assert gate.accept(b"\x81\xa1v" * depth + b"\xc0", None) is None
    assert counts(gate, OTHER)["rejected"] == 8


# The socket


@contextmanager
def line(live: bool = False) -> Iterator[tuple[Ingest, Pusher]]:
    ingest = Ingest("tcp://127.0.0.1:*", Gatekeeper(SITE), ManualClock(NOW_NS) if live else None)
    pusher = Pusher(ingest.address)
    try:
        yield ingest, pusher
    finally:
        pusher.close()
        ingest.close()


def take(ingest: Ingest, wanted: int) -> list[int]:
    """The seqs of the next accepted messages; fails when they do not come."""
    seqs: list[int] = []
    while len(seqs) < wanted:
        assert sockets.wait([ingest], 10.0)
        seqs += [each.content.seq for each in ingest.receive() if isinstance(each.content, Frame)]
    return seqs


def test_frames_come_through_the_socket_in_order_with_their_bytes() -> None:
    payloads = [frame(seq) for seq in range(600)]
    received: list[Received] = []
    with line(live=True) as (ingest, pusher):
        for payload in payloads:
            pusher.push("frame.north", payload)
            received += ingest.receive(limit=10)
        while len(received) < len(payloads):
            assert sockets.wait([ingest], 10.0)
            received += ingest.receive()
        assert counts(ingest.gatekeeper)["gaps"] == 0
    assert [each.payload for each in received] == payloads
    assert {(each.topic, each.arrival_ns) for each in received} == {("frame.north", NOW_NS)}


def test_whatever_comes_through_the_socket_the_next_good_frame_does_too() -> None:
    bad = [
        [b"frame.north"],
        [b"frame.north", frame(1), b""],
        [b""],
        [b"", b""],
        [b"\xff\xfe", frame(1)],
        [b"frame.south", frame(1)],
        [b"frame.north", b"\x00" * (MAX_MESSAGE_BYTES + 1)],
        [b"frame.north", frame(1, columns={"range_m": [1.0] * 200_000})],
        [b"x"] * 50,
    ]
    with line() as (ingest, pusher):
        for parts in bad:
            assert sockets.send_in_time(pusher.socket, parts, 10.0)
        pusher.push("frame.north", frame(1))
        assert take(ingest, 1) == [1]
        status = ingest.gatekeeper.status()
        assert sum(int(str(each["rejected"])) for each in status.values()) == len(bad)
        assert {"parts", "topic", "oversize", "rows"} <= set(ingest.gatekeeper.reasons)
        assert ingest.gatekeeper.reasons["oversize"][1] == (
            f"oversize: {MAX_MESSAGE_BYTES + 1} bytes; allowed is {MAX_MESSAGE_BYTES}"
        )


@pytest.mark.parametrize("size", [2 * MAX_MESSAGE_BYTES + 1, LARGEST])
def test_an_over_long_message_is_counted_by_name_and_its_sender_goes_on(size: int) -> None:
    with line() as (ingest, pusher):
        assert sockets.send_in_time(pusher.socket, [b"frame.north", b"\x00" * size], 10.0)
        pusher.push("frame.north", frame(1))
        assert take(ingest, 1) == [1]
        assert ingest.gatekeeper.reasons == {"oversize": (1, f"oversize: {size} bytes; allowed is {MAX_MESSAGE_BYTES}")}


def test_what_waits_from_one_sender_is_at_most_a_gibibyte() -> None:
    with line() as (ingest, _):
        longest = ingest.socket.getsockopt(zmq.MAXMSGSIZE)
        waiting = ingest.socket.getsockopt(zmq.RCVHWM)
        assert isinstance(longest, int)
        assert isinstance(waiting, int)
        assert longest * waiting <= 2**30


def test_a_peer_cut_off_for_an_endless_message_does_no_harm_to_the_others() -> None:
    with line() as (ingest, pusher):
        hostile: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.PUSH)
        hostile.linger = 0
        hostile.connect(ingest.address)
        try:
            hostile.send_multipart([b"frame.north", b"\x00" * (LARGEST + 1)])
            pusher.push("frame.north", frame(1))
            assert take(ingest, 1) == [1]
        finally:
            hostile.close()


def test_the_pusher_says_when_nobody_takes_anything(tmp_path: Path) -> None:
    pusher = Pusher(f"ipc://{tmp_path}/none", timeout_s=0.05)
    with pytest.raises(SendTimeout, match=r"nobody took messages at ipc://.*/none for 0\.05 s"):
        pusher.push("frame.north", frame(1))
    pusher.close()


@pytest.mark.parametrize("address", ["", "tcp://127.0.0.1", "http://127.0.0.1:80", "tcp://nowhere.invalid:1"])
def test_an_address_that_cannot_be_bound_is_named(address: str) -> None:
    with pytest.raises(ConfigError, match="allowed is tcp://HOST:PORT or ipc://PATH"):
        Ingest(address, Gatekeeper(SITE), None)


def test_an_address_that_is_taken_is_named() -> None:
    with line() as (ingest, _), pytest.raises(ConfigError, match="in use"):
        Ingest(ingest.address, Gatekeeper(SITE), None)
