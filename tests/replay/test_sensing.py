"""Scores of sensors on simulated frames, whose truth, sigmas, biases and detection probability are known."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

from fusion.config import SensorConfig, ServiceConfig, SiteConfig, TrackerConfig
from fusion.geodesy import Plane
from fusion.types import SECOND_NS, Coverage, Frame, Picture, Place, Pose, Truth
from replay.scoring.report import as_dict, as_text
from replay.scoring.results import Score, ScoreOptions
from replay.scoring.run import Run
from replay.scoring.score import NO_FRAMES, score_run

START_S = 1_700_000_000
ORIGIN = Place(47.5, 19.0, 0.0)
PLANE = Plane(ORIGIN)
SIGMAS = {"range_m": 20.0, "azimuth_deg": 0.3, "elevation_deg": 0.4}
SECONDS, OBJECTS = 120, 6
VARIANCES = np.array([400.0, 300.0, 500.0, 9.0, 9.0, 4.0])


def radar(**changes: Any) -> SensorConfig:
    coverage = Coverage(range_m=(100.0, 30_000.0), azimuth_deg=(0.0, 360.0), elevation_deg=(-5.0, 60.0))
    sigma: dict[Any, float] = dict(SIGMAS)
    config = SensorConfig("north", "radar", tuple(sigma), sigma, coverage, Pose(47.5, 19.0, 0.0), 0.8, 2.0, 1.0)
    return dataclasses.replace(config, **changes)


def states(second: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Objects on straight ways, 2 km apart: (n, 6) in the plane."""
    number = np.arange(OBJECTS)
    start = np.column_stack([4000.0 + 2000.0 * number, np.full(OBJECTS, -3000.0), np.full(OBJECTS, 1500.0)])
    velocity = np.tile([10.0, 60.0, 0.0], (OBJECTS, 1))
    return np.column_stack([start + velocity * second, velocity])


def geodetic(place: Any) -> tuple[Any, Any, Any]:
    return PLANE.to_geodetic(place)


def run_of(
    bias: dict[str, float] | None = None,
    found: float = 0.8,
    sensor: SensorConfig | None = None,
    ghosts: int = 2,
    honest: float = 1.0,
    delay_s: int = 5,
) -> Run:
    """Frames each second, half a second after the picture; pictures whose tracks err as their covariance says.

    honest: by how much the tracks' covariance is told too small.
    """
    rng, config = np.random.default_rng(11), sensor or radar()
    site = SiteConfig(ServiceConfig(ORIGIN), TrackerConfig(initial_climb_mps=0.1, agility_mps2=0.01), (config,))
    truths, pictures, frames = [], [], []
    for second in range(SECONDS):
        lat, lon, alt = geodetic(states(second)[:, :3])
        time_ns = (START_S + second) * SECOND_NS
        velocity = states(second)[:, 3:]
        names = tuple("abcdefgh"[:OBJECTS])
        truths.append(Truth(time_ns, names, lat, lon, alt, *velocity.T, np.zeros(OBJECTS, dtype=bool)))
        frames.append(frame(rng, config, second + 0.5, bias or {}, found, ghosts, second))
        pictures.append(picture(rng, time_ns, second, OBJECTS if second >= delay_s else 0, honest))
    return Run(tuple(pictures), tuple(truths), frames=tuple(frames), site=site)


def frame(
    rng: np.random.Generator,
    config: SensorConfig,
    second: float,
    bias: dict[str, float],
    found: float,
    ghosts: int,
    seq: int,
) -> Frame:
    place = states(second)[rng.random(OBJECTS) < found, :3]
    level = np.hypot(place[:, 0], place[:, 1])
    exact = {
        "range_m": np.sqrt((place**2).sum(axis=1)),
        "azimuth_deg": np.degrees(np.arctan2(place[:, 0], place[:, 1])),
        "elevation_deg": np.degrees(np.arctan2(place[:, 2], level)),
    }
    columns = []
    for name in config.measures:
        noisy = exact[name] + rng.normal(bias.get(name, 0.0), SIGMAS[name], len(place))
        far = {"range_m": 25_000.0, "azimuth_deg": 180.0, "elevation_deg": 30.0}[name]
        columns.append(np.concatenate([noisy, far + rng.normal(0.0, 1.0, ghosts)]))
    unit = [1.0 if name == "range_m" else math.pi / 180.0 for name in config.measures]
    values = np.column_stack(columns) * unit
    sigmas = np.tile(np.array([SIGMAS[name] for name in config.measures]) * unit, (len(values), 1))
    time_ns = START_S * SECOND_NS + round(second * SECOND_NS)
    return Frame("sim", "north", seq, "e", time_ns, values, sigmas, np.full(len(values), time_ns))


def picture(rng: np.random.Generator, time_ns: int, second: int, many: int, honest: float) -> Picture:
    state = states(second)[:many] + rng.normal(size=(many, 6)) * np.sqrt(VARIANCES)
    lat, lon, alt = geodetic(state[:, :3])
    triangle = np.diag(VARIANCES * honest)[np.triu_indices(6)]
    whole, n = np.full(many, time_ns), many
    return Picture(
        time_ns, np.arange(n), ("confirmed",) * n, np.ones(n), lat, lon, alt, *state[:, 3:].T,
        np.tile(triangle, (n, 1)), ("cruise",) * n, np.ones(n), whole, whole, np.ones(n, dtype=np.int64),
        ((),) * n, (None,) * n, (None,) * n, (None,) * n,
    )  # fmt: skip


def scored(run: Run) -> Score:
    return score_run(run, ScoreOptions(c_m=200.0, dims=3))


def test_detection_ratio_false_detections_and_residuals_are_those_simulated() -> None:
    found = scored(run_of()).sensors
    assert found is not None
    (only,) = found.sensors
    # the last frame comes after the last picture
    assert (only.looks, only.opportunities) == (SECONDS - 1, (SECONDS - 1) * OBJECTS)
    assert only.detection_ratio == pytest.approx(0.8, abs=3.0 * math.sqrt(0.16 / only.opportunities))
    assert (only.expected_ratio, only.expected_false_per_look) == (0.8, 2.0)
    assert only.false_per_look == 2.0
    for part in only.residuals:
        registered = SIGMAS[part.component]
        assert part.count == only.detected
        assert part.sigma == pytest.approx(registered)
        assert abs(part.bias) < 4.0 * registered / math.sqrt(part.count)
        assert part.spread == pytest.approx(registered, rel=0.1)


def test_a_bias_is_told_and_does_not_cost_detections() -> None:
    """Five sigmas off in azimuth: outside of what agrees with truth as it stands."""
    found = scored(run_of({"azimuth_deg": 1.5, "range_m": -40.0})).sensors
    assert found is not None
    (only,) = found.sensors
    bias = {part.component: part.bias for part in only.residuals}
    assert bias["azimuth_deg"] == pytest.approx(1.5, abs=0.06)
    assert bias["range_m"] == pytest.approx(-40.0, abs=4.0)
    assert abs(bias["elevation_deg"]) < 0.08
    assert only.detection_ratio == pytest.approx(0.8, abs=0.05)


def test_nis_is_one_for_honest_tracks_and_not_for_others() -> None:
    honest = scored(run_of())
    assert honest.sensors is not None
    told = honest.sensors.nis
    assert told.low is not None
    assert told.high is not None
    assert told.per_dof is not None
    assert told.low < told.per_dof < told.high
    assert told.inside == pytest.approx(0.95, abs=0.03)
    assert told.dof == 3 * told.count
    sure = scored(run_of(honest=0.04)).sensors
    assert sure is not None
    assert sure.nis.per_dof is not None
    assert sure.nis.per_dof > told.high
    assert honest.over_time.nis is not None
    assert np.isfinite(honest.over_time.nis).sum() == SECONDS - 1 - 5


def test_what_was_not_measured_is_not_counted() -> None:
    run = run_of()
    frames = []
    for k, each in enumerate(run.frames):
        values = each.values.copy()
        if k % 2:
            values[:, 2] = np.nan
        frames.append(dataclasses.replace(each, values=values))
    found = scored(dataclasses.replace(run, frames=tuple(frames))).sensors
    assert found is not None
    (only,) = found.sensors
    counts = {part.component: part.count for part in only.residuals}
    assert counts["elevation_deg"] < counts["range_m"] == only.detected
    assert only.nis.dof < 3 * only.nis.count
    assert found.nis.per_dof == pytest.approx(1.0, abs=0.15)


def test_a_look_at_a_sector_is_an_opportunity_for_what_is_inside_alone() -> None:
    run = run_of(found=1.0, ghosts=0)
    sector = Coverage(azimuth_deg=(90.0, 180.0))
    frames = tuple(dataclasses.replace(each, swept=sector) for each in run.frames)
    found = scored(dataclasses.replace(run, frames=frames)).sensors
    assert found is not None
    (only,) = found.sensors
    south = sum((states(second + 0.5)[:, 1] < 0.0).sum() for second in range(SECONDS - 1))
    assert only.opportunities == south
    assert only.detected == south
    assert only.expected_false_per_look == pytest.approx(0.5)
    assert only.false == 0  # those outside are real too


def test_latency_runs_from_the_first_detection_to_the_first_picture() -> None:
    found = scored(run_of(found=1.0))
    assert found.sensors is not None
    assert found.sensors.latency.median_s == 4.5
    assert (found.sensors.latency.objects, found.sensors.latency.never) == (OBJECTS, 0)
    assert {one.latency_s for one in found.objects} == {4.5}
    never = scored(run_of(found=1.0, delay_s=SECONDS))
    assert never.sensors is not None
    assert (never.sensors.latency.median_s, never.sensors.latency.never) == (None, OBJECTS)
    assert never.sensors.nis.count == 0


def test_a_detection_with_a_time_of_its_own_is_compared_with_truth_then() -> None:
    """Half a second before the frame: at 60 m/s an error of 30 m in the first place."""
    run = run_of(found=1.0, ghosts=0)
    shifted = tuple(dataclasses.replace(each, time_ns=each.time_ns + SECOND_NS // 2) for each in run.frames[:-1])
    found = scored(dataclasses.replace(run, frames=shifted)).sensors
    assert found is not None
    (only,) = found.sensors
    for part in only.residuals:
        assert abs(part.bias) < 4.0 * part.sigma / math.sqrt(part.count)


def test_without_frames_it_says_what_is_left_out() -> None:
    run = run_of()
    found = score_run(dataclasses.replace(run, frames=(), site=None), ScoreOptions(c_m=200.0))
    assert found.sensors is None
    assert NO_FRAMES in found.notes
    assert "NIS" in as_text(found)
    empty = score_run(dataclasses.replace(run, frames=()), ScoreOptions(c_m=200.0))
    assert empty.sensors is None
    assert any("no frame of a configured sensor" in note for note in empty.notes)


def test_text_and_data_hold_all_of_it() -> None:
    found = scored(run_of())
    text = as_text(found)
    for words in ("trajectory GOSPA", "OSPA(2)", "heading, clockwise", "purity", "NIS", "false a look", "azimuth_deg"):
        assert words in text
    data = as_dict(found, over_time=True)
    assert data["sensors"]["sensors"][0]["detection_ratio"] == pytest.approx(0.8, abs=0.05)
    assert len(data["over_time"]["nis"]) == SECONDS
    assert data["over_time"]["nis"][0] is None
