"""All cases, and how many seeds and seconds of each a smoke, short or full run takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from benchmarks.cases.biased import biased, registered, unbiased
from benchmarks.cases.case import Case, Maker
from benchmarks.cases.drones import cameras, drones
from benchmarks.cases.secondary import secondary
from benchmarks.cases.williams import williams

Length = Literal["smoke", "short", "full"]
MAKERS: dict[str, Maker] = {
    "williams": williams,
    "secondary": secondary,
    "drones": drones,
    "cameras": cameras,
    "unbiased": unbiased,
    "biased": biased,
    "registered": registered,
}
SIZES: dict[str, dict[Length, tuple[int, float]]] = {
    # name: seeds, and seconds of each
    "williams": {"smoke": (2, 81.0), "short": (10, 81.0), "full": (100, 81.0)},
    "secondary": {"smoke": (1, 180.0), "short": (1, 600.0), "full": (1, 3600.0)},
    "drones": {"smoke": (1, 20.0), "short": (1, 60.0), "full": (1, 300.0)},
    "cameras": {"smoke": (1, 10.0), "short": (1, 60.0), "full": (3, 120.0)},
    "unbiased": {"smoke": (1, 60.0), "short": (1, 300.0), "full": (1, 600.0)},
    "biased": {"smoke": (1, 60.0), "short": (1, 300.0), "full": (1, 600.0)},
    "registered": {"smoke": (1, 60.0), "short": (1, 300.0), "full": (1, 600.0)},
}


def cases(name: str, length: Length, seeds: int | None = None) -> Iterator[Case]:
    """The seeds of a case, from 1 on; made one at a time."""
    count, duration_s = SIZES[name][length]
    for seed in range(1, (seeds or count) + 1):
        yield MAKERS[name](seed, duration_s)
