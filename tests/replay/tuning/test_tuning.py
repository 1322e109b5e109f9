"""`skypicket tune`: what is searched, what is held out, and that a search that was stopped goes on as if it had not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.simulated.scenario import load_scenario
from adapters.site.configuration import load_site
from fusion.errors import ConfigError, RecordingError
from replay.campaigns.overrides import apply
from replay.campaigns.statistics import interval
from replay.campaigns.summary import HEADLINES
from replay.scoring.results import ScoreOptions
from replay.tuning.gain import Gain, Held
from replay.tuning.material import read, split
from replay.tuning.parameters import DEFAULTS, NAMES, overrides, parameters
from replay.tuning.search import Task, search
from replay.tuning.written import write_site
from skypicket.cli import main
from skypicket.simulation import write

SITE = load_scenario("airport-drones").site_path
GOSPA = HEADLINES[0]


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Detections with truth: three of 5 s, and one of 95 s."""
    folder = tmp_path_factory.mktemp("recordings")
    scenario = load_scenario("airport-drones")
    for seed, length in ((1, 5.0), (2, 5.0), (3, 5.0), (4, 95.0)):
        write(str(folder / f"{seed}.mcap"), replace(scenario, duration_s=length), seed, scenario.start_ns)
    return [str(folder / f"{seed}.mcap") for seed in (1, 2, 3, 4)]


@pytest.fixture(scope="module")
def site():
    return load_site(SITE)


@pytest.fixture(scope="module")
def task(site, recordings):
    chosen = parameters(site, ("agility_mps2", "confirmed_existence"))
    material = tuple(read(path, path, site) for path in recordings[:2])
    return Task(site, chosen, material, GOSPA, ScoreOptions(), 5)


@given(st.floats(1e-9, 1e4), st.floats(0.001, 1e4), st.floats(0.01, 0.999), st.floats(0, 1e6))
def test_every_range_holds_the_sites_own_value_and_only_what_a_site_may_say(births, agility, detection, false):
    site = load_site(SITE)
    tracker = replace(site.tracker, births_per_s=births, agility_mps2=agility)
    sensors = tuple(replace(one, detection_probability=detection, false_alarms=false) for one in site.sensor)
    site = replace(site, tracker=tracker, sensor=sensors)
    for one in parameters(site, NAMES):
        assert one.low <= one.value <= one.high
        low, high = (one.found(one.searched(limit)) for limit in (one.low, one.high))
        assert (low, high) == (pytest.approx(one.low, rel=1e-3), pytest.approx(one.high, rel=1e-3))
        for value in (low, high):
            apply(site, overrides(site, {one: value}))  # refuses what is not allowed


def test_the_default_parameters_are_the_trackers_and_each_sensors(site):
    labels = [one.label for one in parameters(site)]
    assert labels[:5] == [
        "agility_mps2", "initial_speed_mps", "births_per_s", "survival_s", "confirmed_existence"
    ]  # fmt: skip
    assert "tower.detection_probability" in labels
    assert "camera-east.false_alarms" in labels
    assert not [label for label in labels if label.endswith("sigma")]
    with pytest.raises(ConfigError, match=r"--parameters is 'agility'; allowed is agility_mps2"):
        parameters(site, ("agility",))
    assert set(DEFAULTS) < set(NAMES)


def test_sigmas_are_scaled_together_and_reach_the_frames(site, recordings):
    (one,) = (one for one in parameters(site, ("sigma",)) if one.sensor == "tower")
    wide = apply(site, overrides(site, {one: 2.0}))
    before, after = ({s.id: s.sigma for s in each.sensor} for each in (site, wide))
    assert after["tower"] == {name: pytest.approx(2.0 * sigma) for name, sigma in before["tower"].items()}
    assert after["camera-east"] == before["camera-east"]
    material = read(recordings[0], recordings[0], site)
    first = material.score(site, ScoreOptions())
    assert material.score(wide, ScoreOptions()) != first
    assert material.score(site, ScoreOptions()) == first


def test_a_search_that_was_stopped_finds_what_an_undisturbed_one_finds(task, tmp_path):
    whole = search(task, 13, tmp_path / "whole")
    search(task, 11, tmp_path / "parts")  # the estimators speak from the eleventh on
    assert search(task, 13, tmp_path / "parts") == whole
    assert whole.trials == 13
    assert whole.best <= whole.base


def test_the_site_itself_is_the_first_trial(task, tmp_path):
    found = search(task, 1, tmp_path)
    assert found.values == {}
    assert found.base == found.best
    figures = [one.score(task.site, task.options)[GOSPA.column] for one in task.recordings]
    assert found.base == pytest.approx(sum(figures) / 2)


def test_another_search_in_the_same_folder_is_another_study(task, tmp_path):
    search(task, 1, tmp_path)
    other = replace(task, metric=next(one for one in HEADLINES if one.column == "completeness"))
    assert other.key() != task.key()
    assert search(other, 1, tmp_path).base <= 1.0


def test_a_share_is_held_out_by_the_seed_and_a_name_by_its_name(site, recordings):
    every = [read(path, path, site) for path in recordings[:3]]
    parts = [split(every, 0.3, seed, ()) for seed in range(8)]
    assert all(len(searched) == 2 and len(held) == 1 for searched, held in parts)
    assert len({held[0].name for _, held in parts}) > 1
    assert split(every, 0.3, 1, ()) == split(every, 0.3, 1, ())
    searched, held = split(every, 0.3, 1, (recordings[1],))
    assert [one.path for one in held] == [recordings[1]]
    assert [one.path for one in searched] == [recordings[0], recordings[2]]
    with pytest.raises(RecordingError, match="none is left to search on"):
        split(every[:2], 0.3, 1, recordings[:2])


def test_a_lone_recording_is_cut_by_time_and_its_end_held_out(site, recordings):
    lone = read(recordings[3], recordings[3], site)
    searched, held = split([lone], 0.3, 1, ())
    assert [one.name[-3:] for one in (*searched, *held)] == ["1/3", "2/3", "3/3"]
    assert len(held) == 1
    frames = [frame for one in (*searched, *held) for frame in one.frames]
    assert [frame.key for frame in frames] == [frame.key for frame in lone.frames]
    with pytest.raises(RecordingError, match="5 s long: too short to be cut"):
        split([read(recordings[0], recordings[0], site)], 0.3, 1, ())


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        ((1.0, 1.1, 1.2), "Certainly better (95 %) on the 3 recordings held out."),
        ((1.0, 9.0, -1.0), "Better on the 3 recordings held out, but not certainly"),
        ((-1.0, -1.1, -1.2), "Certainly worse on the 3 recordings held out: keep"),
        ((-1.0, 1.1, -1.2), "Worse on the 3 recordings held out: keep"),
        ((0.0, 0.0, 0.0), "No gain on"),
        ((2.0,), "not certainly"),
        ((), "nothing is known"),
    ],
)
def test_the_verdict_says_no_more_than_the_interval_does(gains, said):
    each = tuple(Held(str(k), 0.0, value) for k, value in enumerate(gains))
    assert said in Gain(GOSPA, each, interval(gains), "the 3 recordings held out", False).verdict


def test_the_file_that_is_written_is_the_site_with_other_numbers(site, tmp_path):
    source = tmp_path / "site.toml"
    source.write_text("# ours\n" + Path(SITE).read_text())
    (tmp_path / "zones.geojson").write_bytes(Path(SITE).with_name("zones.geojson").read_bytes())
    (tmp_path / "deep" / "er").mkdir(parents=True)
    chosen = parameters(site, ("agility_mps2", "confirmed_hits", "sigma"))
    wanted = overrides(site, {one: one.high for one in chosen})
    out = tmp_path / "deep" / "er" / "best.toml"
    write_site(source, out, wanted, ("said",))
    assert load_site(out).tracker == apply(site, wanted).tracker
    assert load_site(out).sensor == apply(site, wanted).sensor
    assert load_site(out).zones == site.zones
    assert out.read_text().startswith("# said\n")
    assert "# ours" in out.read_text()
    bare = tmp_path / "bare.toml"
    bare.write_text("[service]\norigin = { lat_deg = 1.0, lon_deg = 2.0, alt_m = 0.0 }\n")
    write_site(bare, out, overrides(site, {chosen[0]: 7.0}), ())
    assert load_site(out).tracker.agility_mps2 == 7.0


def test_the_command_writes_a_site_that_check_takes(recordings, tmp_path, capsys):
    out = tmp_path / "tuned"
    options = ["--trials", "3", "--hold-out", recordings[2], "--parameters", "agility_mps2,births_per_s"]
    code = main(["tune", *recordings[:3], "--config", str(SITE), "--out", str(out), *options])
    said = capsys.readouterr().out
    assert code == 0
    assert "the one recording held out" in said
    assert main(["check", str(out / "best.toml")]) == 0
    told = json.loads((out / "tune.json").read_text())
    assert [one["name"] for one in told["parameters"]] == ["agility_mps2", "births_per_s"]
    best = load_site(out / "best.toml").tracker
    assert best.agility_mps2 == told["parameters"][0]["found"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["a.mcap", "--config", "none.toml"], 2, "none.toml"),
        (["a.txt", "--config", str(SITE)], 2, "a.txt"),
        (["a.mcap=-", "--config", str(SITE)], 2, "is read more than once"),
        (["a.mcap", "--config", str(SITE)], 3, "a.mcap"),
        (["a.mcap", "--config", str(SITE), "--hold-out", "b.mcap"], 2, "--hold-out"),
        (["a.mcap", "a.mcap", "--config", str(SITE)], 2, "each recording once"),
    ],
)
def test_what_cannot_be_searched_is_refused_with_words(arguments, code, said, capsys):
    try:
        found = main(["tune", *arguments])
    except SystemExit as refused:
        found = refused.code
    assert found == code
    assert said in capsys.readouterr().err
