"""A campaign's summary as text for a terminal."""

from __future__ import annotations

from typing import Final

from replay.campaigns.grid import Grid
from replay.campaigns.summary import Summary, difference_rows, figure_rows
from replay.text import Rows, aligned

MOST_FAILURES: Final = 10  # in the text; the folder has all


def grid_text(grid: Grid, done: int, failed: int) -> str:
    """What a plan would run, and how much of it is there already."""
    rows = [*grid_rows(grid), ("done", f"{done:,}, {failed:,} of them failed")]
    return "\n".join(f"{name:<16}{text}" for name, text in rows)


def grid_rows(grid: Grid) -> Rows:
    """What a plan would run: (name, value)."""
    plan = grid.plan
    sizes = len(plan.scenarios), len(plan.configurations), len(plan.seeds)
    rows: Rows = [
        ("scenarios", ", ".join(plan.scenarios)),
        ("configurations", ", ".join(plan.configurations)),
        ("seeds", _seeds(plan.seeds)),
        ("runs", f"{' × '.join(f'{size:,}' for size in sizes)} = {plan.runs:,}"),
    ]
    if len(grid.keys) < plan.runs:
        rows.append(("alike", f"{plan.runs - len(grid.keys):,} are the same as others in all but name: run once"))
    return rows


def summary_text(summary: Summary) -> str:
    """Tables of every scenario: the figures, then the differences from the baseline."""
    parts = []
    for scenario in dict.fromkeys(figure.scenario for figure in summary.figures):
        own = [figure for figure in summary.figures if figure.scenario == scenario]
        parts.append(f"{scenario}: mean over the seeds, and the 95 % interval of the mean\n{aligned(figure_rows(own))}")
        differences = [one for one in summary.differences if one.scenario == scenario]
        if differences:
            head = f"{scenario}: less {summary.baseline}, seed by seed, with the 95 % interval"
            parts.append(f"{head}\n{aligned(difference_rows(differences))}")
    if summary.failed:
        lines = [
            f"  {entry.cell.name}: {entry.failure.kind}: {entry.failure.text}"
            for entry in summary.failed[:MOST_FAILURES]
            if entry.failure is not None
        ]
        hidden = len(summary.failed) - len(lines)
        more = [f"  and {hidden:,} more, in failures/"] if hidden > 0 else []
        parts.append("\n".join([f"failed: {len(summary.failed):,} of {summary.runs:,} runs", *lines, *more]))
    if summary.left:
        parts.append(f"{summary.left:,} of {summary.runs:,} runs are left: the same command goes on with them")
    return "\n\n".join(parts)


def _seeds(seeds: tuple[int, ...]) -> str:
    first, last = seeds[0], seeds[-1]
    if last - first + 1 == len(seeds) > 2:
        return f"{first} to {last} ({len(seeds):,})"
    shown = ", ".join(map(str, seeds[:10]))
    return f"{shown}{', …' if len(seeds) > 10 else ''} ({len(seeds):,})"
