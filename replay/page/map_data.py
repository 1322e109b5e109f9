"""What the map of a page draws, as plain numbers: decimetres east and north of the middle, milliseconds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fusion.types import SECOND_NS, Floats, Ints
from replay.alerts.model import recorded_steps
from replay.pictures.plot_style import track_colour
from replay.pictures.scene import Path, Scene, flat
from replay.scoring.compared import Compared
from replay.scoring.run import Run

MOST_POINTS = 60_000  # of tracks, and as many of truth: browsers draw these in well under 0.1 s
FALSE, NOT_ASKED_FOR, NOT_SCORED = -1, -2, -3  # in place of an error


def map_data(run: Run, scene: Scene, compared: Compared, begin_ns: int) -> tuple[dict[str, Any], list[str]]:
    """The map, and what a reader must be told of it. Times count from `begin_ns`."""
    tracks, every_track = _thinned(scene.tracks)
    objects, every_object = _thinned(scene.objects)
    errors = _Errors(compared)
    middle = scene.plane.origin
    found = {
        "middle": [middle.lat_deg, middle.lon_deg],
        "tracks": [
            _path(path, rows, begin_ns)
            | {"c": track_colour(number), "e": errors.of(int(path.name), path.times_ns[rows])}
            for number, (path, rows) in enumerate(tracks)
        ],
        "objects": [_path(path, rows, begin_ns) for path, rows in objects],
        "zones": [
            {"name": zone.name or zone.id, "rings": [[_whole(ring) for ring in polygon] for polygon in polygons]}
            for zone, polygons in scene.zones
        ],
        "stations": [{"name": each.name, "kind": each.kind, "xy": _whole(each.xy)} for each in scene.stations],
        "alerts": _raises(run, scene, begin_ns),
    }
    return found, _notes("track", scene.tracks, every_track) + _notes("truth", scene.objects, every_object)


def _path(path: Path, rows: Ints, begin_ns: int) -> dict[str, Any]:
    """x, y, h: dm; t: ms; f: one digit a point, 1 where faint, and 2 more where it is not joined to the one before."""
    broken = np.append(True, np.diff(path.times_ns) > path.gap_ns)
    return {
        "name": path.name,
        "x": _dm(path.xy[rows, 0]),
        "y": _dm(path.xy[rows, 1]),
        "h": _dm(path.height_m[rows]),
        "t": np.rint((path.times_ns[rows] - begin_ns) / (1e6)).astype(np.int64).tolist(),
        "f": "".join((path.faint[rows] + 2 * broken[rows]).astype(np.int64).astype(str).tolist()),
    }


def _thinned(paths: tuple[Path, ...]) -> tuple[list[tuple[Path, Ints]], int]:
    """The rows of each path to draw: every so manieth (the same for all), its ends, and those beside a gap."""
    total = sum(len(path.times_ns) for path in paths)
    every = max(math.ceil(total / MOST_POINTS), 1)
    found = []
    for path in paths:
        n = len(path.times_ns)
        gaps = np.flatnonzero(np.diff(path.times_ns) > path.gap_ns)
        found.append(
            (path, np.unique(np.concatenate([np.arange(0, n, every), gaps, gaps + 1, [n - 1]])).astype(np.int64))
        )
    return found, every


def _notes(what: str, paths: tuple[Path, ...], every: int) -> list[str]:
    if every == 1:
        return []
    total = sum(len(path.times_ns) for path in paths)
    return [
        f"the map draws one of {every} of the {total:,} {what} points; every figure, curve and moment uses all of them"
    ]


class _Errors:
    """The error of every track at every scored instant."""

    def __init__(self, compared: Compared) -> None:
        points, matches = compared.points, compared.matches
        error = np.full(len(points.id), float(NOT_SCORED))
        error[matches.false], error[matches.ignored] = FALSE, NOT_ASKED_FOR
        error[matches.track] = matches.distance * 10.0
        when = compared.instants.times_ns[points.instant]
        order = np.lexsort((when, points.id))
        self._ids, self._when, self._error = points.id[order], when[order], np.rint(error[order]).astype(np.int64)

    def of(self, track: int, times_ns: Ints) -> list[int]:
        """In decimetres, or one of the marks above."""
        first, last = np.searchsorted(self._ids, [track, track + 1])
        own, error = self._when[first:last], self._error[first:last]
        if not len(own):
            return [NOT_SCORED] * len(times_ns)
        place = np.minimum(np.searchsorted(own, times_ns), len(own) - 1)
        return [int(value) for value in np.where(own[place] == times_ns, error[place], NOT_SCORED)]


def _raises(run: Run, scene: Scene, begin_ns: int) -> list[dict[str, Any]]:
    """Where each alert was raised: the position in the first of its messages."""
    placed = {(message["alert"], message["time_ns"]): message for message in run.alerts if not message["test"]}
    first = {}
    for step in recorded_steps(run.alerts):
        if step.alert not in first:
            first[step.alert] = placed[step.alert, step.time_ns]
    if not first:
        return []
    at = np.array([[one["position"]["lat_deg"], one["position"]["lon_deg"]] for one in first.values()])
    xy = _whole(flat(scene.plane, at))
    return [
        {
            "xy": place,
            "t": round((one["time_ns"] - begin_ns) / SECOND_NS, 3),
            "zone": one["zone"],
            "level": one["level"],
            "track": str(one["track"]),
            "reason": str(one["reason"]),
        }
        for place, one in zip(xy, first.values(), strict=True)
    ]


def _dm(values: Floats) -> list[int]:
    found: list[int] = np.rint(values * 10.0).astype(np.int64).tolist()
    return found


def _whole(xy: Floats) -> list[list[int]]:
    found: list[list[int]] = np.rint(xy * 10.0).astype(np.int64).tolist()
    return found
