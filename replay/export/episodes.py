"""Alerts for a map: one place and one text for each episode."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from adapters.wire import LEVELS

RANK: Final = {level: rank for rank, level in enumerate(LEVELS)}  # predicted, imminent, infringing


@dataclass(slots=True)
class Episode:
    """One alert. level: the highest that it reached; time, place and reason are of the step that first had it.

    cleared_ns: None while it is open at the end. probability: the highest that was told.
    """

    alert: str
    zone: str
    track: int
    level: str
    raised_ns: int
    level_ns: int
    cleared_ns: int | None
    probability: float
    position: Mapping[str, float]
    reason: str


def episodes_of(steps: Iterable[Mapping[str, Any]], tracks: frozenset[int] = frozenset()) -> list[Episode]:
    """The episodes of checked alert steps, in the order in which they were raised; the line's own tests left out.

    tracks: only of these; empty: all. A step that went out on two topics counts once.
    """
    found: dict[str, Episode] = {}
    for step in steps:
        if step["test"] or (tracks and tracks.isdisjoint((step["track"], *step["tracks"]))):
            continue
        own = found.setdefault(step["alert"], _begun(step))
        own.track = step["track"]
        own.probability = max(own.probability, step["probability"])
        own.raised_ns = min(own.raised_ns, step["time_ns"])
        if RANK[step["level"]] > RANK[own.level]:
            own.level, own.level_ns = step["level"], step["time_ns"]
            own.position, own.reason = step["position"], step["reason"]
        if step["state"] == "cleared":
            own.cleared_ns = step["time_ns"]
    return sorted(found.values(), key=lambda episode: (episode.raised_ns, episode.alert))


def _begun(step: Mapping[str, Any]) -> Episode:
    time_ns = step["time_ns"]
    return Episode(
        step["alert"], step["zone"], step["track"], step["level"], time_ns, time_ns, None, step["probability"],
        step["position"], step["reason"],
    )  # fmt: skip
