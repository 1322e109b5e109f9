"""Which engine a configuration asks for."""

from __future__ import annotations

from fusion.tracking.compiled import CompiledEngine
from fusion.tracking.engine import Engine


def engine(name: str) -> Engine:
    """The engine of that name: "numba" or "filterpy"."""
    if name == "numba":
        return CompiledEngine()
    from fusion.tracking.reference import ReferenceEngine

    return ReferenceEngine()
