"""Compiled loops over the track store, one module a step of the recursion.

numba's disk cache does not see an edit in a module that a cached function calls, so the cache lives in a folder
named by a hash of all these sources and of the compilers' versions. This file is the one place in the core that
touches the disk: compiled code is not data.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import os
import pkgutil
import tempfile
from pathlib import Path

_COMPLETE = "complete"  # an empty file beside the compiled code: an interrupted compilation leaves none
# The kernels, and every module whose functions or constants are compiled into them.
COMPILED_IN = ("geodesy", "tracking.births", "tracking.motion", "types")
BASES = ("evaluate", "predict", "mesh", "reduce", "whitened", "paths")  # other kernels call what these have compiled
_SOURCES = (
    *sorted(Path(__file__).parent.glob("*.py")),
    *(Path(__file__).parents[1] / f"{name.replace('.', '/')}.py" for name in COMPILED_IN),
)


def _name() -> str:
    digest = hashlib.blake2b(digest_size=8)
    for path in _SOURCES:
        digest.update(path.read_bytes())
    for package in ("numba", "llvmlite", "numpy"):
        digest.update(importlib.metadata.version(package).encode())
    return f"kernels-{digest.hexdigest()}"


def _folder() -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "skypicket" / _name()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:  # a home that cannot be written must not stop the service
        return Path(tempfile.mkdtemp(prefix="skypicket-kernels-"))


CACHE = Path(os.environ.get("SKYPICKET_KERNEL_CACHE") or _folder())
os.environ["NUMBA_CACHE_DIR"] = str(CACHE)


def compiled() -> bool:
    """Whether an earlier run compiled every kernel: if not, `load` takes some seconds."""
    return (CACHE / _COMPLETE).exists()


def modules() -> list[str]:
    """Every module of kernels, in an order in which several processes compile them soonest: first what others build on,
    which they would all compile, then the large ones, so that none is left for one process at the end.
    """
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    size = {path.stem: path.stat().st_size for path in _SOURCES}
    rest = sorted((name for name in names if name not in BASES), key=lambda name: (-size[name], name))
    return [f"{__name__}.{name}" for name in (*BASES, *rest)]


def load() -> None:
    """Import every kernel; those that are not in the cache are compiled."""
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)
    (CACHE / _COMPLETE).touch()
