"""Truth as rows, and where each object was at any instant.

An object is interpolated between two rows of its own when they are at most `max_gap_s` apart; before its
first row, after its last, and inside a longer gap it is absent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fusion.geodesy import from_ecef, to_ecef
from fusion.types import SECOND_NS, Floats, Ints, Truth

LAT, LON, ALT, EAST, NORTH, UP = range(6)


@dataclass(frozen=True, slots=True, eq=False)
class ObjectRows:
    """One object's own rows, in order of time, each time once.

    values: (n, 6) lat_deg, lon_deg, alt_m, and east, north, up velocity in m/s.  ignore: (n,).
    """

    id: str
    times_ns: Ints
    values: Floats
    ignore: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Presence:
    """Objects at instants: one row for each instant at which an object was there, in order of instant.

    instant, object: (n,) indices.  values: (n, 6) as in `ObjectRows`.  ignore: (n,).
    """

    instant: Ints
    object: Ints
    values: Floats
    ignore: NDArray[np.bool_]


def collect(messages: Iterable[Truth]) -> tuple[ObjectRows, ...]:
    """Sort the rows of all messages by object. Two rows of one object and time: the one read last counts."""
    batches = list(messages)
    if not batches:
        return ()
    ids = [name for batch in batches for name in batch.id]
    sizes = [len(batch.id) for batch in batches]
    times = np.repeat(np.array([batch.time_ns for batch in batches], dtype=np.int64), sizes)
    values = np.concatenate(
        [
            np.stack(
                [batch.lat_deg, batch.lon_deg, batch.alt_m, batch.east_mps, batch.north_mps, batch.up_mps],
                axis=1,
            )
            for batch in batches
        ]
    )
    ignore = np.concatenate([batch.ignore for batch in batches])
    numbers = {name: k for k, name in enumerate(dict.fromkeys(ids))}
    owner = np.array([numbers[name] for name in ids], dtype=np.int64)
    order = np.lexsort((times, owner))  # stable: rows of one time stay as they came
    edges = np.flatnonzero(np.diff(owner[order])) + 1
    groups = np.split(order, edges) if len(order) else []
    return tuple(_own_rows(name, times[k], values[k], ignore[k]) for name, k in zip(numbers, groups, strict=True))


def _own_rows(name: str, times: Ints, values: Floats, ignore: NDArray[np.bool_]) -> ObjectRows:
    last = np.append(np.diff(times) > 0, True)
    return ObjectRows(name, times[last], values[last], ignore[last])


def interpolate(rows: ObjectRows, times_ns: Ints, max_gap_s: float) -> tuple[Ints, Floats, NDArray[np.bool_]]:
    """One object at the given instants: (which of them, (k, 6) values, (k,) ignore), absent ones left out.

    Straight between two rows, through earth-centred coordinates (so that ±180° and the poles are places like
    any other), with height and velocity interpolated by themselves. `ignore` is that of the row before.
    """
    own = rows.times_ns
    inside = np.flatnonzero((times_ns >= own[0]) & (times_ns <= own[-1]))
    wanted = times_ns[inside]
    before = np.searchsorted(own, wanted, side="right") - 1
    after = np.minimum(before + 1, len(own) - 1)
    gap = own[after] - own[before]
    there = (wanted == own[before]) | (gap <= round(max_gap_s * SECOND_NS))
    inside, wanted, before, after, gap = (part[there] for part in (inside, wanted, before, after, gap))
    share = ((wanted - own[before]) / np.maximum(gap, 1))[:, None]
    values = rows.values[before] + share * (rows.values[after] - rows.values[before])
    ecef = to_ecef(rows.values[:, LAT], rows.values[:, LON], rows.values[:, ALT])
    values[:, LAT], values[:, LON], _ = from_ecef(ecef[before] + share * (ecef[after] - ecef[before]))
    return inside, values, rows.ignore[before]


def at_instants(objects: tuple[ObjectRows, ...], times_ns: Ints, max_gap_s: float) -> Presence:
    """Every object at every instant at which it was there. times_ns: (t,), ascending."""
    parts = [interpolate(rows, times_ns, max_gap_s) for rows in objects]
    if not parts:
        empty = np.zeros(0, dtype=np.int64)
        return Presence(empty, empty, np.zeros((0, 6)), np.zeros(0, dtype=bool))
    instant = np.concatenate([part[0] for part in parts])
    number = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
    order = np.lexsort((number, instant))
    values = np.concatenate([part[1] for part in parts])[order]
    return Presence(instant[order], number[order], values, np.concatenate([part[2] for part in parts])[order])
