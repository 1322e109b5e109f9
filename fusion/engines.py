"""Which engine a configuration asks for."""

from __future__ import annotations

from fusion.compiled import CompiledEngine
from fusion.engine import Engine


def engine(name: str) -> Engine:
    """The engine of that name: "numba" or "filterpy"."""
    if name == "numba":
        return CompiledEngine()
    from fusion.reference import ReferenceEngine

    return ReferenceEngine()
