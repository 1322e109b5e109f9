"""The track store: one array a property, one row a track, in the order in which the tracks began."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from fusion.types import Floats, Ints

Names = NDArray[np.object_]

FIRST_CAPACITY = 64  # rows; doubled whenever it is full


@dataclass(slots=True, eq=False)
class TrackStore:
    """n live rows of larger arrays. m modes, s sensors; states in the plane of the configured origin, m and m/s."""

    size: int
    id: Ints
    status: Ints  # codes of fusion.types.TRACK_STATUSES
    existence: Floats  # probability
    time_ns: Ints  # of the state: each track has its own
    weight: Floats  # (n, m) mode probabilities
    mean: Floats  # (n, m, 6)
    covariance: Floats  # (n, m, 6, 6)
    outline: Floats  # (n, 10) of the state, for the gate; whoever changes a state outside an engine zeroes it
    created_ns: Ints
    updated_ns: Ints  # of the last detection
    hits: Ints
    owed: Floats  # detections expected and missed since the last one
    birthplace: Floats  # (n, 3)
    moved: Ints  # 1 once it has moved by more than its uncertainty
    published: Ints  # 1 once it has stood in a picture
    visible: Floats  # (n, s) probability that the sensor can see it at all
    looked_ns: Ints  # (n, s) up to when `visible` stands
    covered_ns: Ints  # (n, s) when the sensor last looked where the track was, 0: never
    innovation: Floats  # (n, s) the last azimuth innovation of an angle-only sensor, rad
    listened_ns: Ints  # (n, s) when that was, 0: never
    hit_ns: Ints  # (n, s) when the sensor last detected it, 0: never
    identity: Names  # transponder addresses, or None

    @classmethod
    def empty(cls, modes: int, sensors: int) -> TrackStore:
        c = FIRST_CAPACITY

        def ints(*shape: int) -> Ints:
            return np.zeros((c, *shape), np.int64)

        def floats(*shape: int) -> Floats:
            return np.zeros((c, *shape))

        return cls(
            size=0, id=ints(), status=ints(), existence=floats(), time_ns=ints(), weight=floats(modes),
            mean=floats(modes, 6), covariance=floats(modes, 6, 6), outline=floats(10),
            created_ns=ints(), updated_ns=ints(), hits=ints(),
            owed=floats(), birthplace=floats(3), moved=ints(), published=ints(), visible=floats(sensors),
            innovation=floats(sensors), listened_ns=ints(sensors),
            looked_ns=ints(sensors), covered_ns=ints(sensors), hit_ns=ints(sensors),
            identity=np.full(c, None),
        )  # fmt: skip

    def extend(self, count: int) -> slice:
        """Room for `count` new rows, zeroed; returns where they stand."""
        begin, end = self.size, self.size + count
        capacity = max(len(self.id), 1)
        if end > capacity:
            while capacity < end:
                capacity *= 2
            for name in COLUMNS:
                old = getattr(self, name)
                new = np.zeros((capacity, *old.shape[1:]), old.dtype)
                new[:begin] = old[:begin]
                setattr(self, name, new)
        for name in COLUMNS:
            getattr(self, name)[begin:end] = None if name == "identity" else 0
        self.size = end
        return slice(begin, end)

    def keep(self, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
        """Drop the rows that are False in `mask`; the others keep their order."""
        if mask.all():
            return
        left = int(mask.sum())
        first = int(np.argmin(mask))  # the rows before it stand where they stood
        moving = np.flatnonzero(mask[first:]) + first
        for name in COLUMNS:
            column = getattr(self, name)
            column[first:left] = column.take(moving, axis=0)
        self.size = left

    def copy(self) -> TrackStore:
        """The live rows, as they are now: for snapshots and for looking ahead."""
        columns = {name: getattr(self, name)[: max(self.size, 1)].copy() for name in COLUMNS}
        return TrackStore(size=self.size, **columns)

    def take(self, rows: Ints) -> TrackStore:
        """These rows alone, copied, in that order."""
        columns = {name: getattr(self, name)[rows] for name in COLUMNS}
        return TrackStore(size=len(rows), **columns)


COLUMNS = tuple(f.name for f in fields(TrackStore) if f.name != "size")
