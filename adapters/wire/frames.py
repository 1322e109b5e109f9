"""`frame` messages: read with every row checked, and written.

A frame is rejected whole where its shape is wrong (columns, pose, swept); a row that is wrong is rejected
alone, and the rows beside it are used. Columns are checked as arrays: rows are looked at one by one only
where a check failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from adapters.wire.checks import is_text
from adapters.wire.columns import Odd, columns_of, floats_of, integers_of, quiet
from adapters.wire.envelope import Message, require_type
from adapters.wire.limits import MAX_TEXT, VERSION, Layout, layout_of, registered_sigmas, sigma_limits, span
from adapters.wire.poses import pose_map, read_pose, read_swept, swept_map
from fusion.config import SensorConfig
from fusion.errors import MessageRejected, RowRejected, shorten
from fusion.types import SECOND_NS, Floats, Frame, Ints

_SIDE_COLUMNS: Final = ("time_ns", "snr_db", "identity")
_DECIMALS: Final = 12  # of a degree: undoes the last-bit noise of radians and back, far below any sensor
MAX_REASONS: Final = 20  # rejected rows of one frame that are told one by one; of the rest, the number


@dataclass(frozen=True, slots=True)
class RejectedRows:
    """The rows of one frame that were rejected: how many, and why for the first `MAX_REASONS` in row order."""

    count: int
    first: list[RowRejected]


def read_frame(message: Mapping[str, Any], sensor: SensorConfig) -> tuple[Frame, RejectedRows, int]:
    """A decoded `frame` message of this registered sensor as a Frame, in SI and radians.

    Returns the frame of the good rows, the rejected rows (each with its first reason), and how many columns
    were ignored. Raises MessageRejected: `type`, `sensor`, `columns`, `rows`, `pose`,
    `swept`.
    """
    require_type(message, "frame")
    if message.get("sensor") != sensor.id:
        found = shorten(message.get("sensor"))
        raise MessageRejected("sensor", f"sensor is {found}; allowed is {sensor.id}", sensor.id)
    pose = read_pose(message, sensor)
    swept = read_swept(message, sensor)
    columns, rows = columns_of(message, sensor.id)
    layout = layout_of(sensor.measures)
    faults = _Faults(sensor.id, message["seq"], rows)
    values = _values(columns, rows, layout, faults)
    sigmas = _sigmas(columns, rows, layout, sensor, faults)
    times = _times(columns, rows, message["time_ns"], sensor.period_s, faults)
    snr_db = _snr(columns, faults)
    identity = _identity(columns, sensor.id, faults)
    if faults.bad.any():
        keep = ~faults.bad
        values, sigmas, times = values[keep], sigmas[keep], times[keep]
        snr_db = None if snr_db is None else snr_db[keep]
        if identity is not None:
            identity = tuple(name for name, good in zip(identity, keep.tolist(), strict=True) if good)
    frame = Frame(
        source=message["source"],
        sensor=sensor.id,
        seq=message["seq"],
        epoch=message["epoch"],
        time_ns=message["time_ns"],
        values=values,
        sigmas=sigmas,
        times_ns=times,
        snr_db=snr_db,
        identity=identity,
        pose=pose,
        swept=swept,
    )
    return frame, faults.told(), _ignored(columns, layout)


def frame_message(frame: Frame, sensor: SensorConfig) -> Message:
    """The complete `frame` message of a Frame, with its own envelope: `read_frame` gives the same frame back.

    Columns that nothing was measured in are left out, as are sigmas and times that a reader assumes anyway.
    """
    layout = layout_of(sensor.measures)
    columns: dict[str, Any] = {}
    measured = ~np.isnan(frame.values)
    differs = frame.sigmas != registered_sigmas(sensor)
    for i, name in enumerate(sensor.measures):
        if len(frame.values) == 0 or measured[:, i].any():
            columns[name] = _to_wire(name, frame.values[:, i], layout.to_si[i])
    for i, name in enumerate(sensor.measures):
        if differs[:, i].any():
            columns[f"sigma_{name}"] = frame.sigmas[:, i] / layout.to_si[i]
    if (frame.times_ns != frame.time_ns).any():
        columns["time_ns"] = frame.times_ns
    if frame.snr_db is not None:
        columns["snr_db"] = frame.snr_db
    if frame.identity is not None:
        columns["identity"] = list(frame.identity)
    return {
        "v": VERSION,
        "type": "frame",
        "source": frame.source,
        "sensor": frame.sensor,
        "seq": frame.seq,
        "epoch": frame.epoch,
        "time_ns": frame.time_ns,
        **({} if frame.pose is None else {"pose": pose_map(frame.pose)}),
        **({} if frame.swept is None else {"swept": swept_map(frame.swept)}),
        "columns": columns,
    }


def _to_wire(name: str, values: Floats, to_si: float) -> Floats:
    if not name.endswith("_deg"):
        return values
    degrees: Floats = np.round(values / to_si, _DECIMALS)
    return degrees


class _Faults:
    """The rows of one frame that are rejected, each with its first reason.

    bad: (n,) which rows. A frame may hold nothing but bad rows, so errors are made for a few of them only: the
    first of each column, which are more than enough to tell the first of all.
    """

    def __init__(self, sensor: str, seq: int, rows: int) -> None:
        self.sensor, self.seq = sensor, seq
        self.bad = np.zeros(rows, dtype=np.bool_)
        self._told: list[RowRejected] = []

    def add_odd(self, column: str, odd: Odd | None, allowed: str) -> None:
        if odd:
            bad = np.zeros(len(self.bad), dtype=np.bool_)
            bad[list(odd)] = True
            for row in self._first_new(bad):
                self._tell(column, row, odd[row], allowed)

    def add_where(self, column: str, bad: NDArray[np.bool_], values: Floats | Ints, allowed: str) -> None:
        for row in self._first_new(bad):
            self._tell(column, row, values[row].item(), allowed)

    def add_empty(self, bad: NDArray[np.bool_], allowed: str) -> None:
        for row in self._first_new(bad):
            self._tell("columns", row, None, allowed)

    def told(self) -> RejectedRows:
        first = sorted(self._told, key=lambda rejection: rejection.row)[:MAX_REASONS]
        return RejectedRows(int(self.bad.sum()), first)

    def _first_new(self, bad: NDArray[np.bool_]) -> list[int]:
        """Mark the rows of `bad`. Returns the first of those that were not marked before."""
        new: list[int] = np.flatnonzero(bad & ~self.bad)[:MAX_REASONS].tolist()
        self.bad |= bad
        return new

    def _tell(self, column: str, row: int, value: object, allowed: str) -> None:
        self._told.append(RowRejected(self.sensor, self.seq, column, row, value, allowed))


def _values(columns: Mapping[str, Any], rows: int, layout: Layout, faults: _Faults) -> Floats:
    """The measured values, (n, k), in SI and radians; NaN where not measured."""
    values = np.empty((rows, len(layout.measures)))
    odd_columns: dict[str, Odd] = {}
    for i, name in enumerate(layout.measures):
        column = columns.get(name)
        if column is None:
            values[:, i] = np.nan
            continue
        values[:, i], odd = floats_of(column)
        if odd is not None:
            odd_columns[name] = odd
    inside = (values >= layout.low) & (values <= layout.high)
    if not inside.all():
        values = quiet(values)
        _reject_values(values, inside, odd_columns, layout, faults)
    values *= layout.to_si
    return values


def _reject_values(
    values: Floats, inside: NDArray[np.bool_], odd_columns: Mapping[str, Odd], layout: Layout, faults: _Faults
) -> None:
    outside = ~inside & ~np.isnan(values)
    for i, name in enumerate(layout.measures):
        allowed = span((layout.low[i], layout.high[i]))
        faults.add_odd(name, odd_columns.get(name), f"a number, {allowed}, or null")
        faults.add_where(name, outside[:, i], values[:, i], allowed)
    nothing = np.isnan(values).all(axis=1)
    if nothing.any():
        faults.add_empty(np.asarray(nothing), f"a value in at least one of {', '.join(layout.measures)}")


def _sigmas(columns: Mapping[str, Any], rows: int, layout: Layout, sensor: SensorConfig, faults: _Faults) -> Floats:
    """Standard deviations, (n, k), in SI and radians: the row's own, or the registered one."""
    registered = registered_sigmas(sensor)
    sigmas = np.empty((rows, len(layout.measures)))
    sigmas[:] = registered
    if not columns.keys().isdisjoint(layout.sigma_place):
        for name, i in layout.sigma_place.items():
            if name in columns:
                limits = sigma_limits(layout.measures[i])
                given, odd = floats_of(columns[name])
                absent = np.isnan(given)
                faults.add_odd(name, odd, f"a number, {span(limits)}, or null")
                faults.add_where(name, ~absent & ~((given >= limits[0]) & (given <= limits[1])), given, span(limits))
                sigmas[:, i] = np.where(absent, registered[i], quiet(given) * layout.to_si[i])
    return sigmas


def _times(columns: Mapping[str, Any], rows: int, time_ns: int, period_s: float, faults: _Faults) -> Ints:
    """Each detection's own time: within the look that ends at the frame's time."""
    column = columns.get("time_ns")
    if column is None:
        return np.full(rows, time_ns, dtype=np.int64)
    times, odd = integers_of(column, missing=time_ns)
    earliest = max(time_ns - round(period_s * SECOND_NS), 0)
    allowed = f"{earliest} to {time_ns}: the look that ends at the frame's time"
    faults.add_odd("time_ns", odd, f"an integer, {allowed}")
    bad = (times < earliest) | (times > time_ns)
    if bad.any():
        faults.add_where("time_ns", bad, times, allowed)
    return np.array(times, dtype=np.int64)


def _snr(columns: Mapping[str, Any], faults: _Faults) -> Floats | None:
    column = columns.get("snr_db")
    if column is None:
        return None
    values, odd = floats_of(column)
    faults.add_odd("snr_db", odd, "a finite number or null")
    infinite = np.isinf(values)
    if infinite.any():
        faults.add_where("snr_db", infinite, values, "a finite number or null")
    return quiet(values)


def _identity(columns: Mapping[str, Any], sensor: str, faults: _Faults) -> tuple[str | None, ...] | None:
    """Identities, an empty string read as none: senders write it so."""
    column = columns.get("identity")
    if column is None:
        return None
    if not isinstance(column, list):
        found = shorten(column)
        raise MessageRejected("columns", f"identity is {found}; allowed is an array of strings or null", sensor)
    odd = {row: name for row, name in enumerate(column) if not (name is None or name == "" or is_text(name))}
    faults.add_odd("identity", odd, f"a string of at most {MAX_TEXT} printable characters, or null")
    return tuple([value or None for value in column])


def _ignored(columns: Mapping[str, Any], layout: Layout) -> int:
    known = sum(name in layout.place or name in layout.sigma_place or name in _SIDE_COLUMNS for name in columns)
    return len(columns) - known
