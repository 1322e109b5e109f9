"""Two runs compared: intervals that hold what they promise, and no comparison of what cannot be compared."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

from adapters.wire import Sender
from fusion.errors import ConfigError, RecordingError
from fusion.geodesy import Plane
from fusion.types import SECOND_NS, Floats, Picture, Place, Truth
from replay.compare.bootstrap import (
    LEAST_BLOCKS,
    Interval,
    Ratio,
    block_length,
    difference,
    resampled,
    starts,
)
from replay.compare.compare import STRETCH, Comparison, compare_runs
from replay.compare.page import comparison_page, forest
from replay.compare.report import as_dict, as_text
from replay.recordings.files import open_writer
from replay.scoring.results import ScoreOptions
from replay.scoring.run import Run
from replay.scoring.score import score_run
from skypicket.cli import main

START_NS = 1_700_000_000 * SECOND_NS
PLANE = Plane(Place(47.5, 19.0, 0.0))
SECONDS = 900
OPTIONS = ScoreOptions(c_m=50.0)


def correlated(rng: np.random.Generator, phi: float, n: int) -> Floats:
    """x' = φ x + √(1 - φ²) w, from its own stationary distribution: variance 1."""
    noise = rng.normal(size=n)
    noise[1:] *= math.sqrt(1.0 - phi * phi)
    found: Floats = lfilter([1.0], [1.0, -phi], noise)
    return found


def test_intervals_hold_the_true_difference_95_times_in_100() -> None:
    """Root mean squares of two correlated series with a common part, φ = 0.9: the true difference is √2.44 - √2."""
    rng, trials, n, hits = np.random.Generator(np.random.PCG64(11)), 300, 1800, 0
    truth = math.sqrt(1.0 + 1.44) - math.sqrt(2.0)
    for trial in range(trials):
        common, own_a, own_b = (correlated(rng, 0.9, n) for _ in range(3))
        a, b = ((common + own_a) ** 2, (common + 1.2 * own_b) ** 2)
        block = math.ceil(max(STRETCH * block_length(b - a), 60.0))
        one = np.ones(n)
        found = difference(Ratio(a, one, root=True), Ratio(b, one, root=True), starts(n, block, trial, 500), block)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high
    assert 272 <= hits <= 296  # 99.9 % of what a binomial of 300 and 0.95 gives


def test_blocks_that_are_too_short_would_not_hold_it() -> None:
    """The oracle of the test above is able to fail: single instants make intervals that are far too narrow."""
    rng, hits, n = np.random.Generator(np.random.PCG64(12)), 0, 1800
    for trial in range(60):
        common, own_a, own_b = (correlated(rng, 0.9, n) for _ in range(3))
        a, b, one = (common + own_a) ** 2, (common + 1.2 * own_b) ** 2, np.ones(n)
        found = difference(Ratio(a, one, root=True), Ratio(b, one, root=True), starts(n, 1, trial, 300), 1)
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= math.sqrt(2.44) - math.sqrt(2.0) <= found.high
    assert hits < 45


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=30), st.integers(1, 30), st.integers(0, 1000))
def test_a_resample_is_the_sum_of_its_blocks(values: list[float], block: int, seed: int) -> None:
    n = len(values)
    block = min(block, n)
    begins = starts(n, block, seed, 5)
    for row, total in zip(begins, resampled(np.array(values), begins, block), strict=True):
        taken = [values[(begin + k) % n] for begin in row for k in range(block)][:n]
        assert total == pytest.approx(sum(taken), abs=1e-9)


def test_the_block_length_grows_with_the_correlation_and_is_one_for_noise() -> None:
    rng = np.random.Generator(np.random.PCG64(3))
    lengths = [np.mean([block_length(correlated(rng, phi, 2000)) for _ in range(20)]) for phi in (0.0, 0.5, 0.9)]
    # Of an AR(1), Ĝ / ĝ(0) is 2 φ / (1 - φ²).
    theory = [(1.5 * (2 * phi / (1 - phi**2)) ** 2 * 2000) ** (1 / 3) for phi in (0.5, 0.9)]
    assert lengths[0] < 3.0
    assert lengths[1] == pytest.approx(theory[0], rel=0.35)
    assert lengths[2] == pytest.approx(theory[1], rel=0.35)
    assert block_length(np.zeros(100)) == 1.0


def test_ratios_are_formed_anew_from_sums_not_averaged() -> None:
    """Where one instant has nearly all pairs, the mean of ratios would be far from the ratio of sums."""
    top, bottom = np.array([1.0, 1.0, 100.0, 1.0]), np.array([1.0, 1.0, 1000.0, 0.0])
    assert Ratio(top, bottom).value() == pytest.approx(103.0 / 1002.0)
    assert Ratio(top, bottom, root=True).value() == pytest.approx(math.sqrt(103.0 / 1002.0))
    assert math.isnan(Ratio(top, np.zeros(4)).value())


def flight(seconds: int = SECONDS) -> tuple[Truth, ...]:
    """Two objects, 10 km apart, to the north at 50 m/s."""
    found = []
    for second in range(seconds):
        rows = np.array([(0.0, 50.0 * second, 0.0), (10_000.0, 50.0 * second, 0.0)])
        lat, lon, _ = PLANE.to_geodetic(rows)
        zero, speed = np.zeros(2), np.full(2, 50.0)
        found.append(
            Truth(START_NS + second * SECOND_NS, ("one", "two"), lat, lon, np.zeros(2), zero, speed, zero,
                  np.zeros(2, dtype=bool))
        )  # fmt: skip
    return tuple(found)


def picture(second: int, rows: list[tuple[int, float, float]], shift_ns: int = 0) -> Picture:
    """Tracks (id, east, north) with a sigma of 10 m."""
    n = len(rows)
    lat, lon, _ = PLANE.to_geodetic(np.array([(east, north, 0.0) for _, east, north in rows]).reshape(-1, 3))
    triangle = np.zeros((n, 21))
    triangle[:, [0, 6, 11, 15, 18, 20]] = 100.0
    whole, none = np.zeros(n, dtype=np.int64), (None,) * n
    return Picture(
        START_NS + second * SECOND_NS + shift_ns, np.array([one for one, _, _ in rows], dtype=np.int64),
        ("confirmed",) * n, np.ones(n), lat, lon, np.zeros(n), np.zeros(n), np.full(n, 50.0), np.zeros(n), triangle,
        ("cruise",) * n, np.ones(n), whole, whole, whole, ((),) * n, none, none, none,
    )  # fmt: skip


def tracked(seed: int, scale: float = 10.0, blind: float = 0.0, seconds: int = SECONDS) -> Run:
    """Both objects with correlated errors of `scale` m each axis; object two not tracked for a share of the time."""
    rng = np.random.Generator(np.random.PCG64(seed))
    errors = [scale * correlated(rng, 0.8, seconds) for _ in range(4)]
    hidden = correlated(rng, 0.9, seconds) < np.quantile(correlated(rng, 0.9, 5000), blind)
    pictures = []
    for second in range(seconds):
        east, north, east2, north2 = (error[second] for error in errors)
        rows = [(1, east, 50.0 * second + north)]
        if not (blind and hidden[second]):
            rows.append((2, 10_000.0 + east2, 50.0 * second + north2))
        pictures.append(picture(second, rows))
    return Run(tuple(pictures), flight(seconds))


def by_name(found: Comparison) -> dict[str, Any]:
    return {one.name.strip(): one for one in found.figures}


@pytest.fixture(scope="module")
def good() -> Run:
    return tracked(1)


@pytest.fixture(scope="module")
def bad() -> Run:
    """Errors half as large again, and the second object missed for a fifth of the time."""
    return tracked(2, 15.0, 0.2)


@pytest.fixture(scope="module")
def found(good: Run, bad: Run) -> Comparison:
    return compare_runs(good, bad, OPTIONS, names=("good.jsonl", "<bad>.jsonl"))


def test_a_run_compared_with_itself_differs_by_exactly_nothing(good: Run) -> None:
    for one in compare_runs(good, replace(good), OPTIONS).figures:
        assert one.interval in (Interval(0.0, 0.0, 0.0), None)
        assert one.winner is None
        assert one.a == one.b


def test_a_run_made_worse_on_purpose_is_found_worse_and_certain(found: Comparison) -> None:
    figures = by_name(found)
    for name in ("GOSPA", "localisation", "missed", "position error", "completeness", "NEES / dimension"):
        assert figures[name].winner == "A", name
        assert figures[name].interval.certain, name
    assert "A is better by" in as_text(found)
    assert "certain" in as_text(found)


def test_two_runs_that_are_equally_good_are_not_told_apart(good: Run) -> None:
    figures = by_name(compare_runs(good, tracked(5), OPTIONS))
    for name in ("GOSPA", "position error", "NEES / dimension"):
        interval = figures[name].interval
        assert interval.low < 0.0 < interval.high
        assert not interval.certain


def test_the_figures_are_those_of_the_score(good: Run, bad: Run, found: Comparison) -> None:
    figures = by_name(found)
    for side, run in (("a", good), ("b", bad)):
        score = score_run(run, OPTIONS)
        told = {name: getattr(one, side) for name, one in figures.items()}
        assert told["GOSPA"] == pytest.approx(score.totals.gospa_m, rel=1e-12)
        assert told["missed"] == pytest.approx(score.totals.missed_m, rel=1e-12)
        assert told["position error"] == pytest.approx(score.errors.position_rmse_m, rel=1e-12)
        assert told["velocity error"] == pytest.approx(score.errors.velocity_rmse_mps, rel=1e-12)
        assert told["completeness"] == pytest.approx(score.completeness, rel=1e-12)
        assert told["NEES / dimension"] == pytest.approx(score.consistency.nees_per_dof, rel=1e-12)
        assert told["false tracks"] == pytest.approx(score.false_time_s)
        assert told["breaks"] == score.breaks
        assert told["identity switches"] == score.switches
        assert score.trajectory is not None
        assert told["trajectory GOSPA"] == pytest.approx(score.trajectory.total_m, rel=1e-12)
        assert score.ospa is not None
        assert told["OSPA(2)"] == pytest.approx(score.ospa.ospa2_m, rel=1e-12)


def test_identity_switches_and_breaks_are_counted_where_they_happen() -> None:
    """Track 1 becomes 3 at 100 s; object two is lost from 200 to 209 s and found again by the same track."""
    run = tracked(1, 0.0, seconds=300)
    pictures = list(run.pictures)
    for second in range(300):
        rows = [(1 if second < 100 else 3, 0.0, 50.0 * second), (2, 10_000.0, 50.0 * second)]
        pictures[second] = picture(second, rows[:1] if 200 <= second < 210 else rows)
    figures = by_name(compare_runs(run, Run(tuple(pictures), run.truth), OPTIONS))
    assert (figures["identity switches"].a, figures["identity switches"].b) == (0.0, 1.0)
    assert (figures["breaks"].a, figures["breaks"].b) == (0.0, 1.0)
    assert not figures["breaks"].interval.certain  # once is chance


def test_the_seed_decides_and_the_block_is_told(good: Run, bad: Run, found: Comparison) -> None:
    again = compare_runs(good, bad, OPTIONS)
    assert [one.interval for one in again.figures] == [one.interval for one in found.figures]
    other = compare_runs(good, bad, OPTIONS, seed=1)
    assert [one.interval for one in other.figures] != [one.interval for one in found.figures]
    assert found.block > 60
    assert found.rule == "by the autocorrelation of the differences"
    asked = compare_runs(good, bad, OPTIONS, block_s=30.0)
    assert (asked.block, asked.blocks, asked.rule) == (30, 30, "as asked for")
    for wrong in (0.2, 901.0):
        with pytest.raises(ConfigError, match="--block"):
            compare_runs(good, bad, OPTIONS, block_s=wrong)


def test_a_run_of_too_few_blocks_has_differences_and_no_interval(good: Run, bad: Run) -> None:
    found = compare_runs(good, bad, OPTIONS, block_s=300.0)
    assert found.blocks < LEAST_BLOCKS
    assert any("no interval is told" in note for note in found.notes)
    gospa = by_name(found)["GOSPA"]
    assert gospa.interval.difference > 0.0
    assert gospa.interval.low is None
    assert not gospa.interval.certain
    assert "too little time" in as_text(found)


def test_only_common_instants_count_and_the_others_are_told(good: Run, bad: Run) -> None:
    """A lacks the first 100 s, B every picture from 500 to 509 s: those are empty in B and there in A."""
    late = replace(good, pictures=good.pictures[100:])
    holed = replace(bad, pictures=bad.pictures[:500] + bad.pictures[510:])
    found = compare_runs(late, holed, OPTIONS)
    assert (found.a.instants, found.b.instants) == (800, 800)
    assert "B has 100 instants more" in found.notes[0]
    assert "10 pictures of B were due" in found.notes[1]
    assert found.b.over_time.tracks[400:410].sum() == 0
    assert found.a.over_time.tracks[400:410].sum() == 20


def test_other_paces_meet_at_the_common_instants(good: Run, bad: Run) -> None:
    found = compare_runs(good, replace(bad, pictures=bad.pictures[::2]), OPTIONS)
    assert found.a.instants == 450
    assert found.a.period_s == 2.0
    assert any("between the common ones" in note for note in found.notes)


def test_runs_of_different_recordings_are_refused_with_words(good: Run) -> None:
    later = [replace(one, time_ns=one.time_ns + 10**15) for one in good.pictures]
    with pytest.raises(RecordingError, match=r"b\.mcap: it is not a run on the same recording: a\.mcap runs from"):
        compare_runs(good, replace(good, pictures=tuple(later)), OPTIONS, names=("a.mcap", "b.mcap"))
    elsewhere = [replace(one, lat_deg=one.lat_deg + 1.0) for one in good.pictures]
    with pytest.raises(RecordingError, match=r"b\.mcap: none of its 1,800 track points is within 50 m"):
        compare_runs(good, replace(good, pictures=tuple(elsewhere)), OPTIONS, names=("a.mcap", "b.mcap"))
    shifted = [replace(one, time_ns=one.time_ns + SECOND_NS // 2) for one in good.pictures]
    with pytest.raises(RecordingError, match="no instant is in both"):
        compare_runs(good, replace(good, pictures=tuple(shifted)), OPTIONS)


def test_a_run_that_shows_nothing_is_compared_not_refused(good: Run) -> None:
    blind = replace(good, pictures=tuple(picture(second, []) for second in range(SECONDS)))
    figures = by_name(compare_runs(good, blind, OPTIONS))
    assert figures["GOSPA"].winner == "A"
    assert figures["position error"].interval is None


def test_the_page_and_the_data_hold_every_figure(found: Comparison) -> None:
    text = comparison_page(found)
    assert "&lt;bad&gt;.jsonl" in text
    assert "<bad>" not in text
    assert text.count('class="lane"') == sum(one.interval is not None for one in found.figures)
    told = json.loads(json.dumps(as_dict(found), allow_nan=False))
    assert [one["name"] for one in told["figures"]] == [one.name.strip() for one in found.figures]
    assert told["figures"][0]["certain"] is True


def test_the_forest_puts_what_is_better_for_b_on_the_right(found: Comparison, good: Run, bad: Run) -> None:
    gospa = next(one for one in found.figures if one.name == "GOSPA")
    complete = next(one for one in found.figures if one.name == "completeness")
    for one, shown in ((gospa, forest([gospa])), (complete, forest([complete]))):
        assert one.winner == "A"
        dot = float(shown.partition('dot sure" style="left:')[2].partition("%")[0])
        assert dot < 50.0


def test_a_browser_draws_the_comparison(browser: Any, found: Comparison, tmp_path: Path) -> None:
    (tmp_path / "c.html").write_text(comparison_page(found), encoding="utf-8")
    browser.open(tmp_path / "c.html", "#t=10", size=(390, 800))
    assert browser.evaluate("document.documentElement.dataset.ready") == "3"
    assert browser.evaluate("document.documentElement.dataset.time") == "10"
    assert browser.evaluate("document.documentElement.scrollWidth") <= 390
    assert browser.said == []


def record(path: Path, run: Run, truth: bool) -> str:
    sender = Sender("test", epoch="e")
    with open_writer(path) as writer:
        for one in run.truth if truth else run.pictures:
            names = ("lat_deg", "lon_deg", "alt_m", "east_mps", "north_mps", "up_mps")
            columns: dict[str, Any] = {name: getattr(one, name).tolist() for name in names}
            columns["id"] = list(one.id) if isinstance(one, Truth) else one.id.tolist()
            if isinstance(one, Picture):
                columns |= {"status": list(one.status), "covariance": one.covariance.tolist()}
            kind = "truth" if truth else "tracks"
            message = sender.stamp(kind, {"type": kind, "time_ns": one.time_ns, "columns": columns})
            writer.write(kind, message, one.time_ns)
    return str(path)


def test_the_command_prints_text_or_data_and_writes_the_page(tmp_path: Path, capsys: Any) -> None:
    a, b = tracked(1, seconds=200), tracked(2, 20.0, seconds=200)
    paths = [record(tmp_path / f"{name}.jsonl", run, False) for name, run in (("a", a), ("b", b))]
    truth, page = record(tmp_path / "truth.jsonl", a, True), tmp_path / "c.html"
    asked = ["compare", *paths, "--truth", truth, "--c", "50"]
    assert main([*asked, "--html", str(page)]) == 0
    said = capsys.readouterr().out
    assert "A is better by" in said
    assert "an eighth of the run" in said
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert main([*asked, "--json", "--block", "10"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["instants"], told["block_s"], told["blocks"]) == (200, 10.0, 20)
    assert main([*asked, "--block", "1000"]) == 2
    assert "--block" in capsys.readouterr().err
    assert main(["compare", "-", "-", "--truth", truth]) == 2
    far = replace(a, pictures=tuple(replace(one, time_ns=one.time_ns + 10**15) for one in a.pictures))
    other = record(tmp_path / "far.jsonl", far, False)
    assert main(["compare", paths[0], other, "--truth", truth]) == 3
    assert "not a run on the same recording" in capsys.readouterr().err


def test_values_that_differ_by_the_order_of_their_sums_are_told_as_the_same() -> None:
    one = Ratio(np.full(30, 0.1), np.ones(30))
    other = Ratio(np.full(16, 0.1), np.ones(16))
    assert one.value() != other.value()  # 0.1 but for a last bit
    found = difference(one, Ratio(np.append(other.top, np.zeros(14)), np.append(other.bottom, np.zeros(14))),
                       starts(30, 3, 0), 3)  # fmt: skip
    assert found is not None
    assert found.difference == 0.0
