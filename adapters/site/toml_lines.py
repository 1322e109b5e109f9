"""On which line of a TOML text a key stands. tomllib tells no places, so each statement is read alone."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]
LONGEST_STATEMENT = 500  # lines; a longer array is not looked into: growing it line by line is quadratic


@dataclass(frozen=True, slots=True)
class Statement:
    """One header or assignment: its first line, the table that it stands in (or opens), and what it sets."""

    line: int
    table: Path
    sets: dict[str, Any]


def line_of(text: str, path: Path) -> int | None:
    """The line, from 1, of the statement that sets `path`, else of the closest table round it; None: nowhere.

    text: valid TOML, or valid up to some line: what comes after is left out.
    """
    best, line = 0, None
    for statement in statements(text):
        depth = _depth(statement, path)
        if depth > best:
            best, line = depth, statement.line
    return line


@functools.lru_cache(maxsize=1)
def statements(text: str) -> tuple[Statement, ...]:
    """Every header and assignment of a TOML text, with the absolute path of its table."""
    found: list[Statement] = []
    lines, table, lengths = text.replace("\r\n", "\n").split("\n"), (), {}  # type: tuple[list[str], Path, dict[Path, int]]
    start = 0
    while start < len(lines):
        stripped = lines[start].lstrip()
        if not stripped or stripped.startswith("#"):
            start += 1
            continue
        end, sets = _one(lines, start)
        if sets is None:
            break
        if stripped.startswith("["):
            table = _opened(sets, stripped.startswith("[["), lengths)
            sets = {}
        found.append(Statement(start + 1, table, sets))
        start = end
    return tuple(found)


def _one(lines: list[str], start: int) -> tuple[int, dict[str, Any] | None]:
    """The statement that begins at `start`: where it ends, and what it says; None where it cannot be read."""
    for end in range(start + 1, min(len(lines), start + LONGEST_STATEMENT) + 1):
        try:
            return end, tomllib.loads("\n".join(lines[start:end]))
        except (ValueError, RecursionError):
            continue
    return len(lines), None


def _opened(header: dict[str, Any], array: bool, lengths: dict[Path, int]) -> Path:
    """The absolute path of the table that a header opens; an array's last element stands for the array."""
    path: Path = ()
    inner: Any = header
    while inner:
        inner = inner[0] if isinstance(inner, list) else inner
        if not inner:
            break
        ((name, inner),) = inner.items()
        path = (*path, name)
        last = inner in ({}, [{}])
        if array and last:
            lengths[path] = lengths.get(path, 0) + 1
        if path in lengths:
            path = (*path, lengths[path] - 1)
    return path


def _depth(statement: Statement, path: Path) -> int:
    """How many steps of `path` the statement goes along; 0 where it leads elsewhere."""
    depth = len(statement.table)
    if path[:depth] != statement.table:
        return 0
    inner: Any = statement.sets
    for step in path[depth:]:
        try:
            inner = inner[step]
        except (KeyError, IndexError, TypeError):
            break
        depth += 1
    else:
        return depth
    # An assignment that goes along no step of its own says nothing about the path; its table's header does.
    return depth if depth > len(statement.table) or not statement.sets else 0
