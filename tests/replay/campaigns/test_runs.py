"""One run: its score is that of the files' way; its columns are the score's; its key is what decides it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace

import pytest

from replay.campaigns.columns import exists, flatten
from replay.campaigns.grid import Grid
from replay.campaigns.overrides import Overrides
from replay.campaigns.run import DETECTIONS, TRACKS, score_job
from replay.campaigns.tracking import in_memory
from replay.scoring.score import score_run
from replay.tuning.written import write_site
from skypicket.cli import main


@pytest.fixture(scope="module")
def cell(grid):
    return next(cell for cell in grid.cells if cell.configuration == "agile")


def test_memory_files_and_commands_give_the_same_score(grid, cell, outcomes, tmp_path, capsys):
    job = grid.job(cell)
    kept = score_job(replace(job, keep=str(tmp_path)))
    assert kept == outcomes[cell.key].row
    site = tmp_path / "site.toml"
    write_site(job.simulated.site_path, site, Overrides(tracker={"agility_mps2": 40.0}), ())
    seen, out = str(tmp_path / "seen.jsonl"), str(tmp_path / "out.jsonl")
    assert main(["simulate", "airport-drones", "--seed", str(cell.seed), "--duration", "12", "--out", seen]) == 0
    assert main(["track", seen, "--config", str(site), "--out", out]) == 0
    capsys.readouterr()
    assert main(["score", out, "--truth", seen, "--config", str(site), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    row = outcomes[cell.key].row
    for path in ("totals.gospa_m", "errors.velocity_rmse_mps", "completeness", "alerts.nuisances.object_hours"):
        value = told
        for step in path.split("."):
            value = value[step]
        assert row[path] == value
    assert (tmp_path / DETECTIONS).stat().st_size > 0
    assert (tmp_path / TRACKS).stat().st_size > 0


def test_every_column_is_a_number_of_the_score_and_known_before(grid, cell):
    job = grid.job(cell)
    row = flatten(score_run(in_memory(job.simulated, job.seed, job.site, 10.0).run, job.options))
    assert {"totals.gospa_m", "objects", "completeness"} - set(row) == {"objects"}
    assert "alerts.warnings.shares.60.share" in row
    assert [name for name in row if not exists(name)] == []
    assert not any(exists(name) for name in ("totals", "objects.id", "over_time", "options.c_m", "nothing", ""))


@dataclasses.dataclass
class Inner:
    seconds: float
    value: float | None


@dataclasses.dataclass
class Outer:
    text: str
    no_part: Inner | None
    a: float
    many: tuple[Inner, ...]
    named: dict[str, float]

    @property
    def twice(self) -> float:
        return 2.0 * self.a


def test_what_is_not_finite_or_not_there_is_none():
    found = flatten(Outer("x", None, float("nan"), (Inner(60.0, 1.0), Inner(0.5, None)), {"n": 3}))
    assert found == {
        "a": None, "twice": None, "named.n": 3, "many.60.seconds": 60.0, "many.60.value": 1.0,
        "many.0.5.seconds": 0.5, "many.0.5.value": None,
    }  # fmt: skip


def test_a_run_that_raises_is_an_outcome_with_its_error(grid, outcomes):
    deaf = [outcomes[cell.key] for cell in grid.cells if cell.configuration == "deaf"]
    assert {one.failure.kind for one in deaf} == {"NothingDetectedError"}
    assert all("unregistered" in one.failure.text and "Traceback" in one.failure.traceback for one in deaf)


def keys(plan):
    return [cell.key for cell in Grid.of(plan).cells]


def test_the_key_is_made_of_all_that_decides_a_run_and_of_nothing_else(grid):
    plan = grid.plan
    (setting, *others) = plan.settings
    first = keys(plan)[0]

    def with_first(**changed):
        return keys(replace(plan, settings=(replace(setting, **changed), *others)))[0]

    service = replace(setting.site.service, data="elsewhere", ingest="tcp://127.0.0.1:7000")
    assert with_first(site=replace(setting.site, service=service), configuration="other") == first
    assert keys(replace(plan, name="other", metrics=("switches",), baseline="agile")) == keys(plan)
    tracker = replace(setting.site.tracker, births_per_s=0.5)
    shorter = replace(setting.simulated, duration_s=11.0)
    slower = replace(setting.site.service, report_period_s=2.0)
    changed = {
        with_first(site=replace(setting.site, tracker=tracker)),
        with_first(site=replace(setting.site, service=slower)),
        with_first(simulated=shorter),
        with_first(simulated=replace(setting.simulated, site=replace(setting.site, tracker=tracker))),
        keys(replace(plan, score=replace(plan.score, c_m=50.0)))[0],
        keys(replace(plan, seeds=(4,)))[0],
        first,
    }
    assert len(changed) == 7


def test_two_configurations_that_say_the_same_are_run_once(grid):
    plan = grid.plan
    twin = replace(plan.settings[0], configuration="twin")
    found = Grid.of(replace(plan, settings=(*plan.settings, twin)))
    assert len(found.cells) == len(grid.cells) + len(plan.seeds)
    assert len(found.keys) == len(grid.keys)
