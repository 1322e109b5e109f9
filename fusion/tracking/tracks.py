"""The track store: one array a property, one row a track, in the order in which the tracks began."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

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

    block: Ints  # the numbers of all columns, one after another: each but `identity` is a view into it
    layout: Layout

    @classmethod
    def empty(cls, modes: int, sensors: int) -> TrackStore:
        return cls._of(Layout.of(modes, sensors), FIRST_CAPACITY)

    @classmethod
    def _of(cls, layout: Layout, capacity: int) -> TrackStore:
        """No live row yet, room for `capacity`; what a row holds before it is written is undefined."""
        block = np.empty(capacity * layout.words, np.int64)
        columns = layout.views(block, capacity)
        return cls(size=0, identity=np.full(capacity, None), block=block, layout=layout, **columns)

    def extend(self, count: int) -> slice:
        """Room for `count` new rows, zeroed; returns where they stand."""
        from fusion.kernels.rows import clear

        begin, end = self.size, self.size + count
        capacity = len(self.id)
        if end > capacity:
            while capacity < end:
                capacity = max(2 * capacity, FIRST_CAPACITY)
            self._grow(capacity)
        clear(self.block, self.layout.widths, begin, end)
        self.identity[begin:end] = None
        self.size = end
        return slice(begin, end)

    def keep(self, mask: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
        """Drop the rows that are False in `mask`; the others keep their order."""
        from fusion.kernels.rows import keep

        moved = keep(self.block, self.layout.widths, mask)
        left = int(np.count_nonzero(mask))
        self.identity[left - len(moved) : left] = self.identity[moved]
        self.size = left

    def copy(self) -> TrackStore:
        """The live rows, as they are now: for snapshots and for looking ahead."""
        return self.take(np.arange(self.size))

    def take(self, rows: Ints, room: int = 0) -> TrackStore:
        """These rows alone, copied, in that order; room: for so many more to be joined."""
        made = TrackStore._of(self.layout, len(rows) + room)
        made._put(self, rows)
        return made

    def join(self, other: TrackStore) -> None:
        """Append all rows of another store of the same modes and sensors."""
        if self.size + other.size > len(self.id):
            self._grow(self.size + other.size)
        self._put(other, np.arange(other.size))

    def _put(self, other: TrackStore, rows: Ints) -> None:
        from fusion.kernels.rows import put

        put(other.block, self.block, self.layout.widths, rows, self.size)
        self.identity[self.size : self.size + len(rows)] = other.identity[rows]
        self.size += len(rows)

    def _grow(self, capacity: int) -> None:
        wider = TrackStore._of(self.layout, capacity)
        wider._put(self, np.arange(self.size))
        for field in fields(TrackStore):
            setattr(self, field.name, getattr(wider, field.name))


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What a row holds, for some number of modes and of sensors. widths: (columns,) numbers in a row of each."""

    shapes: dict[str, tuple[type, tuple[int, ...]]]
    widths: Ints
    words: int

    @classmethod
    def of(cls, modes: int, sensors: int) -> Layout:
        shapes: dict[str, tuple[type, tuple[int, ...]]] = {
            "id": (np.int64, ()),
            "status": (np.int64, ()),
            "existence": (np.float64, ()),
            "time_ns": (np.int64, ()),
            "weight": (np.float64, (modes,)),
            "mean": (np.float64, (modes, 6)),
            "covariance": (np.float64, (modes, 6, 6)),
            "outline": (np.float64, (10,)),
            "created_ns": (np.int64, ()),
            "updated_ns": (np.int64, ()),
            "hits": (np.int64, ()),
            "owed": (np.float64, ()),
            "birthplace": (np.float64, (3,)),
            "moved": (np.int64, ()),
            "published": (np.int64, ()),
            "visible": (np.float64, (sensors,)),
            "looked_ns": (np.int64, (sensors,)),
            "covered_ns": (np.int64, (sensors,)),
            "innovation": (np.float64, (sensors,)),
            "listened_ns": (np.int64, (sensors,)),
            "hit_ns": (np.int64, (sensors,)),
        }
        widths = np.array([math.prod(shape) for _, shape in shapes.values()], np.int64)
        return cls(shapes, widths, int(widths.sum()))

    def views(self, block: Ints, capacity: int) -> dict[str, Any]:
        """The columns in a block of `capacity` rows."""
        columns: dict[str, Any] = {}
        at = 0
        for (name, (kind, shape)), width in zip(self.shapes.items(), self.widths.tolist(), strict=True):
            columns[name] = block[at : at + capacity * width].view(kind).reshape(capacity, *shape)
            at += capacity * width
        return columns
