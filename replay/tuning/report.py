"""What a search says: as text for a terminal, and as plain data."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from replay.campaigns.summary import told
from replay.text import Rows, aligned
from replay.tuning.gain import Gain
from replay.tuning.search import TELLING, Found, Task


def as_text(task: Task, found: Found, gain: Gain) -> str:
    """The parameters, their importance, the gain on what was searched and on what was held out, and the verdict."""
    rows: Rows = [("parameter", "was", "found", "searched", "importance")]
    for one in task.parameters:
        share = found.importance.get(one.label)
        rows.append(
            (
                one.label, f"{one.value:.8g}", f"{found.values.get(one, one.value):.8g}",
                f"{one.low:.4g} to {one.high:.8g}", "–" if share is None else f"{share:.2f}",
            )
        )  # fmt: skip
    unit = f" {task.metric.unit}" if task.metric.unit else ""
    lines = [
        aligned(rows),
        f"{found.trials:,} trials, {found.pruned:,} of them pruned, on {len(task.recordings):,} recordings or parts: "
        f"{task.metric.name} {found.base:.4g} -> {found.best:.4g}{unit}",
    ]
    held: Rows = [("held out", "was", "found")]
    held += [(one.name, _number(one.base), _number(one.best)) for one in gain.each]
    lines += [aligned(held), f"gain on what was held out: {told(gain.value, task.metric.unit)}", gain.verdict]
    if not found.importance:
        lines.append(f"Fewer than {TELLING} complete trials, or all alike, tell nothing of importance.")
    return "\n\n".join(lines)


def as_dict(task: Task, found: Found, gain: Gain) -> dict[str, Any]:
    """The same as JSON knows it."""
    return {
        "metric": task.metric.column,
        "seed": task.seed,
        "trials": found.trials,
        "pruned": found.pruned,
        "searched_on": [one.name for one in task.recordings],
        "base": found.base,
        "best": found.best,
        "parameters": [
            {"name": one.label, "was": one.value, "found": found.values.get(one, one.value), "low": one.low,
             "high": one.high, "importance": found.importance.get(one.label)}
            for one in task.parameters
        ],
        "held_out": [asdict(one) for one in gain.each],
        "gain": asdict(gain.value),
        "verdict": gain.verdict,
    }  # fmt: skip


def remarks(task: Task, found: Found, gain: Gain) -> tuple[str, ...]:
    """The head of the file that is written."""
    names = ", ".join(one.name for one in task.recordings)
    return (
        f"Made by `skypicket tune`: {found.trials} trials of seed {task.seed} on {names}.",
        f"{task.metric.column} there: {found.base:.4g} -> {found.best:.4g}.",
        f"Gain on what was held out: {told(gain.value, task.metric.unit)}.",
        gain.verdict,
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
