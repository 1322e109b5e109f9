"""A score at each instant."""

from __future__ import annotations

from typing import Any

import numpy as np

from fusion.types import Floats
from replay.scoring.accuracy import headings
from replay.scoring.compared import Compared
from replay.scoring.consistency import over_time as consistency_over_time
from replay.scoring.consistency import rms_over_time
from replay.scoring.results import OverTime
from replay.scoring.siap import SiapOverTime


def over_time(compared: Compared, siap: SiapOverTime, ospa: Floats, ospa2: Floats, nees: Floats) -> OverTime:
    """All columns that need no frames. ospa, ospa2: (t,). nees: of the pairs that are held."""
    n, half = len(compared.times_ns), compared.options.c_m**2 / 2.0
    present, matches = compared.present, compared.matches
    objects = np.bincount(present.instant[compared.asked], minlength=n)
    missed = objects - np.bincount(present.instant[matches.truth], minlength=n)
    false = np.bincount(compared.points.instant[matches.false], minlength=n)
    squared = np.bincount(present.instant[matches.truth], weights=matches.distance**2, minlength=n)
    return OverTime(
        time_ns=compared.times_ns,
        gospa_m=np.sqrt(squared + half * (missed + false)),
        localisation_m=np.sqrt(squared),
        missed_m=np.sqrt(half * missed),
        false_m=np.sqrt(half * false),
        objects=objects,
        tracks=np.bincount(compared.points.instant, minlength=n),
        missed=missed,
        false=false,
        trajectory_m=np.sqrt(compared.costs.total),
        switch_m=np.sqrt(compared.costs.switch),
        ospa_m=ospa,
        ospa2_m=ospa2,
        completeness=siap.completeness,
        ambiguity=siap.ambiguity,
        spuriousness=siap.spuriousness,
        **_of_pairs(compared, nees),
    )


def _of_pairs(compared: Compared, nees: Floats) -> dict[str, Any]:
    """The columns of errors of the pairs that are held."""
    held, n, dims = compared.held, len(compared.times_ns), compared.options.dims
    moving, heading = headings(held, compared.points, compared.present)
    velocity = (held.velocity[:, :dims] ** 2).sum(axis=1)
    mean, low, high = consistency_over_time(nees, np.full(len(nees), dims), held.instant, n)
    return {
        "position_rms_m": rms_over_time(held.distance**2, held.instant, n),
        "velocity_rms_mps": rms_over_time(velocity, held.instant, n),
        "heading_rms_deg": rms_over_time(np.where(moving, heading**2, np.nan), held.instant, n),
        "nees": mean,
        "nees_low": low,
        "nees_high": high,
    }
