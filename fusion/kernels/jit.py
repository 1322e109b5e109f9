"""How kernels are compiled: IEEE arithmetic (a division by zero gives infinity, not an exception), nothing reordered.

`error_model="numpy"` takes a branch from every division. Only entries have a signature and stand in the cache. A call
between compiled functions passes every array as a dozen words: `inner` is for what is called for each mode or
component, and becomes part of its callers; `apart` for the rest, which is compiled once.
"""

from __future__ import annotations

from typing import Any

from numba import njit

inner = njit(error_model="numpy", forceinline=True)
apart = njit(error_model="numpy")
leaf = njit(error_model="numpy", forceinline=True, _nrt=False)


def entry(signature: str) -> Any:
    """A decorator: compiled now for `signature`, and kept on disk."""
    return njit(signature, cache=True, error_model="numpy")


def bare(signature: str) -> Any:
    """As `entry`, without reference counting, which took most of the time of kernels of many inlined parts: such a
    kernel allocates nothing, and calls only what is made `leaf`.
    """
    return njit(signature, cache=True, error_model="numpy", _nrt=False)
