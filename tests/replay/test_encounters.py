"""Encounters: objects fly as their model says, everything follows from seed and number, and figures are about them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.alerts import oracle
from benchmarks.alerts.rule import Evaluation, steps_of
from fusion.airspace.volumes import Volume
from fusion.errors import RecordingError
from fusion.geodesy import Plane
from fusion.types import SECOND_NS
from replay.alerts.warning import Entry
from replay.encounters import model as flying
from replay.encounters.again import Thresholds, again
from replay.encounters.campaign import spread
from replay.encounters.explained import _why, account, straight_on
from replay.encounters.flown import STEP_S, fly
from replay.encounters.judged import instant, owner_of
from replay.encounters.layout import ORIGIN, START_NS, chart, lay_out
from replay.encounters.model import COLUMNS, JET, KINDS, NEVER, Model
from replay.encounters.region import Region
from replay.encounters.results import judged
from replay.encounters.store import load, save
from replay.encounters.tracking import Record, tracked

SEED = 1000  # that of the baselines, on which nothing of ours is tuned
CIRCLE = Region(3000.0, None, 0.0, 2000.0, 0.0, 0.0)


def quiet(**changes) -> Model:
    """A jet that begins nothing by itself."""
    kind = replace(JET, turn_every_s=NEVER, climb_every_s=NEVER, speed_every_s=NEVER, hover_every_s=NEVER, **changes)
    return Model(kind, CIRCLE)


def state_at(x: float, y: float, heading: float, speed: float = 200.0, height: float = 1000.0) -> np.ndarray:
    """A steady state, (COLUMNS, 1)."""
    state = np.zeros((COLUMNS, 1))
    state[[flying.X, flying.Y, flying.HEADING, flying.SPEED, flying.HEIGHT], 0] = x, y, heading, speed, height
    state[[flying.AIM_SPEED, flying.CRUISE, flying.AIM_HEIGHT], 0] = speed, speed, height
    state[flying.DISTANCE] = CIRCLE.distance(state[flying.X], state[flying.Y])
    return state


@pytest.fixture(scope="module")
def flown():
    """The first encounter whose object comes into the zone after two and a half minutes."""
    found = (fly(lay_out(SEED, number)) for number in range(100))
    return next(each for each in found if 150 < entered_s(each) < each.encounter.duration_s - 60)


def entered_s(flown) -> float:
    """When the object is in the zone itself first; infinite: never."""
    region, states = flown.encounter.region, flown.states
    inside = (states[flying.DISTANCE] <= 0.0) & (states[flying.HEIGHT] >= region.floor_m)
    inside &= states[flying.HEIGHT] <= region.ceiling_m
    return float(np.argmax(inside)) if inside.any() else math.inf


@pytest.fixture(scope="module")
def record(flown) -> Record:
    return tracked(flown)


def test_an_object_that_begins_nothing_flies_straight_on():
    state, rng = state_at(10_000.0, 50_000.0, 0.3), np.random.default_rng(1)
    for _ in range(60):
        state = quiet().advance(state, rng, 1.0)
    assert state[flying.X, 0] == pytest.approx(10_000.0 + 12_000.0 * math.sin(0.3), abs=1e-6)
    assert state[flying.Y, 0] == pytest.approx(50_000.0 + 12_000.0 * math.cos(0.3), abs=1e-6)
    assert state[flying.HEIGHT, 0] == 1000.0


def test_a_turn_is_an_arc_of_its_rate_and_ends_after_its_angle():
    state, rng = state_at(0.0, 50_000.0, 0.0), np.random.default_rng(1)
    state[[flying.TURN, flying.RATE], 0] = math.pi / 2.0, math.radians(3.0)
    for _ in range(40):
        state = quiet().advance(state, rng, 1.0)
    radius = 200.0 / math.radians(3.0)
    assert state[flying.HEADING, 0] == pytest.approx(math.pi / 2.0)
    assert state[flying.Y, 0] == pytest.approx(50_000.0 + radius, abs=1e-6)
    assert state[flying.X, 0] == pytest.approx(radius + 10.0 * 200.0, abs=1e-6)


def test_a_climb_reaches_its_height_and_goes_no_further():
    state, rng = state_at(0.0, 50_000.0, 0.0), np.random.default_rng(1)
    state[[flying.AIM_HEIGHT, flying.CLIMB_RATE], 0] = 1500.0, 10.0
    heights = [float((state := quiet().advance(state, rng, 1.0))[flying.HEIGHT, 0]) for _ in range(120)]
    assert heights[30] == pytest.approx(1300.0, abs=30.0)  # at 10 m/s
    assert heights[-1] == pytest.approx(1500.0, abs=1.0)
    assert max(heights) <= 1501.0


def test_advancing_leaves_its_argument_and_depends_on_state_and_stream_alone():
    encounter = lay_out(SEED, 0)
    many = np.repeat(encounter.state, 50, axis=1)
    before = many.copy()
    one, two = (encounter.model.advance(many, np.random.default_rng(7), 2.0) for _ in range(2))
    assert np.array_equal(many, before)
    assert np.array_equal(one, two)


def test_half_of_the_objects_at_the_edge_turn_away_where_the_chance_is_a_half(monkeypatch):
    monkeypatch.setattr(flying, "TURNS_AWAY", 0.5)
    states, rng = np.repeat(state_at(0.0, -9000.0, 0.0), 4000, axis=1), np.random.default_rng(3)
    inside = np.zeros(4000, bool)
    for _ in range(60):
        states = quiet(turn_rate_dps=(4.0, 4.0)).advance(states, rng, 1.0)
        inside |= CIRCLE.holds(states[flying.DISTANCE], states[flying.HEIGHT])
    assert inside.mean() == pytest.approx(0.5, abs=0.03)


def test_the_oracle_is_right_where_the_future_is_known(monkeypatch):
    """Head on at 6 km, 200 m/s, deciding 6 km before the edge with 1 in 4 to turn away: it enters 30 s later."""
    monkeypatch.setattr(flying, "TURNS_AWAY", 0.25)
    encounter = replace(lay_out(SEED, 0), kind=quiet(turn_rate_dps=(4.0, 4.0)).kind, region=CIRCLE)
    away, ahead = state_at(0.0, -9100.0, math.pi), state_at(0.0, -9100.0, 0.0)
    inside = state_at(0.0, 0.0, 0.0)
    states = np.concatenate([away, ahead, inside], axis=1)
    chance, median = oracle.probabilities(encounter, states, np.random.default_rng(5))
    assert chance[0] == 0.0
    assert chance[1] == pytest.approx(0.75, abs=0.1)
    assert median[1] == pytest.approx(30.5, abs=oracle.STEP_S)
    assert (chance[2], median[2]) == (1.0, 0.0)
    assert np.isnan(median[0])


def test_distance_and_membership_of_a_square_are_those_of_geometry():
    square = Region(
        1000.0, np.array([[-500.0, 500.0], [500.0, 500.0], [500.0, -500.0], [-500.0, -500.0]]), 0, 100, 50, 10
    )
    x, y = np.array([0.0, 700.0, 400.0]), np.array([0.0, 0.0, 400.0])
    assert square.distance(x, y).tolist() == [-500.0, 200.0, -100.0]
    assert square.holds(np.array([50.0, 51.0, 0.0]), np.array([110.0, 0.0, 111.0])).tolist() == [True, False, False]


def test_the_path_that_radars_see_is_the_one_that_was_flown(flown):
    seconds = np.arange(flown.states.shape[1]) * STEP_S
    nobody = np.zeros(len(seconds), np.int64)
    lat, lon, height = flown.fleet.geodetic(nobody, seconds)
    assert np.abs(height - flown.states[flying.HEIGHT]).max() < 1e-6
    place = Plane(ORIGIN).to_local(lat, lon, 0.0)
    apart = np.hypot(place[:, 0] - flown.states[flying.X], place[:, 1] - flown.states[flying.Y])
    reach = np.hypot(flown.states[flying.X], flown.states[flying.Y])
    assert (apart <= 1.0 + 1e-4 * reach).all()  # the chart's scale


def test_the_regions_outline_is_that_of_the_zone():
    for number in range(6):
        encounter = lay_out(SEED, number)
        volume = Volume.of(encounter.zone, Plane(ORIGIN))
        rng = np.random.default_rng(number)
        radius = encounter.region.radius_m
        x, y = rng.uniform(-1.5 * radius, 1.5 * radius, (2, 500))
        height = rng.uniform(0.0, 1.5 * encounter.region.ceiling_m, 500)
        place = volume.on_map(*chart().to_geodetic(x, y))
        exact = volume.inside(place[:, 0], place[:, 1], height)
        own = encounter.region.holds(encounter.region.distance(x, y), height)
        assert (exact != own).sum() <= (5 if encounter.region.margin_m and encounter.region.corners is not None else 1)


def test_an_encounter_follows_from_seed_and_number_alone(flown):
    number = flown.encounter.number
    again_ = fly(lay_out(SEED, number))
    assert np.array_equal(again_.states, flown.states)
    assert [frame.key for frame in again_.frames] == [frame.key for frame in flown.frames]
    for one, two in zip(again_.frames, flown.frames, strict=True):
        assert np.array_equal(one.values, two.values)
    assert not np.array_equal(lay_out(SEED, number + 1).state, flown.encounter.state)
    assert not np.array_equal(lay_out(SEED + 1, number).state, flown.encounter.state)


def test_all_kinds_and_both_shapes_are_met():
    found = [lay_out(SEED, number) for number in range(40)]
    assert {each.kind.name for each in found} == {kind.name for kind in KINDS}
    assert {each.zone.circle is None for each in found} == {True, False}
    assert {len(each.site.sensor) for each in found} == {1, 2}
    assert {each.zone.lookahead_s for each in found} >= {60.0, 180.0, 300.0}


def kind_of(seed: int, number: int) -> str:
    """A light job for other processes."""
    return lay_out(seed, number).kind.name


def test_results_come_in_order_whatever_the_number_of_processes():
    numbers = range(9)
    expected = [kind_of(SEED, number) for number in numbers]
    assert list(spread(kind_of, SEED, numbers, 1)) == expected
    assert list(spread(kind_of, SEED, numbers, 2)) == expected


def test_the_third_detection_is_found(flown):
    """By hand: detections about where the object was when the beam passed: 0.015 rad is four sigma of elevation."""
    times = []
    for frame in flown.frames:
        for values, time_ns in zip(frame.values, frame.times_ns.tolist(), strict=True):
            pose = next(s.pose for s in flown.encounter.site.sensor if s.id == frame.sensor)
            where = flown.fleet.position(np.zeros(1, np.int64), np.array([(time_ns - START_NS) / SECOND_NS]))
            place = Plane(replace(ORIGIN, lat_deg=pose.lat_deg, lon_deg=pose.lon_deg, alt_m=pose.alt_m))
            local = place.axes @ (where[0] - place.centre)
            r, az, el = values
            seen = r * np.array([np.cos(el) * np.sin(az), np.cos(el) * np.cos(az), np.sin(el)])
            if np.abs(seen - local).max() < 200.0 + 0.015 * r:
                times.append(time_ns)
    assert sorted(times)[2] == flown.trackable_ns


def test_decisions_again_with_the_same_thresholds_are_the_same(record):
    assert record.steps
    repeated = again(SEED, record, Thresholds())
    assert [(s.time_ns, s.alert, s.level, s.state, s.track, s.time_to_entry_s) for s in repeated] == [
        (s.time_ns, s.alert, s.level, s.state, s.track, s.time_to_entry_s) for s in record.steps
    ]
    assert [s.probability for s in repeated] == pytest.approx([s.probability for s in record.steps])


def test_a_lower_threshold_raises_no_later(record):
    first = {
        probability: again(SEED, record, Thresholds(probability=probability))[0].time_ns for probability in (0.2, 0.5)
    }
    assert first[0.2] <= first[0.5]
    assert first[0.2] != first[0.5]


def test_records_are_read_back_as_they_were_written(tmp_path, record):
    save(tmp_path / "records.npz", SEED, [record, record])
    seed, (one, two) = load(tmp_path / "records.npz")
    assert seed == SEED
    assert one.steps == two.steps == record.steps
    assert one.rows.tobytes() == two.rows.tobytes() == record.rows.tobytes()
    assert np.array_equal(one.truth.values, record.truth.values)
    assert (one.trackable_ns, one.span_ns, one.kind) == (record.trackable_ns, record.span_ns, record.kind)


def test_another_file_is_no_file_of_records(tmp_path):
    (tmp_path / "other.npz").write_bytes(b"PK nothing")
    with pytest.raises(RecordingError, match=r"other\.npz"):
        load(tmp_path / "other.npz")


def test_the_one_forecast_is_of_a_track_in_reach_and_not_inside(flown, record):
    at = instant(flown.encounter, record)
    row = record.rows[at.row]
    away = flown.encounter.region.distance(row["mean"][0], row["mean"][1]) - flown.encounter.region.margin_m
    assert away <= np.hypot(row["mean"][3], row["mean"][4]) * flown.encounter.zone.lookahead_s
    assert not row["inside"]
    assert owner_of(record)(at.track, at.time_ns) == "object"


def test_a_straight_line_takes_distance_over_speed():
    encounter = lay_out(SEED, 0)
    zone = replace(encounter.zone, circle=(ORIGIN.lon_deg, ORIGIN.lat_deg, 3000.0), polygons=(), margin_m=0.0)
    zone = replace(zone, floor_m=0.0, ceiling_m=1000.0, margin_vertical_m=0.0)
    volume = Volume.of(zone, Plane(ORIGIN))
    lat, lon, _ = Plane(ORIGIN).to_geodetic(np.array([0.0, -3950.0, 0.0]))
    place = np.array([[lat, lon, 500.0], [lat, lon, 500.0], [lat, lon, 2000.0], [ORIGIN.lat_deg, ORIGIN.lon_deg, 5.0]])
    velocity = np.array([[0.0, 100.0, 0.0], [0.0, -100.0, 0.0], [0.0, 100.0, -50.0], [0.0, 0.0, 0.0]])
    found = straight_on(volume, place, velocity, 120)
    assert found[[0, 2, 3]].tolist() == [10.0, 20.0, 0.0]
    assert np.isnan(found[1])


@pytest.mark.parametrize(
    ("trackable_s", "track_s", "headed_s", "stay_s", "told", "why"),
    [
        (None, None, 90.0, 60.0, 0.0, "not yet detected three times"),
        (-3.0, None, 90.0, 60.0, 0.0, "not yet detected three times"),
        (50.0, None, 90.0, 60.0, 0.0, "no confirmed track before"),
        (50.0, 40.0, 90.0, 3.0, 0.4, "grazed for 3.0 s"),
        (50.0, 40.0, 8.0, 60.0, 0.2, "turned in 8 s before"),
        (50.0, 40.0, 45.0, 60.0, 0.31, "probability no higher than 0.31, headed in for 45 s"),
    ],
)
def test_a_missed_entry_is_explained(trackable_s, track_s, headed_s, stay_s, told, why):
    entry = Entry("zone", "object", 0, 0, "missed", None, 0.0, None, trackable_s)
    assert _why(entry, track_s, headed_s, stay_s, told) == why


def test_an_entry_is_where_the_states_say_and_has_its_account(flown, record):
    entries = judged(flown.encounter, record).verdict.entries
    found = account(flown.encounter, record, entries[0])
    assert entered_s(flown) - 1.0 <= found.at_s <= entered_s(flown)
    assert found.track_s == pytest.approx(found.at_s - (record.rows["time_ns"][0] - START_NS) / SECOND_NS)
    assert (
        found.told
        == (record.rows["existence"] * record.rows["entry"])[record.rows["time_ns"] < entries[0].time_ns].max()
    )


def evaluations(said: str) -> list[Evaluation]:
    """One a second: `x` likely, `i` inside, `.` neither."""
    return [
        Evaluation(k * SECOND_NS, float(c in "xi"), c == "i", 0.0 if c in "xi" else None) for k, c in enumerate(said)
    ]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("x....", []),
        ("x..x", [(3, "raised", "predicted")]),
        ("x...x", []),
        ("xx...", [(1, "raised", "predicted"), (4, "cleared", "predicted")]),
        ("xx..x.", [(1, "raised", "predicted")]),
        (".i", [(1, "raised", "infringing")]),
        ("xxi", [(1, "raised", "predicted"), (2, "updated", "infringing")]),
    ],
)
def test_two_of_four_raise_and_three_without_clear(said, expected):
    found = [(step.time_ns // SECOND_NS, step.state, step.level) for step in steps_of(1, "zone", evaluations(said))]
    assert found == expected


def test_a_track_that_ends_clears_its_alert():
    found = steps_of(1, "zone", evaluations("xx"), end_ns=5 * SECOND_NS)
    assert [(step.time_ns // SECOND_NS, step.state) for step in found] == [(1, "raised"), (5, "cleared")]
