"""Tracks of a recording into one file for another program, by the file's ending."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from fusion.errors import RecordingError
from replay.export.episodes import episodes_of
from replay.export.source import Source, Wanted, quiet, readable_twice
from replay.recordings.record import Problems

TABLES: Final = (".parquet", ".csv")
MAPS: Final = (".geojson", ".kml")
EXTRAS: Final = ("zones", "alerts")


@dataclass(slots=True)
class Exported:
    """rows: track points (of a table) or features (of a map). pictures: looked at."""

    rows: int = 0
    pictures: int = 0
    problems: Problems = field(default_factory=Problems)
    truncated: bool = False


def export(
    path: str,
    out: str,
    wanted: Wanted,
    extras: Collection[str] = (),
    progress: Callable[[str, int, int | None], None] = quiet,
) -> Exported:
    """Write the wanted tracks of the recording at `path` into `out`; where there is nothing, no file.

    extras: of EXTRAS, what a map has beside the tracks. What was at `out` is replaced when the new file is whole.
    Raises RecordingError.
    """
    with readable_twice(path) as readable, _replacing(out) as part:
        source = Source(readable, wanted, progress)
        match Path(out).suffix.lower():
            case ".parquet":
                from replay.export.table import write_parquet

                rows = write_parquet(part, source)
            case ".csv":
                from replay.export.table import write_csv

                rows = write_csv(part, source)
            case ".geojson":
                rows = _write_geojson(part, source, wanted, extras)
            case _:
                rows = _write_kml(part, source, wanted, extras, Path(path).name)
        return Exported(rows, source.pictures, source.problems, source.truncated)


def _write_geojson(part: str, source: Source, wanted: Wanted, extras: Collection[str]) -> int:
    from replay.export.geojson_file import alert_features, track_features, write_geojson, zone_features
    from replay.export.lines import lines_of

    def features() -> Iterator[Any]:
        """Zones and alerts come last: the recording has been read by then."""
        yield from track_features(lines_of(source, source.ended))
        if "zones" in extras:
            yield from zone_features(source.zones.values())
        if "alerts" in extras:
            yield from alert_features(episodes_of(source.alerts, wanted.tracks))

    return write_geojson(part, features())


def _write_kml(part: str, source: Source, wanted: Wanted, extras: Collection[str], title: str) -> int:
    from replay.export.kml_file import Folder, alert_placemarks, track_placemarks, write_kml, zone_placemarks
    from replay.export.lines import lines_of

    def folders() -> Iterator[Folder]:
        """Zones and alerts come last: the recording has been read by then."""
        yield Folder("Tracks", track_placemarks(lines_of(source, source.ended)))
        if "zones" in extras:
            yield Folder("Zones", zone_placemarks(source.zones.values()))
        if "alerts" in extras:
            yield Folder("Alerts", alert_placemarks(episodes_of(source.alerts, wanted.tracks)))

    return write_kml(part, title, folders())


@contextmanager
def _replacing(out: str) -> Iterator[str]:
    """A path beside `out`, with its ending, for what takes its place if all goes well and anything was written."""
    part = str(Path(out).with_name(f".{os.getpid()}-{Path(out).name}"))
    try:
        yield part
        if Path(part).exists():
            Path(part).replace(out)
    except OSError as error:
        raise RecordingError(out, f"cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            Path(part).unlink()
