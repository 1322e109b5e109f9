"""What a user's machine has and a checkout may lack: Python's own bytecode, so that start-up is as theirs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "skypicket"


def environment() -> dict[str, str]:
    """For a process that keeps its bytecode in our cache; its second start is like one of an installed package."""
    told = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return told | {"PYTHONPYCACHEPREFIX": str(CACHE / "benchmarks" / "bytecode")}
