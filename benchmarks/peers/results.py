"""Where peers' tracks lie, and how they are read: recordings in the contract's form, with a note beside each."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from adapters.wire import Sender, decode, encode, read_tracks, tracks_message
from benchmarks.cases.case import Case
from fusion.types import Picture

PEERS = ("stonesoup-gnn", "stonesoup-jpda")
MANAGED = ("williams", "secondary", "drones")  # the cases that they are run on


def folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "skypicket" / "peers"


def path_of(peer: str, case: Case) -> Path:
    return folder() / f"{case.name}-{case.seed}-{case.digest()}-{peer}.jsonl"


def write(peer: str, case: Case, pictures: list[Picture], seconds: float, parameters: dict[str, Any]) -> Path:
    """`skypicket score` reads this file too. The note beside it says how it came about."""
    path = path_of(peer, case)
    path.parent.mkdir(parents=True, exist_ok=True)
    sender = Sender(peer, epoch=case.digest())
    messages = [sender.stamp("tracks", tracks_message(picture)) for picture in pictures]
    path.write_bytes(b"".join(encode(message, json=True).rstrip(b"\n") + b"\n" for message in messages))
    note = {"peer": peer, "case": case.name, "seed": case.seed, "seconds": seconds, "parameters": parameters}
    path.with_suffix(".note.json").write_text(json.dumps(note, indent=1))
    return path


def read(peer: str, case: Case) -> tuple[list[Picture], float] | None:
    """Pictures and seconds for the very frames of `case`; None where that peer was not run on them."""
    path = path_of(peer, case)
    note = path.with_suffix(".note.json")
    if not path.exists() or not note.exists():
        return None
    pictures = [read_tracks(decode(line)) for line in path.read_bytes().splitlines()]
    return pictures, float(json.loads(note.read_text())["seconds"])
