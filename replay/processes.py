"""Work on several cores: how many there are, and processes for them."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor


def available() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def pool(workers: int, begin: Callable[[], object] | None = None) -> ProcessPoolExecutor:
    """New processes of Python; `begin` is called first in each of them."""
    context = multiprocessing.get_context("spawn")  # a fork would copy the threads of numerical libraries half alive
    return ProcessPoolExecutor(workers, mp_context=context, initializer=begin)
