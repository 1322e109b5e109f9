"""What a recording holds, as aligned text and as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from adapters.site.utc import format_utc
from replay.recordings.info import Info, TopicInfo
from replay.text import Rows, aligned, number, utc

CONTAINERS: Final = {"mcap": "MCAP", "jsonl": "JSON lines"}
LONGEST_VALUE: Final = 40  # characters of metadata shown as they are; what is longer by its size
NAMES: Final = 8  # shown of a list; the rest as a number


def as_dict(info: Info) -> dict[str, Any]:
    """For JSON: every field of `Info`, with rates, span and the times in UTC beside them."""
    found = asdict(info)
    found["span_s"] = info.span_s
    found["from_utc"], found["to_utc"], found["start_utc"] = map(_utc, (info.from_ns, info.to_ns, info.start_ns))
    found["times"] = "event" if info.read == "full" else "arrival"
    found["sensors"] = info.sensors
    for name, topic in info.topics.items():
        found["topics"][name]["rate_hz"] = topic.rate_hz
    if info.chunks is not None:
        found["chunks"]["ratio"] = _ratio(info)
    found["problems"] = [{**asdict(problem), "text": str(problem)} for problem in info.problems]
    return found


def as_text(info: Info) -> str:
    """For people: what it is, a table of its topics, and what is wrong with it."""
    rows: Rows = [(name, value) for name, value in _facts(info) if value]
    width = max(len(name) for name, _ in rows)
    lines = [info.path, *(f"  {name.ljust(width)}  {value}" for name, value in rows)]
    if info.topics:
        lines += ["", aligned(_table(info))]
    if info.truncated or info.problems:
        lines += ["", "passed over:" if info.problems else "cut off", *(f"  {problem}" for problem in info.problems)]
    return "\n".join(lines)


def _facts(info: Info) -> list[tuple[str, str]]:
    times = "" if info.read == "full" else " (times of arrival)"
    span = ""
    if info.from_ns is not None and info.to_ns is not None:
        span = f"{utc(info.from_ns)} to {utc(info.to_ns)}, {info.span_s:,.1f} s{times}"
    size = f"{CONTAINERS[info.container]}, {info.size or 0:,} bytes"
    if info.attachments:
        size += f", {info.attachments} attachments that skypicket does not read"
    start = "" if info.start_ns is None else f"{utc(info.start_ns)}: the first message, from which seconds count"
    return [
        ("container", size),
        ("read", _how(info)),
        ("messages", f"{info.messages:,}"),
        ("span", span),
        ("start", start),
        ("chunks", _chunks(info)),
        ("metadata", ", ".join(_entry(name, value) for name, value in sorted(info.metadata.items()))),
        ("sensors", _list(info.sensors)),
        ("senders", _list([_sender(name, epochs) for name, epochs in info.senders.items()])),
    ]


def _how(info: Info) -> str:
    if info.read == "index":
        return "its index; --full reads every message, and finds damage, gaps and bytes"
    return "every message" + (f", for there is {info.why_full}" if info.why_full else "")


def _chunks(info: Info) -> str:
    chunks = info.chunks
    if chunks is None:
        return ""
    if not chunks.count:
        return "none: messages one by one"
    ratio = _ratio(info)
    names = ", ".join(name or "not compressed" for name in sorted(chunks.compressions))
    inside = f"{chunks.inside:,} bytes in {chunks.packed:,}"
    return f"{chunks.count:,}, {names}: {inside}" + (f", {ratio:.2f} to 1" if ratio else "")


def _ratio(info: Info) -> float | None:
    return info.chunks.inside / info.chunks.packed if info.chunks is not None and info.chunks.packed else None


def _entry(name: str, value: str) -> str:
    short = len(value) <= LONGEST_VALUE and value.isprintable()
    return f"{name} {value}" if short else f"{name} ({len(value.encode(errors='replace')):,} bytes)"


def _sender(name: str, epochs: list[str]) -> str:
    return f"{name} (epoch {epochs[0]})" if len(epochs) == 1 else f"{name} ({len(epochs):,} epochs)"


def _list(names: list[str]) -> str:
    more = f" and {len(names) - NAMES:,} more" if len(names) > NAMES else ""
    return ", ".join(names[:NAMES]) + more


def _table(info: Info) -> Rows:
    full = info.read == "full"
    detections = any(topic.detections is not None for topic in info.topics.values())
    duplicates = any(topic.duplicates for topic in info.topics.values())
    head = ["topic", "messages", "rate"]
    head += ["bytes", "gaps"] * full + ["duplicates"] * duplicates + ["detections"] * detections
    rows: Rows = [(*head, "first", "last")]
    for name, topic in info.topics.items():
        cells = [name, f"{topic.messages:,}", number(topic.rate_hz, 2, "Hz")]
        cells += [_count(topic.bytes), _count(topic.gaps)] * full
        cells += [_count(topic.duplicates)] * duplicates + [_count(topic.detections)] * detections
        rows.append((*cells, *_ends(topic)))
    return rows


def _ends(topic: TopicInfo) -> tuple[str, str]:
    first, last = topic.first_ns, topic.last_ns
    return "" if first is None else utc(first), "" if last is None else utc(last)


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _utc(time_ns: int | None) -> str | None:
    return None if time_ns is None else format_utc(time_ns)
