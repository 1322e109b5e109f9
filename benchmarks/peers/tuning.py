"""How the peers were tuned, by hand, for the least GOSPA of the GNN; JPDA takes what served the GNN.

williams: on seeds 1 to 5; secondary: on the first 3 minutes of seed 1; drones: on the first minute of seed 1.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tuning:
    """density: m²/s³ of white acceleration, east and north. gate: largest Mahalanobis distance (GNN).

    confirm: detections that make a track, within_s of its first. drop_tentative_s, drop_s: without a detection, a
    track ends. together_s: the longest run of one sensor that is associated at once. prob_gate: of JPDA.
    climb_time_s: of the climb rate, an Ornstein-Uhlenbeck process with the site's `initial_climb_mps`.
    """

    density: float
    gate: float
    confirm: int
    within_s: float
    drop_tentative_s: float
    drop_s: float
    together_s: float
    climb_time_s: float = 60.0
    prob_gate: float = 0.999


TUNINGS: dict[tuple[str, str], Tuning] = {
    ("williams", "gnn"): Tuning(0.02, 3.5, 4, 8.0, 2.5, 3.5, 0.0),
    ("williams", "jpda"): Tuning(0.02, 3.5, 4, 8.0, 2.5, 3.5, 0.0),
    ("secondary", "gnn"): Tuning(200.0, 5.0, 4, 40.0, 15.0, 60.0, 0.3),
    ("secondary", "jpda"): Tuning(200.0, 5.0, 4, 40.0, 15.0, 60.0, 0.02),
    ("drones", "gnn"): Tuning(2.0, 3.5, 4, 8.0, 3.5, 7.0, 0.1),
    ("drones", "jpda"): Tuning(2.0, 3.5, 4, 8.0, 3.5, 7.0, 0.02),
}
