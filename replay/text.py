"""Rows of cells as text, and numbers as people read them."""

from __future__ import annotations

import numpy as np

from fusion.types import SECOND_NS

Rows = list[tuple[str, ...]]


def aligned(rows: Rows) -> str:
    """Rows as text columns: those of numbers to the right, the first and all others to the left."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if place == 0 or not numeric(rows, place) else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def numeric(rows: Rows, place: int) -> bool:
    """Whether a column below its head holds numbers, with or without a unit."""
    cells = [row[place] for row in rows[1:] if row[place]]
    return all(len(cell) <= 16 and (cell[0].isdigit() or cell[0] in "-–") for cell in cells)


def number(value: float | None, digits: int, unit: str = "") -> str:
    """A value with its digits and unit, or a dash."""
    return "–" if value is None else f"{value:,.{digits}f}{' ' if unit else ''}{unit}"


def percent(value: float | None) -> str:
    """A share in percent, or a dash."""
    return "–" if value is None else f"{value:.1%}".replace("%", " %")


def utc(time_ns: int) -> str:
    """An instant in UTC, to a tenth of a second where it needs one."""
    seconds, rest = divmod(time_ns, SECOND_NS)
    whole = str(np.datetime64(seconds, "s"))
    return f"{whole}Z" if not rest else f"{whole}.{rest // 100_000_000}Z"
