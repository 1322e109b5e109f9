"""`skypicket campaign`: on real Ray workers, one of which is killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from benchmarks.campaign import below, workers
from replay.campaigns.grid import Grid
from replay.campaigns.ledger import Ledger
from replay.campaigns.plan import load_plan
from replay.campaigns.run import perform
from skypicket.cli import main
from skypicket.tally import duration, tally_text

ROOT = Path(__file__).parents[2]
PLAN = """scenarios = ["airport-drones"]
seeds = [1, 2, 3, 4, 5, 6]
duration_s = 6.0
"""


def command(plan, out, *more):
    return [sys.executable, "-m", "skypicket", "campaign", str(plan), "--out", str(out), "--workers", "2", *more]


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """A whole campaign, with a worker killed in its middle: (folder, exit code, what it said, processes it left)."""
    folder = tmp_path_factory.mktemp("campaign")
    (folder / "plan.toml").write_text(PLAN)
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": "/tmp"}
    child = subprocess.Popen(
        command(folder / "plan.toml", folder / "out"), cwd=ROOT, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    runs, killed, seen = folder / "out" / "runs.jsonl", 0, set()
    while child.poll() is None:
        seen |= {one.pid for one in below(child.pid)}
        if not killed and runs.exists() and runs.read_bytes().count(b"\n") >= 1:
            killed = max(workers(child.pid), key=lambda one: one.cpu_s).pid
            os.kill(killed, signal.SIGKILL)
        time.sleep(0.3)
    said, _ = child.communicate()
    assert killed, said
    left = [pid for pid in seen if Path(f"/proc/{pid}/stat").exists() and not is_zombie(pid)]
    return folder, child.returncode, said, left


def is_zombie(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_killed_worker_loses_no_run_and_changes_no_number(campaign):
    folder, code, said, _ = campaign
    assert code == 0, said
    table = pl.read_parquet(folder / "out" / "results.parquet")
    assert table["seed"].to_list() == [1, 2, 3, 4, 5, 6]
    assert table["status"].unique().to_list() == ["done"]
    grid = Grid.of(load_plan(folder / "plan.toml"))
    for cell in grid.cells[:2]:
        here = perform(grid.job(cell)).row
        (row,) = table.filter(pl.col("seed") == cell.seed).iter_rows(named=True)
        assert {name: row[name] for name in here} == here


def test_it_says_its_grid_its_figures_and_where_they_are(campaign):
    folder, _, said, _ = campaign
    assert re.search(r"runs +1 × 1 × 6 = 6", said)
    assert re.search(r"GOSPA +[\d.]+ ± [\d.]+ m", said)
    assert (folder / "out" / "summary.html").read_text().startswith("<!doctype html>")
    assert not (folder / "out" / "failures").exists()


def test_it_leaves_no_process_and_nothing_in_the_temporary_folder(campaign):
    _, _, _, left = campaign
    assert left == []
    assert [path for path in Path("/tmp").glob("skypicket-ray-*") if not locked(path)] == []


def locked(folder):
    import fcntl

    with (folder / "owner").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def test_the_same_command_again_does_nothing_and_gives_the_same_bytes(campaign, capsys):
    folder, *_ = campaign
    results = folder / "out" / "results.parquet"
    before, lines = results.read_bytes(), (folder / "out" / "runs.jsonl").read_bytes()
    results.unlink()
    assert main(["campaign", str(folder / "plan.toml"), "--out", str(folder / "out")]) == 0
    assert "6, 0 of them failed" in capsys.readouterr().out
    assert results.read_bytes() == before
    assert (folder / "out" / "runs.jsonl").read_bytes() == lines


def test_a_dry_run_shows_the_grid_and_makes_nothing(tmp_path, capsys):
    (tmp_path / "night.toml").write_text(PLAN)
    assert main(["campaign", str(tmp_path / "night.toml"), "--dry-run"]) == 0
    assert "1 × 1 × 6 = 6" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["night.toml"]


def test_failed_runs_end_in_3_and_are_told(tmp_path, capsys):
    plan = tmp_path / "plan.toml"
    plan.write_text(PLAN.replace("[1, 2, 3, 4, 5, 6]", "[1]") + "score = { from_s = 1000.0 }\n")
    grid = Grid.of(load_plan(plan))
    (tmp_path / "plan").mkdir()
    with Ledger(tmp_path / "plan") as ledger:
        ledger.add(perform(grid.job(grid.cells[0])))
    assert main(["campaign", str(plan)]) == 3
    said = capsys.readouterr().out
    assert "failed: 1 of 1 runs" in said
    assert "NothingToScoreError" in said


def test_a_plan_that_is_none_ends_in_2(tmp_path, capsys):
    (tmp_path / "plan.toml").write_text("scenarios = []\n")
    assert main(["campaign", str(tmp_path / "plan.toml")]) == 2
    assert "scenarios" in capsys.readouterr().err


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nowhere", "127.0.0.1:x", "127.0.0.1:70000"])
def test_a_cluster_that_is_not_there_is_told_at_once(tmp_path, capsys, address):
    (tmp_path / "plan.toml").write_text(PLAN)
    assert main(["campaign", str(tmp_path / "plan.toml"), "--cluster", address]) == 2
    assert f"--cluster is '{address}'; allowed is HOST:PORT" in capsys.readouterr().err


def test_ray_is_not_loaded_by_what_does_not_run_on_it(tmp_path):
    (tmp_path / "plan.toml").write_text(PLAN)
    code = (
        "import sys; from skypicket.cli import main; "
        f"main(['campaign', {str(tmp_path / 'plan.toml')!r}, '--dry-run']); sys.exit('ray' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_progress_tells_done_failed_left_rate_and_time_to_go():
    from replay.campaigns.campaign import Tally

    tally = Tally(total=100, known=10, done=30, failed=2, begun_s=50.0)
    assert tally_text(tally, 60.0) == "40 done, 2 failed, 60 left, 3 a second, 20 s to go"
    assert [duration(s) for s in (59.4, 61.0, 3700.0)] == ["59 s", "1 min 1 s", "1 h 1 min"]
