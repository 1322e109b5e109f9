"""A trace in words: what a person asks first, then small tables."""

from __future__ import annotations

import numpy as np

from fusion.alerting.reasons import distance
from fusion.types import SECOND_NS
from replay.text import Rows, aligned, number, percent, utc
from replay.tracing.origin import APPEARED, EDGE, START, TRACK, Origin
from replay.tracing.trace import Trace
from replay.tracing.visits import Crossing, Visit

COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
MOVES = 9.21  # chi-square of two degrees of freedom, 0.99
SURE = 0.995  # from here on a probability is not worth a word


def as_text(found: Trace) -> str:
    """Everything a person needs, in the order of the questions."""
    parts = [_headline(found), _origin(found), _regions(found.origin), _zones(found), _sensors(found)]
    return "\n\n".join(part for part in parts if part) + "\n"


def compass(course_deg: float) -> str:
    """A direction in words, to an eighth of the circle."""
    return COMPASS[round(course_deg / 45.0) % 8]


def _headline(found: Trace) -> str:
    first, last = int(found.times_ns[0]), int(found.times_ns[-1])
    known, path = found.known, found.smoothed
    lines = [
        f"Track {found.track}{f' (identity {known.identity})' if known.identity else ''}: from {utc(first)} to "
        f"{utc(last)}, {_span((last - first) / SECOND_NS)}; {_ending(found)}."
    ]
    for place, words in ((0, "First seen"), (-1, "Last seen")):
        lines.append(f"{words} {_state(found, place)}.")
    lines.append(
        f"It flew {distance(_length(found))} at {_speeds(found)}, {number(float(path.alt_m.min()), 0)} to "
        f"{number(float(path.alt_m.max()), 0, 'm')} above the ellipsoid."
    )
    if found.linked:
        lines.append(f"By alerts that were handed over it is also {', '.join(map(str, found.linked))}.")
    if found.published:
        lines.append(
            "The recording holds no frames: this rests on the published tracks, so no sensor's looks are known, "
            "the smoothing is rougher, and nothing is known of looks that missed it."
        )
    return "\n".join(lines)


def _ending(found: Trace) -> str:
    if found.known.status == "ended":
        return f"it ended: {found.known.reason or 'no reason told'}"
    return f"{found.known.status} at the end of the recording"


def _state(found: Trace, place: int) -> str:
    path = found.smoothed
    east, north, up = path.velocity_mps[place].tolist()
    course = float(np.degrees(np.arctan2(east, north))) % 360.0
    sigma = float(np.sqrt(path.covariance[place, 0, 0] + path.covariance[place, 1, 1]))
    climb = "" if abs(up) < 0.5 else f", {'climbing' if up > 0 else 'sinking'} at {abs(up):.1f} m/s"
    return (
        f"at {path.lat_deg[place]:.5f}, {path.lon_deg[place]:.5f} (within {distance(sigma)}), "
        f"{number(float(path.alt_m[place]), 0, 'm')} high, flying {compass(course)} ({course:03.0f}°) at "
        f"{np.hypot(east, north):.0f} m/s{climb}"
    )


def _length(found: Trace) -> float:
    """Along the ground of the smoothed path, m."""
    speed = np.hypot(found.smoothed.velocity_mps[:, 0], found.smoothed.velocity_mps[:, 1])
    passed_s = np.diff(found.times_ns) / SECOND_NS
    return float((0.5 * (speed[1:] + speed[:-1]) * passed_s).sum())


def _speeds(found: Trace) -> str:
    speed = np.hypot(found.smoothed.velocity_mps[:, 0], found.smoothed.velocity_mps[:, 1])
    low, high = (round(float(value)) for value in np.quantile(speed, (0.05, 0.95)))
    return f"{low} m/s" if low == high else f"{low} to {high} m/s"


def _origin(found: Trace) -> str:
    back, first = found.origin, found.origin.regions[0]
    said = f"Where it came from: {_verdict(found)}"
    low, middle, high = first.speed_mps
    if _moves(found):
        said += f" It came from the {compass(first.course_deg + 180.0)}, flying {first.course_deg:03.0f}°"
        said += f" at about {middle:.0f} m/s ({low:.0f} to {high:.0f})."
    else:
        said += " It hardly moved when it was first seen: it may have come from any side."
    zones = {zone.id: zone.name or zone.id for zone in found.zones}
    for zone, probability in sorted(back.zones.items(), key=lambda one: -one[1]):
        said += f" It may have been in {zones[zone]} before (probability {probability:.2f})."
    return said


def _moves(found: Trace) -> bool:
    """Whether the velocity at the first detection can be told from none."""
    velocity, spread = found.smoothed.velocity_mps[0, :2], found.smoothed.covariance[0, 3:5, 3:5]
    return bool(velocity @ np.linalg.solve(spread, velocity) > MOVES)


def _verdict(found: Trace) -> str:
    back = found.origin
    never = back.regions[-1].undetected
    if back.verdict == TRACK:
        names = ", ".join(str(track) for track, _ in back.earlier)
        gap_s = (int(found.times_ns[0]) - found.earlier_ns) / SECOND_NS
        return (
            f"it goes on from track {names}, last seen {gap_s:.0f} s before the first detection, where this one must "
            "have been then; trace that one to go farther back."
        )
    if back.verdict == EDGE and back.edge is not None:
        low, middle, high = back.edge.back_s
        lat, lon, _ = back.edge.place
        return (
            f"through the edge of the coverage, near {lat:.4f}, {lon:.4f}, {middle:.0f} s ({low:.0f} to {high:.0f}) "
            f"before its first detection (probability {back.edge.probability:.2f})."
        )
    if back.verdict == APPEARED:
        return (
            f"it appeared inside the coverage. Had it flown in, {back.expected:.1f} detections were to be expected "
            f"before the first; the chance of none is {'below 0.001' if never < 0.001 else f'{never:.3f}'}. It rose "
            "there, or was hidden."
        )
    if back.verdict == START:
        if found.published:
            return "not known: no looks are recorded. What follows is its motion run backward."
        return (
            f"not known: the recording begins {back.looked_s:.1f} s before the first detection. What follows is its "
            "motion run backward."
        )
    return f"unclear: it flew inside the coverage, and no look saw it (a chance of {percent(never)}), or it was hidden."


def _regions(back: Origin) -> str:
    rows: Rows = [("before", "centre", "90 % ellipse", "long axis", "height", "unseen", "outside coverage")]
    for region in back.regions:
        lat, lon, _ = region.centre
        low, _, high = region.height_m
        unseen = region.undetected if region.back_s <= back.looked_s else None
        rows.append((
            f"{region.back_s:.0f} s", f"{lat:.4f}, {lon:.4f}",
            f"{distance(region.ellipse[0])} × {distance(region.ellipse[1])}", f"{region.ellipse[2]:.0f}°",
            f"{number(low, 0)} to {number(high, 0, 'm')}", percent(unseen), percent(region.outside),
        ))  # fmt: skip
    return aligned(rows)


def _zones(found: Trace) -> str:
    if not found.zones:
        return ""
    if not found.visits:
        return "Zones: it was in none."
    names = {zone.id: zone.name or zone.id for zone in found.zones}
    return "\n".join(["Zones:", *(f"  {_visit(visit, names[visit.zone])}" for visit in found.visits)])


def _visit(visit: Visit, name: str) -> str:
    what = f"the margins of {name}" if visit.widened else name
    sure = "" if visit.probability >= SURE else f" (probability {visit.probability:.2f})"
    came = "inside when first seen" if visit.entry is None else f"entered {_crossing(visit.entry)}"
    went = "inside when last seen" if visit.exit is None else f"left {_crossing(visit.exit)}"
    low, high = visit.heights_m
    return f"{what}{sure}: {came}; {went}; {_span(visit.inside_s)} inside, {low:,.0f} to {high:,.0f} m high"


def _crossing(crossing: Crossing) -> str:
    low, middle, high = crossing.time_ns
    lat, lon, alt = crossing.place
    half_s = (high - low) / 2.0 / SECOND_NS
    return f"{utc(middle)} (±{half_s:.1f} s) at {lat:.5f}, {lon:.5f}, {alt:,.0f} m"


def _sensors(found: Trace) -> str:
    if not found.sensors:
        return ""
    rows: Rows = [("sensor", "first", "last", "hits", "looks", "gaps")]
    for seen in found.sensors:
        gaps = [
            f"{_clock(one[1])} to {_clock(two[0])}" for one, two in zip(seen.spans[:-1], seen.spans[1:], strict=True)
        ]
        more = f" and {len(gaps) - 3} more" if len(gaps) > 3 else ""
        rows.append((
            seen.sensor, _clock(seen.first_ns), _clock(seen.last_ns), f"{seen.hits}", f"{seen.looks}",
            f"{', '.join(gaps[:3])}{more}" or f"none above {seen.gap_s:.0f} s",
        ))  # fmt: skip
    return aligned(rows)


def _clock(time_ns: int) -> str:
    return utc(time_ns)[11:]


def _span(seconds: float) -> str:
    if seconds < 120.0:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"
