"""`skypicket check`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from skypicket.arguments import add_command
from skypicket.exits import DONE, NOTHING, STOPPED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fusion.config import SiteConfig, ZoneConfig
    from skypicket.arguments import Subparsers

ALLOWED: Final = "a path that ends in .toml, .geojson, .json, .mcap or .jsonl, or -"


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "check",
        run,
        "check a configuration, zones or a recording, and say what is in it",
        "Read a site configuration with its zones, a zone file, or a whole recording, check everything in it, "
        "and print a summary. Exit code 2 says that a configuration or zone file has mistakes (each with its "
        "line or key), 3 that a recording is damaged or holds messages that break the contract.",
        "check site.toml",
        "check zones.geojson",
        "check recording.mcap",
    )
    parser.add_argument("file", metavar="FILE", help=ALLOWED)


def run(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from fusion.errors import ConfigError

    ending = Path(arguments.file).suffix.lower()
    if ending == ".toml":
        return _site(arguments.file)
    if ending in (".geojson", ".json"):
        return _zones(arguments.file)
    if ending in (".mcap", ".jsonl") or arguments.file == "-":
        return _recording(arguments.file)
    raise ConfigError("FILE", arguments.file, ALLOWED)


def _site(file: str) -> int:
    from adapters.site.configuration import load_site

    site = load_site(file)
    print(f"{file}: good\n\n{_described(site)}")
    return DONE


def _zones(file: str) -> int:
    from adapters.site.zones import load_zones

    zones = load_zones(file)
    _volumes(zones)
    print(f"{file}: good\n\n{_zone_table(zones)}")
    return DONE if zones else NOTHING


def _volumes(zones: Sequence[ZoneConfig]) -> None:
    """Raise ConfigError for a shape of which nothing is left, as the service would at its start."""
    from fusion.airspace import Airspace
    from fusion.geodesy import Plane
    from fusion.types import Place

    Airspace(zones, Plane(Place(0.0, 0.0, 0.0)))


def _described(site: SiteConfig) -> str:
    from replay.text import Rows, aligned

    _volumes(site.zones)
    origin = site.service.origin
    lines = [
        f"{site.service.name}: origin {origin.lat_deg:.5f}, {origin.lon_deg:.5f}, {origin.alt_m:g} m",
        f"frames in at {site.service.ingest}, published at {site.service.publish}, requests at {site.service.requests}",
        f"journal in {site.service.data}",
    ]
    rows: Rows = [("sensor", "kind", "measures", "period", "detects", "false alarms")]
    for sensor in site.sensor:
        figures = (f"{sensor.period_s:g} s", f"{sensor.detection_probability:.0%}", f"{sensor.false_alarms:g}")
        rows.append((sensor.id, sensor.kind, ", ".join(sensor.measures), *figures))
    sensors = aligned(rows) if site.sensor else "no sensor: every frame would be rejected"
    return "\n".join([*lines, "", sensors, "", _zone_table(site.zones)])


def _zone_table(zones: Sequence[ZoneConfig]) -> str:
    from replay.text import Rows, aligned

    if not zones:
        return "no zone: there will be no alerts"
    rows: Rows = [("zone", "name", "shape", "floor", "ceiling", "look-ahead", "active")]
    for zone in zones:
        corners = sum(len(ring) for polygon in zone.polygons for ring in polygon)
        shape = f"circle of {zone.circle[2]:g} m" if zone.circle else f"{corners} corners"
        heights = (f"{zone.floor_m:g} m", f"{zone.ceiling_m:g} m", f"{zone.lookahead_s:g} s")
        active = "always" if zone.active is None else f"{len(zone.active)} intervals"
        rows.append((zone.id, zone.name, shape, *heights, active))
    return aligned(rows)


def _recording(file: str) -> int:
    from replay.recording import inspect
    from replay.text import Rows, aligned, utc

    report = inspect(file)
    damaged = bool(report.problems) or report.truncated
    verdict = "truncated" if report.truncated else "damaged" if damaged else "good"
    print(f"{file}: {verdict if report.messages else 'empty'}, {report.messages:,} messages, {report.span_s:,.1f} s")
    if report.topics:
        rows: Rows = [("topic", "messages", "bytes", "from", "to")]
        for topic, one in report.topics.items():
            rows.append((topic, f"{one.messages:,}", f"{one.bytes:,}", utc(one.from_ns), utc(one.to_ns)))
        print(f"\n{aligned(rows)}")
    if damaged:
        print("\npassed over:", *(f"  {problem}" for problem in report.problems), sep="\n")
        return STOPPED
    return DONE if report.messages else NOTHING
