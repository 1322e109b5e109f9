"""What an engine does: the four steps that exist twice, compiled and in filterpy. `tracker.py` knows no more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fusion.config import TrackerConfig
from fusion.tracking.births import Births
from fusion.tracking.motion import Motions
from fusion.tracking.sensors import Placement, Station
from fusion.tracking.tracks import TrackStore
from fusion.types import Floats, Frame, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What stays the same from frame to frame. earth: (4, 3), the plane's centre and axes for the kernels."""

    config: TrackerConfig
    motions: Motions
    earth: Floats
    gates: Floats  # chi-square limits by degrees of freedom; below none at all nothing passes


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """Each pair, updated mode by mode. log_likelihood: (pairs, m), mean: (…, 6), covariance: (…, 6, 6).

    repaired: how many of the covariances had to be made positive definite.
    """

    log_likelihood: Floats
    mean: Floats
    covariance: Floats
    repaired: int = 0


class Engine(Protocol):
    def births(self, setting: Setting, station: Station, frame: Frame, placement: Placement) -> Births:
        """One possible new object for each detection that says where it is."""

    def predict(self, setting: Setting, store: TrackStore, rows: Ints, until_ns: Ints) -> None:
        """Mix the modes and advance `rows` of the store to their times, in place."""

    def evaluate(
        self, setting: Setting, store: TrackStore, rows: Ints, pairs: tuple[Ints, Ints], codes: Ints, frame: Frame,
        placement: Placement,
    ) -> Evaluated:  # fmt: skip
        """Likelihood and updated state of each (place in rows, detection) pair."""

    def iterate(
        self, setting: Setting, store: TrackStore, rows: Ints, pairs: tuple[Ints, Ints], codes: Ints, frame: Frame,
        placement: Placement,
    ) -> Evaluated:  # fmt: skip
        """As `evaluate`, each pair and mode linearised at its own answer: for states far from what is measured."""

    def associate(
        self, pairs: tuple[Ints, Ints], pair_weight: Floats, miss_weight: Floats, alone_weight: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Marginals: of each pair, of each track's miss, of each detection's belonging to no track."""

    def reduce(
        self, store: TrackStore, rows: Ints, pairs: tuple[Ints, Ints], miss_share: Floats, pair_share: Floats,
        pair_weight: Floats, evaluated: Evaluated,
    ) -> None:  # fmt: skip
        """Moment-match each row's mixture over its miss and its pairs, in place."""
