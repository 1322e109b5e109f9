"""`docs/campaigns.md` names every key of a plan, and its example is one."""

from __future__ import annotations

import re
from pathlib import Path

from adapters.site.checking import names
from replay.campaigns.plan import ConfigurationEntry, PlanFile, ScoreTable, load_plan
from replay.tuning.parameters import NAMES

DOC = (Path(__file__).parents[3] / "docs" / "campaigns.md").read_text(encoding="utf-8")


def test_every_key_and_parameter_stands_in_the_docs():
    top = [name for name in names(PlanFile) if name not in ("score", "configuration")]
    keys = [*top, *(f"configuration.{name}" for name in names(ConfigurationEntry))]
    assert [key for key in keys if f"| `{key}`" not in DOC] == []
    assert [name for name in (*names(ScoreTable), *NAMES) if f"{name}`" not in DOC] == []


def test_the_example_is_read(tmp_path):
    (plan,) = re.findall(r"```toml\n(.*?)```", DOC, re.DOTALL)
    site = "[service]\norigin = { lat_deg = 49.15, lon_deg = 16.7, alt_m = 0.0 }\n"
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "site.toml").write_text(site)
    (tmp_path / "my" / "scenario.toml").write_text('seed = 1\nduration_s = 9.0\nstart = "2026-01-01T00:00:00Z"\n')
    (tmp_path / "other-site.toml").write_text(site)
    (tmp_path / "plan.toml").write_text(plan)
    assert load_plan(tmp_path / "plan.toml").runs == 2 * 50 * 3
