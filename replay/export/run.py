"""Tracks of a recording into one file for another program, by the file's ending."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from fusion.errors import RecordingError
from replay.export.episodes import episodes_of
from replay.export.source import Source, Wanted, quiet, readable_twice
from replay.recordings.record import Problems

EXTRAS: Final = ("zones", "alerts")
T = TypeVar("T")


@dataclass(slots=True)
class Exported:
    """counts: what was written, by kind: rows of a table; tracks, zones and alerts of a map. pictures: looked at."""

    counts: dict[str, int] = field(default_factory=dict)
    pictures: int = 0
    problems: Problems = field(default_factory=Problems)
    truncated: bool = False

    @property
    def rows(self) -> int:
        """Of a table, or whatever a map holds; 0: nothing was written."""
        return sum(self.counts.values())


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
        counts: dict[str, int] = {}
        match Path(out).suffix.lower():
            case ".parquet":
                from replay.export.table import write_parquet

                counts["rows"] = write_parquet(part, source)
            case ".csv":
                from replay.export.table import write_csv

                counts["rows"] = write_csv(part, source)
            case ".geojson":
                _write_geojson(part, source, wanted, extras, counts)
            case _:
                _write_kml(part, source, wanted, extras, Path(path).name, counts)
        return Exported(counts, source.pictures, source.problems, source.truncated)


def _write_geojson(part: str, source: Source, wanted: Wanted, extras: Collection[str], counts: dict[str, int]) -> None:
    from replay.export.geojson_file import alert_features, track_features, write_geojson, zone_features
    from replay.export.lines import lines_of

    def features() -> Iterator[Any]:
        """Zones and alerts come last: the recording has been read by then."""
        yield from _counted("tracks", track_features(lines_of(source, source.ended)), counts)
        if "zones" in extras:
            yield from _counted("zones", zone_features(source.zones.values()), counts)
        if "alerts" in extras:
            yield from _counted("alerts", alert_features(episodes_of(source.alerts, wanted.tracks)), counts)

    write_geojson(part, features())


def _write_kml(
    part: str, source: Source, wanted: Wanted, extras: Collection[str], title: str, counts: dict[str, int]
) -> None:
    from replay.export.kml_file import Folder, alert_placemarks, track_placemarks, write_kml, zone_placemarks
    from replay.export.lines import lines_of

    def folders() -> Iterator[Folder]:
        """Zones and alerts come last: the recording has been read by then."""
        yield Folder("Tracks", _counted("tracks", track_placemarks(lines_of(source, source.ended)), counts))
        if "zones" in extras:
            yield Folder("Zones", _counted("zones", zone_placemarks(source.zones.values()), counts))
        if "alerts" in extras:
            episodes = episodes_of(source.alerts, wanted.tracks)
            yield Folder("Alerts", _counted("alerts", alert_placemarks(episodes), counts))

    write_kml(part, title, folders())


def _counted(kind: str, parts: Iterable[T], counts: dict[str, int]) -> Iterator[T]:
    """The parts as they are; `counts` has how many were given so far."""
    counts[kind] = 0
    for part in parts:
        counts[kind] += 1
        yield part


@contextmanager
def _replacing(out: str) -> Iterator[str]:
    """A path beside `out`, with its ending, for what takes its place if all goes well and anything was written."""
    part = str(Path(out).with_name(f".{os.getpid()}.partial{Path(out).suffix}"))
    try:
        yield part
        if Path(part).exists():
            Path(part).replace(out)
    except OSError as error:
        raise RecordingError(out, f"cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            Path(part).unlink()
