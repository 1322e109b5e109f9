"""The envelope: what is refused with which code, and what a Sender stamps."""

from __future__ import annotations

import pytest

from adapters.wire import Sender, alert_topics, decode, encode, topic_of
from fusion.errors import MessageRejected
from fusion.types import AlertStep, Place

TIME_NS = 1_760_000_000_000_000_000
FRAME = {
    "v": 1,
    "type": "frame",
    "source": "sim",
    "sensor": "north",
    "seq": 17,
    "epoch": "9f",
    "time_ns": TIME_NS,
    "columns": {},
}


def refusal(**changes: object) -> MessageRejected:
    with pytest.raises(MessageRejected) as caught:
        decode(encode({**FRAME, **changes}))
    return caught.value


@pytest.mark.parametrize("value", [0, 2, None, "1", True, 1.0])
def test_any_version_but_the_integer_one_is_refused(value: object) -> None:
    assert refusal(v=value).code == "version"


@pytest.mark.parametrize("value", [None, "frames", 1, [], {}, "", b"frame"])
def test_a_type_that_the_contract_does_not_know_is_refused(value: object) -> None:
    assert refusal(type=value).code == "type"


@pytest.mark.parametrize("key", ["source", "sensor"])
@pytest.mark.parametrize("value", [None, "", "a.b", "a" * 65, "ü", "a\n", 7, True, ["a"]])
def test_names_that_would_break_a_topic_are_refused(key: str, value: object) -> None:
    assert refusal(**{key: value}).code == key


@pytest.mark.parametrize("value", [None, -1, 1.0, True, "1", 2**63])
def test_a_seq_that_does_not_count_is_refused(value: object) -> None:
    assert refusal(seq=value).code == "seq"


@pytest.mark.parametrize("value", [None, "", "e" * 65, 1, "a\x1b[2J", "a\nb"])
def test_an_epoch_that_is_empty_long_or_unprintable_is_refused(value: object) -> None:
    assert refusal(epoch=value).code == "epoch"


@pytest.mark.parametrize("value", [None, 0, -1, 1.7e18, True, "now", 2**63 - 1, 2**64 - 1])
def test_a_time_that_int64_arithmetic_cannot_take_is_refused(value: object) -> None:
    assert refusal(time_ns=value).code == "time"


def test_a_refused_frame_names_its_sensor_and_what_is_allowed() -> None:
    rejection = refusal(seq=-3)
    assert rejection.sensor == "north"
    assert rejection.detail == "seq is -3; allowed is an integer from 0 to 9223372036854775807"


def test_an_unusable_sensor_name_is_not_taken_for_a_sensor() -> None:
    assert refusal(seq=-1, sensor="a b").sensor is None


def test_keys_that_are_not_known_are_ignored() -> None:
    assert decode(encode({**FRAME, "weather": {"rain": [1, None, b"x"]}}))["seq"] == 17


def test_seq_counts_up_by_one_for_each_topic_of_its_own() -> None:
    sender = Sender("service", "e1")
    topics = ["tracks", "status", "tracks", "alert.a.imminent", "tracks"]
    stamped = [sender.stamp(topic, {"type": "tracks", "time_ns": TIME_NS}) for topic in topics]
    assert [message["seq"] for message in stamped] == [0, 0, 1, 0, 2]
    assert sender.last == {"tracks": 2, "status": 0, "alert.a.imminent": 0}


def test_a_stamped_message_carries_the_whole_envelope_and_keeps_the_body_apart() -> None:
    body = {"type": "tracks", "time_ns": TIME_NS, "seq": 99, "epoch": "old", "columns": {"id": [1]}}
    message = Sender("service", "e1").stamp("tracks", body)
    assert list(message) == ["v", "type", "source", "seq", "epoch", "time_ns", "columns"]
    assert (message["source"], message["seq"], message["epoch"]) == ("service", 0, "e1")
    assert body["seq"] == 99
    assert decode(encode(message)) == message


def test_each_run_of_a_sender_has_an_epoch_of_its_own() -> None:
    assert Sender("service").epoch != Sender("service").epoch


def test_topics_carry_sensor_or_zone_and_level() -> None:
    assert topic_of(FRAME) == "frame.north"
    assert topic_of({"type": "alert", "zone": "airport", "level": "imminent"}) == "alert.airport.imminent"
    assert topic_of({"type": "tracks"}) == "tracks"


@pytest.mark.parametrize(
    ("previous", "topics"),
    [
        (None, ("alert.airport.imminent",)),
        ("imminent", ("alert.airport.imminent",)),
        ("predicted", ("alert.airport.imminent", "alert.airport.predicted")),
    ],
)
def test_a_change_of_level_goes_out_on_the_new_and_the_old_topic(previous: str | None, topics: tuple[str, ...]) -> None:
    place = Place(47.0, 19.0, 100.0)
    step = AlertStep(
        time_ns=TIME_NS,
        alert="01",
        step=2,
        zone="airport",
        track=1,
        tracks=(1,),
        level="imminent",
        previous_level=previous,
        state="updated",
        acknowledged=None,
        probability=0.9,
        time_to_entry_s=None,
        entry=None,
        closest_distance_m=0.0,
        closest_time_s=0.0,
        track_status="confirmed",
        suppressed_until_ns=None,
        position=place,
        velocity_mps=(0.0, 0.0, 0.0),
        sensors=(),
        reason="it heads for the zone",
    )
    assert alert_topics(step) == topics
