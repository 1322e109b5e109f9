"""PLAN.toml: which scenarios, seeds and configurations make up a campaign, and how its runs are scored."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from annotated_types import Ge, Gt, Le, MinLen

from adapters.simulated.scenario import Scenario, load_scenario
from adapters.site.checking import CHECKED, Said, check, combined, dotted, read_text
from adapters.site.configuration import load_site, parse_toml
from adapters.site.toml_lines import line_of
from fusion.config import Id, SiteConfig, Text
from fusion.errors import ConfigError
from replay.alerts.model import AlertOptions
from replay.campaigns.columns import exists
from replay.campaigns.overrides import TABLES, Overrides, apply
from replay.scoring.results import ScoreOptions

LARGEST_PLAN: Final = 1 << 20  # bytes
MOST_RUNS: Final = 1_000_000  # a line of some kilobytes each is kept: gigabytes
MOST_LISTED: Final = 100_000  # seeds written out

Seed = Annotated[int, Ge(0), Le(2**63 - 1)]


@dataclass(frozen=True, slots=True)
class SeedRange:
    """So many seeds, one after another."""

    count: Annotated[int, Ge(1), Le(10**9)]
    start: Seed = 1


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """How the runs are scored: as the options of `skypicket score`."""

    c_m: Annotated[float, Ge(0.001), Le(1_000_000)] = 100.0
    dims: Literal[2, 3] = 2
    period_s: Annotated[float, Ge(0.001), Le(86_400)] | None = None
    max_gap_s: Annotated[float, Ge(0), Le(1_000_000)] = 10.0
    from_s: Annotated[float, Ge(0), Le(1_000_000_000)] = 0.0
    near_m: Annotated[float, Ge(0), Le(1_000_000)] = 500.0
    near_vertical_m: Annotated[float, Ge(0), Le(1_000_000)] = 150.0

    def options(self) -> ScoreOptions:
        """The same for `replay.scoring`."""
        alerts = AlertOptions(near_m=self.near_m, near_vertical_m=self.near_vertical_m)
        return ScoreOptions(self.c_m, self.dims, self.period_s, self.max_gap_s, self.from_s, alerts)


@dataclass(frozen=True, slots=True)
class ConfigurationEntry:
    """One `[[configuration]]`: a name, and a whole site file where the scenario's own is not the base."""

    name: Id
    site: Text | None = None


@dataclass(frozen=True, slots=True)
class PlanFile:
    """What a plan may hold, but its configurations' overrides and its list of seeds, which are taken out before."""

    __pydantic_config__ = CHECKED

    scenarios: Annotated[tuple[Text, ...], MinLen(1)]
    seeds: SeedRange
    name: Text = "campaign"
    duration_s: Annotated[float, Gt(0), Le(1_000_000)] | None = None
    baseline: Id | None = None
    metrics: tuple[Text, ...] = ()
    score: ScoreTable = field(default_factory=ScoreTable)
    configuration: tuple[ConfigurationEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Setting:
    """One scenario under one configuration: `site` is what the tracker is told."""

    scenario: str
    configuration: str
    simulated: Scenario
    site: SiteConfig


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan, read and checked. settings: scenario by scenario, in the plan's order; seeds: ascending, each once.

    baseline: the configuration that the others are compared with.
    """

    name: str
    file: str
    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]
    baseline: str
    metrics: tuple[str, ...]
    score: ScoreTable

    @property
    def runs(self) -> int:
        return len(self.settings) * len(self.seeds)

    @property
    def scenarios(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(setting.scenario for setting in self.settings))

    @property
    def configurations(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(setting.configuration for setting in self.settings))


def load_plan(path: str | Path) -> Plan:
    """Read and check a plan, and every scenario and site that it names; paths in it are relative to it.

    Raises ConfigError (CombinedConfigError for several mistakes): file, line, key, found, allowed.
    """
    path = Path(path)
    text = read_text(path, LARGEST_PLAN)
    data = parse_toml(text, str(path))
    lines = functools.partial(line_of, text)
    listed = _listed_seeds(data, str(path), lines)
    overrides = _taken_out(data)
    content = check(PlanFile, data, str(path), lines, dotted(data))
    entries = content.configuration or (ConfigurationEntry("default"),)
    _check_names(entries, content, str(path), lines)
    count = len(content.scenarios) * len(entries) * (len(listed) if listed else content.seeds.count)
    if count > MOST_RUNS:
        seeds = len(listed) if listed else content.seeds.count
        found = Said(
            f"{len(content.scenarios):,} scenarios × {seeds:,} seeds × {len(entries):,} configurations = {count:,} runs"
        )
        raise ConfigError("grid", found, f"up to {MOST_RUNS:,} runs", str(path))
    seeds_ = listed or tuple(range(content.seeds.start, content.seeds.start + content.seeds.count))
    if seeds_[-1] > 2**63 - 1:
        allowed = "a start and a count that end below 2⁶³"
        raise ConfigError("seeds", Said(f"up to {seeds_[-1]}"), allowed, str(path), lines(("seeds",)))
    settings = _settings(path, content, entries, overrides, lines)
    baseline = content.baseline or entries[0].name
    return Plan(content.name, str(path), settings, seeds_, baseline, content.metrics, content.score)


def _listed_seeds(data: dict[str, Any], file: str, lines: Any) -> tuple[int, ...]:
    """The seeds of a list, ascending, replaced in `data` by a range that passes the check; () where they are none."""
    given = data.get("seeds")
    if not isinstance(given, list):
        return ()
    allowed = f"a list of 1 to {MOST_LISTED:,} whole numbers of 0 or more; or {{ start = 1, count = 50 }}"
    good = all(isinstance(seed, int) and not isinstance(seed, bool) and 0 <= seed < 2**63 for seed in given)
    if not given or len(given) > MOST_LISTED or not good:
        raise ConfigError("seeds", given, allowed, file, lines(("seeds",)))
    if len(set(given)) < len(given):
        raise ConfigError("seeds", given, "each seed once", file, lines(("seeds",)))
    data["seeds"] = {"count": len(given)}
    return tuple(sorted(given))


def _taken_out(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The overrides of each configuration, removed from `data`: they are checked where the site is known."""
    entries = data.get("configuration")
    if not isinstance(entries, list):
        return []
    names = (*TABLES, "sensor")
    return [
        {name: entry.pop(name) for name in names if name in entry} if isinstance(entry, dict) else {}
        for entry in entries
    ]


def _check_names(entries: tuple[ConfigurationEntry, ...], content: PlanFile, file: str, lines: Any) -> None:
    names = [entry.name for entry in entries]
    for i, name in enumerate(names):
        if name in names[:i]:
            allowed = "a name that no other configuration has"
            raise ConfigError(f"configuration[{i}].name", name, allowed, file, lines(("configuration", i, "name")))
    for i, column in enumerate(content.metrics):
        if not exists(column):
            allowed = "a number of the score, as totals.gospa_m or completeness (docs/campaigns.md)"
            raise ConfigError(f"metrics[{i}]", column, allowed, file, lines(("metrics",)))
    if content.baseline is not None and content.baseline not in names:
        allowed = f"the name of a configuration: {', '.join(names)}"
        raise ConfigError("baseline", content.baseline, allowed, file, lines(("baseline",)))


def _settings(
    path: Path, content: PlanFile, entries: tuple[ConfigurationEntry, ...], overrides: list[dict[str, Any]], lines: Any
) -> tuple[Setting, ...]:
    """Every scenario under every configuration; all mistakes of all of them together."""
    mistakes: list[ConfigError] = []
    scenarios: dict[str, Scenario] = {}
    for i, name in enumerate(content.scenarios):
        try:
            scenario = _scenario(path, name, content.duration_s)
        except ConfigError as error:
            line = lines(("scenarios",))
            told = [one if one.file else one.within(str(path), f"scenarios[{i}]", line) for one in error.mistakes]
            mistakes += told
            continue
        if scenario.name in scenarios:
            allowed = f"each scenario once ({scenario.name!r} is there already; a file's or folder's name is its name)"
            mistakes.append(ConfigError(f"scenarios[{i}]", name, allowed, str(path), lines(("scenarios",))))
        scenarios[scenario.name] = scenario
    settings = []
    for i, entry in enumerate(entries):
        given = overrides[i] if i < len(overrides) else {}
        try:
            wanted = _overrides(given, i, entry, str(path), lines)
            site = None if entry.site is None else load_site(path.parent / entry.site)
            for scenario in scenarios.values():
                base = scenario.site if site is None else site
                own = apply(
                    base, wanted, str(path), lambda steps, i=i: lines(("configuration", i, *steps)),  # type: ignore[misc]
                    f'configuration[{i}] "{entry.name}"',
                )  # fmt: skip
                settings.append(Setting(scenario.name, entry.name, scenario, own))
        except ConfigError as error:
            mistakes += error.mistakes
    if mistakes:
        raise combined(list({str(one): one for one in mistakes}.values()))  # `*` says each for every sensor
    order = {name: place for place, name in enumerate(scenarios)}
    return tuple(sorted(settings, key=lambda setting: order[setting.scenario]))


def _scenario(path: Path, name: str, duration_s: float | None) -> Scenario:
    """A bundled scenario by its name, or a file beside the plan."""
    beside = path.parent / name
    scenario = load_scenario(beside if beside.exists() else name)
    duration = scenario.duration_s if duration_s is None else min(duration_s, scenario.duration_s)
    return replace(scenario, duration_s=duration)


def _overrides(given: dict[str, Any], i: int, entry: ConfigurationEntry, file: str, lines: Any) -> Overrides:
    where = f'configuration[{i}] "{entry.name}"'
    for name, table in given.items():
        inner = [table, *(table.values() if name == "sensor" and isinstance(table, dict) else ())]
        if not all(isinstance(each, dict) for each in inner):
            allowed = "a table of sensors' ids, each a table of its keys" if name == "sensor" else "a table of its keys"
            raise ConfigError(f"{where}.{name}", table, allowed, file, lines(("configuration", i, name)))
    return Overrides(**given)
