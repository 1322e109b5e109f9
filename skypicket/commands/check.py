"""`skypicket check`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from skypicket.arguments import add_command
from skypicket.exits import DONE, NOTHING, STOPPED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fusion.config import SiteConfig, ZoneConfig
    from replay.recordings.record import Problem
    from skypicket.arguments import Subparsers

ALLOWED: Final = "a path that ends in .toml, .geojson, .json, .txt, .air, .openair, .mcap or .jsonl, or -"
QNH_HPA: Final = 1013.25  # where a file of published airspace is looked at without a site: the standard …
GROUND_M: Final = 0.0  # … over ground at the ellipsoid


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "check",
        run,
        "check a configuration, zones or a recording, and say what is in it",
        "Read a site configuration with its zones, a zone file (GeoJSON, OpenAir, ED-269 or ED-318), or a whole "
        "recording, check everything in it, and print a summary. Exit code 2 says that a configuration or zone "
        "file has mistakes (each with its line or key), 3 that a recording is damaged or holds messages that break "
        "the contract.",
        "check site.toml",
        "check zones.geojson",
        "check airspace.txt",
        "check recording.mcap",
    )
    parser.add_argument("file", metavar="FILE", help=ALLOWED)


def run(arguments: argparse.Namespace) -> int:
    from pathlib import Path

    from fusion.errors import ConfigError

    ending = Path(arguments.file).suffix.lower()
    if ending == ".toml":
        return _site(arguments.file)
    if ending in (".geojson", ".json", ".txt", ".air", ".openair"):
        return _zones(arguments.file)
    if ending in (".mcap", ".jsonl") or arguments.file == "-":
        return _recording(arguments.file)
    raise ConfigError("FILE", arguments.file, ALLOWED)


def _site(file: str) -> int:
    from adapters.site.configuration import load_site
    from skypicket.console import left_out

    site = load_site(file)
    _volumes(site.zones)
    verdict = "good, but for zones that are left out" if site.left_out else "good"
    print(f"{file}: {verdict}\n\n{_described(site)}")
    if site.left_out:
        print("", *left_out(site), sep="\n")
    return DONE


def _zones(file: str) -> int:
    from adapters.site.airspace.settings import AirspaceConfig
    from adapters.site.checking import combined
    from adapters.site.zones import read_zones
    from skypicket.console import zones_of

    read = read_zones(file)
    note = ""
    if read.form != "GeoJSON":
        read = read_zones(file, AirspaceConfig(qnh_hpa=QNH_HPA, ground_m=GROUND_M))
        note = f"; heights here are for a QNH of {QNH_HPA} hPa and ground at {GROUND_M:g} m, a site gives its own"
    _volumes(read.zones)
    verdict = f"{zones_of(len(read.left_out))} cannot be used, the others are good" if read.left_out else "good"
    if read.zones or not read.left_out:
        print(f"{file}: {verdict} ({read.form}{note})\n\n{_zone_table(read.zones)}", flush=True)
    if read.left_out:
        raise combined([mistake for error in read.left_out for mistake in error.mistakes])
    return DONE if read.zones else NOTHING


def _volumes(zones: Sequence[ZoneConfig]) -> None:
    """Raise ConfigError for a shape of which nothing is left, as the service would at its start."""
    from fusion.airspace.airspace import Airspace
    from fusion.geodesy import Plane
    from fusion.types import Place

    Airspace(zones, Plane(Place(0.0, 0.0, 0.0)))


def _described(site: SiteConfig) -> str:
    from replay.text import Rows, aligned

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
    from collections import Counter

    from replay.text import Rows, aligned
    from skypicket.console import zones_of

    if not zones:
        return "no zone: there will be no alerts"
    rows: Rows = [("zone", "name", "kind", "shape", "floor", "ceiling", "look-ahead", "active")]
    for zone in zones:
        corners = sum(len(ring) for polygon in zone.polygons for ring in polygon)
        shape = f"circle of {zone.circle[2]:g} m" if zone.circle else f"{corners} corners"
        heights = (f"{round(zone.floor_m, 1):g} m", f"{round(zone.ceiling_m, 1):g} m", f"{zone.lookahead_s:g} s")
        rows.append((zone.id, zone.name, zone.kind, shape, *heights, _times(zone)))
    kinds = Counter(zone.kind or "no kind" for zone in zones)
    count = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    return f"{zones_of(len(zones))}: {count}\n\n{aligned(rows)}"


def _times(zone: ZoneConfig) -> str:
    """When a zone is active, in a few words."""
    if zone.active is None and not zone.daily:
        return "always"
    intervals = [] if zone.active is None else [f"{len(zone.active)} intervals"]
    return ", ".join([*intervals, *([f"{len(zone.daily)} daily windows"] if zone.daily else [])])


def _recording(file: str) -> int:
    from adapters.wire.contents import check_contents
    from replay.recordings.files import inspect
    from replay.text import Rows, aligned, utc

    report = inspect(file, check_contents)
    damaged = bool(report.problems) or report.truncated
    verdict = "truncated" if report.truncated else "damaged" if damaged else "wrong" if report.wrong else "good"
    print(f"{file}: {verdict if report.messages else 'empty'}, {report.messages:,} messages, {report.span_s:,.1f} s")
    if report.topics:
        rows: Rows = [("topic", "messages", "bytes", "from", "to")]
        for topic, one in report.topics.items():
            rows.append((topic, f"{one.messages:,}", f"{one.bytes:,}", utc(one.from_ns), utc(one.to_ns)))
        print(f"\n{aligned(rows)}")
    if report.wrong:
        print("\nof these, what holds other than the contract says:", *_lines(report.wrong), sep="\n")
    if damaged:
        print("\npassed over:", *_lines(report.problems), sep="\n")
        if file != "-":
            print(
                f"\n`skypicket recover {file}` makes a whole recording of what is readable, and says what is lost where"
            )
    if damaged or report.wrong:
        return STOPPED
    return DONE if report.messages else NOTHING


def _lines(problems: Sequence[Problem]) -> list[str]:
    return [f"  {problem}" for problem in problems]
