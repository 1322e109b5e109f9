"""The first compilation of the tracker's kernels on a machine, on all of its cores."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from typing import Final

from fusion import kernels
from replay.processes import available, pool

Show = Callable[[str, int, int | None], None]
STAGE: Final = "compiling"
MOST: Final = 8  # processes: the longest kernel takes a tenth of all the time, and each takes 300 MB


def compile_everywhere(show: Show, cores: int | None = None) -> None:
    """Fill the cache from which every process loads the kernels; what fails here is left to `kernels.load`.

    show: told "compiling", how many modules are done, of how many.  cores: None: those that there are; for one there
    is nothing to share out.
    """
    cores = min(cores or available(), MOST)
    if cores == 1:
        return
    # Where the cache's own place cannot be written it is a folder of this process: the others must share it.
    os.environ["SKYPICKET_KERNEL_CACHE"] = str(kernels.CACHE)
    names = kernels.modules()
    try:
        with pool(cores, _uninterrupted) as processes:
            show(STAGE, 0, len(names))
            for done, _ in enumerate(processes.map(_compile, names), 1):
                show(STAGE, done, len(names))
    except KeyboardInterrupt:
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    except (BrokenExecutor, OSError):
        pass


def _uninterrupted() -> None:
    """Ctrl-C is for the one who started this; it ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _compile(name: str) -> None:
    importlib.import_module(name)
