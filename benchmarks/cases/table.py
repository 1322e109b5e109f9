"""Ours on every case, and the peers' figures beside where a file of their results lies in the cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.cases.biased import biases_found
from benchmarks.cases.case import Case
from benchmarks.cases.catalogue import MAKERS, Length, cases
from benchmarks.cases.measure import Row, flying, pairs_of, pooled, run_ours, scores
from benchmarks.cases.modes import reliability
from benchmarks.peers.results import MANAGED, PEERS, read
from fusion.types import Picture
from replay.scoring.results import Score, ScoreOptions

OURS = "skypicket"
HEADS = (
    "case",
    "tracker",
    "GOSPA m",
    "localisation",
    "missed",
    "false",
    "switches",
    "breaks",
    "completeness",
    "position RMS m",
    "height RMS m",
    "NEES/dof",
    "false track s",
    "detections/s",
)


@dataclass(slots=True)
class Tally:
    """What one tracker did on the seeds of one case so far. scores: (seeds, ways to score)."""

    scores: list[list[Score]]
    detections: int = 0
    seconds: float = 0.0


def show(length: Length, names: Sequence[str] = (), seeds: int | None = None) -> None:
    """Run ours and print the table in Markdown, then what single cases tell besides."""
    notes: list[str] = []
    print(f"   | {' | '.join(HEADS)} |\n   |{'---|' * len(HEADS)}")
    for name in names or MAKERS:
        options: tuple[ScoreOptions, ...] = ()
        trackers = (OURS, *PEERS) if name in MANAGED else (OURS,)
        tallies = {tracker: Tally([]) for tracker in trackers}
        count = 0
        for case in cases(name, length, seeds):
            count, options = count + 1, (case.options, *case.also)
            pictures, seconds = run_ours(case)
            _add(tallies[OURS], case, pictures, seconds)
            notes += _notes(case, pictures) if count == 1 else []
            for peer in trackers[1:]:
                found = read(peer, case)
                if found is not None:
                    _add(tallies[peer], case, *found)
        _print(name, count, options, tallies)
    print("\n   " + "\n   ".join(notes) if notes else "")


def _add(tally: Tally, case: Case, pictures: Sequence[Picture], seconds: float) -> None:
    tally.scores.append(scores(case, pictures))
    tally.detections += case.detections
    tally.seconds += seconds


def _print(name: str, seeds: int, options: Sequence[ScoreOptions], tallies: dict[str, Tally]) -> None:
    for way, option in enumerate(options):
        for tracker, tally in tallies.items():
            title = f"{name}, {'plane' if option.dims == 2 else '3-D'}, c = {option.c_m:g} m, {seeds} seeds"
            if len(tally.scores) < seeds:  # fewer than ours: no comparison
                print(f"   | {title} | {tracker} |{' – |' * (len(HEADS) - 2)}", flush=True)
                continue
            row = pooled([found[way] for found in tally.scores], tally.detections, tally.seconds)
            print(f"   | {title} | {tracker} | {' | '.join(_cells(row))} |", flush=True)


def _cells(row: Row) -> list[str]:
    def told(value: float | None, form: str) -> str:
        return "–" if value is None else f"{value:{form}}"

    metres = [row.gospa_m, row.localisation_m, row.missed_m, row.false_m]
    return [
        *(f"{value:.2f}" if row.gospa_m < 100.0 else f"{value:.0f}" for value in metres),
        f"{row.switches:.1f}",
        f"{row.breaks:.1f}",
        f"{row.completeness:.3f}",
        told(row.position_rms_m, ".2f"),
        told(row.height_rms_m, ".1f"),
        told(row.nees, ".2f"),
        f"{row.false_s:.0f}",
        told(row.rate, ".0f"),
    ]


def _notes(case: Case, pictures: Sequence[Picture]) -> list[str]:
    if case.name in ("biased", "registered"):
        return biases_found(case)
    if case.name != "secondary":
        return []
    pairs = pairs_of(case, pictures, case.options)
    notes = [f"{case.name}, {OURS}: {key} {value:.2f}" for key, value in flying(pairs).items()]
    return notes + reliability(pairs, pictures)
