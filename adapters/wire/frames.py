"""`frame` messages: read with every row checked, and written.

A frame is rejected whole where its shape is wrong (columns, pose, swept); a row that is wrong is rejected
alone, and the rows beside it are used. A frame of plain `bin` columns without a fault, which is nearly every
one, is checked as one table; of any other each column is checked as an array, and rows are looked at one by one
only where a check failed.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from adapters.wire.altitudes import Altitudes
from adapters.wire.columns import columns_of
from adapters.wire.envelope import Message, require_type
from adapters.wire.limits import (
    MAX_ROWS,
    VERSION,
    layout_of,
    registered_sigmas,
)
from adapters.wire.poses import pose_map, read_pose, read_swept, swept_map
from adapters.wire.rows import (
    NO_ROWS,
    Faults,
    RejectedRows,
    count_ignored,
    read_identity,
    read_sigmas,
    read_snr,
    read_times,
    read_values,
)
from fusion.config import SensorConfig
from fusion.errors import MessageRejected, shorten
from fusion.types import SECOND_NS, Coverage, Floats, Frame, Ints, Pose

_DECIMALS: Final = 12  # of a degree: undoes the last-bit noise of radians and back, far below any sensor
COMMON_ROWS: Final = 256  # most frames have no more: a few MB for all lengths up to it
_FLOAT, _INTEGER = np.dtype("<f8"), np.dtype("<i8")
FIRST_ROWS: Final = 64  # of a sensor's table of standard deviations; grown where a frame has more


class FrameReader:
    """Reads the frames of one registered sensor; what is the same in every frame of it is made once."""

    def __init__(self, sensor: SensorConfig) -> None:
        self._sensor = sensor
        self._layout = layout_of(sensor.measures)
        self._registered = registered_sigmas(sensor)
        self._tile = np.tile(self._registered, (FIRST_ROWS, 1))
        self._period_ns = round(sensor.period_s * SECOND_NS)
        self._plain = frozenset((*sensor.measures, "time_ns"))
        self._by_rows: dict[int, tuple[Floats, Floats, Floats]] = {}
        self._altitudes = Altitudes(sensor)

    def read(self, message: Mapping[str, Any]) -> tuple[Frame, RejectedRows, int]:
        """As `read_frame`."""
        sensor = self._sensor
        if message.get("type") != "frame" or message.get("sensor") != sensor.id:
            require_type(message, "frame")
            found = shorten(message.get("sensor"))
            raise MessageRejected("sensor", f"sensor is {found}; allowed is {sensor.id}", sensor.id)
        pose = read_pose(message, sensor)
        swept = read_swept(message, sensor)
        plain = self._read_plain(message)
        if plain is not None:
            values, sigmas, times = plain
            return self._frame(message, values, sigmas, times, None, None, pose, swept), NO_ROWS, 0
        columns, rows = columns_of(message, sensor.id)
        layout = self._layout
        faults = Faults(sensor.id, message["seq"], rows)
        values = read_values(columns, rows, layout, faults)
        sigmas = read_sigmas(columns, rows, layout, self._registered, faults)
        times = read_times(columns, rows, message["time_ns"], self._period_ns, faults)
        snr_db = read_snr(columns, faults)
        identity = read_identity(columns, sensor.id, faults)
        if faults.bad.any():
            keep = ~faults.bad
            values, sigmas, times = values[keep], sigmas[keep], times[keep]
            snr_db = None if snr_db is None else snr_db[keep]
            if identity is not None:
                identity = tuple(name for name, good in zip(identity, keep.tolist(), strict=True) if good)
        frame = self._frame(message, values, sigmas, times, snr_db, identity, pose, swept)
        return frame, faults.told(), count_ignored(columns, layout)

    def _read_plain(self, message: Mapping[str, Any]) -> tuple[Floats, Floats, Ints] | None:
        """values, sigmas and times where the columns are every registered one and `time_ns`, or without it, in
        `bin`, and no value is missing or wrong. None otherwise: then each column is looked at by itself."""
        columns, measures = message.get("columns"), self._layout.measures
        if type(columns) is not dict or not columns.keys() <= self._plain:
            return None
        told = [column for name in measures if type(column := columns.get(name)) is bytes]
        if len(told) != len(measures):
            return None
        size = len(told[0])
        rows = size // 8
        if size % 8 or rows > MAX_ROWS:
            return None
        for column in told:
            if len(column) != size:
                return None
        table = np.ndarray((len(told), rows), _FLOAT, b"".join(told))
        low, high, to_si = self._limits(rows)
        inside = table >= low
        inside &= table <= high
        if np.count_nonzero(inside) != inside.size:
            return None
        times = self._plain_times(columns, rows, message["time_ns"])
        if times is None:
            return None
        return np.ascontiguousarray((table * to_si).T), self._registered_rows(rows), times

    def _limits(self, rows: int) -> tuple[Floats, Floats, Floats]:
        """low, high and factor for a table of so many rows. Of its full shape they take a third of the time that
        broadcasting takes, so those of common lengths are kept."""
        known = self._by_rows.get(rows)
        if known is None:
            layout = self._layout
            shape = (len(layout.measures), rows if rows <= COMMON_ROWS else 1)
            low, high, to_si = (
                np.ascontiguousarray(np.broadcast_to(column[:, None], shape))
                for column in (layout.low, layout.high, layout.to_si)
            )
            known = (low, high, to_si)
            if rows <= COMMON_ROWS:
                self._by_rows[rows] = known
        return known

    def _plain_times(self, columns: Mapping[str, Any], rows: int, time_ns: int) -> Ints | None:
        if "time_ns" not in columns:
            return np.full(rows, time_ns, dtype=np.int64)
        column = columns["time_ns"]
        if type(column) is not bytes or len(column) != 8 * rows:
            return None
        times = np.frombuffer(bytearray(column), _INTEGER)
        # Unsigned, what lies ahead of the frame's time is far beyond every period: one comparison for both ends.
        age = (time_ns - times).view(np.uint64)
        return times if np.count_nonzero(age <= min(self._period_ns, time_ns)) == rows else None

    def _registered_rows(self, rows: int) -> Floats:
        """(rows, k): a view of one table that all frames of the sensor share, as nobody changes a frame."""
        if rows > len(self._tile):
            self._tile = np.tile(self._registered, (2 * rows, 1))
        return self._tile[:rows]

    def _frame(
        self, message: Mapping[str, Any], values: Floats, sigmas: Floats, times: Ints, snr_db: Floats | None,
        identity: tuple[str | None, ...] | None, pose: Pose | None, swept: Coverage | None,
    ) -> Frame:  # fmt: skip
        if self._altitudes.needed:
            self._altitudes.to_ellipsoid(values, pose)
        source, epoch = sys.intern(message["source"]), sys.intern(message["epoch"])
        return Frame(
            source, self._sensor.id, message["seq"], epoch, message["time_ns"], values, sigmas, times, snr_db, identity,
            pose, swept,
        )  # fmt: skip


def read_frame(message: Mapping[str, Any], sensor: SensorConfig) -> tuple[Frame, RejectedRows, int]:
    """A decoded `frame` message of this registered sensor as a Frame, in SI and radians.

    Returns the frame of the good rows, the rejected rows (each with its first reason), and how many columns
    were ignored. Raises MessageRejected: `type`, `sensor`, `columns`, `rows`, `pose`,
    `swept`.
    """
    return FrameReader(sensor).read(message)


def frame_message(frame: Frame, sensor: SensorConfig) -> Message:
    """The complete `frame` message of a Frame, with its own envelope: `read_frame` gives the same frame back.

    Columns that nothing was measured in are left out, as are sigmas and times that a reader assumes anyway.
    """
    layout = layout_of(sensor.measures)
    columns: dict[str, Any] = {}
    values = frame.values.copy()
    Altitudes(sensor).reported(values, frame.pose)
    measured = ~np.isnan(values)
    differs = frame.sigmas != registered_sigmas(sensor)
    for i, name in enumerate(sensor.measures):
        if len(values) == 0 or measured[:, i].any():
            columns[name] = _to_wire(name, values[:, i], layout.to_si[i])
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
