"""What has ended stays, whatever crashes: the ledger, its results, and a campaign that has nothing left to do."""

from __future__ import annotations

import json

import polars as pl
import pytest

from fusion.errors import RecordingError
from replay.campaigns.campaign import Choices, carry_out, count
from replay.campaigns.ledger import NAME, Ledger
from replay.campaigns.results import FILE, entries, frame, write


def filled(folder, outcomes):
    folder.mkdir(exist_ok=True)
    with Ledger(folder) as ledger:
        for outcome in outcomes:
            ledger.add(outcome)
    return folder


def test_what_was_added_is_there_again(tmp_path, outcomes):
    with Ledger(filled(tmp_path, outcomes.values())) as ledger:
        assert ledger.ended == outcomes


def test_a_line_cut_by_a_crash_is_taken_off_at_every_byte(tmp_path, outcomes):
    first, second = list(outcomes.values())[:2]
    path = filled(tmp_path, [first, second]) / NAME
    whole = path.read_bytes()
    begin = whole.index(b"\n") + 1
    for end in (begin, begin + 1, begin + 57, len(whole) - 1):
        path.write_bytes(whole[:end])
        with Ledger(tmp_path) as ledger:
            assert list(ledger.ended) == [first.key]
            ledger.add(second)
        assert path.read_bytes() == whole


def test_a_damaged_line_is_named_with_its_offset(tmp_path, outcomes):
    path = filled(tmp_path, list(outcomes.values())[:1]) / NAME
    good = path.read_bytes()
    for bad in (b"garbage\n", b"{}\n", b'{"key": 3}\n', b"[]\n", b"7\n", b'"forget"\n'):
        path.write_bytes(good + bad)
        with pytest.raises(RecordingError, match=f"at byte {len(good)}: line 2 is no ended run"):
            Ledger(tmp_path)
        assert path.read_bytes() == good + bad


def test_two_campaigns_do_not_write_one_folder(tmp_path):
    with Ledger(tmp_path), pytest.raises(RecordingError, match="another campaign is writing it"):
        Ledger(tmp_path)
    Ledger(tmp_path).close()


def test_what_is_forgotten_is_forgotten_for_good(tmp_path, outcomes):
    key = next(iter(outcomes))
    with Ledger(filled(tmp_path, outcomes.values())) as ledger:
        ledger.forget([key, "unknown"])
    with Ledger(tmp_path) as ledger:
        assert set(ledger.ended) == set(outcomes) - {key}
        ledger.add(outcomes[key])
    with Ledger(tmp_path) as ledger:
        assert set(ledger.ended) == set(outcomes)


def test_the_results_are_the_same_bytes_whatever_ended_first(tmp_path, grid, outcomes):
    reverse = dict(reversed(outcomes.items()))
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one = write(tmp_path / "one", entries(grid, outcomes)).read_bytes()
    assert write(tmp_path / "two", entries(grid, reverse)).read_bytes() == one


def test_the_table_has_a_row_for_each_run_and_a_null_for_what_is_not_there(grid, outcomes):
    table = frame(entries(grid, outcomes))
    assert table.select("scenario", "configuration", "seed").rows() == [
        (cell.scenario, cell.configuration, cell.seed) for cell in grid.cells
    ]
    failed = table.filter(pl.col("status") == "failed")
    assert failed["configuration"].unique().to_list() == ["deaf"]
    assert failed["error"].unique().to_list() == ["NothingDetectedError"]
    assert failed["totals.gospa_m"].null_count() == len(failed) == len(grid.plan.seeds)
    done = table.filter(pl.col("status") == "done")
    assert done["error"].null_count() == len(done)
    assert [table.schema[name] for name in ("switches", "totals.gospa_m", "seed")] == [pl.Int64, pl.Float64, pl.Int64]
    for row, cell in zip(table.iter_rows(named=True), grid.cells, strict=True):
        own = outcomes[cell.key].row
        assert all(row[name] == value for name, value in own.items())


def test_a_campaign_with_nothing_left_starts_no_worker_and_tells_everything(tmp_path, grid, outcomes):
    folder = filled(tmp_path / "out", outcomes.values())
    assert count(grid, folder) == (9, 3)
    told = []
    summary = carry_out(
        grid, folder, Choices(cluster="nowhere:1"), lambda tally: told.append((tally.left, tally.failed))
    )
    assert told == [(0, 3)]
    assert (summary.ended, len(summary.failed), summary.left) == (9, 3, 0)
    assert len(pl.read_parquet(folder / FILE)) == 9
    kept = {path.name: path.read_text() for path in (folder / "failures").iterdir()}
    assert sorted(kept) == [f"airport-drones-deaf-{seed}.txt" for seed in (3, 4, 5)]
    assert "airport-drones, deaf, seed 3\nNothingDetectedError: " in kept["airport-drones-deaf-3.txt"]
    assert "Traceback" in kept["airport-drones-deaf-3.txt"]


def test_results_of_another_plan_are_passed_over(tmp_path, grid, outcomes):
    cell = grid.cells[0]
    changed = dict(json.loads(json.dumps({"key": "another"})))
    other = type(outcomes[cell.key])(**changed)
    assert count(grid, filled(tmp_path / "out", [other])) == (0, 0)
