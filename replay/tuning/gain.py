"""What the parameters found are worth on recordings that the search has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from replay.campaigns.statistics import Interval, interval
from replay.campaigns.summary import Metric
from replay.tuning.material import Material
from replay.tuning.search import Task, Values


@dataclass(frozen=True, slots=True)
class Held:
    """One recording held out: its figure before and after."""

    name: str
    base: float | None
    best: float | None


@dataclass(frozen=True, slots=True)
class Gain:
    """Of what was held out. value: over it, positive is better. where: in words, what was held out.

    lone: it is all of one recording, so that nothing is known of others.
    """

    metric: Metric
    each: tuple[Held, ...]
    value: Interval
    where: str
    lone: bool

    @property
    def verdict(self) -> str:
        """What may be said of it, in a sentence."""
        mean = self.value.mean
        if mean is None:
            return f"{self.where} has no such figure: nothing is known of the gain."
        if mean == 0.0:
            return f"No gain on {self.where}: keep the configuration as it is."
        if mean < 0.0:
            worse = "Certainly worse" if self.value.certain else "Worse"
            return f"{worse} on {self.where}: keep the configuration as it is."
        if not self.value.certain:
            return f"Better on {self.where}, but not certainly (95 %): more recordings would tell."
        return f"Certainly better (95 %) on {self.where}.{' Nothing is known of others.' if self.lone else ''}"


def gain(task: Task, held: Sequence[Material], values: Values) -> Gain:
    """Score what was held out before and after. A single recording is cut by time, to have an interval at all."""
    parts = (held[0].blocks() or held) if len(held) == 1 and not held[0].part else held
    each = tuple(Held(one.name, task.figure(one, {}), task.figure(one, values)) for one in parts)
    sign = 1.0 if task.maximise else -1.0
    gains = [None if one.base is None or one.best is None else sign * (one.best - one.base) for one in each]
    lone = len({one.path for one in held}) == 1
    where = f"the {len(held)} recordings held out"
    if held[0].part:
        where = "the part of the recording held out" if len(held) == 1 else f"the {len(held)} parts held out"
    elif lone:
        where = "the one recording held out" + (f" ({len(parts)} parts of it)" if len(parts) > 1 else "")
    return Gain(task.metric, each, interval(gains), where, lone)
