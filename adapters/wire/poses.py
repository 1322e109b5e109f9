"""The `pose` and `swept` of a frame."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from adapters.wire.checks import number, number_within
from adapters.wire.limits import HEIGHT_M, LATITUDE_DEG, LONGITUDE_DEG, span
from fusion.config import CARTESIAN, POLAR, SensorConfig
from fusion.errors import MessageRejected, shorten
from fusion.types import Coverage, Pose

_PLACE: Final = {"lat_deg": LATITUDE_DEG, "lon_deg": LONGITUDE_DEG, "alt_m": HEIGHT_M}
_POLAR_AXES: Final = frozenset(POLAR)
_CARTESIAN_AXES: Final = frozenset(CARTESIAN)
_TURNS: Final = ("yaw_deg", "pitch_deg", "roll_deg")


def read_pose(message: Mapping[str, Any], sensor: SensorConfig) -> Pose | None:
    """The frame's own pose, None where the registered one holds. Angles left out are 0.

    Raises MessageRejected("pose").
    """
    given = message.get("pose")
    if given is None:
        if sensor.pose is None:
            raise MessageRejected(
                "pose", "no pose, and none is registered; allowed is a pose in every frame", sensor.id
            )
        return None
    if not isinstance(given, dict):
        raise MessageRejected("pose", f"pose is {shorten(given)}; allowed is a map", sensor.id)
    values: list[float] = []
    for key, limits in _PLACE.items():
        value = number_within(given.get(key), limits)
        if value is None:
            found = shorten(given.get(key))
            raise MessageRejected("pose", f"pose.{key} is {found}; allowed is {span(limits)}", sensor.id)
        values.append(value)
    for key in _TURNS:
        value = number(given.get(key, 0.0))
        if value is None:
            found = shorten(given.get(key))
            raise MessageRejected("pose", f"pose.{key} is {found}; allowed is a finite number", sensor.id)
        values.append(value)
    return Pose(*values)


def read_swept(message: Mapping[str, Any], sensor: SensorConfig) -> Coverage | None:
    """What the look covered, None where it is the registered coverage. Raises MessageRejected("swept")."""
    given = message.get("swept")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise MessageRejected("swept", f"swept is {shorten(given)}; allowed is a map", sensor.id)
    axes = _CARTESIAN_AXES if sensor.kind == "position" else _POLAR_AXES
    if given.keys() <= axes:
        told = {key: (span[0], span[1]) for key, span in given.items() if _is_plain_span(span)}
        if len(told) == len(given):
            return Coverage(**told)
    spans: dict[str, tuple[float, float]] = {}
    for key in POLAR + CARTESIAN:
        if given.get(key) is None:
            continue
        if key not in axes:
            detail = f"swept.{key} is given; allowed for a {sensor.kind} sensor is {', '.join(axes)}"
            raise MessageRejected("swept", detail, sensor.id)
        spans[key] = _span(given[key], key, sensor.id)
    return Coverage(**spans)


def _is_plain_span(span: object) -> bool:
    """[low, high] of finite floats: nearly every span. What is not may be good too."""
    if type(span) is not list or len(span) != 2:
        return False
    low, high = span
    return type(low) is float is type(high) and -math.inf < low < high < math.inf


def _span(given: object, key: str, sensor: str) -> tuple[float, float]:
    """[low, high], both finite; an azimuth may run from any to any."""
    if isinstance(given, list) and len(given) == 2:
        low, high = number(given[0]), number(given[1])
        if low is not None and high is not None and (low < high or key == "azimuth_deg"):
            return low, high
    allowed = "[first, second]" if key == "azimuth_deg" else "[low, high] with low < high"
    raise MessageRejected("swept", f"swept.{key} is {shorten(given)}; allowed is {allowed}, finite", sensor)


def pose_map(pose: Pose) -> dict[str, float]:
    """A pose as the contract has it."""
    return {
        "lat_deg": pose.lat_deg,
        "lon_deg": pose.lon_deg,
        "alt_m": pose.alt_m,
        "yaw_deg": pose.yaw_deg,
        "pitch_deg": pose.pitch_deg,
        "roll_deg": pose.roll_deg,
    }


def swept_map(swept: Coverage) -> dict[str, list[float]]:
    """What was swept as the contract has it: only what it names."""
    spans = {key: getattr(swept, key) for key in POLAR + CARTESIAN}
    return {key: list(span) for key, span in spans.items() if span is not None}
