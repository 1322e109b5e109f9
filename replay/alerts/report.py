"""A score of alerts as tables for people."""

from __future__ import annotations

from replay.alerts.calibration import Calibration
from replay.alerts.score import AlertScore, Share
from replay.alerts.warning import Entry
from replay.text import Rows, number, percent, utc


def alert_tables(score: AlertScore, most: int | None = None) -> list[tuple[str, Rows]]:
    """Titled tables, each with a head: figures, zones, entries (`most`: no more than these), reliability.

    Those without a row are left out.
    """
    tables = [
        ("Alerts", alert_figures(score)),
        ("Alerts by zone", zone_table(score)),
        ("Entries", entry_table(score, most)),
        ("Probabilities, by message", reliability_table(score.calibration)),
    ]
    return [(title, rows) for title, rows in tables if len(rows) > 1]


def alert_figures(score: AlertScore) -> Rows:
    """The figures: (name, value, what it says). The head is empty."""
    warned, bad, times, told = score.warnings, score.nuisances, score.times, score.calibration
    late = f"{warned.late:,} late, {warned.missed:,} missed"
    unfit = f"; {warned.untrackable:,} not trackable before, left out below" if warned.untrackable else ""
    rows: Rows = [("", "", ""), ("entries", f"{warned.entries:,}", f"{warned.before:,} alerted before, {late}{unfit}")]
    rows += [_share_row(share) for share in warned.shares]
    bias, coverage = number(times.bias_s, 1, "s"), percent(times.coverage)
    rows += [
        ("warning", number(warned.median_s, 1, "s"), f"median; {number(warned.p10_s, 1, 's')} at 10 %"),
        ("alerts", f"{bad.episodes:,}", _worth(score)),
        ("nuisances an object-hour", number(bad.per_object_hour, 2), _nuisances(score)),
        ("flaps an encounter", number(bad.flaps_per_encounter, 3), f"{bad.flaps:,} in {bad.encounters:,} encounters"),
        ("duplicates", f"{bad.duplicates:,}", "raised while another was open for the same object and zone"),
        ("infringing after", number(score.infringing.median_s, 1, "s"), _delays(score)),
        ("time to entry off by", number(times.error_s, 1, "s"), f"median of {times.messages:,}; bias {bias}"),
        ("  within p10 to p90", coverage, "of them; 80 % is honest"),
        ("Brier score", number(told.brier, 3), f"of {told.forecasts:,} messages; {percent(told.base_rate)} came true"),
        ("  skill", number(told.skill, 2), f"against always that rate ({number(told.brier_constant, 3)})"),
        ("calibration error", number(told.ece, 3), "expected, over tenths of probability"),
    ]
    return rows


def zone_table(score: AlertScore) -> Rows:
    """One row for each zone."""
    rows: Rows = [
        ("zone", "alerts", "first at", "entries", "before", "late", "missed", "median warning", "nuisances", "flaps")
    ]
    for zone in score.zones:
        first = "" if zone.first_ns is None else utc(zone.first_ns)
        counts = [f"{count:,}" for count in (zone.entries, zone.before, zone.late, zone.missed)]
        warning = number(zone.median_warning_s, 1, "s")
        rows.append((zone.zone, f"{zone.alerts:,}", first, *counts, warning, f"{zone.nuisance:,}", f"{zone.flaps:,}"))
    return rows


def entry_table(score: AlertScore, most: int | None = None) -> Rows:
    """One row for each entry, in order of time; `most`: no more than these."""
    rows: Rows = [("entry of", "into", "at", "alerted", "warning", "trackable before")]
    for entry in score.entries[:most]:
        trackable = "never" if entry.trackable_s is None else number(entry.trackable_s, 1, "s")
        rows.append((entry.object, entry.zone, utc(entry.time_ns), _alerted(entry), _warning(entry), trackable))
    hidden = len(score.entries) - len(score.entries[:most])
    return [*rows, (f"and {hidden:,} more", *[""] * 5)] if hidden else rows


def reliability_table(told: Calibration) -> Rows:
    """One row for each tenth of probability that has forecasts."""
    rows: Rows = [("told", "forecasts", "mean", "came true")]
    for each in told.deciles:
        if each.forecasts:
            span = f"{each.low:.1f} to {each.high:.1f}"
            rows.append((span, f"{each.forecasts:,}", number(each.mean, 3), number(each.share, 3)))
    return rows


def _share_row(share: Share) -> tuple[str, str, str]:
    words = f"{share.warned:,} of {share.of:,} entries whose object was trackable that long before"
    return (f"  warned {share.seconds:.0f} s before", percent(share.share), words)


def _worth(score: AlertScore) -> str:
    bad = score.nuisances
    parts = [(bad.undecided, "undecided at the end"), (bad.not_asked_for, "of objects not asked for")]
    parts += [(bad.suppressed, "suppressed")]
    founded = bad.episodes - bad.nuisance - bad.near - bad.undecided - bad.not_asked_for
    words = [f"{founded:,} with an entry", f"{bad.near:,} near or inside", f"{bad.nuisance:,} nuisances"]
    return ", ".join(words + [f"{count:,} {name}" for count, name in parts if count])


def _nuisances(score: AlertScore) -> str:
    near, bad = score.options, score.nuisances
    ghosts = f", {bad.false_tracks:,} of false tracks" if bad.false_tracks else ""
    away = f"stayed more than {near.near_m:g} m ({near.near_vertical_m:g} m in height) away"
    return f"{bad.nuisance:,} in {bad.object_hours:,.2f} h{ghosts}; {away}"


def _delays(score: AlertScore) -> str:
    found = score.infringing
    high = number(found.p90_s, 1, "s")
    return f"median; {high} at 90 %; said of {found.said:,} of {found.crossings:,} crossings, margins included"


def _alerted(entry: Entry) -> str:
    return entry.outcome if entry.late_s is None else f"{number(entry.late_s, 1, 's')} late"


def _warning(entry: Entry) -> str:
    return number(entry.warning_s, 1, "s")
