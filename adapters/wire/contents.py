"""Whether a message holds what its type asks for, as far as that can be told without a site's sensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from adapters.wire.alerts import read_alert
from adapters.wire.columns import columns_of
from adapters.wire.tracks import read_tracks
from adapters.wire.truth import read_truth

_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], object]]] = {
    "frame": columns_of,  # what its columns may hold depends on its sensor
    "tracks": read_tracks,
    "alert": read_alert,
    "truth": read_truth,
}


def check_contents(message: Mapping[str, Any]) -> None:
    """Raise MessageRejected, with a code of the type's own reader, where a decoded message holds something else."""
    reader = _READERS.get(message["type"])
    if reader is not None:
        reader(message)
