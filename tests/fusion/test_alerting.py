"""The alert's life: raised when confirmed, higher at once, lower after a hold, and cleared with a reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fusion.airspace.airspace import Airspace
from fusion.airspace.volumes import destination
from fusion.alerting.alerting import AlertMachine
from fusion.alerting.judging import limit
from fusion.alerting.states import CLEARED, LOST, OPEN, PENDING, QUIET, RANK, STEPS, Evidence, State
from fusion.alerting.watches import LOWER_NS, Assessment, Watch, step
from fusion.config import AlertsConfig, TrackerConfig, ZoneConfig
from fusion.geodesy import Plane
from fusion.tracking.motion import Motions
from fusion.types import COASTING, CONFIRMED, SECOND_NS, TENTATIVE, Outlook, Place

PLANE = Plane(Place(47.5, 19.0, 0.0))
MOTIONS = Motions.of(TrackerConfig(motions=("cruise",), agility_mps2=1.0, initial_climb_mps=0.5))
START_NS = 1_700_000_000 * SECOND_NS


def airport(away_m: float = 4000.0, **more: object) -> ZoneConfig:
    """A circle of 1 km, so far to the east of the origin."""
    lat, lon = destination(47.5, 19.0, np.array([90.0]), away_m)
    return ZoneConfig(
        **{"id": "airport", "name": "Airport", "floor_m": 0.0, "ceiling_m": 900.0, **more},  # type: ignore[arg-type]
        circle=(float(lon[0]), float(lat[0]), 1000.0),
    )


def look(
    time_s: float,
    objects: Sequence[tuple[int, float, float]],
    *,
    status: int = CONFIRMED,
    updated_s: float | None = None,
    existence: float = 0.99,
    identity: str | None = None,
    north_m: float = 0.0,
) -> Outlook:
    """Objects (id, metres east, m/s eastward), 120 m high, seen at `updated_s`: now, unless it says so."""
    n, modes = len(objects), len(MOTIONS.names)
    mean = np.zeros((n, modes, 6))
    for i, (_, east, speed) in enumerate(objects):
        foot = PLANE.to_local(*PLANE.to_geodetic(np.array([east, north_m, 0.0]))[:2], 120.0)
        mean[i, :, :3], mean[i, :, 3] = foot, speed
    time_ns = START_NS + round(time_s * SECOND_NS)
    updated_ns = time_ns if updated_s is None else START_NS + round(updated_s * SECOND_NS)
    return Outlook(
        time_ns=time_ns,
        motions=MOTIONS.names,
        id=np.array([each[0] for each in objects], dtype=np.int64),
        status=np.full(n, status, dtype=np.int64),
        existence=np.full(n, existence),
        weight=np.full((n, modes), 1.0 / modes),
        mean=mean,
        covariance=np.tile(np.diag([9.0, 9.0, 9.0, 0.25, 0.25, 0.04]), (n, modes, 1, 1)),
        updated_ns=np.full(n, updated_ns, dtype=np.int64),
        created_ns=np.full(n, START_NS, dtype=np.int64),
        hits=np.full(n, 9, dtype=np.int64),
        sensors=(("north", "camera"),) * n,
        identity=(identity,) * n,
    )


def machine(*zones: ZoneConfig) -> AlertMachine:
    return AlertMachine(Airspace(zones or [airport()], PLANE), MOTIONS, PLANE, AlertsConfig(clear_part=0.6, hold_s=5.0))


def flight(
    speed: float, begin_m: float, seconds: int, each: AlertMachine, **more: object
) -> Iterator[tuple[int, list[Assessment]]]:
    """Evaluations of one object that flies east."""
    for second in range(seconds):
        objects = [(7, begin_m + speed * second, speed)]
        yield second, each.evaluate(look(second, objects, **more))  # type: ignore[arg-type]


def test_an_approach_is_predicted_then_imminent_then_infringing_then_cleared() -> None:
    levels: list[tuple[int, str]] = []
    cleared = []
    for second, said in flight(20.0, 0.0, 290, machine()):
        assert len(said) <= 1
        for each in said:
            if not levels or levels[-1][1] != each.level:
                levels.append((second, each.level))
            if each.cleared:
                cleared.append((second, each.reason))
    assert [level for _, level in levels] == ["predicted", "imminent", "infringing", "predicted"]
    assert levels[0][0] == 1, "confirmed by the second of two evaluations with new detections"
    assert levels[1][0] == pytest.approx(90, abs=3), "60 s before the edge, 3 km away"
    assert levels[2][0] == pytest.approx(150, abs=1)
    assert len(cleared) == 1
    assert 250 + 5 <= cleared[0][0] <= 250 + 16, "the edge, a hold as infringing, a hold while clearing"
    assert "has left Airport (floor 0 m, ceiling 900 m)" in cleared[0][1]


def test_a_reason_carries_the_numbers_that_decided() -> None:
    each = machine()
    list(flight(20.0, 0.0, 5, each))
    (said,) = each.evaluate(look(5.4, [(7, 100.0, 20.0)], updated_s=5.0))
    assert said.reason.startswith(
        "Track 7 is heading for Airport (floor 0 m, ceiling 900 m): probability 0.99 (existence 0.99) of entering "
        "within 180 s, most likely in 14"
    )
    assert said.reason.endswith(
        "now 2.9 km away at 20 m/s, 120 m high; seen by north, camera 0.4 s ago; heading there since 22:13:20 "
        "UTC (5 s), on a steady course."
    )
    assert said.probability == pytest.approx(0.99, abs=0.02)
    assert said.time_to_entry_s is not None
    assert said.time_to_entry_s[1] == pytest.approx(145.0, abs=4.0)
    assert said.closest_distance_m < 30.0
    assert said.position.alt_m == pytest.approx(120.0, abs=0.1)
    assert said.velocity_mps == pytest.approx((20.0, 0.0, 0.0), abs=0.01)


def test_evaluations_without_new_detections_confirm_nothing() -> None:
    each = machine()
    for second in range(10):
        assert each.evaluate(look(second, [(7, 20.0 * second, 20.0)], updated_s=0.0)) == []
    assert each.evaluate(look(10, [(7, 200.0, 20.0)]))


@pytest.mark.parametrize(("begin_m", "level"), [(2200.0, "imminent"), (4000.0, "infringing")])
def test_what_is_near_or_inside_is_raised_at_once(begin_m: float, level: str) -> None:
    (said,) = machine().evaluate(look(0, [(7, begin_m, 20.0)], updated_s=-1.0))
    assert said.level == level
    assert (said.probability == 1.0) == (level == "infringing")


@pytest.mark.parametrize(
    ("more", "raises"),
    [
        ({"status": TENTATIVE}, False),
        ({"status": COASTING}, True),
        ({"identity": "POLICE1"}, False),
        ({"identity": "other"}, True),
        ({"existence": 0.3}, False),
    ],
)
def test_only_confirmed_and_coasting_tracks_that_may_not_enter_raise(more: dict[str, object], raises: bool) -> None:
    each = machine(airport(ignore=("POLICE1",)))
    assert any(said for _, said in flight(20.0, 1000.0, 5, each, **more)) == raises


def test_above_the_ceiling_and_its_margin_nothing_is_raised() -> None:
    low, high = machine(airport(ceiling_m=10.0)), machine(airport(ceiling_m=10.0, margin_vertical_m=150.0))
    assert low.evaluate(look(0, [(7, 4000.0, 1.0)])) == []
    assert high.evaluate(look(0, [(7, 4000.0, 1.0)]))


def test_what_flies_past_or_away_raises_nothing() -> None:
    assert not any(said for _, said in flight(20.0, 0.0, 60, machine(), north_m=1800.0))
    assert not any(said for _, said in flight(-20.0, 2500.0, 60, machine()))


def test_far_tracks_are_not_even_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fusion.prediction.paths.fan", None)
    assert machine().evaluate(look(0, [(i, -50_000.0 - i, 20.0) for i in range(50)])) == []


def test_an_alert_whose_track_is_lost_inside_stays_open_for_a_minute() -> None:
    each = machine()
    each.evaluate(look(0, [(7, 4000.0, 5.0)]))
    for second in range(1, 61):
        (said,) = each.evaluate(look(second, []))
        assert (said.track_status, said.level, said.cleared) == ("lost inside", "infringing", False)
        assert said.probability == 1.0
    (said,) = each.evaluate(look(61, []))
    assert said.cleared
    assert "lost inside Airport (floor 0 m, ceiling 900 m) and has not been seen for 61 s" in said.reason
    assert each.evaluate(look(62, [])) == []
    assert not each.watches


def test_an_alert_whose_track_ends_outside_waits_for_another_then_clears_and_says_where() -> None:
    each = machine()
    list(flight(20.0, 0.0, 3, each))
    where = "Track 7 ended 3.0 km away from Airport (floor 0 m, ceiling 900 m): seen by north, camera"
    for second in range(3, 18):
        (said,) = each.evaluate(look(second, []))
        assert (said.cleared, said.track_status) == (False, "ended")
        assert said.reason == f"{where} {second - 2}.0 s ago; waiting 15 s for another track of the same object."
    (said,) = each.evaluate(look(18, []))
    assert (said.cleared, said.track_status) == (True, "ended")
    assert said.reason == f"{where} 16.0 s ago."
    assert each.evaluate(look(19, [])) == []


def test_a_track_that_left_before_it_ended_is_not_lost_inside() -> None:
    each = machine()
    each.evaluate(look(0, [(7, 4990.0, 40.0)]))
    (said,) = each.evaluate(look(1, [(7, 5200.0, 40.0)]))
    assert (said.level, said.cleared) == ("infringing", False)
    (said,) = each.evaluate(look(2, []))
    assert said.track_status == "ended"


def test_a_zone_that_is_switched_off_clears_its_alerts_and_raises_none() -> None:
    each = machine()
    list(flight(20.0, 0.0, 3, each))
    each.airspace.set_active("airport", False)
    (said,) = each.evaluate(look(3, [(7, 60.0, 20.0)]))
    assert said.cleared
    assert "is not active" in said.reason
    assert not any(said for _, said in flight(20.0, 4000.0, 3, each))


def test_a_zone_is_predicted_only_for_the_time_when_it_will_be_active() -> None:
    def opens(second: int) -> ZoneConfig:
        return airport(active=((START_NS + second * SECOND_NS, START_NS + 9999 * SECOND_NS),))

    late, soon = machine(opens(400)), machine(opens(170))
    assert not any(said for _, said in flight(20.0, 0.0, 20, late)), "it is through before the zone is active"
    said = [said for _, said in flight(20.0, 0.0, 20, soon)][-1][0]
    assert said.level == "predicted"
    assert said.time_to_entry_s == pytest.approx((151.0, 151.0, 151.0), abs=0.5), "inside when the zone becomes active"
    assert machine(opens(10)).evaluate(look(0, [(7, 4000.0, 0.5)]))[0].level == "imminent", "inside, but not active yet"


def test_an_identity_learned_later_that_may_enter_clears() -> None:
    each = machine(airport(ignore=("POLICE1",)))
    list(flight(20.0, 0.0, 3, each))
    (said,) = each.evaluate(look(3, [(7, 60.0, 20.0)], identity="POLICE1"))
    assert said.cleared
    assert said.reason == "Track 7 is POLICE1, which may enter Airport (floor 0 m, ceiling 900 m)."


def test_between_the_thresholds_an_open_alert_stays_and_none_is_raised() -> None:
    zone = airport()
    assert limit(Watch(), zone, 0.6) == 0.5
    assert limit(Watch(state=PENDING), zone, 0.6) == 0.5
    for state in OPEN:
        assert limit(Watch(state=state), zone, 0.6) == pytest.approx(0.3)
    each = machine()
    list(flight(20.0, 0.0, 3, each))
    for second in range(3, 30):
        said = each.evaluate(look(second, [(7, 20.0 * second, 20.0)], existence=0.4))
        assert [part.cleared for part in said] == [False]
    assert not any(said for _, said in flight(20.0, 0.0, 10, machine(), existence=0.4))


def test_an_open_alert_of_a_track_that_turns_away_clears_after_the_hold() -> None:
    each = machine()
    list(flight(20.0, 0.0, 10, each))
    last = [each.evaluate(look(second, [(7, 200.0, -20.0)])) for second in range(10, 18)]
    assert [[part.cleared for part in said] for said in last[:6]] == [[False]] * 5 + [[True]]
    assert "is no longer heading for" in last[5][0].reason
    assert last[6:] == [[], []]


def test_two_zones_and_two_tracks_are_watched_apart() -> None:
    each = machine(airport(), dataclasses.replace(airport(6000.0), id="other"))
    said = each.evaluate(look(0, [(9, 4000.0, 1.0), (7, 5900.0, 1.0)]))
    assert [(part.track, part.zone) for part in said] == [(7, "other"), (9, "airport")]


def test_a_copy_goes_its_own_way_and_says_the_same_on_the_same_input() -> None:
    each = machine()
    list(flight(20.0, 0.0, 5, each))
    twin, kept = each.copy(), dict(each.watches)
    first = [twin.evaluate(look(second, [(7, 100.0, -20.0)])) for second in range(5, 15)]
    assert each.watches == kept
    second = [each.evaluate(look(second, [(7, 100.0, -20.0)])) for second in range(5, 15)]
    assert first == second


WORDS = st.sampled_from(sorted(Evidence, key=lambda each: each.value))


@given(st.lists(st.tuples(st.integers(0, 3), WORDS), max_size=60))
def test_no_evidence_leads_out_of_the_table(words: list[tuple[int, Evidence]]) -> None:
    """Whatever the evidence: higher levels are taken at once, lower ones after a hold, and nothing is raised from
    clearing twice."""
    watch, time_ns = Watch(), START_NS
    for seconds, evidence in words:
        if (watch.state, evidence) not in STEPS:
            continue
        time_ns += seconds * SECOND_NS
        after = step(watch, evidence, time_ns)
        if watch.state is CLEARED:
            raise AssertionError("something follows the end")
        wished = STEPS[watch.state, evidence]
        if watch.state in OPEN:
            assert after.state in OPEN or after.state is CLEARED
            if wished in RANK and RANK[wished] >= RANK[watch.level]:
                assert after.state is wished
            if RANK[after.level] < RANK[watch.level]:
                assert time_ns - watch.backed_ns >= LOWER_NS
        else:
            assert after.state is wished
        if after.state in RANK:
            assert after.level is after.state
        watch = after
        if watch.state is CLEARED:
            break


def test_every_state_has_a_way_to_quiet_and_cleared_has_none_on() -> None:
    ways: dict[State, set[State]] = {state: {STEPS[key] for key in STEPS if key[0] is state} for state in State}
    assert ways[CLEARED] == set()
    assert all(CLEARED in ways[state] for state in OPEN)
    assert QUIET in ways[PENDING]
    assert LOST not in ways[QUIET]
    for state in OPEN:
        assert {key[1] for key in STEPS if key[0] is state} >= {
            Evidence.UNLIKELY, Evidence.LIKELY, Evidence.NEAR, Evidence.INSIDE, Evidence.BARRED,
        }  # fmt: skip


@settings(max_examples=25)
@given(st.data())
def test_whatever_tracks_do_the_machine_never_breaks_and_its_copy_agrees(data: st.DataObject) -> None:
    each = machine(
        airport(), dataclasses.replace(airport(2500.0), id="scheduled", active=((0, START_NS + 8 * SECOND_NS),))
    )
    time_s = 0.0
    for _ in range(data.draw(st.integers(1, 12))):
        time_s += data.draw(st.sampled_from([1.0, 1.0, 7.0]))
        objects = [
            (
                track,
                data.draw(st.sampled_from([0.0, 2500.0, 3900.0, 5100.0])),
                data.draw(st.sampled_from([-20.0, 0.0, 20.0])),
            )
            for track in (1, 2)
            if data.draw(st.booleans())
        ]
        seen = look(
            time_s,
            objects,
            status=data.draw(st.sampled_from([TENTATIVE, CONFIRMED, COASTING])),
            existence=data.draw(st.sampled_from([0.3, 0.99])),
        )
        twin = each.copy()
        before = each.watches
        said = each.evaluate(seen)
        assert said == twin.evaluate(seen)
        pairs = [(part.track, part.zone) for part in said]
        assert pairs == sorted(set(pairs))
        for part in said:
            assert 0.0 <= part.probability <= 1.0
            assert part.reason.endswith(".")
            was_open = (part.track, part.zone) in before and before[part.track, part.zone].state in OPEN
            assert was_open or not part.cleared
            if part.time_to_entry_s is not None:
                assert list(part.time_to_entry_s) == sorted(part.time_to_entry_s)
        assert {pair for pair, watch in each.watches.items() if watch.state in OPEN} == {
            (part.track, part.zone) for part in said if not part.cleared
        }
