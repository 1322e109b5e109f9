"""A plan is checked like a configuration: file, line, key, what was found, what is allowed."""

from __future__ import annotations

import pytest

from fusion.errors import ConfigError
from replay.campaigns.plan import load_plan

GOOD = 'scenarios = ["airport-drones"]\nseeds = [5, 2]\n'


def plan(tmp_path, text):
    path = tmp_path / "plan.toml"
    path.write_text(text)
    return load_plan(path)


def test_a_plan_without_configurations_has_the_scenarios_own(tmp_path):
    found = plan(tmp_path, GOOD)
    assert found.seeds == (2, 5)
    assert found.configurations == (found.baseline,) == ("default",)
    assert found.settings[0].site == found.settings[0].simulated.site


def test_overrides_change_what_the_tracker_is_told_and_nothing_else(tmp_path):
    text = """
[[configuration]]
name = "one"
tracker = { agility_mps2 = 44.0, altitude_m.mean = 7.0 }
alerts = { hold_s = 1.0 }
service = { report_period_s = 2.0 }
sensor.tower.false_alarms = 0.5
sensor."*".detection_probability = 0.25
"""
    (setting,) = plan(tmp_path, GOOD + text).settings
    site, base = setting.site, setting.simulated.site
    assert (site.tracker.agility_mps2, site.alerts.hold_s, site.service.report_period_s) == (44.0, 1.0, 2.0)
    assert (site.tracker.altitude_m.mean, site.tracker.altitude_m.sigma) == (7.0, base.tracker.altitude_m.sigma)
    assert {sensor.detection_probability for sensor in site.sensor} == {0.25}
    assert {sensor.id: sensor.false_alarms for sensor in site.sensor}["tower"] == 0.5
    assert site.tracker.births_per_s == base.tracker.births_per_s
    assert [sensor.sigma for sensor in site.sensor] == [sensor.sigma for sensor in base.sensor]
    assert site.zones == base.zones
    assert base.sensor[0].detection_probability != 0.25  # what is simulated stays


def test_a_scenario_lies_beside_the_plan_and_is_cut_to_the_duration(tmp_path):
    (tmp_path / "site.toml").write_text("[service]\norigin = { lat_deg = 1.0, lon_deg = 2.0, alt_m = 0.0 }\n")
    scenario = 'seed = 1\nduration_s = 9.0\nstart = "2026-01-01T00:00:00Z"\n'
    (tmp_path / "near.toml").write_text(scenario)
    found = plan(tmp_path, 'scenarios = ["near.toml", "airport-drones"]\nseeds = { count = 1 }\nduration_s = 20.0\n')
    assert {one.scenario: one.simulated.duration_s for one in found.settings} == {"near": 9.0, "airport-drones": 20.0}


ONE = '\n[[configuration]]\nname = "one"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "duratoin_s = 3.0\n", "plan.toml:3: duratoin_s is not a known key"),
        ('scenarios = ["nowhere"]\nseeds = [1]\n', "plan.toml:1: scenarios[0].scenario is 'nowhere'"),
        ('scenarios = ["airliners", "airliners"]\nseeds = [1]\n', "plan.toml:1: scenarios[1] is 'airliners'"),
        ('scenarios = ["airliners"]\nseeds = [1, 1]\n', "plan.toml:2: seeds is [1, 1]; allowed is each seed once"),
        ('scenarios = ["airliners"]\nseeds = [-1]\n', "plan.toml:2: seeds is [-1]"),
        ('scenarios = ["airliners"]\nseeds = []\n', "plan.toml:2: seeds is []"),
        ('scenarios = ["airliners"]\n', "seeds is missing"),
        (
            'scenarios = ["airliners"]\nseeds = { start = 9223372036854775807, count = 2 }\n',
            "plan.toml:2: seeds is up to",
        ),
        (GOOD + 'metrics = ["totals.gospa"]\n', "plan.toml:3: metrics[0] is 'totals.gospa'"),
        (
            GOOD + 'baseline = "two"\n' + ONE,
            "plan.toml:3: baseline is 'two'; allowed is the name of a configuration: one",
        ),
        (
            GOOD + "score = { c_m = -1.0 }\n",
            "plan.toml:3: score.c_m is -1.0; allowed is a number from 0.001 to 1000000",
        ),
        (GOOD + ONE + ONE, "plan.toml:8: configuration[1].name is 'one'"),
        (GOOD + ONE + "tracker = 3\n", 'plan.toml:6: configuration[0] "one".tracker is 3; allowed is a table'),
        (GOOD + ONE + "tracker.agilty = 3\n", "did you mean agility_mps2?"),
        (GOOD + ONE + 'tracker.agility_mps2 = "3"\n', "agility_mps2 is '3'; allowed is a number from 0.001"),
        (GOOD + ONE + "service.zones = []\n", 'configuration[0] "one".service.zones is []; allowed is left out'),
        (
            GOOD + ONE + "sensor.none.false_alarms = 1\n",
            "sensor.none is 'none'; allowed is a sensor of the site: tower",
        ),
        (GOOD + ONE + 'sensor.tower.id = "x"\n', "sensor.tower.id is 'x'; allowed is left out"),
        (GOOD + ONE + 'site = "none.toml"\n', "none.toml: file is missing"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_is_allowed(tmp_path, text, said):
    with pytest.raises(ConfigError) as caught:
        plan(tmp_path, text)
    assert said in str(caught.value)


def test_a_mistake_for_every_sensor_is_told_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        plan(tmp_path, GOOD + ONE + 'sensor."*".detection_probability = 2.0\n')
    assert len(caught.value.mistakes) == 1


def test_a_grid_that_is_too_large_is_told_with_its_count(tmp_path):
    with pytest.raises(ConfigError, match="1 scenarios × 3,000,000 seeds × 1 configurations = 3,000,000 runs"):
        plan(tmp_path, 'scenarios = ["airliners"]\nseeds = { count = 3_000_000 }\n')
