"""A plan that takes a second, and what its runs give in this process."""

from __future__ import annotations

import pytest

from replay.campaigns.grid import Grid
from replay.campaigns.plan import load_plan
from replay.campaigns.run import perform

PLAN = """name = "tiny"
scenarios = ["airport-drones"]
seeds = { start = 3, count = 3 }
duration_s = 12.0

[[configuration]]
name = "default"

[[configuration]]
name = "agile"
tracker = { agility_mps2 = 40.0 }

[[configuration]]
name = "deaf"
site = "deaf.toml"
"""
# No sensor that the scenario has: every run of it fails.
DEAF = """[service]
origin = { lat_deg = 49.15, lon_deg = 16.7, alt_m = 0.0 }

[[sensor]]
id = "nobody"
kind = "radar"
pose = { lat_deg = 49.15, lon_deg = 16.7, alt_m = 0.0 }
measures = ["range_m", "azimuth_deg"]
sigma = { range_m = 30.0, azimuth_deg = 0.1 }
coverage = { range_m = [500.0, 80000.0], azimuth_deg = [0.0, 360.0] }
"""


@pytest.fixture(scope="session")
def plan_path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan")
    (folder / "deaf.toml").write_text(DEAF)
    (folder / "tiny.toml").write_text(PLAN)
    return folder / "tiny.toml"


@pytest.fixture(scope="session")
def grid(plan_path):
    return Grid.of(load_plan(plan_path))


@pytest.fixture(scope="session")
def outcomes(grid):
    """Every run of the grid, done here one after another."""
    return {cell.key: perform(grid.job(cell)) for cell in grid.cells}
