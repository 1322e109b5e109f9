"""Tracks as a table for data tools: Parquet and CSV, a row for each track of each picture, written in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from fusion.types import Picture

BATCH_ROWS: Final = 50_000  # held at once: 20 MB, and a row group that a reader of Parquet skips or reads as a whole
AXES: Final = ("east", "north", "up", "east_rate", "north_rate", "up_rate")
COVARIANCE_UNITS: Final = ("m2", "m2_per_s", "m2_per_s2")  # of position with position, with a rate, rate with rate
COVARIANCE: Final = tuple(
    f"covariance_{one}_{other}_{COVARIANCE_UNITS[(i > 2) + (j > 2)]}"
    for i, one in enumerate(AXES)
    for j, other in enumerate(AXES)
    if j >= i
)
UTC: Final = pl.Datetime("ns", "UTC")
SCHEMA: Final[dict[str, Any]] = {
    "time_utc": UTC,
    "time_ns": pl.Int64,
    "id": pl.Int64,
    "status": pl.String,
    "existence": pl.Float64,
    "lat_deg": pl.Float64,
    "lon_deg": pl.Float64,
    "alt_m": pl.Float64,
    "east_mps": pl.Float64,
    "north_mps": pl.Float64,
    "up_mps": pl.Float64,
    **dict.fromkeys(COVARIANCE, pl.Float64),
    "mode": pl.String,
    "mode_probability": pl.Float64,
    "updated_ns": pl.Int64,
    "created_ns": pl.Int64,
    "hits": pl.Int64,
    "sensors": pl.List(pl.String),
    "identity": pl.String,
    "diverted_ns": pl.Int64,
    "reason": pl.String,
}
NUMBERS: Final = (
    *("id", "existence", "lat_deg", "lon_deg", "alt_m", "east_mps", "north_mps", "up_mps"),
    *("mode_probability", "updated_ns", "created_ns", "hits"),
)
TEXTS: Final = ("status", "mode", "identity", "reason")


def write_parquet(path: str, pictures: Iterable[Picture]) -> int:
    """Write a Parquet file (zstd, a row group for each batch). Returns its rows; with none, writes nothing."""
    source = _Batches(pictures)
    if source.first is not None:
        with Path(path).open("wb") as file:  # polars takes no path whose bytes are not UTF-8
            source.lazy().sink_parquet(file, row_group_size=BATCH_ROWS, engine="streaming", maintain_order=True)
        source.check()
    return source.rows


def write_csv(path: str, pictures: Iterable[Picture]) -> int:
    """Write CSV with a head: UTC as RFC 3339, sensors with spaces between, what is not known left empty."""
    source = _Batches(pictures)
    if source.first is not None:
        table = source.lazy().with_columns(pl.col("sensors").list.join(" "))
        with Path(path).open("wb") as file:
            table.sink_csv(file, datetime_format="%Y-%m-%dT%H:%M:%S%.9fZ", engine="streaming", maintain_order=True)
        source.check()
    return source.rows


class _Batches:
    """Tables of about BATCH_ROWS, given to polars when it asks for them; the first is made at once."""

    def __init__(self, pictures: Iterable[Picture]) -> None:
        self.rows = 0
        self._error: Exception | None = None
        self._left = self._batches(pictures)
        self.first = next(self._left, None)

    def lazy(self) -> pl.LazyFrame:
        """All of them, read once."""
        return register_io_source(self._give, schema=SCHEMA)

    def check(self) -> None:
        """Raise what went wrong while polars was reading, as what it was."""
        if self._error is not None:
            raise self._error

    def _give(
        self, columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        batches = self._left if self.first is None else chain([self.first], self._left)
        try:
            yield from batches if columns is None else (batch.select(columns) for batch in batches)
        except Exception as error:  # polars would make another of it
            self._error = error

    def _batches(self, pictures: Iterable[Picture]) -> Iterator[pl.DataFrame]:
        held: list[Picture] = []
        rows = 0
        for picture in pictures:
            held.append(picture)
            rows += len(picture.id)
            if rows >= BATCH_ROWS:
                yield self._table(held)
                held, rows = [], 0
        if rows:
            yield self._table(held)

    def _table(self, pictures: Sequence[Picture]) -> pl.DataFrame:
        batch = table_of(pictures)
        self.rows += batch.height
        return batch


def table_of(pictures: Sequence[Picture]) -> pl.DataFrame:
    """The rows of these pictures, one after another, with the columns of SCHEMA. NaN stands as null."""
    sizes = [len(picture.id) for picture in pictures]
    times = np.repeat(np.array([picture.time_ns for picture in pictures], dtype=np.int64), sizes)
    columns: dict[str, pl.Series] = {"time_utc": pl.Series(times).cast(UTC), "time_ns": pl.Series(times)}
    for name in NUMBERS:
        columns[name] = pl.Series(np.concatenate([getattr(picture, name) for picture in pictures]))
    covariance = np.concatenate([picture.covariance for picture in pictures])
    columns |= {name: pl.Series(np.ascontiguousarray(covariance[:, k])) for k, name in enumerate(COVARIANCE)}
    for name in TEXTS:
        columns[name] = _repeated([entry for picture in pictures for entry in getattr(picture, name)], pl.String)
    sensors = [entry for picture in pictures for entry in picture.sensors]
    columns["sensors"] = _repeated(sensors, pl.List(pl.String))
    diverted = [entry for picture in pictures for entry in picture.diverted_ns]
    columns["diverted_ns"] = pl.Series(diverted, dtype=pl.Int64)
    return pl.DataFrame({name: columns[name] for name in SCHEMA}, schema=SCHEMA).fill_nan(None)


def _repeated(entries: Sequence[Any], kind: Any) -> pl.Series:
    """A column of few different values: each is made once."""
    places: dict[Any, int] = {}
    which = [places.setdefault(entry, len(places)) for entry in entries]
    different = [list(entry) if isinstance(entry, tuple) else entry for entry in places]
    return pl.Series(different, dtype=kind).gather(which)
