"""What is measured of tracks against truth, as plain values. `docs/scoring.md` defines each."""

from __future__ import annotations

from dataclasses import dataclass

HEADING_FLOOR_MPS = 2.0  # over ground: a person walks at 1.4 m/s; what is slower has no heading that anybody uses


@dataclass(frozen=True, slots=True)
class TrajectoryGospa:
    """Trajectory GOSPA and its parts, RMS over the instants: the squares of the parts add up to that of the total.

    switch_cost_m: gamma.  switches: what `switch_m` holds, in whole changes from one track to another.  bounded: how
    many parts were too large for one linear program; 0: `total_m` is exact, else it is above it and `lower_m` below.
    upper_m: what the whole assignment behind `Identity` costs.  method: in words.
    """

    total_m: float
    localisation_m: float
    missed_m: float
    false_m: float
    switch_m: float
    switch_cost_m: float
    switches: float
    lower_m: float
    upper_m: float
    bounded: int
    method: str


@dataclass(frozen=True, slots=True)
class Ospa:
    """Means over the instants, order 1. ospa_m: of each instant by itself. ospa2_m: of tracks over `window_s`."""

    ospa_m: float
    ospa2_m: float
    window_s: float


@dataclass(frozen=True, slots=True)
class Siap:
    """The attributes of a single integrated air picture. None: nothing to divide by.

    ambiguity: tracks on an object that has one, 1 at best.  longest_segment: share of an object's time under its one
    longest track.  changes_per_s: changes of track in a second of tracked time.
    """

    completeness: float | None
    ambiguity: float | None
    spuriousness: float | None
    position_m: float | None
    velocity_mps: float | None
    longest_segment: float | None
    changes_per_s: float | None


@dataclass(frozen=True, slots=True)
class Identity:
    """How objects kept their tracks, by the assignment of trajectory GOSPA.

    switches: an object goes on under another id. swaps: of these, to a track that was another object's before.
    flips: changes of id where each instant is assigned by itself. breaks: not tracked for a while, then again.
    fragments: segments of one id without a gap, beyond the first of each object. track_purity, object_purity: share of
    the assigned instants that are with the main object of the track, with the main track of the object.
    """

    switches: int
    swaps: int
    flips: int
    breaks: int
    fragments: int
    track_purity: float | None
    object_purity: float | None


@dataclass(frozen=True, slots=True)
class Statistic:
    """Signed errors: their mean, root mean square, and what 95 % lie within, without their sign. None: no error known.

    Of lengths of vectors: `bias` is the length of the mean vector.
    """

    count: int
    bias: float | None
    rms: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Track less truth, over the pairs of trajectory GOSPA.

    along, across: of the way that truth goes, ahead and to the right positive; these and heading (clockwise positive)
    where truth and track move faster than HEADING_FLOOR_MPS over ground. position and velocity: in the plane or with
    height, as scored.
    """

    position_m: Statistic
    east_m: Statistic
    north_m: Statistic
    height_m: Statistic
    along_m: Statistic
    across_m: Statistic
    velocity_mps: Statistic
    speed_mps: Statistic
    heading_deg: Statistic
    climb_mps: Statistic


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """Mean normalised squared error per degree of freedom: 1 when honest. low, high: 95 % of means of independent ones.

    inside: share of the single ones in their own 95 % interval.  count: how many.  dof: of all together.
    """

    per_dof: float | None
    low: float | None
    high: float | None
    inside: float | None
    count: int
    dof: int


@dataclass(frozen=True, slots=True)
class Residual:
    """Of one measured component, measured less true, in its own unit (m, °, m/s). spread: about the bias.

    sigma: what is registered, RMS over the detections.
    """

    component: str
    count: int
    bias: float
    spread: float
    sigma: float


@dataclass(frozen=True, slots=True)
class SensorScore:
    """What one sensor gave, against truth. None: nothing to divide by.

    opportunities: (look, object) pairs in which an object was inside what was swept; detected: of these.
    false: detections that are no object's; expected_false: a look, as registered.  nis: of its detections.
    """

    id: str
    kind: str
    looks: int
    detections: int
    opportunities: int
    detected: int
    expected_ratio: float
    false: int
    expected_false_per_look: float
    residuals: tuple[Residual, ...]
    nis: ChiSquare

    @property
    def detection_ratio(self) -> float | None:
        return self.detected / self.opportunities if self.opportunities else None

    @property
    def false_per_look(self) -> float | None:
        return self.false / self.looks if self.looks else None


@dataclass(frozen=True, slots=True)
class Latency:
    """From an object's first detection to the first picture that shows it; over the objects that were shown."""

    objects: int
    median_s: float | None
    p95_s: float | None
    never: int  # detected, and never shown


@dataclass(frozen=True, slots=True)
class Sensors:
    """What takes the frames: scores of sensors, latency, innovations. Left out where no frames were given."""

    sensors: tuple[SensorScore, ...]
    latency: Latency
    nis: ChiSquare
