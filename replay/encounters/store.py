"""Records of a campaign in one file, numpy's `.npz`: to be judged, or decided, again without tracking."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np

from fusion.errors import RecordingError
from replay.alerts.model import Step
from replay.encounters.layout import OBJECT
from replay.encounters.tracking import ROW, Record
from replay.scoring.truths import ObjectRows

VERSION: Final = 1


def save(path: str | Path, seed: int, records: Sequence[Record]) -> None:
    """Write the records of one campaign."""
    heads = [
        {
            "number": each.number, "kind": each.kind, "trackable_ns": each.trackable_ns, "span_ns": each.span_ns,
            "steps": [asdict(step) for step in each.steps], "rows": len(each.rows), "truth": len(each.truth.times_ns),
        }
        for each in records
    ]  # fmt: skip
    head = json.dumps({"version": VERSION, "seed": seed, "records": heads}).encode()
    with Path(path).open("wb") as file:
        np.savez_compressed(
            file,
            head=np.frombuffer(head, np.uint8),
            rows=np.concatenate([np.zeros(0, ROW), *(each.rows for each in records)]),
            times_ns=np.concatenate([np.zeros(0, np.int64), *(each.truth.times_ns for each in records)]),
            values=np.concatenate([np.zeros((0, 6)), *(each.truth.values for each in records)]),
        )


def load(path: str | Path) -> tuple[int, list[Record]]:
    """The campaign's seed and its records. Raises RecordingError for a file that `save` did not write."""
    try:
        with np.load(Path(path)) as file:
            head = json.loads(file["head"].tobytes())
            rows, times, values = file["rows"], file["times_ns"], file["values"]
        if head["version"] != VERSION:
            raise ValueError(f"version {head['version']}; allowed is {VERSION}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordingError(str(path), f"no records of encounters: {error}") from error
    records, row, instant = [], 0, 0
    for each in head["records"]:
        own, known = slice(row, row + each["rows"]), slice(instant, instant + each["truth"])
        row, instant = own.stop, known.stop
        truth = ObjectRows(OBJECT, times[known], values[known], np.zeros(each["truth"], bool))
        steps = [_step(step) for step in each["steps"]]
        span = (int(each["span_ns"][0]), int(each["span_ns"][1]))
        records.append(Record(each["number"], each["kind"], truth, each["trackable_ns"], span, steps, rows[own]))
    return int(head["seed"]), records


def _step(fields: dict[str, object]) -> Step:
    told = fields["time_to_entry_s"]
    fields["time_to_entry_s"] = None if told is None else tuple(told)  # type: ignore[arg-type]
    fields["tracks"] = tuple(fields["tracks"])  # type: ignore[arg-type]
    return Step(**fields)  # type: ignore[arg-type]
