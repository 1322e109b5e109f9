"""What `convert` and `filter` share: the work with its progress, and what is said of it."""

from __future__ import annotations

from collections.abc import Callable

from fusion.errors import ConfigError, RecordingError
from replay.recordings.convert import Copied, convert, everything
from replay.recordings.files import check_output
from replay.recordings.record import Reader, Record
from replay.text import utc
from skypicket.console import progress, say, summary_stream, tell_passed_over

EVERY = 256  # records between two looks at the progress bar


def copy(source: str, target: str, takes: Callable[[Record], bool] = everything) -> Copied:
    """One recording into another, with a progress bar. Raises ConfigError where they are one file, RecordingError."""
    try:
        check_output(target, reads=source)
    except RecordingError:
        raise ConfigError("OUT", target, "another file than the recording that is read") from None
    with progress() as show:

        def report(reader: Reader) -> None:
            if reader.records % EVERY == 0:
                show("copying", reader.offset, reader.size)

        return convert(source, target, takes, report)


def tell_copied(source: str, target: str, copied: Copied) -> None:
    """A line of what was written, then what was lost and what was passed over."""
    stream = summary_stream(target)
    if not copied.records:
        say(f"{source}: {_why_nothing(copied)}; nothing was written")
    else:
        rest = f", {copied.not_taken:,} left out" if copied.not_taken else ""
        print(f"{copied.records:,} messages{rest}: {target}", file=stream, flush=True)
        for lost in _lost(copied):
            print(f"  {lost}", file=stream)
    tell_passed_over(source, copied.problems, copied.truncated)


def _why_nothing(copied: Copied) -> str:
    if copied.from_ns is None or copied.to_ns is None:
        return "no message"
    span = f"{utc(copied.from_ns)} to {utc(copied.to_ns)}, {(copied.to_ns - copied.from_ns) / 1e9:,.1f} s"
    return (
        f"none of its {copied.not_taken:,} messages ({span}) was asked for" if copied.not_taken else "no good message"
    )


def _lost(copied: Copied) -> list[str]:
    lines = []
    if copied.arrivals:
        lines.append(f"JSON lines have no time of arrival: that of {copied.arrivals:,} messages is lost")
    if copied.second_topics:
        lines.append(
            f"JSON lines have no topics: {copied.second_topics:,} alert steps that left a level stand once, not twice"
        )
    if copied.metadata and not copied.metadata_kept:
        lines.append(f"JSON lines have no metadata: left out {', '.join(copied.metadata)}")
    if copied.shortened:
        lines.append(
            f"{copied.shortened:,} pictures were too large for a message of 8 MiB: `left_out` says what each lacks"
        )
    return lines
