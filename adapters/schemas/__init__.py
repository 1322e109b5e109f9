"""JSON Schemas (2020-12) of every message and request of the contract, as they stand in JSON.

In MessagePack a `bin` may stand where a schema says that a column is an array of numbers.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any


def names() -> tuple[str, ...]:
    """The names of all schemas, sorted: message types, `request-…` and `answer`."""
    files = resources.files(__name__).iterdir()
    return tuple(sorted(file.name.removesuffix(".json") for file in files if file.name.endswith(".json")))


def load(name: str) -> dict[str, Any]:
    """One schema. Raises KeyError for a name that is not in `names()`."""
    if name not in names():
        raise KeyError(f"no schema is named {name!r}; there are {', '.join(names())}")
    schema: dict[str, Any] = json.loads(resources.files(__name__).joinpath(f"{name}.json").read_text("utf-8"))
    return schema
