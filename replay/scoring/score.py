"""How good a recording of tracks is, against truth.

At each instant the tracks shown to people (confirmed and coasting) are assigned to the objects that are
there (GOSPA, `replay.scoring.gospa`); totals are RMS over the instants. From the same assignment come errors of
position and velocity, identity switches, breaks, completeness and the consistency of the covariance.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fusion.types import SECOND_NS, Floats, Ints, Picture, Truth
from replay.alerts.model import Ownership
from replay.alerts.recorded import score_alerts
from replay.scoring.instants import Instants, choose
from replay.scoring.matching import Matches, TrackPoints, match, track_points
from replay.scoring.results import (
    Consistency,
    Errors,
    NothingToScoreError,
    ObjectScore,
    OverTime,
    Score,
    ScoreOptions,
    Totals,
)
from replay.scoring.run import Run, latest, load
from replay.scoring.truths import ObjectRows, Presence, at_instants, collect

CONSISTENCY_LEVEL = 0.95  # of the interval in which a consistent filter's mean NEES lies


def score_files(tracks_path: str, truth_path: str, options: ScoreOptions | None = None) -> Score:
    """Score a recording of tracks against the truth of another (or of the same).

    Raises RecordingError, NothingToScoreError, ConfigError.
    """
    return score_run(load(tracks_path, truth_path), options)


def score_run(run: Run, options: ScoreOptions | None = None) -> Score:
    """The same for a run that was read already: alerts are scored too where it holds zones or alerts."""
    options = options or ScoreOptions()
    objects = collect(run.truth)
    found, owners = _score(run.pictures, objects, options)
    alerts = score_alerts(run, objects, owners, (found.begin_ns, found.end_ns), options)
    return replace(found, alerts=alerts, problems=run.problems)


def score(tracks: Iterable[Picture], truth: Iterable[Truth], options: ScoreOptions | None = None) -> Score:
    """Score pictures, in any order, against truth. Of several pictures of one time the last counts."""
    return _score(latest(tracks), collect(truth), options or ScoreOptions())[0]


def ownership(tracks: Iterable[Picture], objects: tuple[ObjectRows, ...], options: ScoreOptions) -> Ownership:
    """Whose each track was, as scoring assigns them. Raises NothingToScoreError."""
    return _score(latest(tracks), objects, options)[1]


def _score(
    pictures: tuple[Picture, ...], objects: tuple[ObjectRows, ...], options: ScoreOptions
) -> tuple[Score, Ownership]:
    """The score, and whose each track was."""
    _check_overlap(pictures, objects)
    times = np.array([picture.time_ns for picture in pictures], dtype=np.int64)
    instants = choose(times, options.period_s, options.from_s)
    if not len(instants.times_ns):
        raise NothingToScoreError(f"no instant is left to score after the first {options.from_s:g} s")
    points = track_points(pictures, instants)
    present = at_instants(objects, instants.times_ns, options.max_gap_s)
    matches = match(points, present, len(instants.times_ns), options.c_m, options.dims)
    over_time = _over_time(instants, points, present, matches, options.c_m)
    each = _objects(objects, instants, points, present, matches)
    first = [one.first_track_s for one in each if one.first_track_s is not None]
    wanted = int((~present.ignore).sum())
    false = int(matches.false.sum())
    ids = np.unique(points.id)
    right = np.unique(points.id[matches.track])
    wrong = np.setdiff1d(np.unique(points.id[matches.false]), right)
    found = Score(
        options=options,
        begin_ns=int(instants.times_ns[0]),
        end_ns=int(instants.times_ns[-1]),
        period_s=instants.period_s,
        instants=len(instants.times_ns),
        missing_pictures=instants.missing,
        unused_pictures=instants.unused,
        totals=_totals(over_time),
        errors=_errors(matches, options.dims),
        consistency=_consistency(matches, points, options.dims),
        completeness=len(matches.truth) / wanted if wanted else None,
        switches=sum(one.switches for one in each),
        breaks=sum(one.breaks for one in each),
        first_track_s=float(np.median(first)) if first else None,
        tracks=len(ids),
        tracks_never_right=len(wrong),
        false_points=false,
        false_time_s=false * instants.period_s,
        ignored_points=int(matches.ignored.sum()),
        ignored_objects=len(np.unique(present.object[present.ignore])),
        objects=each,
        over_time=over_time,
        notes=_notes(instants, objects),
    )
    return found, _owners(objects, instants, points, present, matches)


def _owners(
    objects: tuple[ObjectRows, ...], instants: Instants, points: TrackPoints, present: Presence, matches: Matches
) -> Ownership:
    free = matches.unasked[matches.ignored[matches.unasked[:, 1]]]
    truth, track = np.concatenate([matches.truth, free[:, 0]]), np.concatenate([matches.track, free[:, 1]])
    names = [objects[number].id for number in present.object[truth].tolist()]
    return Ownership(points.id[track], instants.times_ns[points.instant[track]], names)


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


def _over_time(instants: Instants, points: TrackPoints, present: Presence, matches: Matches, c: float) -> OverTime:
    n = len(instants.times_ns)
    wanted = present.instant[~present.ignore]
    objects = np.bincount(wanted, minlength=n)
    missed = objects - np.bincount(present.instant[matches.truth], minlength=n)
    false = np.bincount(points.instant[matches.false], minlength=n)
    squared = np.bincount(present.instant[matches.truth], weights=matches.distance**2, minlength=n)
    half = c * c / 2.0
    return OverTime(
        time_ns=instants.times_ns,
        gospa_m=np.sqrt(squared + half * (missed + false)),
        localisation_m=np.sqrt(squared),
        missed_m=np.sqrt(half * missed),
        false_m=np.sqrt(half * false),
        objects=objects,
        tracks=np.bincount(points.instant, minlength=n),
        missed=missed,
        false=false,
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
    squared = squared[np.isfinite(squared)]
    if not len(squared):
        return Consistency(None, None, None, 0)
    from scipy.stats import chi2

    dof = dims * len(squared)
    low, high = chi2.interval(CONSISTENCY_LEVEL, dof)
    return Consistency(float(squared.sum()) / dof, float(low) / dof, float(high) / dof, len(squared))


def normalised_squared(error: Floats, covariance: Floats) -> Floats:
    """eᵀ P⁻¹ e for (n, d) errors and (n, d, d) covariances, by Cholesky; NaN where P is not positive."""
    n, d = error.shape
    root, white = np.zeros((n, d, d)), np.zeros((n, d))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        for i in range(d):
            for j in range(i + 1):
                rest = covariance[:, i, j] - (root[:, i, :j] * root[:, j, :j]).sum(axis=1)
                root[:, i, j] = np.sqrt(rest) if i == j else rest / root[:, j, j]
            white[:, i] = (error[:, i] - (root[:, i, :i] * white[:, :i]).sum(axis=1)) / root[:, i, i]
        squared = (white * white).sum(axis=1)
    return np.where(np.isfinite(squared), squared, np.nan)


def _objects(
    objects: tuple[ObjectRows, ...],
    instants: Instants,
    points: TrackPoints,
    present: Presence,
    matches: Matches,
) -> tuple[ObjectScore, ...]:
    track = np.full(len(present.instant), -1, dtype=np.int64)
    track[matches.truth] = matches.track
    distance = np.zeros(len(present.instant))
    distance[matches.truth] = matches.distance
    rows = np.flatnonzero(~present.ignore)
    rows = rows[np.argsort(present.object[rows], kind="stable")]
    groups = np.split(rows, np.flatnonzero(np.diff(present.object[rows])) + 1) if len(rows) else []
    return tuple(
        _one_object(
            objects[present.object[group[0]]].id,
            instants.times_ns[present.instant[group]],
            track[group] >= 0,
            points.id[track[group][track[group] >= 0]],
            distance[group],
        )
        for group in groups
    )


def _one_object(name: str, times_ns: Ints, tracked: NDArray[np.bool_], ids: Ints, distance: Floats) -> ObjectScore:
    if not len(ids):
        return ObjectScore(name, len(times_ns), 0, 0, 0, 0, None, None)
    first = int(np.argmax(tracked))
    regained = ~tracked[first:-1] & tracked[first + 1 :]
    return ObjectScore(
        id=name,
        instants=len(times_ns),
        tracked=len(ids),
        tracks=len(np.unique(ids)),
        switches=int((np.diff(ids) != 0).sum()),
        breaks=int(regained.sum()),
        first_track_s=float(times_ns[first] - times_ns[0]) / SECOND_NS,
        position_rmse_m=_rms(distance[tracked]),
    )


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
