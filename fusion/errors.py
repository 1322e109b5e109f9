"""One tree of errors. Each carries what a program needs in fields and says what a person needs in its text."""

from __future__ import annotations


class SkypicketError(Exception):
    """Anything that skypicket itself refuses."""


class ConfigError(SkypicketError, ValueError):
    """A mistake in a configuration, scenario or zone file."""

    def __init__(self, key: str, found: object, allowed: str, file: str = "", line: int | None = None) -> None:
        self.key, self.found, self.allowed, self.file, self.line = key, found, allowed, file, line
        place = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(f"{place}{key} is {shorten(found)}; allowed is {allowed}")

    def within(self, file: str, prefix: str = "", line: int | None = None) -> ConfigError:
        """The same mistake, with the file (and the path of keys to it) in which it was found."""
        key = f"{prefix}.{self.key}" if prefix and self.key else prefix or self.key
        return ConfigError(key, self.found, self.allowed, file, line if line is not None else self.line)


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
    text = repr(value[:limit] if isinstance(value, str | bytes | list | tuple) else value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
