"""What is published: one alert for a track and zone at a time, its steps in order, never unsaid, never too often."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fusion.airspace.airspace import Airspace
from fusion.alerting.alert_steps import CROCKFORD, alert_id
from fusion.alerting.episodes import Ledger
from fusion.alerting.watches import Assessment
from fusion.config import ZoneConfig
from fusion.errors import MessageRejected
from fusion.geodesy import Plane
from fusion.types import SECOND_NS, AlertStep, Place

ZONES = [ZoneConfig(name, 0.0, 900.0, circle=(19.0, 47.5, 1000.0)) for name in ("airport", "border")]
AIRSPACE = Airspace(ZONES, Plane(Place(47.5, 19.0, 0.0)))
START_NS = 1_700_000_000 * SECOND_NS
HEADING = Assessment(
    zone="airport", track=7, tracks=(7,), level="predicted", cleared=False, probability=0.8,
    time_to_entry_s=(50.0, 70.0, 90.0), entry=Place(47.5, 19.0, 120.0), closest_distance_m=10.0, closest_time_s=70.0,
    track_status="confirmed", position=Place(47.5, 18.9, 120.0), velocity_mps=(15.0, 0.0, 0.0), sensors=("north",),
    reason="Because.",
)  # fmt: skip


def at(second: float) -> int:
    return START_NS + round(second * SECOND_NS)


def approaching(second: float, **changes: object) -> Assessment:
    """`HEADING` with its countdown as it must be after so many seconds."""
    time = tuple(part - second for part in (50.0, 70.0, 90.0))
    return replace(HEADING, time_to_entry_s=time, **changes)  # type: ignore[arg-type]


def opened() -> Ledger:
    ledger = Ledger(AIRSPACE)
    assert [step.state for step in ledger.reconcile(at(0), [HEADING])] == ["raised"]
    return ledger


def test_an_episode_is_raised_updated_and_cleared_under_one_id() -> None:
    ledger = Ledger(AIRSPACE)
    steps = ledger.reconcile(at(0), [HEADING])
    steps += ledger.reconcile(at(1), [approaching(1, level="imminent")])
    steps += ledger.reconcile(at(2), [approaching(2, level="imminent", cleared=True, reason="Gone.")])
    assert [(each.step, each.state, each.level, each.previous_level) for each in steps] == [
        (1, "raised", "predicted", None),
        (2, "updated", "imminent", "predicted"),
        (3, "cleared", "imminent", None),
    ]
    assert len({each.alert for each in steps}) == 1
    assert steps[2].reason == "Gone."
    assert steps[0].tracks == (7,)
    assert ledger.open() == []


def test_an_alert_that_goes_as_expected_is_updated_every_five_seconds() -> None:
    ledger = opened()
    spoke = [second for second in range(1, 21) if ledger.reconcile(at(second), [approaching(second)])]
    assert spoke == [5, 10, 15, 20]


@pytest.mark.parametrize(
    ("changes", "speaks"),
    [
        ({"probability": 0.69}, True),
        ({"probability": 0.75}, False),
        ({"track_status": "coasting"}, True),
        ({"time_to_entry_s": (50.0, 69.0 + 15.0, 90.0)}, True),
        ({"time_to_entry_s": (50.0, 69.0 - 13.0, 90.0)}, False),
        ({"time_to_entry_s": None}, True),
        ({"level": "infringing"}, True),
        ({"reason": "Other words."}, False),
    ],
)
def test_what_matters_is_said_within_a_second(changes: dict[str, object], speaks: bool) -> None:
    assert bool(opened().reconcile(at(1), [replace(approaching(1), **changes)])) == speaks  # type: ignore[arg-type]


def test_a_second_update_within_a_second_waits_but_a_change_of_level_does_not() -> None:
    ledger = opened()
    assert ledger.reconcile(at(0.5), [approaching(0.5, probability=0.5)]) == []
    assert ledger.reconcile(at(0.6), [approaching(0.6, level="imminent")])


def test_what_history_no_longer_supports_is_cleared_with_that_reason() -> None:
    ledger = opened()
    (step,) = ledger.reconcile(at(0), [])
    assert (step.state, step.level, step.step) == ("cleared", "predicted", 2)
    assert "came late" in step.reason
    (again,) = ledger.reconcile(at(0), [HEADING])
    assert again.state == "raised"
    assert again.alert != step.alert, "another episode, though raised at the same instant"


def test_history_rewritten_before_what_was_said_says_nothing() -> None:
    ledger = opened()
    assert ledger.reconcile(at(-1), []) == []
    assert len(ledger.open()) == 1


def test_an_acknowledgement_silences_all_but_levels_and_the_end() -> None:
    ledger = opened()
    alert = ledger.open()[0].alert
    step = ledger.acknowledge(alert, "Ann", "on it", at(0.4))
    assert step.acknowledged == {"who": "Ann", "time_ns": at(0.4), "note": "on it"}
    assert (step.state, step.step) == ("updated", 2)
    for second in range(1, 30):
        assert ledger.reconcile(at(second), [approaching(second, probability=0.3 + 0.02 * second)]) == []
    (raised,) = ledger.reconcile(at(30), [approaching(30, level="imminent")])
    (cleared,) = ledger.reconcile(at(31), [approaching(31, level="imminent", cleared=True)])
    assert raised.acknowledged == cleared.acknowledged == step.acknowledged
    assert (raised.step, cleared.step) == (3, 4)
    (fresh,) = ledger.reconcile(at(32), [HEADING])
    assert fresh.acknowledged is None
    with pytest.raises(MessageRejected, match=f"{alert} is not open; allowed are {fresh.alert}"):
        ledger.acknowledge(alert, "Ann", "", at(33))


@pytest.mark.parametrize("by", ["track", "zone"])
def test_a_suppressed_alert_says_that_it_begins_infringes_and_ends(by: str) -> None:
    ledger = Ledger(AIRSPACE)
    key: dict[str, object] = {by: 7 if by == "track" else "airport"}
    assert ledger.suppress(**key, until_ns=at(100), who="Ann", note="works", time_ns=at(0)) == []  # type: ignore[arg-type]
    listed = {**key, "until_ns": at(100), "who": "Ann", "note": "works", "time_ns": at(0)}
    assert ledger.suppressed(at(1)) == [listed]
    (raised,) = ledger.reconcile(at(1), [HEADING])
    assert raised.suppressed_until_ns == at(100)
    said = [
        step
        for second in range(2, 40)
        for step in ledger.reconcile(at(second), [approaching(second, level="imminent")])
    ]
    assert said == []
    (inside,) = ledger.reconcile(at(40), [approaching(40, level="infringing")])
    assert inside.previous_level == "predicted", "the level that was published before"
    (cleared,) = ledger.reconcile(at(41), [approaching(41, level="infringing", cleared=True)])
    assert (cleared.state, cleared.step) == ("cleared", 3)
    assert ledger.suppressed(at(100)) == []


def test_a_suppression_that_ends_lets_the_alert_speak_again() -> None:
    ledger = opened()
    (step,) = ledger.suppress(track=7, until_ns=at(20), who="Ann", note="", time_ns=at(0))
    assert (step.suppressed_until_ns, step.state) == (at(20), "updated")
    spoke = [second for second in range(1, 25) if ledger.reconcile(at(second), [approaching(second)])]
    assert spoke == [20]
    assert ledger.open()[0].suppressed_until_ns is None
    ledger.suppress(zone="airport", until_ns=at(500), who="Ann", note="", time_ns=at(25))
    (lifted,) = ledger.suppress(zone="airport", until_ns=at(0), who="Ann", note="", time_ns=at(26))
    assert lifted.suppressed_until_ns is None
    assert ledger.suppressed(at(26)) == []


def test_a_suppression_of_nothing_or_of_too_much_is_rejected() -> None:
    ledger = Ledger(AIRSPACE)
    with pytest.raises(MessageRejected, match="allowed is one of the two"):
        ledger.suppress(until_ns=at(1), who="", note="", time_ns=at(0))
    with pytest.raises(MessageRejected, match="zone nowhere is not configured; allowed are airport, border"):
        ledger.suppress(zone="nowhere", until_ns=at(1), who="", note="", time_ns=at(0))


def test_ids_are_ulids_of_the_time_and_differ_between_pairs() -> None:
    import ulid

    found = alert_id(7, "airport", at(0))
    assert found == alert_id(7, "airport", at(0))
    assert ulid.ULID.from_str(found).milliseconds == at(0) // 1_000_000
    assert (
        len({found, alert_id(8, "airport", at(0)), alert_id(7, "border", at(0)), alert_id(7, "airport", at(0), 1)}) == 4
    )
    assert found < alert_id(7, "airport", at(0.001))
    assert set(found) <= set(CROCKFORD)


ASSESSMENTS = st.builds(
    lambda track, **more: replace(HEADING, track=track, tracks=(track,), **more),
    track=st.integers(1, 2),
    zone=st.sampled_from(["airport", "border"]),
    level=st.sampled_from(["predicted", "imminent", "infringing"]),
    cleared=st.booleans(),
    probability=st.floats(0.0, 1.0),
    time_to_entry_s=st.one_of(st.none(), st.tuples(*[st.floats(0.0, 180.0)] * 3)),
)
INSTANTS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.4, 1.0, 1.0, 6.0, -3.0]), st.lists(ASSESSMENTS, max_size=4)), max_size=25
)


@given(INSTANTS)
def test_whatever_is_wished_for_every_episode_is_well_formed(instants: list[tuple[float, list[Assessment]]]) -> None:
    ledger, twin, second = Ledger(AIRSPACE), Ledger(AIRSPACE), 0.0
    steps: list[AlertStep] = []
    for pause, wished in instants:
        second += pause
        unique = list({(each.track, each.zone): each for each in wished}.values())
        made = ledger.reconcile(at(second), unique)
        assert made == twin.reconcile(at(second), unique[::-1]), "the order of what is wished does not matter"
        steps += made
    assert [each.time_ns for each in steps] == sorted(each.time_ns for each in steps)
    episodes: dict[str, list[AlertStep]] = {}
    for each in steps:
        episodes.setdefault(each.alert, []).append(each)
    open_now: dict[tuple[int, str], str] = {}
    for each in steps:
        pair = each.track, each.zone
        assert open_now.setdefault(pair, each.alert) == each.alert, "two open alerts of one track and zone"
        if each.state == "cleared":
            del open_now[pair]
    for episode in episodes.values():
        assert [each.step for each in episode] == list(range(1, len(episode) + 1))
        assert [each.state for each in episode[:-1]] == ["raised", *["updated"] * (len(episode) - 2)][
            : len(episode) - 1
        ]
        assert episode[-1].state in (("raised",) if len(episode) == 1 else ("updated", "cleared"))
        assert len({(each.track, each.zone) for each in episode}) == 1
        for before, after in itertools.pairwise(episode):
            changed = after.level != before.level
            assert after.previous_level == (before.level if changed else None)
            assert not (changed and after.state == "cleared"), "a clear keeps the last level"
            if after.state == "updated" and not changed:
                assert after.time_ns - before.time_ns >= SECOND_NS
    assert {each.alert for each in ledger.open()} == set(open_now.values())
