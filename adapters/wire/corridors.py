"""The answer to a `corridor` request: where a track will probably be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from adapters.wire.envelope import Message
from adapters.wire.tables import DECIMALS
from fusion.prediction.corridor import SHARES, Outline, Ring, Slice  # heavy: import this module where it is used

DRAWN_DECIMALS: Final = 6  # of degrees: 0.1 m, and outlines make most of the answer
_SECONDS: Final = 3  # decimals
_METRES: Final = 1


def corridor_result(
    track: int, status: str, time_ns: int, lookahead_s: float, slices: Sequence[Slice]
) -> dict[str, Any]:
    """The `result`: of one track at `time_ns`, with a map for each time from then on.

    Each has its `centre`, the height band `alt_p5_m` to `alt_p95_m`, and `outlines`, each a `probability` and its
    polygons: a list of rings, the outer first, then holes. Longitudes run on over 180 where a ring crosses it.
    """
    return {
        "track": track,
        "track_status": status,
        "time_ns": time_ns,
        "lookahead_s": round(lookahead_s, _SECONDS),
        "slices": [_slice(each) for each in slices],
    }


def _slice(each: Slice) -> Message:
    low, high = each.height_m
    return {
        "time_s": round(each.time_s, _SECONDS),
        "centre": {name: round(getattr(each.centre, name), DECIMALS[name]) for name in ("lat_deg", "lon_deg", "alt_m")},
        "alt_p5_m": round(low, _METRES),
        "alt_p95_m": round(high, _METRES),
        "outlines": [
            {"probability": share, "polygons": _polygons(outline)}
            for share, outline in zip(SHARES, each.outlines, strict=True)
        ],
    }


def _polygons(outline: Outline) -> list[list[Message]]:
    return [[_ring(ring) for ring in polygon] for polygon in outline]


def _ring(ring: Ring) -> Message:
    return {
        "lat_deg": [round(lat, DRAWN_DECIMALS) for lat, _ in ring],
        "lon_deg": [round(lon, DRAWN_DECIMALS) for _, lon in ring],
    }
