"""Alerts against truth on cases worked by hand.

The object flies north at 50 m/s along a meridian; the zone's southern edge is a parallel, so that it crosses the edge
when it has flown the metres that the case says, whatever the map.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.wire import alert_message
from fusion.airspace.schedule import DailyWindow
from fusion.airspace.volumes import radii_at
from fusion.config import SensorConfig, ServiceConfig, SiteConfig, ZoneConfig
from fusion.errors import ConfigError
from fusion.geodesy import Plane
from fusion.types import SECOND_NS, AlertStep, Coverage, Frame, Place, Pose
from replay.alerts.calibration import Forecasts, calibration
from replay.alerts.judge import PlainForecast, Verdict, judge, judge_forecasts
from replay.alerts.model import AlertOptions, Ownership, Step, core_steps, recorded_steps
from replay.alerts.report import alert_tables
from replay.alerts.score import AlertScore, pool
from replay.alerts.sights import Sights
from replay.alerts.trackable import trackable
from replay.scoring.truths import ObjectRows
from replay.scoring.volumes import ZoneReport, with_activity

START_NS = 1_700_000_000 * SECOND_NS
LAT, LON = 47.5, 19.0
EAST_M, NORTH_M = radii_at(LAT)
DEGREE_M = NORTH_M * math.pi / 180.0
SPEED_MPS = 50.0
DEEP_M = 5000.0  # from the zone's southern edge to its northern one
CLOSE = 0.01  # s: a crossing is found to 1 ms, a metre of the map is true to 1e-4


def at(seconds: float) -> int:
    return START_NS + round(seconds * SECOND_NS)


def zone(name: str = "z", **more: Any) -> ZoneConfig:
    """0 to 1000 m high, its southern edge at LAT, 5000 m deep, some 15 km wide; look-ahead 180 s."""
    north = LAT + DEEP_M / DEGREE_M
    ring = ((18.9, LAT), (19.1, LAT), (19.1, north), (18.9, north), (18.9, LAT))
    return ZoneConfig(id=name, floor_m=0.0, ceiling_m=1000.0, polygons=((ring,),), **more)


def path(points: Sequence[tuple[float, float]], name: str = "a", alt_m: float = 500.0) -> ObjectRows:
    """An object that goes straight between (seconds, metres north of the edge): a row each second."""
    seconds = np.arange(points[0][0], points[-1][0] + 1.0)
    north = np.interp(seconds, [t for t, _ in points], [m for _, m in points])
    values = np.zeros((len(seconds), 6))
    values[:, 0], values[:, 1], values[:, 2] = LAT + north / DEGREE_M, LON, alt_m
    return ObjectRows(name, START_NS + seconds.astype(np.int64) * SECOND_NS, values, np.zeros(len(seconds), bool))


def straight(enters_s: float = 300.0, until_s: float = 900.0, name: str = "a") -> ObjectRows:
    """North at 50 m/s, over the southern edge after `enters_s`, over the northern one 100 s later."""
    return path([(0.0, -SPEED_MPS * enters_s), (until_s, SPEED_MPS * (until_s - enters_s))], name)


def step(seconds: float, state: str, alert: str = "A", track: int = 1, level: str = "predicted", **more: Any) -> Step:
    more = {"probability": 0.8} | more
    return Step(at(seconds), alert, "z", track, level, state, **more)


def alert(raised_s: float, cleared_s: float | None, name: str = "A", track: int = 1, **more: Any) -> list[Step]:
    cleared = [] if cleared_s is None else [step(cleared_s, "cleared", name, track, **more)]
    return [step(raised_s, "raised", name, track, **more), *cleared]


def judged(
    rows: ObjectRows | list[ObjectRows], steps: Sequence[Step], only: ZoneConfig | None = None, **more: Any
) -> Verdict:
    objects = rows if isinstance(rows, list) else [rows]
    more = {"span_ns": (at(0), at(900))} | more
    return judge(objects, [only or zone()], steps, **more)


def scored(
    rows: ObjectRows | list[ObjectRows], steps: Sequence[Step], only: ZoneConfig | None = None, **more: Any
) -> AlertScore:
    return pool([judged(rows, steps, only, **more)])


# Warnings


def test_warning_is_the_time_from_the_alert_to_the_entry() -> None:
    (entry,) = judged(straight(300), alert(220, 420)).entries
    assert (entry.zone, entry.object, entry.outcome, entry.alert) == ("z", "a", "before", "A")
    assert entry.time_ns == pytest.approx(at(300), abs=CLOSE * SECOND_NS)
    assert entry.left_ns == pytest.approx(at(400), abs=CLOSE * SECOND_NS)  # 5000 m at 50 m/s
    assert entry.warning_s == pytest.approx(80.0, abs=CLOSE)


@pytest.mark.parametrize(
    ("cleared_s", "again_s", "warning_s"),
    [
        (260, 264, 100.0),  # 4 s apart: bridged, cover from 200 on
        (260, 265, 100.0),  # 5 s: still
        (260, 266, 34.0),  # 6 s: broken, cover from 266 on
        (298, 301, 100.0),  # the gap holds the entry and is bridged
    ],
)
def test_gaps_of_cover_up_to_five_seconds_are_bridged(cleared_s: float, again_s: float, warning_s: float) -> None:
    steps = [*alert(200, cleared_s, "A"), *alert(again_s, 420, "B")]
    (entry,) = judged(straight(300), steps).entries
    assert (entry.outcome, entry.alert) == ("before", "A" if warning_s == 100.0 else "B")
    assert entry.warning_s == pytest.approx(warning_s, abs=CLOSE)


def test_an_alert_that_clears_just_before_the_entry_warned_of_nothing() -> None:
    # cleared 4 s before, raised again 3 s after: 7 s are no bridge, and the second alert is late
    (entry,) = judged(straight(300), [*alert(200, 296, "A"), *alert(303, 420, "B")]).entries
    assert (entry.outcome, entry.alert, entry.warning_s) == ("late", "B", 0.0)
    assert entry.late_s == pytest.approx(3.0, abs=CLOSE)
    (entry,) = judged(straight(300), alert(200, 296)).entries
    assert (entry.outcome, entry.alert) == ("missed", None)


@pytest.mark.parametrize(
    ("raised_s", "outcome", "late_s"),
    [(310, "late", 10.0), (399, "late", 99.0), (401, "missed", None)],  # it is inside from 300 to 400
)
def test_a_late_alert_comes_while_the_object_is_inside(raised_s: float, outcome: str, late_s: float | None) -> None:
    (entry,) = judged(straight(300), alert(raised_s, 500)).entries
    assert (entry.outcome, entry.warning_s) == (outcome, 0.0)
    assert entry.late_s == (None if late_s is None else pytest.approx(late_s, abs=CLOSE))


def test_an_alert_follows_its_object_from_one_track_id_to_the_next() -> None:
    owner = Ownership(np.array([1, 2]), np.array([at(100), at(250)]), ["a", "a"])
    handed = [step(200, "raised", track=1), step(250, "updated", track=2, tracks=(1, 2)), step(420, "cleared", track=2)]
    verdict = judged(straight(300), handed, owner=owner)
    assert verdict.entries[0].warning_s == pytest.approx(100.0, abs=CLOSE)
    ((_, met),) = verdict.encounters
    assert (met.flaps, met.duplicates) == (0, 0)
    # as a new alert: cover goes on over the second between, but it is a clear and a raise again
    verdict = judged(straight(300), [*alert(200, 250, "A", 1), *alert(251, 420, "B", 2)], owner=owner)
    assert verdict.entries[0].warning_s == pytest.approx(100.0, abs=CLOSE)
    ((_, met),) = verdict.encounters
    assert (met.flaps, met.duplicates) == (1, 0)


def test_an_alert_of_another_objects_track_covers_nothing() -> None:
    rows = [straight(300), straight(600, name="b")]
    owner = Ownership(np.array([1, 2]), np.array([at(0), at(0)]), ["a", "b"])
    entries = judged(rows, alert(200, 420, track=2), owner=owner).entries
    assert [(entry.object, entry.outcome) for entry in entries] == [("a", "missed"), ("b", "missed")]


def test_an_entry_into_the_margin_alone_is_none_but_infringes() -> None:
    # to 100 m before the edge at 300 s, and back: inside the margin of 200 m from 298 to 302 s (2 s each way)
    rows = path([(0, -15_100.0), (300, -100.0), (600, -15_100.0)])
    steps = [
        step(200, "raised", time_to_entry_s=(90.0, 100.0, 110.0)),
        step(299.5, "updated", level="infringing", probability=1.0),
        step(320, "cleared", level="infringing"),
    ]
    verdict = judged(rows, steps, zone(margin_m=200.0))
    assert verdict.entries == ()
    (crossing,) = verdict.infringements
    assert crossing.time_ns == pytest.approx(at(298), abs=CLOSE * SECOND_NS)
    assert crossing.delay_s == pytest.approx(1.5, abs=CLOSE)
    assert [each.worth for each in verdict.episodes] == ["near"]
    # the message at 200 s came true, 98 s later; that at 299.5 s was sent while it was inside: no forecast
    assert verdict.forecasts.happened.tolist() == [True]
    assert verdict.times.error_s.tolist() == [pytest.approx(2.0, abs=CLOSE)]
    assert verdict.times.covered.tolist() == [True]


def test_an_object_inside_at_the_start_does_not_enter() -> None:
    verdict = judged(straight(-10), alert(5, 95, level="infringing", probability=1.0))
    assert (verdict.entries, verdict.infringements, len(verdict.forecasts)) == ((), (), 0)
    assert [each.worth for each in verdict.episodes] == ["near"]


def test_an_object_that_truth_finds_inside_after_a_gap_was_not_seen_to_enter() -> None:
    whole = straight(300)
    keep = (whole.times_ns < at(290)) | (whole.times_ns > at(301))  # 289 to 302: longer than the 10 s of --max-gap
    rows = ObjectRows("a", whole.times_ns[keep], whole.values[keep], whole.ignore[keep])
    assert judged(rows, []).entries == ()
    assert len(judged(rows, [], options=AlertOptions(max_gap_s=13.0)).entries) == 1


def test_two_entries_of_one_object_are_judged_each() -> None:
    # in at 300, turns 500 m inside, out at 320; 200 s later in again
    rows = path([(0, -15_000.0), (310, 500.0), (420, -5000.0), (530, 500.0), (900, 500.0)])
    verdict = judged(rows, [*alert(250, 330, "A"), *alert(490, None, "B")])
    assert [entry.alert for entry in verdict.entries] == ["A", "B"]
    assert [entry.warning_s for entry in verdict.entries] == [
        pytest.approx(50.0, abs=CLOSE),
        pytest.approx(30.0, abs=CLOSE),
    ]
    # they are 160 s apart, from the clear at 330 to the raise at 490: less than the look-ahead, so one encounter
    ((_, met),) = verdict.encounters
    assert (met.encounters, met.flaps) == (1, 1)
    ((_, met),) = judged(rows, [*alert(250, 330, "A"), *alert(490, None, "B")], zone(lookahead_s=100.0)).encounters
    assert (met.encounters, met.flaps) == (2, 0)


@pytest.mark.parametrize(("out_s", "entries"), [(4.0, 1), (6.0, 2)])
def test_a_step_out_of_the_zone_of_up_to_five_seconds_is_none(out_s: float, entries: int) -> None:
    # in at 300, turns back at 310, out at 320, turns again, and is in again out_s later: 50 m/s all the way
    half = out_s / 2.0
    rows = path([(0, -15_000.0), (310, 500.0), (320 + half, -SPEED_MPS * half), (330 + out_s, 500.0), (900, 500.0)])
    found = judged(rows, []).entries
    assert [entry.time_ns for entry in found] == [
        pytest.approx(at(seconds), abs=CLOSE * SECOND_NS) for seconds in (300, 320 + out_s)[:entries]
    ]


def test_a_zone_that_is_inactive_at_the_crossing_is_entered_when_it_becomes_active() -> None:
    rows = straight(300)  # inside from 300 to 400
    assert judged(rows, [], zone(active=((at(0), at(290)),))).entries == ()
    assert judged(rows, [], zone(active=((at(410), at(900)),))).entries == ()
    (entry,) = judged(rows, alert(280, 420), zone(active=((at(350), at(900)),))).entries
    assert entry.time_ns == pytest.approx(at(350), abs=CLOSE * SECOND_NS)
    assert entry.warning_s == pytest.approx(70.0, abs=CLOSE)
    clock_s = 22 * 3600 + 13 * 60 + 20  # of the start, in UTC: the daily window opens 350 s after it
    (entry,) = judged(rows, [], zone(daily=(DailyWindow(clock_s + 350, clock_s + 900),))).entries
    assert entry.time_ns == pytest.approx(at(350), abs=CLOSE * SECOND_NS)


def test_an_object_above_the_ceiling_or_on_the_other_side_of_the_earth_does_not_enter() -> None:
    rows = straight(300)
    high = path([(0, -15_000.0), (900, 30_000.0)], alt_m=1001.0)
    assert judged(high, []).entries == ()
    assert len(judged(high, [], zone(margin_vertical_m=2.0)).infringements) == 1
    rows.values[:, 0], rows.values[:, 1] = -rows.values[:, 0], rows.values[:, 1] - 180.0
    assert judged(rows, []).entries == ()


def test_shares_count_entries_whose_object_was_trackable_that_long_before() -> None:
    # warnings of 100, 40 and 0 s (missed); trackable 200, 50 and 130 s before: of 30 s all three could be warned, of 60
    # and of 120 s the first and the last
    rows = [straight(300, name="a"), straight(400, name="b"), straight(500, name="c"), straight(600, name="d")]
    owner = Ownership(np.array([1, 2, 3]), np.array([at(0)] * 3), ["a", "b", "c"])
    steps = [*alert(200, 450, "A", 1), *alert(360, 550, "B", 2)]
    found = scored(rows, steps, owner=owner, trackable_ns={"a": at(100), "b": at(350), "c": at(370)}).warnings
    assert (found.entries, found.before, found.late, found.missed, found.untrackable) == (4, 2, 0, 2, 1)
    assert [(share.warned, share.of) for share in found.shares] == [(2, 3), (1, 2), (0, 2)]
    assert found.shares[0].share == pytest.approx(2.0 / 3.0)
    # of 0, 40, 100: the median is 40, and 10 % lies a fifth of the way from 0 to 40
    assert found.median_s == pytest.approx(40.0, abs=CLOSE)
    assert found.p10_s == pytest.approx(8.0, abs=CLOSE)


def test_an_object_trackable_only_after_its_entry_counts_as_an_entry_and_not_as_a_warning() -> None:
    found = scored(straight(300), alert(310, 420), trackable_ns={"a": at(305)}).warnings
    assert (found.entries, found.late, found.untrackable, found.median_s) == (1, 1, 1, None)
    assert [share.share for share in found.shares] == [None, None, None]


# Nuisances, flaps, duplicates


@pytest.mark.parametrize(
    ("raised_s", "cleared_s", "lookahead_s", "worth"),
    [
        (100, 110, 60.0, "nuisance"),  # the entry at 300 comes 140 s after the look-ahead, and after the clear
        (100, 310, 60.0, "entry"),  # ... but before it cleared
        (200, 210, 180.0, "entry"),  # 100 s after the raise: within the look-ahead, however soon it cleared
        (100, 110, 200.5, "entry"),
        (600, 610, 60.0, "nuisance"),  # 10 km beyond
        (405, 500, 60.0, "near"),  # it left at 400: 250 m away
        (850, 860, 60.0, "undecided"),  # truth ends at 900, 10 s before the look-ahead does
        (830, None, 60.0, "nuisance"),  # still open at the end, and its look-ahead is over
        (850, None, 60.0, "undecided"),
    ],
)
def test_a_nuisance_has_no_entry_within_its_look_ahead_or_before_it_clears(
    raised_s: float, cleared_s: float | None, lookahead_s: float, worth: str
) -> None:
    verdict = judged(straight(300), alert(raised_s, cleared_s), zone(lookahead_s=lookahead_s))
    assert [each.worth for each in verdict.episodes] == [worth]


@pytest.mark.parametrize(("away_m", "worth"), [(499.0, "near"), (501.0, "nuisance")])
def test_an_object_within_the_stated_margin_makes_no_nuisance(away_m: float, worth: str) -> None:
    rows = path([(0, -15_000.0 - away_m), (300, -away_m), (600, -15_000.0 - away_m)])
    assert [each.worth for each in judged(rows, alert(200, 350)).episodes] == [worth]
    above = path([(0, -15_000.0), (900, 30_000.0)], alt_m=1000.0 + away_m - 350.0)  # 149 and 151 m over the ceiling
    assert [each.worth for each in judged(above, alert(200, 350)).episodes] == [worth]
    wide = judged(rows, alert(200, 350), zone(margin_m=600.0))  # the zone's own margin is wider: it counts
    assert [each.worth for each in wide.episodes] == ["near"]


def test_nuisances_are_counted_by_object_hour_and_false_tracks_are_among_them() -> None:
    # two objects for 900 s each are half an hour; one of four alerts has an entry, two are nuisances, one a ghost's
    rows = [straight(300), path([(0, -90_000.0), (900, -90_000.0)], "b")]
    owner = Ownership(np.array([1, 2]), np.array([at(0), at(0)]), ["a", "b"])
    steps = [*alert(200, 420, "A", 1), *alert(100, 150, "B", 2), *alert(100, 150, "C", 9)]
    found = scored(rows, steps, owner=owner).nuisances
    assert (found.episodes, found.nuisance, found.false_tracks) == (3, 2, 1)
    assert found.object_hours == pytest.approx(0.5)
    assert found.per_object_hour == pytest.approx(4.0)


def test_duplicates_are_alerts_raised_while_another_is_open_for_the_object_and_zone() -> None:
    verdict = judged(straight(300), [*alert(200, 420, "A", 1), *alert(250, 400, "B", 2), *alert(410, 415, "C", 3)])
    ((_, met),) = verdict.encounters
    assert (met.encounters, met.flaps, met.duplicates) == (1, 0, 2)
    other = [dataclasses.replace(each, zone="y") for each in alert(250, 400, "B", 2)]
    verdict = judge([straight(300)], [zone(), zone("y")], [*alert(200, 420), *other], span_ns=(at(0), at(900)))
    assert [met.duplicates for _, met in verdict.encounters] == [0, 0]


@pytest.mark.parametrize(("again_s", "flaps", "encounters"), [(150, 1, 1), (410, 1, 1), (700, 0, 2)])
def test_a_flap_is_a_clear_and_a_raise_again_in_one_encounter(again_s: float, flaps: int, encounters: int) -> None:
    # cleared at 120; the stay from 300 to 400 joins what is less than 180 s before and after it
    verdict = judged(straight(300), [*alert(100, 140, "A"), *alert(again_s, again_s + 5, "B")])
    ((_, met),) = verdict.encounters
    assert (met.flaps, met.encounters) == (flaps, encounters)


def test_a_pass_without_an_alert_is_an_encounter_and_a_distant_flight_is_none() -> None:
    # at 50 m/s a look-ahead of 180 s reaches 9000 m
    passing, far = path([(0, -15_000.0), (150, -8000.0), (300, -15_000.0)]), path([(0, -9500.0), (300, -24_500.0)])
    assert [met.encounters for _, met in judged(passing, []).encounters] == [1]
    assert [met.encounters for _, met in judged(far, []).encounters] == [0]
    assert [met.encounters for _, met in judged(straight(300), []).encounters] == [1]
    assert scored(straight(300), []).nuisances.flaps_per_encounter == 0.0


def test_suppressed_alerts_count_like_any_other_and_are_told() -> None:
    found = scored(straight(300), alert(200, 420, suppressed=True))
    assert (found.warnings.before, found.nuisances.suppressed) == (1, 1)
    assert found.warnings.median_s == pytest.approx(100.0, abs=CLOSE)


def test_objects_that_nobody_asks_for_or_that_may_enter_are_not_judged() -> None:
    rows = straight(300)
    unasked = dataclasses.replace(rows, ignore=np.ones(len(rows.ignore), bool))
    for verdict in (judged(unasked, alert(100, 420)), judged(rows, alert(100, 420), may_enter=[("a", "z")])):
        assert (verdict.entries, verdict.infringements, verdict.encounters, len(verdict.forecasts)) == ((), (), (), 0)
        assert [each.worth for each in verdict.episodes] == ["not asked for"]


def test_only_what_lies_in_the_span_is_judged_and_truth_beyond_it_decides() -> None:
    steps = [*alert(200, 420, "A"), *alert(50, 60, "B")]
    verdict = judged(straight(300), steps, span_ns=(at(100), at(250)))
    assert (verdict.entries, [each.alert for each in verdict.episodes]) == ((), ["A"])
    assert [each.worth for each in verdict.episodes] == ["entry"]
    assert verdict.forecasts.happened.tolist() == [True]
    assert verdict.object_s == pytest.approx(150.0)


# Messages


def test_calibration_is_judged_by_message() -> None:
    # look-ahead 60 s, entry at 300. 210: 90 s before, no. 245: yes. 250: yes. 305: inside, no forecast. 420 on: gone.
    # 880: truth ends at 900, undecided. Clears are no forecasts.
    told = [(210, 0.4), (245, 0.6), (250, 0.9), (305, 1.0), (420, 0.1), (880, 0.3)]
    steps = [step(s, "updated" if k else "raised", probability=p) for k, (s, p) in enumerate(told)]
    forecasts = judged(straight(300), [*steps, step(890, "cleared")], zone(lookahead_s=60.0)).forecasts
    assert forecasts.probability.tolist() == [0.4, 0.6, 0.9, 0.1]
    assert forecasts.happened.tolist() == [False, True, True, False]
    found = calibration(forecasts)
    # Brier: (0.16 + 0.16 + 0.01 + 0.01) / 4; half came true, so the constant forecast has 0.25
    assert found.brier == pytest.approx(0.085)
    assert found.brier_constant == pytest.approx(0.25)
    assert found.skill == pytest.approx(1.0 - 0.085 / 0.25)
    assert found.ece == pytest.approx((0.4 + 0.4 + 0.1 + 0.1) / 4)


def test_deciles_hold_their_lower_end_and_the_last_one_holds_one() -> None:
    found = calibration(Forecasts.of([(0.0, False), (0.1, True), (0.1, False), (0.95, True), (1.0, True)]))
    assert [each.forecasts for each in found.deciles] == [1, 2, 0, 0, 0, 0, 0, 0, 0, 2]
    assert (found.deciles[1].mean, found.deciles[1].share) == (0.1, 0.5)
    # |0.1 - 0.5| of two, |0.975 - 1| of two, none of the first: (0.8 + 0.05) / 5
    assert found.ece == pytest.approx(0.17)
    assert found.worst is None


def test_the_worst_decile_is_among_those_with_a_hundred_forecasts() -> None:
    few, many = [(0.95, False)] * 99, [(0.35, k < 50) for k in range(100)]
    assert calibration(Forecasts.of([*few, *many])).worst == pytest.approx(0.15)
    assert calibration(Forecasts.of([*few, few[0], *many])).worst == pytest.approx(0.95)


def test_without_a_forecast_or_where_everything_came_true_there_is_no_skill() -> None:
    nothing = calibration(Forecasts.of([]))
    assert (nothing.forecasts, nothing.brier, nothing.skill, nothing.ece) == (0, None, None, None)
    assert calibration(Forecasts.of([(0.7, True)])).skill is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.booleans()), min_size=1, max_size=60))
def test_the_constant_forecast_has_no_skill_and_figures_do_not_depend_on_order(pairs: list[tuple[float, bool]]) -> None:
    base = sum(happened for _, happened in pairs) / len(pairs)
    constant = calibration(Forecasts.of([(base, happened) for _, happened in pairs]))
    assert constant.skill is None or constant.skill == pytest.approx(0.0, abs=1e-9)
    assert constant.ece == pytest.approx(0.0, abs=1e-9)
    one, other = calibration(Forecasts.of(pairs)), calibration(Forecasts.of(sorted(pairs)))
    assert one.brier == pytest.approx(other.brier)
    assert one.ece == pytest.approx(other.ece)


def test_times_to_entry_are_judged_where_an_entry_followed() -> None:
    # entry at 300. At 240 it told 50 to 65 s, p50 55: 5 s too soon, covered. At 280 it told 30, was 20: 10 too late,
    # not covered. At 290 it said infringing: no time to judge. At 450: nothing came.
    steps = [
        step(240, "raised", time_to_entry_s=(50.0, 55.0, 65.0)),
        step(280, "updated", time_to_entry_s=(25.0, 30.0, 40.0)),
        step(290, "updated", level="infringing", time_to_entry_s=(0.0, 0.0, 0.0), probability=1.0),
        step(450, "updated", time_to_entry_s=(1.0, 2.0, 3.0)),
        step(500, "cleared"),
    ]
    times = judged(straight(300), steps).times
    assert times.error_s.tolist() == [pytest.approx(-5.0, abs=CLOSE), pytest.approx(10.0, abs=CLOSE)]
    assert times.covered.tolist() == [True, False]
    found = scored(straight(300), steps).times
    # sizes 5 and 10: median 7.5; signed -5 and 10: median 2.5
    assert (found.messages, found.coverage) == (2, 0.5)
    assert found.error_s == pytest.approx(7.5, abs=CLOSE)
    assert found.bias_s == pytest.approx(2.5, abs=CLOSE)


@pytest.mark.parametrize(("said_s", "delay_s"), [(290, 0.0), (303, 3.0), (399, 99.0), (401, None)])
def test_the_delay_of_infringing_runs_from_the_crossing_to_the_message(said_s: float, delay_s: float | None) -> None:
    steps = [step(200, "raised"), step(said_s, "updated", level="infringing"), step(600, "cleared", level="infringing")]
    (crossing,) = judged(straight(300), steps).infringements
    assert crossing.delay_s == (None if delay_s is None else pytest.approx(delay_s, abs=CLOSE))


def test_infringing_that_was_over_before_the_crossing_is_not_said_of_it() -> None:
    steps = [step(100, "raised", level="infringing"), step(110, "updated"), step(420, "cleared")]
    assert scored(straight(300), steps).infringing == pool([judged(straight(300), [])]).infringing
    assert (scored(straight(300), steps).infringing.crossings, scored(straight(300), steps).infringing.said) == (1, 0)


def test_forecasts_from_any_source_are_matched_with_what_came() -> None:
    # entry into the margin (200 m, so 4 s sooner) at 296
    told = [(230, 0.9), (238, 0.2), (300, 0.5), (500, 0.1), (850, 0.7)]
    forecasts = [PlainForecast(at(s), "a", "z", p) for s, p in told]
    found = judge_forecasts([straight(300)], [zone(margin_m=200.0, lookahead_s=60.0)], forecasts)
    # 230 + 60 < 296: no. 238: yes. 300: inside. 500: no. 850: truth ends before 910
    assert found.probability.tolist() == [0.9, 0.2, 0.1]
    assert found.happened.tolist() == [False, True, False]
    with pytest.raises(KeyError):
        judge_forecasts([straight(300)], [zone()], [PlainForecast(at(0), "b", "z", 0.5)])


# Pooling, input, activity, detections


def test_many_runs_pool_into_sums_and_quantiles_over_all() -> None:
    # warnings 100 and 20, 20, 20 s: the mean of the runs' medians would be 60
    one = judged(straight(300), alert(200, 420))
    rows = [straight(300, name=name) for name in "abc"]
    owner = Ownership(np.array([1, 2, 3]), np.array([at(0)] * 3), list("abc"))
    many = judged(rows, [s for k in (1, 2, 3) for s in alert(280, 420, f"B{k}", k)], owner=owner)
    found = pool([one, many])
    assert (found.warnings.entries, found.nuisances.encounters, found.zones[0].entries) == (4, 4, 4)
    assert found.warnings.median_s == pytest.approx(20.0, abs=CLOSE)
    assert found.nuisances.object_hours == pytest.approx(1.0)
    assert found.calibration.forecasts == 4
    assert pool([]).warnings.entries == 0
    assert pool([]).nuisances.per_object_hour is None


def test_without_an_owner_there_must_be_one_object() -> None:
    with pytest.raises(ValueError, match="2 objects"):
        judged([straight(300), straight(400, name="b")], [])


def core(number: int, seconds: float, state: str, **more: Any) -> AlertStep:
    given: dict[str, Any] = {
        "level": "predicted", "previous_level": None, "acknowledged": None, "probability": 0.8,
        "time_to_entry_s": (1.0, 2.0, 3.0), "entry": None, "closest_distance_m": 0.0, "closest_time_s": 0.0,
        "track_status": "confirmed", "suppressed_until_ns": None, "position": Place(0.0, 0.0, 0.0),
        "velocity_mps": (0.0, 0.0, 0.0), "sensors": (), "reason": "so", "test": False,
    }  # fmt: skip
    return AlertStep(at(seconds), "A", number, "z", 1, (1,), state=state, **(given | more))


def test_messages_and_the_cores_own_steps_give_the_same_and_tests_of_the_line_are_left_out() -> None:
    steps = [core(1, 200, "raised"), core(2, 205, "updated", suppressed_until_ns=at(300)), core(3, 420, "cleared")]
    steps.append(core(4, 430, "raised", test=True))
    messages = [alert_message(each, k) for k, each in enumerate(steps)]
    again = [*messages, messages[1]]  # a change of level goes out on two topics
    assert recorded_steps(again) == core_steps(steps)
    assert [each.suppressed for each in core_steps(steps)] == [False, True, False]
    assert len(judged(straight(300), recorded_steps(again)).episodes) == 1


def test_a_track_is_the_object_of_its_last_assignment_and_before_the_first_of_that() -> None:
    owner = Ownership(np.array([5, 5, 6]), np.array([at(20), at(10), at(15)]), ["b", "a", "b"])
    assert [owner(5, at(s)) for s in (0, 10, 19, 20, 99)] == ["a", "a", "a", "b", "b"]
    assert owner(7, at(10)) is None
    assert owner.first_ns() == {"a": at(10), "b": at(15)}


def report(seconds: float, state: str, **more: Any) -> ZoneReport:
    return ZoneReport(at(seconds), (zone(**more),), {"z": state})


def test_a_zone_is_active_by_its_schedule_and_by_what_reports_say_against_it() -> None:
    def active(*reports: ZoneReport) -> Any:
        return with_activity(reports)[0].active

    assert active(report(0, "active")) is None
    assert active(report(0, "inactive")) == ()
    daily = (DailyWindow(0, 3600),)  # the cases begin at 22:13:20
    assert with_activity([report(0, "inactive", daily=daily)])[0].daily == daily
    span = ((at(100), at(200)),)
    assert active(report(0, "pre-active", active=span)) == span  # agrees with the schedule, which then rules
    found = active(report(0, "active"), report(50, "inactive"), report(80, "active"))  # switched off at 50, on at 80
    (_, off), (on, _) = found
    assert (off, on) == (at(50), at(80))
    found = active(report(0, "pre-active", active=span), report(120, "inactive", active=span))  # switched off at 120
    assert found == ((at(100), at(120)),)


def test_an_object_is_trackable_from_its_third_radar_detection() -> None:
    sigma: dict[Any, float] = {"range_m": 10.0, "azimuth_deg": 0.1}
    coverage = Coverage(range_m=(0.0, 90_000.0), azimuth_deg=(0.0, 360.0))
    pose = Pose(LAT, LON, 0.0)
    sensors = tuple(
        SensorConfig(name, kind, tuple(sigma), sigma, coverage, pose)
        for name, kind in (("r", "radar"), ("c", "infrared"))
    )  # type: ignore[arg-type]
    site = SiteConfig(ServiceConfig(Place(LAT, LON, 0.0)), sensor=sensors)
    rows, plane = straight(300), Plane(Place(LAT, LON, 0.0))

    def frame(seconds: float, sensor: str, *off_m: float) -> Frame:
        k = int(seconds)
        place = plane.to_local(*rows.values[k, :3])
        slant = float(np.sqrt((place**2).sum()))
        values = np.array([[slant + off, math.atan2(place[0], place[1])] for off in off_m]).reshape(-1, 2)
        sigmas = np.tile([10.0, math.radians(0.1)], (len(values), 1))
        return Frame("s", sensor, k, "e", at(seconds), values, sigmas, np.full(len(values), at(seconds)))

    # 10: two rows of one look are one detection. 20: 100 m off is 10 sigma, another's. 25: a camera's. 30, 40: its own
    frames = [
        frame(10, "r", 0.0, 5.0),
        frame(20, "r", 100.0),
        frame(25, "c", 0.0),
        frame(30, "r", -12.0),
        frame(35, "r"),
    ]
    assert trackable(frames, [rows], site, 10.0) == {}
    assert trackable([frame(40, "r", 3.0), *frames], [rows], site, 10.0) == {"a": at(40)}


def test_options_out_of_range_are_refused_by_their_name() -> None:
    with pytest.raises(ConfigError, match="near_m"):
        AlertOptions(near_m=-1.0)
    with pytest.raises(ConfigError, match="sample_s"):
        AlertOptions(sample_s=0.0)


def test_tables_tell_the_margin_and_hold_where_there_is_nothing() -> None:
    tables = dict(alert_tables(scored(straight(300), alert(200, 420))))
    text = json.dumps(tables)
    assert "500 m (150 m in height)" in text
    assert "1 alerted before, 0 late, 0 missed" in text
    assert tables["Entries"][1][0:2] == ("a", "z")
    assert "Entries" not in dict(alert_tables(scored(straight(2000), [])))


def test_pairs_that_are_left_out_as_too_far_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(4)
    rows = [
        path([(0, float(a)), (300, float(b))], f"o{k}") for k, (a, b) in enumerate(rng.normal(0.0, 40_000.0, (12, 2)))
    ]
    owner = Ownership(np.arange(12), np.full(12, at(0)), [each.id for each in rows])
    steps = [each for k in range(12) for each in alert(10.0 * k, 10.0 * k + 50.0, f"A{k}", k)]
    quick = judged(rows, steps, owner=owner)
    assert 0 < len(Sights(rows, [zone()], AlertOptions()).pairs()) < 12
    monkeypatch.setattr(Sights, "pairs", lambda self: [(each.id, "z") for each in rows])
    slow = judged(rows, steps, owner=owner)
    assert (quick.entries, quick.infringements, quick.episodes) == (slow.entries, slow.infringements, slow.episodes)
    assert pool([quick]).nuisances == pool([slow]).nuisances
