"""What a replay answers to subscribers that join: the state after all that it has published, as a service would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters.wire import decode, encode
from replay.playing.shown import STEPS, TOPICS, Shown
from replay.recordings.files import open_reader
from skypicket.cli import main

S = 1_000_000_000
START_NS = 1_700_000_000 * S
SITE = Path(__file__).parents[2] / "adapters/simulated/scenarios/airport-drones/site.toml"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, dict[str, Any]]]:
    """What the tracker says of two minutes of the airport: pictures, zones, and alerts of which one clears."""
    folder = tmp_path_factory.mktemp("told")
    found, out = folder / "in.mcap", folder / "out.mcap"
    assert main(["simulate", "airport-drones", "--duration", "120", "--out", str(found)]) == 0
    assert main(["track", str(found), "--config", str(SITE), "--out", str(out)]) == 0
    with open_reader(out) as reader:
        return [(record.topic, dict(record.message)) for record in reader]


def played(messages: list[tuple[str, dict[str, Any]]]) -> Shown:
    shown = Shown()
    for topic, message in messages:
        shown.take(topic, encode(message))
    return shown


def test_a_snapshot_is_the_state_after_each_message(told):
    """The oracle goes over all messages so far anew: last of each topic, steps neither cleared nor followed."""
    assert len({message["zone"] for topic, message in told if topic.startswith("alert")}) > 1
    for end in range(1, len(told) + 1, 7):
        messages = [(topic, decode(encode(message))) for topic, message in told[:end]]
        latest = dict(messages)
        steps = [message for topic, message in messages if topic.startswith("alert.")]
        found = played(told[:end]).snapshot()
        assert found["last"] == {topic: message["seq"] for topic, message in latest.items()}
        assert found["tracks"] == latest.get("tracks")
        assert found["zones"] == latest.get("zones")
        assert found["status"] is None
        assert found["number"] == max((step["number"] for step in steps), default=0)
        last = {step["alert"]: step for step in steps}
        still = [step for step in last.values() if step["state"] != "cleared"]
        assert found["alerts"] == sorted(still, key=lambda step: step["number"])


def test_steps_are_told_from_a_number_on(told):
    """In order and once, though a step that changes the level goes out on two topics."""
    published = [decode(encode(message)) for topic, message in told if topic.startswith("alert.")]
    steps = list({step["number"]: step for step in reversed(published)}.values())[::-1]
    assert len(steps) < len(published)
    shown = played(told)
    assert shown.alerts(since=0, limit=10_000) == steps
    assert shown.alerts(since=steps[4]["number"], limit=3) == steps[5:8]
    assert shown.alerts(since=steps[-1]["number"], limit=3) == []


def test_in_a_new_run_no_alert_of_the_former_is_open_and_its_steps_can_still_be_had(told):
    steps = [message["number"] for topic, message in told if topic.startswith("alert.")]
    again = [(topic, {**message, "epoch": "second"}) for topic, message in told]
    for _, message in again:
        if "number" in message:
            message["number"] += max(steps)
    first = next(i for i, (topic, _) in enumerate(told) if topic.startswith("alert."))
    shown = played(told + again[:first])
    found = shown.snapshot()
    assert (found["epoch"], found["number"], found["alerts"]) == ("second", max(steps), [])
    shown.take(again[first][0], encode(again[first][1]))
    assert [step["epoch"] for step in shown.snapshot()["alerts"]] == ["second"]
    assert [step["number"] for step in shown.alerts(since=max(steps) - 1, limit=9)] == [max(steps), max(steps) + 1]


def test_frames_and_truth_are_no_service(told):
    shown = Shown()
    head = {"v": 1, "source": "sim", "seq": 0, "epoch": "e", "time_ns": START_NS, "columns": {}}
    shown.take("frame.north", encode({**head, "type": "frame", "sensor": "north"}))
    shown.take("truth", encode({**head, "type": "truth"}))
    found = shown.snapshot()
    assert (found["epoch"], found["last"], found["tracks"], found["alerts"]) == ("nothing-yet", {}, None, [])


def test_what_is_no_alert_is_kept_as_published_and_not_as_open():
    head = {"v": 1, "type": "alert", "source": "a", "seq": 0, "epoch": "e", "time_ns": START_NS}
    shown = Shown()
    shown.take("alert.z.imminent", encode({**head, "zone": "z", "level": "imminent"}))
    found = shown.snapshot()
    assert (found["alerts"], found["last"]) == ([], {"alert.z.imminent": 0})


def test_it_stays_of_bounded_size(told):
    topic, step = next((topic, message) for topic, message in told if topic.startswith("alert."))
    shown = Shown()
    for number in range(1, STEPS + 50):
        shown.take(f"{topic}{number}", encode({**step, "number": number, "alert": f"a{number}", "state": "cleared"}))
    assert len(shown.snapshot()["last"]) == TOPICS
    kept = shown.alerts(since=0, limit=STEPS)
    assert kept[0]["number"] == 50
