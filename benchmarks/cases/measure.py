"""Run a tracker's pictures of one case through the score, and pool the seeds."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.cases.case import Case
from fusion.pipeline import Pipeline
from fusion.types import SECOND_NS, Bools, Floats, Ints, Picture
from replay.scoring.instants import choose
from replay.scoring.matching import Matches, TrackPoints, match, track_points
from replay.scoring.results import Score, ScoreOptions
from replay.scoring.run import latest
from replay.scoring.score import score
from replay.scoring.truths import Presence, at_instants, collect

WARM_UP = 40  # frames that compile and load what the timed run needs
STEADY_RADPS = math.radians(0.2)  # of true heading: slower is a straight leg


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: totals are RMS over instants and seeds, counts are a seed's mean."""

    gospa_m: float
    localisation_m: float
    missed_m: float
    false_m: float
    switches: float
    breaks: float
    completeness: float
    position_rms_m: float | None
    height_rms_m: float | None
    nees: float | None
    false_s: float
    rate: float | None  # detections a second


def run_ours(case: Case) -> tuple[list[Picture], float]:
    """Pictures of our tracker, and the seconds that it took over all frames."""
    warm = Pipeline(case.site, rewind=False)
    for frame in case.frames[:WARM_UP]:
        warm.receive(frame)
    warm.finish()
    pipeline = Pipeline(case.site, rewind=False)
    pictures: list[Picture] = []
    begun = time.perf_counter()
    for frame in case.frames:
        pictures += [event for event in pipeline.receive(frame) if isinstance(event, Picture)]
    pictures += [event for event in pipeline.finish() if isinstance(event, Picture)]
    return pictures, time.perf_counter() - begun


def scores(case: Case, pictures: Sequence[Picture]) -> list[Score]:
    """One for each of the case's ways to score."""
    return [score(pictures, case.truth, options) for options in (case.options, *case.also)]


def pooled(found: Sequence[Score], detections: float, seconds: float | None) -> Row:
    """The seeds of one case, scored one way, as one row."""

    def rms(values: Sequence[float]) -> float:
        return math.sqrt(sum(v * v for v in values) / len(values))

    def over_pairs(values: Sequence[float | None], power: int) -> float | None:
        known = [(v**power, s.errors.pairs) for v, s in zip(values, found, strict=True) if v is not None]
        pairs = sum(n for _, n in known)
        return (sum(v * n for v, n in known) / pairs) ** (1.0 / power) if pairs else None

    def mean(values: Sequence[float]) -> float:
        return sum(values) / len(values)

    return Row(
        gospa_m=rms([s.totals.gospa_m for s in found]),
        localisation_m=rms([s.totals.localisation_m for s in found]),
        missed_m=rms([s.totals.missed_m for s in found]),
        false_m=rms([s.totals.false_m for s in found]),
        switches=mean([s.switches for s in found]),
        breaks=mean([s.breaks for s in found]),
        completeness=mean([s.completeness or 0.0 for s in found]),
        position_rms_m=over_pairs([s.errors.position_rmse_m for s in found], 2),
        height_rms_m=over_pairs([s.errors.height_rmse_m for s in found], 2),
        nees=over_pairs([s.consistency.nees_per_dof for s in found], 1),
        false_s=mean([s.false_time_s for s in found]),
        rate=detections / seconds if seconds else None,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Tracks beside their objects, one row each, in order of object and time."""

    time_s: Floats
    time_ns: Ints
    id: Ints  # of the track
    object: Floats
    truth: Floats  # (n, 6) lat_deg, lon_deg, alt_m, velocity east, north, up
    track: Floats  # (n, 6) the same
    offset: Floats  # (n, 3) m, track less truth


def pairs_of(case: Case, pictures: Sequence[Picture], options: ScoreOptions) -> Pairs:
    """The pairs behind a score, for what it does not tell."""
    told = latest(pictures)
    instants = choose(np.array([p.time_ns for p in told], np.int64), options.period_s, options.from_s)
    points: TrackPoints = track_points(told, instants)
    present: Presence = at_instants(collect(case.truth), instants.times_ns, options.max_gap_s)
    made: Matches = match(points, present, len(instants.times_ns), options.c_m, options.dims)
    owner = present.object[made.truth]
    times = (instants.times_ns[present.instant[made.truth]] - instants.times_ns[0]) / SECOND_NS
    order = np.lexsort((times, owner))
    return Pairs(
        times[order],
        instants.times_ns[present.instant[made.truth]][order],
        points.id[made.track][order],
        owner[order].astype(float),
        present.values[made.truth][order],
        points.values[made.track][order],
        made.offset[order],
    )


def flying(pairs: Pairs) -> dict[str, float]:
    """How speed and heading are off, and the position where it flies straight and where it turns.

    Aim of the issue: an error of heading counts positive where it is ahead of the turn.
    """
    if len(pairs.time_s) < 3:
        return {}
    heading, speed = np.arctan2(pairs.truth[:, 3], pairs.truth[:, 4]), np.hypot(pairs.truth[:, 3], pairs.truth[:, 4])
    rate, same = turn_rates(pairs)
    rate = rate[same]
    off = np.hypot(pairs.offset[same, 0], pairs.offset[same, 1])
    speed_off = (np.hypot(pairs.track[:, 3], pairs.track[:, 4]) - speed)[same]
    heading_off = np.degrees(_wrapped(np.arctan2(pairs.track[:, 3], pairs.track[:, 4]) - heading))[same]
    turning = np.abs(rate) > STEADY_RADPS
    ahead = heading_off * np.where(turning, np.sign(rate), 1.0)

    def rms(values: Floats) -> float:
        return float(np.sqrt(np.mean(values * values))) if len(values) else math.nan

    return {
        "straight position RMS, m": rms(off[~turning]),
        "turning position RMS, m": rms(off[turning]),
        "speed sigma, kt": float(np.std(speed_off)) * 3600.0 / 1852.0,
        "heading mean (ahead of the turn), deg": float(np.mean(ahead)),
        "heading sigma, deg": float(np.std(heading_off)),
        "share of time in turns": float(np.mean(turning)),
    }


def turn_rates(pairs: Pairs) -> tuple[Floats, Bools]:
    """True turn rate, rad/s clockwise, from the instants before and after, and where there are both: (n,) each."""
    heading = np.arctan2(pairs.truth[:, 3], pairs.truth[:, 4])
    span = np.roll(pairs.time_s, -1) - np.roll(pairs.time_s, 1)
    same = (np.roll(pairs.object, 1) == pairs.object) & (np.roll(pairs.object, -1) == pairs.object) & (span > 0)
    return _wrapped(np.roll(heading, -1) - np.roll(heading, 1)) / np.where(same, span, 1.0), same


def _wrapped(angle: Floats) -> Floats:
    return np.asarray((angle + np.pi) % (2.0 * np.pi) - np.pi)
