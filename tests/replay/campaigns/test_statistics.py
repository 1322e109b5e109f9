"""Means, intervals and differences are scipy's; what is not certain is not called so."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from replay.campaigns.page import page
from replay.campaigns.report import grid_text, summary_text
from replay.campaigns.results import entries
from replay.campaigns.statistics import Interval, differences_of, interval
from replay.campaigns.summary import Difference, Metric, summarise, told

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30)


@given(VALUES)
def test_the_interval_is_students(values):
    found = interval(values)
    spread = float(np.std(values, ddof=1))
    scale = max(1.0, max(map(abs, values)))
    assert found.mean == pytest.approx(np.mean(values), abs=1e-9 * scale)
    if spread > 1e-6 * scale:
        low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
        assert (found.low, found.high) == (pytest.approx(low, abs=1e-9 * scale), pytest.approx(high, abs=1e-9 * scale))


@given(st.lists(st.tuples(st.floats(-100, 100), st.floats(-100, 100)), min_size=3, max_size=20))
def test_a_difference_is_that_of_the_paired_t_test(pairs):
    one, two = ([pair[k] for pair in pairs] for k in (0, 1))
    off = differences_of(one, two)
    if np.std(off, ddof=1) < 1e-6:
        return
    oracle = stats.ttest_rel(two, one).confidence_interval(0.95)
    found = interval(off)
    assert (found.low, found.high) == (pytest.approx(oracle.low, abs=1e-6), pytest.approx(oracle.high, abs=1e-6))


def test_missing_values_are_left_out_in_pairs():
    assert differences_of([1.0, None, 3.0, 4.0], [2.0, 5.0, None, 8.0]) == (1.0, 4.0)
    assert interval([None, 2.0, None]) == Interval(1, 2.0, None, None)
    assert interval([None]) == Interval(0, None, None, None)


def test_an_interval_of_no_width_says_nothing_for_certain():
    assert not interval([1.0, 1.0, 1.0]).certain
    assert interval([1.0, 1.1, 1.2]).certain
    assert not interval([-1.0, 1.1, 1.2]).certain


@pytest.mark.parametrize(
    ("better", "values", "verdict"),
    [
        (-1, (1.0, 1.1, 1.2), "worse"),
        (1, (1.0, 1.1, 1.2), "better"),
        (-1, (-1.0, -1.1, -1.2), "better"),
        (0, (1.0, 1.1, 1.2), "different"),
        (-1, (-1.0, 1.1, 1.2), ""),
    ],
)
def test_a_verdict_is_given_only_where_it_is_certain(better, values, verdict):
    assert Difference("s", "c", Metric("m", "m", better=better), interval(values), values).verdict == verdict


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([], "–"),
        ([3.0], "3 m (n = 1)"),
        ([0.0, 0.0, 0.0], "0 m (all 3)"),
        ([100.0, 102.0, 104.0], "102.0 ± 5.0 m"),
        ([0.1, 0.1001, 0.1002], "0.10010 ± 0.00025 m"),
    ],
)
def test_a_mean_is_told_in_the_digits_that_its_interval_allows(values, text):
    assert told(interval(values), "m") == text


def test_the_summary_compares_on_the_same_seeds(grid, outcomes):
    summary = summarise(grid, entries(grid, outcomes))
    rows = {(cell.configuration, cell.seed): outcomes[cell.key].row for cell in grid.cells}
    expected = [rows["agile", seed]["totals.gospa_m"] - rows["default", seed]["totals.gospa_m"] for seed in (3, 4, 5)]
    (found,) = [
        one for one in summary.differences if (one.configuration, one.metric.name) == ("agile", "GOSPA")
    ]  # fmt: skip
    assert found.values == pytest.approx(expected)
    assert {one.configuration for one in summary.differences} == {"agile", "deaf"}


def test_text_and_page_name_what_failed_and_hold_every_configuration(grid, outcomes):
    summary = summarise(grid, entries(grid, outcomes))
    text, html = summary_text(summary), page(grid, summary)
    for name in ("default", "agile", "deaf", "GOSPA", "NothingDetectedError", "airport-drones-deaf-3"):
        assert name in text
        assert name in html
    assert "1 × 3 × 3 = 9" in grid_text(grid, 9, 3)
    loads = re.findall(r"(?:src|href|srcset)=(.{6})|url\((.{6})", html)
    assert {one or other for one, other in loads} == {'"data:'}


def test_the_page_escapes_what_an_error_said(grid, outcomes):
    from dataclasses import replace

    bad = replace(outcomes[grid.cells[-1].key].failure, text="<script>alert(1)</script>")
    changed = outcomes | {grid.cells[-1].key: replace(outcomes[grid.cells[-1].key], failure=bad)}
    html = page(grid, summarise(grid, entries(grid, changed)))
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html
