"""The figures of a score in tables, by what they tell: (name, value, what it says), or with a head."""

from __future__ import annotations

from replay.scoring.measures import Accuracy, ChiSquare, Residual, Sensors, SensorScore, Statistic
from replay.scoring.results import Score
from replay.text import Rows, number, percent

DIGITS = {"m": 1, "m/s": 2, "°": 2}
ERRORS = {  # of `Accuracy`: as a person calls it
    "position_m": "position",
    "east_m": "  east",
    "north_m": "  north",
    "height_m": "  height",
    "along_m": "  ahead",
    "across_m": "  to the right",
    "velocity_mps": "velocity",
    "speed_mps": "  speed",
    "heading_deg": "  heading, clockwise",
    "climb_mps": "  climb",
}


def totals(score: Score) -> Rows:
    """The metrics in one figure each."""
    parts = score.totals
    present = sum(one.instants for one in score.objects)
    missed = present - sum(one.tracked for one in score.objects)
    false = f"{score.false_points:,} track-instants, {score.false_time_s:,.0f} s"
    rows: Rows = [
        ("GOSPA", number(parts.gospa_m, 2, "m"), "RMS over the instants, p = 2, alpha = 2"),
        ("  localisation", number(parts.localisation_m, 2, "m"), f"{score.errors.pairs:,} assigned pairs"),
        ("  missed", number(parts.missed_m, 2, "m"), f"{missed:,} of {present:,} object-instants"),
        ("  false", number(parts.false_m, 2, "m"), false),
    ]
    if score.trajectory is not None:
        told = score.trajectory
        switch = f"{told.switches:,.1f} changes of track at gamma = {told.switch_cost_m:g} m"
        words = "RMS over the instants, exact" if not told.bounded else f"at most; {told.lower_m:,.2f} m at least"
        rows += [
            ("trajectory GOSPA", number(told.total_m, 2, "m"), words),
            ("  switch", number(told.switch_m, 2, "m"), switch),
        ]
    if score.ospa is not None:
        rows += [
            ("OSPA", number(score.ospa.ospa_m, 2, "m"), "mean over the instants, order 1"),
            ("OSPA(2)", number(score.ospa.ospa2_m, 2, "m"), f"the same of tracks over {score.ospa.window_s:g} s"),
        ]
    return [*rows, *left_out(score)]


def left_out(score: Score) -> Rows:
    """What was not judged; nothing where all was."""
    if not score.ignored_objects:
        return []
    words = f"track-instants near {score.ignored_objects} objects not asked for"
    return [("left out", f"{score.ignored_points:,}", words)]


def groups(score: Score) -> list[tuple[str, Rows]]:
    """Titled tables: accuracy, completeness, identity, consistency, sensors."""
    found = [("Completeness", completeness(score)), ("Identity", identity(score)), ("Consistency", consistency(score))]
    if score.accuracy is not None:
        found.insert(0, ("Accuracy, track less truth", accuracy(score.accuracy)))
    if score.sensors is not None:
        found += [("Sensors", sensors(score.sensors)), ("Residuals, measured less true", residuals(score.sensors))]
    return [(title, rows) for title, rows in found if rows]


def accuracy(told: Accuracy) -> Rows:
    """Bias, RMS and 95 % of every error, under a head."""
    rows: Rows = [("error of", "bias", "RMS", "95 % within", "pairs")]
    for field, name in ERRORS.items():
        one: Statistic = getattr(told, field)
        unit = {"m": "m", "mps": "m/s", "deg": "°"}[field.rsplit("_", 1)[1]]
        cells = (number(value, DIGITS[unit], unit) for value in (one.bias, one.rms, one.p95))
        rows.append((name, *cells, f"{one.count:,}"))
    return rows


def completeness(score: Score) -> Rows:
    """How much of truth has a track, how soon, and how much of the tracks is of nothing."""
    ever = sum(one.tracked > 0 for one in score.objects)
    rows: Rows = [
        ("completeness", percent(score.completeness), f"{ever} of {len(score.objects)} objects tracked at all"),
        ("first track after", number(score.first_track_s, 1, "s"), "median over the objects"),
        ("tracks", f"{score.tracks:,}", f"{score.tracks_never_right:,} of them false throughout"),
    ]
    if score.siap is not None:
        told = score.siap
        rows += [
            ("ambiguity (SIAP)", number(told.ambiguity, 3), "tracks on an object that has one; 1 at best"),
            ("spuriousness (SIAP)", percent(told.spuriousness), "of the tracks are on no object"),
        ]
    if score.sensors is not None:
        late = score.sensors.latency
        words = f"first detection to first picture, median; 95 % within {number(late.p95_s, 1, 's')}"
        rows.append(("latency", number(late.median_s, 1, "s"), f"{words}; {late.never} detected and never shown"))
    return rows


def identity(score: Score) -> Rows:
    """How objects kept their tracks."""
    if score.identity is None or score.siap is None:
        return []
    told = score.identity
    change = score.siap.changes_per_s
    hourly = None if change is None else 3600.0 * change
    flips = f"{told.swaps:,} of them to another object's track; {told.flips:,} if each instant is assigned by itself"
    return [
        ("switches", f"{told.switches:,}", flips),
        ("fragments", f"{told.fragments:,}", f"segments beyond the first of each object; {told.breaks:,} breaks"),
        ("purity of tracks", percent(told.track_purity), "of their pairs are with their main object"),
        ("purity of objects", percent(told.object_purity), "of their pairs are with their main track"),
        ("longest segment (SIAP)", percent(score.siap.longest_segment), "of an object's time under one track"),
        ("changes (SIAP)", number(hourly, 2), "of track in an hour of tracked time"),
    ]


def consistency(score: Score) -> Rows:
    """Whether covariances are honest."""
    rows: Rows = []
    for name, found in (("NEES of position", score.nees), ("  with velocity", score.nees_state)):
        if found is not None:
            rows.append((name, number(found.per_dof, 2), _bounds(found)))
    if score.sensors is not None:
        rows.append(("NIS", number(score.sensors.nis.per_dof, 2), _bounds(score.sensors.nis)))
    return rows


def _bounds(found: ChiSquare) -> str:
    if found.per_dof is None:
        return "no covariance to compare with"
    bounds = f"1 is honest; {number(found.low, 2)} to {number(found.high, 2)} if independent"
    return f"per dimension, {bounds}; {percent(found.inside)} of {found.count:,} inside their 95 %"


def sensors(told: Sensors) -> Rows:
    """One row for each sensor, under a head."""
    head = ("sensor", "looks", "detected", "expected", "of", "false a look", "expected ", "NIS")
    return [head, *(_sensor(one) for one in told.sensors)]


def _sensor(one: SensorScore) -> tuple[str, ...]:
    return (
        one.id,
        f"{one.looks:,}",
        percent(one.detection_ratio),
        percent(one.expected_ratio),
        f"{one.opportunities:,}",
        number(one.false_per_look, 2),
        number(one.expected_false_per_look, 2),
        number(one.nis.per_dof, 2),
    )


def residuals(told: Sensors) -> Rows:
    """One row for each sensor and component, under a head."""
    rows = [(one.id, part.component, *_residual(part)) for one in told.sensors for part in one.residuals]
    head = ("sensor", "component", "bias", "spread", "registered", "detections")
    return [head, *rows] if rows else []


def _residual(part: Residual) -> tuple[str, ...]:
    unit = {"m": "m", "mps": "m/s", "deg": "°"}[part.component.rsplit("_", 1)[1]]
    return (*(number(value, 3, unit) for value in (part.bias, part.spread, part.sigma)), f"{part.count:,}")
