"""A campaign from its plan to its folder: what is left of it is run, written down run by run, and told at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fusion.errors import RecordingError
from replay.campaigns.cluster import Workers
from replay.campaigns.grid import Cell, Grid, sources
from replay.campaigns.ledger import Ledger
from replay.campaigns.results import Entry, entries, write
from replay.campaigns.run import Failure, Job
from replay.campaigns.summary import Summary, summarise

FAILURES: Final = "failures"
RECORDINGS: Final = "recordings"


@dataclass(frozen=True, slots=True)
class Choices:
    """How a campaign is run. workers: on this machine, None: as many as it has cores. cluster: Ray's address instead.

    keep: the recordings of every run. again: also what is done. retry_failed: also what has failed.
    """

    workers: int | None = None
    cluster: str | None = None
    keep: bool = False
    again: bool = False
    retry_failed: bool = False


@dataclass(slots=True)
class Tally:
    """How far it is. known: of the total, those that an earlier start had done; failed: of all that are done."""

    total: int
    known: int
    done: int = 0
    failed: int = 0
    begun_s: float = 0.0

    @property
    def left(self) -> int:
        return self.total - self.known - self.done

    def rate(self, now_s: float) -> float:
        """Runs a second since the start."""
        return self.done / max(now_s - self.begun_s, 1e-9)


Show = Callable[[Tally], None]


def quiet(tally: Tally) -> None:
    """No progress."""


def count(grid: Grid, folder: Path) -> tuple[int, int]:
    """How many of the grid's runs are done in a folder, and how many of these have failed."""
    if not (folder / "runs.jsonl").exists():
        return 0, 0
    with Ledger(folder) as ledger:
        ended = [ledger.ended[key] for key in grid.keys if key in ledger.ended]
    return len(ended), sum(outcome.failure is not None for outcome in ended)


def carry_out(grid: Grid, folder: Path, choices: Choices, show: Show = quiet) -> Summary:
    """Run what is left of the grid, and write `results.parquet` and the failures into the folder.

    Where it is stopped (KeyboardInterrupt) the results so far are written first. Raises RecordingError for files that
    cannot be used, ConfigError for a cluster that is not there, ClusterError for workers that cannot do the work.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecordingError(str(folder), f"cannot be made: {error.strerror or error}") from error
    with Ledger(folder) as ledger:
        keys = grid.keys
        if choices.again:
            ledger.forget(keys)
        elif choices.retry_failed:
            ledger.forget([key for key in keys if key in ledger.ended and ledger.ended[key].failure is not None])
        try:
            _run(grid, keys, ledger, folder, choices, show)
        finally:
            rows = entries(grid, ledger.ended)
            write(folder, rows)
            _write_failures(folder, rows)
    return summarise(grid, rows)


def _run(grid: Grid, keys: Iterable[str], ledger: Ledger, folder: Path, choices: Choices, show: Show) -> None:
    known = [key for key in keys if key in ledger.ended]
    failed = sum(ledger.ended[key].failure is not None for key in known)
    tally = Tally(len(list(keys)), len(known), 0, failed, time.monotonic())
    show(tally)
    if not tally.left:
        return
    with Workers(choices.workers, choices.cluster) as workers:
        tally.begun_s = time.monotonic()
        jobs = _jobs(grid, ledger, folder / RECORDINGS if choices.keep else None)
        with closing(workers.perform(jobs, sources())) as outcomes:
            for outcome in outcomes:
                ledger.add(outcome)
                tally.done += 1
                tally.failed += outcome.failure is not None
                show(tally)


def _jobs(grid: Grid, ledger: Ledger, keep: Path | None) -> Iterator[Job]:
    """What is left to do."""
    cells = {cell.key: cell for cell in reversed(grid.cells)}
    done = set(ledger.ended)
    return (grid.job(cells[key], keep) for key in grid.keys if key not in done)


def _write_failures(folder: Path, rows: Iterable[Entry]) -> None:
    """A file for each failed run with all that is known of it; those of earlier starts go."""
    place = folder / FAILURES
    for old in place.glob("*.txt"):
        old.unlink()
    for entry in rows:
        if entry.failure is not None:
            place.mkdir(exist_ok=True)
            (place / f"{entry.cell.name}.txt").write_text(failure_text(entry.cell, entry.failure), "utf-8")


def failure_text(cell: Cell, failure: Failure) -> str:
    """All that is known of a failed run."""
    head = f"{cell.scenario}, {cell.configuration}, seed {cell.seed}\n{failure.kind}: {failure.text}\n"
    return f"{head}\n{failure.traceback}".rstrip() + "\n"
