"""One bad moment of a run, and where things were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fusion.geodesy import Plane
from fusion.types import SECOND_NS, Floats
from replay.pictures.scene import flat
from replay.scoring.truths import ObjectRows, interpolate


@dataclass(frozen=True, slots=True)
class Moment:
    """who: the object or track.  xy: m east and north on the map, None: nowhere.  span_ns: from when to when."""

    kind: str
    time_ns: int
    who: str
    words: str
    xy: tuple[float, float] | None = None
    span_ns: tuple[int, int] | None = None

    def link(self, begin_ns: int) -> str:
        """The fragment that leads to it: seconds since `begin_ns`, and the place."""
        at = "" if self.xy is None else f"&at={self.xy[0]:.0f},{self.xy[1]:.0f}"
        return f"#t={seconds(self.time_ns - begin_ns)}{at}"


@dataclass(frozen=True, slots=True, eq=False)
class Where:
    """Places on the map. objects: rows of truth by name."""

    plane: Plane
    objects: Mapping[str, ObjectRows]
    max_gap_s: float

    def at(self, values: Floats) -> tuple[float, float]:
        """The place of (6,) values of a track or an object."""
        east, north = flat(self.plane, values[None, :])[0]
        return float(east), float(north)

    def object(self, name: str, time_ns: int) -> tuple[float, float] | None:
        """Where an object was; None: truth does not say."""
        if name not in self.objects:
            return None
        _, values, _ = interpolate(self.objects[name], np.array([time_ns], dtype=np.int64), self.max_gap_s)
        return self.at(values[0]) if len(values) else None


def seconds(time_ns: int) -> str:
    """A time in seconds as it stands in links, to the millisecond, without needless noughts."""
    return f"{time_ns / SECOND_NS:.3f}".rstrip("0").rstrip(".")
