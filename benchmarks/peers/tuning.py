"""How the peers were tuned, by hand on seed 1 of each case's short version, for the least GOSPA."""

from __future__ import annotations

from benchmarks.peers.stone_soup import Tuning

TUNINGS: dict[tuple[str, str], Tuning] = {
    ("williams", "gnn"): Tuning(0.02, 3.5, 3, 8.0, 2.5, 4.5, 0.0),
    ("williams", "jpda"): Tuning(0.02, 3.5, 3, 8.0, 2.5, 4.5, 0.0),
    ("secondary", "gnn"): Tuning(200.0, 5.0, 4, 40.0, 15.0, 60.0, 0.3),
    ("secondary", "jpda"): Tuning(200.0, 5.0, 4, 40.0, 15.0, 60.0, 0.02),
    ("drones", "gnn"): Tuning(2.0, 3.5, 4, 8.0, 3.5, 7.0, 0.1),
    ("drones", "jpda"): Tuning(2.0, 3.5, 4, 8.0, 3.5, 7.0, 0.02),
}
