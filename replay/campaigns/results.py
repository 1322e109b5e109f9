"""The results of a campaign as one table: a row for each run, in the plan's order whatever ended first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from fusion.errors import RecordingError
from replay.campaigns.columns import Row, Value
from replay.campaigns.grid import Cell, Grid
from replay.campaigns.run import Failure, Outcome

if TYPE_CHECKING:
    import polars as pl

FILE: Final = "results.parquet"
STATUSES: Final = ("done", "failed")


@dataclass(frozen=True, slots=True)
class Entry:
    """One run of the grid that has ended."""

    cell: Cell
    row: Row
    failure: Failure | None

    @property
    def status(self) -> Literal["done", "failed"]:
        return "done" if self.failure is None else "failed"


def entries(grid: Grid, ended: Mapping[str, Outcome]) -> tuple[Entry, ...]:
    """The runs of the grid that have ended, in its order."""
    found = ((cell, ended[cell.key]) for cell in grid.cells if cell.key in ended)
    return tuple(Entry(cell, outcome.row, outcome.failure) for cell, outcome in found)


def columns(rows: tuple[Entry, ...]) -> tuple[str, ...]:
    """The columns of numbers that any run has, in the order in which they first come."""
    return tuple(dict.fromkeys(name for entry in rows for name in entry.row))


def frame(rows: tuple[Entry, ...]) -> pl.DataFrame:
    """The table: `scenario`, `configuration`, `seed`, `status`, `error`, `error_text`, then every number of the scores.

    A number that a run does not have is null. Counts are 64-bit integers, all others 64-bit floats.
    """
    import polars as pl

    failures = [entry.failure for entry in rows]
    texts: dict[str, list[Any]] = {
        "scenario": [entry.cell.scenario for entry in rows],
        "configuration": [entry.cell.configuration for entry in rows],
        "seed": [entry.cell.seed for entry in rows],
        "status": [entry.status for entry in rows],
        "error": [None if failure is None else failure.kind for failure in failures],
        "error_text": [None if failure is None else failure.text for failure in failures],
    }
    series: list[Any] = [
        pl.Series(name, values, dtype=pl.Int64 if name == "seed" else pl.String) for name, values in texts.items()
    ]
    for name in columns(rows):
        values: list[Value] = [entry.row.get(name) for entry in rows]
        whole = all(isinstance(value, int) for value in values if value is not None) and any(
            value is not None for value in values
        )
        series.append(pl.Series(name, values, dtype=pl.Int64 if whole else pl.Float64, strict=False))
    return pl.DataFrame(series)


def write(folder: Path, rows: tuple[Entry, ...]) -> Path:
    """Write `results.parquet`: the same rows give the same bytes. What was there stays until it is complete."""
    path = folder / FILE
    beside = path.with_suffix(".part")
    try:
        frame(rows).write_parquet(beside, compression="zstd", compression_level=3, statistics=True)
        beside.replace(path)
    except OSError as error:
        raise RecordingError(str(path), f"cannot be written: {error.strerror or error}") from error
    return path
