"""The parameters found as a configuration file: the site's own file with other numbers, its comments kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from fusion.errors import RecordingError
from replay.campaigns.overrides import Overrides


def write_site(source: Path, out: Path, wanted: Overrides, remarks: tuple[str, ...]) -> None:
    """Write `source` with the keys of [tracker] and [[sensor]] changed; names of zone files lead to where they were.

    remarks: comments at its head. Raises RecordingError where it cannot be written.
    """
    import tomlkit

    site: Any = tomlkit.parse(source.read_text(encoding="utf-8-sig"))
    if wanted.tracker and "tracker" not in site:
        site["tracker"] = tomlkit.table()
    for key, value in wanted.tracker.items():
        site["tracker"][key] = value
    for sensor in site.get("sensor", []):
        for key, value in wanted.sensor.get(str(sensor["id"]), {}).items():
            sensor[key] = value
    zones = site["service"].get("zones")
    if zones:
        site["service"]["zones"] = [os.path.relpath(source.parent / name, out.parent) for name in zones]
    head = "".join(f"# {line}\n" for line in remarks)
    try:
        out.write_text(f"{head}\n{tomlkit.dumps(site)}", encoding="utf-8")
    except OSError as error:
        raise RecordingError(str(out), f"cannot be written: {error.strerror or error}") from error
