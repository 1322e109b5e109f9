"""A trace as plain data: what `--json` prints. docs/trace.md says what each field means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from fusion.types import Floats
from replay.scoring.matching import UPPER_TRIANGLE
from replay.tracing.history import Sight
from replay.tracing.origin import LEVELS, Origin, Region
from replay.tracing.trace import Trace, Way
from replay.tracing.visits import Crossing, Visit


def as_dict(found: Trace) -> dict[str, Any]:
    """Everything, as JSON knows it: no NaN, what is not known is None."""
    columns = {sensor.id: sensor.measures for sensor in found.site.sensor}
    return {
        "track": found.track,
        "identity": found.known.identity,
        "linked": list(found.linked),
        "published": found.published,
        "status": found.known.status,
        "reason": found.known.reason,
        "recording": {"from_ns": found.from_ns, "to_ns": found.to_ns},
        "from_ns": int(found.times_ns[0]),
        "to_ns": int(found.times_ns[-1]),
        "origin": _origin(found.origin),
        "zones": [_visit(visit) for visit in found.visits],
        "sensors": [
            {
                "sensor": seen.sensor, "kind": seen.kind, "first_ns": seen.first_ns, "last_ns": seen.last_ns,
                "hits": seen.hits, "looks": seen.looks, "gap_s": seen.gap_s,
                "spans": [{"from_ns": one, "to_ns": two, "hits": hits} for one, two, hits in seen.spans],
            }
            for seen in found.sensors
        ],
        "path": {
            "time_ns": found.times_ns.tolist(),
            **_way(found.smoothed),
            "motions": list(found.motions),
            "mode_probability": found.modes.tolist(),
        },
        "filtered": {"time_ns": found.times_ns.tolist(), **_way(found.filtered)},
        "looks": [_sight(sight, columns[sight.sensor]) for sight in found.sights if sight.sensor in columns],
    }  # fmt: skip


def _way(way: Way) -> dict[str, Any]:
    rows, columns = UPPER_TRIANGLE
    return {
        "lat_deg": way.lat_deg.tolist(), "lon_deg": way.lon_deg.tolist(), "alt_m": way.alt_m.tolist(),
        "east_mps": way.velocity_mps[:, 0].tolist(), "north_mps": way.velocity_mps[:, 1].tolist(),
        "up_mps": way.velocity_mps[:, 2].tolist(), "covariance": way.covariance[:, rows, columns].tolist(),
    }  # fmt: skip


def _origin(back: Origin) -> dict[str, Any]:
    edge = back.edge
    return {
        "verdict": back.verdict,
        "earlier": [{"track": track, "distance": square} for track, square in back.earlier],
        "span_s": back.span_s,
        "looked_s": back.looked_s,
        "looks": back.looks,
        "expected_detections": back.expected,
        "edge": None
        if edge is None
        else {"probability": edge.probability, "back_s": _three(edge.back_s), "place": _place(edge.place)},
        "zones": back.zones,
        "regions": [_region(region) for region in back.regions],
    }


def _region(region: Region) -> dict[str, Any]:
    return {
        "back_s": region.back_s,
        "time_ns": region.time_ns,
        "undetected": region.undetected,
        "outside": region.outside,
        "effective_paths": region.effective,
        "centre": _place(region.centre),
        "ellipse": dict(zip(("semi_major_m", "semi_minor_m", "azimuth_deg"), region.ellipse, strict=True)),
        "height_m": _three(region.height_m),
        "speed_mps": _three(region.speed_mps),
        "course_deg": region.course_deg,
        "areas": [
            {"probability": level, "holds": holds, "geometry": _multipolygon(polygons)}
            for level, holds, polygons in zip(LEVELS, region.holds, region.polygons, strict=False)
        ],
    }  # fmt: skip


def _multipolygon(polygons: Sequence[Sequence[Floats]]) -> dict[str, Any]:
    """GeoJSON, RFC 7946, to 1e-7 degrees: a centimetre."""
    return {
        "type": "MultiPolygon",
        "coordinates": [[np.round(ring, 7).tolist() for ring in polygon] for polygon in polygons],
    }


def _visit(visit: Visit) -> dict[str, Any]:
    return {
        "zone": visit.zone, "widened": visit.widened, "probability": visit.probability,
        "most_probability": visit.most, "entry": _crossing(visit.entry), "exit": _crossing(visit.exit),
        "inside_s": visit.inside_s, "height_m": {"p10": visit.heights_m[0], "p90": visit.heights_m[1]},
    }  # fmt: skip


def _crossing(crossing: Crossing | None) -> dict[str, Any] | None:
    if crossing is None:
        return None
    low, middle, high = crossing.time_ns
    return {
        "time_ns": {"p10": low, "p50": middle, "p90": high},
        **_place(crossing.place),
        "height_sigma_m": crossing.height_sigma_m,
    }


def _sight(sight: Sight, measures: Sequence[str]) -> dict[str, Any]:
    return {
        "time_ns": sight.time_ns,
        "sensor": sight.sensor,
        "hit": sight.hit,
        "swept": sight.swept,
        "detections": [
            {"weight": weight, **{name: _external(name, v) for name, v in zip(measures, values, strict=True)}}
            for weight, values in sight.detections
        ],
    }


def _external(name: str, value: float) -> float | None:
    """A measured value as frames have it: degrees, null where it was not measured."""
    if math.isnan(value):
        return None
    return math.degrees(value) if name.endswith("_deg") else value


def _three(values: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip(("p10", "p50", "p90"), values, strict=True))


def _place(place: tuple[float, float, float]) -> dict[str, float]:
    return dict(zip(("lat_deg", "lon_deg", "alt_m"), place, strict=True))
