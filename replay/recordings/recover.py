"""Makes what is left of a damaged recording readable again: a complete, indexed one, and a list of what is lost.

recovery = recover("cut.mcap", "cut.recovered.mcap")
print(recovery.messages, recovery.losses.first)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Final

from fusion.errors import MessageRejected, RecordingError
from replay.recordings.files import check_output, open_writer
from replay.recordings.foreign import FLIPPED_BITS, beginning, flipped_bits, seems_to_be, signature_of
from replay.recordings.jsonl_file import STANDARD
from replay.recordings.losses import Losses
from replay.recordings.marks import BYTE_ORDER_MARK, MCAP_MARK
from replay.recordings.record import Problem, Record, Writer, open_file
from replay.recordings.salvage_lines import LinesSalvage
from replay.recordings.salvage_mcap import McapSalvage

Salvage = McapSalvage | LinesSalvage
Progress = Callable[[str, int, int | None], None]
PROGRESS_RECORDS: Final = 256  # between two calls of `progress`
RECOVERED_FROM: Final = "recovered_from"  # the key of the metadata that says what the file was


@dataclass(slots=True)
class Recovery:
    """What was recovered, and what was not.

    out: the file that was written; "" where there was nothing to recover, as the recording is whole.
    topics: messages of each. unverified: messages that no checksum covered. expected: how many the index of the
    damaged file counts, None where it has none. problems: messages that are none of ours, by kind.
    """

    path: str
    out: str
    size: int
    losses: Losses
    topics: dict[str, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    unverified: int = 0
    expected: int | None = None
    from_ns: int | None = None
    to_ns: int | None = None

    @property
    def messages(self) -> int:
        return sum(self.topics.values())

    @property
    def whole(self) -> bool:
        """Whether nothing was wrong with the recording."""
        return not self.losses.count and not self.problems

    def _take(self, record: Record) -> None:
        self.topics[record.topic] = self.topics.get(record.topic, 0) + 1
        self.from_ns = record.time_ns if self.from_ns is None else min(self.from_ns, record.time_ns)
        self.to_ns = record.time_ns if self.to_ns is None else max(self.to_ns, record.time_ns)


def nothing(stage: str, done: int, total: int | None) -> None:
    """No progress to show."""


def kind_of(path: str | Path) -> str:
    """`mcap` or `jsonl`, by what is in a damaged recording, whatever its name ends in.

    Raises RecordingError for a file that cannot be read or is of another kind, which it names.
    """
    open_file(str(path)).close()
    head = beginning(str(path))
    if head.startswith(MCAP_MARK) or flipped_bits(head) <= FLIPPED_BITS:
        return "mcap"
    if head.removeprefix(BYTE_ORDER_MARK).lstrip().startswith(b"{"):
        return "jsonl"
    ending = Path(path).suffix.lower()
    if not head or signature_of(head) or ending not in (".mcap", ".jsonl"):
        raise RecordingError(str(path), f"cannot be recovered: it is {seems_to_be(head) or 'no recording'}", 0)
    return ending[1:]


def recover(path: str | Path, out: str | Path, progress: Progress = nothing) -> Recovery:
    """Write what is readable of `path` into a new recording at `out`, which stands there complete or not at all.

    `out` may be `path` itself, which is replaced at the end then. A recording that is whole is left alone: nothing is
    written. Raises RecordingError where nothing can be recovered, or `out` cannot be written.
    """
    check_output(out)
    source: Salvage = McapSalvage(str(path)) if kind_of(path) == "mcap" else LinesSalvage(str(path))
    try:
        target = str(out) if str(out) == STANDARD else str(_beside(Path(out)))
        recovery = Recovery(str(path), str(out), source.size, source.losses)
        try:
            records = iter(source)
            first = next(records, None)  # what the file says of itself stands before it
            metadata = {**source.metadata, RECOVERED_FROM: Path(path).name}
            with open_writer(target, metadata, reads=path) as writer:
                if first is not None:
                    _copy(source, chain([first], records), writer, recovery, progress)
                writer.add_metadata({key: text for key, text in source.metadata.items() if key not in metadata})
        except BaseException:
            _remove(target)
            raise
        recovery.problems = tuple(source.problems)
        recovery.unverified, recovery.expected = source.unverified, source.expected
    finally:
        source.close()
    return _placed(recovery, target)


def _copy(source: Salvage, records: Iterable[Record], writer: Writer, recovery: Recovery, progress: Progress) -> None:
    for count, record in enumerate(records):
        try:
            writer.write_payload(
                record.topic, record.payload, record.time_ns, record.log_ns, record.sequence, record.opening
            )
        except MessageRejected as error:
            source.problems.add(error.code, f"{record.topic}: {error.detail}", source.offset)
            continue
        recovery._take(record)
        if count % PROGRESS_RECORDS == 0:
            progress("recovering", source.offset, source.size)


def _placed(recovery: Recovery, target: str) -> Recovery:
    """The finished file where it was asked for, or no file where none is needed."""
    if not recovery.messages and not recovery.whole:
        _remove(target)
        found = [str(loss) for loss in recovery.losses.first[:1]] + [str(each) for each in recovery.problems[:1]]
        offset = recovery.losses.first[0].start if recovery.losses.first else 0
        seems = seems_to_be(beginning(recovery.path))
        hint = f"; it seems to be {seems}" if seems and not seems.startswith("an MCAP file:") else ""
        raise RecordingError(recovery.path, f"nothing in it can be recovered: {'; '.join(found)}{hint}", offset)
    if recovery.whole:
        _remove(target)
        recovery.out = ""
    elif target != STANDARD:
        try:
            Path(target).replace(recovery.out)
        except OSError as error:
            _remove(target)
            raise RecordingError(recovery.out, f"cannot be written: {error.strerror or error}") from error
    return recovery


def _beside(out: Path) -> Path:
    return out.with_name(f".{os.getpid()}.partial{out.suffix}")  # not of the name, which may be as long as one may be


def _remove(target: str) -> None:
    if target != STANDARD:
        with suppress(OSError):
            Path(target).unlink()
