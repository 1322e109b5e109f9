"""One tree of errors. Each carries what a program needs in fields and says what a person needs in text."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence

_BRIEF = reprlib.Repr()  # a repr that neither deep nesting nor great length can make slow or long
_BRIEF.maxlist = _BRIEF.maxtuple = _BRIEF.maxdict = _BRIEF.maxset = _BRIEF.maxfrozenset = 20
_BRIEF.maxlevel = 3
_BRIEF.maxstring = _BRIEF.maxother = _BRIEF.maxlong = 80

MOST_SHOWN = 20  # mistakes listed in one text: more than a screen helps nobody


class SkypicketError(Exception):
    """Anything that skypicket itself refuses."""


class ConfigError(SkypicketError, ValueError):
    """A mistake in a configuration, scenario or zone file."""

    def __init__(self, key: str, found: object, allowed: str, file: str = "", line: int | None = None) -> None:
        self.key, self.found, self.allowed, self.file, self.line = key, found, allowed, file, line
        place = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(f"{place}{key} is {shorten(found)}; allowed is {allowed}")

    @property
    def mistakes(self) -> tuple[ConfigError, ...]:
        """Every mistake that this error stands for."""
        return (self,)

    def within(self, file: str, prefix: str = "", line: int | None = None) -> ConfigError:
        """The same mistake, with the file (and the path of keys to it) in which it was found."""
        key = f"{prefix}.{self.key}" if prefix and self.key else prefix or self.key
        return ConfigError(key, self.found, self.allowed, file, line if line is not None else self.line)


class CombinedConfigError(ConfigError):
    """Several mistakes found in one reading, each on a line of its own. The fields are those of the first."""

    def __init__(self, mistakes: Sequence[ConfigError]) -> None:
        first = mistakes[0]
        super().__init__(first.key, first.found, first.allowed, first.file, first.line)
        self._mistakes = tuple(part for mistake in mistakes for part in mistake.mistakes)
        hidden = len(self._mistakes) - MOST_SHOWN
        shown = [str(mistake) for mistake in self._mistakes[:MOST_SHOWN]]
        self.args = ("\n".join([*shown, f"and {hidden} more"] if hidden > 0 else shown),)

    @property
    def mistakes(self) -> tuple[ConfigError, ...]:
        return self._mistakes


class MessageRejected(SkypicketError):
    """A whole message that breaks the contract. `code` is a short fixed word, for counting."""

    def __init__(self, code: str, detail: str, sensor: str | None = None) -> None:
        self.code, self.detail, self.sensor = code, detail, sensor
        super().__init__(f"{code}: {detail}")


class RowRejected(SkypicketError):
    """One row of a frame that breaks the contract; the other rows are used."""

    def __init__(self, sensor: str, seq: int, column: str, row: int, value: object, allowed: str) -> None:
        self.sensor, self.seq, self.column, self.row = sensor, seq, column, row
        self.value, self.allowed = value, allowed
        super().__init__(f"frame.{sensor} {seq}: {column}[{row}] is {shorten(value)}; allowed is {allowed}")


class RecordingError(SkypicketError):
    """A recording that cannot be read or written: names the file and, where known, the offset in bytes."""

    def __init__(self, file: str, detail: str, offset: int | None = None) -> None:
        self.file, self.detail, self.offset = file, detail, offset
        super().__init__(f"{file}{'' if offset is None else f' at byte {offset}'}: {detail}")


def shorten(value: object, limit: int = 80) -> str:
    """`repr`, cut to a length that fits a line: what came from outside may be of any size."""
    text = repr(value[:limit]) if isinstance(value, str | bytes) else _BRIEF.repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
