"""`alert` messages: one step of one alert."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from adapters.wire.checks import is_id, is_integer, is_text, is_time, number, number_within
from adapters.wire.envelope import Message, require_type
from adapters.wire.limits import MAX_INTEGER
from adapters.wire.tables import DECIMALS, PLACE_LIMITS
from adapters.wire.tracks import MAX_TRACK_ID
from fusion.errors import MessageRejected, shorten
from fusion.types import TRACK_STATUSES, AlertStep, Place

LEVELS: Final = ("predicted", "imminent", "infringing")
STATES: Final = ("raised", "updated", "cleared")
LOST_INSIDE: Final = "lost inside"
LONGEST_SENTENCE: Final = 2000  # characters of a reason or a note
_DECIMALS: Final = 3  # of seconds, metres of distance
_PROBABILITY_DECIMALS: Final = 6
_PLACE: Final = ("lat_deg", "lon_deg", "alt_m")
_VELOCITY: Final = ("east_mps", "north_mps", "up_mps")


def alert_message(step: AlertStep, number: int) -> Message:
    """The body of an `alert` message with its number in the journal; a `Sender` stamps it for each topic."""
    return {
        "type": "alert",
        "time_ns": step.time_ns,
        "number": number,
        "alert": step.alert,
        "step": step.step,
        "zone": step.zone,
        "track": int(step.track),
        "tracks": [int(track) for track in step.tracks],
        "level": step.level,
        "state": step.state,
        "acknowledged": step.acknowledged,
        "probability": _round(step.probability, _PROBABILITY_DECIMALS),
        "time_to_entry_s": _quantiles(step.time_to_entry_s),
        "entry": None if step.entry is None else _place(step.entry),
        "closest": {
            "distance_m": _round(step.closest_distance_m, _DECIMALS),
            "time_s": _round(step.closest_time_s, _DECIMALS),
        },
        "track_status": step.track_status,
        "suppressed_until_ns": step.suppressed_until_ns,
        "position": _place(step.position),
        "velocity": {
            name: _round(value, DECIMALS[name]) for name, value in zip(_VELOCITY, step.velocity_mps, strict=True)
        },
        "sensors": list(step.sensors),
        "reason": step.reason,
        "test": step.test,
    }


def read_alert(message: Mapping[str, Any]) -> Message:
    """A decoded `alert` message, each key checked. Raises MessageRejected: `type`, `alert`."""
    require_type(message, "alert")
    for key, (accepts, allowed) in _CHECKS.items():
        if key not in message or not accepts(message[key]):
            found = shorten(message[key]) if key in message else "missing"
            raise MessageRejected("alert", f"{key} is {found}; allowed is {allowed}")
    return dict(message)


def alert_step(message: Mapping[str, Any]) -> AlertStep:
    """The step that an `alert` message tells, as the journal has it too; `previous_level` is in no message.

    Raises MessageRejected: `type`, `alert`, `time`.
    """
    read = read_alert(message)
    if not is_time(read.get("time_ns")):
        raise MessageRejected("time", f"time_ns is {shorten(read.get('time_ns'))}; allowed is a time")
    acknowledged, times, entry = read["acknowledged"], read["time_to_entry_s"], read["entry"]
    return AlertStep(
        time_ns=read["time_ns"],
        alert=read["alert"],
        step=read["step"],
        zone=read["zone"],
        track=read["track"],
        tracks=tuple(read["tracks"]),
        level=read["level"],
        previous_level=None,
        state=read["state"],
        acknowledged=None if acknowledged is None else dict(acknowledged),
        probability=float(read["probability"]),
        time_to_entry_s=None if times is None else (float(times["p10"]), float(times["p50"]), float(times["p90"])),
        entry=None if entry is None else _read_place(entry),
        closest_distance_m=float(read["closest"]["distance_m"]),
        closest_time_s=float(read["closest"]["time_s"]),
        track_status=read["track_status"],
        suppressed_until_ns=read["suppressed_until_ns"],
        position=_read_place(read["position"]),
        velocity_mps=tuple(float(read["velocity"][name]) for name in _VELOCITY),  # type: ignore[arg-type]
        sensors=tuple(read["sensors"]),
        reason=read["reason"],
        test=read["test"],
    )


def _read_place(place: Mapping[str, Any]) -> Place:
    return Place(*(float(place[name]) for name in _PLACE))


def _round(value: float, decimals: int) -> float:
    return round(float(value), decimals) + 0.0


def _place(place: Place) -> dict[str, float]:
    return {name: _round(getattr(place, name), DECIMALS[name]) for name in _PLACE}


def _quantiles(times: tuple[float, float, float] | None) -> dict[str, float] | None:
    if times is None:
        return None
    return {name: _round(time, _DECIMALS) for name, time in zip(("p10", "p50", "p90"), times, strict=True)}


def _is_place(value: object) -> bool:
    return isinstance(value, dict) and all(
        number_within(value.get(name), PLACE_LIMITS[name]) is not None for name in _PLACE
    )


def _are_numbers(*names: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, dict) and all(number(value.get(name)) is not None for name in names)


def _or_none(accepts: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or accepts(value)


def _one_of(*names: str) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and value in names


def _list_of(accepts: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(map(accepts, value))


def _is_track(value: object) -> bool:
    return is_integer(value, 0, MAX_TRACK_ID)


def _is_acknowledgement(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("who"), str) and is_time(value.get("time_ns"))


def _is_probability(value: object) -> bool:
    return number_within(value, (0.0, 1.0)) is not None


_STATUSES: Final = (*TRACK_STATUSES, LOST_INSIDE)
_PLACE_WORDS: Final = "{lat_deg, lon_deg, alt_m}"
_CHECKS: Final[dict[str, tuple[Callable[[object], bool], str]]] = {
    "number": (lambda value: is_integer(value, 0, MAX_INTEGER), "an integer, 0 or more"),
    "alert": (is_id, "a ULID"),
    "step": (lambda value: is_integer(value, 1, MAX_INTEGER), "an integer, 1 or more"),
    "zone": (is_id, "an id"),
    "track": (_is_track, "a track id"),
    "tracks": (_list_of(_is_track), "an array of track ids"),
    "level": (_one_of(*LEVELS), ", ".join(LEVELS)),
    "state": (_one_of(*STATES), ", ".join(STATES)),
    "acknowledged": (_or_none(_is_acknowledgement), "{who, time_ns, note} or null"),
    "probability": (_is_probability, "0 to 1"),
    "time_to_entry_s": (_or_none(_are_numbers("p10", "p50", "p90")), "{p10, p50, p90} or null"),
    "entry": (_or_none(_is_place), f"{_PLACE_WORDS} or null"),
    "closest": (_are_numbers("distance_m", "time_s"), "{distance_m, time_s}"),
    "track_status": (_one_of(*_STATUSES), ", ".join(_STATUSES)),
    "suppressed_until_ns": (_or_none(is_time), "a time or null"),
    "position": (_is_place, _PLACE_WORDS),
    "velocity": (_are_numbers(*_VELOCITY), "{east_mps, north_mps, up_mps}"),
    "sensors": (_list_of(is_id), "an array of sensor ids"),
    "reason": (lambda value: is_text(value, LONGEST_SENTENCE), "a sentence"),
    "test": (lambda value: isinstance(value, bool), "true or false"),
}
