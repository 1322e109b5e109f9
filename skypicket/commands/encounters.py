"""`skypicket encounters`."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Final

from skypicket.arguments import add_command, whole
from skypicket.exits import DONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from replay.encounters.results import Judged, Results
    from skypicket.arguments import Subparsers

TOLD_EVERY_S: Final = 10.0


def add_parser(subparsers: Subparsers) -> None:
    parser = add_command(
        subparsers,
        "encounters",
        run,
        "how good the alerts are, over thousands of simulated encounters",
        "Simulate encounters of a manoeuvring object with a zone, track each through the core, and judge the alerts: "
        "warnings before entries, nuisances, flaps, and whether probabilities come true (docs/encounters.md).",
        "encounters",
        "encounters --count 200 --seed 7 --out campaign",
    )
    parser.add_argument("--count", type=whole(1), default=2000, metavar="N", help="so many (default 2000)")
    parser.add_argument("--seed", type=whole(0), default=1, metavar="S", help="another seed, other encounters (1)")
    parser.add_argument("--workers", type=whole(1), default=2, metavar="W", help="processes (default 2)")
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="a folder, made where it is not there, for results.json, reliability.png, warnings.png and records.npz",
    )


def run(arguments: argparse.Namespace) -> int:
    from replay.encounters.campaign import spread
    from replay.encounters.results import OURS, figures, meet, results, rows
    from replay.text import aligned
    from skypicket.console import compile_kernels

    folder = _folder(arguments.out)
    compile_kernels()
    numbers = range(arguments.count)
    found = list(_told(spread(meet, arguments.seed, numbers, arguments.workers), arguments.count))
    summary = results(arguments.seed, found)
    print(aligned(rows({OURS: figures(summary.score, summary.one)})))
    for each in summary.accounts:
        print(f"{each.outcome}: encounter {each.number} ({each.kind}), {each.at_s:.0f} s: {each.why}")
    if folder is not None:
        _write(folder, summary, found)
        print(f"\nIn {folder}: results.json, reliability.png, warnings.png, records.npz")
    return DONE


def _folder(name: str | None) -> Path | None:
    from pathlib import Path

    from fusion.errors import ConfigError

    if name is None:
        return None
    path = Path(name)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError("--out", name, f"a folder that can be made: {error.strerror}") from error
    return path


def _told(found: Iterable[Judged], count: int) -> Iterator[Judged]:
    """Pass on, and say now and then how far it is."""
    begun = last = time.monotonic()
    for number, each in enumerate(found, 1):
        now = time.monotonic()
        if now - last >= TOLD_EVERY_S:
            last = now
            left = (now - begun) * (count - number) / number
            print(f"{number:,} of {count:,} encounters, {left:.0f} s to go", file=sys.stderr)
        yield each


def _write(folder: Path, summary: Results, found: list[Judged]) -> None:
    import json

    from replay.encounters.picture import draw_warnings
    from replay.encounters.results import as_json
    from replay.encounters.store import save
    from replay.pictures.plot_reliability import draw_reliability

    (folder / "results.json").write_text(json.dumps(as_json(summary), indent=1, allow_nan=False) + "\n")
    save(folder / "records.npz", summary.seed, [each.record for each in found])
    draw_reliability(summary.one, "Do probabilities come true? One forecast an encounter").savefig(
        folder / "reliability.png"
    )
    draw_warnings(summary.score).savefig(folder / "warnings.png")
