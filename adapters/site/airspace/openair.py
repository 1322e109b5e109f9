"""OpenAir files (`.txt`, `.air`): volumes, or what is wrong with each, with its line.

The format has no one standard. This follows its first description (WinPilot, 1998) and the extended one (Naviter 2.1,
2025), and what files do.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

from adapters.site.airspace.limits import Limit, read_limit
from adapters.site.airspace.notation import read_interval
from adapters.site.airspace.outline import RECORDS, Outline
from adapters.site.airspace.published import Published, named, one_line
from adapters.site.checking import MISSING, combined
from fusion.errors import ConfigError

# What says nothing of where a volume is: colours, label, frequency, station, transponder code, identifier.
PASSED_OVER: Final = ("SP", "SB", "AT", "AF", "AG", "AX", "AI")
DETAILS: Final = ("AN", "AY", "AH", "AL", "AA")
OUTLINE: Final = RECORDS[1:]  # without V, which draws nothing
TERRAIN: Final = ("TO", "TC")  # lines and areas of a map, which also have points
KNOWN: Final = ("AC", *DETAILS, *RECORDS, *PASSED_OVER, *TERRAIN)
_RECORD = re.compile(r"(V|[A-Za-z]{2})(?![A-Za-z])\s*(.*)")

Line = tuple[int, str, str]  # number from 1, record, what follows; the record is empty where it is none


def read_openair(text: str, file: str) -> tuple[list[Published], list[ConfigError]]:
    """Every volume of a file in its order, and an error for each that cannot be used, file and line in it."""
    volumes: list[Published] = []
    mistakes: list[ConfigError] = []
    for lines in _blocks(text):
        if lines[0][1] in TERRAIN or not any(record in (*DETAILS, *RECORDS, "") for _, record, _ in lines):
            continue  # a map, or colours for the volumes that follow
        volume = _Volume(lines[0][0])
        for line in lines:
            volume.take(*line)
        try:
            volumes.append(volume.finish(file))
        except ConfigError as error:
            mistakes.append(error)
    return volumes, mistakes


def _paragraphs(text: str) -> Iterator[list[Line]]:
    """Lines between empty lines, without comments."""
    found: list[Line] = []
    for number, line in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
        if not line.strip():
            if found:
                yield found
            found = []
            continue
        said = line.partition("*")[0].strip()
        if not said or said.startswith("#"):
            continue
        match = _RECORD.fullmatch(said)
        known = match is not None and match[1].upper() in KNOWN
        found.append((number, match[1].upper(), match[2].strip()) if match and known else (number, "", said))
    if found:
        yield found


def _blocks(text: str) -> Iterator[list[Line]]:
    """The lines of each volume.

    One begins with AC. Where that is missing or misspelt, with AN behind an outline, or with a paragraph behind an
    outline that says anything but an outline: so a slip in one volume does not spoil the one before it.
    """
    block: list[Line] = []
    drawn = known = False  # whether the block has an outline, and any line of the format
    strange: list[Line] = []  # paragraphs of no known line: they belong to the volume before them if that goes on
    for lines in _paragraphs(text):
        if not any(record for _, record, _ in lines):
            strange += lines
            continue
        ends = drawn and _has(lines, ("AC", *DETAILS))
        if strange and block and not ends and lines[0][1] not in ("AC", "AN", *TERRAIN):
            block += strange
        elif strange:
            yield strange
        strange = []
        for line in lines:
            if ends or (known and line[1] in ("AC", *TERRAIN)) or (drawn and line[1] == "AN"):
                yield block
                block, drawn, known, ends = [], False, False, False
            block.append(line)
            drawn, known = drawn or line[1] in OUTLINE, known or bool(line[1])
    yield from (part for part in (block, strange) if part)


def _has(lines: list[Line], records: tuple[str, ...]) -> bool:
    return any(record in records for _, record, _ in lines)


class _Volume:
    """Takes the lines of one volume; `finish` gives it, or every mistake in it."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.said: dict[str, str] = {}
        self.floor: Limit | None = None
        self.ceiling: Limit | None = None
        self.times: list[tuple[int, int] | None] = []
        self.outline = Outline()
        self.mistakes: list[tuple[int, str, ConfigError]] = []

    def take(self, number: int, record: str, text: str) -> None:
        """One line."""
        try:
            self._take(record, text)
        except ConfigError as error:
            self.mistakes.append((number, record, error))

    def _take(self, record: str, text: str) -> None:
        if not record:
            raise ConfigError("line", text, f"one of {', '.join(KNOWN)}, or a comment after *")
        if record in RECORDS:
            self.outline.take(record, text)
        elif record == "AA":
            self.times.append(read_interval(text))
        elif record in ("AC", *DETAILS):
            if record in self.said:
                raise ConfigError("", text, f"{record} once in a volume")
            self.said[record] = text
            if record in ("AH", "AL"):
                self._limit(record, text)

    def _limit(self, record: str, text: str) -> None:
        limit = read_limit(text)
        if record == "AH":
            self.ceiling = limit
        else:
            self.floor = limit

    def finish(self, file: str) -> Published:
        name = one_line(self.said.get("AN", ""))
        place = named(name)
        mistakes = [
            error.within(file, place + (f".{record}" if record else ""), number)
            for number, record, error in self.mistakes
        ]
        if not self.said and not self.outline.begun:
            raise combined(mistakes)
        for record, what in (("AC", "a class"), ("AN", "a name"), ("AH", "a ceiling"), ("AL", "a floor")):
            if not self.said.get(record):
                mistakes.append(ConfigError(f"{place}.{record}", MISSING, what, file, self.line))
        if mistakes or self.floor is None or self.ceiling is None:
            raise combined(mistakes)
        try:
            shape, radius = self.outline.finish()
            active = self._active()
        except ConfigError as error:
            raise error.within(file, place, self.line) from None
        kind, kept = one_line(self.said.get("AY", "")).upper(), one_line(self.said["AC"]).upper()
        kinds = (kind, kept) if kind not in ("", "NONE") else (kept,)
        return Published(name, kinds, self.floor, self.ceiling, shape, radius, place, self.line, active=active)

    def _active(self) -> tuple[tuple[int, int], ...] | None:
        """`AA` records as intervals in order; None without any: always."""
        if not self.times:
            return None
        intervals = sorted(time for time in self.times if time is not None)
        if None in self.times:
            if intervals:
                raise ConfigError("AA", "NONE beside intervals", "NONE alone, or intervals")
            return ()
        for before, after in itertools.pairwise(intervals):
            if after[0] < before[1]:
                raise ConfigError("AA", "intervals that overlap", "intervals apart from each other")
        return tuple(intervals)
