"""How good a recording of tracks is, against truth.

At each instant the tracks shown to people (confirmed and coasting) are assigned to the objects that are there: each
instant by itself (GOSPA, `replay.scoring.gospa`) for missed and false ones; and so that a change of track has its
price (trajectory GOSPA, `replay.scoring.trajectories`) for identity, errors and consistency. `docs/scoring.md` defines
each figure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from fusion.types import SECOND_NS, Floats, Picture, Truth
from replay.alerts.model import Ownership
from replay.alerts.recorded import score_alerts
from replay.scoring.accuracy import accuracy
from replay.scoring.columns import over_time
from replay.scoring.compared import STATE, Compared, compare
from replay.scoring.consistency import chi_square, consistency, normalised_squared
from replay.scoring.identities import changes, identity, object_scores
from replay.scoring.instants import Instants
from replay.scoring.matching import Matches, TrackPoints
from replay.scoring.measures import Ospa
from replay.scoring.results import Consistency, Errors, NothingToScoreError, OverTime, Score, ScoreOptions, Totals
from replay.scoring.run import Run, latest, load
from replay.scoring.sensing import with_sensors
from replay.scoring.siap import assigned, siap
from replay.scoring.truths import ObjectRows, collect

NO_FRAMES = "no frames and configuration were given: sensors, innovations (NIS) and latency are not scored"
NONE_REGISTERED = "no frame of a configured sensor lies in what is scored: sensors, NIS and latency are not scored"


def score_files(tracks_path: str, truth_path: str, options: ScoreOptions | None = None) -> Score:
    """Score a recording of tracks against the truth of another (or of the same).

    Raises RecordingError, NothingToScoreError, ConfigError.
    """
    return score_run(load(tracks_path, truth_path), options)


def score_run(run: Run, options: ScoreOptions | None = None) -> Score:
    """The same for a run that was read already: alerts are scored too where it holds zones or alerts, sensors where it
    holds frames."""
    return score_compared(run, compared_run(run, options))


def compared_run(run: Run, options: ScoreOptions | None = None) -> Compared:
    """Tracks beside truth. Raises NothingToScoreError, with what of the files was passed over."""
    try:
        return _compared(run.pictures, collect(run.truth), options or ScoreOptions())
    except NothingToScoreError as error:
        raise NothingToScoreError(run.telling(error)) from error


def score_compared(run: Run, compared: Compared) -> Score:
    """The score of a run from `compared_run`."""
    found = _score(compared)
    if run.site is not None:
        found = with_sensors(found, compared, run.frames, run.site)
    if found.sensors is None:
        found = replace(found, notes=(*found.notes, NO_FRAMES if run.site is None else NONE_REGISTERED))
    alerts = score_alerts(run, compared.objects, compared.owners(), (found.begin_ns, found.end_ns), compared.options)
    return replace(found, alerts=alerts, problems=run.problems)


def score(tracks: Iterable[Picture], truth: Iterable[Truth], options: ScoreOptions | None = None) -> Score:
    """Score pictures, in any order, against truth. Of several pictures of one time the last counts."""
    return _score(_compared(latest(tracks), collect(truth), options or ScoreOptions()))


def ownership(tracks: Iterable[Picture], objects: tuple[ObjectRows, ...], options: ScoreOptions) -> Ownership:
    """Whose each track was, as scoring assigns them. Raises NothingToScoreError."""
    return _compared(latest(tracks), objects, options).owners()


def _compared(pictures: tuple[Picture, ...], objects: tuple[ObjectRows, ...], options: ScoreOptions) -> Compared:
    _check_overlap(pictures, objects)
    return compare(pictures, objects, options)


def _score(compared: Compared) -> Score:
    """The score without alerts and sensors."""
    options, instants, held = compared.options, compared.instants, compared.held
    points, present, matches = compared.points, compared.present, compared.matches
    dims, times = options.dims, instants.times_ns
    found = changes(held, present)
    each = object_scores(compared.objects, times, points, present, matches, held, found)
    first = [one.first_track_s for one in each if one.first_track_s is not None]
    wanted = int(compared.asked.sum())
    wrong = np.setdiff1d(np.unique(points.id[matches.false]), np.unique(points.id[matches.track]))
    attributes, attributes_at = siap(points, present, matches, assigned(points, present, matches, held, dims), times)
    window = max(round(options.window_s / instants.period_s), 1)
    apart = compared.ospa(1), compared.ospa(window)
    nees, nees_state = compared.nees(), compared.nees_state()
    columns = over_time(compared, attributes_at, *apart, nees)
    return Score(
        options=options,
        begin_ns=int(times[0]),
        end_ns=int(times[-1]),
        period_s=instants.period_s,
        instants=len(times),
        missing_pictures=instants.missing,
        unused_pictures=instants.unused,
        totals=_totals(columns),
        errors=_errors(matches, dims),
        consistency=_consistency(matches, points, dims),
        completeness=len(matches.truth) / wanted if wanted else None,
        switches=int(found.switch.sum()),
        breaks=sum(one.breaks for one in each),
        first_track_s=float(np.median(first)) if first else None,
        tracks=len(np.unique(points.id)),
        tracks_never_right=len(wrong),
        false_points=int(matches.false.sum()),
        false_time_s=int(matches.false.sum()) * instants.period_s,
        ignored_points=int(matches.ignored.sum()),
        ignored_objects=len(np.unique(present.object[present.ignore])),
        objects=each,
        over_time=columns,
        notes=_notes(instants, compared.objects),
        trajectory=compared.trajectory,
        ospa=Ospa(float(apart[0].mean()), float(apart[1].mean()), window * instants.period_s),
        siap=attributes,
        identity=identity(held, found, each),
        accuracy=accuracy(held, points, present, dims),
        nees=chi_square(nees, np.full(len(nees), dims)),
        nees_state=chi_square(nees_state, np.full(len(nees_state), len(STATE[dims]))),
    )


def _check_overlap(pictures: tuple[Picture, ...], objects: tuple[ObjectRows, ...]) -> None:
    if not pictures:
        raise NothingToScoreError("the recording of tracks holds no `tracks` message")
    if not objects:
        raise NothingToScoreError("the recording of truth holds no row of truth")
    begin, end = pictures[0].time_ns, pictures[-1].time_ns
    first = min(int(rows.times_ns[0]) for rows in objects)
    last = max(int(rows.times_ns[-1]) for rows in objects)
    if last < begin or first > end:
        raise NothingToScoreError(
            f"tracks and truth share no time: tracks run from {_utc(begin)} to {_utc(end)}, "
            f"truth from {_utc(first)} to {_utc(last)}"
        )


def _totals(over_time: OverTime) -> Totals:
    return Totals(
        *(_rms(part) for part in (over_time.gospa_m, over_time.localisation_m, over_time.missed_m, over_time.false_m))
    )


def _errors(matches: Matches, dims: int) -> Errors:
    if not len(matches.truth):
        return Errors(0, None, None, None, None, None)
    velocity = (matches.velocity[:, :dims] ** 2).sum(axis=1)
    known = np.isfinite(velocity)
    return Errors(
        pairs=len(matches.truth),
        position_rmse_m=_rms(matches.distance),
        position_median_m=float(np.median(matches.distance)),
        position_95_m=float(np.percentile(matches.distance, 95)),
        height_rmse_m=_rms(matches.offset[:, 2]),
        velocity_rmse_mps=float(np.sqrt(velocity[known].mean())) if known.any() else None,
    )


def _consistency(matches: Matches, points: TrackPoints, dims: int) -> Consistency:
    squared = normalised_squared(matches.offset[:, :dims], points.covariance[matches.track][:, :dims, :dims])
    return consistency(squared, dims)


def _notes(instants: Instants, objects: tuple[ObjectRows, ...]) -> tuple[str, ...]:
    """What a reader would otherwise not know and might be misled by."""
    begin, end = int(instants.times_ns[0]), int(instants.times_ns[-1])
    wanted = [rows for rows in objects if not rows.ignore.all()] or objects
    first = min(int(rows.times_ns[0]) for rows in wanted)
    last = max(int(rows.times_ns[-1]) for rows in wanted)
    outside = (max(begin - first, 0) + max(last - end, 0)) / SECOND_NS
    notes = []
    if outside > 2.0 * instants.period_s:
        notes.append(f"{outside:.1f} s of truth lie before the first or after the last scored instant")
    if instants.missing:
        notes.append(f"{instants.missing} pictures were due and are missing: scored as empty")
    if instants.unused:
        notes.append(f"{instants.unused} pictures lie between the instants asked for: not scored")
    return tuple(notes)


def _rms(values: Floats) -> float:
    return float(np.sqrt((values * values).mean()))


def _utc(time_ns: int) -> str:
    return str(np.datetime64(time_ns, "ns").astype("datetime64[s]")) + "Z"
