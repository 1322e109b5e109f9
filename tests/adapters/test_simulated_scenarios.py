"""Scenario files and whole runs: bundled ones work, the same seed gives the same bytes, mistakes are named."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from adapters.simulated.behaviour import Behaviour
from adapters.simulated.flights import Flight, Waypoint
from adapters.simulated.run import epoch_of, simulate
from adapters.simulated.scenario import BUNDLED, Scenario, benchmark_scenario, bundled_scenarios, load_scenario
from adapters.wire import decode, encode, frame_message, read_frame, truth_message
from fusion.config import SensorConfig, ServiceConfig, SiteConfig
from fusion.errors import ConfigError
from fusion.types import SECOND_NS, Coverage, Frame, Place, Pose, Truth

NAMES = ("airliners", "airport-drones", "border-drift", "thousand")


def short(name: str, seconds: float = 20.0) -> Scenario:
    return dataclasses.replace(load_scenario(name), duration_s=seconds)


def frames_of(scenario: Scenario, seed: int | None = None, start_ns: int | None = None) -> list[Frame]:
    return [item for item in simulate(scenario, seed, start_ns) if isinstance(item, Frame)]


def same(one: Frame, other: Frame) -> bool:
    parts = ("source", "sensor", "seq", "epoch", "time_ns", "identity", "pose", "swept")
    arrays = ("values", "sigmas", "times_ns")
    return all(getattr(one, k) == getattr(other, k) for k in parts) and all(
        np.array_equal(getattr(one, k), getattr(other, k)) for k in arrays
    )


def small_site(*names: str) -> SiteConfig:
    sensors = tuple(
        SensorConfig(
            name,
            "radar",
            ("range_m", "azimuth_deg"),
            {"range_m": 20.0, "azimuth_deg": 0.3},
            Coverage(range_m=(100.0, 40_000.0), azimuth_deg=(0.0, 360.0)),
            Pose(48.0, 11.0 + 0.1 * i, 600.0),
            0.8,
            2.0,
            2.0,
        )
        for i, name in enumerate(names)
    )
    return SiteConfig(ServiceConfig(Place(48.0, 11.0, 0.0)), sensor=sensors)


def small(sensors: tuple[str, ...] = ("a", "b"), flights: tuple[str, ...] = ("x", "y")) -> Scenario:
    ways = tuple(
        Flight(name, (Waypoint(48.1, 11.0 + 0.02 * ord(name[0]) % 1, 2e3), Waypoint(48.2, 11.3, 2e3)), 60.0)
        for name in flights
    )
    site = small_site(*sensors)
    return Scenario("small", 1, 60.0, 0, site, ways, (), {name: Behaviour() for name in sensors})


def test_the_scenarios_that_come_along_are_known_by_name() -> None:
    assert bundled_scenarios() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_scenario_gives_frames_of_every_sensor_and_truth_in_order_of_time(name: str) -> None:
    scenario = short(name)
    items = list(simulate(scenario))
    times = [item.time_ns for item in items]
    assert times == sorted(times)
    assert times[0] >= scenario.start_ns
    assert times[-1] <= scenario.start_ns + 20 * SECOND_NS
    truths = [item for item in items if isinstance(item, Truth)]
    assert len(truths) == 20.0 / scenario.truth_period_s + 1
    assert any(not truth.ignore.all() for truth in truths)
    for sensor in scenario.site.sensor:
        own = [item for item in items if isinstance(item, Frame) and item.sensor == sensor.id]
        assert [frame.seq for frame in own] == list(range(len(own)))
        assert sum(len(frame.values) for frame in own) > 0
        for frame in own:
            assert frame.values.shape == frame.sigmas.shape == (len(frame.times_ns), len(sensor.measures))
            assert frame.values.flags.c_contiguous
            assert np.isfinite(frame.values).all()
            look_ns = round(sensor.period_s * SECOND_NS)
            assert ((frame.times_ns > frame.time_ns - look_ns) & (frame.times_ns <= frame.time_ns)).all()


@pytest.mark.parametrize("name", NAMES)
def test_simulated_frames_and_truth_cross_the_wire_whole(name: str) -> None:
    scenario = short(name, 10.0)
    sensors = {sensor.id: sensor for sensor in scenario.site.sensor}
    for item in simulate(scenario):
        if isinstance(item, Truth):
            body = truth_message(item)
            assert [str(v) for v in body["columns"]["id"]] == list(item.id)
            continue
        message = frame_message(item, sensors[item.sensor])
        frame, rejected, ignored = read_frame(decode(encode(message)), sensors[item.sensor])
        assert rejected.count == 0
        assert ignored == 0
        assert not any(key.startswith("sigma_") for key in message["columns"])
        assert (frame.swept, frame.pose, frame.identity) == (item.swept, item.pose, item.identity)
        assert np.array_equal(frame.times_ns, item.times_ns)
        assert frame.values == pytest.approx(item.values, abs=1e-8)


@pytest.mark.parametrize("name", ["airport-drones", "border-drift", "airliners"])
def test_a_bundled_scenario_has_zones_and_stays_in_view_of_its_sensors(name: str) -> None:
    scenario = load_scenario(name)
    assert scenario.site.zones
    sparse = dataclasses.replace(scenario, truth_period_s=10.0)
    truths = [item for item in simulate(sparse) if isinstance(item, Truth)]
    ignored = sum(int(truth.ignore.sum()) for truth in truths) / sum(len(truth.id) for truth in truths)
    assert ignored < 0.05


def test_the_same_seed_gives_the_same_output_and_another_one_another() -> None:
    one, two = frames_of(short("airport-drones")), frames_of(short("airport-drones"))
    assert len(one) == len(two)
    assert all(same(a, b) for a, b in zip(one, two, strict=True))
    other = frames_of(short("airport-drones"), seed=21)
    assert not any(np.array_equal(a.values, b.values) for a, b in zip(one, other, strict=False) if len(a.values))


def test_another_start_moves_all_times_and_nothing_else() -> None:
    scenario = short("airport-drones")
    early, late = list(simulate(scenario, start_ns=0)), list(simulate(scenario, start_ns=77))
    assert len(early) == len(late)
    for one, other in zip(early, late, strict=True):
        assert other.time_ns == one.time_ns + 77
        if isinstance(one, Frame) and isinstance(other, Frame):
            assert np.array_equal(other.times_ns, one.times_ns + 77)
            assert np.array_equal(other.values, one.values)
    assert isinstance(early[-1], Frame)
    assert early[-1].epoch == epoch_of("airport-drones", scenario.seed, 0) != late[-1].epoch


def test_one_more_sensor_changes_no_frame_of_the_others() -> None:
    few, many = frames_of(small(("a", "b"))), frames_of(small(("a", "b", "c")))
    kept = [frame for frame in many if frame.sensor != "c"]
    assert len(kept) < len(many)
    assert all(same(one, other) for one, other in zip(few, kept, strict=True))


def test_one_more_flight_changes_no_detection_of_the_others() -> None:
    few, many = frames_of(small(flights=("x",))), frames_of(small(flights=("x", "y")))
    more = 0
    for one, other in zip(few, many, strict=True):
        rows = {tuple(row) for row in other.values.tolist()}
        assert {tuple(row) for row in one.values.tolist()} <= rows
        more += len(other.values) - len(one.values)
    assert more > 20


def test_truth_is_where_the_flights_are_and_says_what_nobody_can_see() -> None:
    scenario = small(flights=("x",))
    far = Flight("far", (Waypoint(49.0, 11.0, 9e3), Waypoint(49.1, 11.0, 9e3)), 100.0, start_s=30.0)
    bird = Flight("bird", (Waypoint(48.1, 11.1, 900.0, hold_s=45.0),), 10.0, ignore=True)
    scenario = dataclasses.replace(scenario, flights=(*scenario.flights, far, bird))
    truths = [item for item in simulate(scenario) if isinstance(item, Truth)]
    assert len(truths) == 121
    assert truths[0].id == ("x", "bird")
    assert truths[0].ignore.tolist() == [False, True]
    assert truths[60].id == ("x", "far", "bird")
    assert truths[60].ignore.tolist() == [False, True, True]
    assert truths[-1].id == ("x", "far")
    seen = dataclasses.replace(scenario, ignore_unseen=False)
    assert next(t for t in simulate(seen) if isinstance(t, Truth) and "far" in t.id).ignore.tolist()[1] is False
    fleet = scenario.fleet(1)
    lat, lon, alt = fleet.geodetic(np.array([0, 1]), np.full(2, 30.0))
    assert (truths[60].lat_deg[:2] == lat).all()
    assert (truths[60].lon_deg[:2] == lon).all()
    assert (truths[60].alt_m[:2] == alt).all()
    assert truths[60].north_mps[1] == pytest.approx(100.0, rel=2e-3)


def test_a_time_bias_moves_a_sensors_frames_in_the_order_too() -> None:
    scenario = small()
    biased = dataclasses.replace(scenario, behaviours={"a": Behaviour(time_bias_s=-0.3), "b": Behaviour()})
    times = [item.time_ns for item in simulate(biased)]
    assert times == sorted(times)


def test_a_scenario_without_any_flight_is_clutter_alone() -> None:
    items = list(simulate(small(flights=())))
    assert all(isinstance(item, Frame) for item in items)
    assert sum(len(item.values) for item in items if isinstance(item, Frame)) > 50


def test_the_benchmark_has_as_many_aircraft_as_asked_for() -> None:
    items = list(simulate(benchmark_scenario(aircraft=150, duration_s=8.0)))
    truth = next(item for item in items if isinstance(item, Truth))
    assert len(truth.id) == 150
    assert {item.sensor for item in items if isinstance(item, Frame)} == {
        "northwest",
        "northeast",
        "southwest",
        "southeast",
    }
    assert sum(len(item.values) for item in items if isinstance(item, Frame)) > 400


# What is replaced in airport-drones' file, and what the message must hold.
MISTAKES = [
    ("seed = 20", "sede = 20", "scenario.toml:3: sede is not a known key; .*did you mean seed"),
    ("seed = 20", "seed = -1", "scenario.toml:3: seed is -1; allowed is a whole number from 0"),
    ("duration_s = 230.0", "duration_s = 0.0", "duration_s is 0.0; allowed is a number greater than 0"),
    ("duration_s = 230.0", "duration_s = inf", "duration_s is inf; allowed is a finite number"),
    ("2026-05-04T09:00:00Z", "2026-05-04T09:00:00", "start is .*allowed is an RFC 3339 time"),
    ("2026-05-04T09:00:00Z", '"soon"', "start is 'soon'; allowed is an RFC 3339 time"),
    ('site = "site.toml"', 'site = "sit.toml"', "sit.toml: file is missing"),
    ("[sensor.tower]", "[sensor.towr]", "sensor.towr is 'towr'; allowed is a sensor of .*tower, camera-east"),
    ("sectors = 6", "sector = 6", "sensor.tower.sector is not a known key; .*did you mean sectors"),
    ("sectors = 6", "sectors = 0", "sensor.tower.sectors is 0; allowed is a whole number from 1 to 360"),
    ("sectors = 6", 'scan = "spin"', "sensor.tower.scan is 'spin'; allowed is one of 'rotating', 'staring'"),
    ("sectors = 6", 'ride = "nobody"', "sensor.tower.ride is 'nobody'; allowed is the id of a flight: intruder"),
    ("sectors = 6", "bias = {rang = 1.0}", "sensor.tower.bias.rang is not a known key; .*did you mean range_m"),
    ("sectors = 6", "bias = {altitude_m = 1.0}", "bias.altitude_m is 1.0; allowed is what it measures: range_m"),
    ("sectors = 6", "altitude_step_m = 30.0", "altitude_step_m is 30.0; allowed is 0 for a sensor that measures no"),
    ("sectors = 6", "outages_s = [[5.0, 4.0]]", r"outages_s\[0\] is \[5.0, 4.0\]; allowed is \[from, to\]"),
    ("[sensor.camera-east]", "[sensor.camera-east]\nsecondary = true", "camera-east.secondary is true; .*infrared"),
    ("[sensor.camera-east]", "[sensor.camera-east]\nsectors = 4", "camera-east.sectors is 4; allowed is 1"),
    ("climb_mps = 4.0", "climb_mps = 0.1", r'flight\[0\] "intruder".waypoints\[2\] is 20 m higher, and'),
    ("speed_mps = 25.0", "speed_mps = -25.0", r'flight\[0\] "intruder".speed_mps is -25.0; .* greater than 0'),
    ("speed_mps = 25.0", "colour = 1", r'flight\[0\] "intruder".colour is not a known key'),
    ('id = "passer"', 'id = "intruder"', r"flight\[1\] .*id is 'intruder'; allowed is an id that no other"),
    ('id = "passer"', 'id = "pass er"', r"flight\[1\] .*id is 'pass er'; allowed is 1 to 64 of"),
    ("alt_m = 300.0", 'alt_m = "high"', r"waypoints\[0\].alt_m is 'high'; allowed is a number"),
    ("lat_deg = 49.1", "lat_deg = 149.1", r"waypoints\[0\].lat_deg is 149.* allowed is a number from -90 to 90"),
]


@pytest.mark.parametrize(("what", "into", "says"), MISTAKES)
def test_a_mistake_in_a_scenario_names_file_key_found_and_allowed(
    tmp_path: Path, what: str, into: str, says: str
) -> None:
    for file in (BUNDLED / "airport-drones").iterdir():
        text = file.read_text()
        if file.name == "scenario.toml":
            assert what in text
            text = text.replace(what, into, 1)
        (tmp_path / file.name).write_text(text)
    with pytest.raises(ConfigError, match=says) as caught:
        load_scenario(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_an_unknown_scenario_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"scenario is 'nosuch'; allowed is one of airliners, airport-drones"):
        load_scenario("nosuch")
