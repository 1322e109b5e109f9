"""What the service says of itself: `status` and `zones` messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from adapters.site.geojson import zone_features
from adapters.wire.envelope import Message
from fusion.config import ZoneConfig

HEALTH: Final = ("ok", "degraded", "overloaded")
ZONE_STATES: Final = ("inactive", "pre-active", "active")


class ZoneState(Protocol):
    """What `fusion.airspace.airspace` says of a zone at an instant."""

    @property
    def id(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def next_change_ns(self) -> int | None: ...


def status_message(
    *,
    time_ns: int,
    state: str,
    watermark_ns: int | None,
    uptime_s: float,
    tracks: Mapping[str, int],
    alerts: Mapping[str, int],
    last: Mapping[str, int],
    sensors: Mapping[str, Mapping[str, Any]],
    suppressed: Sequence[Mapping[str, Any]] = (),
    identities: Sequence[Mapping[str, Any]] = (),
    repaired: int = 0,
    test_returned_ns: int | None = None,
    version: str,
) -> Message:
    """The body of a `status` message; a `Sender` stamps it.

    sensors: id -> frames, detections, rejected, duplicates, late, gaps, last_ns, rate_hz, clock_offset_s,
    last_rejection, and registration where that is on. identities: identity, kind, tracks, time_ns of each oddity.
    repaired: covariances that had to be made positive definite.
    """
    return {
        "type": "status",
        "time_ns": time_ns,
        "state": state,
        "watermark_ns": watermark_ns,
        "uptime_s": round(float(uptime_s), 3),
        "tracks": dict(tracks),
        "alerts": dict(alerts),
        "last": dict(last),
        "sensors": {name: dict(counts) for name, counts in sensors.items()},
        "suppressed": [dict(entry) for entry in suppressed],
        "identities": [dict(entry) for entry in identities],
        "repaired": repaired,
        "test_returned_ns": test_returned_ns,
        "version": version,
    }


def zones_message(
    time_ns: int, zones: Sequence[ZoneConfig], states: Sequence[ZoneState], watched: Mapping[str, bool]
) -> Message:
    """The body of a `zones` message; a `Sender` stamps it.

    Each zone is its GeoJSON feature; `state`, `watched` and `next_change_ns` stand among its properties.
    watched: zone id -> does a reporting sensor cover it; what is not there is not watched.
    """
    by_id = {state.id: state for state in states}
    features = zone_features(zones)
    for zone, feature in zip(zones, features, strict=True):
        state = by_id[zone.id]
        feature["properties"] |= {
            "state": state.state,
            "watched": bool(watched.get(zone.id, False)),
            "next_change_ns": state.next_change_ns,
        }
    return {"type": "zones", "time_ns": time_ns, "features": features}
