"""Thousands of encounters, spread over processes: the same whatever their number, in the order of the encounters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from replay.processes import pool

T = TypeVar("T")
Job = Callable[[int, int], T]  # of the campaign's seed and an encounter's number; importable, for other processes


def spread(job: Job[T], seed: int, numbers: range, workers: int) -> Iterator[T]:
    """What `job` makes of each encounter, in their order.

    Kernels are compiled here first: many processes that compile at once take as many times as long.
    """
    from fusion import kernels

    kernels.load()
    if workers == 1:
        yield from (job(seed, number) for number in numbers)
        return
    with pool(workers) as processes:
        yield from processes.map(job, [seed] * len(numbers), numbers)
