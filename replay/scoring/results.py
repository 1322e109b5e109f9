"""What a score holds, and what may be chosen about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from fusion.errors import ConfigError, SkypicketError
from fusion.types import Floats, Ints
from replay.alerts.model import AlertOptions
from replay.alerts.score import AlertScore
from replay.scoring.measures import Accuracy, ChiSquare, Identity, Ospa, Sensors, Siap, TrajectoryGospa

LEAST_M: Final = 1e-3  # of a cut-off, and of what a change costs: nothing is measured finer, and squares stay numbers


class NothingToScoreError(SkypicketError):
    """The recordings hold no tracks, no truth, or none of the same time."""


@dataclass(frozen=True, slots=True)
class ScoreOptions:
    """c_m: the cut-off; 100 m is a few sigma of a surveillance radar at tens of kilometres.

    dims: 2 in the plane, 3 with height.  period_s: score at its whole multiples; None: at every picture.
    alerts: how alerts are judged; `max_gap_s` here holds for them too.  switch_m: what a change of track costs in
    trajectory GOSPA; None: half of `c_m`, so that it is dearer to leave an object and a track near it without each
    other than to change, and two tracks that change objects and change back cost as much as one missed and one false.
    window_s: over which OSPA(2) looks back; 10 s is a few looks of most sensors.
    """

    c_m: float = 100.0
    dims: Literal[2, 3] = 2
    period_s: float | None = None
    max_gap_s: float = 10.0
    from_s: float = 0.0
    alerts: AlertOptions = field(default_factory=AlertOptions)
    switch_m: float | None = None
    window_s: float = 10.0

    @property
    def switch_cost_m(self) -> float:
        """gamma of trajectory GOSPA."""
        return self.c_m / 2.0 if self.switch_m is None else self.switch_m

    def __post_init__(self) -> None:
        if self.dims not in (2, 3):
            raise ConfigError("--dims", self.dims, "2 or 3")
        if not LEAST_M <= self.c_m <= 1e6:
            raise ConfigError("--c", self.c_m, "metres, 0.001 to 1,000,000")
        if self.period_s is not None and not 1e-3 <= self.period_s <= 86_400.0:
            raise ConfigError("--period", self.period_s, "seconds, 0.001 to 86,400")
        if not 0.0 <= self.max_gap_s <= 1e6:
            raise ConfigError("--max-gap", self.max_gap_s, "seconds, 0 to 1,000,000")
        if not 0.0 <= self.from_s <= 1e9:
            raise ConfigError("--from", self.from_s, "seconds, 0 to 1,000,000,000")
        if self.switch_m is not None and not LEAST_M <= self.switch_m <= 1e6:
            raise ConfigError("--switch", self.switch_m, "metres, 0.001 to 1,000,000")
        if not 0.0 < self.window_s <= 86_400.0:
            raise ConfigError("--window", self.window_s, "seconds, above 0, at most 86,400")


@dataclass(frozen=True, slots=True)
class Totals:
    """GOSPA and its parts, RMS over the instants: gospa² = localisation² + missed² + false²."""

    gospa_m: float
    localisation_m: float
    missed_m: float
    false_m: float


@dataclass(frozen=True, slots=True, eq=False)
class OverTime:
    """The same at each instant: (t,) columns. objects, tracks: how many; missed, false: of these.

    trajectory_m and its switch_m: an instant's share of trajectory GOSPA.  ospa2_m: of the window that ends there.
    position_rms_m, velocity_rms_mps, heading_rms_deg, nees, nis: of the pairs and detections of the instant (nis: since
    the instant before), NaN where there are none; nees and nis per degree of freedom, with the bounds of their means.
    """

    time_ns: Ints
    gospa_m: Floats
    localisation_m: Floats
    missed_m: Floats
    false_m: Floats
    objects: Ints
    tracks: Ints
    missed: Ints
    false: Ints
    trajectory_m: Floats | None = None
    switch_m: Floats | None = None
    ospa_m: Floats | None = None
    ospa2_m: Floats | None = None
    completeness: Floats | None = None
    ambiguity: Floats | None = None
    spuriousness: Floats | None = None
    position_rms_m: Floats | None = None
    velocity_rms_mps: Floats | None = None
    heading_rms_deg: Floats | None = None
    nees: Floats | None = None
    nees_low: Floats | None = None
    nees_high: Floats | None = None
    nis: Floats | None = None
    nis_low: Floats | None = None
    nis_high: Floats | None = None


@dataclass(frozen=True, slots=True)
class Errors:
    """Of the assigned pairs. None: no pair. height_rmse_m is given even where the plane alone is scored."""

    pairs: int
    position_rmse_m: float | None
    position_median_m: float | None
    position_95_m: float | None
    height_rmse_m: float | None
    velocity_rmse_mps: float | None


@dataclass(frozen=True, slots=True)
class Consistency:
    """Mean normalised (by the covariance) squared position error, per degree of freedom: 1 when honest.

    Bar-Shalom, Li, Kirubarajan (2001), eq. 5.4.2-3. Above 1: tracks surer of themselves than they may be.
    low, high: where the mean of independent pairs would lie; tracks err alike for a while, so it lies wider.
    """

    nees_per_dof: float | None
    low: float | None
    high: float | None
    pairs: int


@dataclass(frozen=True, slots=True)
class ObjectScore:
    """One object: the instants at which it was there, those at which it had a track, and how it kept it."""

    id: str
    instants: int
    tracked: int
    tracks: int
    switches: int
    breaks: int
    first_track_s: float | None
    position_rmse_m: float | None
    flips: int | None = None
    fragments: int | None = None
    purity: float | None = None
    longest_s: float | None = None
    first_detection_ns: int | None = None
    latency_s: float | None = None

    @property
    def completeness(self) -> float:
        return self.tracked / self.instants


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """Everything that a report shows.

    switches: an object's track has another id than the one it had before. breaks: an object that was
    tracked, then was not, is tracked again. false_time_s: track-seconds of false tracks. tracks_never_right:
    tracks that were sometimes false and never assigned. first_track_s: median over the objects that got one.
    nees: of positions, as `consistency`, over the pairs of trajectory GOSPA; nees_state: with velocities. sensors:
    where the frames were given; the other parts that are None by default are there in every score made here.
    """

    options: ScoreOptions
    begin_ns: int
    end_ns: int
    period_s: float
    instants: int
    missing_pictures: int
    unused_pictures: int
    totals: Totals
    errors: Errors
    consistency: Consistency
    completeness: float | None
    switches: int
    breaks: int
    first_track_s: float | None
    tracks: int
    tracks_never_right: int
    false_points: int
    false_time_s: float
    ignored_points: int
    ignored_objects: int
    objects: tuple[ObjectScore, ...]
    over_time: OverTime
    alerts: AlertScore | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    trajectory: TrajectoryGospa | None = None
    ospa: Ospa | None = None
    siap: Siap | None = None
    identity: Identity | None = None
    accuracy: Accuracy | None = None
    nees: ChiSquare | None = None
    nees_state: ChiSquare | None = None
    sensors: Sensors | None = None
