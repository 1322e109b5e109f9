"""`docs/configuration.md` says what the code does: every key, its default, what is allowed, an example."""

from __future__ import annotations

import dataclasses
import json
import re
import tomllib
import typing
from pathlib import Path

import pytest

from adapters.site.airspace.settings import AirspaceConfig
from adapters.site.checking import describe, names
from adapters.site.configuration import SiteFile, load_site
from adapters.site.geojson import properties_type
from fusion.config import AlertsConfig, AltitudePrior, SensorConfig, ServiceConfig, TrackerConfig
from fusion.types import Coverage, Place, Pose

DOC = (Path(__file__).parents[1] / "docs" / "configuration.md").read_text(encoding="utf-8")
SECTIONS = {
    "`[service]`": ServiceConfig,
    "`[tracker]`": TrackerConfig,
    "`tracker.altitude_m`": AltitudePrior,
    "`[alerts]`": AlertsConfig,
    "`[airspace]`": AirspaceConfig,
    "`[[sensor]]`": SensorConfig,
    "`sensor.pose` and `service.origin`": Pose,
    "`sensor.coverage`": Coverage,
    "A zone's `properties`": properties_type(),
}


def rows(section: str) -> dict[str, list[str]]:
    """The table of a section: key -> default, allowed, meaning."""
    (body,) = re.findall(rf"^##+ {re.escape(section)}\n(.*?)(?=^##|\Z)", DOC, re.MULTILINE | re.DOTALL)
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in body.splitlines() if line.startswith("| `")
    ]
    return {key.strip("`"): rest for key, *rest in cells}


def default_of(field: dataclasses.Field[object]) -> object:
    if field.default_factory is not dataclasses.MISSING:
        return dataclasses.asdict(field.default_factory())  # type: ignore[call-overload]
    return list(field.default) if isinstance(field.default, tuple) else field.default


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_stands_in_the_docs_with_its_default_and_limits(section):
    kind, table = SECTIONS[section], rows(section)
    hints = typing.get_type_hints(kind, include_extras=True)
    assert list(table) == names(kind)
    for field in dataclasses.fields(kind):
        default, allowed, meaning = table[field.name]
        assert allowed == describe(hints[field.name])
        assert meaning
        expected = default_of(field)
        if expected is dataclasses.MISSING:
            assert default == "required"
        elif expected is None:
            assert default == "none"
        else:
            assert tomllib.loads(f"value = {default.strip('`')}")["value"] == expected


def test_no_dataclass_of_the_configuration_is_left_out_of_the_docs():
    assert names(SiteFile) == ["service", "tracker", "sensor", "alerts", "airspace"]
    assert names(Place) == names(Pose)[:3]


def test_the_examples_of_the_docs_are_read(tmp_path):
    (site,) = re.findall(r"```toml\n(.*?)```", DOC, re.DOTALL)
    (zones,) = re.findall(r"```json\n(.*?)```", DOC, re.DOTALL)
    (tmp_path / "site.toml").write_text(site)
    (tmp_path / "zones.geojson").write_text(json.dumps(json.loads(zones)))
    read = load_site(tmp_path / "site.toml")
    assert [sensor.id for sensor in read.sensor] == ["north", "tower-ir"]
    assert [(zone.id, zone.floor_m) for zone in read.zones] == [("airport", 0.0), ("tower", 152.0)]
