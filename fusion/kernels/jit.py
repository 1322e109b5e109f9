"""How kernels are compiled: IEEE arithmetic (a division by zero gives infinity, not an exception), nothing reordered.

`error_model="numpy"` takes a branch from every division. Helpers are compiled into their callers; only entries have
a signature and stand in the cache, so that few files are loaded and none is compiled twice.
"""

from __future__ import annotations

from typing import Any

from numba import njit

inner = njit(error_model="numpy", forceinline=True)


def entry(signature: str) -> Any:
    """A decorator: compiled now for `signature`, and kept on disk."""
    return njit(signature, cache=True, error_model="numpy")
