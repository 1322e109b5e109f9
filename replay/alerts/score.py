"""The score of alerts: verdicts of one run or of thousands, pooled."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from replay.alerts.calibration import Calibration, calibration, joined
from replay.alerts.judge import Verdict
from replay.alerts.model import WARNING_TIMES_S, AlertOptions
from replay.alerts.nuisance import JudgedEpisode
from replay.alerts.timing import joined_times
from replay.alerts.warning import Entry, Infringement

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Share:
    """Of the `of` entries whose object was trackable for `seconds` before, `warned` had a warning that long."""

    seconds: float
    warned: int
    of: int

    @property
    def share(self) -> float | None:
        return self.warned / self.of if self.of else None


@dataclass(frozen=True, slots=True)
class Warnings:
    """Entries, and how they were alerted. median_s, p10_s: of the warning, over the entries whose object was trackable
    at all before (0 when late or missed); None without any. untrackable: the entries that leaves out.
    """

    entries: int
    before: int
    late: int
    missed: int
    untrackable: int
    shares: tuple[Share, ...]
    median_s: float | None
    p10_s: float | None


@dataclass(frozen=True, slots=True)
class Nuisances:
    """episodes: alerts raised; nuisance, near, undecided, not_asked_for: of these; false_tracks: of the nuisances,
    those whose track was no object.  suppressed: of the episodes.  None: no time to share by.
    """

    episodes: int
    nuisance: int
    false_tracks: int
    near: int
    undecided: int
    not_asked_for: int
    suppressed: int
    object_hours: float
    per_object_hour: float | None
    encounters: int
    flaps: int
    flaps_per_encounter: float | None
    duplicates: int


@dataclass(frozen=True, slots=True)
class Delays:
    """From crossing into the widened volume to `infringing`, over the crossings of which it was `said`."""

    crossings: int
    said: int
    median_s: float | None
    p90_s: float | None


@dataclass(frozen=True, slots=True)
class Times:
    """time_to_entry_s against truth, over `messages`. bias_s: median of p50 less truth; error_s: median of its size.

    coverage: the share whose true time lay from p10 to p90; honest is 0.8.
    """

    messages: int
    error_s: float | None
    bias_s: float | None
    coverage: float | None


@dataclass(frozen=True, slots=True)
class ZoneAlerts:
    """The counts of one zone. first_ns: when its first alert was raised."""

    zone: str
    alerts: int
    first_ns: int | None
    entries: int
    before: int
    late: int
    missed: int
    median_warning_s: float | None
    nuisance: int
    flaps: int
    duplicates: int


@dataclass(frozen=True, slots=True)
class AlertScore:
    """Everything that a report shows of alerts."""

    options: AlertOptions
    warnings: Warnings
    nuisances: Nuisances
    infringing: Delays
    times: Times
    calibration: Calibration
    zones: tuple[ZoneAlerts, ...]
    entries: tuple[Entry, ...]
    infringements: tuple[Infringement, ...]
    episodes: tuple[JudgedEpisode, ...]


def pool(verdicts: Iterable[Verdict], options: AlertOptions | None = None) -> AlertScore:
    """One score of many runs: counts and times are summed, quantiles are taken over all together.

    options: those with which the runs were judged, to be told.
    """
    runs = list(verdicts)
    entries = tuple(entry for run in runs for entry in run.entries)
    crossings = tuple(each for run in runs for each in run.infringements)
    alerts = tuple(each for run in runs for each in run.episodes)
    return AlertScore(
        options=options or AlertOptions(),
        warnings=_warnings(entries),
        nuisances=_nuisances(runs, alerts),
        infringing=_delays(crossings),
        times=_times(runs),
        calibration=calibration(joined(run.forecasts for run in runs)),
        zones=tuple(_zone(name, runs) for name in dict.fromkeys(zone for run in runs for zone in run.zones)),
        entries=entries,
        infringements=crossings,
        episodes=alerts,
    )


def quantile(values: Sequence[float], share: float) -> float | None:
    """Linear between order statistics, as numpy has it; None of nothing."""
    return float(np.quantile(np.array(values, dtype=np.float64), share)) if len(values) else None


def _warnings(entries: Sequence[Entry]) -> Warnings:
    could = [entry for entry in entries if entry.trackable_s is not None and entry.trackable_s > 0.0]
    warned = [entry.warning_s for entry in could]
    return Warnings(
        entries=len(entries),
        before=sum(entry.outcome == "before" for entry in entries),
        late=sum(entry.outcome == "late" for entry in entries),
        missed=sum(entry.outcome == "missed" for entry in entries),
        untrackable=len(entries) - len(could),
        shares=tuple(_share(could, seconds) for seconds in WARNING_TIMES_S),
        median_s=quantile(warned, 0.5),
        p10_s=quantile(warned, 0.1),
    )


def _share(could: Sequence[Entry], seconds: float) -> Share:
    own = [entry for entry in could if entry.trackable_s is not None and entry.trackable_s >= seconds]
    return Share(seconds, sum(entry.warning_s >= seconds for entry in own), len(own))


def _nuisances(runs: Sequence[Verdict], alerts: Sequence[JudgedEpisode]) -> Nuisances:
    worth = [alert.worth for alert in alerts]
    nuisance, hours = worth.count("nuisance"), sum(run.object_s for run in runs) / HOUR_S
    met = [each for run in runs for _, each in run.encounters]
    many, flaps = sum(each.encounters for each in met), sum(each.flaps for each in met)
    return Nuisances(
        episodes=len(alerts),
        nuisance=nuisance,
        false_tracks=sum(alert.worth == "nuisance" and not alert.objects for alert in alerts),
        near=worth.count("near"),
        undecided=worth.count("undecided"),
        not_asked_for=worth.count("not asked for"),
        suppressed=sum(alert.suppressed for alert in alerts),
        object_hours=hours,
        per_object_hour=nuisance / hours if hours > 0.0 else None,
        encounters=many,
        flaps=flaps,
        flaps_per_encounter=flaps / many if many else None,
        duplicates=sum(each.duplicates for each in met),
    )


def _delays(crossings: Sequence[Infringement]) -> Delays:
    said = [each.delay_s for each in crossings if each.delay_s is not None]
    return Delays(len(crossings), len(said), quantile(said, 0.5), quantile(said, 0.9))


def _times(runs: Sequence[Verdict]) -> Times:
    every = joined_times(run.times for run in runs)
    if not len(every.error_s):
        return Times(0, None, None, None)
    error, bias = float(np.median(np.abs(every.error_s))), float(np.median(every.error_s))
    return Times(len(every.error_s), error, bias, float(every.covered.mean()))


def _zone(name: str, runs: Sequence[Verdict]) -> ZoneAlerts:
    alerts = [each for run in runs for each in run.episodes if each.zone == name]
    entries = [each for run in runs for each in run.entries if each.zone == name]
    met = [each for run in runs for zone, each in run.encounters if zone == name]
    counts = _warnings(entries)
    return ZoneAlerts(
        zone=name,
        alerts=len(alerts),
        first_ns=min((each.raised_ns for each in alerts), default=None),
        entries=counts.entries,
        before=counts.before,
        late=counts.late,
        missed=counts.missed,
        median_warning_s=counts.median_s,
        nuisance=sum(each.worth == "nuisance" for each in alerts),
        flaps=sum(each.flaps for each in met),
        duplicates=sum(each.duplicates for each in met),
    )
